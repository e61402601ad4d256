//! `/hub/api/users/{user}/server` and `/hub/api/users/{user}/servers/{server}`: making, starting, changing, stopping
//! and removing servers (contract 1.8).

mod address;
pub mod failure;
pub mod limits;
pub mod profile;
mod request;
pub mod suspension;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hubd_base::names::{ServerId, UserName};
use serde_json::Value;

pub use address::Address;

use super::body::Body;
use super::caller::Caller;
use super::models::{Shown, View};
use crate::app::App;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::servers::registry::Busy;
use crate::servers::rows::RowError;
use crate::servers::server::Server;
use crate::servers::state::{Hold, State as ServerState};

/// How long a call waits for the end of what it began: `slow_spawn_timeout` and `slow_stop_timeout`.
const SLOW: Duration = Duration::from_secs(10);

fn model(app: &App, caller: &Caller, server: &Server) -> Json<Value> {
    let view = View { app, scopes: &caller.scopes, shown: Shown::All };
    Json(view.server(server, &server.snapshot()))
}

/// The fault of a start that was not begun, in the contract's words.
pub fn refused(id: &ServerId, busy: Busy) -> Fault {
    match busy {
        Busy::Running => Fault::BadRequest(format!("{id} is already running")),
        Busy::Stopping | Busy::Held(Hold::Remove) => Fault::BadRequest(format!("{id} is pending stop")),
        Busy::Held(Hold::Rename) => Fault::BadRequest(format!("{id} is pending rename")),
        Busy::TooManyStarts(seconds) => {
            let about = seconds.div_ceil(10) * 10;
            let text = format!("Too many users trying to log in right now. Try again in {about} seconds.");
            Fault::Throttled(text, Some(seconds))
        }
        Busy::TooManyServers => {
            Fault::Throttled("Active user limit exceeded. Try again in a few minutes.".into(), None)
        }
        Busy::Refused(refusal) => Fault::BadRequest(refusal.to_string()),
    }
}

fn not_done(id: &ServerId, error: RowError) -> Fault {
    let user = &id.user;
    match error {
        RowError::Exists if id.server.is_default() => {
            Fault::Told(StatusCode::CONFLICT, format!("User {user} already has a default server"))
        }
        RowError::Exists => Fault::Told(StatusCode::CONFLICT, format!("User {user} already has server {}", id.server)),
        RowError::Active => Fault::BadRequest(format!("{id} is active. Please stop it before modifying it.")),
        RowError::Refused(refusal) => Fault::BadRequest(refusal.to_string()),
        RowError::Store(error) => Fault::internal(error),
    }
}

/// `GET`: the model.
pub async fn show(State(app): State<Arc<App>>, caller: Caller, address: Address) -> Result<Json<Value>, Fault> {
    let user = address.allowed(&caller, &["read:servers"])?;
    let server = address.existing(&app, &user).ok_or(Fault::NoAccess)?;
    // Who asks for one server is told what it uses.
    app.servers.usage(&server).await;
    Ok(model(&app, &caller, &server))
}

/// `PUT`: makes a server with a name and does not start it.
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    address: Address,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Fault> {
    let user = address.allowed(&caller, &["start:servers"])?;
    app.people.find(&user).ok_or(Fault::NoAccess)?;
    let mut wanted = request::wanted(body)?;
    let id = address.possible(&app, user)?;
    profile::check(&app, &id.user, wanted.user_options.as_mut()).await?;
    let made =
        if id.server.is_default() { Err(RowError::Exists) } else { app.servers.create(id.clone(), wanted).await };
    let server = made.map_err(|error| not_done(&id, error))?;
    tracing::info!(
        hub_user = id.user.as_str(),
        hub_server = id.server.as_str(),
        "{} made the server {id}",
        caller.name()
    );
    Ok((StatusCode::CREATED, model(&app, &caller, &server)))
}

