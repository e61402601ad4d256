//! `POST .../server/suspend` and `.../server/wake`: freezing a server and letting it run again; no part of
//! `JupyterHub`'s API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hubd_base::names::ServerId;
use serde_json::Value;

use super::{Address, SLOW};
use crate::api::caller::Caller;
use crate::api::extension;
use crate::app::App;
use crate::http::faults::Fault;
use crate::servers::server::Server;
use crate::servers::state::State as ServerState;
use crate::servers::suspension::{NotSuspended, NotWoken};

/// `suspend`: answers when the server is frozen and has given its memory back, or after some seconds of that.
pub async fn suspend(State(app): State<Arc<App>>, caller: Caller, address: Address) -> Result<Json<Value>, Fault> {
    let id = existing(&app, &caller, &address)?;
    log(&caller, &id, "suspended");
    let server = app.servers.suspend(&id).await.map_err(|error| not_suspended(&id, error))?;
    let mut changes = server.follow();
    let done = changes.wait_for(|now| now.state != ServerState::Suspended || now.given_back.is_some());
    // What it gave back is worth some patience, and no more.
    let _ = tokio::time::timeout(SLOW, done).await;
    Ok(model(&app, &server))
}

/// `wake`: answers when the server runs.
pub async fn wake(State(app): State<Arc<App>>, caller: Caller, address: Address) -> Result<Json<Value>, Fault> {
    let id = existing(&app, &caller, &address)?;
    log(&caller, &id, "woken");
    let server = app.servers.wake(&id).await.map_err(|error| not_woken(&id, error))?;
    Ok(model(&app, &server))
}

fn existing(app: &App, caller: &Caller, address: &Address) -> Result<ServerId, Fault> {
    let user = address.allowed(caller, &["servers"])?;
    address.existing(app, &user).map(|server| server.id.clone()).ok_or(Fault::NoAccess)
}

fn model(app: &App, server: &Server) -> Json<Value> {
    Json(extension::of(app, server, &server.snapshot()))
}

fn log(caller: &Caller, id: &ServerId, what: &str) {
    tracing::info!(
        hub_user = id.user.as_str(),
        hub_server = id.server.as_str(),
        hub_unit = id.unit_name(),
        "{} asked for the server of {id} to be {what}",
        caller.name()
    );
}

/// The fault of a server that was not suspended.
pub fn not_suspended(id: &ServerId, error: NotSuspended) -> Fault {
    match error {
        NotSuspended::NotRunning => Fault::BadRequest(format!("{id} is not running")),
        NotSuspended::InUse => {
            Fault::Told(StatusCode::CONFLICT, format!("{id} is in use right now and was not suspended"))
        }
        NotSuspended::Impossible(text) => Fault::Told(StatusCode::NOT_IMPLEMENTED, text),
        NotSuspended::Failed(text) => {
            Fault::Told(StatusCode::INTERNAL_SERVER_ERROR, format!("{id} was not suspended: {text}"))
        }
    }
}

/// The fault of a server that was not woken.
pub fn not_woken(id: &ServerId, error: NotWoken) -> Fault {
    match error {
        NotWoken::NotRunning => Fault::BadRequest(format!("{id} is not running")),
        NotWoken::Failed(text) => Fault::Told(StatusCode::INTERNAL_SERVER_ERROR, format!("{id} was not woken: {text}")),
    }
}
