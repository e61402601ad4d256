//! `/hub/api/shares/{owner}[/{server}]`: who may use whose server (contract 1.14).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hubd_base::names::{ServerId, ServerName, UserName};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::{Body, python};
use super::caller::Caller;
use super::page::Page;
use crate::app::App;
use crate::auth::clients::server_name;
use crate::auth::scopes::{Cover, Holding, Kind, Resource, definitions};
use crate::auth::shares::{Grantee, Share, restricted};
use crate::clock::{iso, now};
use crate::http::faults::Fault;
use crate::servers::registry::Server;

/// Scopes of which any one shows who shares what.
const READ: &[&str] = &["read:shares"];
/// Scopes of which any one lets share.
const SHARE: &[&str] = &["shares"];
/// What is shared when nothing else is said.
const DEFAULT: &str = "access:servers";

/// The server in the address. An empty last segment is the default server, and stands in no route's pattern.
#[derive(Clone, Debug, Deserialize)]
pub struct Addressed {
    owner: String,
    #[serde(default)]
    server: String,
}

impl Addressed {
    /// What scopes are asked about.
    pub(super) fn resource(&self) -> Resource<'_> {
        Resource::Server { user: &self.owner, server: &self.server }
    }

    /// As scopes and messages name it.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.owner, self.server)
    }

    /// The same, if there can be such a server.
    pub(super) fn id(&self) -> Option<ServerId> {
        let names = UserName::parse(&self.owner).ok().zip(ServerName::parse(&self.server).ok());
        names.map(|(user, server)| ServerId { user, server })
    }

    /// The same, if it has a row: only such a server can be shared.
    pub(super) async fn existing(&self, app: &App) -> Result<ServerId, Fault> {
        if let Some(id) = self.id() {
            if app.shares.has_server(&id).await.map_err(Fault::internal)? {
                return Ok(id);
            }
        }
        Err(self.unknown())
    }

    pub(super) fn unknown(&self) -> Fault {
        Fault::Told(StatusCode::NOT_FOUND, format!("No such server: {}", self.name()))
    }

    /// The scopes in a request, bare; `None` where none are given. Each must exist, and may name no other server.
    pub(super) fn scopes(&self, app: &App, fields: &Map<String, Value>) -> Result<Option<BTreeSet<String>>, Fault> {
        let list = match fields.get("scopes") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(wrong_type("scopes", "a list of strings", other)),
        };
        let mut bare = BTreeSet::new();
        for scope in list {
            let Value::String(scope) = scope else { return Err(wrong_type("scopes", "a list of strings", scope)) };
            let (name, filter) = scope.split_once('!').map_or((scope.as_str(), None), |(name, f)| (name, Some(f)));
            app.access.catalog.parse(name).map_err(|error| Fault::BadRequest(error.to_string()))?;
            let own = format!("server={}", self.name());
            if let Some(filter) = filter.filter(|filter| *filter != own) {
                let text = format!("!{filter} not allowed on sharing {scope}, only !{own}");
                return Err(Fault::BadRequest(text));
            }
            bare.insert(name.to_owned());
        }
        Ok((!bare.is_empty()).then_some(bare))
    }

    /// As [`Addressed::scopes`], access to the server where none are given.
    pub(super) fn scopes_to_grant(&self, app: &App, fields: &Map<String, Value>) -> Result<BTreeSet<String>, Fault> {
        Ok(self.scopes(app, fields)?.unwrap_or_else(|| BTreeSet::from([DEFAULT.to_owned()])))
    }

    /// Whether the caller has what they give away, and it means something for one server.
    pub(super) fn check_grant(&self, caller: &Caller, scopes: &BTreeSet<String>) -> Result<(), Fault> {
        if let Some(scope) = scopes.iter().find(|scope| !caller.may(scope, self.resource())) {
            let name = self.name();
            let text = format!("Do not have permission to grant share with scope {scope}!server={name}");
            return Err(Fault::Told(StatusCode::FORBIDDEN, text));
        }
        let unfit = |scope: &&String| {
            let mut known = definitions().iter().filter(|definition| definition.name == **scope);
            known.any(|definition| !definition.filters.contains(&Kind::Server))
        };
        match scopes.iter().find(unfit) {
            Some(scope) => Err(Fault::BadRequest(format!("scope {scope} cannot be shared: it is not about a server"))),
            None => Ok(()),
        }
    }
}

