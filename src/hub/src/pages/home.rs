//! `/hub/home`: the person's server and what can be done with it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use hubd_base::names::ServerId;

use super::text;
use super::view::{HomePage, Page};
use crate::app::App;
use crate::http::next;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;

/// `GET /hub/home`
pub async fn show(State(app): State<Arc<App>>, visitor: Visitor) -> Response {
    let Some(user) = visitor.user() else { return to_login(&app, &visitor).into_response() };
    let server = app.servers.get(&ServerId::default_of(user.clone()));
    let snapshot = server.snapshot();
    let page = HomePage {
        frame: visitor.frame(&app),
        server: text::server(&app, &server, &snapshot, visitor.text),
        actions: text::actions(&snapshot),
        notice: None,
    };
    Html(page.render_page()).into_response()
}

/// To the login page and back here.
pub fn to_login(app: &App, visitor: &Visitor) -> Redirect {
    Redirect::to(&format!("{}hub/login?next={}", app.base_url(), next::quote(&visitor.target)))
}
