//! A counter of everything that changes what somebody may do.
//!
//! What was worked out from permissions is kept together with the count it was worked out at, and is good as long as
//! the count stands. Open tunnels follow it, so that a right that was taken away ends them.

use std::sync::Arc;

use tokio::sync::watch;

/// The counter; clones share it.
#[derive(Clone, Debug)]
pub struct Changes(Arc<watch::Sender<u64>>);

impl Default for Changes {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Changes {
    /// Somebody's permissions changed. Called after the change can be seen.
    pub fn note(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// How many changes there were.
    pub fn count(&self) -> u64 {
        *self.0.borrow()
    }

    /// Follows every change from now on.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
