//! The accounts of this machine, as the name service knows them.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hubd_base::account;
use hubd_base::names::UserName;

use super::people::People;
use crate::store::users::UserRow;

/// Looks accounts up.
pub trait Accounts: Send + Sync + 'static {
    /// The names as the accounts themselves spell them, in the order asked; `None` for one that does not exist.
    /// The error is a sentence: the name service does not answer.
    fn find(&self, names: Vec<UserName>) -> BoxFuture<'_, Result<Vec<Option<UserName>>, String>>;
    /// The names of all Unix groups of an account; none of one that does not exist.
    fn groups(&self, name: UserName) -> BoxFuture<'_, Result<Vec<String>, String>>;
}

/// Whom a name means as somebody wrote it.
#[derive(Clone, Debug)]
pub enum Meant {
    /// Somebody the hub knows.
    Person(Arc<UserRow>),
    /// An account that the hub does not know yet, as it spells itself.
    Account(UserName),
    /// Nobody on this machine.
    Nobody,
    /// No account can be called so.
    Impossible,
}

/// Whom names mean, in the order asked: as they are written, or else in lower case, as accounts mostly are.
///
/// # Errors
/// A sentence: the name service does not answer.
pub async fn resolve(accounts: &dyn Accounts, people: &People, names: &[&str]) -> Result<Vec<Meant>, String> {
    let spellings = |name: &str| {
        let lower = name.to_lowercase();
        let other = (lower != name).then_some(lower);
        [Some(name.to_owned()), other].into_iter().flatten().filter_map(|name| UserName::parse(&name).ok())
    };
    let unknown = names.iter().filter(|name| people.spelled(name).is_none());
    let asked: Vec<UserName> = unknown.flat_map(|name| spellings(name)).collect();
    let found: HashMap<UserName, UserName> = if asked.is_empty() {
        HashMap::new()
    } else {
        let found = accounts.find(asked.clone()).await?;
        asked.into_iter().zip(found).filter_map(|(name, found)| Some((name, found?))).collect()
    };
    let meant = |name: &&str| {
        if UserName::parse(name).is_err() {
            return Meant::Impossible;
        }
        if let Some(person) = people.spelled(name) {
            return Meant::Person(person);
        }
        match spellings(name).find_map(|name| found.get(&name).cloned()) {
            Some(account) => people.find(&account).map_or(Meant::Account(account), Meant::Person),
            None => Meant::Nobody,
        }
    };
    Ok(names.iter().map(meant).collect())
}

/// The name service switch.
#[derive(Clone, Copy, Debug, Default)]
pub struct NameService;

impl Accounts for NameService {
    fn find(&self, names: Vec<UserName>) -> BoxFuture<'_, Result<Vec<Option<UserName>>, String>> {
        // It may have to ask a directory far away, so it has a thread of its own.
        let looked = tokio::task::spawn_blocking(move || {
            let find = |name: &UserName| match account::find(name) {
                Ok(found) => Ok(found.map(|account| account.name)),
                Err(error) => Err(error.to_string()),
            };
            names.iter().map(find).collect()
        });
        Box::pin(async move { looked.await.map_err(|error| error.to_string())? })
    }

    fn groups(&self, name: UserName) -> BoxFuture<'_, Result<Vec<String>, String>> {
        let looked = tokio::task::spawn_blocking(move || match account::find(&name) {
            Ok(Some(account)) => account::groups(&account).map_err(|error| error.to_string()),
            Ok(None) => Ok(Vec::new()),
            Err(error) => Err(error.to_string()),
        });
        Box::pin(async move { looked.await.map_err(|error| error.to_string())? })
    }
}
