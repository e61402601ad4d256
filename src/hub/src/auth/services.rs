//! Services: those of the configuration, and those that were added by the API.
//!
//! Invariant: no two services share a name or an OAuth client's id; a service of the configuration is never changed here.
//! What runs of them is the manager's business (`crate::services`).

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use hubd_base::config::{self, Config, ServiceTarget};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::changes::Changes;
use crate::clock::Usec;
use crate::store::services::ServiceRow;
use crate::store::{Store, StoreError};

/// Every OAuth client's id of a service begins so (contract 4.1).
pub const CLIENT_PREFIX: &str = "service-";

/// One service (contract 7.1).
#[expect(clippy::struct_excessive_bools, reason = "the contract's own keys")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it listens; empty for none.
    pub url: String,
    /// The same, taken apart; `None` for a service without pages.
    pub target: Option<ServiceTarget>,
    /// What the broker runs; empty for an external service.
    pub command: Vec<String>,
    /// Whether it has the role `admin`.
    pub admin: bool,
    /// Its OAuth client's id; `None` when it is no client.
    pub client_id: Option<String>,
    /// Where its codes go.
    pub redirect_uri: String,
    /// Scopes its tokens may carry beside access to it.
    pub allowed_scopes: Vec<String>,
    /// Whether people are let in without being asked.
    pub no_confirm: bool,
    /// Whether it stands in the hub's menu.
    pub display: bool,
    /// What its operator wrote about it.
    pub info: Map<String, Value>,
    /// Whether the configuration has it, so that the API cannot change it.
    pub from_config: bool,
}

impl Service {
    /// Does the hub start it?
    pub fn is_managed(&self) -> bool {
        !self.command.is_empty()
    }
}

/// A service that the API adds: what the store keeps of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// Where it listens; empty for none.
    pub url: String,
    /// Whether it has the role `admin`.
    pub admin: bool,
    /// Its OAuth client's id, when it is not `service-<name>`.
    pub client_id: Option<String>,
    /// Where its codes go, when it is not `services/<name>/oauth_callback`.
    pub redirect_uri: Option<String>,
    /// Scopes its tokens may carry beside access to it.
    pub allowed_scopes: Vec<String>,
    /// Whether people are let in without being asked.
    pub no_confirm: bool,
    /// Whether it stands in the hub's menu.
    pub display: bool,
    /// What its operator wrote about it.
    pub info: Map<String, Value>,
}

/// What a row of the store is about.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    /// A service that the API added.
    Added(Added),
    /// A service of the configuration: what its unit was started with.
    Started(String),
}

#[derive(Debug, Default)]
struct Known {
    by_name: BTreeMap<String, Arc<Service>>,
    /// What the units of the configuration's services were started with, by name.
    started: BTreeMap<String, String>,
}

/// All services by name.
#[derive(Debug)]
pub struct Services {
    base_url: String,
    store: Store,
    changes: Changes,
    known: RwLock<Known>,
    /// Held across a write to the store and the change in memory that follows it.
    turn: tokio::sync::Mutex<()>,
}

impl Services {
    /// The services of the configuration, and those of the store. Where both have a name the configuration wins, and
    /// the other one is forgotten.
    pub async fn load(config: &Config, store: Store, changes: Changes) -> Result<Self, StoreError> {
        let base_url = config.hub.base_url.clone();
        let mut known = Known::default();
        for service in &config.services {
            let service = configured(service, &base_url);
            known.by_name.insert(service.name.clone(), Arc::new(service));
        }
        let mut gone = Vec::new();
        for row in store.services().await? {
            let configured = known.by_name.contains_key(&row.name);
            match serde_json::from_str(&row.spec) {
                Ok(Kept::Added(added)) if !configured => {
                    let service = service_of(&row.name, added, &base_url);
                    known.by_name.insert(row.name, Arc::new(service));
                }
                Ok(Kept::Started(with)) if configured => drop(known.started.insert(row.name, with)),
                Ok(_) => gone.push(row.name),
                Err(error) => tracing::warn!("cannot read what was kept of service {}, ignoring: {error}", row.name),
            }
        }
        if !gone.is_empty() {
            store.delete_services(gone).await?;
        }
        Ok(Self { base_url, store, changes, known: RwLock::new(known), turn: tokio::sync::Mutex::default() })
    }

