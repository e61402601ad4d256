//! `/hub/api/services` (contract 1.12 and 2.3).

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hubd_base::config::ServiceTarget;
use hubd_base::names::ServiceName;
use serde_json::{Map, Value};

use super::body::{Body, python};
use super::caller::Caller;
use super::models::{Shown, View};
use crate::app::App;
use crate::auth::scopes::{Cover, Owner as ScopeOwner, Resource};
use crate::auth::services::{Added, CLIENT_PREFIX, Service};
use crate::auth::tokens::{Kind, Owner, Token};
use crate::clock::now;
use crate::http::faults::Fault;
use crate::servers::address::Address;
use crate::servers::ready;
use crate::services::tokens::new_token;

/// Scopes of which any one shows something of a service.
const READ: &[&str] = &["read:services", "read:services:name", "read:roles:services"];
/// How long a service that is added may take until it answers.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The length of a token that somebody chose, in characters.
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 8..=64;

impl View<'_> {
    /// A service; `None` if nothing of it may be seen.
    pub fn service(&self, service: &Service) -> Option<Map<String, Value>> {
        let on = |any: &[&str]| self.sees(any, Resource::Service(&service.name));
        let (all, roles) = (on(&["read:services"]), on(&["read:roles:services"]));
        if !all && !roles && !on(&["read:services:name"]) {
            return None;
        }
        let held = self.app.access.roles_of_service(&service.name);
        let mut model = Map::new();
        let mut put = |field: &str, value: Value| model.insert(field.to_owned(), value);
        put("kind", "service".into());
        put("name", service.name.clone().into());
        put("admin", held.contains(&"admin").into());
        if all {
            let prefix = if service.url.is_empty() { String::new() } else { self.app.service_url(&service.name) };
            let condition = self.app.manager.condition(&service.name);
            put("url", service.url.clone().into());
            put("prefix", prefix.into());
            put("command", service.command.clone().into());
            put("pid", condition.as_ref().map_or(0, |condition| condition.pid).into());
            put("info", service.info.clone().into());
            put("display", service.display.into());
            // The hub's own: how a service that it starts is doing.
            if let Some(condition) = condition {
                put("state_word", condition.state.word().into());
                put("problem", condition.problem.into());
            }
        }
        if roles {
            put("roles", held.into());
        }
        Some(model)
    }
}

fn view<'a>(app: &'a App, caller: &'a Caller) -> View<'a> {
    View { app, scopes: &caller.scopes, shown: Shown::Active }
}

/// `GET /hub/api/services`: by name.
pub async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, Fault> {
    if caller.scopes.holding("list:services").is_none() {
        return Err(Fault::Scopes(&["list:services"]));
    }
    let listed = app.services.all().into_iter().filter(|service| {
        let service = Resource::Service(&service.name);
        caller.scopes.covers("list:services", service, app.access.groups()) == Cover::Covered
    });
    let view = view(&app, &caller);
    let models = listed.filter_map(|service| Some((service.name.clone(), Value::Object(view.service(&service)?))));
    Ok(Json(models.collect::<Map<_, _>>().into()))
}

/// `GET /hub/api/services/{service}`
pub async fn show(State(app): State<Arc<App>>, caller: Caller, Path(name): Path<String>) -> Result<Json<Value>, Fault> {
    caller.require(READ, Resource::Service(&name))?;
    let service = app.services.find(&name).ok_or(Fault::NoAccess)?;
    view(&app, &caller).service(&service).map(|model| Json(model.into())).ok_or(Fault::NoAccess)
}

