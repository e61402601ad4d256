//! What outlives a request: tunnels (WebSockets) and bodies that still stream. Both end with the session.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional_with_sizes;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::clock::now;
use crate::servers::state::Backend;

/// Bytes buffered per direction of a tunnel.
const BUFFER: usize = 16 * 1024;

/// Moves bytes both ways until one side closes or one of `ends` is cancelled.
pub async fn tunnel(browser: OnUpgrade, server: OnUpgrade, backend: Arc<Backend>, ends: [CancellationToken; 3]) {
    let [session, gone, stop] = ends;
    let work = async {
        // Either side may have gone away before the switch; then there is nothing to move.
        let (Ok(browser), Ok(server)) = tokio::join!(browser, server) else { return };
        let (mut browser, mut server) = (TokioIo::new(browser), TokioIo::new(server));
        let _ = copy_bidirectional_with_sizes(&mut browser, &mut server, BUFFER, BUFFER).await;
    };
    tokio::select! {
        () = work => {}
        () = session.cancelled() => {}
        () = gone.cancelled() => {}
        () = stop.cancelled() => {}
    }
    backend.touch(now());
}

/// A body that breaks off when the session it was sent for ends.
pub struct Guarded {
    body: Incoming,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Guarded {
    /// Guards `body` with the end of a session.
    pub fn new(body: Incoming, ended: WaitForCancellationFutureOwned) -> Self {
        Self { body, ended: Box::pin(ended) }
    }
}

/// The session ended while an answer was still streaming.
#[derive(Debug, thiserror::Error)]
#[error("the session ended")]
pub struct SessionEnded;

impl Body for Guarded {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if this.ended.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(SessionEnded.into())));
        }
        Pin::new(&mut this.body).poll_frame(context).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
