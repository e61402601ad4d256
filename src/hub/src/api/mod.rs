//! The REST API below `<base>hub/api` (contract section 1), and what `hubctl` asks beyond it.

mod body;
mod caller;
mod hub;
mod log;
mod metrics;
mod models;
mod page;
mod progress;
mod proxy;
mod servers;
mod services;
mod shutdown;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use hub::root;
pub use metrics::read as metrics;

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
        .route("/services", get(services::list))
        .route("/services/{service}", get(services::show).post(services::add).delete(services::delete))
        .route("/proxy", get(proxy::table).post(proxy::synchronise).patch(proxy::replace))
        .route("/shutdown", post(shutdown::end))
        .route("/metrics", get(metrics::read))
        .fallback(|| async { Fault::NotFound })
}
