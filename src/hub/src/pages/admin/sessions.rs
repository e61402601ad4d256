//! `/hub/admin/sessions`: who is logged in with a browser.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use hubd_base::names::esc;
use serde::Deserialize;

use super::super::locale::Language;
use super::super::view::{Frame, Moment, NoticeKind};
use super::{Admin, Part, Place, Said, html, moment};
use crate::auth::scopes::Resource;
use crate::clock::now;
use crate::http::faults::Fault;

/// What may stand in the address.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    offset: usize,
}

/// The page.
#[derive(Template)]
#[template(path = "admin/sessions.html")]
pub(in crate::pages) struct SessionsPage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    pub part: Part,
    pub sessions: Vec<Row>,
}

/// One logged-in browser.
pub(in crate::pages) struct Row {
    pub user: String,
    /// The page about the person, below `<base>hub/`.
    pub page: String,
    pub since: Moment,
    pub until: Moment,
}

/// `GET /hub/admin/sessions`
pub(super) async fn show(admin: Admin, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let mut all = admin.app.sessions.all(now());
    all.retain(|session| admin.may(&["read:users", "read:users:activity"], Resource::User(session.user.as_str())));
    let (part, place) = Part::cut(all, asked.offset, |offset| admin.address(&format!("/sessions?offset={offset}")));
    let rows = part.iter().map(|session| Row {
        user: session.user.to_string(),
        page: format!("admin/user/{}", esc(session.user.as_str())),
        since: moment(session.created),
        until: moment(session.expires),
    });
    let page = SessionsPage {
        frame: admin.frame(admin.address("/sessions")),
        here: Place::Sessions,
        said: None,
        sessions: rows.collect(),
        part: place,
    };
    Ok(html(StatusCode::OK, &page))
}
