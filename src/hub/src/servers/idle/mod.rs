//! What is known of a server's idleness: when a person last did something, what it computes, how long it is to be kept,
//! and why it was stopped.
//!
//! Invariant: all of it is in the store, too, so that a hub which goes away and comes back judges as if it had been there
//! all along: not everybody is idle to it, and not everybody active.

use std::sync::{MutexGuard, PoisonError};

use super::registry::Servers;
use super::server::Server;
use crate::clock::Usec;
use crate::store::idle_rows::IdleRow;

/// What a server's process in the hub remembers.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Until when it is to be left as it is.
    pub keep_until: Option<Usec>,
}

impl Server {
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what the store has.
    pub(super) fn remember(&self, row: IdleRow) {
        if let Some(when) = row.attended {
            self.set_attended(when);
        }
        self.memory().keep_until = row.keep_until;
    }

    /// Takes over what is known of the server that this one was until it got another name.
    pub(super) fn inherit(&self, former: &Self) {
        if let Some(when) = former.attended() {
            self.attend(when);
        }
        let memory = former.memory().clone();
        *self.memory() = memory;
    }
}

impl Servers {
    /// Writes to the store when people last did something with their servers.
    pub(super) async fn save_attendance(&self) {
        let attended = |server: std::sync::Arc<Server>| Some((server.id.clone(), server.unsaved_attendance()?));
        let attended: Vec<_> = self.all().into_iter().filter_map(attended).collect();
        if attended.is_empty() {
            return;
        }
        if let Err(error) = self.0.store.attend_servers(attended).await {
            tracing::warn!("cannot write when people last used their servers, ignoring: {error}");
        }
    }
}
