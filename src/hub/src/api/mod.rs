//! The REST API below `<base>hub/api` (contract section 1), and what `hubctl` asks beyond it.

mod body;
mod caller;
mod hub;
mod log;
mod models;
mod page;
mod progress;
pub mod servers;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, get};

pub use hub::root;

use crate::app::App;
use crate::http::faults::Fault;

/// All routes, relative to `<base>hub/api`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(root))
        .route("/info", get(hub::info))
        .route("/health", get(|| async {}))
        .route("/status", get(hub::status))
        .route("/user", get(users::whoami))
        .route("/users", get(users::list))
        .route("/users/{user}", get(users::show))
        .route("/users/{user}/server", server())
        .route("/users/{user}/servers/", server())
        .route("/users/{user}/servers/{server}", server())
        .route("/users/{user}/server/progress", get(progress::follow))
        .route("/users/{user}/servers/{server}/progress", get(progress::follow))
        .route("/users/{user}/server/log", get(log::read))
        .route("/users/{user}/servers/{server}/log", get(log::read))
        .fallback(|| async { Fault::NotFound })
}

/// What can be done with a server.
fn server() -> MethodRouter<Arc<App>> {
    get(servers::show).put(servers::create).post(servers::start).patch(servers::change).delete(servers::stop)
}
