//! `/hub/admin/groups`, `/hub/admin/group`: groups, who is in them, and what the administrators wrote about them.
//!
//! A group's name stands behind the question mark: it may be one that no path can have.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::form::{Fields, Form};
use super::super::locale::Language;
use super::super::view::{Frame, NoticeKind};
use super::confirm::ConfirmPage;
use super::{Admin, Done, Part, Place, Said, body, html, words};
use crate::api::groups as api;
use crate::auth::groups::Group;
use crate::auth::scopes::Resource;
use crate::http::faults::Fault;
use crate::http::next;

/// Empty rows for new properties.
const NEW_ROWS: usize = 2;

/// What may stand in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    name: String,
    offset: usize,
    notice: String,
}

/// The list.
#[derive(Template)]
#[template(path = "admin/groups.html")]
pub(in crate::pages) struct GroupsPage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    pub part: Part,
    pub groups: Vec<Row>,
    pub may_create: bool,
    pub typed: Typed,
}

/// One group of the list.
pub(in crate::pages) struct Row {
    pub name: String,
    pub page: String,
    /// How many are in it and how many properties it has, if that may be known.
    pub counts: Option<(usize, usize)>,
}

/// What somebody typed into the form for a new group.
#[derive(Clone, Debug, Default)]
pub(in crate::pages) struct Typed {
    pub name: String,
    pub users: String,
}

/// One group.
#[derive(Template)]
#[template(path = "admin/group.html")]
pub(in crate::pages) struct GroupPage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    pub name: String,
    pub part: Part,
    pub members: Vec<String>,
    /// Keys and values as they are typed.
    pub properties: Vec<(String, String)>,
    pub may_change: bool,
    pub may_delete: bool,
    /// Names typed to be put in.
    pub typed: String,
}

fn page_of(admin: &Admin, name: &str) -> String {
    admin.address(&format!("/group?name={}", next::quote(name)))
}

/// `GET /hub/admin/groups`
pub(super) async fn list(admin: Admin, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let said = Said::arrived(&asked.notice, admin.text());
    draw_list(&admin, StatusCode::OK, asked.offset, said, Typed::default())
}

fn draw_list(
    admin: &Admin,
    status: StatusCode,
    offset: usize,
    said: Option<Said>,
    typed: Typed,
) -> Result<Response, Fault> {
    let mut all = api::select(&admin.app, &admin.caller)?;
    all.sort_by(|one, other| one.name.cmp(&other.name));
    let (groups, part) = Part::cut(all, offset, |offset| admin.address(&format!("/groups?offset={offset}")));
    let row = |group: Arc<Group>| Row {
        page: page_of(admin, &group.name),
        counts: admin
            .may(&["read:groups"], Resource::Group(&group.name))
            .then(|| (group.members.len(), group.properties.len())),
        name: group.name.clone(),
    };
    let page = GroupsPage {
        frame: admin.frame(admin.address("/groups")),
        here: Place::Groups,
        said,
        part,
        groups: groups.into_iter().map(row).collect(),
        may_create: admin.may(&["admin:groups"], Resource::Any),
        typed,
    };
    Ok(html(status, &page))
}

/// `POST /hub/admin/groups`. Fields: `name`, `users`.
pub(super) async fn create(admin: Admin, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let name = fields.find("name").unwrap_or_default().trim().to_owned();
    let typed = Typed { name, users: fields.find("users").unwrap_or_default().to_owned() };
    let sent = body(json!({"groups": [typed.name], "users": words(&typed.users)}));
    match api::create_many(State(Arc::clone(&admin.app)), admin.caller.clone(), sent).await {
        Ok(_) => Ok(Admin::done(&page_of(&admin, &typed.name), Done::Added)),
        Err(fault) => {
            let (status, said) = Said::refused(fault, admin.text())?;
            draw_list(&admin, status, 0, Some(said), typed)
        }
    }
}

/// `GET /hub/admin/group?name=`
pub(super) async fn show(admin: Admin, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let said = Said::arrived(&asked.notice, admin.text());
    draw(&admin, StatusCode::OK, &asked, said, String::new(), None)
}

fn draw(
    admin: &Admin,
    status: StatusCode,
    asked: &Asked,
    said: Option<Said>,
    typed: String,
    properties: Option<Vec<(String, String)>>,
) -> Result<Response, Fault> {
    let name = &asked.name;
    admin.caller.require(&["read:groups"], Resource::Group(name))?;
    let group = admin.app.groups.find(name).ok_or(Fault::NoAccess)?;
    let members = group.members.iter().map(ToString::to_string).collect();
    let address = |offset| format!("{}&offset={offset}", page_of(admin, name));
    let (members, part) = Part::cut(members, asked.offset, address);
    let mut properties = properties
        .unwrap_or_else(|| group.properties.iter().map(|(key, value)| (key.clone(), written(value))).collect());
    properties.extend((0..NEW_ROWS).map(|_| (String::new(), String::new())));
    let page = GroupPage {
        frame: admin.frame(page_of(admin, name)),
        here: Place::Groups,
        said,
        part,
        members,
        properties,
        may_change: admin.may(&["groups"], Resource::Group(name)),
        may_delete: admin.may(&["delete:groups"], Resource::Group(name)),
        name: name.clone(),
        typed,
    };
    Ok(html(status, &page))
}

