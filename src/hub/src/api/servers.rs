//! `/hub/api/users/{user}/server`: start and stop (contract 1.8).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hubd_base::names::ServerId;

use super::caller::Caller;
use crate::app::App;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::servers::registry::Busy;
use crate::servers::server::Server;
use crate::servers::state::{Cause, State as ServerState};

/// How long a call waits for the end of what it began: `slow_spawn_timeout` and `slow_stop_timeout`.
const SLOW: Duration = Duration::from_secs(10);

/// `POST`: 201 when it runs on return, 202 when the start goes on.
pub async fn start(State(app): State<Arc<App>>, caller: Caller, Path(name): Path<String>) -> Result<Response, Fault> {
    let id = caller.on_server(&["start:servers"], &name, "")?;
    keep_account(&app, &id).await?;
    match app.servers.start(&id) {
        Err(busy) => Err(Fault::BadRequest(format!("{busy:?}"))),
        Ok(server) => {
            tracing::info!(
                hub_user = id.user.as_str(),
                hub_unit = id.unit_name(),
                "{} asked for a start of the server of {id}",
                caller.name()
            );
            Ok(started(&server).await.into_response())
        }
    }
}

/// The person's row; made now for an account of this machine that never logged in.
async fn keep_account(app: &App, id: &ServerId) -> Result<(), Fault> {
    if app.people.find(&id.user).is_some() {
        return Ok(());
    }
    let found = app.accounts.find(vec![id.user.clone()]).await.map_err(|text| Fault::Internal(text.into()))?;
    match found.into_iter().flatten().next() {
        Some(name) => {
            app.people.keep(name, None, now()).await.map_err(Fault::internal)?;
            Ok(())
        }
        None => Err(Fault::NoAccess),
    }
}

async fn started(server: &Server) -> (StatusCode, axum::Json<serde_json::Value>) {
    let mut changes = server.follow();
    let settled = changes.wait_for(|snapshot| snapshot.state != ServerState::Starting);
    let Ok(Ok(snapshot)) = tokio::time::timeout(SLOW, settled).await.map(|settled| settled.map(|s| s.clone())) else {
        return (StatusCode::ACCEPTED, axum::Json(serde_json::Value::Null));
    };
    let Some(failure) = snapshot.failure else {
        return (StatusCode::CREATED, axum::Json(serde_json::Value::Null));
    };
    let status = match failure.cause {
        Cause::NotAllowed => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let message = match failure.cause {
        Cause::Exited => format!(
            "Spawner failed to start [status={}]. The logs for {} may contain details.",
            failure.text, server.id
        ),
        _ => failure.text.clone(),
    };
    (status, axum::Json(serde_json::json!({"status": status.as_u16(), "message": message})))
}

/// `DELETE`: 204 when it is stopped on return, 202 when the stop goes on.
pub async fn stop(State(app): State<Arc<App>>, caller: Caller, Path(name): Path<String>) -> Result<StatusCode, Fault> {
    let id = caller.on_server(&["delete:servers"], &name, "")?;
    app.people.find(&id.user).ok_or(Fault::NoAccess)?;
    let server = app.servers.stop(&id);
    tracing::info!(
        hub_user = id.user.as_str(),
        hub_unit = id.unit_name(),
        "{} asked for a stop of the server of {id}",
        caller.name()
    );
    let mut changes = server.follow();
    let settled = changes.wait_for(|snapshot| !snapshot.state.is_active());
    match tokio::time::timeout(SLOW, settled).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(_) => Ok(StatusCode::ACCEPTED),
    }
}
