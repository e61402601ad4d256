//! What outlives a request: tunnels (WebSockets) and bodies that still stream. Both end with the visitor's right.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::frames::{Frames, Talk};
use crate::clock::now;
use crate::servers::state::{Backend, InUse};

/// Bytes buffered per direction of a tunnel.
const BUFFER: usize = 16 * 1024;
/// So long after a tunnel opened its messages are nobody's doing: JupyterLab asks every kernel how it is, by itself,
/// whenever a broken connection is there again.
const GREETING: Duration = Duration::from_secs(10);

/// Moves bytes both ways until one side closes, the right to do so is `revoked`, or one of `ends` is cancelled.
/// `used`: the server that it is activity of, and how its messages are read.
pub async fn tunnel(
    (browser, server): (OnUpgrade, OnUpgrade),
    used: Option<(Arc<Backend>, Talk)>,
    revoked: BoxFuture<'static, ()>,
    ends: [CancellationToken; 2],
) {
    let [gone, stop] = ends;
    let heard = used.as_ref().map(|(backend, talk)| (Arc::clone(backend), *talk));
    let work = async {
        // Either side may have gone away before the switch; then there is nothing to move.
        let (Ok(browser), Ok(server)) = tokio::join!(browser, server) else { return };
        let (mut browser, mut server) = (Heard::new(TokioIo::new(browser), heard), TokioIo::new(server));
        let _ = copy_bidirectional_with_sizes(&mut browser, &mut server, BUFFER, BUFFER).await;
    };
    tokio::select! {
        () = work => {}
        () = revoked => {}
        () = gone.cancelled() => {}
        () = stop.cancelled() => {}
    }
    if let Some((backend, _)) = used {
        backend.touch(now());
    }
}

/// The browser's side of a tunnel: notes when a person says something.
struct Heard<S> {
    stream: S,
    opened: Instant,
    ear: Option<(Arc<Backend>, Frames)>,
}

impl<S> Heard<S> {
    fn new(stream: S, used: Option<(Arc<Backend>, Talk)>) -> Self {
        Self { stream, opened: Instant::now(), ear: used.map(|(backend, talk)| (backend, Frames::new(talk))) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if let (Poll::Ready(Ok(())), Some((backend, frames))) = (&read, &mut this.ear) {
            let caused = frames.feed(buffer.filled().get(before..).unwrap_or_default());
            if caused {
                // Wakes a server that sleeps.
                backend.message();
                if this.opened.elapsed() >= GREETING {
                    backend.attend(now());
                }
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
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

/// Whether a body could not be read because the visitor's token was revoked.
pub fn is_ended(error: &(dyn Error + 'static)) -> bool {
    error.is::<TokenEnded>() || error.source().is_some_and(is_ended)
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

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
