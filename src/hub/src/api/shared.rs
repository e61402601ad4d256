//! `/hub/api/users/{user}/shared` and `/hub/api/groups/{group}/shared`: shares as those see them who got them
//! (contract 1.4, rows 22, 23, 29, 30).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hubd_base::names::UserName;
use serde::Deserialize;
use serde_json::Value;

use super::caller::Caller;
use super::page::Page;
use super::shares::{Addressed, answer, model};
use crate::app::App;
use crate::auth::scopes::Resource;
use crate::auth::shares::{Grantee, Share};
use crate::http::faults::Fault;

/// Who got a share, in the address.
#[derive(Debug, Deserialize)]
pub struct ToUser {
    user: String,
}

/// Which group got a share, in the address.
#[derive(Debug, Deserialize)]
pub struct ToGroup {
    group: String,
}

fn no_user(name: &str) -> Fault {
    Fault::Told(StatusCode::NOT_FOUND, format!("No such user: {name}"))
}

fn no_group(name: &str) -> Fault {
    Fault::Told(StatusCode::NOT_FOUND, format!("No such group: {name}"))
}

fn find_for_user(app: &App, user: &str, address: &Addressed) -> Result<Arc<Share>, Fault> {
    let with = UserName::parse(user).ok().map(Grantee::User);
    let share = with.zip(address.id()).and_then(|(with, id)| app.shares.find(&with, &id));
    let none = || format!("No such share for user {user} on {}", address.name());
    share.ok_or_else(|| Fault::Told(StatusCode::NOT_FOUND, none()))
}

fn find_for_group(app: &App, group: &str, address: &Addressed) -> Result<Arc<Share>, Fault> {
    app.groups.find(group).ok_or_else(|| no_group(group))?;
    let share = address.id().and_then(|id| app.shares.find(&Grantee::Group(group.to_owned()), &id));
    let none = || format!("No such share for group {group} on {}", address.name());
    share.ok_or_else(|| Fault::Told(StatusCode::NOT_FOUND, none()))
}

async fn give_up(app: &App, caller: &Caller, share: &Share) -> Result<StatusCode, Fault> {
    app.shares.revoke(&share.server, &share.with, None).await.map_err(Fault::internal)?;
    tracing::info!(
        hub_user = share.server.user.as_str(),
        hub_unit = share.server.unit_name(),
        "{} gave up the sharing of the server of {}",
        caller.name(),
        share.server
    );
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /hub/api/users/{user}/shared`: with the person, and with their groups.
pub async fn with_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(ToUser { user }): Path<ToUser>,
    page: Page,
) -> Result<Response, Fault> {
    caller.on_user(&["read:users:shares"], &user)?;
    let person = app.people.named(&user).ok_or_else(|| no_user(&user))?;
    Ok(answer(&app, &page, app.shares.shared_with(&person.name, &app.groups)))
}

/// `GET /hub/api/users/{user}/shared/{owner}/{server}`
pub async fn one_with_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(ToUser { user }): Path<ToUser>,
    Path(address): Path<Addressed>,
) -> Result<Json<Value>, Fault> {
    caller.on_user(&["read:users:shares"], &user)?;
    Ok(Json(model(&app, &*find_for_user(&app, &user, &address)?)))
}

/// `DELETE /hub/api/users/{user}/shared/{owner}/{server}`
pub async fn leave_as_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(ToUser { user }): Path<ToUser>,
    Path(address): Path<Addressed>,
) -> Result<StatusCode, Fault> {
    caller.on_user(&["users:shares"], &user)?;
    give_up(&app, &caller, &*find_for_user(&app, &user, &address)?).await
}

/// `GET /hub/api/groups/{group}/shared`
pub async fn with_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(ToGroup { group }): Path<ToGroup>,
    page: Page,
) -> Result<Response, Fault> {
    caller.require(&["read:groups:shares"], Resource::Group(&group))?;
    app.groups.find(&group).ok_or_else(|| no_group(&group))?;
    Ok(answer(&app, &page, app.shares.shared_with_group(&group)))
}

/// `GET /hub/api/groups/{group}/shared/{owner}/{server}`
pub async fn one_with_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(ToGroup { group }): Path<ToGroup>,
    Path(address): Path<Addressed>,
) -> Result<Json<Value>, Fault> {
    caller.require(&["read:groups:shares"], Resource::Group(&group))?;
    Ok(Json(model(&app, &*find_for_group(&app, &group, &address)?)))
}

/// `DELETE /hub/api/groups/{group}/shared/{owner}/{server}`
pub async fn leave_as_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(ToGroup { group }): Path<ToGroup>,
    Path(address): Path<Addressed>,
) -> Result<StatusCode, Fault> {
    caller.require(&["groups:shares"], Resource::Group(&group))?;
    give_up(&app, &caller, &*find_for_group(&app, &group, &address)?).await
}
