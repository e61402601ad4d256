//! The JSON models of users and servers (contract 2.1 and 2.2).

use std::sync::atomic::Ordering;

use hubd_base::names::{ServerId, esc};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::clock::{Usec, iso};
use crate::servers::registry::Server;
use crate::servers::state::Snapshot;
use crate::store::users::UserRow;

/// Which of a user's servers a model shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Pending or ready ones.
    Active,
    /// Stopped ones too.
    All,
}

/// A user with their servers.
pub fn user(app: &App, row: &UserRow, shown: Shown) -> Value {
    let id = ServerId::default_of(row.name.clone());
    let server = app.servers.find(&id);
    let snapshot = server.as_deref().map(Server::snapshot);
    let ready = snapshot.as_ref().is_some_and(|snapshot| snapshot.state.is_ready());
    let mut servers = Map::new();
    if let (Some(server), Some(snapshot)) = (&server, &snapshot) {
        if shown == Shown::All || snapshot.state.is_active() {
            servers.insert(String::new(), self::server(app, server, snapshot));
        }
    }
    json!({
        "kind": "user",
        "name": row.name.as_str(),
        "user_info": null,
        "admin": row.admin,
        "roles": if row.admin { json!(["user", "admin"]) } else { json!(["user"]) },
        "groups": [],
        "server": ready.then(|| app.server_url(&id)),
        "pending": snapshot.as_ref().and_then(|snapshot| snapshot.state.pending()),
        "created": iso(row.created),
        "last_activity": row.last_activity.map(iso),
        "servers": servers,
    })
}

/// A server. `state_word` is the hub's own word, which tells suspended from running and failed from stopped.
pub fn server(app: &App, server: &Server, snapshot: &Snapshot) -> Value {
    let user = server.id.user.as_str();
    let last_activity: Option<Usec> =
        snapshot.backend.as_ref().map(|backend| backend.last_activity.load(Ordering::Relaxed));
    json!({
        "name": server.id.server.as_str(),
        "display_name": server.id.server.as_str(),
        "full_name": format!("{user}/{}", server.id.server.as_str()),
        "last_activity": last_activity.map(iso),
        "started": snapshot.started.filter(|_| snapshot.state.is_ready()).map(iso),
        "pending": snapshot.state.pending(),
        "ready": snapshot.state.is_ready(),
        "stopped": !snapshot.state.is_active(),
        "url": app.server_url(&server.id),
        "user_options": {},
        "progress_url": format!("{}hub/api/users/{}/server/progress", app.base_url(), esc(user)),
        "full_url": null,
        "full_progress_url": null,
        "state_word": snapshot.state.word(),
        "unit": server.id.unit_name(),
    })
}
