//! Servers that people share with others (contract 1.14).
//!
//! Invariant: what a share permits, it permits for its own server only: scopes are kept bare and get their filter on
//! the way out. A share that ends takes what is open with it, since every change is noted. A share hangs on the row of
//! its server, of the server's owner and of whom it is for; when one of them goes, the store lets the share go by
//! itself, and `forget_...` does the same here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use hubd_base::names::{ServerId, UserName};

use super::changes::Changes;
use super::clients::server_name;
use super::groups::Groups;
use crate::clock::Usec;
pub use crate::store::shares::Grantee;
use crate::store::shares::{NewShare, ShareRow};
use crate::store::{Store, StoreError};

/// One server, shared with one person or group.
#[derive(Clone, Debug)]
pub struct Share {
    /// The store's number.
    pub id: i64,
    /// The server.
    pub server: ServerId,
    /// Whom it is shared with.
    pub with: Grantee,
    /// What they may do with it: scopes without filters.
    pub bare: BTreeSet<String>,
    /// When it was first shared with them.
    pub created: Usec,
}

impl Share {
    /// What it permits, each scope with the server as its filter.
    pub fn scopes(&self) -> Vec<String> {
        restricted(&self.bare, &self.server)
    }

    fn of(row: ShareRow) -> Self {
        let ShareRow { id, server, with, scopes, created } = row;
        Self { id, server, with, bare: scopes.into_iter().collect(), created }
    }
}

/// Bare scopes with a server as their filter.
pub fn restricted<'a>(bare: impl IntoIterator<Item = &'a String>, server: &ServerId) -> Vec<String> {
    let server = server_name(server);
    bare.into_iter().map(|scope| format!("{scope}!server={server}")).collect()
}

#[derive(Debug, Default)]
struct Known(BTreeMap<Grantee, BTreeMap<ServerId, Arc<Share>>>);

impl Known {
    fn all(&self) -> impl Iterator<Item = &Arc<Share>> {
        self.0.values().flat_map(BTreeMap::values)
    }

    fn put(&mut self, share: Arc<Share>) {
        self.0.entry(share.with.clone()).or_default().insert(share.server.clone(), share);
    }

    fn remove(&mut self, share: &Share) {
        if let Some(shares) = self.0.get_mut(&share.with) {
            shares.remove(&share.server);
            if shares.is_empty() {
                self.0.remove(&share.with);
            }
        }
    }
}

/// All shares.
#[derive(Debug)]
pub struct Shares {
    pub(super) store: Store,
    changes: Changes,
    known: RwLock<Known>,
    /// Held across a write to the store and the change in memory that goes with it.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Shares {
    /// Reads all shares from the store.
    pub async fn load(store: Store, changes: Changes) -> Result<Self, StoreError> {
        let mut known = Known::default();
        for row in store.shares().await? {
            known.put(Arc::new(Share::of(row)));
        }
        Ok(Self { store, changes, known: RwLock::new(known), turn: tokio::sync::Mutex::default() })
    }

    /// The scopes that shares give a person, directly or through groups.
    pub fn granted_to(&self, user: &UserName, groups: &Groups) -> Vec<String> {
        self.shared_with(user, groups).iter().flat_map(|share| share.scopes()).collect()
    }

    /// What is shared with a person, directly or through groups, oldest first.
    pub fn shared_with(&self, user: &UserName, groups: &Groups) -> Vec<Arc<Share>> {
        let through = groups.of(user).into_iter().map(Grantee::Group);
        let grantees: Vec<_> = std::iter::once(Grantee::User(user.clone())).chain(through).collect();
        self.read(|known| by_age(grantees.iter().filter_map(|with| known.0.get(with)).flat_map(BTreeMap::values)))
    }

    /// What is shared with a group, oldest first.
    pub fn shared_with_group(&self, group: &str) -> Vec<Arc<Share>> {
        let with = Grantee::Group(group.to_owned());
        self.read(|known| by_age(known.0.get(&with).into_iter().flat_map(BTreeMap::values)))
    }

    /// The shares of a person's servers, oldest first.
    pub fn owned_by(&self, owner: &UserName) -> Vec<Arc<Share>> {
        self.read(|known| by_age(known.all().filter(|share| share.server.user == *owner)))
    }

    /// The share of this server with that person or group.
    pub fn find(&self, with: &Grantee, server: &ServerId) -> Option<Arc<Share>> {
        self.read(|known| known.0.get(with)?.get(server).cloned())
    }

    /// Whether a server has a row that shares can hang on.
    pub async fn has_server(&self, server: &ServerId) -> Result<bool, StoreError> {
        Ok(self.store.server_row(server.clone()).await?.is_some())
    }

