//! What others tell the hub about servers: that somebody did something there, and what became of their owner.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use hubd_base::names::{ServerId, UserName};

use super::registry::{Server, Servers};
use crate::clock::Usec;

impl Server {
    /// Notes that somebody did something with it at `when`; what is older than what is known changes nothing.
    pub fn raise_activity(&self, when: Usec) {
        if let Some(backend) = self.backend() {
            backend.last_activity.fetch_max(when, Ordering::Relaxed);
        }
    }
}

impl Servers {
    /// Forgets a person's servers, whose rows went with theirs. They do not run.
    pub fn forget_user(&self, user: &UserName) {
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, _| id.user != *user);
    }

    /// A person has another name: so have their servers. They do not run.
    pub fn rename_user(&self, before: &UserName, after: &UserName) {
        let theirs = self.of(before);
        self.forget_user(before);
        for server in theirs {
            self.get(&ServerId { user: after.clone(), server: server.id.server.clone() });
        }
    }
}
