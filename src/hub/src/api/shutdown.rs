//! `/hub/api/shutdown` (contract 1.13): the hub ends. The next connection to `hub.socket` starts it again.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::body::{Body, python};
use super::caller::Caller;
use crate::app::App;
use crate::auth::scopes::Resource;
use crate::http::faults::Fault;

/// Beyond the time that one server may take to stop.
const MARGIN: Duration = Duration::from_secs(30);

/// `POST {"proxy": bool?, "servers": bool?}`. The proxy is part of the hub; `servers` stops what the hub started.
pub async fn end(State(app): State<Arc<App>>, caller: Caller, body: Body) -> Result<(StatusCode, Json<Value>), Fault> {
    caller.require(&["shutdown"], Resource::Any)?;
    let body = body.object("Request body must be a JSON object")?;
    flag(&body, "proxy")?;
    let servers = flag(&body, "servers")?.unwrap_or(false);
    tracing::info!(
        "{} asked for the end of the hub{}",
        caller.name(),
        if servers { " and of all servers" } else { "" }
    );
    tokio::spawn(async move {
        if servers {
            stop_everything(&app).await;
        }
        // What is being answered is finished first, this very call included.
        app.stop.cancel();
    });
    Ok((StatusCode::ACCEPTED, Json(json!({"message": "Shutting down Hub"}))))
}

fn flag(body: &Map<String, Value>, name: &str) -> Result<Option<bool>, Fault> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(Fault::BadRequest(format!("{name} must be true or false, got {}", python(other)))),
    }
}

async fn stop_everything(app: &App) {
    let active = app.servers.all().into_iter().filter(|server| server.snapshot().state.is_active());
    let ends = active.map(|server| async move {
        let server = app.servers.stop(&server.id);
        let mut changes = server.follow();
        // Ends when it is stopped, or failed to be.
        let _ = changes.wait_for(|snapshot| !snapshot.state.is_active()).await;
    });
    let limit = app.config.server.stop_timeout.saturating_add(MARGIN);
    let all = async { tokio::join!(futures_util::future::join_all(ends), app.manager.stop_all()) };
    if tokio::time::timeout(limit, all).await.is_err() {
        tracing::warn!("not everything stopped within {} s, ending the hub all the same", limit.as_secs());
    }
}
