//! `/hub/api/user`, `/hub/api/users`, `/hub/api/users/{user}`: reading people (contract 1.5 to 1.7).
//!
//! Invariant: whoever is not on the page asked for costs a comparison or two; models are built for the page only.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use futures_util::future::join_all;
use hubd_base::names::UserName;
use serde_json::{Map, Value, json};

use super::caller::{Caller, Credential};
use super::models::{Shown, View};
use super::page::{Arguments, Page, include_stopped};
use crate::app::App;
use crate::auth::scopes::{Cover, Filters, Holding, Resource, Scopes};
use crate::auth::tokens::Owner;
use crate::http::faults::Fault;
use crate::servers::state::State as ServerState;
use crate::store::users::UserRow;

/// Scopes of which any one shows something of a person.
pub const READ: &[&str] =
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
        Some(Owner::Service(name)) => service_model(&app, &name, &scopes),
    };
    let token = caller.token();
    let session = match &caller.credential {
        Credential::Token(token) => token.session.clone(),
        Credential::Session(session) => Some(session.public_id.clone()),
        Credential::Machine(_) | Credential::Own(_) => None,
    };
    model.insert("token_id".into(), token.map(|token| format!("a{}", token.id)).into());
    model.insert("session_id".into(), session.into());
    model.insert("scopes".into(), caller.scopes.to_strings().into());
    Ok(Json(model.into()))
}

/// A service as it is told to itself: what a row of `JupyterHub`'s database knows of it, which is not what is
/// configured (contract 1.5).
pub(super) fn service_model(app: &App, name: &str, scopes: &Scopes) -> Map<String, Value> {
    let sees = |scope| scopes.covers(scope, Resource::Service(name), app.access.groups()) == Cover::Covered;
    let mut roles = app.access.roles.of_service(name);
    if app.services.find(name).is_some_and(|service| service.admin) && !roles.contains(&"admin") {
        roles.push("admin");
    }
    let mut model = Map::new();
    let mut put = |field: &str, value: Value| model.insert(field.to_owned(), value);
    put("kind", "service".into());
    put("name", name.into());
    put("admin", roles.contains(&"admin").into());
    if sees("read:services") {
        put("url", Value::Null);
        put("prefix", "".into());
        put("command", json!([]));
        put("pid", 0.into());
        put("info", Value::Null);
        put("display", Value::Null);
    }
    if sees("read:roles:services") {
        put("roles", roles.into());
    }
    model
}

/// `GET /hub/api/users`
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    page: Page,
    arguments: Arguments,
) -> Result<Response, Fault> {
    let selection = Selection {
        name_filter: argument(&arguments, "name_filter"),
        state: argument(&arguments, "state"),
        sort: argument(&arguments, "sort"),
    };
    let (part, total) = page.cut(select(&app, &caller, &selection)?);
    let view = View { app: &app, scopes: &caller.scopes, shown: shown(&arguments) };
    Ok(page.answer(part.iter().filter_map(|row| view.user(row)).map(Value::Object).collect(), total))
}

/// Which people a list shows, and in what order; the values are the contract's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// What their names have in them, in any case.
    pub name_filter: Option<&'a str>,
    /// `active`, `ready` or `inactive`.
    pub state: Option<&'a str>,
    /// `id`, `name` or `last_activity`, with a dash in front for the other way round.
    pub sort: Option<&'a str>,
}

/// The people whom the caller may list and who fit.
pub fn select(app: &App, caller: &Caller, selection: &Selection<'_>) -> Result<Vec<Arc<UserRow>>, Fault> {
    let filters = listed(caller, "list:users", &["list:users"], |filters| {
        filters.servers.is_empty() && filters.services.is_empty()
    })?;
    let in_state = StateFilter::of(app, selection.state)?;
    let order = Order::parse(selection.sort)?;
    let part = selection.name_filter.map(str::to_lowercase);
    let mut people = app.people.all();
    people.retain(|row| {
        let name = row.name.as_str();
        filters.is_none_or(|filters| filters.covers(Resource::User(name), app.access.groups()))
            && part.as_ref().is_none_or(|part| name.to_lowercase().contains(part))
            && in_state.fits(&row.name)
    });
    order.sort(&mut people);
    Ok(people)
}

