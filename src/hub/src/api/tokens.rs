//! `/hub/api/users/{user}/tokens`: a person's tokens (contract 1.9).
//!
//! Invariant: a secret leaves the hub once, in the answer that made it. A token never holds what its owner does not
//! hold when it is made, and never does what the owner may not do when it is used.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hubd_base::config::NEVER;
use hubd_base::names::UserName;
use hubd_base::secret::Secret;
use serde_json::{Map, Value, json};

use super::body::{Body, python};
use super::caller::Caller;
use super::token_models::{model, parse_id};
use crate::app::App;
use crate::auth::login::FIELD_MAX;
use crate::auth::scopes::{Cover, Resource, ScopeError, Scopes};
use crate::auth::tokens::{Kind, NewToken, Owner, Token};
use crate::clock::{Usec, now};
use crate::http::faults::Fault;
use crate::http::visitor::Visitor;

/// `GET`: oldest use first.
pub async fn list(State(app): State<Arc<App>>, caller: Caller, Path(name): Path<String>) -> Result<Json<Value>, Fault> {
    caller.on_user(&["read:tokens"], &name)?;
    let user = app.people.named(&name).ok_or(Fault::NoAccess)?.name.clone();
    let mut tokens = app.tokens.select(now(), |token| is_of(token, &user));
    tokens.sort_by_key(|token| token.last_activity().unwrap_or(token.created));
    let models: Vec<Value> = tokens.iter().map(|token| model(&app, token).into()).collect();
    Ok(Json(json!({"api_tokens": models})))
}

fn is_of(token: &Token, user: &UserName) -> bool {
    matches!(&token.owner, Owner::User(owner) if owner == user)
}

/// `GET …/{token}`
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> Result<Json<Value>, Fault> {
    caller.on_user(&["read:tokens"], &name)?;
    let token = find(&app, &name, &id)?;
    Ok(Json(model(&app, &token).into()))
}

fn find(app: &App, name: &str, id: &str) -> Result<Arc<Token>, Fault> {
    let user = app.people.named(name).ok_or(Fault::NoAccess)?.name.clone();
    let token = parse_id(id).and_then(|id| app.tokens.by_id(id, now())).filter(|token| is_of(token, &user));
    token.ok_or_else(|| Fault::Told(StatusCode::NOT_FOUND, format!("No such token {id} for user {name}")))
}

/// `DELETE …/{token}`: of a token that an OAuth client got, all that this client got for this person.
pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> Result<StatusCode, Fault> {
    caller.on_user(&["tokens"], &name)?;
    let token = find(&app, &name, &id)?;
    let same_client = |other: &Token| {
        token.kind == Kind::OAuth
            && other.kind == Kind::OAuth
            && other.owner == token.owner
            && other.client == token.client
    };
    let count = app.tokens.revoke(|other| other.id == token.id || same_client(other)).await;
    let count = count.map_err(Fault::internal)?;
    tracing::info!(hub_user = name.as_str(), "{} revoked {count} token(s) of {name}", caller.name());
    Ok(StatusCode::NO_CONTENT)
}

/// Who asks for a token.
struct Requester {
    /// `None` for an administrator of the machine.
    owner: Option<Owner>,
    name: String,
    scopes: Arc<Scopes>,
}

impl Requester {
    fn kind(&self) -> (&'static str, &'static str) {
        match self.owner {
            Some(Owner::Service(_)) => ("Service", "service"),
            Some(Owner::User(_)) | None => ("User", "user"),
        }
    }
}

/// `POST`: makes a token. Whoever has no credential may log in with the body's `auth`.
pub async fn create(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    caller: Result<Caller, Fault>,
    Path(name): Path<String>,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Fault> {
    let body = body.model(|_| "Body must be a JSON dict or empty".into())?;
    let mut body = body.unwrap_or_default();
    let auth = body.remove("auth");
    let requester = match caller {
        Ok(caller) => {
            Requester { owner: caller.owner(), name: caller.name().to_owned(), scopes: Arc::clone(&caller.scopes) }
        }
        Err(Fault::NoCredentials) => log_in(&app, &visitor, auth).await?,
        Err(other) => return Err(other),
    };
    let (kind, by) = requester.kind();
    let refused = || {
        let text = format!("{kind} {name} not found or no permissions to generate tokens");
        Fault::Told(StatusCode::FORBIDDEN, text)
    };
    if requester.scopes.covers("tokens", Resource::User(&name), app.access.groups()) != Cover::Covered {
        return Err(refused());
    }
    let owner = Owner::User(app.people.named(&name).ok_or_else(refused)?.name.clone());
    let note = match body.get("note") {
        Some(Value::String(note)) if !note.is_empty() => note.clone(),
        None | Some(Value::Null | Value::String(_)) if requester.owner.as_ref() == Some(&owner) => {
            "Requested via api".into()
        }
        None | Some(Value::Null | Value::String(_)) => format!("Requested via api by {by} {}", requester.name),
        Some(other) => return Err(bad(format!("token note must be null or a string, not {}", python(other)))),
    };
    let scopes = wanted_scopes(&app, &owner, &body)?;
    let created = now();
    let expires = expiry(body.get("expires_in"), app.config.hub.token_lifetime_max, created)?;
    let new = NewToken { owner, kind: Kind::Api, client: None, session: None, scopes, note, created, expires };
    let (secret, token) = match app.tokens.create(new).await {
        Ok(made) => made,
        // They were deleted in this very moment.
        Err(_) if app.people.named(&name).is_none() => return Err(refused()),
        Err(error) => return Err(Fault::internal(error)),
    };
    tracing::info!(hub_user = name.as_str(), "{} made a token for {name}", requester.name);
    let mut model = model(&app, &token);
    model.insert("token".into(), secret.as_str().into());
    Ok((StatusCode::CREATED, Json(model.into())))
}

fn bad(text: String) -> Fault {
    Fault::BadRequest(text)
}

/// Name, password and maybe a one-time code in the body, as on the login page and through the same bounded door.
/// Whatever goes wrong is the same refusal.
async fn log_in(app: &App, visitor: &Visitor, auth: Option<Value>) -> Result<Requester, Fault> {
    let Some(Value::Object(mut auth)) = auth else { return Err(Fault::NoCredentials) };
    let mut take = |field| match auth.remove(field) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Fault::Forbidden),
    };
    let password = Secret::from(take("password")?);
    let username = take("username")?;
    let code = match auth.remove("otp") {
        None | Some(Value::Null) => None,
        Some(Value::String(code)) => Some(Secret::from(code)),
        Some(_) => return Err(Fault::Forbidden),
    };
    let username = username.trim();
    let long = |secret: &Secret| secret.expose().len() > FIELD_MAX;
    if username.len() > FIELD_MAX || long(&password) || code.as_ref().is_some_and(long) {
        return Err(Fault::Forbidden);
    }
    let verdict = app.door.attempt(username, password, code, &visitor.address).await.map_err(|error| {
        error.report(&visitor.address);
        Fault::Forbidden
    })?;
    let (user, admin) = verdict.accepted().ok_or(Fault::Forbidden)?;
    let now = now();
    app.people.keep(user.clone(), Some(admin), now).await.map_err(Fault::internal)?;
    app.people.touch(user, now).await.map_err(Fault::internal)?;
    Ok(Requester { owner: Some(Owner::User(user.clone())), name: user.to_string(), scopes: app.access.of_user(user) })
}

