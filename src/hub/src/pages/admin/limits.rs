//! `/hub/admin/limits/{user}[/{server}]`: what a server that runs may use and who says so; changes of it while it runs.

use std::sync::Arc;

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use hubd_base::limits::Limit;
use hubd_base::names::ServerId;
use serde::Deserialize;

use super::super::form::Form;
use super::super::locale::{Language, Text};
use super::super::view::{Frame, NoticeKind};
use super::{Admin, Done, Place, Said, html};
use crate::api::servers::Address;
use crate::auth::scopes::Resource;
use crate::http::faults::Fault;
use crate::servers::launcher::LaunchError;
use crate::servers::limits::{Level, LimitChange, Voice};
use crate::servers::server::Server;

/// What the form offers; lists of disks and devices are for the configuration.
const OFFERED: [Limit; 6] =
    [Limit::MemoryMax, Limit::MemoryHigh, Limit::MemorySwapMax, Limit::CpuQuota, Limit::CpuWeight, Limit::TasksMax];

/// What may stand in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Arrived {
    notice: String,
}

/// The page.
#[derive(Template)]
#[template(path = "admin/limits.html")]
pub(in crate::pages) struct LimitsPage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    /// `alice` or `alice:gpu`
    pub server: String,
    /// What it was started with.
    pub profile: Option<String>,
    /// Of the server itself, of its person's servers together, of all servers; none while it does not run.
    pub levels: Vec<LevelRows>,
    /// Where the form goes; empty where nothing may be changed.
    pub action: String,
    pub fields: Vec<Field>,
    /// The page about the person.
    pub back: String,
}

/// What is in force at one level.
pub(in crate::pages) struct LevelRows {
    pub label: &'static str,
    pub unit: String,
    pub rows: Vec<Row>,
}

/// One limit as it is in force.
pub(in crate::pages) struct Row {
    pub name: &'static str,
    pub amount: String,
    /// Who says so; the last one counts.
    pub said: Vec<String>,
}

/// One amount that can be changed.
pub(in crate::pages) struct Field {
    pub name: &'static str,
    /// As it is now.
    pub now: String,
    pub typed: String,
}

impl LevelRows {
    fn of(level: &Level, label: &'static str, text: Text) -> Self {
        let rows = level.limits.iter().map(|(limit, held)| Row {
            name: limit.name(),
            amount: held.amount.show(*limit),
            said: if held.said.is_empty() {
                vec![text.get("held.default").to_owned()]
            } else {
                held.said.iter().map(|voice| of_voice(voice, text)).collect()
            },
        });
        Self { label, unit: level.unit.clone(), rows: rows.collect() }
    }
}

fn of_voice(voice: &Voice, text: Text) -> String {
    match voice {
        Voice::Configuration => text.get("held.configuration").to_owned(),
        Voice::Live => text.get("held.live").to_owned(),
        Voice::File(path) => path.display().to_string(),
    }
}

fn find(admin: &Admin, address: &Address, any: &'static [&'static str]) -> Result<Arc<Server>, Fault> {
    let id = admin.caller.on_server(any, &address.user, &address.server)?;
    admin.app.servers.find(&id).filter(|server| server.exists()).ok_or(Fault::NoAccess)
}

/// `GET /hub/admin/limits/{user}[/{server}]`
pub(super) async fn show(admin: Admin, address: Address, Query(arrived): Query<Arrived>) -> Result<Response, Fault> {
    let server = find(&admin, &address, &["read:servers"])?;
    let said = Said::arrived(&arrived.notice, admin.text());
    draw(&admin, StatusCode::OK, &server.id, said, &[]).await
}

async fn draw(
    admin: &Admin,
    status: StatusCode,
    id: &ServerId,
    said: Option<Said>,
    typed: &[(&'static str, String)],
) -> Result<Response, Fault> {
    let text = admin.text();
    let runs = admin.app.servers.find(id).is_some_and(|server| server.snapshot().state.is_ready());
    let in_force = match admin.app.servers.limits(id).await {
        Ok(in_force) if runs => Some(in_force),
        // It ended meanwhile.
        Ok(_) | Err(LaunchError::NotRunning(_)) => None,
        Err(_) if !runs => None,
        Err(error) => return Err(Fault::internal(error)),
    };
    let path = admin.address(&format!("/limits/{}", id.url_segment()));
    let resource = Resource::Server { user: id.user.as_str(), server: id.server.as_str() };
    let field = |limit: Limit| Field {
        name: limit.name(),
        now: in_force
            .as_ref()
            .and_then(|held| held.server.limits.get(&limit))
            .map(|held| held.amount.show(limit))
            .unwrap_or_default(),
        typed: typed.iter().find(|(name, _)| *name == limit.name()).map(|(_, typed)| typed.clone()).unwrap_or_default(),
    };
    let page = LimitsPage {
        fields: OFFERED.into_iter().map(field).collect(),
        action: if runs && admin.may(&["admin:servers"], resource) { path.clone() } else { String::new() },
        frame: admin.frame(path),
        here: Place::People,
        said,
        server: id.to_string(),
        profile: in_force.as_ref().and_then(|held| held.profile.clone()),
        levels: in_force.as_ref().map_or_else(Vec::new, |held| {
            vec![
                LevelRows::of(&held.server, text.get("held.server"), text),
                LevelRows::of(&held.person, text.get("held.person"), text),
                LevelRows::of(&held.all, text.get("held.all"), text),
            ]
        }),
        back: admin.address(&format!("/user/{}", id.user.url_segment())),
    };
    Ok(html(status, &page))
}

/// `POST /hub/admin/limits/{user}[/{server}]`: a field for each limit; those left empty stay as they are.
pub(super) async fn change(admin: Admin, address: Address, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let server = find(&admin, &address, &["admin:servers"])?;
    let typed: Vec<(&'static str, String)> = OFFERED
        .into_iter()
        .map(|limit| (limit.name(), fields.find(limit.name()).unwrap_or_default().trim().to_owned()))
        .collect();
    let asked = typed.iter().filter(|(_, amount)| !amount.is_empty()).map(|(name, amount)| (*name, amount.as_str()));
    let refused = match LimitChange::parse(asked) {
        Err(sentence) => sentence,
        Ok(change) => match admin.app.servers.set_limits(&server.id, &change).await {
            Ok(()) => {
                tracing::info!(
                    hub_user = server.id.user.as_str(),
                    hub_server = server.id.server.as_str(),
                    hub_unit = server.id.unit_name(),
                    "{} changed the limits of the server of {}",
                    admin.caller.name(),
                    server.id
                );
                return Ok(Admin::done(&admin.address(&format!("/limits/{}", server.id.url_segment())), Done::Saved));
            }
            Err(error @ (LaunchError::NotRunning(_) | LaunchError::NotAllowed(_) | LaunchError::Failed(_))) => {
                error.to_string()
            }
            Err(error) => return Err(Fault::internal(error)),
        },
    };
    let said = Said { reason: Some(refused), ..Said::wrong(admin.text().get("admin.refused"), Vec::new()) };
    draw(&admin, StatusCode::BAD_REQUEST, &server.id, Some(said), &typed).await
}
