//! `/hub/api/users/{user}/server/log` and `.../servers/{server}/log`: the last lines of a server's journal; not part
//! of `JupyterHub`'s API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use hubd_base::names::ServerId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::servers::Address;
use crate::app::App;
use crate::auth::scopes::Resource;
use crate::http::faults::Fault;
use crate::journals::Source;
use crate::servers::launcher::JournalLine;

/// Most lines in one answer.
pub const LINES_MAX: u32 = 1000;
const LINES: u32 = 100;

/// Whether the caller may read a log: a server's with the right to it; a service's with the right to change it; the
/// hub's own, in which everybody and every server stand, with the right to all of them.
pub fn require(caller: &Caller, source: &Source) -> Result<(), Fault> {
    match source {
        Source::Server(id) => {
            caller.require(&["servers"], Resource::Server { user: id.user.as_str(), server: id.server.as_str() })
        }
        Source::Service(name) => caller.require(&["admin:services"], Resource::Service(name.as_str())),
        Source::Hub(_) => {
            caller.require(&["admin:users"], Resource::Any)?;
            caller.require(&["admin:servers"], Resource::Any)
        }
    }
}

/// What may stand in the address.
#[derive(Deserialize)]
pub struct Asked {
    lines: Option<u32>,
}

/// `GET ?lines=N` -> `{"lines": [{"time_usec", "priority", "identifier", "message"}]}`, oldest first. A server that
/// was removed has lines all the same.
pub async fn read(
    State(app): State<Arc<App>>,
    caller: Caller,
    address: Address,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Fault> {
    let (_, lines) = lines(&app, &caller, &address, asked.lines.unwrap_or(LINES)).await?;
    Ok(Json(json!({ "lines": lines })))
}

/// The server that an address means, and its last lines, [`LINES_MAX`] at most.
pub async fn lines(
    app: &App,
    caller: &Caller,
    address: &Address,
    most: u32,
) -> Result<(ServerId, Vec<JournalLine>), Fault> {
    let id = caller.on_server(&["servers"], &address.user, &address.server)?;
    let lines = app.servers.journal(&id, "", most.clamp(1, LINES_MAX)).await.map_err(Fault::internal)?;
    Ok((id, lines))
}
