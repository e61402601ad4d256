//! `/hub/admin`: people, their servers, groups, services and logs for those who run the hub (contract 8.7).
//!
//! Invariant: nothing is decided here. What a page shows and does goes through the functions of the REST API, as the
//! person who looks at it; a form is the hub's own or it does nothing. Every page works without a script, and builds
//! one page of rows however many there are.

mod accounts;
mod confirm;
mod groups;
mod limits;
mod live;
mod log;
mod logins;
mod people;
mod servers;
mod services;
mod sessions;
mod suspension;
mod user;

#[cfg(test)]
pub(super) mod samples;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;

pub(super) use self::log::{Line, tail};
use super::form::Fields;
use super::home::to_login;
use super::locale::Text;
use super::view::{Frame, Moment, NoticeKind, Page};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::app::App;
use crate::auth::scopes::Resource;
use crate::clock::{Usec, system_time};
use crate::http::faults::Fault;
use crate::http::next;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;

/// Rows of one page.
const ROWS: usize = 50;

/// The routes, relative to `<base>hub`.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin", get(people::show))
        .route("/admin/events", get(live::of_list))
        .route("/admin/users", post(people::add))
        .route("/admin/user/{user}/events", get(live::of_person))
        .route("/admin/user/{user}", get(user::show).post(user::change))
        .route("/admin/user/{user}/password", post(accounts::set))
        .route("/admin/user/{user}/groups", post(user::regroup))
        .route("/admin/user/{user}/delete", get(user::ask).post(user::delete))
        .route("/admin/start/{user}", post(servers::start))
        .route("/admin/start/{user}/{server}", post(servers::start))
        .route("/admin/suspend/{user}", post(suspension::suspend))
        .route("/admin/suspend/{user}/{server}", post(suspension::suspend))
        .route("/admin/wake/{user}", post(suspension::wake))
        .route("/admin/wake/{user}/{server}", post(suspension::wake))
        .route("/admin/stop/{user}", post(servers::stop))
        .route("/admin/stop/{user}/{server}", post(servers::stop))
        .route("/admin/remove/{user}/{server}", get(servers::ask_remove).post(servers::remove))
        .route("/admin/stop-all", get(servers::ask_stop_all).post(servers::stop_all))
        .route("/admin/limits/{user}", get(limits::show).post(limits::change))
        .route("/admin/limits/{user}/{server}", get(limits::show).post(limits::change))
        .route("/admin/start-all", get(servers::ask_start_all).post(servers::start_all))
        .route("/admin/log/{user}", get(log::of_server))
        .route("/admin/log/{user}/{server}", get(log::of_server))
        .route("/admin/service-log/{service}", get(log::of_service))
        .route("/admin/hub-log", get(log::of_hub))
        .route("/admin/tail/server/{user}", get(log::tail::of_server))
        .route("/admin/tail/server/{user}/{server}", get(log::tail::of_server))
        .route("/admin/tail/service/{service}", get(log::tail::of_service))
        .route("/admin/tail/hub/", get(log::tail::of_hub))
        .route("/admin/tail/hub/{part}", get(log::tail::of_part))
        .route("/admin/groups", get(groups::list).post(groups::create))
        .route("/admin/group", get(groups::show))
        .route("/admin/group/members", post(groups::members))
        .route("/admin/group/properties", post(groups::properties))
        .route("/admin/group/delete", get(groups::ask).post(groups::delete))
        .route("/admin/services", get(services::show))
        .route("/admin/service/{service}/{order}", post(services::order))
        .route("/admin/sessions", get(sessions::show))
        .route("/admin/logins", get(logins::show))
        .route("/admin/shutdown", get(confirm::ask_shutdown).post(confirm::shutdown))
}

