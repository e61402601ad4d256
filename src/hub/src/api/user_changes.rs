//! `/hub/api/users`, `/hub/api/users/{user}`: making, changing and deleting people (contract 1.6, 1.7).
//!
//! A person is the hub's row for an account of this machine. The account itself is made or deleted only where that is
//! asked for ([`super::accounts`]).
//! Invariant: everything is checked before anything is changed, and a change is one transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use futures_util::future::join_all;
use hubd_base::names::UserName;
use hubd_base::secret::Secret;
use serde_json::{Map, Value, json};

use super::accounts::{self, Fate, Wanted};
use super::body::{Body, python};
use super::caller::Caller;
use super::check::{self, USER};
use super::models::{Shown, View};
use super::page::Arguments;
use crate::app::App;
use crate::auth::accounts::{Meant, resolve};
use crate::auth::people::ChangeError;
use crate::auth::scopes::Resource;
use crate::auth::tokens::Owner;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::servers::server::Server;
use crate::servers::state::State as ServerState;
use crate::store::users::UserRow;

/// How long a deletion waits for the person's servers to stop: `slow_stop_timeout`.
const STOP_WAIT: Duration = Duration::from_secs(10);
/// What is said of nobody.
const NO_NAMES: &str = "Must specify at least one user to create";
/// Why an account of that name cannot be known to the hub.
const NO_ACCOUNT: &str = "there is no account of this name on this machine";

fn bad(text: String) -> Fault {
    Fault::BadRequest(text)
}

fn forbidden(text: &str) -> Fault {
    Fault::Told(StatusCode::FORBIDDEN, text.into())
}

fn model(app: &App, caller: &Caller, row: &UserRow) -> Map<String, Value> {
    let view = View { app, scopes: &caller.scopes, shown: Shown::Active };
    view.user(row).unwrap_or_default()
}

/// Whether the body makes somebody an administrator.
fn wants_admin(body: &Map<String, Value>) -> bool {
    body.get("admin").and_then(Value::as_bool).unwrap_or(false)
}

/// May the caller make somebody an administrator, if that is wanted?
pub fn may_grant(app: &App, caller: &Caller, admin: bool) -> Result<bool, Fault> {
    if admin && !caller.is_admin(app) {
        return Err(forbidden("Only admins can grant admin permissions"));
    }
    Ok(admin)
}

async fn meant(app: &App, names: &[&str]) -> Result<Vec<Meant>, String> {
    resolve(app.accounts.as_ref(), &app.people, names).await.map_err(|error| {
        tracing::warn!("cannot look up accounts for the API, carrying on without: {error}");
        "the accounts of this machine cannot be looked up right now".to_owned()
    })
}

