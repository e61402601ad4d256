//! `/hub/api/idle`: which servers are idle, and what is done with them; and `.../server/keep`, by which a person has
//! theirs left alone for a while. No part of JupyterHub's API.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::body::Body;
use super::caller::Caller;
use super::servers::Address;
use crate::app::App;
use crate::auth::scopes::Resource;
use crate::clock::{Usec, iso, now, timestamp};
use crate::http::faults::Fault;
use crate::servers::idle::{Done, KeepError, Reason, Verdict};
use crate::servers::server::Server;

const SECOND: i64 = 1_000_000;

/// `GET /idle`: looks at every server that is ready, and tells of those the caller may read. Nothing is done.
pub async fn show(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, Fault> {
    if caller.scopes.holding("read:servers").is_none() {
        return Err(Fault::Scopes(&["read:servers"]));
    }
    let seen = app.idle.survey(now()).await;
    let may_read = |done: &&Done| {
        let id = &done.server.id;
        caller.may("read:servers", Resource::Server { user: id.user.as_str(), server: id.server.as_str() })
    };
    Ok(list(seen.iter().filter(may_read)))
}

/// `POST /idle`: looks, and suspends and stops what is due; what `hub-cull.timer` has done every few minutes.
pub async fn apply(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, Fault> {
    caller.require(&["admin:servers"], Resource::Any)?;
    Ok(list(app.idle.apply(now()).await.iter()))
}

fn list<'a>(servers: impl Iterator<Item = &'a Done>) -> Json<Value> {
    let servers: Vec<Value> = servers
        .map(|done| {
            json!({
                "user": done.server.id.user.as_str(),
                "server": done.server.id.server.as_str(),
                "state": done.server.snapshot().state.word(),
                "idle": model(&done.verdict),
                "done": done.deed.map(crate::servers::idle::Deed::word),
            })
        })
        .collect();
    Json(json!({"servers": servers}))
}

/// What the extension of a server's model says of its idleness: a verdict while it is ready, and why the hub stopped it
/// once it did. `None` where there is nothing to say.
pub fn of(app: &App, server: &Server) -> Option<Value> {
    if let Some(verdict) = app.idle.verdict(server, now()) {
        return Some(model(&verdict));
    }
    let (why, when) = server.ended().filter(|_| !server.snapshot().is_active())?;
    Some(json!({"ended": {"why": why.word(), "at": iso(when)}}))
}

/// A verdict. Moments are ISO 8601, `null` is never.
pub fn model(verdict: &Verdict) -> Value {
    json!({
        "since": verdict.idle_since.map(iso),
        "certain": verdict.certain,
        "suspend_at": verdict.suspend_at.map(iso),
        "stop_at": verdict.stop_at().map(iso),
        "stop_why": verdict.stop.map(|stop| stop.why.word()),
        "looked": verdict.looked.map(iso),
        "reasons": verdict.reasons.iter().map(reason).collect::<Vec<_>>(),
    })
}

fn reason(reason: &Reason) -> Value {
    match *reason {
        Reason::Attended(at) => json!({"sign": "attended", "at": iso(at)}),
        Reason::Worked(at) => json!({"sign": "worked", "at": iso(at)}),
        Reason::Kernels { count, busy } => json!({"sign": "kernels", "count": count, "busy": busy}),
        Reason::Terminals { count, last } => json!({"sign": "terminals", "count": count, "last": last.map(iso)}),
        Reason::Silent => json!({"sign": "silent"}),
        Reason::Cpu(percent) => json!({"sign": "cpu", "percent": (percent * 100.0).round() / 100.0}),
        Reason::Measuring => json!({"sign": "measuring"}),
        Reason::Kept(until) => json!({"sign": "kept", "until": iso(until)}),
    }
}

/// `PUT .../keep`: `{"until": moment}` or `{"seconds": number}`.
pub async fn keep(
    State(app): State<Arc<App>>,
    caller: Caller,
    address: Address,
    Body(body): Body,
) -> Result<Json<Value>, Fault> {
    let server = existing(&app, &caller, &address)?;
    let until = wanted(body.as_ref(), now())?;
    kept(&app, &server, Some(until)).await
}

/// `DELETE .../keep`
pub async fn release(State(app): State<Arc<App>>, caller: Caller, address: Address) -> Result<Json<Value>, Fault> {
    let server = existing(&app, &caller, &address)?;
    kept(&app, &server, None).await
}

fn existing(app: &App, caller: &Caller, address: &Address) -> Result<Arc<Server>, Fault> {
    let user = address.allowed(caller, &["servers"])?;
    address.existing(app, &user).ok_or(Fault::NoAccess)
}

fn wanted(body: Option<&Value>, now: Usec) -> Result<Usec, Fault> {
    let bad = || Fault::BadRequest("body must be {\"until\": timestamp} or {\"seconds\": number}".into());
    let empty = Map::new();
    let body = body.and_then(Value::as_object).unwrap_or(&empty);
    match (body.get("until"), body.get("seconds")) {
        (Some(until), None) => until.as_str().and_then(timestamp::parse).filter(|until| *until > now).ok_or_else(bad),
        (None, Some(seconds)) => {
            let seconds = seconds.as_u64().filter(|seconds| *seconds > 0).ok_or_else(bad)?;
            let span = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(SECOND));
            Ok(now.saturating_add(span.ok_or_else(bad)?))
        }
        _ => Err(bad()),
    }
}

/// Has a server left alone until then; `None` ends that.
pub async fn kept(app: &App, server: &Server, until: Option<Usec>) -> Result<Json<Value>, Fault> {
    let now = now();
    app.idle.keep(server, until, now).await.map_err(|error| match error {
        KeepError::TooLong(Duration::ZERO) => {
            Fault::Told(StatusCode::FORBIDDEN, "servers cannot be kept here (idle.keep_max)".into())
        }
        KeepError::TooLong(_) => Fault::BadRequest(format!("{error} (idle.keep_max)")),
        KeepError::Store(error) => Fault::internal(error),
    })?;
    Ok(Json(json!({"keep_until": server.kept_until(now).map(iso)})))
}
