//! What people see, below `<base>hub/`, and the table of all routes of the hub itself.

mod admin;
mod amounts;
pub mod assets;
mod choice;
mod csp;
mod events;
pub mod figures;
pub mod form;
pub mod home;
pub mod idle;
mod language;
pub mod locale;
mod log;
mod login;
mod login_view;
pub mod menu;
pub mod oauth;
mod share;
mod spawn;
pub mod stopped;
mod text;
pub mod theme;
mod token;
pub mod view;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};

use crate::api;
use crate::app::App;
use crate::http::document::Routes;
use crate::http::faults::Fault;
use crate::http::layers;
use crate::http::redirect::Redirect;

/// Every call of the API and of OAuth2 with what is said of it.
pub fn documented() -> Routes {
    api::routes().and(crate::oauth::routes())
}

/// Every route of the hub: pages, REST API and OAuth2, with their layers.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let base = app.base_url();
    let hub = Router::new()
        .route("/home", get(home::show))
        .route("/home/events", get(events::home))
        .route("/login", get(login::show).post(login::submit))
        .route("/logout", get(login::leave).post(login::leave))
        .route("/spawn", get(spawn::own))
        .route("/spawn/{user}", get(spawn::open).post(spawn::start))
        .route("/spawn/{user}/{server}", get(spawn::open).post(spawn::start))
        .route("/spawn-pending/{user}", get(spawn::pending))
        .route("/spawn-pending/{user}/{server}", get(spawn::pending))
        .route("/servers/{user}", post(spawn::add))
        .route("/stop/{user}", post(spawn::stop))
        .route("/stop/{user}/{server}", post(spawn::stop))
        .route("/restart/{user}", post(spawn::restart))
        .route("/restart/{user}/{server}", post(spawn::restart))
        .route("/keep/{user}", post(idle::keep))
        .route("/keep/{user}/{server}", post(idle::keep))
        .route("/remove/{user}/{server}", post(spawn::remove))
        .route("/user/{*path}", any(stopped::show))
        .route("/accept-share", get(share::show).post(share::accept))
        .route("/user-redirect/", get(stopped::to_own))
        .route("/user-redirect/{*path}", get(stopped::to_own))
        .route("/log/{user}", get(log::show))
        .route("/log/{user}/{server}", get(log::show))
        .route("/log-events/{user}", get(log::follow))
        .route("/log-events/{user}/{server}", get(log::follow))
        .route("/theme", post(theme::choose))
        .route("/language", post(language::choose))
        .route("/static/{name}", get(asset))
        .route("/health", get(|| async { StatusCode::OK }))
        .route("/token", get(token::show).post(token::create))
        .route("/token/revoke", post(token::revoke))
        .merge(admin::routes())
        .merge(csp::routes())
        .route("/metrics", get(api::metrics))
        .nest("/api", api::router(base, documented()));
    let routes = Router::new()
        .nest(&format!("{base}hub"), hub)
        .route(&format!("{base}hub/"), get(root))
        .route(&format!("{base}hub/api/"), get(api::root))
        .route(base, get(to_hub))
        .route(&format!("{base}robots.txt"), get(|| async { "User-agent: *\nDisallow: /\n" }))
        .route(&format!("{base}favicon.ico"), get(|headers: HeaderMap| async move { file("hub.svg", &headers, None) }))
        .fallback(fallback);
    layers::around(app, routes)
}

async fn root(State(app): State<Arc<App>>, visitor: crate::http::visitor::Visitor) -> Redirect {
    let page = if visitor.session.is_some() { "home" } else { "login" };
    Redirect::to(&format!("{}hub/{page}", app.base_url()))
}

async fn to_hub(State(app): State<Arc<App>>) -> Redirect {
    Redirect::to(&format!("{}hub/", app.base_url()))
}

/// What is below no route: outside `base_url` it leads into the hub, inside it is not found.
async fn fallback(State(app): State<Arc<App>>, uri: Uri) -> Result<Redirect, Fault> {
    let hub = format!("{}hub", app.base_url());
    if uri.path() == hub {
        return Ok(Redirect::permanent(&format!("{hub}/")));
    }
    if !uri.path().starts_with(app.base_url()) {
        return Ok(Redirect::to(&format!("{hub}/")));
    }
    Err(Fault::NotFound)
}

async fn asset(Path(name): Path<String>, headers: HeaderMap, uri: Uri) -> Response<Body> {
    file(&name, &headers, uri.query())
}

fn file(name: &str, headers: &HeaderMap, query: Option<&str>) -> Response<Body> {
    assets::find(name).map_or_else(|| Fault::NotFound.into_response(), |asset| asset.answer(headers, query))
}
