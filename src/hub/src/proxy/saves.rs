//! What an open tab saves by itself, changed or not: JupyterLab 4.6 writes its workspace (the layout of its panels) every
//! ten seconds. The same once more is no person's doing, and a server that sleeps holds it already.
//!
//! Invariant: what differs from the last save, or is too large to be compared, is a person's doing and reaches the server.

use axum::body::to_bytes;
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header;
use hyper::{Method, Request};
use sha2::{Digest, Sha256};

use crate::http::faults::Fault;
use crate::servers::saves::Save;

/// Where JupyterLab's workspaces are.
const WORKSPACES: &str = "lab/api/workspaces/";
/// Bytes of a save that is compared.
const BYTES_MAX: usize = 256 << 10;

/// What is sent to a server: as it comes, or read already.
pub type Sent = Either<Incoming, Full<Bytes>>;

/// As it comes.
pub fn streamed(request: Request<Incoming>) -> Request<Sent> {
    request.map(Either::Left)
}

/// Reads what a tab may save by itself; `path`: behind the server's prefix. Everything else is sent as it comes.
pub async fn read(request: Request<Incoming>, path: &str) -> Result<(Request<Sent>, Option<Save>), Fault> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let small = length.is_some_and(|length: usize| length <= BYTES_MAX);
    if *request.method() != Method::PUT || !path.starts_with(WORKSPACES) || !small {
        return Ok((streamed(request), None));
    }
    let target = request.uri().path().to_owned();
    let (head, body) = request.into_parts();
    let broken = |_| Fault::BadRequest("the request ended before its body did".into());
    let body = to_bytes(axum::body::Body::new(body), BYTES_MAX).await.map_err(broken)?;
    let save = Save { target, digest: Sha256::digest(&body).into() };
    Ok((Request::from_parts(head, Either::Right(Full::new(body))), Some(save)))
}
