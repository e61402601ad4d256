//! `/hub/metrics` and `/hub/api/metrics` (contract 10).

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::caller::Caller;
use crate::app::App;
use crate::auth::scopes::Resource;
use crate::clock::{Usec, now};
use crate::http::faults::Fault;
use crate::observe::metrics::{self, CONTENT_TYPE, Page};

const DAY: Usec = 24 * 60 * 60 * 1_000_000;

/// `GET`, with `read:metrics` unless the configuration lets everybody read it.
pub async fn read(State(app): State<Arc<App>>, caller: Result<Caller, Fault>) -> Result<Response, Fault> {
    if app.config.hub.metrics_need_token {
        caller?.require(&["read:metrics"], Resource::Any)?;
    }
    let mut page = Page::default();
    metrics::metrics().write(&mut page);
    let ready = app.servers.all().iter().filter(|server| server.snapshot().state.is_ready()).count();
    page.gauge("running_servers", "Servers that answer", "", &[("", ready)]);
    page.gauge("total_users", "People the hub knows", "", &[("", app.people.count())]);
    let (people, now) = (app.people.all(), now());
    let active = |days: Usec| {
        let since = now.saturating_sub(days.saturating_mul(DAY));
        people.iter().filter(|person| person.last_activity.is_some_and(|when| when >= since)).count()
    };
    let periods = [("24h", active(1)), ("7d", active(7)), ("30d", active(30))];
    page.gauge("active_users", "People who did something within the period", "period", &periods);
    let started = crate::clock::system_time(app.started).duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    metrics::process(&mut page, started.as_secs_f64());
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], page.finish()).into_response())
}