/// `POST /hub/api/users`: all new people or none; known ones are left as they are.
pub async fn create_many(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Fault> {
    caller.require(&["admin:users"], Resource::Any)?;
    let mut body = body.model(|_| NO_NAMES.to_owned())?.unwrap_or_default();
    let account = accounts::take(&mut body)?;
    let names = body.remove("usernames").filter(Value::is_array);
    let names = check::names(names.as_ref(), "usernames")?;
    if names.is_empty() {
        return Err(bad(NO_NAMES.to_owned()));
    }
    USER.check(&body)?;
    let admin = may_grant(&app, &caller, wants_admin(&body))?;
    let added = add(&app, &caller, &names, admin, &account).await?;
    let models = added.iter().map(|added| Value::Object(added.model(&app, &caller, account.is_told()))).collect();
    Ok((StatusCode::CREATED, Json(models)))
}

/// Somebody who was added.
pub struct Added {
    /// The person.
    pub person: Arc<UserRow>,
    /// The password of the account that was made for them, if one was made.
    pub password: Option<Secret>,
}

impl Added {
    /// The password stands in it for who asked for an account, and for nobody else.
    fn model(&self, app: &App, caller: &Caller, tell: bool) -> Map<String, Value> {
        let mut model = model(app, caller, &self.person);
        if let Some(password) = self.password.as_ref().filter(|_| tell) {
            model.insert("hubd".into(), json!({"password": String::from_utf8_lossy(password.expose())}));
        }
        model
    }
}

/// Adds people, all or none. Who has no account gets one, if it is wanted, where the configuration allows it.
pub async fn add(
    app: &App,
    caller: &Caller,
    names: &[String],
    admin: bool,
    wanted: &Wanted,
) -> Result<Vec<Added>, Fault> {
    if names.is_empty() {
        return Err(bad(NO_NAMES.to_owned()));
    }
    let invalid: Vec<&str> = names.iter().map(String::as_str).filter(|name| UserName::parse(name).is_err()).collect();
    match invalid.as_slice() {
        [] => {}
        [name] => return Err(bad(format!("Invalid username: {name}"))),
        several => return Err(bad(format!("Invalid usernames: {}", several.join(", ")))),
    }
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let failed = |name: &str, why: &str| bad(format!("Failed to create user {name}: {why}"));
    let meant = meant(app, &asked).await.map_err(|why| failed(asked.first().unwrap_or(&""), &why))?;
    let mut new: Vec<UserName> = Vec::new();
    let mut missing: Vec<UserName> = Vec::new();
    for (name, meant) in asked.iter().zip(meant) {
        match meant {
            Meant::Person(_) => {}
            Meant::Account(account) if new.contains(&account) => {}
            Meant::Account(account) => new.push(account),
            Meant::Nobody => match makeable(app, name).filter(|_| wanted.password().is_some()) {
                Some(name) if missing.contains(&name) => {}
                Some(name) => missing.push(name),
                None => return Err(failed(name, NO_ACCOUNT)),
            },
            Meant::Impossible => return Err(failed(name, NO_ACCOUNT)),
        }
    }
    let passwords = match wanted.password() {
        Some(password) => accounts::make(app, caller, &missing, password).await,
        None => Ok(Vec::new()),
    };
    let passwords = passwords.map_err(|(name, fault)| match fault {
        Fault::BadRequest(why) => failed(name.as_str(), &why),
        other => other,
    })?;
    let mut passwords: HashMap<UserName, Secret> = missing.iter().cloned().zip(passwords).collect();
    new.extend(missing);
    let made = app.people.add(new, admin, now()).await.map_err(Fault::internal)?;
    if made.is_empty() {
        return Err(Fault::Told(StatusCode::CONFLICT, format!("All {} users already exist", names.len())));
    }
    for person in &made {
        tracing::info!(hub_user = person.name.as_str(), "{} added {} to the hub", caller.name(), person.name);
    }
    Ok(made.into_iter().map(|person| Added { password: passwords.remove(&person.name), person }).collect())
}

/// The account that would be made for a name that nobody has.
pub fn makeable(app: &App, name: &str) -> Option<UserName> {
    UserName::parse(name).ok().filter(|name| app.config.login.create_system_users && name.is_for_new_account())
}

/// `POST /hub/api/users/{user}`: of `JupyterHub`'s body, only `admin` has an effect.
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Fault> {
    caller.on_user(&["admin:users"], &name)?;
    let exists = || Fault::Told(StatusCode::CONFLICT, format!("User {name} already exists"));
    if app.people.spelled(&name).is_some() {
        return Err(exists());
    }
    let mut body = body.model(check::no_model)?.unwrap_or_default();
    let wanted = accounts::take(&mut body)?;
    USER.check(&body)?;
    let admin = may_grant(&app, &caller, wants_admin(&body))?;
    let failed = || bad(format!("Failed to create user: {name}"));
    let meant = meant(&app, &[&name]).await.map_err(|_| failed())?;
    let (account, password) = match meant.into_iter().next() {
        Some(Meant::Account(account)) => (account, None),
        Some(Meant::Person(_)) => return Err(exists()),
        Some(Meant::Nobody) => {
            let password = wanted.password().ok_or_else(failed)?;
            let account = makeable(&app, &name).ok_or_else(failed)?;
            let made = accounts::make(&app, &caller, std::slice::from_ref(&account), password).await;
            (account, made.map_err(|(_, fault)| fault)?.pop())
        }
        Some(Meant::Impossible) | None => return Err(failed()),
    };
    // The account may spell itself otherwise than the address that the scope was asked for.
    caller.on_user(&["admin:users"], account.as_str())?;
    let made = app.people.add(vec![account], admin, now()).await.map_err(Fault::internal)?;
    let person = made.into_iter().next().ok_or_else(exists)?;
    tracing::info!(hub_user = person.name.as_str(), "{} added {} to the hub", caller.name(), person.name);
    let model = Added { person, password }.model(&app, &caller, wanted.is_told());
    Ok((StatusCode::CREATED, Json(model.into())))
}

/// `PATCH /hub/api/users/{user}`: another name or flag.
///
/// The flag appoints an administrator beside those of the policy; taken away, it comes back with the policy's next word.
///
/// A name stands for an account of the machine, so a person with another name is another account: their sessions end
/// and their tokens are revoked, their groups and stopped servers come along. It takes place only while no server of
/// theirs is active.
pub async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<Value>, Fault> {
    caller.on_user(&["admin:users"], &name)?;
    let person = app.people.named(&name).ok_or(Fault::NoAccess)?;
    let body = body.model(check::no_model)?.ok_or_else(|| bad(check::no_model(&Value::Null)))?;
    USER.check(&body)?;
    let wanted = match body.get("name").and_then(Value::as_str).filter(|wanted| *wanted != name) {
        None => None,
        Some(wanted) => new_name(&app, &person, wanted).await?,
    };
    if person.admin.holds() && !caller.is_admin(&app) {
        return Err(forbidden("Only admins can modify other admins"));
    }
    may_grant(&app, &caller, wants_admin(&body))?;
    for (field, text) in [
        ("groups", "A user's groups are changed at /groups/{group}/users"),
        ("roles", "Roles are given in the hub's configuration"),
        ("auth_state", "This hub keeps no auth_state"),
    ] {
        if body.contains_key(field) {
            return Err(bad(text.into()));
        }
    }
    let admin = body.get("admin").and_then(Value::as_bool).unwrap_or(person.admin.holds());
    if let Some(wanted) = &wanted {
        caller.on_user(&["admin:users"], wanted.as_str())?;
        if app.servers.of(&person.name).iter().any(|server| server.snapshot().state.is_active()) {
            return Err(bad(format!("{name} has active servers. Please stop them before renaming {name}.")));
        }
    }
    let row = if wanted.is_none() && admin == person.admin.holds() {
        Arc::clone(&person)
    } else {
        apply(&app, &caller, &person, wanted, admin).await?
    };
    let mut model = model(&app, &caller, &row);
    model.insert("auth_state".into(), Value::Null);
    Ok(Json(model.into()))
}

/// The account that a new name means; `None` if it is the person's own.
async fn new_name(app: &App, person: &UserRow, wanted: &str) -> Result<Option<UserName>, Fault> {
    let failed = |why: &str| bad(format!("Failed to rename user {} to {wanted}: {why}", person.name));
    let meant = meant(app, &[wanted]).await.map_err(|why| failed(&why))?;
    match meant.into_iter().next() {
        Some(Meant::Person(known)) if known.id == person.id => Ok(None),
        Some(Meant::Person(_)) => Err(taken(wanted)),
        Some(Meant::Account(account)) => Ok(Some(account)),
        Some(Meant::Nobody) | None => Err(failed(NO_ACCOUNT)),
        Some(Meant::Impossible) => Err(bad(format!("Invalid username: {}", python(&wanted.into())))),
    }
}

fn taken(name: &str) -> Fault {
    bad(format!("User {name} already exists, username must be unique"))
}

async fn apply(
    app: &App,
    caller: &Caller,
    person: &UserRow,
    wanted: Option<UserName>,
    admin: bool,
) -> Result<Arc<UserRow>, Fault> {
    let changed = app.people.change(person.id, wanted.clone(), admin).await;
    let row = changed.map_err(|error| match error {
        ChangeError::Unknown => Fault::NoAccess,
        ChangeError::Taken => taken(wanted.as_ref().map_or("", UserName::as_str)),
        ChangeError::Store(error) => Fault::internal(error),
    })?;
    if row.admin.holds() != person.admin.holds() {
        let what = if row.admin.holds() { "an administrator" } else { "no administrator any more" };
        tracing::info!(hub_user = row.name.as_str(), "{} made {} {what}", caller.name(), row.name);
    }
    if row.name != person.name {
        tracing::info!(hub_user = row.name.as_str(), "{} renamed {} to {}", caller.name(), person.name, row.name);
        settle(app, &person.name, Some(&row.name)).await?;
    }
    Ok(row)
}

/// `DELETE /hub/api/users/{user}`: stops their servers, ends their sessions, revokes their tokens. The account of the
/// machine stays unless `account=delete` says otherwise, and whoever may log in comes back as somebody new.
pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    arguments: Arguments,
) -> Result<StatusCode, Fault> {
    let argument = |name: &str| arguments.get(name).map(String::as_str);
    forget(&app, &caller, &name, Fate::asked(argument("account"), argument("home"))?).await
}

