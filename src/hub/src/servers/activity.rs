//! What others tell the hub about servers: that somebody did something there, and that their owner has another name.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use hubd_base::names::{ServerId, UserName};

use super::registry::Servers;
use crate::clock::Usec;
use crate::store::StoreError;

impl Servers {
    /// Notes that somebody did something with a server at `when`; what is older than what is known changes nothing.
    pub async fn raise_activity(&self, id: &ServerId, when: Usec) -> Result<(), StoreError> {
        if let Some(backend) = self.find(id).and_then(|server| server.backend()) {
            backend.last_activity.fetch_max(when, Ordering::Relaxed);
        }
        self.0.store.touch_server(id.clone(), when).await
    }

    /// Follows a person's new name; `None` when they were deleted. What still runs in the old name is stopped, what
    /// does not is forgotten; the store has done its part by itself.
    pub fn follow_user(&self, before: &UserName, after: Option<&UserName>) {
        for server in self.of(before) {
            if server.snapshot().state.is_active() {
                self.stop(&server.id);
                continue;
            }
            self.0.known.write().unwrap_or_else(PoisonError::into_inner).remove(&server.id);
            if let Some(user) = after {
                self.get(&ServerId { user: user.clone(), server: server.id.server.clone() });
            }
        }
    }
}
