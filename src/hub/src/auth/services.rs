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
        let _ = (store, changes);
        let known = config.services.iter().map(|service| configured(service, &config.hub.base_url));
        Ok(Self(RwLock::new(known.map(|service| (service.name.clone(), Arc::new(service))).collect())))
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

fn configured(service: &hubd_base::config::Service, base_url: &str) -> Service {
    let callback = format!("{base_url}services/{}/oauth_callback", service.name);
    Service {
        name: service.name.to_string(),
        url: service.url.as_ref().map(|url| url.text.clone()).unwrap_or_default(),
        command: service.command.clone(),
        admin: service.admin,
        client_id: service.has_oauth().then(|| service.client_id()),
        redirect_uri: service.oauth_redirect_uri.clone().unwrap_or(callback),
        allowed_scopes: service.oauth_client_allowed_scopes.clone(),
        no_confirm: service.oauth_no_confirm,
        display: service.display,
        info: serde_json::Map::new(),
        from_config: true,
    }
}
