//! Everybody the hub knows, in memory, written through to the store.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use hubd_base::names::UserName;

use crate::clock::Usec;
use crate::store::users::UserRow;
use crate::store::{Store, StoreError};

/// The people of the hub by name.
#[derive(Debug)]
pub struct People {
    store: Store,
    known: RwLock<HashMap<UserName, Arc<UserRow>>>,
}

impl People {
    /// Reads everybody from the store.
    pub async fn load(store: Store) -> Result<Self, StoreError> {
        let rows = store.users().await?;
        let known = rows.into_iter().map(|row| (row.name.clone(), Arc::new(row))).collect();
        Ok(Self { store, known: RwLock::new(known) })
    }

    /// The person of that name, if the hub knows them.
    pub fn find(&self, name: &UserName) -> Option<Arc<UserRow>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Everybody, by the order in which they came.
    pub fn all(&self) -> Vec<Arc<UserRow>> {
        let mut all: Vec<_> = self.known.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        all.sort_by_key(|person| person.id);
        all
    }

    /// Adds a person, or updates the flag of a known one where `admin` is given.
    pub async fn keep(&self, name: UserName, admin: Option<bool>, now: Usec) -> Result<Arc<UserRow>, StoreError> {
        let row = Arc::new(self.store.keep_user(name, admin, now).await?);
        self.put(Arc::clone(&row));
        Ok(row)
    }

    /// Notes that the person did something just now.
    pub async fn touch(&self, name: &UserName, now: Usec) -> Result<(), StoreError> {
        let Some(person) = self.find(name) else { return Ok(()) };
        self.store.touch_user(person.id, now).await?;
        self.put(Arc::new(UserRow { last_activity: Some(now), ..(*person).clone() }));
        Ok(())
    }

    fn put(&self, row: Arc<UserRow>) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(row.name.clone(), row);
    }
}
