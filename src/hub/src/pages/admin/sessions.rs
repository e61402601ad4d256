//! `/hub/admin/sessions`: who is logged in with a browser, and which connections to servers and services are open.

use std::collections::BTreeMap;

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
use crate::clock::{Usec, now};
use crate::http::faults::Fault;
use crate::proxy::open::{Connection, Target};

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
    /// Those with the most connections first.
    pub connections: Vec<OpenRow>,
}

/// One logged-in browser.
pub(in crate::pages) struct Row {
    pub user: String,
    /// The page about the person, below `<base>hub/`.
    pub page: String,
    pub since: Moment,
    pub until: Moment,
    /// When the person was last active.
    pub activity: Option<Moment>,
    /// How many connections of theirs are open.
    pub open: usize,
}

/// The open connections of one visitor from one address to one server or service.
pub(in crate::pages) struct OpenRow {
    /// Who, if the gate knows it.
    pub visitor: Option<String>,
    /// `alice`, `alice:gpu`, or a service's name.
    pub target: String,
    pub is_service: bool,
    pub address: String,
    pub count: usize,
    /// Since when the oldest is open.
    pub since: Moment,
    /// When the server was last used.
    pub used: Option<Moment>,
}

/// What is one row of the table of connections.
type Together<'a> = (String, bool, Option<&'a str>, &'a str);

/// Whether somebody may know of a connection: they may see the server and whom it belongs to.
fn is_seen(admin: &Admin, connection: &Connection) -> bool {
    match &connection.target {
        Target::Server(id) => {
            admin.may(&["read:servers"], Resource::Server { user: id.user.as_str(), server: id.server.as_str() })
                && admin.may(&["read:users", "read:users:activity"], Resource::User(id.user.as_str()))
        }
        Target::Service(name) => admin.may(&["read:services"], Resource::Service(name)),
    }
}

fn open_rows(admin: &Admin) -> Vec<OpenRow> {
    let all = admin.app.forwarder.open.all();
    let mut groups: BTreeMap<Together<'_>, (usize, Usec, Option<Usec>)> = BTreeMap::new();
    for connection in all.iter().filter(|connection| is_seen(admin, connection)) {
        let (target, is_service, used) = match &connection.target {
            Target::Server(id) => {
                let used = admin.app.servers.find(id).and_then(|server| server.last_activity());
                (id.to_string(), false, used)
            }
            Target::Service(name) => (name.clone(), true, None),
        };
        let key = (target, is_service, connection.visitor.as_deref(), connection.address.as_str());
        let (count, since, _) = groups.entry(key).or_insert((0, connection.since, used));
        *count += 1;
        *since = (*since).min(connection.since);
    }
    let mut rows: Vec<_> = groups
        .into_iter()
        .map(|((target, is_service, visitor, address), (count, since, used))| OpenRow {
            visitor: visitor.map(str::to_owned),
            target,
            is_service,
            address: address.to_owned(),
            count,
            since: moment(since),
            used: used.map(moment),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows.truncate(super::ROWS);
    rows
}

/// `GET /hub/admin/sessions`
pub(super) async fn show(admin: Admin, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let mut all = admin.app.sessions.all(now());
    all.retain(|session| admin.may(&["read:users", "read:users:activity"], Resource::User(session.user.as_str())));
    let (part, place) = Part::cut(all, asked.offset, |offset| admin.address(&format!("/sessions?offset={offset}")));
    let open = admin.app.forwarder.open.all();
    let rows = part.iter().map(|session| Row {
        user: session.user.to_string(),
        page: format!("admin/user/{}", esc(session.user.as_str())),
        since: moment(session.created),
        until: moment(session.expires),
        activity: admin.app.people.find(&session.user).and_then(|person| person.last_activity).map(moment),
        open: open.iter().filter(|open| open.visitor.as_deref() == Some(session.user.as_str())).count(),
    });
    let page = SessionsPage {
        frame: admin.frame(admin.address("/sessions")),
        here: Place::Sessions,
        said: None,
        sessions: rows.collect(),
        part: place,
        connections: open_rows(&admin),
    };
    Ok(html(StatusCode::OK, &page))
}