/// The fields of a request, all of them known ones.
pub(super) fn fields(body: Body, known: &[&str]) -> Result<Map<String, Value>, Fault> {
    let fields = body.object("the body must be a JSON object")?;
    match fields.keys().find(|field| !known.contains(&field.as_str())) {
        Some(field) => Err(Fault::BadRequest(format!("{field}: Extra inputs are not permitted"))),
        None => Ok(fields),
    }
}

pub(super) fn wrong_type(field: &str, wanted: &str, value: &Value) -> Fault {
    Fault::BadRequest(format!("{field}: must be {wanted}, not {}", python(value)))
}

/// A name in a request, of a person or of a group.
enum Target {
    User(String),
    Group(String),
}

impl Target {
    fn of(fields: &Map<String, Value>) -> Result<Self, Fault> {
        let name = |field: &str| match fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(name)) => Ok(Some(name.clone())),
            Some(other) => Err(wrong_type(field, "a string", other)),
        };
        match (name("user")?, name("group")?) {
            (Some(user), None) => Ok(Self::User(user)),
            (None, Some(group)) => Ok(Self::Group(group)),
            (Some(_), Some(_)) => Err(Fault::BadRequest("Expected exactly one of `user` or `group`, not both.".into())),
            (None, None) => Err(Fault::BadRequest("Specify exactly one of `user` or `group`".into())),
        }
    }

    /// Whether the caller may know whom they name.
    fn check_read(&self, caller: &Caller) -> Result<(), Fault> {
        let (scope, resource, kind) = match self {
            Self::User(name) => ("read:users:name", Resource::User(name), "users"),
            Self::Group(name) => ("read:groups:name", Resource::Group(name), "groups"),
        };
        if caller.may(scope, resource) {
            return Ok(());
        }
        Err(Fault::Told(StatusCode::FORBIDDEN, format!("Need scope '{scope}' to share with {kind} by name")))
    }

    fn find(&self, app: &App) -> Option<Grantee> {
        match self {
            Self::User(name) => app.people.named(name).map(|person| Grantee::User(person.name.clone())),
            Self::Group(name) => app.groups.find(name).map(|group| Grantee::Group(group.name.clone())),
        }
    }

    fn unknown(&self) -> Fault {
        Fault::BadRequest(match self {
            Self::User(name) => format!("No such user: {name}"),
            Self::Group(name) => format!("No such group: {name}"),
        })
    }
}

/// What shares and codes tell of a server.
pub(super) fn server_model(app: &App, id: &ServerId) -> Value {
    let url = app.server_url(id);
    let server = app.servers.find(id);
    json!({
        "user": {"name": id.user.as_str()},
        "name": id.server.as_str(),
        "full_url": app.config.hub.public_url.as_ref().map(|public| format!("{public}{url}")),
        "url": url,
        "ready": server.as_deref().map(Server::snapshot).is_some_and(|snapshot| snapshot.state.is_ready()),
    })
}

/// A share (contract 2.3).
pub(super) fn model(app: &App, share: &Share) -> Value {
    let (kind, user, group) = match &share.with {
        Grantee::User(user) => ("user", json!({"name": user.as_str()}), Value::Null),
        Grantee::Group(group) => ("group", Value::Null, json!({"name": group})),
    };
    json!({
        "kind": kind,
        "user": user,
        "group": group,
        "scopes": share.scopes(),
        "server": server_model(app, &share.server),
        "created_at": iso(share.created),
    })
}

/// A part of a list of shares.
pub(super) fn answer(app: &App, page: &Page, shares: Vec<Arc<Share>>) -> Response {
    let (part, total) = page.cut(shares);
    page.object(part.iter().map(|share| model(app, share)).collect(), total)
}

