//! The list of services in the frame of every page (contract 7.1).

use hubd_base::names::UserName;

use crate::app::App;
use crate::auth::scopes::{Cover, Resource};

/// A service that a person may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLink {
    /// Its name.
    pub name: String,
    /// Where its pages begin (path).
    pub url: String,
}

/// The services with pages that their operators want to be seen and this person may use.
pub fn services(app: &App, user: &UserName) -> Vec<ServiceLink> {
    let shown = app.services.all().into_iter().filter(|service| service.display && !service.url.is_empty());
    let scopes = app.access.of_user(user);
    let may_use =
        |name: &str| scopes.covers("access:services", Resource::Service(name), app.access.groups()) == Cover::Covered;
    shown
        .filter(|service| may_use(&service.name))
        .map(|service| ServiceLink { name: service.name.clone(), url: app.service_url(&service.name) })
        .collect()
}