    /// Shares a server; scopes that are shared already stay. `None` when the server or whom it is for are gone.
    pub async fn grant(
        &self,
        server: &ServerId,
        with: Grantee,
        scopes: BTreeSet<String>,
        now: Usec,
    ) -> Result<Option<Arc<Share>>, StoreError> {
        self.give(server, with, scopes, None, now).await
    }

    /// As [`Shares::grant`], in exchange for a code, which must still be good.
    pub(super) async fn give(
        &self,
        server: &ServerId,
        with: Grantee,
        mut scopes: BTreeSet<String>,
        code: Option<i64>,
        now: Usec,
    ) -> Result<Option<Arc<Share>>, StoreError> {
        let _turn = self.turn.lock().await;
        if let Some(share) = self.find(&with, server) {
            scopes.extend(share.bare.iter().cloned());
        }
        let scopes_column = scopes.iter().cloned().collect();
        let new = NewShare { server: server.clone(), with: with.clone(), scopes: scopes_column, code };
        let Some((id, created)) = self.store.put_share(new, now).await? else { return Ok(None) };
        let share = Arc::new(Share { id, server: server.clone(), with, bare: scopes, created });
        self.write(|known| known.put(Arc::clone(&share)));
        Ok(Some(share))
    }

    /// Takes these scopes out of a share, or all; returns what is left of it.
    pub async fn revoke(
        &self,
        server: &ServerId,
        with: &Grantee,
        scopes: Option<&BTreeSet<String>>,
    ) -> Result<Option<Arc<Share>>, StoreError> {
        let _turn = self.turn.lock().await;
        let Some(share) = self.find(with, server) else { return Ok(None) };
        let bare: BTreeSet<_> = scopes.map(|gone| share.bare.difference(gone).cloned().collect()).unwrap_or_default();
        if bare.is_empty() {
            self.end(vec![share]).await?;
            return Ok(None);
        }
        let left = Arc::new(Share { bare, ..(*share).clone() });
        // As in `end`: memory goes first.
        self.write(|known| known.put(Arc::clone(&left)));
        if let Err(error) = self.store.narrow_share(left.id, left.bare.iter().cloned().collect()).await {
            self.write(|known| known.put(share));
            return Err(error);
        }
        Ok(Some(left))
    }

    /// Ends every share of a server.
    pub async fn revoke_all(&self, server: &ServerId) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let shares = self.read(|known| by_age(known.all().filter(|share| share.server == *server)));
        self.end(shares).await
    }

    /// Follows that a person is gone, with their servers.
    pub async fn forget_user(&self, user: &UserName) {
        let with = Grantee::User(user.clone());
        self.forget(|share| share.with == with || share.server.user == *user).await;
    }

    /// Follows a person's new name.
    pub async fn rename_user(&self, before: &UserName, after: &UserName) {
        let _turn = self.turn.lock().await;
        let with = Grantee::User(before.clone());
        self.write(|known| {
            let named: Vec<_> =
                known.all().filter(|share| share.with == with || share.server.user == *before).cloned().collect();
            for share in named {
                known.remove(&share);
                let mut renamed = (*share).clone();
                if renamed.server.user == *before {
                    renamed.server.user = after.clone();
                }
                if renamed.with == with {
                    renamed.with = Grantee::User(after.clone());
                }
                known.put(Arc::new(renamed));
            }
        });
    }

    /// Follows that a group is gone.
    pub async fn forget_group(&self, group: &str) {
        let with = Grantee::Group(group.to_owned());
        self.forget(|share| share.with == with).await;
    }

    /// Follows that a server's row is gone.
    pub async fn forget_server(&self, server: &ServerId) {
        self.forget(|share| share.server == *server).await;
    }

    async fn forget(&self, gone: impl Fn(&Share) -> bool) {
        let _turn = self.turn.lock().await;
        self.write(|known| {
            for shares in known.0.values_mut() {
                shares.retain(|_, share| !gone(share));
            }
            known.0.retain(|_, shares| !shares.is_empty());
        });
    }

    /// Ends shares. Memory goes first: whoever asks for this may hang up at any moment, and what was taken away must
    /// not stay in force because of it.
    async fn end(&self, shares: Vec<Arc<Share>>) -> Result<(), StoreError> {
        if shares.is_empty() {
            return Ok(());
        }
        self.write(|known| shares.iter().for_each(|share| known.remove(share)));
        let ids = shares.iter().map(|share| share.id).collect();
        if let Err(error) = self.store.delete_shares(ids).await {
            self.write(|known| shares.into_iter().for_each(|share| known.put(share)));
            return Err(error);
        }
        Ok(())
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is in memory, and notes it once it can be seen.
    fn write(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner));
        self.changes.note();
    }
}

fn by_age<'a>(shares: impl Iterator<Item = &'a Arc<Share>>) -> Vec<Arc<Share>> {
    let mut shares: Vec<_> = shares.cloned().collect();
    shares.sort_by_key(|share| share.id);
    shares
}
