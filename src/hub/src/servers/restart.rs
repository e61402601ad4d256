//! A stop and a start as one wish.
//!
//! Invariant: a stop that somebody asks for meanwhile wins. The server starts with what it had.

use std::sync::Arc;
use std::time::Duration;

use hubd_base::names::ServerId;
use tokio::time::timeout;

use super::registry::{Busy, Servers};
use super::server::Server;
use super::state::State;

/// Beyond the deadline of the stop itself, for what follows it.
const MARGIN: Duration = Duration::from_secs(30);

impl Servers {
    /// Stops the server and starts it again with the options it has; one that rests is just started.
    pub fn restart(&self, id: &ServerId) -> Result<Arc<Server>, Busy> {
        let state = self.find(id).map_or(State::Stopped, |server| server.snapshot().state);
        match state {
            State::Stopped | State::Failed => return self.start(id),
            State::Stopping => return Err(Busy::Stopping),
            State::Starting | State::Running | State::Suspended => {}
        }
        let server = self.stop_to(id, true, None);
        let (servers, following) = (self.clone(), Arc::clone(&server));
        self.0.tasks.spawn(async move { start_again(&servers, &following).await });
        Ok(server)
    }
}

async fn start_again(servers: &Servers, server: &Server) {
    let mut changes = server.follow();
    let stopped = changes.wait_for(|snapshot| snapshot.state != State::Stopping);
    let limit = servers.0.settings.stop + MARGIN;
    let rests =
        timeout(limit, stopped).await.is_ok_and(|state| state.is_ok_and(|snapshot| !snapshot.state.is_active()));
    if !server.take_restart() || !rests {
        return;
    }
    if let Err(busy) = servers.start(&server.id) {
        tracing::warn!(
            hub_user = server.id.user.as_str(),
            hub_server = server.id.server.as_str(),
            hub_unit = server.id.unit_name(),
            "the server of {} stopped and cannot start again ({busy:?}), ignoring",
            server.id
        );
    }
}
