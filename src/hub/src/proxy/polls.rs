//! What an open tab asks by itself, again and again, while its server sleeps: it is told what it was told last, and
//! the server sleeps on.
//!
//! Recorded with JupyterLab 4.0.11: every 10 s kernels, sessions, terminals and the folder of the file browser, every
//! 61 s kernel specs and who I am; with 4.6.6 every 10 s the workspaces, too, and one is saved ([`super::saves`]). Nothing can have changed meanwhile but files that somebody else changed. Everything
//! that is not known, a person caused, and wakes the server. Invariants: the gate is passed first, as with every
//! request; an answer is told only to the bearer of the token, and of the cookies, that got it before.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use hyper::header::{self, HeaderMap};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;

use super::gate;
use super::headers::{self, Credentials};
use crate::app::App;
use crate::auth::tokens::{Kind, Token};
use crate::clock::Usec;
use crate::http::cookies;
use crate::servers::answers::{Answer, BYTES_MAX, Question};
use crate::servers::server::Server;
use crate::servers::state::State;

/// Reads that JupyterLab repeats by itself.
const POLLED: [&str; 8] = [
    "api/kernels",
    "api/sessions",
    "api/terminals",
    "api/kernelspecs",
    "api/me",
    "api/status",
    "api/metrics/v1",
    "lab/api/workspaces",
];
/// The same of what lies below: the folder that the file browser shows.
const FOLDERS: &str = "api/contents";

/// The question of a request, if a tab may repeat it. `path`: behind the server's prefix.
pub fn question<B>(request: &Request<B>, path: &str, token: &Token, credentials: Credentials) -> Option<Question> {
    let folder = is_folder(path);
    if !(folder || POLLED.contains(&path)) || *request.method() != Method::GET || gate::is_upgrade(request) {
        return None;
    }
    if gate::is_navigation(request) {
        return None;
    }
    let target = request.uri().path_and_query()?.as_str();
    Some(Question {
        token: token.id,
        credentials: headers::credentials(request.headers(), credentials),
        target: without_moment(target).to_owned(),
        folder,
    })
}

fn is_folder(path: &str) -> bool {
    path.strip_prefix(FOLDERS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// JupyterLab adds the time in milliseconds, so that browsers keep nothing: `...?1732790000000`, `...&1732790000000`.
fn without_moment(target: &str) -> &str {
    let Some(at) = target.rfind(['?', '&']) else { return target };
    let (kept, last) = target.split_at(at);
    let digits = last.get(1..).unwrap_or_default();
    if digits.len() >= 12 && digits.bytes().all(|byte| byte.is_ascii_digit()) { kept } else { target }
}

/// The token behind a browser that a server of kind `singleuser` has let in: its session is that of a living token for
/// this server. Whoever has none is let in by nobody but the server.
pub fn bearer(app: &App, server: &Server, headers: &HeaderMap, now: Usec) -> Option<Arc<Token>> {
    let session = cookies::find(headers, cookies::SESSION_ID)?;
    let issued = app.tokens.select(now, |token| {
        token.kind == Kind::OAuth
            && token.client.as_deref() == Some(server.client.as_str())
            && token.session.as_deref() == Some(session)
    });
    issued.into_iter().find(|token| app.access.may_enter(&app.access.of_token(token), &server.id))
}

/// Returns when the server is asleep.
pub async fn asleep(server: &Server) {
    let mut changes = server.follow();
    if changes.wait_for(|snapshot| snapshot.state == State::Suspended).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The answer as it was, or that nothing changed, where the tab knows it by its tag.
pub fn told(answer: Answer, asked: &HeaderMap) -> Response<Body> {
    let tag = answer.headers.get(header::ETAG);
    let known = tag.is_some() && asked.get(header::IF_NONE_MATCH) == tag;
    let mut response = Response::new(if known { Body::empty() } else { Body::from(answer.body) });
    *response.headers_mut() = answer.headers;
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response
}

/// Reads a small answer to its end and gives it back with what may be told again; another one is given back as it came.
pub async fn read(
    response: Response<Body>,
    question: &Question,
) -> Result<(Response<Body>, Option<Answer>), axum::Error> {
    if response.status() != StatusCode::OK || !is_small_json(response.headers()) {
        return Ok((response, None));
    }
    let (head, body) = response.into_parts();
    let body = to_bytes(body, BYTES_MAX).await?;
    let mut headers = head.headers.clone();
    headers.remove(header::SET_COOKIE);
    headers.remove(header::DATE);
    let answer = (!question.folder || is_listing(&body)).then(|| Answer { headers, body: body.clone() });
    Ok((Response::from_parts(head, Body::from(body)), answer))
}

fn is_small_json(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| length <= BYTES_MAX)
        && text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json"))
        && !headers.contains_key(header::CONTENT_ENCODING)
}

/// A folder's listing, not a file: a file that is opened must be the file as it is.
fn is_listing(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Model<'m> {
        #[serde(rename = "type")]
        kind: &'m str,
    }
    serde_json::from_slice::<Model<'_>>(body).is_ok_and(|model| model.kind == "directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_that_jupyterlab_adds_is_no_part_of_the_question() {
        for (target, kept) in [
            ("/user/a/api/kernels?1732790000000", "/user/a/api/kernels"),
            ("/user/a/api/contents/?content=1&hash=0&1732790000000", "/user/a/api/contents/?content=1&hash=0"),
            ("/user/a/api/contents/?content=1", "/user/a/api/contents/?content=1"),
            ("/user/a/api/contents/?123", "/user/a/api/contents/?123"),
            ("/user/a/api/contents/?x=1732790000000", "/user/a/api/contents/?x=1732790000000"),
            ("/user/a/api/kernels", "/user/a/api/kernels"),
        ] {
            assert_eq!(without_moment(target), kept);
        }
    }

    #[test]
    fn listings_are_told_again_and_files_are_not() {
        assert!(is_listing(br#"{"name": "", "path": "", "type": "directory", "content": [{"type": "file"}]}"#));
        assert!(!is_listing(br#"{"name": "a", "type": "notebook", "content": {}}"#));
        assert!(!is_listing(b"[]") && !is_listing(b"{}"));
    }

    #[test]
    fn a_tab_that_knows_the_answer_is_told_so() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, "\"a\"".parse().unwrap());
        let answer = Answer { headers: headers.clone(), body: "[]".into() };
        let mut asked = HeaderMap::new();
        assert_eq!(told(answer.clone(), &asked).status(), StatusCode::OK);
        asked.insert(header::IF_NONE_MATCH, "\"a\"".parse().unwrap());
        assert_eq!(told(answer.clone(), &asked).status(), StatusCode::NOT_MODIFIED);
        asked.insert(header::IF_NONE_MATCH, "\"b\"".parse().unwrap());
        assert_eq!(told(answer, &asked).status(), StatusCode::OK);
    }
}
