//! What servers and the machine use: read while somebody looks, once for all who look.
//!
//! Invariant: nothing is read while nobody looks. Readings are not truth to act on; they are what pages and programs
//! are shown.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::registry::Servers;
use super::server::Server;

/// From one reading to the next while somebody looks.
const PERIOD: Duration = Duration::from_secs(2);
/// A reading that is no older is good enough for whoever looks once.
const FRESH: Duration = Duration::from_secs(1);
/// Beyond this, the difference of two readings says nothing of now.
const STALE: Duration = Duration::from_secs(60);
/// For one reading.
const DEADLINE: Duration = Duration::from_secs(5);
/// Readings at once.
const AT_ONCE: usize = 8;

/// What a server uses, and what it may use at most. What is not measured and what has no limit is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory, bytes, without pages of files that it did not read for a while.
    pub memory: Option<u64>,
    /// From here on it is slowed down, bytes.
    pub memory_high: Option<u64>,
    /// It gets no more, bytes.
    pub memory_max: Option<u64>,
    /// What of it was moved to swap, bytes.
    pub swap: Option<u64>,
    /// Processor time since its start, microseconds.
    pub cpu_usec: Option<u64>,
    /// Processor time it may use, per cent of one processor.
    pub cpu_quota: Option<u32>,
    /// Processes and threads.
    pub tasks: Option<u64>,
    /// It gets no more.
    pub tasks_max: Option<u64>,
}

/// What everything on the machine uses together. What is not measured is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Machine {
    /// Its memory, bytes.
    pub memory_total: Option<u64>,
    /// What of it nobody else can have, bytes.
    pub memory_used: Option<u64>,
    /// The share of the last ten seconds in which somebody waited for memory, per cent.
    pub memory_pressure: Option<f32>,
    /// Processors.
    pub cpus: Option<u32>,
    /// Processor time since its start, microseconds.
    pub cpu_usec: Option<u64>,
}

/// Something that uses processors.
pub trait Consumer: Copy {
    /// Processor time so far, microseconds.
    fn cpu_usec(&self) -> Option<u64>;
}

impl Consumer for Usage {
    fn cpu_usec(&self) -> Option<u64> {
        self.cpu_usec
    }
}

impl Consumer for Machine {
    fn cpu_usec(&self) -> Option<u64> {
        self.cpu_usec
    }
}

/// One reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading<T> {
    /// What is used.
    pub usage: T,
    /// Processor time used between this reading and the one before, per cent of one processor; unknown in the first one.
    pub cpu_percent: Option<f64>,
    taken: Instant,
}

impl<T: Consumer> Reading<T> {
    fn after(before: Option<&Self>, usage: T) -> Self {
        let taken = Instant::now();
        let rate = |before: &Self| {
            let elapsed = taken.saturating_duration_since(before.taken);
            // Another run of the server begins again at nothing.
            let worked = Duration::from_micros(usage.cpu_usec()?.checked_sub(before.usage.cpu_usec()?)?);
            (!elapsed.is_zero() && elapsed < STALE).then(|| 100.0 * worked.as_secs_f64() / elapsed.as_secs_f64())
        };
        Self { usage, cpu_percent: before.and_then(rate), taken }
    }

    /// For tests of what is made of readings.
    #[cfg(test)]
    pub(crate) fn sample(usage: T, cpu_percent: Option<f64>) -> Self {
        Self { usage, cpu_percent, taken: Instant::now() }
    }

    fn is_fresh(&self) -> bool {
        self.taken.elapsed() < FRESH
    }
}

/// The last reading of something, for everybody who looks; `None` while there is nothing to read.
#[derive(Debug)]
pub struct Readings<T>(watch::Sender<Option<Reading<T>>>);

impl<T> Default for Readings<T> {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl<T: Consumer> Readings<T> {
    fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }

    fn last(&self) -> Option<Reading<T>> {
        *self.0.borrow()
    }

    /// Reads now. What cannot be read is unknown.
    async fn take<E>(&self, read: impl Future<Output = Result<T, E>>) -> Option<Reading<T>> {
        let usage = timeout(DEADLINE, read).await.ok().and_then(Result::ok);
        self.0.send_modify(|last| *last = usage.map(|usage| Reading::after(last.as_ref(), usage)));
        self.last()
    }
}

