//! `/hub/spawn`, `/hub/spawn-pending`, `/hub/stop`: a server's way up and down, as pages.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use hubd_base::names::{ServerId, esc};
use serde::Deserialize;

use super::form::Form;
use super::home::to_login;
use super::text;
use super::view::{Page, SpawnPendingPage, Stage, StoppedPage};
use crate::app::App;
use crate::http::faults::Fault;
use crate::http::next;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;
use crate::servers::registry::Busy;
use crate::servers::state::State as ServerState;

/// What may stand in the address.
#[derive(Deserialize)]
pub struct Asked {
    next: Option<String>,
}

/// Who asked, and for which server; the person may manage it.
fn allowed(app: &App, visitor: &Visitor, segment: &str) -> Result<ServerId, Fault> {
    let user = visitor.user().ok_or(Fault::NoCredentials)?;
    let id = next::server_of(segment).ok_or(Fault::NotFound)?;
    if app.may_manage(user, &id) { Ok(id) } else { Err(Fault::NotFound) }
}

fn pending_url(app: &App, id: &ServerId, next: Option<&str>) -> String {
    let query = next.map(|next| format!("?next={}", next::quote(next))).unwrap_or_default();
    format!("{}hub/spawn-pending/{}{query}", app.base_url(), esc(id.user.as_str()))
}

fn begin(app: &App, id: &ServerId, next: Option<&str>) -> Redirect {
    match app.servers.start(id) {
        Err(Busy::Running) => Redirect::to(&next.map_or_else(|| app.server_url(id), str::to_owned)),
        Ok(_) | Err(_) => Redirect::to(&pending_url(app, id, next)),
    }
}

/// `GET /hub/spawn`: the person's own default server.
pub async fn own(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let Some(user) = visitor.user().cloned() else { return Ok(to_login(&app, &visitor).into_response()) };
    open(State(app), visitor, Path(user.to_string()), Query(asked), headers).await
}

/// `GET /hub/spawn/{user}`: an explicit request to start (contract 8.3). A link on another site is not one:
/// there the person is asked first.
pub async fn open(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(segment): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    if visitor.session.is_none() {
        return Ok(to_login(&app, &visitor).into_response());
    }
    let id = allowed(&app, &visitor, &esc(&segment))?;
    let next = asked.next.and_then(|next| next::check(&next, app.base_url()));
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes().to_vec());
    let from_here = site.is_none_or(|site| site == b"same-origin" || site == b"none");
    if from_here || app.servers.get(&id).snapshot().state.is_active() {
        return Ok(begin(&app, &id, next.as_deref()).into_response());
    }
    Ok(stopped(&app, &visitor, &id, next.unwrap_or_default(), StatusCode::OK))
}

/// `POST /hub/spawn/{user}`
pub async fn start(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(segment): Path<String>,
    form: Form,
) -> Result<Redirect, Fault> {
    let fields = form.open()?;
    let id = allowed(&app, &visitor, &esc(&segment))?;
    let next = fields.find("next").and_then(|next| next::check(next, app.base_url()));
    Ok(begin(&app, &id, next.as_deref()))
}

/// `POST /hub/stop/{user}`
pub async fn stop(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(segment): Path<String>,
    form: Form,
) -> Result<Redirect, Fault> {
    form.open()?;
    let id = allowed(&app, &visitor, &esc(&segment))?;
    app.servers.stop(&id);
    Ok(Redirect::to(&format!("{}hub/home", app.base_url())))
}

/// `GET /hub/spawn-pending/{user}`
pub async fn pending(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(segment): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    if visitor.session.is_none() {
        return Ok(to_login(&app, &visitor).into_response());
    }
    let id = allowed(&app, &visitor, &esc(&segment))?;
    let next = asked.next.and_then(|next| next::check(&next, app.base_url()));
    let server = app.servers.get(&id);
    let snapshot = server.snapshot();
    match snapshot.state {
        ServerState::Running | ServerState::Suspended => {
            return Ok(Redirect::to(&next.unwrap_or_else(|| app.server_url(&id))).into_response());
        }
        ServerState::Stopping => return Ok(Redirect::to(&format!("{}hub/home", app.base_url())).into_response()),
        ServerState::Stopped => {
            return Ok(stopped(&app, &visitor, &id, next.unwrap_or_default(), StatusCode::OK));
        }
        ServerState::Starting | ServerState::Failed => {}
    }
    let reached = text::stage(&snapshot.phase);
    let past = Stage::ALL.into_iter().take_while(|stage| *stage != reached).chain([reached]);
    let failed = snapshot.failure.as_deref().map(|failure| text::failure(&app, failure, visitor.text));
    let progress_url = format!(
        "{}hub/api/users/{}/server/progress?_xsrf={}",
        app.base_url(),
        esc(id.user.as_str()),
        next::quote(&visitor.xsrf)
    );
    let page = SpawnPendingPage {
        frame: visitor.frame(&app),
        server: text::server(&app, &server, &snapshot, visitor.text),
        events: past.map(|stage| stage.sentence(&visitor.text).to_owned()).collect(),
        progress: snapshot.phase.percent(),
        progress_url,
        failed,
        next: next.unwrap_or_default(),
    };
    Ok(Html(page.render_page()).into_response())
}

/// The page that offers to start a server.
pub fn stopped(app: &App, visitor: &Visitor, id: &ServerId, next: String, status: StatusCode) -> Response {
    let server = app.servers.get(id);
    let snapshot = server.snapshot();
    let page =
        StoppedPage { frame: visitor.frame(app), server: text::server(app, &server, &snapshot, visitor.text), next };
    (status, Html(page.render_page())).into_response()
}