/// The same for the pages.
pub async fn forget(app: &App, caller: &Caller, name: &str, fate: Fate) -> Result<StatusCode, Fault> {
    caller.on_user(&["delete:users"], name)?;
    let person = app.people.named(name).ok_or(Fault::NoAccess)?;
    fate.check(app, caller, name)?;
    if caller.owner().is_some_and(|owner| owner.name() == name) {
        return Err(bad("Cannot delete yourself!".into()));
    }
    stop_all(app, &person.name).await?;
    fate.fulfil(app, caller, &person).await?;
    app.people.delete(&person).await.map_err(Fault::internal)?;
    settle(app, &person.name, None).await?;
    tracing::info!(hub_user = name, "{} deleted {name} from the hub", caller.name());
    Ok(StatusCode::NO_CONTENT)
}

/// Stops what runs, and waits for it.
async fn stop_all(app: &App, user: &UserName) -> Result<(), Fault> {
    let stopping = || bad(format!("{user}'s server is in the process of stopping, please wait."));
    let active = app.servers.of(user).into_iter().filter(|server| server.snapshot().state.is_active());
    let active: Vec<Arc<Server>> = active.collect();
    if active.iter().any(|server| server.snapshot().state == ServerState::Stopping) {
        return Err(stopping());
    }
    let stopped = active.iter().map(|server| async {
        let mut changes = app.servers.stop(&server.id).follow();
        let settled = changes.wait_for(|snapshot| snapshot.state != ServerState::Stopping).await;
        settled.is_ok_and(|snapshot| !snapshot.state.is_active() && snapshot.failure.is_none())
    });
    let stopped = tokio::time::timeout(STOP_WAIT, join_all(stopped)).await.map_err(|_| stopping())?;
    // What is left over is told by the journal of the job that could not stop it.
    if stopped.iter().all(|stopped| *stopped) { Ok(()) } else { Err(bad(format!("A server of {user} does not stop."))) }
}

/// What memory holds of a person follows their new name, or is forgotten. The store has done so already.
async fn settle(app: &App, before: &UserName, after: Option<&UserName>) -> Result<(), Fault> {
    app.sessions.end_all_of(before).await.map_err(Fault::internal)?;
    let theirs = Owner::User(before.clone());
    app.tokens.revoke(|token| token.owner == theirs).await.map_err(Fault::internal)?;
    app.groups.follow_user(before, after).await;
    if let Some(after) = after {
        app.shares.rename_user(before, after).await;
        app.servers.rename_user(before, after);
    } else {
        app.shares.forget_user(before).await;
        app.servers.forget_user(before);
    }
    Ok(())
}
