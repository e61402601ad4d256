//! When the machine runs short of memory, idle servers are suspended before their time: one after the other, the one
//! that is idle longest first, until nobody has to wait for memory any more.
//!
//! The kernel's pressure stall information says so (Documentation/accounting/psi.rst): the share of the last ten seconds
//! in which some process waited for memory. Invariant: who may not be suspended for idleness (`suspend_after` is
//! "never", it is kept, it works, it was not looked at) is not suspended for this either, and nobody is where
//! `suspend_for_memory` is off.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Idle;
use crate::clock::{Usec, now};
use crate::observe;
use crate::servers::state::State;

/// Per cent of the time in which somebody waits for memory, from which on the machine is short of it.
const SHORT: f32 = 20.0;
/// Idle for less than this, microseconds, a server is left alone all the same: 5 minutes.
const LEAST: Usec = 300_000_000;
/// Between two looks: what one suspension brought shows in the average of ten seconds.
const PAUSE: Duration = Duration::from_secs(10);
/// The first look of a process: what runs is known by then, and one that the timer started is still there.
const FIRST: Duration = Duration::from_secs(5);

/// What was done for want of memory since the hub began.
#[derive(Debug, Default)]
pub struct Shortage {
    suspended: AtomicU64,
    last: AtomicI64,
}

impl Shortage {
    /// How many servers were suspended, and when the last one was.
    pub fn suspended(&self) -> Option<(u64, Usec)> {
        let last = self.last.load(Ordering::Relaxed);
        (last > 0).then(|| (self.suspended.load(Ordering::Relaxed), last))
    }

    fn note(&self, when: Usec) {
        self.suspended.fetch_add(1, Ordering::Relaxed);
        self.last.store(when, Ordering::Relaxed);
    }
}

impl Idle {
    /// Looks at the machine again and again until `stop`; nothing is read while no server runs. What `stay` gives is
    /// kept while servers are being suspended: the hub does not step aside before that is done.
    pub async fn watch_memory<S>(&self, stop: CancellationToken, stay: impl Fn() -> S) {
        if !self.config.idle.suspend_for_memory {
            return;
        }
        let waited = |pause| {
            let stopped = stop.cancelled();
            async move { tokio::time::timeout(pause, stopped).await.is_err() }
        };
        let mut pause = FIRST;
        while waited(pause).await {
            let _stay = stay();
            while self.is_anybody_up() && self.relieve(now()).await && waited(PAUSE).await {}
            pause = PAUSE;
        }
    }

    fn is_anybody_up(&self) -> bool {
        self.servers.all().iter().any(|server| server.snapshot().state == State::Running)
    }

    /// Suspends the server that is idle longest, if the machine is short of memory and there is one. Returns whether
    /// it did.
    pub async fn relieve(&self, now: Usec) -> bool {
        if !self.config.idle.suspend_for_memory {
            return false;
        }
        let machine = tokio::time::timeout(PAUSE, self.servers.0.launcher.machine()).await;
        let Ok(Ok(machine)) = machine else { return false };
        let Some(pressure) = machine.memory_pressure.filter(|pressure| *pressure >= SHORT) else { return false };
        let _turn = self.turn.lock().await;
        let mut idle: Vec<_> = self
            .survey(now)
            .await
            .into_iter()
            .filter(|seen| seen.verdict.certain && seen.verdict.suspend_at.is_some())
            .filter(|seen| seen.server.kept_until(now).is_none())
            .filter_map(|seen| Some((seen.verdict.idle_since?, seen.server)))
            .filter(|(since, _)| since.saturating_add(LEAST) <= now)
            .collect();
        idle.sort_by_key(|(since, _)| *since);
        for (_, server) in idle {
            if self.servers.suspend(&server.id).await.is_err() {
                continue;
            }
            self.shortage.note(now);
            tracing::warn!(
                message_id = observe::MEMORY_SHORT,
                hub_user = server.id.user.as_str(),
                hub_server = server.id.server.as_str(),
                hub_unit = server.id.unit_name(),
                "The machine is short of memory ({pressure:.0} % of the time somebody waits for it): the idle server of \
                 {} was suspended before its time",
                server.id
            );
            return true;
        }
        false
    }
}
