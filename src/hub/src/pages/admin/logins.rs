//! `/hub/admin/logins`: who tried to log in and was not let in, as the journal has it.
//!
//! Invariant: what somebody typed as a name is shown only if there is such an account. hub-login writes no other name,
//! because people type their password into the wrong field.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use hubd_base::names::esc;
use serde::Deserialize;

use super::super::locale::{Language, Text};
use super::super::view::{Frame, Moment, NoticeKind};
use super::{Admin, Place, Said, html, moment};
use crate::auth::scopes::Resource;
use crate::clock::{Usec, now};
use crate::http::faults::Fault;
use crate::journals::{Choice, FailedLogin};

/// Rows shown at most.
const SHOWN: u32 = 500;
const DAY: Usec = 24 * 3_600_000_000;
/// Spans before now, and how long each is; 0 for as long as the journal goes back.
const SPANS: [(&str, &str, Usec); 3] =
    [("day", "logs.span-day", DAY), ("week", "logs.span-week", 7 * DAY), ("all", "logs.span-any", 0)];

/// What may stand in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    span: String,
}

/// The page.
#[derive(Template)]
#[template(path = "admin/logins.html")]
pub(in crate::pages) struct LoginsPage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    pub span: &'static str,
    /// The newest first.
    pub logins: Vec<Row>,
    /// Whether there may be more than are shown.
    pub more: bool,
}

/// One login that failed.
pub(in crate::pages) struct Row {
    pub when: Moment,
    /// The account, and the page about the person if the hub knows them, below `<base>hub/`.
    pub user: Option<(String, Option<String>)>,
    pub client: String,
    /// In the language of the page.
    pub why: &'static str,
    /// hub-login's own sentence, with PAM's code, in English.
    pub message: String,
}

impl LoginsPage {
    fn spans(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let text = self.frame.text;
        SPANS.into_iter().map(move |(value, key, _)| (value, text.get(key)))
    }
}

impl Row {
    fn of(admin: &Admin, login: FailedLogin) -> Self {
        let page = admin.app.people.named(&login.user).map(|_| format!("admin/user/{}", esc(&login.user)));
        Self {
            when: moment(login.time_usec),
            user: (!login.user.is_empty()).then_some((login.user, page)),
            client: login.client,
            why: why(&login.outcome, admin.text()),
            message: login.message,
        }
    }
}

/// `HUB_OUTCOME` in words.
fn why(outcome: &str, text: Text) -> &'static str {
    match outcome {
        "refused" => text.get("logins.refused"),
        "denied" => text.get("logins.denied"),
        "password-expired" => text.get("logins.password-expired"),
        "too-many-tries" => text.get("logins.too-many-tries"),
        _ => text.get("logins.unavailable"),
    }
}

/// `GET /hub/admin/logins?span=`
pub(super) async fn show(admin: Admin, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    admin.caller.require(&["admin:users"], Resource::Any)?;
    let (span, _, length) = SPANS.into_iter().find(|(value, ..)| *value == asked.span).unwrap_or(SPANS[0]);
    let since = (length > 0).then(|| now() - length);
    let choice = Choice { lines: SHOWN, priority: 7, since, until: None };
    let logins = admin.app.journals.failed_logins(&choice).await.map_err(Fault::internal)?;
    let page = LoginsPage {
        frame: admin.frame(admin.address(&format!("/logins?span={span}"))),
        here: Place::Logins,
        said: None,
        span,
        more: logins.len() >= usize::try_from(SHOWN).unwrap_or(usize::MAX),
        logins: logins.into_iter().rev().map(|login| Row::of(&admin, login)).collect(),
    };
    Ok(html(StatusCode::OK, &page))
}
