//! Seeing a server answer for the first time.

use std::path::Path;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;

use super::address::Address;

/// First and longest pause between two tries.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// Returns when `GET path` on the socket is answered with any status below 500 (contract 6.5).
///
/// Has no deadline of its own. The socket does not exist at first, so this tries again after a short pause
/// that grows to 100 ms; a connection that is accepted is waited for without any polling.
pub async fn wait(socket: &Path, path: &str) {
    wait_at(&Address::Socket(socket.to_owned()), path).await;
}

/// As [`wait`], of any address.
pub async fn wait_at(address: &Address, path: &str) {
    let mut pause = PAUSE.0;
    while answers(address, path).await.is_none_or(|status| status.as_u16() >= 500) {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

async fn answers(address: &Address, path: &str) -> Option<StatusCode> {
    let stream = address.connect().await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path).header("host", "localhost").body(Empty::<Bytes>::new()).ok()?;
    // The connection's future moves the bytes; it is dropped with this function.
    tokio::select! {
        response = sender.send_request(request) => response.ok().map(|response| response.status()),
        _ = connection => None,
    }
}
