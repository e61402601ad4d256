//! The REST API below `<base>hub/api` (contract section 1), and what `hubctl` asks beyond it.

mod activity;
mod authorizations;
mod body;
mod caller;
mod check;
mod document;
mod groups;
mod hub;
mod log;
mod metrics;
mod models;
mod page;
mod progress;
mod proxy;
mod rules;
mod schemas;
mod servers;
mod services;
mod share_codes;
mod shared;
mod shares;
mod shutdown;
mod timestamp;
mod token_models;
mod tokens;
mod user_changes;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post, put};

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
        .route("/services", get(services::list))
        .route("/services/{service}", get(services::show).post(services::add).delete(services::delete))
        .route("/proxy", get(proxy::table).post(proxy::synchronise).patch(proxy::replace))
        .route("/shutdown", post(shutdown::end))
        .route("/metrics", get(metrics::read))
        .merge(sharing())
        .fallback(|| async { Fault::NotFound })
        .layer(DefaultBodyLimit::max(rules::BODY_MAX))
        .layer(from_fn(rules::apply))
}

/// An empty last segment is the default server, which the patterns with a name in its place do not take.
fn sharing() -> Router<Arc<App>> {
    let of_server = || get(shares::list).post(shares::grant).patch(shares::revoke).delete(shares::clear);
    let codes = || get(share_codes::list).post(share_codes::create).delete(share_codes::delete);
    let with_user = || get(shared::one_with_user).delete(shared::leave_as_user);
    let with_group = || get(shared::one_with_group).delete(shared::leave_as_group);
    Router::new()
        .route("/shares/{owner}", get(shares::of_owner))
        .route("/shares/{owner}/", of_server())
        .route("/shares/{owner}/{server}", of_server())
        .route("/share-codes/{owner}", get(share_codes::of_owner))
        .route("/share-codes/{owner}/", codes())
        .route("/share-codes/{owner}/{server}", codes())
        .route("/users/{user}/shared", get(shared::with_user))
        .route("/users/{user}/shared/{owner}/", with_user())
        .route("/users/{user}/shared/{owner}/{server}", with_user())
        .route("/groups/{group}/shared", get(shared::with_group))
        .route("/groups/{group}/shared/{owner}/", with_group())
        .route("/groups/{group}/shared/{owner}/{server}", with_group())
}
