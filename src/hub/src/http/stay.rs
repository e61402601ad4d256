//! What keeps this process: open connections and tunnels. When nobody has been here for long enough the hub steps
//! aside, and systemd listens in its place.
//!
//! Invariant: whoever is inside is counted from before the first byte is read until after the last one is written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long a process lasts that was started for no person and no program, such as by a timer that only looks.
const UNUSED: Duration = Duration::from_secs(10);

/// While somebody is inside, nobody looks again sooner.
const LEAST: Duration = Duration::from_millis(1);

#[derive(Debug)]
struct Load {
    inside: usize,
    begun: Instant,
    /// The last moment that somebody made use of the hub.
    used: Option<Instant>,
    /// The last moment that somebody left.
    left: Option<Instant>,
}

/// Counts who is inside; clones share the count.
#[derive(Clone, Debug)]
pub struct Stays(Arc<Mutex<Load>>);

/// Somebody who is inside, until it is dropped.
#[derive(Debug)]
pub struct Stay {
    of: Stays,
    is_use: AtomicBool,
}

impl Stays {
    /// Nobody was here yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Load { inside: 0, begun: Instant::now(), used: None, left: None })))
    }

    /// Somebody comes. It is no use of the hub until it says so.
    pub fn enter(&self) -> Stay {
        self.load().inside += 1;
        Stay { of: self.clone(), is_use: AtomicBool::new(false) }
    }

    /// How many are inside.
    pub fn inside(&self) -> usize {
        self.load().inside
    }

    /// Returns once nobody is inside and the last use is this long ago; [`UNUSED`] is enough where there was none.
    pub async fn quiet(&self, span: Duration) {
        loop {
            let now = Instant::now();
            let until = self.load().quiet_at(span, now);
            if until <= now {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn load(&self) -> MutexGuard<'_, Load> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Stays {
    fn default() -> Self {
        Self::new()
    }
}

impl Load {
    /// The earliest moment at which it can be quiet, as far as is known now.
    fn quiet_at(&self, span: Duration, now: Instant) -> Instant {
        let unused = span.min(UNUSED);
        if self.inside > 0 {
            // Whoever is inside now may turn out to be no use, so this is a lower bound.
            return now + unused.max(LEAST);
        }
        let end = self.used.map_or(self.begun + unused, |used| used + span);
        self.left.map_or(end, |left| end.max(left))
    }
}

impl Stay {
    /// This is use of the hub: its clock begins anew when it ends.
    pub fn is_use(&self) {
        self.is_use.store(true, Ordering::Relaxed);
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut load = self.of.load();
        load.inside -= 1;
        load.left = Some(Instant::now());
        if self.is_use.load(Ordering::Relaxed) {
            load.used = load.left;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_secs(600);

    async fn quiet_after(stays: &Stays) -> u64 {
        let begun = Instant::now();
        stays.quiet(SPAN).await;
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_begins_when_the_last_one_leaves() {
        let stays = Stays::new();
        let (first, second, tunnel) = (stays.enter(), stays.enter(), stays.enter());
        tunnel.is_use();
        drop((first, second));
        let waiting = tokio::spawn({
            let stays = stays.clone();
            async move { quiet_after(&stays).await }
        });
        tokio::time::sleep(Duration::from_secs(1000)).await;
        assert!(!waiting.is_finished());
        drop(tunnel);
        assert_eq!(waiting.await.unwrap(), 1600);
        assert_eq!(stays.inside(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_visit_that_was_no_use_does_not_begin_the_clock_anew() {
        let stays = Stays::new();
        drop(stays.enter());
        assert_eq!(quiet_after(&stays).await, UNUSED.as_secs());
        let person = stays.enter();
        person.is_use();
        drop(person);
        tokio::time::sleep(Duration::from_secs(500)).await;
        drop(stays.enter());
        assert_eq!(quiet_after(&stays).await, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_visit_that_was_no_use_is_waited_for() {
        let stays = Stays::new();
        let look = stays.enter();
        let waiting = tokio::spawn({
            let stays = stays.clone();
            async move { quiet_after(&stays).await }
        });
        tokio::time::sleep(Duration::from_secs(25)).await;
        assert!(!waiting.is_finished());
        drop(look);
        assert_eq!(waiting.await.unwrap(), 30);
    }
}