/// What a list may show by the scope that permits it: `None` for everything. `fits`: whether the list can be cut down
/// to these filters.
pub(super) fn listed<'a>(
    caller: &'a Caller,
    scope: &str,
    any: &'static [&'static str],
    fits: impl FnOnce(&Filters) -> bool,
) -> Result<Option<&'a Filters>, Fault> {
    match caller.scopes.holding(scope) {
        None => Err(Fault::Scopes(any)),
        Some(Holding::All) => Ok(None),
        Some(Holding::Some(filters)) if fits(filters) => Ok(Some(filters)),
        Some(Holding::Some(_)) => Err(Fault::Forbidden),
    }
}

/// An argument of the address; an empty one is as good as none.
fn argument<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a str> {
    arguments.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// `state=`: who has servers in it, looked up once.
enum StateFilter {
    All,
    With(HashSet<UserName>),
    Without(HashSet<UserName>),
}

impl StateFilter {
    fn of(app: &App, wanted: Option<&str>) -> Result<Self, Fault> {
        let with = |fits: fn(ServerState) -> bool| {
            let mut users = HashSet::new();
            app.servers.for_each(|server| {
                if fits(server.state()) {
                    users.insert(server.id.user.clone());
                }
            });
            users
        };
        match wanted {
            None => Ok(Self::All),
            Some("active") => Ok(Self::With(with(ServerState::is_active))),
            Some("ready") => Ok(Self::With(with(ServerState::is_ready))),
            Some("inactive") => Ok(Self::Without(with(ServerState::is_active))),
            Some(other) => Err(Fault::BadRequest(format!("Unrecognized state filter: '{other}'"))),
        }
    }

    fn fits(&self, user: &UserName) -> bool {
        match self {
            Self::All => true,
            Self::With(users) => users.contains(user),
            Self::Without(users) => !users.contains(user),
        }
    }
}

#[derive(Clone, Copy)]
enum Key {
    Id,
    Name,
    LastActivity,
}

/// `sort=`
struct Order {
    key: Key,
    descending: bool,
}

impl Order {
    fn parse(wanted: Option<&str>) -> Result<Self, Fault> {
        let wanted = wanted.unwrap_or("id");
        let (descending, word) = wanted.strip_prefix('-').map_or((false, wanted), |word| (true, word));
        let key = match word {
            "id" => Key::Id,
            "name" => Key::Name,
            "last_activity" => Key::LastActivity,
            _ => {
                let text = format!("sort must be 'id', 'name', or 'last_activity', not '{wanted}'");
                return Err(Fault::BadRequest(text));
            }
        };
        Ok(Self { key, descending })
    }

    /// People come in the order of their ids, which stays where the key is the same. No activity is the oldest.
    fn sort(&self, people: &mut [Arc<UserRow>]) {
        let compare = |a: &Arc<UserRow>, b: &Arc<UserRow>| match self.key {
            Key::Id => a.id.cmp(&b.id),
            Key::Name => a.name.cmp(&b.name),
            Key::LastActivity => a.last_activity.cmp(&b.last_activity),
        };
        match (self.key, self.descending) {
            (Key::Id, false) => {}
            (_, false) => people.sort_by(compare),
            (_, true) => people.sort_by(|a, b| compare(b, a)),
        }
    }
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
    // Who asks for one person is told what their servers use.
    join_all(app.servers.of(&row.name).iter().map(|server| app.servers.usage(server))).await;
    let view = View { app: &app, scopes: &caller.scopes, shown: shown(&arguments) };
    view.user(&row).map(|model| Json(model.into())).ok_or(Fault::NoAccess)
}
