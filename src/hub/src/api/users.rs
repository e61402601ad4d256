//! `/hub/api/user`, `/hub/api/users`, `/hub/api/users/{user}`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde_json::{Value, json};

use super::caller::Caller;
use super::models::{self, Shown};
use crate::app::App;
use crate::http::faults::Fault;

/// Most users in one answer (contract 1.3).
const LIMIT_MAX: usize = 200;

type Arguments = Query<HashMap<String, String>>;

fn shown(arguments: &Arguments) -> Shown {
    match arguments.get("include_stopped_servers").map(String::as_str) {
        None | Some("0" | "false") => Shown::Active,
        Some(_) => Shown::All,
    }
}

fn number(arguments: &Arguments, name: &str) -> Result<Option<usize>, Fault> {
    let Some(text) = arguments.get(name) else { return Ok(None) };
    let number: i64 = text
        .parse()
        .map_err(|_| Fault::BadRequest("Invalid argument type, offset and limit must be integers".into()))?;
    Ok(usize::try_from(number.unsigned_abs()).ok())
}

/// `GET /hub/api/user`: who am I.
pub async fn whoami(State(app): State<Arc<App>>, caller: Caller, arguments: Arguments) -> Result<Json<Value>, Fault> {
    let Caller::Person { user, .. } = &caller else {
        return Ok(Json(json!({"kind": "administrator", "name": caller.name(), "admin": true})));
    };
    let row = app.people.find(user).ok_or(Fault::NoAccess)?;
    Ok(Json(models::user(&app, &row, shown(&arguments))))
}

/// `GET /hub/api/users?offset=&limit=&include_stopped_servers=`
pub async fn list(State(app): State<Arc<App>>, caller: Caller, arguments: Arguments) -> Result<Json<Value>, Fault> {
    caller.require_admin()?;
    let offset = number(&arguments, "offset")?.unwrap_or(0);
    let limit = number(&arguments, "limit")?.unwrap_or(LIMIT_MAX).clamp(1, LIMIT_MAX);
    let shown = shown(&arguments);
    let people = app.people.all();
    let page = people.iter().skip(offset).take(limit);
    Ok(Json(page.map(|row| models::user(&app, row, shown)).collect()))
}

/// `GET /hub/api/users/{user}`
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    arguments: Arguments,
) -> Result<Json<Value>, Fault> {
    let id = caller.server(&name)?;
    let row = app.people.find(&id.user).ok_or(Fault::NoAccess)?;
    Ok(Json(models::user(&app, &row, shown(&arguments))))
}
