//! `/hub/home`: the person's servers and what can be done with them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use hubd_base::names::{ServerId, UserName};

use super::figures::{self, Figure};
use super::text;
use super::view::{Actions, HomePage, Notice, NoticeKind, Page, ServerView};
use crate::app::App;
use crate::http::next;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;
use crate::servers::registry::Busy;
use crate::servers::server::Server;
use crate::servers::usage::Machine;

/// How long a page waits for what a person asked for; afterwards the home page tells how it goes.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// A server with a name, as the home page lists it.
#[derive(Clone, Debug)]
pub struct Named {
    /// The server.
    pub server: ServerView,
    /// Which buttons to show.
    pub actions: Actions,
    /// What it uses, while it runs.
    pub figures: Vec<Figure>,
}

/// `GET /hub/home`
pub async fn show(State(app): State<Arc<App>>, visitor: Visitor) -> Response {
    let Some(user) = visitor.user() else { return to_login(&app, &visitor).into_response() };
    let words = visitor.session.as_ref().map(|session| app.door.take_words(&session.public_id)).unwrap_or_default();
    let words: Vec<&str> = words.iter().map(|said| said.text.trim()).filter(|text| !text.is_empty()).collect();
    let notice = (!words.is_empty()).then(|| Notice { kind: NoticeKind::Info, text: words.join(" ") });
    page(&app, &visitor, user, notice).await.into_response()
}

async fn page(app: &App, visitor: &Visitor, user: &UserName, notice: Option<Notice>) -> Html<String> {
    let id = ServerId::default_of(user.clone());
    let server = app.servers.find(&id);
    let snapshot = app.snapshot(&id);
    let machine = app.servers.machine().await.map(|reading| reading.usage).unwrap_or_default();
    let mut named = Vec::new();
    for server in app.servers.of(user).into_iter().filter(|server| !server.id.server.is_default()) {
        let snapshot = server.snapshot();
        named.push(Named {
            server: text::server(app, &server.id, &snapshot, visitor.text),
            actions: Actions::of(snapshot.state),
            figures: used(app, visitor, &server, &machine).await,
        });
    }
    let figures = match &server {
        Some(server) => used(app, visitor, server, &machine).await,
        None => Vec::new(),
    };
    let page = HomePage {
        frame: visitor.frame(app),
        server: text::server(app, &id, &snapshot, visitor.text),
        choice: !app.config.profiles.is_empty(),
        actions: Actions::of(snapshot.state),
        figures,
        notice,
        named,
        may_add: app.servers.may_add(user).is_ok(),
        groups: app.groups.of(user),
    };
    Html(page.render_page())
}

/// What a server uses now; nothing while it does not run.
async fn used(app: &App, visitor: &Visitor, server: &Server, machine: &Machine) -> Vec<Figure> {
    if !server.snapshot().state.is_ready() {
        return Vec::new();
    }
    let reading = tokio::time::timeout(PATIENCE, app.servers.usage(server)).await.ok().flatten();
    figures::of(reading.as_ref(), machine, visitor.text)
}

/// The home page after a start that was not begun, with the reason.
pub async fn refused(app: &App, visitor: &Visitor, busy: &Busy) -> Response {
    let Some(user) = visitor.user() else { return to_login(app, visitor).into_response() };
    let notice = Notice { kind: NoticeKind::Error, text: text::busy(busy, visitor.text) };
    let status = match busy {
        Busy::TooManyStarts(_) | Busy::TooManyServers => StatusCode::TOO_MANY_REQUESTS,
        Busy::Running | Busy::Stopping | Busy::Held(_) | Busy::Refused(_) => StatusCode::BAD_REQUEST,
    };
    let mut response = (status, page(app, visitor, user, Some(notice)).await).into_response();
    if let Busy::TooManyStarts(seconds) = busy {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    response
}

/// To the login page and back here.
pub fn to_login(app: &App, visitor: &Visitor) -> Redirect {
    Redirect::to(&format!("{}hub/login?next={}", app.base_url(), next::quote(&visitor.target)))
}
