//! `/hub/api/users/{user}/server/log`: the last lines of a server's journal; not part of `JupyterHub`'s API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use crate::app::App;
use crate::http::faults::Fault;

/// Most lines in one answer.
const LINES_MAX: u32 = 1000;
const LINES: u32 = 100;

/// What may stand in the address.
#[derive(Deserialize)]
pub struct Asked {
    lines: Option<u32>,
}

/// `GET ?lines=N` -> `{"lines": [{"time_usec", "priority", "identifier", "message"}]}`, oldest first.
pub async fn read(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Fault> {
    let id = caller.on_server(&["servers"], &name, "")?;
    let lines = asked.lines.unwrap_or(LINES).clamp(1, LINES_MAX);
    let lines = app.servers.journal(&id, "", lines).await.map_err(Fault::internal)?;
    Ok(Json(json!({ "lines": lines })))
}