/// Somebody who may open these pages.
struct Admin {
    app: Arc<App>,
    visitor: Visitor,
    caller: Caller,
}

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let Some(session) = visitor.session.clone() else {
            let reads = parts.method.is_safe();
            return Err(if reads {
                to_login(app, &visitor).into_response()
            } else {
                Fault::NoCredentials.into_response()
            });
        };
        let caller = Caller::of_session(app, session);
        caller.require(&["admin-ui"], Resource::Any).map_err(IntoResponse::into_response)?;
        // A person sends these forms; a script of another page of this host, such as somebody's notebook, may not.
        if !parts.method.is_safe() && !visitor.navigates {
            return Err(Fault::Forbidden.into_response());
        }
        Ok(Self { app: Arc::clone(app), visitor, caller })
    }
}

impl Admin {
    fn text(&self) -> Text {
        self.visitor.text
    }

    /// The address of one of these pages; empty for the first.
    fn address(&self, rest: &str) -> String {
        format!("{}hub/admin{rest}", self.app.base_url())
    }

    /// What every page needs. `path`: its own address for a GET.
    fn frame(&self, path: String) -> Frame {
        Frame { path, ..self.visitor.frame(&self.app) }
    }

    fn may(&self, any: &[&str], resource: Resource<'_>) -> bool {
        any.iter().any(|scope| self.caller.may(scope, resource))
    }

    /// Where a form was sent from: one of these pages, without its notice.
    fn back(&self, fields: &Fields) -> String {
        let first = self.address("");
        let back = fields.find("back").and_then(|back| next::check(back, &first));
        let ours = |back: &String| {
            back.strip_prefix(&first).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        };
        back.filter(ours).unwrap_or(first)
    }

    /// To a page that says that something was done.
    fn done(address: &str, done: Done) -> Response {
        let and = if address.contains('?') { '&' } else { '?' };
        Redirect::see_other(&format!("{address}{and}notice={}", done.code())).into_response()
    }
}

/// The body of a call of the API.
fn body(value: Value) -> Body {
    Body(Some(value))
}

/// The pages between which one can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    People,
    Groups,
    Services,
    Sessions,
    Logins,
    Log,
    Shutdown,
}

impl Place {
    pub(super) const ALL: [Self; 7] =
        [Self::People, Self::Groups, Self::Services, Self::Sessions, Self::Logins, Self::Log, Self::Shutdown];

    fn path(self) -> &'static str {
        match self {
            Self::People => "admin",
            Self::Groups => "admin/groups",
            Self::Services => "admin/services",
            Self::Sessions => "admin/sessions",
            Self::Logins => "admin/logins",
            Self::Log => "admin/hub-log",
            Self::Shutdown => "admin/shutdown",
        }
    }

    fn label(self, frame: &Frame) -> &'static str {
        frame.text.get(match self {
            Self::People => "admin.people",
            Self::Groups => "admin.groups",
            Self::Services => "admin.services",
            Self::Sessions => "admin.sessions",
            Self::Logins => "logins.title",
            Self::Log => "logs.of-hub",
            Self::Shutdown => "admin.shutdown",
        })
    }
}

/// What was done, as the address of the next page tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Added,
    Saved,
    Deleted,
    Started,
    AllStarted,
    Stopped,
    Removed,
    Suspended,
    Woken,
    Service,
}

impl Done {
    const ALL: [Self; 10] = [
        Self::Added,
        Self::Saved,
        Self::Deleted,
        Self::Started,
        Self::AllStarted,
        Self::Stopped,
        Self::Removed,
        Self::Suspended,
        Self::Woken,
        Self::Service,
    ];

    fn code(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Saved => "saved",
            Self::Deleted => "deleted",
            Self::Started => "started",
            Self::AllStarted => "all-started",
            Self::Stopped => "stopped",
            Self::Removed => "removed",
            Self::Suspended => "suspended",
            Self::Woken => "woken",
            Self::Service => "service",
        }
    }

    fn sentence(self, text: Text) -> &'static str {
        text.get(match self {
            Self::Added => "admin.added",
            Self::Saved => "admin.saved",
            Self::Deleted => "admin.deleted",
            Self::Started => "admin.started",
            Self::AllStarted => "bulk.started",
            Self::Stopped => "admin.stopped",
            Self::Removed => "admin.removed",
            Self::Suspended => "sleep.suspended",
            Self::Woken => "sleep.woken",
            Self::Service => "services.done",
        })
    }
}

