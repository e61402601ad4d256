//! Who caused a request to a server: a person, or an open tab that asks by itself.
//!
//! JupyterLab asks for kernels, sessions, terminals, kernel specs, the visible folder and a few more every 10 to 60
//! seconds as long as its tab is open. These requests are reads of a handful of addresses; everything else is taken for
//! something a person did. Where a read cannot be told apart (the file browser lists a folder again, or a person opened
//! it) it counts as the tab's: what people do next (open, run, save, move a panel) is a write, a page or a message. The
//! one thing that a tab writes by itself is in [`super::saves`].
//!
//! Invariant: nothing is kept from anybody by this; it decides about sleep and waking only.

use axum::http::HeaderMap;
use hyper::Method;

/// Who caused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A person, or a program on their behalf.
    Person,
    /// An open tab, by itself.
    Tab,
}

/// Reads that JupyterLab repeats by itself, this very path.
const POLLED: &[&str] = &[
    "api",
    "api/",
    "api/me",
    "api/status",
    "api/kernelspecs",
    "lsp/status",
    "lab/api/news",
    "lab/api/workspaces",
    "metrics",
];
/// The same, this path and what is below it.
const POLLED_BELOW: &[&str] =
    &["api/kernels", "api/sessions", "api/terminals", "api/contents", "api/metrics", "api/events", "api/collaboration"];

impl Cause {
    /// Of a request to a server; `path` is what follows the server's prefix, without the query.
    ///
    /// Opening a WebSocket is the tab's doing, as it comes back by itself after every break; what is sent through it is
    /// judged by [`super::frames`].
    pub fn of(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        if reads && !is_page(headers) && (*method == Method::OPTIONS || is_polled(path) || is_upgrade(headers)) {
            Self::Tab
        } else {
            Self::Person
        }
    }
}

/// A browser goes to this address, by a click or a reload.
fn is_page(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate")
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(hyper::header::UPGRADE)
}

fn is_polled(path: &str) -> bool {
    let below = |root: &&str| path.strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    POLLED.contains(&path) || POLLED_BELOW.iter().any(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(line: &str, headers: &[(&'static str, &'static str)]) -> Cause {
        let (method, path) = line.split_once(' ').unwrap();
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Cause::of(&method.parse().unwrap(), path, &headers)
    }

    #[test]
    fn what_an_open_tab_asks_by_itself_is_no_persons_doing() {
        for line in [
            "GET api/kernels",
            "GET api/sessions",
            "GET api/terminals",
            "GET api/kernelspecs",
            "GET api/contents",
            "GET api/contents/",
            "GET api/contents/course/week%201.ipynb",
            "GET api/me",
            "GET api/status",
            "GET api/metrics/v1",
            "HEAD api/contents/a",
            "GET api",
            "GET lab/api/workspaces",
            "OPTIONS api/contents/a",
        ] {
            assert_eq!(cause(line, &[]), Cause::Tab, "{line}");
        }
        assert_eq!(cause("GET api/kernels/1/channels", &[("upgrade", "websocket")]), Cause::Tab);
        assert_eq!(cause("GET terminals/websocket/1", &[("upgrade", "websocket")]), Cause::Tab);
    }

    #[test]
    fn what_a_person_does_is_seen() {
        for line in [
            "POST api/kernels",
            "PUT api/contents/a.ipynb",
            "DELETE api/sessions/1",
            "PUT lab/api/workspaces/default",
            "GET lab",
            "GET lab/tree/a.ipynb",
            "GET files/data.csv",
            "GET api/kernelspecs-of-mine",
            "GET api/contentsx",
            "GET ",
            "GET static/lab/main.js",
        ] {
            assert_eq!(cause(line, &[]), Cause::Person, "{line}");
        }
        assert_eq!(cause("GET api/contents/a", &[("sec-fetch-mode", "navigate")]), Cause::Person);
        assert_eq!(cause("GET api/contents/a", &[("sec-fetch-mode", "cors")]), Cause::Tab);
    }
}
