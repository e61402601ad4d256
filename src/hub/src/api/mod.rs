//! The REST API below `<base>hub/api` (contract section 1), and what `hubctl` asks beyond it.

mod activity;
mod authorizations;
mod body;
mod caller;
mod check;
mod groups;
mod hub;
mod log;
mod models;
mod page;
mod progress;
mod servers;
mod timestamp;
mod token_models;
mod tokens;
mod user_changes;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post, put};

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
        .route("/users", get(users::list).post(user_changes::create_many))
        .route(
            "/users/{user}",
            get(users::show).post(user_changes::create).patch(user_changes::change).delete(user_changes::delete),
        )
        .route("/users/{user}/tokens", get(tokens::list).post(tokens::create))
        .route("/users/{user}/tokens/{token}", get(tokens::show).delete(tokens::delete))
        .route("/users/{user}/activity", post(activity::note))
        .route("/users/{user}/admin-access", post(activity::admin_access))
        .route("/groups", get(groups::list).post(groups::create_many))
        .route("/groups/{group}", get(groups::show).post(groups::create).delete(groups::delete))
        .route("/groups/{group}/users", post(groups::add_users).delete(groups::remove_users))
        .route("/groups/{group}/properties", put(groups::set_properties))
        .route("/authorizations/token", post(authorizations::removed))
        .route("/authorizations/token/{token}", get(authorizations::token))
        .route("/authorizations/cookie/{name}", get(authorizations::cookie_in_body))
        .route("/authorizations/cookie/{name}/{value}", get(authorizations::cookie))
        .route("/users/{user}/server", post(servers::start).delete(servers::stop))
        .route("/users/{user}/server/progress", get(progress::follow))
        .route("/users/{user}/server/log", get(log::read))
        .fallback(|| async { Fault::NotFound })
}
