//! `/hub/api/authorizations/...`: how services of old asked whose token or cookie it is (contract 1.4, rows 40 to 42).
//!
//! Deprecated, and only for callers with a token of their own: whoever asks must hold the secret already.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::Value;

use super::caller::{Caller, note_use};
use super::models::{Shown, View};
use super::users::service_model;
use crate::app::App;
use crate::auth::scopes::{Scopes, identify};
use crate::auth::tokens::Owner;
use crate::clock::now;
use crate::http::cookies;
use crate::http::faults::Fault;

/// `GET …/token/{token}`: whose token that is.
pub async fn token(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(secret): Path<String>,
) -> Result<Json<Value>, Fault> {
    by_token(&caller)?;
    let token = app.tokens.find(&secret, now()).ok_or(Fault::NotFound)?;
    note_use(&app, &token);
    let owner = token.owner.scope_owner();
    // Whoever holds the token may know whose it is.
    let mut scopes: Scopes = (*caller.scopes).clone();
    let own = identify(owner);
    scopes.add(&app.access.catalog.expand(own.iter().map(String::as_str), owner, None, None));
    match &token.owner {
        Owner::User(user) => {
            let row = app.people.find(user).ok_or(Fault::NotFound)?;
            let view = View { app: &app, scopes: &scopes, shown: Shown::Active };
            view.user(&row).map(|model| Json(model.into())).ok_or(Fault::NotFound)
        }
        Owner::Service(name) => Ok(Json(service_model(&app, name, &scopes).into())),
    }
}

/// `POST …/token`: gone since `JupyterHub` 2.
pub async fn removed(State(app): State<Arc<App>>) -> Fault {
    let base = app.base_url();
    let text = format!(
        "Deprecated endpoint {base}hub/api/authorizations/token is removed in JupyterHub 2.0. \
         Use {base}hub/api/users/:user/tokens instead."
    );
    Fault::Told(StatusCode::NOT_FOUND, text)
}

/// `GET …/cookie/{name}/{value}`: who is logged in with that cookie of the hub.
pub async fn cookie(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((name, value)): Path<(String, String)>,
) -> Result<Json<Value>, Fault> {
    of_cookie(&app, &caller, &name, &value)
}

/// `GET …/cookie/{name}`, the value in the body: as it is, or as a JSON string.
pub async fn cookie_in_body(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    body: String,
) -> Result<Json<Value>, Fault> {
    let value = serde_json::from_str(&body).unwrap_or(body);
    of_cookie(&app, &caller, &name, &value)
}

fn of_cookie(app: &App, caller: &Caller, name: &str, value: &str) -> Result<Json<Value>, Fault> {
    by_token(caller)?;
    let session = if name == cookies::LOGIN { app.sessions.find(value, now()) } else { None };
    let row = session.and_then(|session| app.people.find(&session.user)).ok_or(Fault::NotFound)?;
    let view = View { app, scopes: &caller.scopes, shown: Shown::Active };
    view.user(&row).map(|model| Json(model.into())).ok_or(Fault::NotFound)
}

fn by_token(caller: &Caller) -> Result<(), Fault> {
    caller.token().map(|_| ()).ok_or(Fault::Forbidden)
}