    /// The service of that name.
    pub fn find(&self, name: &str) -> Option<Arc<Service>> {
        self.read(|known| known.by_name.get(name).cloned())
    }

    /// The service whose OAuth client has this id.
    pub fn by_client(&self, id: &str) -> Option<Arc<Service>> {
        let fits = |service: &&Arc<Service>| service.client_id.as_deref() == Some(id);
        self.read(|known| known.by_name.values().find(fits).cloned())
    }

    /// All services, in the order of their names.
    pub fn all(&self) -> Vec<Arc<Service>> {
        self.read(|known| known.by_name.values().cloned().collect())
    }

    /// How a service would be if the API added it; nothing is added.
    pub fn draft(&self, name: &str, added: Added) -> Service {
        service_of(name, added, &self.base_url)
    }

    /// Adds a service; `None` when its name or its OAuth client's id is taken by now.
    pub async fn add(&self, name: &str, added: Added, now: Usec) -> Result<Option<Arc<Service>>, StoreError> {
        let _turn = self.turn.lock().await;
        let service = Arc::new(self.draft(name, added.clone()));
        let taken = service.client_id.as_deref().is_some_and(|id| self.by_client(id).is_some());
        if taken || self.find(name).is_some() {
            return Ok(None);
        }
        self.store.put_service(row(name, &Kept::Added(added), now)).await?;
        self.write(|known| known.by_name.insert(name.to_owned(), Arc::clone(&service)));
        self.changes.note();
        Ok(Some(service))
    }

    /// Deletes a service that the API added. Its tokens are the caller's to revoke.
    pub async fn delete(&self, name: &str) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        if self.find(name).is_some_and(|service| service.from_config) {
            return Ok(());
        }
        self.store.delete_services(vec![name.to_owned()]).await?;
        self.write(|known| known.by_name.remove(name));
        self.changes.note();
        Ok(())
    }

    /// What the unit of a service of the configuration was started with, if this hub or one before it did.
    pub fn started_with(&self, name: &str) -> Option<String> {
        self.read(|known| known.started.get(name).cloned())
    }

    /// Notes what a unit is started with.
    pub async fn note_start(&self, name: &str, with: String, now: Usec) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        self.store.put_service(row(name, &Kept::Started(with.clone()), now)).await?;
        self.write(|known| known.started.insert(name.to_owned(), with));
        Ok(())
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }
}

fn row(name: &str, kept: &Kept, created: Usec) -> ServiceRow {
    // Plain data with text keys: this cannot fail.
    let spec = serde_json::to_string(kept).unwrap_or_default();
    ServiceRow { name: name.to_owned(), spec, created }
}

fn callback(base_url: &str, name: &str) -> String {
    format!("{base_url}services/{name}/oauth_callback")
}

fn configured(service: &config::Service, base_url: &str) -> Service {
    let name = service.name.to_string();
    let info = service.info.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    Service {
        url: service.url.as_ref().map(|url| url.text.clone()).unwrap_or_default(),
        target: service.url.as_ref().map(|url| url.target.clone()),
        command: service.command.clone(),
        admin: service.admin,
        client_id: service.has_oauth().then(|| service.client_id()),
        redirect_uri: service.oauth_redirect_uri.clone().unwrap_or_else(|| callback(base_url, &name)),
        allowed_scopes: service.oauth_client_allowed_scopes.clone(),
        no_confirm: service.oauth_no_confirm,
        display: service.display,
        info,
        from_config: true,
        name,
    }
}

fn service_of(name: &str, added: Added, base_url: &str) -> Service {
    let is_client = !added.url.is_empty() || added.redirect_uri.is_some();
    let client_id = added.client_id.unwrap_or_else(|| format!("{CLIENT_PREFIX}{name}"));
    Service {
        name: name.to_owned(),
        target: ServiceTarget::find(&added.url),
        url: added.url,
        command: Vec::new(),
        admin: added.admin,
        client_id: is_client.then_some(client_id),
        redirect_uri: added.redirect_uri.unwrap_or_else(|| callback(base_url, name)),
        allowed_scopes: added.allowed_scopes,
        no_confirm: added.no_confirm,
        display: added.display,
        info: added.info,
        from_config: false,
    }
}
