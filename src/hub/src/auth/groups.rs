//! Groups of people, in memory, written through to the store.

use std::collections::{BTreeMap, BTreeSet};
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

/// All groups.
#[derive(Debug)]
pub struct Groups {
    store: Store,
    changes: Changes,
    known: RwLock<BTreeMap<String, Arc<Group>>>,
    turn: tokio::sync::Mutex<()>,
}

impl Groups {
    /// Reads all groups from the store.
    pub async fn load(store: Store, changes: Changes) -> Result<Self, StoreError> {
        let group = |row: GroupRow| Group {
            id: row.id,
            name: row.name,
            properties: row.properties,
            members: row.members.into_iter().collect(),
        };
        let rows = store.groups().await?;
        let known = rows.into_iter().map(group).map(|group| (group.name.clone(), Arc::new(group))).collect();
        Ok(Self { store, changes, known: RwLock::new(known), turn: tokio::sync::Mutex::default() })
    }

    /// The group of that name.
    pub fn find(&self, name: &str) -> Option<Arc<Group>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All groups, by the order in which they were made.
    pub fn all(&self) -> Vec<Arc<Group>> {
        let mut all: Vec<_> = self.known.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        all.sort_by_key(|group| group.id);
        all
    }

    /// The names of the groups a person is in, sorted.
    pub fn of(&self, user: &UserName) -> Vec<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().filter(|group| group.members.contains(user)).map(|group| group.name.clone()).collect()
    }

    /// Makes groups with the same members, all or none. Known names are an error.
    pub async fn add(&self, names: Vec<String>, members: Vec<UserName>) -> Result<Vec<Arc<Group>>, StoreError> {
        let _turn = self.turn.lock().await;
        let ids = self.store.add_groups(names.clone(), members.clone()).await?;
        let members: BTreeSet<_> = members.into_iter().collect();
        let made: Vec<_> = ids
            .into_iter()
            .zip(names)
            .map(|(id, name)| Arc::new(Group { id, name, properties: Map::new(), members: members.clone() }))
            .collect();
        for group in &made {
            self.put(group);
        }
        self.changes.note();
        Ok(made)
    }

    /// Deletes a group.
    pub async fn delete(&self, group: &Group) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        self.store.delete_group(group.id).await?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(&group.name);
        self.changes.note();
        Ok(())
    }

    /// Puts people into a group and takes others out; returns the group as it is then.
    pub async fn change(
        &self,
        group: &Group,
        added: Vec<UserName>,
        removed: Vec<UserName>,
    ) -> Result<Arc<Group>, StoreError> {
        let _turn = self.turn.lock().await;
        self.store.change_members(group.id, added.clone(), removed.clone()).await?;
        let mut changed = self.current(group);
        changed.members.extend(added);
        changed.members.retain(|member| !removed.contains(member));
        Ok(self.settle(changed))
    }

    /// Replaces a group's properties.
    pub async fn set_properties(
        &self,
        group: &Group,
        properties: Map<String, Value>,
    ) -> Result<Arc<Group>, StoreError> {
        let _turn = self.turn.lock().await;
        self.store.set_properties(group.id, properties.clone()).await?;
        Ok(self.settle(Group { properties, ..self.current(group) }))
    }

    /// Follows a person's new name; `None` when they were deleted. The store has done the same by itself.
    pub async fn follow_user(&self, before: &UserName, after: Option<&UserName>) {
        let _turn = self.turn.lock().await;
        for group in self.all().into_iter().filter(|group| group.members.contains(before)) {
            let mut changed = (*group).clone();
            changed.members.remove(before);
            changed.members.extend(after.cloned());
            self.put(&Arc::new(changed));
        }
        self.changes.note();
    }

    fn current(&self, group: &Group) -> Group {
        self.find(&group.name).map_or_else(|| group.clone(), |found| (*found).clone())
    }

    fn settle(&self, group: Group) -> Arc<Group> {
        let group = Arc::new(group);
        self.put(&group);
        self.changes.note();
        group
    }

    fn put(&self, group: &Arc<Group>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(group.name.clone(), Arc::clone(group));
    }
}

impl Membership for Groups {
    fn is_member(&self, user: &str, group: &str) -> bool {
        let Ok(user) = UserName::parse(user) else { return false };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(group).is_some_and(|group| group.members.contains(&user))
    }
}