fn named(fields: &Fields) -> Asked {
    Asked { name: fields.find("name").unwrap_or_default().to_owned(), ..Asked::default() }
}

/// `POST /hub/admin/group/members`: puts those in that `users` names, or takes the ticked ones (`member`) out.
pub(super) async fn members(admin: Admin, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let asked = named(&fields);
    let typed = fields.find("users").unwrap_or_default().to_owned();
    let leaving: Vec<&str> = fields.all("member").collect();
    let (app, caller, group) = (State(Arc::clone(&admin.app)), admin.caller.clone(), Path(asked.name.clone()));
    let result = if fields.find("users").is_some() {
        api::add_users(app, caller, group, body(json!({"users": words(&typed)}))).await
    } else {
        api::remove_users(app, caller, group, body(json!({ "users": leaving }))).await
    };
    match result {
        Ok(_) => Ok(Admin::done(&page_of(&admin, &asked.name), Done::Saved)),
        Err(fault) => {
            let (status, said) = Said::refused(fault, admin.text())?;
            draw(&admin, status, &asked, Some(said), typed, None)
        }
    }
}

/// `POST /hub/admin/group/properties`: the fields `key` and `value`, as often as there are properties.
pub(super) async fn properties(admin: Admin, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let asked = named(&fields);
    let typed = fields.all("key").map(|key| key.trim().to_owned()).zip(fields.all("value").map(str::to_owned));
    let typed: Vec<(String, String)> =
        typed.filter(|(key, value)| !key.is_empty() || !value.trim().is_empty()).collect();
    let Some(properties) = read(&typed) else {
        let said = Said::wrong(admin.text().get("admin.property-wrong"), Vec::new());
        return draw(&admin, StatusCode::BAD_REQUEST, &asked, Some(said), String::new(), Some(typed));
    };
    let (app, group) = (State(Arc::clone(&admin.app)), Path(asked.name.clone()));
    match api::set_properties(app, admin.caller.clone(), group, body(properties.into())).await {
        Ok(_) => Ok(Admin::done(&page_of(&admin, &asked.name), Done::Saved)),
        Err(fault) => {
            let (status, said) = Said::refused(fault, admin.text())?;
            draw(&admin, status, &asked, Some(said), String::new(), Some(typed))
        }
    }
}

/// `GET /hub/admin/group/delete?name=`: asks first.
pub(super) async fn ask(admin: Admin, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    admin.caller.require(&["delete:groups"], Resource::Group(&asked.name))?;
    let group = admin.app.groups.find(&asked.name).ok_or(Fault::NoAccess)?;
    let text = admin.text();
    let count = text.fill("admin.group-members", &[("count", &group.members.len().to_string())]);
    let path = admin.address(&format!("/group/delete?name={}", next::quote(&asked.name)));
    let page = ConfirmPage {
        title: text.fill("admin.delete-group-title", &[("name", &asked.name)]),
        about: vec![text.get("admin.delete-group-about").to_owned(), count],
        fields: vec![("name".to_owned(), asked.name.clone())],
        action: admin.address("/group/delete"),
        button: text.get("admin.delete").to_owned(),
        cancel: page_of(&admin, &asked.name),
        ..ConfirmPage::new(&admin, Place::Groups, path)
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /hub/admin/group/delete`
pub(super) async fn delete(admin: Admin, form: Form) -> Result<Response, Fault> {
    let asked = named(&form.open()?);
    let call = api::delete(State(Arc::clone(&admin.app)), admin.caller.clone(), Path(asked.name));
    match call.await {
        Ok(_) => Ok(Admin::done(&admin.address("/groups"), Done::Deleted)),
        Err(fault) => {
            let (status, said) = Said::refused(fault, admin.text())?;
            draw_list(&admin, status, 0, Some(said), Typed::default())
        }
    }
}

/// What was typed as properties; `None` for a value without a key, or a key that stands there twice.
fn read(typed: &[(String, String)]) -> Option<Map<String, Value>> {
    let mut properties = Map::new();
    for (key, value) in typed {
        if key.is_empty() || properties.insert(key.clone(), parsed(value)).is_some() {
            return None;
        }
    }
    Some(properties)
}

/// JSON, or else a text as it is.
fn parsed(value: &str) -> Value {
    serde_json::from_str(value.trim()).unwrap_or_else(|_| value.trim().into())
}

/// A value so that [`parsed`] gives it again.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) if parsed(text) == *value => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn properties_come_back_as_they_were() {
        let all =
            json!(["plain", "two words", " blanks ", "5", "true", "\"quoted\"", "", 5, true, null, {"a": [1]}, "{"]);
        for value in all.as_array().unwrap() {
            assert_eq!(parsed(&written(value)), *value, "{value}");
        }
        assert_eq!(written(&"plain".into()), "plain");
        assert_eq!(written(&"5".into()), "\"5\"");
    }

    #[test]
    fn a_key_is_needed_once() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(read(&[pair("a", "1"), pair("b", "x")]).unwrap(), *json!({"a": 1, "b": "x"}).as_object().unwrap());
        assert_eq!(read(&[pair("", "1")]), None);
        assert_eq!(read(&[pair("a", "1"), pair("a", "2")]), None);
    }
}