/// What reads while somebody looks.
#[derive(Debug, Default)]
pub struct Sampler {
    machine: Readings<Machine>,
    /// Whether the task runs that reads.
    runs: Mutex<bool>,
}

impl Servers {
    /// The readings of a server from now on, one every two seconds while it runs. Dropping it ends that.
    pub fn follow_usage(&self, server: &Server) -> watch::Receiver<Option<Reading<Usage>>> {
        let readings = server.usage.0.subscribe();
        self.begin_sampling();
        readings
    }

    /// The readings of the machine from now on, as [`Self::follow_usage`].
    pub fn follow_machine(&self) -> watch::Receiver<Option<Reading<Machine>>> {
        let readings = self.0.sampler.machine.0.subscribe();
        self.begin_sampling();
        readings
    }

    /// What a server uses now; `None` when it does not run.
    pub async fn usage(&self, server: &Server) -> Option<Reading<Usage>> {
        if !server.snapshot().state.is_active() {
            server.usage.0.send_if_modified(|last| last.take().is_some());
            return None;
        }
        match server.usage.last().filter(Reading::is_fresh) {
            Some(fresh) => Some(fresh),
            None => server.usage.take(self.0.launcher.usage(&server.id)).await,
        }
    }

    /// What a server that is ready was last seen to use, if that is still good enough: nothing is read.
    pub fn usage_known(&self, server: &Server) -> Option<Reading<Usage>> {
        server.usage.last().filter(|reading| server.state().is_ready() && reading.is_fresh())
    }

    /// What the machine uses now.
    pub async fn machine(&self) -> Option<Reading<Machine>> {
        let readings = &self.0.sampler.machine;
        match readings.last().filter(Reading::is_fresh) {
            Some(fresh) => Some(fresh),
            None => readings.take(self.0.launcher.machine()).await,
        }
    }

    fn begin_sampling(&self) {
        let mut runs = self.0.sampler.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if !*runs {
            *runs = true;
            self.0.tasks.spawn(sample(self.clone()));
        }
    }

    fn watched(&self) -> Vec<Arc<Server>> {
        self.all().into_iter().filter(|server| server.usage.is_watched()).collect()
    }
}

/// Reads what is watched; ends when nothing is.
async fn sample(servers: Servers) {
    loop {
        let round = stream::iter(servers.watched()).for_each_concurrent(AT_ONCE, |server| {
            let servers = &servers;
            async move {
                servers.usage(&server).await;
            }
        });
        round.await;
        if servers.0.sampler.machine.is_watched() {
            servers.machine().await;
        }
        tokio::time::sleep(PERIOD).await;
        // Whoever begins to look from here on finds that nothing runs.
        let mut runs = servers.0.sampler.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if servers.watched().is_empty() && !servers.0.sampler.machine.is_watched() {
            *runs = false;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(cpu_usec: u64) -> Usage {
        Usage { cpu_usec: Some(cpu_usec), ..Usage::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_the_work_between_two_readings() {
        let first = Reading::after(None, used(5_000_000));
        assert_eq!(first.cpu_percent, None);
        tokio::time::advance(Duration::from_secs(2)).await;
        let second = Reading::after(Some(&first), used(8_000_000));
        assert_eq!(second.cpu_percent, Some(150.0));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(Reading::after(Some(&second), used(8_000_000)).cpu_percent, Some(0.0));
    }

    #[tokio::test(start_paused = true)]
    async fn another_run_and_a_long_pause_have_no_rate() {
        let first = Reading::after(None, used(5_000_000));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(Reading::after(Some(&first), used(1)).cpu_percent, None);
        tokio::time::advance(STALE).await;
        assert_eq!(Reading::after(Some(&first), used(6_000_000)).cpu_percent, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_read_is_not_remembered() {
        let readings = Readings::default();
        assert!(readings.take(async { Ok::<_, ()>(used(1)) }).await.is_some());
        assert!(readings.take(async { Err::<Usage, _>(()) }).await.is_none() && readings.last().is_none());
        assert!(readings.take(std::future::pending::<Result<Usage, ()>>()).await.is_none());
    }
}
