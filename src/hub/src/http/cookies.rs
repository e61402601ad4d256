//! Cookies in both directions (RFC 6265).

use axum::http::header::{COOKIE, HeaderMap, HeaderValue};

/// The hub's own session cookie, sent to the hub's pages only.
pub const LOGIN: &str = "jupyterhub-hub-login";
/// The browser session's public id, sent everywhere: it opens nothing, and tells servers of a log-out.
pub const SESSION_ID: &str = "jupyterhub-session-id";
/// The form protection's cookie.
pub const XSRF: &str = "_xsrf";
/// The language a person chose.
pub const LANGUAGE: &str = "hub-language";
/// The colours a person chose.
pub const THEME: &str = "hub-theme";
/// How the names of all cookies begin that belong to the hub and never reach a person's server.
const OURS: [&str; 3] = ["jupyterhub-", "hub-language", "hub-theme"];

/// Every cookie of that name, in the order sent; browsers send the most specific path first.
pub fn all<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    pairs(headers).filter_map(move |pair| {
        let (found, value) = pair.split_once('=')?;
        (found == name).then_some(value)
    })
}

/// The first cookie of that name.
pub fn find<'a>(headers: &'a HeaderMap, name: &'a str) -> Option<&'a str> {
    all(headers, name).next()
}

/// The `Cookie` header without the cookies that are to be hidden; `None` when nothing is left.
pub fn without(headers: &HeaderMap, hides: impl Fn(&str) -> bool) -> Option<HeaderValue> {
    let kept: Vec<&str> = pairs(headers).filter(|pair| !hides(pair)).collect();
    if kept.is_empty() { None } else { HeaderValue::from_str(&kept.join("; ")).ok() }
}

/// Whether a `name=value` pair, or a whole `Set-Cookie` value, is about a cookie of the hub.
pub fn is_ours(pair: &str) -> bool {
    let pair = pair.trim_start();
    OURS.iter().any(|prefix| pair.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
}

/// Whether a `name=value` pair, or a whole `Set-Cookie` value, is about the cookie that logs a browser in.
pub fn is_login(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default().trim();
    name.eq_ignore_ascii_case(LOGIN)
}

/// The same of the session's public id.
pub fn is_session_id(pair: &str) -> bool {
    pair.split('=').next().unwrap_or_default().trim().eq_ignore_ascii_case(SESSION_ID)
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
}

/// How a cookie is set.
#[derive(Clone, Copy, Debug)]
pub struct Cookie<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value: no control characters, blanks, commas, semicolons or quotes.
    pub value: &'a str,
    /// The paths it is sent to.
    pub path: &'a str,
    /// Seconds to keep it; `None` until the browser closes; 0 deletes it.
    pub max_age: Option<u64>,
    /// Whether scripts may read it.
    pub script: Script,
}

/// Whether scripts of a page may read a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// `HttpOnly`.
    Hidden,
    /// Readable.
    Readable,
}

/// Which connections a cookie may be sent over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Any.
    Anywhere,
    /// Encrypted ones only: `Secure`.
    Encrypted,
}

impl Cookie<'_> {
    /// The `Set-Cookie` value; `None` if a part cannot stand in a header.
    pub fn header(&self) -> Option<HeaderValue> {
        self.header_over(Sent::Anywhere)
    }

    /// As [`Cookie::header`], saying which connections it may be sent over.
    pub fn header_over(&self, sent: Sent) -> Option<HeaderValue> {
        let mut text = format!("{}={}; Path={}; SameSite=Lax", self.name, self.value, self.path);
        if let Some(seconds) = self.max_age {
            text = format!("{text}; Max-Age={seconds}");
        }
        if self.script == Script::Hidden {
            text.push_str("; HttpOnly");
        }
        if sent == Sent::Encrypted {
            text.push_str("; Secure");
        }
        HeaderValue::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, HeaderValue::from_static(line))).collect()
    }

    #[test]
    fn cookies_of_the_hub_are_taken_out_and_the_rest_is_kept() {
        let sent = headers(&[
            "_xsrf=2|a; jupyterhub-user-alice=x; theme=dark",
            " JupyterHub-session-id=y;hub-language=en; hub-theme=dark",
        ]);
        assert_eq!(without(&sent, is_ours).unwrap(), "_xsrf=2|a; theme=dark");
        assert_eq!(without(&headers(&["jupyterhub-user-alice=x"]), is_ours), None);
    }

    #[test]
    fn the_login_alone_can_be_hidden() {
        let sent = headers(&["jupyterhub-hub-login=x; jupyterhub-user-alice=y", "jupyterhub-session-id=z"]);
        assert_eq!(without(&sent, is_login).unwrap(), "jupyterhub-user-alice=y; jupyterhub-session-id=z");
        assert!(is_login("JupyterHub-Hub-Login=x; Path=/") && !is_login("jupyterhub-hub-login2=x"));
    }

    #[test]
    fn the_first_of_several_is_found_and_all_are_offered() {
        let sent = headers(&["_xsrf=one; a=b", "_xsrf=two"]);
        assert_eq!(find(&sent, "_xsrf"), Some("one"));
        assert_eq!(all(&sent, "_xsrf").collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(find(&sent, "xsrf"), None);
    }

    #[test]
    fn a_cookie_with_a_line_break_is_not_set() {
        let cookie = Cookie { name: "a", value: "b\r\nc", path: "/", max_age: None, script: Script::Hidden };
        assert!(cookie.header().is_none());
    }
}
