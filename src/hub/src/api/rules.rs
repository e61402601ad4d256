//! What holds for every call (contract 1.1): `OPTIONS` needs nobody, `HEAD` is no method here, and answers that did
//! not change since the client saw them are not sent again.

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::Next;
use axum::response::IntoResponse;
use sha2::{Digest, Sha256};

use crate::http::faults::Fault;

/// Largest body of a call, bytes: a list of thousands of names.
pub const BODY_MAX: usize = 1024 * 1024;
/// The one address that answers `HEAD`.
const HEALTH: &str = "/health";
/// Characters of a tag: 80 bits of the body's SHA-256.
const TAG: usize = 20;

/// Around all routes of the API.
pub async fn apply(request: Request, next: Next) -> Response<Body> {
    match *request.method() {
        Method::OPTIONS => return StatusCode::OK.into_response(),
        Method::HEAD if !request.uri().path().ends_with(HEALTH) => return Fault::Method.into_response(),
        Method::GET => {}
        _ => return next.run(request).await,
    }
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    // Only what lies in memory as a whole: an event stream has no end.
    let whole = response.body().size_hint().exact().is_some();
    if response.status() == StatusCode::OK && whole { tagged(response, known.as_ref()).await } else { response }
}

async fn tagged(response: Response<Body>, known: Option<&HeaderValue>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return Fault::Internal("an answer in memory could not be read".into()).into_response();
    };
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).take(TAG / 2).collect();
    let Ok(tag) = HeaderValue::from_str(&format!("\"{hash}\"")) else {
        return Response::from_parts(head, Body::from(bytes));
    };
    let unchanged = known.is_some_and(|known| names(known, &tag));
    head.headers.insert(header::ETAG, tag);
    if unchanged {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(header::CONTENT_TYPE);
        head.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::from(bytes))
}

/// Whether `If-None-Match` names the tag (RFC 9110 13.1.2: compared as weak ones).
fn names(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_strong() {
        let tag = HeaderValue::from_static("\"abc\"");
        for known in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert!(names(&HeaderValue::from_static(known), &tag), "{known}");
        }
        for known in ["\"ab\"", "abc", ""] {
            assert!(!names(&HeaderValue::from_static(known), &tag), "{known}");
        }
    }
}
