//! Everybody the hub knows, in memory, written through to the store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use hubd_base::names::UserName;

use super::changes::Changes;
use crate::clock::Usec;
use crate::store::users::UserRow;
use crate::store::{Store, StoreError};

/// How often a person's last activity is written down, microseconds (contract 3.6, `activity_resolution`).
const RESOLUTION: Usec = 30 * 1_000_000;

#[derive(Debug, Default)]
struct Known {
    by_name: HashMap<UserName, Arc<UserRow>>,
    by_id: BTreeMap<i64, Arc<UserRow>>,
    /// Accounts that the configuration lets in no longer.
    refused: HashSet<UserName>,
}

impl Known {
    fn put(&mut self, row: UserRow) -> Arc<UserRow> {
        let row = Arc::new(row);
        if let Some(before) = self.by_id.insert(row.id, Arc::clone(&row)) {
            self.by_name.remove(&before.name);
        }
        self.by_name.insert(row.name.clone(), Arc::clone(&row));
        row
    }
}

/// Why a person was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The hub knows them no longer.
    #[error("there is no such person")]
    Unknown,
    /// Somebody else has the name.
    #[error("the name is somebody else's")]
    Taken,
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The people of the hub.
#[derive(Debug)]
pub struct People {
    store: Store,
    changes: Changes,
    known: RwLock<Known>,
    /// Held across a write to the store and the change in memory that follows it.
    turn: tokio::sync::Mutex<()>,
}

impl People {
    /// Reads everybody from the store.
    pub async fn load(store: Store, changes: Changes) -> Result<Self, StoreError> {
        let mut known = Known::default();
        for row in store.users().await? {
            known.put(row);
        }
        Ok(Self { store, changes, known: RwLock::new(known), turn: tokio::sync::Mutex::default() })
    }

    /// The person of that name, if the hub knows them.
    pub fn find(&self, name: &UserName) -> Option<Arc<UserRow>> {
        self.read(|known| known.by_name.get(name).cloned())
    }

    /// As [`People::find`] for a name as it came in.
    pub fn named(&self, name: &str) -> Option<Arc<UserRow>> {
        self.read(|known| known.by_name.get(name).cloned())
    }

    /// As [`People::named`], or else in lower case: names of accounts mostly are.
    pub fn spelled(&self, name: &str) -> Option<Arc<UserRow>> {
        self.named(name).or_else(|| self.named(&name.to_lowercase()))
    }

    /// Everybody, by the order in which they came.
    pub fn all(&self) -> Vec<Arc<UserRow>> {
        self.read(|known| known.by_id.values().cloned().collect())
    }

    /// How many the hub knows.
    pub fn count(&self) -> usize {
        self.read(|known| known.by_id.len())
    }

    /// Adds a person who is not known yet. `by_policy`: whether the policy calls them an administrator now, if it was
    /// asked; whom an administrator appointed stays one either way.
    pub async fn keep(&self, name: UserName, by_policy: Option<bool>, now: Usec) -> Result<Arc<UserRow>, StoreError> {
        let _turn = self.turn.lock().await;
        let row = self.store.keep_user(name, by_policy, now).await?;
        let row = self.write(|known| known.put(row));
        self.changes.note();
        Ok(row)
    }

    /// Adds people in one transaction, all or none, `appointed` as administrators or not. Returns the new ones: names
    /// that are known by now are left out.
    pub async fn add(&self, names: Vec<UserName>, appointed: bool, now: Usec) -> Result<Vec<Arc<UserRow>>, StoreError> {
        let _turn = self.turn.lock().await;
        let names: Vec<_> =
            self.read(|known| names.into_iter().filter(|name| !known.by_name.contains_key(name)).collect());
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.store.add_users(names, appointed, now).await?;
        let rows = self.write(|known| rows.into_iter().map(|row| known.put(row)).collect());
        self.changes.note();
        Ok(rows)
    }

    /// Gives a person another name, or makes them an administrator or none ([`UserRow::admin`]).
    ///
    /// A new name is another account of this machine, so in the store their sessions and tokens end in the same step;
    /// those in memory, and their groups there, are the caller's to settle.
    pub async fn change(&self, id: i64, name: Option<UserName>, admin: bool) -> Result<Arc<UserRow>, ChangeError> {
        let _turn = self.turn.lock().await;
        let before = self.read(|known| known.by_id.get(&id).cloned()).ok_or(ChangeError::Unknown)?;
        let name = name.filter(|name| *name != before.name);
        let admin = before.admin.wanted(admin);
        if let Some(name) = &name {
            if !self.store.rename_user(id, name.clone(), admin).await? {
                return Err(ChangeError::Taken);
            }
        } else {
            self.store.set_admin(id, admin).await?;
        }
        let row = self.write(|known| {
            // Somebody may have noted an activity meanwhile.
            let current = known.by_id.get(&id).map_or_else(|| (*before).clone(), |row| (**row).clone());
            known.put(UserRow { name: name.unwrap_or_else(|| before.name.clone()), admin, ..current })
        });
        self.changes.note();
        Ok(row)
    }

    /// Forgets a person and all that hangs on their row. Sessions, tokens and groups in memory are the caller's to end.
    pub async fn delete(&self, person: &UserRow) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        self.store.delete_user(person.id).await?;
        self.write(|known| {
            if let Some(row) = known.by_id.remove(&person.id) {
                known.by_name.remove(&row.name);
            }
        });
        self.changes.note();
        Ok(())
    }

    /// Notes that the person did something at `when`; what is older than what is known changes nothing, and neither
    /// does what is hardly newer.
    pub async fn touch(&self, name: &UserName, when: Usec) -> Result<(), StoreError> {
        let fresh = |person: &UserRow| person.last_activity.is_none_or(|last| when >= last.saturating_add(RESOLUTION));
        match self.find(name) {
            Some(person) if fresh(&person) => self.advance(name, when).await,
            _ => Ok(()),
        }
    }

    /// As [`People::touch`], to the microsecond.
    pub async fn advance(&self, name: &UserName, when: Usec) -> Result<(), StoreError> {
        let Some(person) = self.find(name) else { return Ok(()) };
        if person.last_activity.is_some_and(|last| last >= when) {
            return Ok(());
        }
        self.store.touch_user(person.id, when).await?;
        self.write(|known| {
            if let Some(person) = known.by_id.get(&person.id).cloned() {
                let last = person.last_activity.map_or(when, |last| last.max(when));
                known.put(UserRow { last_activity: Some(last), ..(*person).clone() });
            }
        });
        Ok(())
    }

    /// Whether the configuration lets this account in no longer: it may do nothing, whatever tokens it holds.
    pub fn is_refused(&self, name: &UserName) -> bool {
        self.read(|known| known.refused.contains(name))
    }

    /// Notes what the policy says of an account.
    pub fn set_refused(&self, name: &UserName, refused: bool) {
        let changed =
            self.write(|known| if refused { known.refused.insert(name.clone()) } else { known.refused.remove(name) });
        if changed {
            self.changes.note();
        }
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }
}
