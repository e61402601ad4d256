//! Lines as they come: journalctl writes, they are cleaned here, and a socket takes them to the caller.
//!
//! Invariant: a follow ends with its caller, after [`SPAN`], or when the broker is to end, whichever is first; nothing
//! is kept of what the caller does not take. While one runs, the broker does.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdout};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};

use super::choice::Beginning;
use super::entry;
use super::lines::Lines;
use crate::calls::Call;
use crate::errors::Error;

/// Follows at once.
pub const FOLLOWS_MAX: usize = 32;
/// How long one lasts: callers ask again after the last line they have.
const SPAN: Duration = Duration::from_secs(600);
/// Bytes of one line of journalctl, which itself leaves out fields longer than 4096.
const LINE_MAX: u64 = 512 * 1024;

/// Begins to follow; returns the end of the socket from which a JSON object a line can be read. `call` and `place` are
/// held until it ends.
pub fn follow(lines: &Lines, from: &Beginning, call: Call, place: OwnedSemaphorePermit) -> Result<OwnedFd, Error> {
    let failed = |error: io::Error| Error::failed("Following the journal", error);
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let theirs = theirs.into_std().map_err(failed)?;
    let mut child = super::command(&from.arguments(), lines).spawn().map_err(failed)?;
    let output = child.stdout.take().ok_or_else(|| failed(io::Error::other("no output of journalctl")))?;
    tokio::spawn(async move {
        // The caller is gone, or so is journalctl: either way there is nobody to tell.
        if let Err(error) = pump(output, ours, &call).await {
            tracing::debug!("A follow of the journal ended: {error}");
        }
        end(child).await;
        drop(place);
    });
    Ok(theirs.into())
}

async fn pump(output: ChildStdout, caller: UnixStream, call: &Call) -> io::Result<()> {
    let (mut heard, mut told) = caller.into_split();
    let moving = async {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut output).take(LINE_MAX).read_until(b'\n', &mut line).await?;
            if read == 0 {
                return Ok(());
            }
            if let Some(told_line) = entry::read(&line, entry::line) {
                told.write_all(told_line.as_bytes()).await?;
                told.write_all(b"\n").await?;
            }
        }
    };
    let mut nothing = [0];
    tokio::select! {
        moved = moving => moved,
        // The caller has nothing to say: an answer here means that its end is closed.
        _ = heard.read(&mut nothing) => Ok(()),
        () = call.dismissed() => Ok(()),
        () = sleep_until(Instant::now() + SPAN) => Ok(()),
    }
}

/// Takes journalctl away with its process id.
async fn end(mut child: Child) {
    if let Err(error) = child.kill().await {
        tracing::debug!("journalctl had ended already: {error}");
    }
}