/// `POST`: 201 when it runs on return, 202 when the start goes on.
pub async fn start(
    State(app): State<Arc<App>>,
    caller: Caller,
    address: Address,
    body: Body,
) -> Result<Response, Fault> {
    let user = address.allowed(&caller, &["start:servers"])?;
    let mut wanted = request::wanted(body)?;
    let id = address.possible(&app, user)?;
    keep_account(&app, &id.user).await?;
    profile::check(&app, &id.user, wanted.user_options.as_mut()).await?;
    let known = app.servers.find(&id);
    let state = known.map(|server| server.snapshot().state);
    if state.is_some_and(ServerState::is_ready) {
        // A unit that is gone without a word is started anew.
        app.servers.examine(&id).await;
    }
    let server = app.servers.start_with(&id, wanted).map_err(|busy| refused(&id, busy))?;
    tracing::info!(
        hub_user = id.user.as_str(),
        hub_server = id.server.as_str(),
        hub_unit = id.unit_name(),
        "{} asked for a start of the server of {id}",
        caller.name()
    );
    if state == Some(ServerState::Starting) {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    started(&server).await.map(IntoResponse::into_response)
}

/// The person's row; made now for an account of this machine that never logged in.
async fn keep_account(app: &App, user: &UserName) -> Result<(), Fault> {
    if app.people.find(user).is_some() {
        return Ok(());
    }
    let found = app.accounts.find(vec![user.clone()]).await.map_err(|text| Fault::Internal(text.into()))?;
    match found.into_iter().flatten().next() {
        Some(name) => {
            app.people.keep(name, None, now()).await.map_err(Fault::internal)?;
            Ok(())
        }
        None => Err(Fault::NoAccess),
    }
}

async fn started(server: &Server) -> Result<StatusCode, Fault> {
    let mut changes = server.follow();
    let settled = changes.wait_for(|snapshot| snapshot.state != ServerState::Starting);
    let Ok(Ok(snapshot)) = tokio::time::timeout(SLOW, settled).await.map(|settled| settled.map(|s| s.clone())) else {
        return Ok(StatusCode::ACCEPTED);
    };
    match &snapshot.failure {
        None if snapshot.state.is_ready() => Ok(StatusCode::CREATED),
        // Cancelled, and on its way down.
        None => Ok(StatusCode::ACCEPTED),
        Some(failed) => Err(Fault::Told(failure::status(failed), failure::sentence(failed, &server.id))),
    }
}

/// `PATCH`: changes a server that does not run.
pub async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    address: Address,
    body: Body,
) -> Result<Json<Value>, Fault> {
    let user = address.allowed(&caller, &["start:servers"])?;
    app.people.find(&user).ok_or(Fault::NoAccess)?;
    let server = address.existing(&app, &user).ok_or_else(|| {
        let text = format!("User {user} has no such server '{}'", address.server);
        Fault::Told(StatusCode::NOT_FOUND, text)
    })?;
    let mut change = request::change(body, server.id.server.as_str())?;
    profile::check(&app, &user, change.user_options.as_mut()).await?;
    let name = change.name.clone().unwrap_or_else(|| server.id.server.clone());
    let changed = app.servers.change(&server, change).await;
    let changed = changed.map_err(|error| match error {
        RowError::Exists => Fault::Told(StatusCode::CONFLICT, format!("User {user} already has server '{name}'")),
        error => not_done(&server.id, error),
    })?;
    tracing::info!(
        hub_user = user.as_str(),
        hub_server = changed.id.server.as_str(),
        "{} changed the server {}",
        caller.name(),
        server.id
    );
    Ok(model(&app, &caller, &changed))
}

/// `DELETE`: 204 when it is stopped on return, 202 when the stop goes on. With `{"remove": true}` it is gone then.
pub async fn stop(
    State(app): State<Arc<App>>,
    caller: Caller,
    address: Address,
    body: Body,
) -> Result<StatusCode, Fault> {
    let user = address.allowed(&caller, &["delete:servers"])?;
    app.people.find(&user).ok_or(Fault::NoAccess)?;
    let remove = request::remove(body)?;
    if !address.server.is_empty() && !app.servers.named_are_enabled() {
        return Err(Fault::BadRequest("Named servers are not enabled.".into()));
    }
    let Some(server) = address.existing(&app, &user) else {
        return match (address.server.as_str(), remove) {
            ("", true) => Err(Fault::BadRequest("Cannot delete the default server".into())),
            ("", false) => Ok(StatusCode::NO_CONTENT),
            (name, _) => Err(Fault::Told(StatusCode::NOT_FOUND, format!("{user} has no server named '{name}'"))),
        };
    };
    if remove && server.id.server.is_default() {
        return Err(Fault::BadRequest("Cannot delete the default server".into()));
    }
    if server.snapshot().hold == Some(Hold::Rename) {
        return Err(Fault::BadRequest("Cannot stop a server while it is being renamed".into()));
    }
    let under_way = server.snapshot().state == ServerState::Stopping;
    app.servers.stop_for(&server.id, Some(caller.name().to_owned()));
    tracing::info!(
        hub_user = user.as_str(),
        hub_server = server.id.server.as_str(),
        hub_unit = server.id.unit_name(),
        "{} asked for a stop of the server of {}{}",
        caller.name(),
        server.id,
        if remove { ", and for its removal" } else { "" }
    );
    let done = if remove {
        // Goes on by itself when nobody waits for it any more.
        let removal = app.servers.remove(&server);
        tokio::time::timeout(SLOW, removal).await.ok().transpose().map_err(Fault::internal)? == Some(true)
    } else if under_way {
        false
    } else {
        let mut changes = server.follow();
        let settled = changes.wait_for(|snapshot| !snapshot.state.is_active());
        tokio::time::timeout(SLOW, settled).await.is_ok()
    };
    Ok(if done { StatusCode::NO_CONTENT } else { StatusCode::ACCEPTED })
}
