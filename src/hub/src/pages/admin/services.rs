//! `/hub/admin/services`: the hub's services, how they are doing, and starting and stopping those that the hub starts.

use askama::Template;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;

use serde::Deserialize;

use super::super::form::Form;
use super::super::locale::Language;
use super::super::view::{Frame, NoticeKind};
use super::{Admin, Done, Place, Said, html};
use crate::auth::scopes::Resource;
use crate::auth::services::Service;
use crate::http::faults::Fault;
use crate::services::manager::{Condition, Life};
use crate::services::order::{Order, OrderError};

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
    /// Whether it may be started and stopped and its log read: `None` where the hub does not start it.
    pub may: Option<May>,
}

/// What may be done with a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pages) struct May {
    pub start: bool,
    pub stop: bool,
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
            may: condition
                .as_ref()
                .filter(|_| admin.may(&["admin:services"], Resource::Service(&service.name)))
                .map(|condition| May::of(condition.state)),
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

impl May {
    fn of(state: Life) -> Self {
        let stop = matches!(state, Life::Running | Life::Starting);
        Self { start: matches!(state, Life::Stopped | Life::Failed), stop }
    }
}

/// What may stand in the address.
#[derive(Deserialize)]
pub(super) struct Arrived {
    #[serde(default)]
    notice: String,
}

/// `GET /hub/admin/services`
pub(super) async fn show(admin: Admin, Query(arrived): Query<Arrived>) -> Result<Response, Fault> {
    let said = Said::arrived(&arrived.notice, admin.text());
    draw(&admin, StatusCode::OK, said)
}

fn draw(admin: &Admin, status: StatusCode, said: Option<Said>) -> Result<Response, Fault> {
    if admin.caller.scopes.holding("list:services").is_none() {
        return Err(Fault::Scopes(&["list:services"]));
    }
    let listed = |service: &Service| admin.may(&["list:services"], Resource::Service(&service.name));
    let services = admin.app.services.all();
    let page = ServicesPage {
        frame: admin.frame(admin.address("/services")),
        here: Place::Services,
        said,
        services: services.iter().filter(|service| listed(service)).map(|service| Row::of(admin, service)).collect(),
    };
    Ok(html(status, &page))
}

/// `POST /hub/admin/service/{service}/{start,stop,restart}`
pub(super) async fn order(
    admin: Admin,
    Path((name, word)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    form.open()?;
    admin.caller.require(&["admin:services"], Resource::Service(&name))?;
    let order = match word.as_str() {
        "start" => Order::Start,
        "stop" => Order::Stop,
        "restart" => Order::Restart,
        _ => return Err(Fault::NotFound),
    };
    let manager = admin.app.manager.clone();
    let asked = name.clone();
    // Whoever closes the page does not leave it half done.
    let done = tokio::spawn(async move { manager.order(&asked, order).await }).await.map_err(Fault::internal)?;
    match done {
        Ok(()) => Ok(Admin::done(&admin.address("/services"), Done::Service)),
        Err(OrderError::NotOurs) => Err(Fault::NoAccess),
        Err(OrderError::Failed(problem)) => {
            let told = Said::wrong(&admin.text().fill("services.failed", &[("name", &name)]), Vec::new());
            draw(&admin, StatusCode::CONFLICT, Some(Said { reason: Some(problem), ..told }))
        }
    }
}
