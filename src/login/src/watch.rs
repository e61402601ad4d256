//! Notices that the hub hung up while a PAM module still works, and ends the process.
//!
//! A module may block for minutes; a login nobody waits for must not keep its place. Invariant: a password change is
//! never broken off by this.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, thread};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, raise};

/// Watches the socket until it is told to hold.
pub struct Watch(Arc<AtomicBool>);

impl Watch {
    /// Starts to watch. `farewell` is called just before the process ends.
    pub fn start(socket: OwnedFd, farewell: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let held = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&held);
        thread::Builder::new().name("watch".to_owned()).spawn(move || {
            if hung_up(&socket) && !seen.load(Ordering::SeqCst) {
                farewell();
                // The signal of an orderly end: the unit does not count as failed. The socket's own buffers die
                // with the process, and so does what the module holds.
                let _ = raise(Signal::SIGTERM);
            }
        })?;
        Ok(Self(held))
    }

    /// From now on the process lives on without the hub: something must be finished.
    pub fn hold(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Waits until the other end is closed. A request for no events still reports `POLLHUP`, poll(2).
fn hung_up(socket: &impl AsFd) -> bool {
    loop {
        let mut fds = [PollFd::new(socket.as_fd(), PollFlags::empty())];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) => return true,
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc;

    #[test]
    fn an_answer_that_was_not_read_yet_is_no_hang_up() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (tell, hear) = mpsc::channel();
        theirs.write_all(b"answer").unwrap();
        let waiting = thread::spawn(move || tell.send(hung_up(&ours)));
        assert!(hear.try_recv().is_err());
        drop(theirs);
        assert_eq!(hear.recv(), Ok(true));
        waiting.join().unwrap().unwrap();
    }

    #[test]
    fn a_held_process_outlives_the_hub() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (tell, hear) = mpsc::channel::<()>();
        let watch = Watch::start(ours.into(), move || tell.send(()).unwrap()).unwrap();
        watch.hold();
        drop(theirs);
        // The thread drops its sender without having sent, and this test is still here.
        assert_eq!(hear.recv(), Err(mpsc::RecvError));
    }
}
