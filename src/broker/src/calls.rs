//! The calls that are running: how many, which unit each works on, and since when there is none.
//!
//! Invariants: two calls never change the same server or service at once; the process does not end while a call runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, watch};
use tokio::time::{Instant, timeout_at};

/// Calls that may run at once. The hub itself starts far fewer; more is somebody's mistake.
const CALLS_MAX: usize = 256;

#[derive(Clone, Copy)]
struct Load {
    running: usize,
    /// The last begin or end of a call.
    since: Instant,
    /// The broker is to end: calls that would go on for long end now.
    leaving: bool,
}

/// Counts the calls of one process.
#[derive(Clone)]
pub struct Calls(Arc<watch::Sender<Load>>);

/// One running call, until it is dropped.
pub struct Call(Arc<watch::Sender<Load>>);

impl Calls {
    /// No call is running.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Load { running: 0, since: Instant::now(), leaving: false })))
    }

    /// Begins a call. `None` when there are too many.
    pub fn enter(&self) -> Option<Call> {
        let mut entered = false;
        self.0.send_modify(|load| {
            entered = load.running < CALLS_MAX;
            load.running += usize::from(entered);
            load.since = Instant::now();
        });
        entered.then(|| Call(Arc::clone(&self.0)))
    }

    /// Asks the calls that would go on for long to end.
    pub fn dismiss(&self) {
        self.0.send_modify(|load| load.leaving = true);
    }

    /// Returns once no call has been running for this long.
    pub async fn idle(&self, span: Duration) {
        let mut loads = self.0.subscribe();
        loop {
            let Load { running, since, .. } = *loads.borrow_and_update();
            // The sender lives in `self`, so waiting for a change cannot fail.
            if running > 0 {
                let _ = loads.changed().await;
            } else if timeout_at(since + span, loads.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl Call {
    /// Returns once the broker is to end.
    pub async fn dismissed(&self) {
        // The sender lives in `self`, so waiting for it cannot fail.
        let _ = self.0.subscribe().wait_for(|load| load.leaving).await;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.send_modify(|load| {
            load.running = load.running.saturating_sub(1);
            load.since = Instant::now();
        });
    }
}

/// Lets calls about one unit through one after the other.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// The right to change one unit, until it is dropped.
pub type Turn = OwnedMutexGuard<()>;

impl Turns {
    /// Waits until nobody else works on this unit.
    pub async fn take(&self, unit: &str) -> Turn {
        let turn = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody holds or waits for.
            all.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(all.entry(unit.to_owned()).or_default())
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{sleep, timeout};

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(test);
    }

    #[test]
    fn a_running_call_keeps_the_process_and_its_end_starts_the_clock_anew() {
        run(async {
            let calls = Calls::new();
            let begun = Instant::now();
            let call = calls.enter();
            let waiting = tokio::spawn({
                let calls = calls.clone();
                async move { calls.idle(Duration::from_secs(60)).await }
            });
            sleep(Duration::from_secs(100)).await;
            assert!(!waiting.is_finished());
            drop(call);
            waiting.await.unwrap();
            assert_eq!(begun.elapsed().as_secs(), 160);
        });
    }

    #[test]
    fn a_long_call_learns_that_the_broker_is_to_end() {
        run(async {
            let calls = Calls::new();
            let call = calls.enter().unwrap();
            assert!(timeout(Duration::from_secs(1), call.dismissed()).await.is_err());
            calls.dismiss();
            call.dismissed().await;
        });
    }

    #[test]
    fn calls_beyond_the_limit_are_not_begun() {
        let calls = Calls::new();
        let held: Vec<_> = (0..CALLS_MAX).map(|_| calls.enter().unwrap()).collect();
        assert!(calls.enter().is_none());
        drop(held);
        assert!(calls.enter().is_some());
    }

    #[test]
    fn one_unit_is_changed_by_one_call_at_a_time() {
        run(async {
            let turns = Turns::default();
            let first = turns.take("jupyter@alice.service").await;
            let soon = Duration::from_secs(1);
            assert!(timeout(soon, turns.take("jupyter@alice.service")).await.is_err());
            assert!(timeout(soon, turns.take("jupyter@bob.service")).await.is_ok());
            drop(first);
            assert!(timeout(soon, turns.take("jupyter@alice.service")).await.is_ok());
        });
    }
}
