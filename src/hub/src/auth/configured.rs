//! The groups of the configuration, added to those that the hub's administrators made.
//!
//! Invariant: nothing is taken away. People are added at each start, and properties replace the group's own only where
//! the configuration has some.

use std::collections::BTreeSet;
use std::time::Duration;

use hubd_base::config::Group as Wanted;
use hubd_base::names::UserName;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::accounts::{Accounts, Meant, resolve};
use super::groups::{GroupError, Groups};
use super::people::People;
use crate::clock::Usec;
use crate::store::StoreError;

/// How long the start of the hub waits for the name service: longer than any healthy one takes.
const LOOK_DEADLINE: Duration = Duration::from_secs(5);

/// Adds groups and their members. People whom the hub does not know become known if they have an account; the name
/// service is asked for those only.
pub async fn add_groups(
    wanted: &[Wanted],
    groups: &Groups,
    people: &People,
    accounts: &dyn Accounts,
    now: Usec,
) -> Result<(), GroupError> {
    let listed = || wanted.iter().flat_map(|group| &group.users);
    let unknown: BTreeSet<&UserName> = listed().filter(|name| people.find(name).is_none()).collect();
    if !unknown.is_empty() {
        meet(&unknown.into_iter().map(UserName::as_str).collect::<Vec<_>>(), people, accounts, now).await?;
    }
    for group in wanted {
        if groups.find(&group.name).is_none() {
            groups.add(vec![group.name.clone()], Vec::new()).await?;
        }
        let members = group.users.iter().filter_map(|name| people.spelled(name.as_str()));
        groups.change(&group.name, members.map(|row| row.name.clone()).collect(), Vec::new()).await?;
        if !group.properties.is_empty() {
            let text = |(name, value): &(String, String)| (name.clone(), Value::from(value.clone()));
            groups.set_properties(&group.name, group.properties.iter().map(text).collect::<Map<_, _>>()).await?;
        }
    }
    Ok(())
}

/// Makes accounts of this machine known to the hub.
async fn meet(names: &[&str], people: &People, accounts: &dyn Accounts, now: Usec) -> Result<(), StoreError> {
    let asked = timeout(LOOK_DEADLINE, resolve(accounts, people, names)).await;
    let meant = match asked.unwrap_or_else(|_| Err("it gave no answer in time".into())) {
        Ok(meant) => meant,
        Err(text) => {
            tracing::warn!("cannot look up {} of the configuration's groups, ignoring: {text}", names.join(", "));
            return Ok(());
        }
    };
    let mut found = BTreeSet::new();
    for (name, meant) in names.iter().zip(meant) {
        match meant {
            Meant::Person(_) => {}
            Meant::Account(account) => drop(found.insert(account)),
            Meant::Nobody | Meant::Impossible => {
                tracing::warn!("{name} is in a group of the configuration and has no account here, ignoring");
            }
        }
    }
    people.add(found.into_iter().collect(), false, now).await?;
    Ok(())
}