/// `POST /hub/api/services/{service}`: adds an external service.
pub async fn add(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), Fault> {
    caller.require(&["admin:services"], Resource::Service(&name))?;
    if app.services.find(&name).is_some() {
        return Err(exists(&name));
    }
    let Some(Value::Object(body)) = body.filter(|body| body.as_object().is_some_and(|body| !body.is_empty())) else {
        return Err(Fault::BadRequest("Invalid service data".into()));
    };
    let wanted = Wanted::read(&app, &name, body)?;
    check_scopes(&app, &caller, &name, &wanted.added)?;
    let Some(service) = app.services.add(&name, wanted.added, now()).await.map_err(Fault::internal)? else {
        return Err(if app.services.find(&name).is_some() { exists(&name) } else { failed(&name) });
    };
    if let Some(secret) = wanted.token {
        if let Err(error) = app.tokens.create_with(&secret, new_token(&service, now())).await {
            app.services.delete(&name).await.map_err(Fault::internal)?;
            return Err(Fault::internal(error));
        }
    }
    tracing::info!("{} added the service {name}", caller.name());
    answers(&app, &service).await;
    let model = view(&app, &caller).service(&service).ok_or(Fault::NoAccess)?;
    Ok((StatusCode::CREATED, Json(model.into())))
}

/// `DELETE /hub/api/services/{service}`
pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Fault> {
    caller.require(&["admin:services"], Resource::Service(&name))?;
    let told = |status, what| Fault::Told(status, format!("Service {name} {what}"));
    let Some(service) = app.services.find(&name) else {
        return Err(told(StatusCode::NOT_FOUND, "does not exist"));
    };
    if service.from_config {
        return Err(told(StatusCode::METHOD_NOT_ALLOWED, "is not modifiable at runtime"));
    }
    app.services.delete(&name).await.map_err(Fault::internal)?;
    let owner = Owner::Service(name.clone());
    let issued = |token: &Token| token.kind == Kind::OAuth && token.client == service.client_id;
    app.tokens.revoke(|token| token.owner == owner || issued(token)).await.map_err(Fault::internal)?;
    tracing::info!("{} deleted the service {name}", caller.name());
    Ok(StatusCode::OK)
}

fn exists(name: &str) -> Fault {
    Fault::Told(StatusCode::CONFLICT, format!("Service {name} already exists"))
}

fn failed(name: &str) -> Fault {
    Fault::BadRequest(format!("Failed to create service {name}"))
}

/// Waits for the first answer, so that who added the service can use it at once. An address that cannot be reached is
/// no error: the service may come later.
async fn answers(app: &App, service: &Service) {
    let Some(address) = app.manager.address(service) else { return };
    let path = app.service_url(&service.name);
    let late = match &address {
        // Without a network there is nothing to wait for.
        Address::Tcp { .. } if !has_network() => true,
        _ => tokio::time::timeout(TIMEOUT, ready::wait_at(&address, &path)).await.is_err(),
    };
    if late {
        tracing::warn!("The service {} does not answer at {}, ignoring", service.name, service.url);
    }
}

/// Whether this process may speak IP at all.
fn has_network() -> bool {
    ["0.0.0.0:0", "[::]:0"].into_iter().any(|any| std::net::UdpSocket::bind(any).is_ok())
}

/// What was sent, checked.
struct Wanted {
    added: Added,
    token: Option<zeroize::Zeroizing<String>>,
}

/// Keys that may be sent, with the Python type that the messages name.
const KEYS: [(&str, &str); 14] = [
    ("name", "str"),
    ("admin", "bool"),
    ("url", "str"),
    ("oauth_client_allowed_scopes", "list"),
    ("api_token", "str"),
    ("info", "dict"),
    ("display", "bool"),
    ("oauth_no_confirm", "bool"),
    ("command", "list"),
    ("cwd", "str"),
    ("environment", "dict"),
    ("user", "str"),
    ("oauth_client_id", "str"),
    ("oauth_redirect_uri", "str"),
];

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

