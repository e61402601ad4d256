//! `/hub/api/`, `/hub/api/info`, `/hub/api/status`: the hub itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::caller::Caller;
use crate::app::{API_VERSION, App, VERSION};
use crate::auth::scopes::Resource;
use crate::clock::iso;
use crate::http::faults::Fault;
use crate::observe;
use crate::servers::state::State as ServerState;

/// `GET /hub/api/`: version, for everybody.
pub async fn root() -> impl IntoResponse {
    let anybody: [(HeaderName, HeaderValue); 1] =
        [(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))];
    (anybody, Json(json!({ "version": API_VERSION })))
}

/// `GET /hub/api/info`
pub async fn info(caller: Caller) -> Result<Json<Value>, Fault> {
    caller.require(&["read:hub"], Resource::Any)?;
    Ok(Json(json!({
        "version": API_VERSION,
        "python": "none (hubd)",
        "sys_executable": std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default(),
        "spawner": {"class": "systemd", "version": VERSION},
        "authenticator": {"class": "pam", "version": VERSION},
    })))
}

/// `GET /hub/api/status`: what `hubctl status` shows; not part of `JupyterHub`'s API.
pub async fn status(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, Fault> {
    caller.require(&["read:hub"], Resource::Any)?;
    let servers = app.servers.all();
    let count = |wanted: ServerState| servers.iter().filter(|server| server.snapshot().state == wanted).count();
    let (running, waiting) = app.door.load();
    Ok(Json(json!({
        "version": VERSION,
        "pid": std::process::id(),
        "started": iso(app.started),
        "users": app.people.count(),
        "servers": {
            "running": count(ServerState::Running),
            "suspended": count(ServerState::Suspended),
            "starting": count(ServerState::Starting),
            "stopping": count(ServerState::Stopping),
            "failed": count(ServerState::Failed),
        },
        "connections": app.stays.inside(),
        "memory_bytes": observe::resident_bytes(),
        "suspended_for_memory": app.idle.shortage.suspended().map(|(servers, last)| {
            json!({"servers": servers, "last": iso(last)})
        }),
        "logins": {"running": running, "waiting": waiting},
    })))
}
