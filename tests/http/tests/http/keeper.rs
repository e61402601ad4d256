//! A keeper of accounts that makes none: it remembers what it was asked for.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hubd::auth::keeper::{Home, Keeper, KeeperError, NewPassword};
use hubd_base::names::UserName;
use hubd_base::secret::Secret;

#[derive(Default)]
pub struct FakeKeeper {
    /// Every call, in order: `create no-ann generated change`.
    pub calls: Mutex<Vec<String>>,
    /// The name that the broker refuses.
    pub refused: Mutex<String>,
}

impl FakeKeeper {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn note(&self, call: String, user: &UserName) -> Result<(), KeeperError> {
        self.calls.lock().unwrap().push(call);
        if user.as_str() == "no-broken" {
            return Err(KeeperError::Failed("secret words of the broker".into()));
        }
        let refused = *self.refused.lock().unwrap() == user.as_str();
        if refused { Err(KeeperError::Refused(format!("{user} is an account of the system."))) } else { Ok(()) }
    }

    fn set(&self, verb: &str, user: &UserName, password: &NewPassword) -> Result<Secret, KeeperError> {
        let chosen = password.chosen.as_ref().map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
        let (how, set) = match chosen {
            Some(chosen) => ("chosen", chosen),
            None => ("generated", format!("made-for-{user}")),
        };
        let change = if password.must_change { "change" } else { "keep" };
        self.note(format!("{verb} {user} {how} {change}"), user)?;
        Ok(Secret::from(set))
    }
}

impl Keeper for FakeKeeper {
    fn create<'a>(
        &'a self,
        user: &'a UserName,
        password: &'a NewPassword,
    ) -> BoxFuture<'a, Result<Secret, KeeperError>> {
        async move { self.set("create", user, password) }.boxed()
    }

    fn set_password<'a>(
        &'a self,
        user: &'a UserName,
        password: &'a NewPassword,
    ) -> BoxFuture<'a, Result<Secret, KeeperError>> {
        async move { self.set("password", user, password) }.boxed()
    }

    fn delete<'a>(&'a self, user: &'a UserName, home: Home) -> BoxFuture<'a, Result<(), KeeperError>> {
        async move { self.note(format!("delete {user} {home:?}"), user) }.boxed()
    }
}
