//! What outlives a request: tunnels (WebSockets) and bodies that still stream. Both end with the visitor's right.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional_with_sizes;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::clock::now;
use crate::servers::state::{Backend, InUse};

/// Bytes buffered per direction of a tunnel.
const BUFFER: usize = 16 * 1024;

/// Moves bytes both ways until one side closes, the right to do so is `revoked`, or one of `ends` is cancelled.
/// `used`: the server that it was activity of.
pub async fn tunnel(
    (browser, server): (OnUpgrade, OnUpgrade),
    used: Option<Arc<Backend>>,
    revoked: BoxFuture<'static, ()>,
    ends: [CancellationToken; 2],
) {
    let [gone, stop] = ends;
    let work = async {
        // Either side may have gone away before the switch; then there is nothing to move.
        let (Ok(browser), Ok(server)) = tokio::join!(browser, server) else { return };
        let (mut browser, mut server) = (TokioIo::new(browser), TokioIo::new(server));
        let _ = copy_bidirectional_with_sizes(&mut browser, &mut server, BUFFER, BUFFER).await;
    };
    tokio::select! {
        () = work => {}
        () = revoked => {}
        () = gone.cancelled() => {}
        () = stop.cancelled() => {}
    }
    if let Some(backend) = used {
        backend.touch(now());
    }
}

/// A body that breaks off when the token it was sent for is revoked.
pub struct Guarded {
    body: Incoming,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Until all of it was read.
    in_use: Option<InUse>,
}

impl Guarded {
    /// Guards `body` with the end of a token; its server is in use until it has been read.
    pub fn new(body: Incoming, ended: WaitForCancellationFutureOwned, in_use: Option<InUse>) -> Self {
        Self { body, ended: Box::pin(ended), in_use }
    }
}

/// The token was revoked while an answer was still streaming.
#[derive(Debug, thiserror::Error)]
#[error("the token was revoked")]
pub struct TokenEnded;

impl Body for Guarded {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if this.ended.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(TokenEnded.into())));
        }
        let polled = Pin::new(&mut this.body).poll_frame(context);
        if this.body.is_end_stream() || matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            this.in_use = None;
        }
        polled.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