impl Wanted {
    fn read(app: &App, name: &str, mut body: Map<String, Value>) -> Result<Self, Fault> {
        if body.keys().any(|key| KEYS.iter().all(|(known, _)| known != key)) {
            return Err(Fault::BadRequest(format!("Invalid JSON keys: {}", python(&Value::Object(body)))));
        }
        for (key, kind) in KEYS {
            let found = body.get(key).map_or(kind, type_of);
            if found != kind {
                let text = format!("service.{key} must be <class '{kind}'>, not: <class '{found}'>");
                return Err(Fault::BadRequest(text));
            }
        }
        if body.get("command").and_then(Value::as_array).is_some_and(|command| !command.is_empty()) {
            return Err(Fault::BadRequest(format!("Can not create managed service {name} at runtime")));
        }
        let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let flag = |key: &str, default| body.get(key).and_then(Value::as_bool).unwrap_or(default);
        let scopes = body.get("oauth_client_allowed_scopes").and_then(Value::as_array);
        let scopes: Option<Vec<String>> =
            scopes.into_iter().flatten().map(|scope| scope.as_str().map(str::to_owned)).collect();
        let token = text("api_token").map(|token| zeroize::Zeroizing::new(token.to_owned()));
        let added = Added {
            url: text("url").unwrap_or_default().to_owned(),
            admin: flag("admin", false),
            client_id: text("oauth_client_id").map(str::to_owned),
            redirect_uri: text("oauth_redirect_uri").map(str::to_owned),
            allowed_scopes: scopes.ok_or_else(|| failed(name))?,
            no_confirm: flag("oauth_no_confirm", false),
            display: flag("display", true),
            info: Map::new(),
        };
        let info = body.remove("info").and_then(|info| match info {
            Value::Object(info) => Some(info),
            _ => None,
        });
        let wanted = Self { added: Added { info: info.unwrap_or_default(), ..added }, token };
        if wanted.can_be(app, name) { Ok(wanted) } else { Err(failed(name)) }
    }

    /// Whether there could be such a service beside those that are there.
    fn can_be(&self, app: &App, name: &str) -> bool {
        let Added { url, client_id, redirect_uri, .. } = &self.added;
        let plain = |text: &str| !text.chars().any(|c| c.is_control() || c.is_whitespace());
        let client_good = client_id.as_deref().is_none_or(|id| id.starts_with(CLIENT_PREFIX) && plain(id));
        // A client without pages has to say where its codes go.
        let redirect_good = client_id.is_none() || !url.is_empty() || redirect_uri.is_some();
        let draft = app.services.draft(name, self.added.clone());
        let client_free = draft.client_id.is_none_or(|id| app.services.by_client(&id).is_none());
        let token_good = self.token.as_ref().is_none_or(|token| {
            let visible = token.chars().all(|c| c.is_ascii_graphic()) && TOKEN_LENGTH.contains(&token.len());
            visible && app.tokens.find(token, now()).is_none()
        });
        ServiceName::parse(name).is_ok()
            && (url.is_empty() || plain(url) && ServiceTarget::find(url).is_some())
            && redirect_uri.as_deref().is_none_or(plain)
            && client_good
            && redirect_good
            && client_free
            && token_good
    }
}

/// Nobody can make a service that may do, or get done, what they may not.
fn check_scopes(app: &App, caller: &Caller, name: &str, added: &Added) -> Result<(), Fault> {
    let catalog = &app.access.catalog;
    let unknown: Vec<&str> =
        added.allowed_scopes.iter().filter(|scope| catalog.parse(scope).is_err()).map(String::as_str).collect();
    if !unknown.is_empty() {
        return Err(Fault::BadRequest(format!("Scopes of service {name} do not exist: [{}]", unknown.join(", "))));
    }
    let owner = caller.owner();
    let owner = owner.as_ref().map_or(ScopeOwner::Service(""), Owner::scope_owner);
    let allowed = added.allowed_scopes.iter().map(String::as_str);
    let mut wanted = catalog.expand(allowed, owner, None, Some(&caller.scopes));
    if added.admin {
        let admin = app.access.roles.scopes(["admin"]);
        wanted.add(&catalog.expand(admin, ScopeOwner::Service(name), None, None));
    }
    let missing = caller.scopes.missing(&wanted, app.access.groups());
    if missing.is_empty() {
        return Ok(());
    }
    Err(Fault::BadRequest(format!(
        "Do not have permission to create service {name} with scopes: [{}]",
        missing.join(", ")
    )))
}
