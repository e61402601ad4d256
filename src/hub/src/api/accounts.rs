//! Accounts of this machine for people of the hub: made with them, given passwords, deleted with them
//! (`LocalAuthenticator.create_system_users`; what goes beyond `JupyterHub` is the field `account`).
//!
//! Invariants: nothing here happens unless `login.create_system_users` says so, and the broker judges again; a password
//! is told once, in the answer to the call that set it, and only to who asked for it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hubd_base::names::UserName;
use hubd_base::secret::Secret;
use serde_json::{Map, Value, json};

use super::body::Body;
use super::caller::Caller;
use crate::app::App;
use crate::auth::keeper::{Home, KeeperError, NewPassword};
use crate::http::faults::Fault;
use crate::store::users::UserRow;

/// A password that nobody hears of: the account waits for another one.
const UNKNOWN: NewPassword = NewPassword { chosen: None, must_change: true };

/// What is done for people who are added and have no account, where the configuration lets the hub make some.
pub enum Wanted {
    /// Nothing was said, as by `JupyterHub`'s own clients: an account, and a password that nobody hears of.
    Unsaid,
    /// An account with this password, which the answer tells.
    Told(NewPassword),
    /// No account, so that they cannot be added: a name that is misspelt makes none.
    Never,
}

impl Wanted {
    /// The password of an account that is made; `None` where none is.
    pub fn password(&self) -> Option<&NewPassword> {
        match self {
            Self::Unsaid => Some(&UNKNOWN),
            Self::Told(password) => Some(password),
            Self::Never => None,
        }
    }

    /// Whether the caller hears the password.
    pub fn is_told(&self) -> bool {
        matches!(self, Self::Told(_))
    }
}

fn bad(text: &str) -> Fault {
    Fault::BadRequest(text.to_owned())
}

/// A refusal is the caller's to know; what should have worked is the journal's.
fn told(error: KeeperError) -> Fault {
    match error {
        KeeperError::Refused(text) => Fault::BadRequest(text),
        failed @ KeeperError::Failed(_) => Fault::internal(failed),
    }
}

/// What a body says of a password: `{"password": "...", "must_change": true}`. Without one it is generated, and it must
/// be changed unless it is said otherwise.
pub fn password_of(mut wanted: Map<String, Value>) -> Result<NewPassword, Fault> {
    let chosen = match wanted.remove("password") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(Secret::from(text)),
        Some(_) => return Err(bad("password must be a string")),
    };
    let must_change = match wanted.remove("must_change") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(flag)) => flag,
        Some(_) => return Err(bad("must_change must be true or false")),
    };
    if let Some(other) = wanted.keys().next() {
        return Err(Fault::BadRequest(format!("an account has no {other}; there are password and must_change")));
    }
    Ok(NewPassword { chosen, must_change })
}

/// Takes the field `account` out of a body: an object about the password, or `false`.
pub fn take(body: &mut Map<String, Value>) -> Result<Wanted, Fault> {
    match body.remove("account") {
        None | Some(Value::Null) => Ok(Wanted::Unsaid),
        Some(Value::Object(wanted)) => password_of(wanted).map(Wanted::Told),
        Some(Value::Bool(false)) => Ok(Wanted::Never),
        Some(_) => Err(bad("account must be an object, or false")),
    }
}

/// Makes accounts for all of them or for nobody; returns their passwords, in the same order. The error is about one of
/// them.
pub async fn make(
    app: &App,
    caller: &Caller,
    names: &[UserName],
    password: &NewPassword,
) -> Result<Vec<Secret>, (UserName, Fault)> {
    let mut passwords = Vec::with_capacity(names.len());
    for name in names {
        match app.keeper.create(name, password).await {
            Ok(password) => passwords.push(password),
            Err(error) => {
                for made in names.iter().take(passwords.len()) {
                    undo(app, made).await;
                }
                return Err((name.clone(), told(error)));
            }
        }
        tracing::info!(hub_user = name.as_str(), "{} had an account made for {name}", caller.name());
    }
    Ok(passwords)
}

/// Takes an account away that was made a moment ago.
async fn undo(app: &App, name: &UserName) {
    if let Err(error) = app.keeper.delete(name, Home::Remove).await {
        tracing::warn!(hub_user = name.as_str(), "the account {name} was made and stays, ignoring: {error}");
    }
}

