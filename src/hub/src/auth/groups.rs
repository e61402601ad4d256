//! Groups of people, in memory, written through to the store.
//!
//! Invariant: what is asked for every request (who is in a group) and for every person of a list (which groups they
//! are in) is looked up, not searched for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use hubd_base::names::UserName;
use serde_json::{Map, Value};

use super::changes::Changes;
use super::scopes::Membership;
use crate::store::groups::GroupRow;
use crate::store::{Store, StoreError};

/// One group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The store's number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// A JSON object of the administrators' own.
    pub properties: Map<String, Value>,
    /// Who is in it.
    pub members: BTreeSet<UserName>,
}

/// Why a group was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// There is a group of that name.
    #[error("group {0} exists")]
    Exists(String),
    /// It is not there any more.
    #[error("there is no such group")]
    Unknown,
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, Default)]
struct Known {
    by_name: BTreeMap<String, Arc<Group>>,
    /// The names of the groups of everybody who is in one.
    of: HashMap<UserName, BTreeSet<String>>,
}

impl Known {
    fn put(&mut self, group: Arc<Group>) {
        self.remove(&group.name);
        for member in &group.members {
            self.of.entry(member.clone()).or_default().insert(group.name.clone());
        }
        self.by_name.insert(group.name.clone(), group);
    }

    fn remove(&mut self, name: &str) {
        let Some(group) = self.by_name.remove(name) else { return };
        for member in &group.members {
            if let Some(theirs) = self.of.get_mut(member) {
                theirs.remove(name);
                if theirs.is_empty() {
                    self.of.remove(member);
                }
            }
        }
    }
}

/// All groups.
#[derive(Debug)]
pub struct Groups {
    store: Store,
    changes: Changes,
    known: RwLock<Known>,
    /// Held across a write to the store and the change in memory that follows it.
    turn: tokio::sync::Mutex<()>,
}

impl Groups {
    /// Reads all groups from the store.
    pub async fn load(store: Store, changes: Changes) -> Result<Self, StoreError> {
        let mut known = Known::default();
        for GroupRow { id, name, properties, members } in store.groups().await? {
            known.put(Arc::new(Group { id, name, properties, members: members.into_iter().collect() }));
        }
        Ok(Self { store, changes, known: RwLock::new(known), turn: tokio::sync::Mutex::default() })
    }

    /// The group of that name.
    pub fn find(&self, name: &str) -> Option<Arc<Group>> {
        self.read(|known| known.by_name.get(name).cloned())
    }

    /// All groups, by the order in which they were made.
    pub fn all(&self) -> Vec<Arc<Group>> {
        let mut all: Vec<_> = self.read(|known| known.by_name.values().cloned().collect());
        all.sort_by_key(|group| group.id);
        all
    }

    /// The names of the groups a person is in, sorted.
    pub fn of(&self, user: &UserName) -> Vec<String> {
        self.read(|known| known.of.get(user).into_iter().flatten().cloned().collect())
    }

    /// Makes groups with the same members, all or none.
    pub async fn add(&self, names: Vec<String>, members: Vec<UserName>) -> Result<Vec<Arc<Group>>, GroupError> {
        let _turn = self.turn.lock().await;
        if let Some(name) = first_known(&names, |name| self.find(name).is_some()) {
            return Err(GroupError::Exists(name.to_owned()));
        }
        let rows = self.store.add_groups(names.clone(), members).await?;
        let group = |((id, members), name): ((i64, Vec<UserName>), String)| {
            Arc::new(Group { id, name, properties: Map::new(), members: members.into_iter().collect() })
        };
        let made: Vec<_> = rows.into_iter().zip(names).map(group).collect();
        self.write(|known| made.iter().for_each(|group| known.put(Arc::clone(group))));
        self.changes.note();
        Ok(made)
    }

    /// Deletes a group.
    pub async fn delete(&self, name: &str) -> Result<(), GroupError> {
        let _turn = self.turn.lock().await;
        let group = self.find(name).ok_or(GroupError::Unknown)?;
        self.store.delete_group(group.id).await?;
        self.write(|known| known.remove(name));
        self.changes.note();
        Ok(())
    }

    /// Puts people into a group and takes others out; returns the group as it is then.
    pub async fn change(
        &self,
        name: &str,
        added: Vec<UserName>,
        removed: Vec<UserName>,
    ) -> Result<Arc<Group>, GroupError> {
        let _turn = self.turn.lock().await;
        let group = self.find(name).ok_or(GroupError::Unknown)?;
        let members = self.store.change_members(group.id, added, removed).await?;
        Ok(self.settle(Group { members: members.into_iter().collect(), ..(*group).clone() }))
    }

    /// Replaces a group's properties.
    pub async fn set_properties(&self, name: &str, properties: Map<String, Value>) -> Result<Arc<Group>, GroupError> {
        let _turn = self.turn.lock().await;
        let group = self.find(name).ok_or(GroupError::Unknown)?;
        self.store.set_properties(group.id, properties.clone()).await?;
        Ok(self.settle(Group { properties, ..(*group).clone() }))
    }

    /// Follows a person's new name; `None` when they were deleted. The store has done the same by itself.
    pub async fn follow_user(&self, before: &UserName, after: Option<&UserName>) {
        let _turn = self.turn.lock().await;
        for name in self.of(before) {
            let Some(group) = self.find(&name) else { continue };
            let mut changed = (*group).clone();
            changed.members.remove(before);
            changed.members.extend(after.cloned());
            self.write(|known| known.put(Arc::new(changed)));
        }
        self.changes.note();
    }

    fn settle(&self, group: Group) -> Arc<Group> {
        let group = Arc::new(group);
        self.write(|known| known.put(Arc::clone(&group)));
        self.changes.note();
        group
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The first name that is taken, or stands in the list a second time.
fn first_known(names: &[String], taken: impl Fn(&str) -> bool) -> Option<&str> {
    let mut seen = BTreeSet::new();
    names.iter().map(String::as_str).find(|name| taken(name) || !seen.insert(*name))
}

impl Membership for Groups {
    fn is_member(&self, user: &str, group: &str) -> bool {
        self.read(|known| known.by_name.get(group).is_some_and(|group| group.members.contains(user)))
    }
}
