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
    let response = sender.send_request(request);
    tokio::pin!(response);
    // The connection's future moves the bytes; it is dropped with this function. It ends first when the server answers and
    // hangs up in one go: then the answer lies there.
    let response = tokio::select! {
        response = &mut response => response,
        _ = connection => response.await,
    };
    response.ok().map(|response| response.status())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::wait;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;
    use tokio::time::timeout;

    /// Answers each connection with the next of these texts and hangs up at once; returns how many were asked for.
    async fn asked_until_ready(answers: &[&str]) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        let mut asked = 0;
        let serving = async {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                asked += 1;
                let _ = stream.read(&mut [0; 4096]).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = serving => {}
            ready = timeout(Duration::from_secs(20), wait(&socket, "/user/a/api")) => ready.unwrap(),
        }
        asked
    }

    #[tokio::test]
    async fn an_answer_of_a_server_that_hangs_up_counts() {
        let good = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(asked_until_ready(&[good]).await, 1);
    }

    #[tokio::test]
    async fn nothing_and_errors_of_the_server_are_asked_again() {
        let wrong = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        let refused = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(asked_until_ready(&["", wrong, "no HTTP\r\n\r\n", refused]).await, 4);
    }
}
