//! `/hub/api/user`, `/hub/api/users`, `/hub/api/users/{user}` (contract 1.5 to 1.7).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::caller::Caller;
use super::models::{Shown, View};
use super::page::{Arguments, Page, include_stopped};
use crate::app::App;
use crate::auth::scopes::{Cover, Resource};
use crate::auth::tokens::Owner;
use crate::http::faults::Fault;

/// Scopes of which any one shows something of a person.
const READ: &[&str] =
    &["read:users", "read:users:name", "read:servers", "read:users:groups", "read:users:activity", "read:roles:users"];

pub(super) fn shown(arguments: &Arguments) -> Shown {
    if include_stopped(arguments) { Shown::All } else { Shown::Active }
}

/// `GET /hub/api/user`: who am I.
pub async fn whoami(State(app): State<Arc<App>>, caller: Caller, arguments: Arguments) -> Result<Json<Value>, Fault> {
    let scopes = caller.identified(&app);
    let mut model = match caller.owner() {
        None => return Ok(Json(json!({"kind": "administrator", "name": caller.name(), "admin": true}))),
        Some(Owner::User(user)) => {
            let row = app.people.find(&user).ok_or(Fault::NoAccess)?;
            let view = View { app: &app, scopes: &scopes, shown: shown(&arguments) };
            view.user(&row).ok_or(Fault::NoAccess)?
        }
        Some(Owner::Service(name)) => {
            let model = json!({"kind": "service", "name": name, "admin": caller.is_admin(&app)});
            model.as_object().cloned().unwrap_or_default()
        }
    };
    let token = caller.token();
    let session = token.and_then(|token| token.session.clone());
    model.insert("token_id".into(), token.map(|token| format!("a{}", token.id)).into());
    model.insert("session_id".into(), session.into());
    model.insert("scopes".into(), caller.scopes.to_strings().into());
    Ok(Json(model.into()))
}

/// `GET /hub/api/users`
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    page: Page,
    arguments: Arguments,
) -> Result<Response, Fault> {
    if caller.scopes.holding("list:users").is_none() {
        return Err(Fault::Scopes(&["list:users"]));
    }
    let view = View { app: &app, scopes: &caller.scopes, shown: shown(&arguments) };
    let listed =
        |name: &str| caller.scopes.covers("list:users", Resource::User(name), app.access.groups()) == Cover::Covered;
    let people = app.people.all().into_iter().filter(|row| listed(row.name.as_str())).collect();
    let (part, total) = page.cut(people);
    Ok(page.answer(part.iter().filter_map(|row| view.user(row)).map(Value::Object).collect(), total))
}

/// `GET /hub/api/users/{user}`
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    arguments: Arguments,
) -> Result<Json<Value>, Fault> {
    caller.on_user(READ, &name)?;
    let row = app.people.named(&name).ok_or(Fault::NoAccess)?;
    let view = View { app: &app, scopes: &caller.scopes, shown: shown(&arguments) };
    view.user(&row).map(|model| Json(model.into())).ok_or(Fault::NoAccess)
}
