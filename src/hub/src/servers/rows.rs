//! Making, changing and removing servers that rest, without starting them.
//!
//! Invariant: what others see while the store is written is either the former server or a held one; what the store
//! refuses is undone. The work goes on when whoever asked for it goes away.

use std::sync::Arc;

use hubd_base::names::{ServerId, ServerName, UserName};
use serde_json::{Map, Value};

use super::naming::Refusal;
use super::registry::{Servers, Wanted};
use super::server::{Details, Server};
use super::state::Hold;
use crate::store::StoreError;
use crate::store::server_rows::ServerChange;

/// Why a server was not made, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The person has a server of that name.
    #[error("there is a server of that name")]
    Exists,
    /// It does not rest.
    #[error("it is active")]
    Active,
    /// There will be no server of that name.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What to change of a server; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Its name.
    pub name: Option<ServerName>,
    /// Its name for people, checked.
    pub display_name: Option<String>,
    /// What it is to start with.
    pub user_options: Option<Map<String, Value>>,
}

impl Servers {
    /// Makes a server with a name, without starting it. The person exists.
    pub async fn create(&self, id: ServerId, wanted: Wanted) -> Result<Arc<Server>, RowError> {
        let (servers, tasks) = (self.clone(), self.0.tasks.clone());
        let made = tasks.spawn(async move {
            let (server, details) = {
                let _turn = servers.turn();
                let server = servers.find(&id);
                if server.is_some_and(|server| server.exists()) {
                    return Err(RowError::Exists);
                }
                servers.may_add(&id.user)?;
                let server = servers.get(&id);
                let details = wanted.over(None, &id.server);
                server.set_details(Some(details.clone()), None);
                (server, details)
            };
            let kept = servers.0.store.keep_server(id, details.display_name, details.user_options, None).await;
            if let Err(error) = kept {
                server.set_details(None, None);
                return Err(error.into());
            }
            Ok(server)
        });
        made.await.unwrap_or(Err(RowError::Store(StoreError::Closed)))
    }

    /// Changes a server that rests. With another name it is another server from then on: the one that is returned.
    pub async fn change(&self, server: &Arc<Server>, change: Change) -> Result<Arc<Server>, RowError> {
        let (servers, server, tasks) = (self.clone(), Arc::clone(server), self.0.tasks.clone());
        let changed = tasks.spawn(async move { servers.change_held(&server, change).await });
        changed.await.unwrap_or(Err(RowError::Store(StoreError::Closed)))
    }

    async fn change_held(&self, server: &Arc<Server>, change: Change) -> Result<Arc<Server>, RowError> {
        let known = server.details().as_deref().cloned().unwrap_or_default();
        let details = details_after(&known, &server.id, &change);
        let name = change.name.unwrap_or_else(|| server.id.server.clone());
        let renamed = self.hold_for(server, &name, &details)?;
        // What a former job still has to write comes first.
        let _job = server.job.lock().await;
        let row = ServerChange {
            name,
            display_name: details.display_name.clone(),
            user_options: details.user_options.clone(),
        };
        let written = self.0.store.change_server(server.id.clone(), row).await;
        match (written, renamed) {
            (Ok(()), Some(renamed)) => {
                self.take_out(server);
                self.0.shares.rename_server(&server.id, &renamed.id).await;
                renamed.release();
                Ok(renamed)
            }
            (Ok(()), None) => {
                server.set_details(Some(details), None);
                server.release();
                Ok(Arc::clone(server))
            }
            (Err(error), renamed) => {
                if let Some(renamed) = renamed {
                    self.take_out(&renamed);
                }
                server.release();
                Err(error.into())
            }
        }
    }

    /// Holds a server, and where it gets another name, that name's place too.
    fn hold_for(&self, server: &Server, name: &ServerName, details: &Details) -> Result<Option<Arc<Server>>, RowError> {
        let _turn = self.turn();
        let renamed = *name != server.id.server;
        if renamed {
            let id = ServerId::new(server.id.user.clone(), name.clone());
            if self.find(&id).is_some_and(|other| other.exists()) {
                return Err(RowError::Exists);
            }
            if !self.named_are_enabled() {
                return Err(Refusal::NotEnabled.into());
            }
            if server.id.server.is_default() {
                self.may_add(&server.id.user)?;
            }
        }
        if !server.hold(Hold::Rename) {
            return Err(RowError::Active);
        }
        if !renamed {
            return Ok(None);
        }
        let other = Arc::new(Server::new(ServerId::new(server.id.user.clone(), name.clone())));
        other.set_details(Some(details.clone()), server.last_activity());
        other.inherit(server);
        other.hold(Hold::Rename);
        self.put(Arc::clone(&other));
        Ok(Some(other))
    }

    /// Removes a server once it rests. Returns whether it is gone: it is not if somebody starts it in between.
    pub async fn remove(&self, server: &Arc<Server>) -> Result<bool, StoreError> {
        let (servers, server, tasks) = (self.clone(), Arc::clone(server), self.0.tasks.clone());
        let removed = tasks.spawn(async move {
            let mut changes = server.follow();
            let rested = changes.wait_for(|snapshot| !snapshot.state.is_active()).await.is_ok();
            if !rested || !server.hold(Hold::Remove) {
                return Ok(false);
            }
            let _job = server.job.lock().await;
            if let Err(error) = servers.0.store.delete_server(server.id.clone()).await {
                server.release();
                return Err(error);
            }
            servers.take_out(&server);
            servers.0.shares.forget_server(&server.id).await;
            Ok(true)
        });
        removed.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Forgets a person's servers, whose rows went with theirs. They do not run.
    pub fn forget_user(&self, user: &UserName) {
        for server in self.all().iter().filter(|server| server.id.user == *user) {
            self.take_out(server);
        }
    }

    /// A person has another name: so have their servers. They do not run.
    pub fn rename_user(&self, before: &UserName, after: &UserName) {
        for server in self.all().iter().filter(|server| server.id.user == *before) {
            let moved = Server::new(ServerId::new(after.clone(), server.id.server.clone()));
            moved.set_details(server.details().as_deref().cloned(), server.last_activity());
            moved.inherit(server);
            self.put(Arc::new(moved));
            self.take_out(server);
        }
    }
}

/// A server that is called as it is named goes on to be.
fn details_after(known: &Details, id: &ServerId, change: &Change) -> Details {
    let follows = known.display_name.is_empty() || known.display_name == id.server.as_str();
    let followed = change.name.as_ref().filter(|_| follows).map(|name| name.as_str().to_owned());
    let display_name = change.display_name.clone().or(followed);
    Details {
        display_name: display_name.unwrap_or_else(|| known.display_name.clone()),
        user_options: change.user_options.clone().unwrap_or_else(|| known.user_options.clone()),
    }
}
