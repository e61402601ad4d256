//! The REST API below `<base>hub/api` (contract section 1), and what `hubctl` asks beyond it.

mod body;
mod caller;
mod document;
mod hub;
mod log;
mod models;
mod page;
mod progress;
mod rules;
mod schemas;
mod servers;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};

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
        .route("/users/{user}/server", post(servers::start).delete(servers::stop))
        .route("/users/{user}/server/progress", get(progress::follow))
        .route("/users/{user}/server/log", get(log::read))
        .fallback(|| async { Fault::NotFound })
        .layer(DefaultBodyLimit::max(rules::BODY_MAX))
        .layer(from_fn(rules::apply))
}