/// The scopes that were asked for, as they are stored; refused where the owner does not hold them.
fn wanted_scopes(app: &App, owner: &Owner, body: &Map<String, Value>) -> Result<Vec<String>, Fault> {
    let (roles, scopes) = (texts(body, "roles")?, texts(body, "scopes")?);
    let raw: Vec<String> = match (roles, scopes) {
        (Some(_), Some(_)) => {
            return Err(bad("Can only assign one of scopes or roles when creating tokens.".into()));
        }
        (None, Some(scopes)) => scopes,
        (Some(roles), None) => {
            if let Some(unknown) = roles.iter().find(|role| app.access.roles.find(role).is_none()) {
                return Err(bad(format!("No such role: {unknown}")));
            }
            of_roles(app, roles.iter().map(String::as_str))
        }
        // What the operator made of this role counts for as much of it as the owner holds.
        (None, None) => return Ok(of_roles(app, ["token"])),
    };
    let mut resolved = Vec::with_capacity(raw.len());
    for text in &raw {
        let scope = app.access.catalog.parse(text).map_err(|error| bad(unknown_scope(&error)))?;
        // `!server` and `!service` mean nothing here, and give nothing.
        let Some(scope) = scope.resolve(owner.scope_owner(), None).map(|scope| scope.to_string()) else { continue };
        if !resolved.contains(&scope) {
            resolved.push(scope);
        }
    }
    let held = app.access.of(owner);
    let asked = resolved.iter().map(String::as_str);
    let asked: Scopes = app.access.catalog.expand(asked, owner.scope_owner(), None, Some(&held));
    let missing = held.missing(&asked, app.access.groups());
    if missing.is_empty() {
        return Ok(resolved);
    }
    let kind = if matches!(owner, Owner::User(_)) { "User" } else { "Service" };
    Err(bad(format!("Not assigning requested scopes {} not held by {kind} {}", missing.join(","), owner.name())))
}

fn of_roles<'a>(app: &App, roles: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in roles.into_iter().flat_map(|role| app.access.roles.scopes([role])) {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

/// With the quotes that `JupyterHub` puts around it.
fn unknown_scope(error: &ScopeError) -> String {
    let text = match error {
        ScopeError::Unknown(scope) => format!("Scope '{scope}' for token does not exist"),
        ScopeError::Filter(scope) => {
            let filter = scope.split_once('!').map_or("", |(_, filter)| filter);
            format!("Scope filter '!{filter}' in scope '{scope}' for token does not exist")
        }
        ScopeError::All => "Draft scope 'all' is now called 'inherit'".to_owned(),
    };
    format!("\"{text}\"")
}

fn texts(body: &Map<String, Value>, field: &str) -> Result<Option<Vec<String>>, Fault> {
    let value = match body.get(field) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let items = value.as_array().map(Vec::as_slice);
    let texts = items.map(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    let texts: Option<Vec<String>> = texts.flatten();
    let wrong = || bad(format!("token {field} must be null or a list of strings, not {}", python(value)));
    texts.map(Some).ok_or_else(wrong)
}

/// When a new token ends. `longest`: the configuration's limit; a token without an end gets that one.
fn expiry(wanted: Option<&Value>, longest: Duration, created: Usec) -> Result<Option<Usec>, Fault> {
    let seconds = match wanted.filter(|value| !value.is_null()) {
        None if longest == NEVER => return Ok(None),
        None => longest.as_secs(),
        Some(value) => {
            if !(value.is_u64() || value.is_i64()) {
                return Err(bad(format!("token expires_in must be null or integer, not {}", python(value))));
            }
            let seconds = value.as_u64().unwrap_or(0);
            if seconds == 0 {
                return Err(bad(format!("expires_in must be a positive integer or null, not {value}")));
            }
            if seconds > longest.as_secs() {
                return Err(bad(format!("token expires_in: {seconds} must not exceed {}", longest.as_secs())));
            }
            seconds
        }
    };
    let life = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    Ok(Some(created.saturating_add(life)))
}
