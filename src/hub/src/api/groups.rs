//! `/hub/api/groups`, `/hub/api/groups/{group}` (contract 1.11).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hubd_base::names::UserName;
use serde_json::{Map, Value};

use super::body::Body;
use super::caller::Caller;
use super::check::{self, GROUP};
use super::models::{Shown, View};
use super::page::Page;
use super::users::listed;
use crate::app::App;
use crate::auth::groups::{Group, GroupError};
use crate::auth::scopes::Resource;
use crate::http::faults::Fault;

/// Scopes of which any one shows something of a group.
const READ: &[&str] = &["read:groups", "read:groups:name", "read:roles:groups"];

/// `GET /hub/api/groups`
pub async fn list(State(app): State<Arc<App>>, caller: Caller, page: Page) -> Result<Response, Fault> {
    let (part, total) = page.cut(select(&app, &caller)?);
    Ok(page.answer(part.iter().filter_map(|group| model(&app, &caller, group)).collect(), total))
}

/// The groups that the caller may list.
pub fn select(app: &App, caller: &Caller) -> Result<Vec<Arc<Group>>, Fault> {
    let filters = listed(caller, "list:groups", &["list:groups"], |filters| {
        filters.users.is_empty() && filters.servers.is_empty() && filters.services.is_empty()
    })?;
    let mut groups = app.groups.all();
    groups.retain(|group| {
        filters.is_none_or(|filters| filters.covers(Resource::Group(&group.name), app.access.groups()))
    });
    Ok(groups)
}

fn model(app: &App, caller: &Caller, group: &Group) -> Option<Value> {
    let view = View { app, scopes: &caller.scopes, shown: Shown::Active };
    view.group(group).map(Value::Object)
}

fn answer(app: &App, caller: &Caller, group: &Group) -> Json<Value> {
    // Whoever may change a group may not always read it.
    Json(model(app, caller, group).unwrap_or_else(|| Value::Object(Map::new())))
}

fn on_group(caller: &Caller, any: &'static [&'static str], name: &str) -> Result<(), Fault> {
    caller.require(any, Resource::Group(name))
}

fn find(app: &App, name: &str) -> Result<Arc<Group>, Fault> {
    app.groups.find(name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Fault {
    Fault::Told(StatusCode::NOT_FOUND, format!("No such group: {name}"))
}

fn fault(name: &str) -> impl Fn(GroupError) -> Fault {
    move |error| match error {
        GroupError::Exists(name) => exists(&name),
        GroupError::Unknown => unknown(name),
        GroupError::Store(error) => Fault::internal(error),
    }
}

fn exists(name: &str) -> Fault {
    Fault::Told(StatusCode::CONFLICT, format!("Group {name} already exists"))
}

/// `GET /hub/api/groups/{group}`
pub async fn show(State(app): State<Arc<App>>, caller: Caller, Path(name): Path<String>) -> Result<Json<Value>, Fault> {
    on_group(&caller, READ, &name)?;
    let group = find(&app, &name)?;
    model(&app, &caller, &group).map(Json).ok_or(Fault::NoAccess)
}

/// `POST /hub/api/groups`: all groups or none.
pub async fn create_many(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Fault> {
    caller.require(&["admin:groups"], Resource::Any)?;
    let none = || "Must specify at least one group to create".to_owned();
    let mut body = body.model(|_| none())?.unwrap_or_default();
    let names = body.remove("groups").filter(Value::is_array);
    let names = check::names(names.as_ref(), "group names")?;
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err(Fault::BadRequest(none()));
    }
    GROUP.check(&body)?;
    if let Some(name) = names.iter().find(|name| app.groups.find(name).is_some()) {
        return Err(exists(name));
    }
    let members = people(&app, body.get("users"))?;
    let made = app.groups.add(names.clone(), members).await.map_err(fault(""))?;
    tracing::info!("{} made groups: {}", caller.name(), names.join(", "));
    Ok((StatusCode::CREATED, Json(made.iter().filter_map(|group| model(&app, &caller, group)).collect())))
}

/// The people a body names, who must be known.
fn people(app: &App, names: Option<&Value>) -> Result<Vec<UserName>, Fault> {
    let person = |name: &String| {
        let known = app.people.spelled(name).map(|row| row.name.clone());
        known.ok_or_else(|| Fault::BadRequest(format!("No such user: {name}")))
    };
    check::names(names, "usernames")?.iter().map(person).collect()
}

/// `POST /hub/api/groups/{group}`
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Fault> {
    on_group(&caller, &["admin:groups"], &name)?;
    let body = body.model(check::no_model)?.unwrap_or_default();
    GROUP.check(&body)?;
    if app.groups.find(&name).is_some() {
        return Err(exists(&name));
    }
    let members = people(&app, body.get("users"))?;
    let made = app.groups.add(vec![name.clone()], members).await.map_err(fault(&name))?;
    tracing::info!("{} made a group: {name}", caller.name());
    let made = made.first().ok_or_else(|| unknown(&name))?;
    Ok((StatusCode::CREATED, answer(&app, &caller, made)))
}

/// `DELETE /hub/api/groups/{group}`
pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Fault> {
    on_group(&caller, &["delete:groups"], &name)?;
    app.groups.delete(&name).await.map_err(fault(&name))?;
    app.shares.forget_group(&name).await;
    tracing::info!("{} deleted the group {name}", caller.name());
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /hub/api/groups/{group}/users`
pub async fn add_users(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<Value>, Fault> {
    let added = named(&app, &caller, &name, body, "add")?;
    let group = app.groups.change(&name, added, Vec::new()).await.map_err(fault(&name))?;
    Ok(answer(&app, &caller, &group))
}

/// `DELETE /hub/api/groups/{group}/users`
pub async fn remove_users(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<Value>, Fault> {
    let removed = named(&app, &caller, &name, body, "delete")?;
    let group = app.groups.change(&name, Vec::new(), removed).await.map_err(fault(&name))?;
    Ok(answer(&app, &caller, &group))
}

fn named(app: &App, caller: &Caller, name: &str, body: Body, verb: &str) -> Result<Vec<UserName>, Fault> {
    on_group(caller, &["groups"], name)?;
    find(app, name)?;
    let body = body.model(check::no_model)?.unwrap_or_default();
    GROUP.check(&body)?;
    let users = body.get("users").ok_or_else(|| Fault::BadRequest(format!("Must specify users to {verb}")))?;
    people(app, Some(users))
}

/// `PUT /hub/api/groups/{group}/properties`: any JSON object; replaces what was there.
pub async fn set_properties(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<Value>, Fault> {
    on_group(&caller, &["groups"], &name)?;
    find(&app, &name)?;
    let none = || "Must specify properties".to_owned();
    let properties = body.model(|_| none())?.ok_or_else(|| Fault::BadRequest(none()))?;
    let group = app.groups.set_properties(&name, properties).await.map_err(fault(&name))?;
    Ok(answer(&app, &caller, &group))
}