/// What the caller may see of the shares of a person's servers: a scope for some of the servers shows those.
pub(super) fn visible<'a>(
    app: &'a App,
    caller: &'a Caller,
    owner: &str,
) -> Result<impl Fn(&ServerId) -> bool + use<'a>, Fault> {
    let of_owner = match caller.scopes.holding("read:shares") {
        Some(Holding::Some(filters)) => filters.servers.contains_key(owner),
        _ => false,
    };
    if !of_owner {
        caller.on_user(READ, owner)?;
    }
    Ok(|id: &ServerId| {
        let resource = Resource::Server { user: id.user.as_str(), server: id.server.as_str() };
        caller.scopes.covers("read:shares", resource, app.access.groups()) == Cover::Covered
    })
}

/// `GET /hub/api/shares/{owner}`
pub async fn of_owner(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(owner): Path<String>,
    page: Page,
) -> Result<Response, Fault> {
    let visible = visible(&app, &caller, &owner)?;
    let person = app.people.named(&owner).ok_or(Fault::NoAccess)?;
    let shares = app.shares.owned_by(&person.name).into_iter().filter(|share| visible(&share.server)).collect();
    Ok(answer(&app, &page, shares))
}

/// `GET /hub/api/shares/{owner}/{server}`
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(address): Path<Addressed>,
    page: Page,
) -> Result<Response, Fault> {
    caller.require(READ, address.resource())?;
    let id = address.existing(&app).await?;
    let shares = app.shares.owned_by(&id.user).into_iter().filter(|share| share.server == id).collect();
    Ok(answer(&app, &page, shares))
}

/// `POST /hub/api/shares/{owner}/{server}`
pub async fn grant(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(address): Path<Addressed>,
    body: Body,
) -> Result<Json<Value>, Fault> {
    caller.require(SHARE, address.resource())?;
    let fields = fields(body, &["user", "group", "scopes"])?;
    let target = Target::of(&fields)?;
    let scopes = address.scopes_to_grant(&app, &fields)?;
    let id = address.existing(&app).await?;
    address.check_grant(&caller, &scopes)?;
    target.check_read(&caller)?;
    let with = target.find(&app).ok_or_else(|| target.unknown())?;
    let granted = restricted(&scopes, &id).join(" ");
    let share = app.shares.grant(&id, with, scopes, now()).await.map_err(Fault::internal)?;
    let share = share.ok_or_else(|| address.unknown())?;
    tracing::info!(
        hub_user = id.user.as_str(),
        hub_unit = id.unit_name(),
        "{} shared the server of {id} with {}: {granted}",
        caller.name(),
        said(&share.with)
    );
    Ok(Json(model(&app, &share)))
}

/// `PATCH /hub/api/shares/{owner}/{server}`
pub async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(address): Path<Addressed>,
    body: Body,
) -> Result<Json<Value>, Fault> {
    caller.require(SHARE, address.resource())?;
    let fields = fields(body, &["user", "group", "scopes"])?;
    let target = Target::of(&fields)?;
    let scopes = address.scopes(&app, &fields)?;
    let id = address.existing(&app).await?;
    let Some(with) = target.find(&app) else { return Ok(Json(json!({}))) };
    let left = app.shares.revoke(&id, &with, scopes.as_ref()).await.map_err(Fault::internal)?;
    tracing::info!(
        hub_user = id.user.as_str(),
        hub_unit = id.unit_name(),
        "{} took {} of the server of {id} away from {}",
        caller.name(),
        if left.is_some() { "some sharing" } else { "the sharing" },
        said(&with)
    );
    Ok(Json(left.map_or_else(|| json!({}), |share| model(&app, &share))))
}

/// `DELETE /hub/api/shares/{owner}/{server}`
pub async fn clear(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(address): Path<Addressed>,
) -> Result<StatusCode, Fault> {
    caller.require(SHARE, address.resource())?;
    let id = address.existing(&app).await?;
    app.shares.revoke_all(&id).await.map_err(Fault::internal)?;
    tracing::info!(
        hub_user = id.user.as_str(),
        hub_unit = id.unit_name(),
        "{} ended all sharing of the server {}",
        caller.name(),
        server_name(&id)
    );
    Ok(StatusCode::NO_CONTENT)
}

/// For the journal.
fn said(with: &Grantee) -> String {
    match with {
        Grantee::User(user) => user.to_string(),
        Grantee::Group(group) => format!("the group {group}"),
    }
}
