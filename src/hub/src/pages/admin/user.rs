//! `/hub/admin/user/{user}`: one person, their groups and servers; changing and deleting them.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use hubd_base::names::esc;
use serde::Deserialize;
use serde_json::json;

use super::super::form::Form;
use super::super::locale::Language;
use super::super::view::{Frame, Moment, NoticeKind};
use super::accounts::{self, Choice};
use super::confirm::ConfirmPage;
use super::people::Person;
use super::{Admin, Done, Place, Said, body, html, moment};
use crate::api::accounts::Fate;
use crate::api::users::READ;
use crate::api::{groups, user_changes};
use crate::auth::scopes::Resource;
use crate::auth::tokens::Owner;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::store::users::UserRow;

/// Groups that the page proposes at most; any other can be typed.
const PROPOSED: usize = 100;

/// The page.
#[derive(Template)]
#[template(path = "admin/user.html")]
pub(in crate::pages) struct UserPage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    pub person: Person,
    /// Since when the hub knows them.
    pub created: Moment,
    /// How many tokens they hold, if that may be known.
    pub tokens: Option<usize>,
    /// In how many browsers they are logged in.
    pub sessions: usize,
    /// The groups they are in, and whether that may be changed.
    pub groups: Vec<(String, bool)>,
    /// Groups they could be put into.
    pub proposed: Vec<String>,
    pub may_change: bool,
    /// May their password be set, if the hub made the account?
    pub may_make: bool,
    pub choice: Choice,
    pub typed: Typed,
}

/// What the form holds.
#[derive(Clone, Debug)]
pub(in crate::pages) struct Typed {
    pub name: String,
    pub admin: bool,
}

/// What may stand in the address.
#[derive(Deserialize)]
pub(super) struct Arrived {
    #[serde(default)]
    notice: String,
}

pub(super) fn find(admin: &Admin, name: &str) -> Result<Arc<UserRow>, Fault> {
    admin.caller.on_user(READ, name)?;
    admin.app.people.named(name).ok_or(Fault::NoAccess)
}

fn page_of(admin: &Admin, name: &str) -> String {
    admin.address(&format!("/user/{}", esc(name)))
}

/// `GET /hub/admin/user/{user}`
pub(super) async fn show(
    admin: Admin,
    Path(name): Path<String>,
    Query(arrived): Query<Arrived>,
) -> Result<Response, Fault> {
    let person = find(&admin, &name)?;
    let said = Said::arrived(&arrived.notice, admin.text());
    Ok(draw(&admin, StatusCode::OK, &person, said, None).await)
}

pub(super) async fn draw(
    admin: &Admin,
    status: StatusCode,
    person: &UserRow,
    said: Option<Said>,
    typed: Option<Typed>,
) -> Response {
    let app = &admin.app;
    let name = person.name.as_str();
    let now = now();
    let on = |any: &[&str]| admin.may(any, Resource::User(name));
    let owner = Owner::User(person.name.clone());
    let may_put = |group: &str| admin.may(&["groups"], Resource::Group(group));
    let held = if on(&["read:users", "read:users:groups"]) { app.groups.of(&person.name) } else { Vec::new() };
    let others = app.groups.all().into_iter().filter(|group| may_put(&group.name) && !held.contains(&group.name));
    let mut shown = Person::of(admin, person);
    super::live::fill(admin, std::slice::from_mut(&mut shown)).await;
    let page = UserPage {
        frame: admin.frame(page_of(admin, name)),
        here: Place::People,
        said,
        created: moment(person.created),
        tokens: on(&["read:tokens"]).then(|| app.tokens.select(now, |token| token.owner == owner).len()),
        sessions: app.sessions.all(now).iter().filter(|session| session.user == person.name).count(),
        proposed: others.take(PROPOSED).map(|group| group.name.clone()).collect(),
        groups: held.into_iter().map(|group| (group.clone(), may_put(&group))).collect(),
        may_change: on(&["admin:users"]),
        may_make: accounts::may_make(admin),
        choice: Choice::default(),
        typed: typed.unwrap_or_else(|| Typed { name: name.to_owned(), admin: app.is_admin(&person.name) }),
        person: shown,
    };
    html(status, &page)
}

