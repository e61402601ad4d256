//! `/hub/security/csp-report`: browsers tell of pages that tried what their policy forbids (contract 5.5).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;

use crate::app::App;
use crate::observe::metrics::metrics;

/// `POST`, by anybody: browsers send neither cookie nor form protection along. Counted only: what it says can be made
/// up by anybody, so it is no matter for the journal.
pub async fn report(State(_): State<Arc<App>>, _: Bytes) -> StatusCode {
    metrics().csp_reports.add();
    StatusCode::NO_CONTENT
}
