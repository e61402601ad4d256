//! Does what follows from the verdicts: suspends, announces, stops.
//!
//! Invariant: nothing is done on an old look. A server is looked at, judged and dealt with in one go, and a person who
//! comes in between wins: their request wakes a server that was just suspended, and a stop is looked at once more.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};

use super::Idle;
use super::verdict::{Stop, Verdict, Why};
use crate::clock::{Usec, iso};
use crate::observe;
use crate::servers::server::Server;
use crate::servers::state::State;
use crate::servers::suspension::NotSuspended;

/// Servers looked at at once.
const AT_ONCE: usize = 8;

/// What was done to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It was suspended.
    Suspended,
    /// Its stop was announced to whoever has a page open.
    Announced,
    /// It is being stopped.
    Stopped,
}

impl Deed {
    /// As in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Announced => "announced",
            Self::Stopped => "stopped",
        }
    }
}

/// A server that is ready, what is to be said of it, and what was done.
pub struct Done {
    /// Which.
    pub server: Arc<Server>,
    /// The verdict that it was done on.
    pub verdict: Verdict,
    /// What was done, if anything.
    pub deed: Option<Deed>,
}

impl Idle {
    /// Looks at every server that is ready and does what is due.
    pub async fn apply(&self, now: Usec) -> Vec<Done> {
        let _turn = self.turn.lock().await;
        let ready = self.servers.all().into_iter().filter(|server| server.snapshot().state.is_ready());
        let dealt = stream::iter(ready).map(|server| self.deal(server, now)).buffer_unordered(AT_ONCE);
        let mut done: Vec<Done> = dealt.filter_map(|done| async { done }).collect().await;
        done.sort_by(|a, b| a.server.id.cmp(&b.server.id));
        self.save(&done).await;
        done
    }

    /// Looks at every server that is ready and tells what is to be said, without doing anything.
    pub async fn survey(&self, now: Usec) -> Vec<Done> {
        let ready = self.servers.all().into_iter().filter(|server| server.snapshot().state.is_ready());
        let seen = stream::iter(ready).map(|server| async move {
            self.look(&server, now).await;
            let verdict = self.verdict(&server, now)?;
            Some(Done { server, verdict, deed: None })
        });
        let mut seen: Vec<Done> = seen.buffer_unordered(AT_ONCE).filter_map(|seen| async { seen }).collect().await;
        seen.sort_by(|a, b| a.server.id.cmp(&b.server.id));
        self.save(&seen).await;
        seen
    }

    async fn deal(&self, server: Arc<Server>, now: Usec) -> Option<Done> {
        self.look(&server, now).await;
        let verdict = self.verdict(&server, now)?;
        let deed = match verdict.stop {
            // Age ends a server in use too; for idleness everything has to have been looked at.
            Some(stop) if stop.notice <= now && (verdict.certain || stop.why == Why::MaxAge) => {
                self.toward_stop(&server, stop, now).await
            }
            _ => {
                // Its person came back, or the rule changed.
                withdraw(&server);
                None
            }
        };
        let deed = match deed {
            None | Some(Deed::Announced) if verdict.suspend_at.is_some_and(|at| at <= now) && verdict.certain => {
                self.suspend(&server, &verdict).await.or(deed)
            }
            deed => deed,
        };
        Some(Done { server, verdict, deed })
    }

    /// First the notice, and at a later look the stop.
    async fn toward_stop(&self, server: &Arc<Server>, stop: Stop, now: Usec) -> Option<Deed> {
        let Some(told) = server.memory().watched.announced else {
            let at = stop.at.max(now.saturating_add(stop.grace));
            server.memory().watched.announced = Some(now);
            server.announce(Some(at));
            return Some(Deed::Announced);
        };
        // A hub that came back tells it to its own pages.
        server.announce(Some(stop.at));
        if stop.at > now || told.saturating_add(stop.grace) > now {
            return None;
        }
        let reason = match stop.why {
            Why::Idle => "nobody used it",
            Why::MaxAge => "it has run as long as a server may",
        };
        tracing::info!(
            message_id = observe::SERVER_CULLED,
            hub_user = server.id.user.as_str(),
            hub_server = server.id.server.as_str(),
            hub_unit = server.id.unit_name(),
            hub_outcome = stop.why.word(),
            "The server of {} is stopped: {reason}",
            server.id
        );
        self.servers.note_end(server, Some((stop.why, now))).await;
        self.servers.stop(&server.id);
        Some(Deed::Stopped)
    }

    async fn suspend(&self, server: &Server, verdict: &Verdict) -> Option<Deed> {
        if server.snapshot().state != State::Running {
            return None;
        }
        let since = verdict.idle_since.map(iso).unwrap_or_default();
        match self.servers.suspend(&server.id).await {
            Ok(_) => {
                tracing::info!(
                    message_id = observe::SERVER_IDLE,
                    hub_user = server.id.user.as_str(),
                    hub_server = server.id.server.as_str(),
                    hub_unit = server.id.unit_name(),
                    "The server of {} was suspended: it was idle since {since}",
                    server.id
                );
                Some(Deed::Suspended)
            }
            // Somebody came just now, or it went away.
            Err(NotSuspended::InUse | NotSuspended::NotRunning) => None,
            // Told once, by whoever tried.
            Err(NotSuspended::Impossible(text) | NotSuspended::Failed(text)) => {
                tracing::debug!("the server of {} was not suspended: {text}", server.id);
                None
            }
        }
    }

    /// Writes to the store what was seen, and when people last did something.
    async fn save(&self, seen: &[Done]) {
        let watched = seen.iter().filter_map(|done| {
            let json = serde_json::to_string(&done.server.memory().watched).ok()?;
            Some((done.server.id.clone(), json))
        });
        if let Err(error) = self.servers.0.store.watch_servers(watched.collect()).await {
            tracing::warn!("cannot write what was seen of idle servers, ignoring: {error}");
        }
        self.servers.save_activity().await;
    }

    /// A person wants the server to go on: it was used just now, and a stop for idleness is announced no longer.
    pub fn stay(&self, server: &Server, now: Usec) {
        server.attend(now);
        if self.verdict(server, now).is_some_and(|verdict| verdict.stop.is_none_or(|stop| stop.notice > now)) {
            withdraw(server);
        }
    }
}

/// The notice does not hold any more.
fn withdraw(server: &Server) {
    server.memory().watched.announced = None;
    server.announce(None);
}
