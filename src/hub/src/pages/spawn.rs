//! `/hub/spawn`, `/hub/spawn-pending`, `/hub/stop`, `/hub/remove`: a server's way up and down, as pages.

use std::sync::Arc;

use axum::extract::{Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use hubd_base::names::{ServerId, ServerName, UserName};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::choice;
use super::form::Form;
use super::home::{self, to_login};
use super::log;
use super::text;
use super::view::{Page, SpawnPendingPage, Stage, StoppedPage};
use crate::api::servers::{Address, failure, profile};
use crate::app::App;
use crate::http::faults::Fault;
use crate::http::next;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;
use crate::servers::naming::{self, Refusal};
use crate::servers::registry::{Busy, Wanted};
use crate::servers::state::State as ServerState;

/// Fields that are no options.
const OWN_FIELDS: [&str; 4] = ["_xsrf", "display_name", "name", "next"];

/// What may stand in the address.
#[derive(Deserialize)]
pub struct Asked {
    next: Option<String>,
}

/// Why there is no server to talk about.
pub enum Denied {
    /// The person may not, or there is nobody of that name.
    Fault(Fault),
    /// No server can have that name.
    Refused(Refusal),
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Denied {
    pub(super) async fn answer(self, app: &App, visitor: &Visitor) -> Result<Response, Fault> {
        match self {
            Self::Fault(fault) => Err(fault),
            Self::Refused(refusal) => Ok(home::refused(app, visitor, &Busy::Refused(refusal)).await),
        }
    }
}

/// Which server is meant; the person may manage it.
pub(super) fn allowed(app: &App, visitor: &Visitor, address: &Address) -> Result<ServerId, Denied> {
    let user = visitor.user().ok_or(Fault::NoCredentials)?;
    let owner = UserName::parse(&address.user).map_err(|_| Fault::NotFound)?;
    let server = ServerName::parse(&address.server);
    // A name that cannot be is only told to those who may manage all of the person's servers.
    let id = ServerId::new(owner, server.clone().unwrap_or_default());
    if !app.may_manage(user, &id) || app.people.find(&id.user).is_none() {
        return Err(Fault::NotFound.into());
    }
    server.map_err(|_| Denied::Refused(Refusal::Name(address.server.clone())))?;
    Ok(id)
}

/// The page of a start under way.
pub fn pending_url(app: &App, id: &ServerId, next: Option<&str>) -> String {
    let query = next.map(|next| format!("?next={}", next::quote(next))).unwrap_or_default();
    format!("{}hub/spawn-pending/{}{query}", app.base_url(), id.url_segment())
}

async fn begin(app: &App, visitor: &Visitor, id: &ServerId, next: Option<&str>, wanted: Wanted) -> Response {
    match app.servers.start_with(id, wanted) {
        Err(Busy::Running) => Redirect::to(&next.map_or_else(|| app.server_url(id), str::to_owned)).into_response(),
        Ok(_) | Err(Busy::Stopping) => Redirect::to(&pending_url(app, id, next)).into_response(),
        Err(busy) => home::refused(app, visitor, &busy).await,
    }
}

/// `GET /hub/spawn`: the person's own default server.
pub async fn own(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let Some(user) = visitor.user() else { return Ok(to_login(&app, &visitor).into_response()) };
    let address = Address { user: user.to_string(), server: String::new() };
    open(State(app), visitor, address, query, headers).await
}

/// `GET /hub/spawn/{user}` and `/hub/spawn/{user}/{server}`: an explicit request to start (contract 8.3). A link on
/// another site is not one: there the person is asked first.
pub async fn open(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    address: Address,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    if visitor.session.is_none() {
        return Ok(to_login(&app, &visitor).into_response());
    }
    let id = match allowed(&app, &visitor, &address) {
        Ok(id) => id,
        Err(denied) => return denied.answer(&app, &visitor).await,
    };
    let fields: Vec<_> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let find = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let next = find("next").and_then(|next| visitor.next(&app, &next));
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes().to_vec());
    let from_here = site.is_none_or(|site| site == b"same-origin" || site == b"none");
    let active = app.servers.find(&id).is_some_and(|server| server.snapshot().state.is_active());
    if !from_here && !active {
        return Ok(stopped(&app, &visitor, &id, next.unwrap_or_default(), StatusCode::OK));
    }
    let mut wanted = match wanted(&fields, find("display_name"))? {
        Ok(wanted) => wanted,
        Err(refusal) => return Denied::Refused(refusal).answer(&app, &visitor).await,
    };
    if wanted.user_options.is_none() && !active {
        let display = wanted.display_name.as_deref();
        if let Some(page) = choice::page(&app, &visitor, &id, (next.as_deref(), display), None).await? {
            return Ok(Html(page.render_page()).into_response());
        }
    }
    profile::check(&app, &id.user, wanted.user_options.as_mut()).await?;
    Ok(begin(&app, &visitor, &id, next.as_deref(), wanted).await)
}

/// What the fields of an address or a form say of the server: options are `opt-<name>=<value>`, or, where there is none
/// of that form, whatever has no meaning of its own (clients before 6.0). No field leaves the stored options.
fn wanted(fields: &[(String, String)], display: Option<String>) -> Result<Result<Wanted, Refusal>, Fault> {
    let display = display.filter(|name| !name.is_empty());
    if let Some(Err(refusal)) = display.as_deref().map(naming::check_display_name) {
        return Ok(Err(refusal));
    }
    let prefixed = fields.iter().any(|(name, _)| name.starts_with("opt-"));
    let mut options: Map<String, Value> = Map::new();
    for (name, value) in fields {
        let key = match name.strip_prefix("opt-") {
            Some("") => {
                return Err(Fault::Told(StatusCode::UNPROCESSABLE_ENTITY, "opt- needs a name behind it".into()));
            }
            Some(key) => key,
            None if prefixed || OWN_FIELDS.contains(&name.as_str()) => continue,
            None => name,
        };
        let values = options.entry(key).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(values) = values.as_array_mut() {
            values.push(value.clone().into());
        }
    }
    let user_options = (!options.is_empty()).then_some(options);
    Ok(Ok(Wanted { display_name: display, user_options }))
}

/// `POST /hub/spawn/{user}` and `/hub/spawn/{user}/{server}`
pub async fn start(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    address: Address,
    form: Form,
) -> Result<Response, Fault> {
    let fields = form.open()?;
    let id = match allowed(&app, &visitor, &address) {
        Ok(id) => id,
        Err(denied) => return denied.answer(&app, &visitor).await,
    };
    let next = fields.find("next").and_then(|next| visitor.next(&app, next));
    let mut wanted = match wanted(fields.pairs(), fields.find("display_name").map(str::to_owned))? {
        Ok(wanted) => wanted,
        Err(refusal) => return Denied::Refused(refusal).answer(&app, &visitor).await,
    };
    if let Err(refused) = profile::check(&app, &id.user, wanted.user_options.as_mut()).await {
        let (notice, display) = (visitor.text.get("spawn.refused"), wanted.display_name.as_deref());
        return match choice::page(&app, &visitor, &id, (next.as_deref(), display), Some(notice)).await? {
            Some(page) => Ok((refused.status(), Html(page.render_page())).into_response()),
            None => Err(refused),
        };
    }
    Ok(begin(&app, &visitor, &id, next.as_deref(), wanted).await)
}

/// `POST /hub/servers/{user}`: makes the server that the field `name` names, and starts it.
pub async fn add(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    mut address: Address,
    form: Form,
) -> Result<Response, Fault> {
    let fields = form.open()?;
    fields.find("name").unwrap_or_default().trim().clone_into(&mut address.server);
    if address.server.is_empty() {
        return Denied::Refused(Refusal::Name(String::new())).answer(&app, &visitor).await;
    }
    match allowed(&app, &visitor, &address) {
        // Where there are profiles, one is chosen first.
        Ok(id) if !app.config.profiles.is_empty() => {
            Ok(Redirect::to(&format!("{}hub/spawn/{}", app.base_url(), id.url_segment())).into_response())
        }
        Ok(id) => Ok(begin(&app, &visitor, &id, None, Wanted::default()).await),
        Err(denied) => denied.answer(&app, &visitor).await,
    }
}

/// `POST /hub/stop/{user}` and `/hub/stop/{user}/{server}`
pub async fn stop(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    address: Address,
    form: Form,
) -> Result<Response, Fault> {
    form.open()?;
    match allowed(&app, &visitor, &address) {
        Ok(id) => {
            if app.servers.find(&id).is_some() {
                app.servers.stop_for(&id, visitor.user().map(ToString::to_string));
            }
            Ok(to_home(&app).into_response())
        }
        Err(denied) => denied.answer(&app, &visitor).await,
    }
}

/// `POST /hub/restart/{user}` and `/hub/restart/{user}/{server}`: the home page tells how it goes.
pub async fn restart(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    address: Address,
    form: Form,
) -> Result<Response, Fault> {
    form.open()?;
    let id = match allowed(&app, &visitor, &address) {
        Ok(id) => id,
        Err(denied) => return denied.answer(&app, &visitor).await,
    };
    app.servers.find(&id).filter(|server| server.exists()).ok_or(Fault::NotFound)?;
    match app.servers.restart(&id) {
        Ok(_) => Ok(to_home(&app).into_response()),
        Err(busy) => Ok(home::refused(&app, &visitor, &busy).await),
    }
}

/// `POST /hub/remove/{user}/{server}`: forgets a server with a name; one that runs is stopped first.
pub async fn remove(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    address: Address,
    form: Form,
) -> Result<Response, Fault> {
    form.open()?;
    let id = match allowed(&app, &visitor, &address) {
        Ok(id) => id,
        Err(denied) => return denied.answer(&app, &visitor).await,
    };
    let server = app.servers.find(&id).filter(|server| server.exists() && !id.server.is_default());
    let server = server.ok_or(Fault::NotFound)?;
    app.servers.stop(&id);
    // Not waited for where that takes long: the home page tells.
    if let Ok(removed) = tokio::time::timeout(home::PATIENCE, app.servers.remove(&server)).await {
        removed.map_err(Fault::internal)?;
    }
    Ok(to_home(&app).into_response())
}

pub(super) fn to_home(app: &App) -> Redirect {
    Redirect::to(&format!("{}hub/home", app.base_url()))
}

/// `GET /hub/spawn-pending/{user}` and `/hub/spawn-pending/{user}/{server}`
pub async fn pending(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    address: Address,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    if visitor.session.is_none() {
        return Ok(to_login(&app, &visitor).into_response());
    }
    let id = match allowed(&app, &visitor, &address) {
        Ok(id) => id,
        Err(denied) => return denied.answer(&app, &visitor).await,
    };
    let next = asked.next.and_then(|next| visitor.next(&app, &next));
    let server = app.servers.find(&id);
    if !id.server.is_default() && !server.as_ref().is_some_and(|server| server.exists()) {
        let text = format!("{} has no such server {}", id.user, id.server);
        return Err(Fault::Told(StatusCode::NOT_FOUND, text));
    }
    let failed = match &server {
        Some(server) => app.servers.failure(server).await,
        None => None,
    };
    let snapshot = app.snapshot(&id);
    match snapshot.state {
        ServerState::Running | ServerState::Suspended => {
            return Ok(Redirect::to(&next.unwrap_or_else(|| app.server_url(&id))).into_response());
        }
        ServerState::Stopping | ServerState::Stopped => {
            return Ok(stopped(&app, &visitor, &id, next.unwrap_or_default(), StatusCode::OK));
        }
        ServerState::Starting | ServerState::Failed => {}
    }
    let status = snapshot.failure.as_deref().map_or(StatusCode::OK, failure::status);
    let reached = text::stage(&snapshot.phase);
    let past = Stage::ALL.into_iter().take_while(|stage| *stage != reached).chain([reached]);
    let failed = failed.map(|failure| text::failure(&app, &failure, visitor.text));
    let page = SpawnPendingPage {
        frame: visitor.frame(&app),
        server: text::server(&app, &id, &snapshot, visitor.text),
        events: past.map(|stage| stage.sentence(&visitor.text).to_owned()).collect(),
        progress: snapshot.phase.percent(),
        progress_url: format!("{}?_xsrf={}", app.progress_url(&id), next::quote(&visitor.xsrf)),
        log_url: log::events_url(&app, &id, snapshot.since),
        failed,
        choice: choice::address(&app, &id, next.as_deref()),
        next: next.unwrap_or_default(),
    };
    Ok((status, Html(page.render_page())).into_response())
}

/// The page that offers to start a server, or waits until it has stopped.
pub fn stopped(app: &App, visitor: &Visitor, id: &ServerId, next: String, status: StatusCode) -> Response {
    let snapshot = app.snapshot(id);
    let choice = choice::address(app, id, Some(next.as_str()).filter(|next| !next.is_empty()));
    let server = text::server(app, id, &snapshot, visitor.text);
    let page = StoppedPage { frame: visitor.frame(app), server, next, choice };
    (status, Html(page.render_page())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(query: &str) -> Result<Option<Value>, Fault> {
        let fields: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        wanted(&fields, None).map(|wanted| wanted.unwrap().user_options.map(Value::Object))
    }

    #[test]
    fn options_in_the_address_are_lists_of_texts() {
        assert_eq!(options("next=/a&display_name=x&_xsrf=y").unwrap(), None);
        assert_eq!(options("opt-image=a&opt-image=b&other=c").unwrap(), Some(serde_json::json!({"image": ["a", "b"]})));
        assert_eq!(options("image=a").unwrap(), Some(serde_json::json!({"image": ["a"]})));
        assert_eq!(options("opt-=a").unwrap_err().status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
