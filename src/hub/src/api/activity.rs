//! `/hub/api/users/{user}/activity`: what servers tell of their own use (contract 1.10), and the former
//! `/hub/api/users/{user}/admin-access`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use hubd_base::names::{ServerId, ServerName, UserName};
use serde_json::{Map, Value};

use super::body::{Body, python};
use super::caller::Caller;
use crate::app::App;
use crate::clock::{Usec, iso, now, timestamp};
use crate::http::faults::Fault;
use crate::servers::server::Server;

/// How far ahead a client's clock may be, microseconds: 59 minutes.
const AHEAD_MAX: Usec = 59 * 60 * 1_000_000;
const SERVERS: &str = "servers must be a dict of the form {server_name: {last_activity: timestamp}}";

/// `POST`: moves values forward, never back.
pub async fn note(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body,
) -> Result<(), Fault> {
    caller.on_user(&["users:activity"], &name)?;
    let unknown = || Fault::Told(StatusCode::NOT_FOUND, format!("No such user: {}", python(&name.as_str().into())));
    let user = app.people.named(&name).ok_or_else(unknown)?.name.clone();
    let bad = |text: &str| Fault::BadRequest(text.into());
    let Some(Value::Object(body)) = body else { return Err(bad("body must be a json dict")) };
    let given = |field: &str| body.get(field).filter(|value| !is_nothing(value));
    let (own, servers) = (given("last_activity"), given("servers"));
    if own.is_none() && servers.is_none() {
        return Err(bad("body must contain at least one of `last_activity` or `servers`"));
    }
    let servers = match servers {
        None => Vec::new(),
        Some(Value::Object(servers)) => of_servers(&app, &user, servers)?,
        Some(_) => return Err(bad(SERVERS)),
    };
    let own = own.map(moment).transpose()?;
    // All is well; from here on nothing is refused.
    for (server, when) in servers {
        server.report(when);
    }
    if let Some(when) = own {
        app.people.advance(&user, when).await.map_err(Fault::internal)?;
    }
    Ok(())
}

/// What Python takes for false: as good as not given.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

fn of_servers(app: &App, user: &UserName, servers: &Map<String, Value>) -> Result<Vec<(Arc<Server>, Usec)>, Fault> {
    let one = |(name, info): (&String, &Value)| {
        let id = ServerName::parse(name).ok().map(|server| ServerId { user: user.clone(), server });
        let unknown = || Fault::BadRequest(format!("No such server '{name}' for user {user}"));
        let server = id.and_then(|id| app.servers.find(&id)).filter(|server| server.exists()).ok_or_else(unknown)?;
        let when = info.as_object().and_then(|info| info.get("last_activity"));
        Ok((server, moment(when.ok_or_else(|| Fault::BadRequest(SERVERS.into()))?)?))
    };
    servers.iter().map(one).collect()
}

fn moment(value: &Value) -> Result<Usec, Fault> {
    let moment = value.as_str().and_then(timestamp::parse);
    let moment = moment.ok_or_else(|| Fault::BadRequest(format!("Not a valid timestamp: {}", python(value))))?;
    if moment > now().saturating_add(AHEAD_MAX) {
        let text = format!("Rejecting activity from more than an hour in the future: {}", iso(moment));
        return Err(Fault::BadRequest(text));
    }
    Ok(moment)
}

/// `POST …/admin-access`: does nothing any more; access is a matter of scopes.
pub async fn admin_access(State(app): State<Arc<App>>, caller: Caller, Path(name): Path<String>) -> Result<(), Fault> {
    caller.on_user(&["servers"], &name)?;
    if !app.config.login.admin_access {
        return Err(Fault::Told(StatusCode::FORBIDDEN, "admin access to user servers disabled".into()));
    }
    app.people.named(&name).map(|_| ()).ok_or(Fault::NoAccess)
}