/// The page about somebody by name, with what went wrong.
pub(super) async fn with(admin: &Admin, name: &str, status: StatusCode, said: Said) -> Result<Response, Fault> {
    let person = find(admin, name)?;
    Ok(draw(admin, status, &person, Some(said), None).await)
}

/// `POST /hub/admin/user/{user}`. Fields: `name`, `admin`.
pub(super) async fn change(admin: Admin, Path(name): Path<String>, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let person = find(&admin, &name)?;
    let wanted = fields.find("name").unwrap_or_default().trim();
    let typed = Typed { name: wanted.to_owned(), admin: fields.find("admin").is_some() };
    let sent = body(json!({"name": typed.name, "admin": typed.admin}));
    let call = user_changes::change(State(Arc::clone(&admin.app)), admin.caller.clone(), Path(name), sent);
    match call.await {
        Ok(model) => {
            let name = model.0.get("name").and_then(serde_json::Value::as_str).unwrap_or(&typed.name);
            Ok(Admin::done(&page_of(&admin, name), Done::Saved))
        }
        Err(fault) => {
            let (status, said) = Said::refused(fault, admin.text())?;
            Ok(draw(&admin, status, &person, Some(said), Some(typed)).await)
        }
    }
}

/// `POST /hub/admin/user/{user}/groups`: the field `leave` names a group to leave, or else `join` one to be put into.
pub(super) async fn regroup(admin: Admin, Path(name): Path<String>, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let person = find(&admin, &name)?;
    let sent = body(json!({"users": [name]}));
    let (app, caller) = (State(Arc::clone(&admin.app)), admin.caller.clone());
    let result = if let Some(group) = fields.find("leave") {
        groups::remove_users(app, caller, Path(group.to_owned()), sent).await
    } else {
        let group = fields.find("join").unwrap_or_default().trim().to_owned();
        groups::add_users(app, caller, Path(group), sent).await
    };
    match result {
        Ok(_) => Ok(Admin::done(&page_of(&admin, &name), Done::Saved)),
        Err(fault) => {
            let (status, said) = Said::refused(fault, admin.text())?;
            Ok(draw(&admin, status, &person, Some(said), None).await)
        }
    }
}

/// `GET /hub/admin/user/{user}/delete`: asks first.
pub(super) async fn ask(admin: Admin, Path(name): Path<String>) -> Result<Response, Fault> {
    admin.caller.on_user(&["delete:users"], &name)?;
    let person = admin.app.people.named(&name).ok_or(Fault::NoAccess)?;
    let text = admin.text();
    let servers = admin.app.servers.of(&person.name);
    let running = servers.iter().filter(|server| server.snapshot().state.is_active());
    let page = ConfirmPage {
        title: text.fill("admin.delete-title", &[("name", &name)]),
        about: vec![text.get("admin.delete-about").to_owned(), text.get("admin.delete-back").to_owned()],
        items: running.map(|server| text.fill("admin.delete-runs", &[("name", &server.id.to_string())])).collect(),
        choices: if accounts::may_make(&admin) {
            let choices = [("account", "account.delete-too"), ("home", "account.delete-home")];
            choices.map(|(field, key)| (field, text.get(key).to_owned())).into()
        } else {
            Vec::new()
        },
        button: text.get("admin.delete").to_owned(),
        cancel: page_of(&admin, &name),
        ..ConfirmPage::new(&admin, Place::People, format!("{}/delete", page_of(&admin, &name)))
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /hub/admin/user/{user}/delete`. Fields: `account` and `home`, each ticked for what goes, too.
pub(super) async fn delete(admin: Admin, Path(name): Path<String>, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let ticked = |field| fields.find(field).map(|_| "delete");
    let fate = match Fate::asked(ticked("account"), ticked("home")) {
        Ok(fate) => fate,
        Err(fault) => return super::people::redraw(&admin, &page_of(&admin, &name), fault).await,
    };
    match user_changes::forget(&admin.app, &admin.caller, &name, fate).await {
        Ok(_) => Ok(Admin::done(&admin.address(""), Done::Deleted)),
        Err(fault) => super::people::redraw(&admin, &page_of(&admin, &name), fault).await,
    }
}
