//! Services: those of the configuration, and those that were added by the API.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use hubd_base::config::Config;

use super::changes::Changes;
use crate::store::{Store, StoreError};

/// One service (contract 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it listens; empty for none.
    pub url: String,
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
    pub info: serde_json::Map<String, serde_json::Value>,
    /// Whether the configuration has it, so that the API cannot change it.
    pub from_config: bool,
}

/// All services by name.
#[derive(Debug)]
pub struct Services(RwLock<BTreeMap<String, Arc<Service>>>);

impl Services {
    /// The services of the configuration, and those of the store.
    #[expect(clippy::unused_async, reason = "services of the store are not built yet")]
    pub async fn load(config: &Config, store: Store, changes: Changes) -> Result<Self, StoreError> {
        let _ = (config, store, changes);
        Ok(Self(RwLock::default()))
    }

    /// The service of that name.
    pub fn find(&self, name: &str) -> Option<Arc<Service>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The service whose OAuth client has this id.
    pub fn by_client(&self, id: &str) -> Option<Arc<Service>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.values().find(|service| service.client_id.as_deref() == Some(id)).cloned()
    }

    /// All services, in the order of their names.
    pub fn all(&self) -> Vec<Arc<Service>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
