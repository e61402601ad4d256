//! `/hub/security/csp-report`: browsers tell what a page's policy kept them from (contract 5.5).
//!
//! Anybody may send a report, as browsers do without cookies and tokens; so it is small, one of few, and believed in
//! nothing: a line in the journal, without what stands behind a question mark.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Extension, Router};
use serde_json::Value;

use crate::app::App;
use crate::clock::{Usec, now};
use crate::http::faults::Fault;
use crate::http::visitor::Visitor;
use crate::observe::metrics::metrics;

/// Largest report, bytes.
const REPORT_MAX: usize = 16 * 1024;
/// Reports in one window.
const REPORTS_MAX: u32 = 30;
/// Length of a window, microseconds.
const WINDOW: Usec = 60 * 1_000_000;
/// Seconds after which to come back.
const RETRY_AFTER: u32 = 60;
/// Longest value in the journal, characters.
const SHOWN_MAX: usize = 200;

/// The route, relative to `<base>hub`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/security/csp-report", post(receive))
        .layer(DefaultBodyLimit::max(REPORT_MAX))
        .layer(Extension(Arc::<Window>::default()))
}

/// How many reports came since when.
#[derive(Debug, Default)]
struct Window(Mutex<(Usec, u32)>);

impl Window {
    fn admit(&self, now: Usec) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(window.0) >= WINDOW {
            *window = (now, 0);
        }
        window.1 = window.1.saturating_add(1);
        window.1 <= REPORTS_MAX
    }
}

async fn receive(
    State(_): State<Arc<App>>,
    Extension(window): Extension<Arc<Window>>,
    visitor: Visitor,
    body: Bytes,
) -> Result<StatusCode, Fault> {
    if !window.admit(now()) {
        return Err(Fault::Throttled("Too many reports. Try again later.".into(), Some(RETRY_AFTER)));
    }
    metrics().csp_reports.add();
    let report: Value = serde_json::from_slice(&body).unwrap_or_default();
    let report = report.get("csp-report").unwrap_or(&report);
    let shown = |name: &str| plain(report.get(name).and_then(Value::as_str).unwrap_or("?"));
    tracing::info!(
        hub_client = visitor.address.as_str(),
        "A browser kept to the policy of {}: {} was not let load {}",
        shown("document-uri"),
        shown("violated-directive"),
        shown("blocked-uri")
    );
    Ok(StatusCode::NO_CONTENT)
}

/// A value for the journal: one line, short, without query and fragment, which may be secret.
fn plain(value: &str) -> String {
    let end = value.find(['?', '#']).unwrap_or(value.len());
    let value = value.get(..end).unwrap_or_default();
    value.chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_reports_are_taken_in_a_minute() {
        let window = Window::default();
        let admitted = (0..100).filter(|now| window.admit(WINDOW + now)).count();
        assert_eq!(admitted, 30);
        assert!(window.admit(2 * WINDOW));
    }

    #[test]
    fn what_reaches_the_journal_is_one_short_line_without_query() {
        assert_eq!(plain("https://a.example/x?code=secret#y"), "https://a.example/x");
        assert_eq!(plain("a\nb\u{1b}[2J"), "ab[2J");
        assert_eq!(plain(&"x".repeat(5000)).len(), SHOWN_MAX);
    }
}
