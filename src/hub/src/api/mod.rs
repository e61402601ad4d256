//! The REST API below `<base>hub/api` (contract section 1), and what `hubctl` asks beyond it.

pub(crate) mod accounts;
mod activity;
mod authorizations;
pub(crate) mod body;
pub(crate) mod caller;
mod check;
mod extension;
pub(crate) mod groups;
mod hub;
pub mod idle;
pub(crate) mod log;
mod metrics;
mod models;
mod page;
mod profiles;
mod progress;
mod proxy;
mod routes;
mod rules;
mod schemas;
pub mod servers;
mod services;
mod share_codes;
mod shared;
mod shares;
pub(crate) mod shutdown;
mod token_models;
mod tokens;
pub(crate) mod user_changes;
pub(crate) mod users;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::get;
use axum::{Json, Router};

pub use hub::root;
pub use metrics::read as metrics;
pub use routes::all as routes;

use crate::app::App;
use crate::http::document::{Routes, openapi};
use crate::http::faults::Fault;

/// The router of these routes, relative to `<base>hub/api`, with the document that describes them.
pub fn router(base_url: &str, all: Routes) -> Router<Arc<App>> {
    let (router, operations) = all.finish();
    let document = Arc::new(openapi(&operations, base_url, schemas::all()));
    let described = move || async move { Json((*document).clone()) };
    router
        .route("/openapi.json", get(described))
        .fallback(|| async { Fault::NotFound })
        .layer(DefaultBodyLimit::max(rules::BODY_MAX))
        .layer(from_fn(rules::apply))
}
