//! `/hub/admin/services`: the hub's services and how they are doing.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::locale::Language;
use super::super::view::{Frame, NoticeKind};
use super::{Admin, Place, Said, html};
use crate::auth::scopes::Resource;
use crate::auth::services::Service;
use crate::http::faults::Fault;
use crate::services::manager::{Condition, Life};

/// The page.
#[derive(Template)]
#[template(path = "admin/services.html")]
pub(in crate::pages) struct ServicesPage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    pub services: Vec<Row>,
}

/// One service.
pub(in crate::pages) struct Row {
    pub name: String,
    pub admin: bool,
    /// Where its pages begin; empty for none.
    pub page: String,
    /// Where it listens.
    pub url: String,
    /// How it is doing; `None` for one that the hub does not start.
    pub condition: Option<Condition>,
    /// How to read its journal; empty where the hub does not start it.
    pub command: String,
}

impl Row {
    fn of(admin: &Admin, service: &Service) -> Self {
        let app = &admin.app;
        let reads = admin.may(&["read:services"], Resource::Service(&service.name));
        let condition = app.manager.condition(&service.name).filter(|_| reads);
        let has_page = reads && !service.url.is_empty();
        Self {
            name: service.name.clone(),
            admin: app.access.roles_of_service(&service.name).contains(&"admin"),
            page: if has_page { app.service_url(&service.name) } else { String::new() },
            url: if reads { service.url.clone() } else { String::new() },
            command: condition
                .as_ref()
                .map(|_| format!("journalctl -u hub-service@{}", service.name))
                .unwrap_or_default(),
            condition,
        }
    }

    fn state(&self, frame: &Frame) -> &'static str {
        frame.text.get(match self.condition.as_ref().map(|condition| condition.state) {
            None => "admin.service-external",
            Some(Life::Stopped) => "state.stopped",
            Some(Life::Starting) => "state.starting",
            Some(Life::Running) => "state.running",
            Some(Life::Stopping) => "state.stopping",
            Some(Life::Failed) => "state.failed",
        })
    }

    fn tone(&self) -> &'static str {
        self.condition.as_ref().map_or("stopped", |condition| condition.state.word())
    }
}

/// `GET /hub/admin/services`
pub(super) async fn show(admin: Admin) -> Result<Response, Fault> {
    if admin.caller.scopes.holding("list:services").is_none() {
        return Err(Fault::Scopes(&["list:services"]));
    }
    let listed = |service: &Service| admin.may(&["list:services"], Resource::Service(&service.name));
    let services = admin.app.services.all();
    let page = ServicesPage {
        frame: admin.frame(admin.address("/services")),
        here: Place::Services,
        said: None,
        services: services.iter().filter(|service| listed(service)).map(|service| Row::of(&admin, service)).collect(),
    };
    Ok(html(StatusCode::OK, &page))
}
