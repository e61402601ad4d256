//! How a server came to its end, kept in the store, so that its person is told by the next hub as well: this one may
//! step aside a second later.
//!
//! Invariant: what is kept is gone with the next start. The journal's lines are not kept; the journal has them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ending::last_lines;
use super::registry::Servers;
use super::server::Server;
use super::state::{Cause, Event, Failure};
use crate::clock::{Usec, now};

/// What there is to say of the last end, as JSON in the server's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// A start or a run came to a bad end.
    Failed {
        cause: Cause,
        text: String,
        out_of_memory: bool,
        /// systemd's id of the run, by which the journal finds its lines.
        invocation: Option<String>,
        when: Usec,
    },
    /// Somebody had it stopped.
    Stopped { by: String, when: Usec },
}

impl Server {
    /// Takes over what the store has; unreadable is as good as nothing.
    pub(super) fn recall(&self, json: &str) {
        match serde_json::from_str(json) {
            Ok(Outcome::Failed { cause, text, out_of_memory, invocation, when }) => {
                let failure = Arc::new(Failure { cause, text, out_of_memory, journal: Vec::new() });
                self.apply(Event::Recalled, |snapshot| {
                    (snapshot.failure, snapshot.invocation, snapshot.since) = (Some(failure), invocation, when);
                });
            }
            Ok(Outcome::Stopped { by, when }) => {
                self.amend(|snapshot| (snapshot.stopped_by, snapshot.since) = (Some(by), when));
            }
            Err(_) => {}
        }
    }
}

impl Servers {
    /// Writes down that a server comes to a bad end, before others see it.
    pub(super) async fn note_failure(&self, server: &Server, failure: &Failure) {
        let (Failure { cause, text, out_of_memory, .. }, when) = (failure.clone(), now());
        let invocation = server.snapshot().invocation;
        self.note(server, Some(Outcome::Failed { cause, text, out_of_memory, invocation, when })).await;
    }

    /// Writes down that a server is stopped, before others see it.
    pub(super) async fn note_stop(&self, server: &Server) {
        let by = server.snapshot().stopped_by;
        self.note(server, by.map(|by| Outcome::Stopped { by, when: now() })).await;
    }

    async fn note(&self, server: &Server, outcome: Option<Outcome>) {
        let outcome = outcome.and_then(|outcome| serde_json::to_string(&outcome).ok());
        if let Err(error) = self.0.store.set_outcome(server.id.clone(), outcome).await {
            tracing::warn!("cannot write down how the server of {} ended, ignoring: {error}", server.id);
        }
    }

    /// The last bad end with the journal's lines, which are read anew where a former hub saw it.
    pub async fn failure(&self, server: &Server) -> Option<Arc<Failure>> {
        let snapshot = server.snapshot();
        let failure = snapshot.failure?;
        if !failure.journal.is_empty() || snapshot.invocation.is_none() {
            return Some(failure);
        }
        let told = last_lines(self, server).await.failure(failure.cause, failure.text.clone());
        let told = Arc::new(Failure { out_of_memory: failure.out_of_memory, ..told });
        server.amend(|snapshot| {
            // It may have been started in the meantime.
            if snapshot.failure.as_ref().is_some_and(|known| Arc::ptr_eq(known, &failure)) {
                snapshot.failure = Some(Arc::clone(&told));
            }
        });
        Some(told)
    }
}