/// How the last action went.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub kind: NoticeKind,
    /// In the language of the page.
    pub text: String,
    /// The API's own words, in English.
    pub reason: Option<String>,
    /// What is wrong, one by one, in the language of the page.
    pub list: Vec<String>,
}

impl Said {
    /// What stands in the address.
    fn arrived(notice: &str, text: Text) -> Option<Self> {
        let done = Done::ALL.into_iter().find(|done| done.code() == notice)?;
        let text = done.sentence(text).to_owned();
        Some(Self { kind: NoticeKind::Success, text, reason: None, list: Vec::new() })
    }

    fn wrong(text: &str, list: Vec<String>) -> Self {
        Self { kind: NoticeKind::Error, text: text.to_owned(), reason: None, list }
    }

    /// A refusal that the person can do something about; any other fault has a page of its own.
    fn refused(fault: Fault, text: Text) -> Result<(StatusCode, Self), Fault> {
        match fault {
            Fault::BadRequest(_) | Fault::Told(..) | Fault::Throttled(..) | Fault::Scopes(_) | Fault::NoAccess => {
                let said = Self::wrong(text.get("admin.refused"), Vec::new());
                Ok((fault.status(), Self { reason: Some(fault.sentence().into_owned()), ..said }))
            }
            other => Err(other),
        }
    }
}

/// Which part of a list is shown.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub first: usize,
    pub last: usize,
    pub total: usize,
    /// Addresses of the parts before and after.
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Part {
    /// Cuts a list; `address` makes the address of the part that begins at an offset.
    fn cut<T>(all: Vec<T>, offset: usize, address: impl Fn(usize) -> String) -> (Vec<T>, Self) {
        let total = all.len();
        // What lies behind the end shows the end.
        let offset = offset.min(total.saturating_sub(1)) / ROWS * ROWS;
        let rows: Vec<T> = all.into_iter().skip(offset).take(ROWS).collect();
        let last = offset + rows.len();
        let part = Self {
            first: if rows.is_empty() { 0 } else { offset + 1 },
            last,
            total,
            before: offset.checked_sub(ROWS).map(&address),
            after: (last < total).then(|| address(last)),
        };
        (rows, part)
    }

    fn sentence(&self, frame: &Frame) -> String {
        let [first, last, total] = [self.first, self.last, self.total].map(|number| number.to_string());
        frame.text.fill("admin.part", &[("first", &first), ("last", &last), ("total", &total)])
    }
}

fn moment(when: Usec) -> Moment {
    Moment::of(system_time(when))
}

/// The names in a text: one a line, or with blanks or commas between.
fn words(text: &str) -> Vec<String> {
    let split = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '，' | '；' | '、');
    text.split(split).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn html(status: StatusCode, page: &impl Page) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.render_page()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_at_whole_pages() {
        let cut = |count: usize, offset| {
            let (rows, part) = Part::cut((0..count).collect(), offset, |offset| offset.to_string());
            (rows.first().copied(), part.first, part.last, part.before, part.after)
        };
        assert_eq!(cut(0, 0), (None, 0, 0, None, None));
        assert_eq!(cut(50, 0), (Some(0), 1, 50, None, None));
        assert_eq!(cut(120, 70), (Some(50), 51, 100, Some("0".into()), Some("100".into())));
        assert_eq!(cut(120, usize::MAX), (Some(100), 101, 120, Some("50".into()), None));
    }

    #[test]
    fn names_are_parted_by_lines_blanks_and_commas() {
        assert_eq!(words(" ann\r\nbob,carol、dave \n\n"), ["ann", "bob", "carol", "dave"]);
    }
}