/// `POST /hub/api/users/{user}/password`: another password for an account that the hub made.
pub async fn set_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<Value>, Fault> {
    let password = password_of(body.object("Expected an object with password and must_change")?)?;
    let must_change = password.must_change;
    let told = reset(&app, &caller, &name, &password).await?;
    let told = String::from_utf8_lossy(told.expose());
    Ok(Json(json!({"name": name, "password": told, "must_change": must_change})))
}

/// The same for the pages.
pub async fn reset(app: &App, caller: &Caller, name: &str, password: &NewPassword) -> Result<Secret, Fault> {
    let person = changeable(app, caller, name)?;
    let set = app.keeper.set_password(&person.name, password).await.map_err(told)?;
    tracing::info!(hub_user = name, "{} set the password of {name}", caller.name());
    Ok(set)
}

/// A person whose account the caller may have changed: the hub's administrators are for each other alone.
fn changeable(app: &App, caller: &Caller, name: &str) -> Result<Arc<UserRow>, Fault> {
    caller.on_user(&["admin:users"], name)?;
    let person = app.people.named(name).ok_or(Fault::NoAccess)?;
    if person.admin.holds() && !caller.is_admin(app) {
        return Err(Fault::Told(StatusCode::FORBIDDEN, "Only admins can modify other admins".into()));
    }
    Ok(person)
}

/// Whether a person's account goes, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays as it is.
    Stays,
    /// It is deleted.
    Goes(Home),
}

impl Fate {
    /// As `DELETE /hub/api/users/{user}?account=delete&home=delete` asks. The home goes only with the account.
    pub fn asked(account: Option<&str>, home: Option<&str>) -> Result<Self, Fault> {
        let goes = |value: Option<&str>, name: &str| match value {
            None | Some("" | "keep") => Ok(false),
            Some("delete") => Ok(true),
            Some(_) => Err(Fault::BadRequest(format!("{name} must be keep or delete"))),
        };
        match (goes(account, "account")?, goes(home, "home")?) {
            (false, false) => Ok(Self::Stays),
            (true, false) => Ok(Self::Goes(Home::Keep)),
            (true, true) => Ok(Self::Goes(Home::Remove)),
            (false, true) => Err(bad("home=delete needs account=delete")),
        }
    }

    /// May the caller have it so?
    pub fn check(self, app: &App, caller: &Caller, name: &str) -> Result<(), Fault> {
        match self {
            Self::Stays => Ok(()),
            Self::Goes(_) => changeable(app, caller, name).map(drop),
        }
    }

    /// Does it. Their servers are down by then.
    pub async fn fulfil(self, app: &App, caller: &Caller, person: &UserRow) -> Result<(), Fault> {
        let Self::Goes(home) = self else { return Ok(()) };
        app.keeper.delete(&person.name, home).await.map_err(told)?;
        tracing::info!(hub_user = person.name.as_str(), "{} had the account {} deleted", caller.name(), person.name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(json: &str) -> Result<(Option<String>, bool), Fault> {
        let Ok(Value::Object(map)) = serde_json::from_str(json) else { unreachable!("{json}") };
        let password = password_of(map)?;
        let chosen = password.chosen.map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
        Ok((chosen, password.must_change))
    }

    #[test]
    fn a_password_is_generated_and_must_be_changed_unless_it_is_said_otherwise() {
        assert_eq!(wanted("{}").ok(), Some((None, true)));
        assert_eq!(wanted(r#"{"password": null, "must_change": false}"#).ok(), Some((None, false)));
        assert_eq!(wanted(r#"{"password": "correct horse"}"#).ok(), Some((Some("correct horse".into()), true)));
        for wrong in [r#"{"password": 1}"#, r#"{"must_change": "no"}"#, r#"{"shell": "/bin/sh"}"#] {
            assert!(wanted(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_account_goes_only_when_that_is_said_in_so_many_words() {
        let asked = |account, home| Fate::asked(account, home).ok();
        assert_eq!(asked(None, None), Some(Fate::Stays));
        assert_eq!(asked(Some("delete"), None), Some(Fate::Goes(Home::Keep)));
        assert_eq!(asked(Some("delete"), Some("delete")), Some(Fate::Goes(Home::Remove)));
        for (account, home) in [(None, Some("delete")), (Some("1"), None), (Some("delete"), Some("yes"))] {
            assert_eq!(asked(account, home), None);
        }
    }
}
