//! `/hub/admin`: who is there, and what their servers do; new people.

use std::sync::Arc;

use askama::Template;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hubd_base::names::{ServerId, UserName, esc};
use serde::Deserialize;

use super::super::choice;
use super::super::form::Form;
use super::super::idle;
use super::super::locale::Language;
use super::super::text;
use super::super::view::{Actions, Frame, Moment, NoticeKind};
use super::accounts::{self, Choice};
use super::live::{self, Panel, Uses};
use super::{Admin, Done, Part, Place, Said, html, moment, words};
use crate::api::accounts::Wanted;
use crate::api::user_changes;
use crate::api::users::{Selection, select};
use crate::auth::accounts::{Meant, resolve};
use crate::auth::scopes::Resource;
use crate::http::faults::Fault;
use crate::http::next;
use crate::servers::profiles::chosen;
use crate::servers::server::Server;
use crate::servers::state::{Snapshot, State as ServerState};
use crate::store::users::UserRow;

/// In the order of the page's own list.
const STATES: [(&str, &str); 4] = [
    ("", "admin.state-all"),
    ("active", "admin.state-active"),
    ("ready", "admin.state-ready"),
    ("inactive", "admin.state-inactive"),
];

/// What stands in the address: the names are the contract's (8.7).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub name_filter: String,
    pub state: String,
    pub sort: String,
    pub offset: usize,
    pub notice: String,
}

impl Asked {
    /// The page that an address means.
    pub fn of(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "name_filter" => asked.name_filter = value.into_owned(),
                "state" => asked.state = value.into_owned(),
                "sort" => asked.sort = value.into_owned(),
                "offset" => asked.offset = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        asked
    }

    /// The address of this page without its notice, from the question mark on.
    pub fn query(&self) -> String {
        let offset = self.offset.to_string();
        let fields =
            [("name_filter", &*self.name_filter), ("state", &*self.state), ("sort", &*self.sort), ("offset", &*offset)];
        let said = fields.into_iter().filter(|(name, value)| !value.is_empty() && (*name != "offset" || *value != "0"));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }

    fn sorted(&self) -> &str {
        if self.sort.is_empty() { "name" } else { &self.sort }
    }

    /// Everybody who fits.
    fn people(&self, admin: &Admin) -> Result<Vec<Arc<UserRow>>, Fault> {
        let given = |value: &'static str| Some(value).filter(|value| !value.is_empty());
        let state = STATES.iter().find(|(state, _)| *state == self.state);
        let state = match state {
            Some((state, _)) => given(state),
            None => Some(self.state.as_str()),
        };
        let name_filter = Some(self.name_filter.trim()).filter(|part| !part.is_empty());
        select(&admin.app, &admin.caller, &Selection { name_filter, state, sort: Some(self.sorted()) })
    }

    /// The people of this page, and where it is in the list.
    pub fn part(&self, admin: &Admin) -> Result<(Vec<Arc<UserRow>>, Part), Fault> {
        let address = |offset| admin.address(&Self { offset, ..self.clone() }.query());
        Ok(Part::cut(self.people(admin)?, self.offset, address))
    }
}

/// One person.
pub(in crate::pages) struct Person {
    pub name: String,
    pub admin: bool,
    pub activity: Option<Moment>,
    /// The default one first; none where they may not be seen.
    pub servers: Vec<Row>,
    /// The page about this person, below `<base>hub/`.
    pub page: String,
    pub may_edit: bool,
    pub may_delete: bool,
}

/// One server.
pub(in crate::pages) struct Row {
    pub id: ServerId,
    /// `alice` or `alice/gpu`, percent-encoded.
    pub path: String,
    /// For people who do not see the table.
    pub full_name: String,
    /// Its name for people; empty for the default server.
    pub name: String,
    pub is_default: bool,
    /// The profile that was chosen for it.
    pub profile: Option<String>,
    pub state: ServerState,
    pub started: Option<Moment>,
    /// Why it failed, in the language of the page.
    pub failure: Option<String>,
    /// When it was last used; for a default server that was not, when its person was last active.
    pub used: Option<Moment>,
    /// What it uses right now; `None` while it does not run, and where that was not asked.
    pub uses: Option<Uses>,
    /// Where it is opened.
    pub url: String,
    pub actions: Actions,
    pub may_remove: bool,
    pub may_read_log: bool,
    /// Where its limits are shown; `None` while it does not run.
    pub limits: Option<String>,
    /// What becomes of it when it is idle, where the page has room for a sentence.
    pub idle: Option<String>,
    /// Where it is started with another profile; `None` where there are none, and in the list.
    pub choice: Option<String>,
}

impl Person {
    pub fn of(admin: &Admin, row: &UserRow) -> Self {
        let user = row.name.as_str();
        let on = |any: &[&str]| admin.may(any, Resource::User(user));
        let own = admin.caller.user() == Some(&row.name);
        let seen = on(&["read:users", "read:users:activity"]);
        let activity = row.last_activity.filter(|_| seen).map(moment);
        let mut servers = Row::all(admin, &row.name);
        if let Some(default) = servers.first_mut().filter(|first| first.used.is_none()) {
            default.used.clone_from(&activity);
        }
        Self {
            name: user.to_owned(),
            admin: admin.app.is_admin(&row.name),
            activity,
            servers,
            page: format!("admin/user/{}", esc(user)),
            may_edit: on(&["read:users", "admin:users"]),
            may_delete: !own && on(&["delete:users"]),
        }
    }

    /// The attribute of cells that stand beside all servers; one row needs none.
    fn span(&self) -> askama::filters::Safe<String> {
        let rows = self.servers.len();
        askama::filters::Safe(if rows > 1 { format!(" rowspan=\"{rows}\"") } else { String::new() })
    }
}

impl Row {
    /// What the page about the person offers beyond the list, which has many rows.
    pub fn offer_more(&mut self, admin: &Admin) {
        let server = admin.app.servers.find(&self.id);
        self.idle = server.and_then(|server| idle::sentence(&admin.app, &server, admin.text()));
        self.limits = self.state.is_ready().then(|| admin.address(&format!("/limits/{}", self.id.url_segment())));
        self.choice = choice::address(&admin.app, &self.id, None).filter(|_| self.actions.start);
    }

    /// Whether it can be suspended: the same scope as for the log.
    pub fn may_suspend(&self) -> bool {
        self.may_read_log && self.state == ServerState::Running
    }

    /// Whether it can be woken.
    pub fn may_wake(&self) -> bool {
        self.may_read_log && self.state == ServerState::Suspended
    }

    pub fn label(&self, frame: &Frame) -> &str {
        if self.name.is_empty() { frame.text.get("admin.default") } else { &self.name }
    }

    /// Every server of a person that may be seen; the default one stands there even if it never ran.
    fn all(admin: &Admin, user: &UserName) -> Vec<Self> {
        let default = ServerId::default_of(user.clone());
        let known = admin.app.servers.of(user);
        let mut rows = Vec::with_capacity(known.len() + 1);
        if known.first().is_none_or(|server| !server.id.server.is_default()) {
            rows.extend(Self::of(admin, &default, None));
        }
        rows.extend(known.iter().filter_map(|server| Self::of(admin, &server.id, Some(server))));
        rows
    }

    fn of(admin: &Admin, id: &ServerId, server: Option<&Arc<Server>>) -> Option<Self> {
        let resource = Resource::Server { user: id.user.as_str(), server: id.server.as_str() };
        let may = |scope| admin.caller.may(scope, resource);
        if !may("read:servers") {
            return None;
        }
        let snapshot = server.map_or_else(|| Snapshot::stopped(0), |server| server.snapshot());
        let could = Actions::of(snapshot.state);
        let details = server.and_then(|server| server.details());
        let profile = details.as_ref().and_then(|details| chosen(&details.user_options)).map(str::to_owned);
        let display = details.map(|details| details.display_name.clone()).filter(|name| !name.is_empty());
        Some(Self {
            id: id.clone(),
            path: id.url_segment(),
            full_name: id.to_string(),
            name: display.unwrap_or_else(|| id.server.as_str().to_owned()),
            is_default: id.server.is_default(),
            profile: profile.filter(|_| !admin.app.config.profiles.is_empty()),
            state: snapshot.state,
            started: snapshot.started.filter(|_| snapshot.state.is_ready()).map(moment),
            failure: text::server(&admin.app, id, &snapshot, admin.text()).message,
            used: server.and_then(|server| server.last_activity()).map(moment),
            uses: None,
            url: admin.app.server_url(id),
            actions: Actions {
                open: could.open && admin.app.access.may_enter(&admin.caller.scopes, id),
                start: could.start && may("start:servers"),
                stop: could.stop && may("delete:servers"),
            },
            may_remove: !id.server.is_default() && !snapshot.state.is_active() && may("delete:servers"),
            may_read_log: may("servers"),
            limits: None,
            idle: None,
            choice: None,
        })
    }
}

/// The page.
#[derive(Template)]
#[template(path = "admin/people.html")]
pub(in crate::pages) struct PeoplePage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    pub asked: Asked,
    pub part: Part,
    pub people: Vec<Person>,
    /// The machine, for those who may see it.
    pub machine: Option<Panel>,
    /// Whether somebody runs a server that may be stopped.
    pub may_stop: bool,
    pub may_add: bool,
    /// Does who has no account get one?
    pub may_make: bool,
    pub typed: Typed,
}

/// What somebody typed into the form for new people.
#[derive(Clone, Debug, Default)]
pub(in crate::pages) struct Typed {
    pub names: String,
    pub admin: bool,
    pub wrong: bool,
    pub choice: Choice,
}

impl PeoplePage {
    /// Whether somebody has a default server that may be started.
    fn may_start(&self) -> bool {
        self.people.iter().flat_map(|person| &person.servers).any(|row| row.is_default && row.actions.start)
    }

    fn choice(&self) -> Choice {
        self.typed.choice
    }

    fn states(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let words = self.frame.text;
        STATES.into_iter().map(move |(value, key)| (value, words.get(key)))
    }

    /// The address that sorts by a column, the other way round if it is sorted by it.
    fn sort_by(&self, key: &str) -> String {
        let sort = if self.asked.sorted() == key { format!("-{key}") } else { key.to_owned() };
        let asked = Asked { sort, offset: 0, ..self.asked.clone() };
        format!("{}{}", self.frame.hub("admin"), asked.query())
    }

    /// `aria-sort`
    fn sorted(&self, key: &str) -> &'static str {
        match self.asked.sorted().strip_prefix('-') {
            Some(sorted) if sorted == key => "descending",
            None if self.asked.sorted() == key => "ascending",
            _ => "none",
        }
    }
}

/// `GET /hub/admin`
pub(super) async fn show(admin: Admin, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let said = Said::arrived(&asked.notice, admin.text());
    draw(&admin, StatusCode::OK, asked, said, Typed::default()).await
}

pub(super) async fn draw(
    admin: &Admin,
    status: StatusCode,
    asked: Asked,
    said: Option<Said>,
    typed: Typed,
) -> Result<Response, Fault> {
    let (rows, part) = asked.part(admin)?;
    let mut people: Vec<Person> = rows.iter().map(|row| Person::of(admin, row)).collect();
    live::fill(admin, &mut people).await;
    let page = PeoplePage {
        frame: admin.frame(admin.address(&asked.query())),
        here: Place::People,
        said,
        part,
        machine: Panel::seen(admin).await,
        may_stop: people.iter().flat_map(|person| &person.servers).any(|server| server.actions.stop),
        people,
        may_add: admin.may(&["admin:users"], Resource::Any),
        may_make: accounts::may_make(admin),
        asked,
        typed,
    };
    Ok(html(status, &page))
}

/// `POST /hub/admin/users`: all of them, or nobody. Fields: `names`, `admin`, and those of [`accounts::wanted`].
pub(super) async fn add(admin: Admin, headers: HeaderMap, form: Form) -> Result<Response, Fault> {
    let mut fields = form.open()?;
    let (password, choice) = accounts::wanted(&mut fields);
    let mut typed = Typed {
        names: fields.find("names").unwrap_or_default().to_owned(),
        admin: fields.find("admin").is_some(),
        wrong: false,
        choice,
    };
    let names = words(&typed.names);
    admin.caller.require(&["admin:users"], Resource::Any)?;
    let wrong = wrong_names(&admin, &names).await;
    if !wrong.is_empty() {
        typed.wrong = true;
        let said = Said::wrong(admin.text().get("admin.names-wrong"), wrong);
        return draw(&admin, StatusCode::BAD_REQUEST, Asked::default(), Some(said), typed).await;
    }
    if let Some(said) = accounts::missing(&admin, &password) {
        return draw(&admin, StatusCode::BAD_REQUEST, Asked::default(), Some(said), typed).await;
    }
    user_changes::may_grant(&admin.app, &admin.caller, typed.admin)?;
    match user_changes::add(&admin.app, &admin.caller, &names, typed.admin, &Wanted::Told(password)).await {
        Ok(added) => match accounts::made(&admin, &headers, &added, choice.must_change) {
            Some(page) => Ok(page),
            None => Ok(Admin::done(&admin.address(""), Done::Added)),
        },
        Err(fault) => {
            let (status, said) = Said::refused(fault, admin.text())?;
            typed.wrong = true;
            draw(&admin, status, Asked::default(), Some(said), typed).await
        }
    }
}

/// What is wrong with which names. Where accounts cannot be looked up the API says so.
async fn wrong_names(admin: &Admin, names: &[String]) -> Vec<String> {
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let Ok(meant) = resolve(admin.app.accounts.as_ref(), &admin.app.people, &asked).await else { return Vec::new() };
    let wrong = asked.iter().zip(meant).filter_map(|(name, meant)| {
        let key = match meant {
            Meant::Person(_) | Meant::Account(_) => return None,
            Meant::Nobody if user_changes::makeable(&admin.app, name).is_some() => return None,
            Meant::Nobody if admin.app.config.login.create_system_users => "account.name-wrong",
            Meant::Nobody => "admin.name-nobody",
            Meant::Impossible => "admin.name-impossible",
        };
        Some(admin.text().fill(key, &[("name", name)]))
    });
    wrong.collect()
}

/// The page from which a form was sent, with what became of it.
pub(super) async fn redraw(admin: &Admin, back: &str, fault: Fault) -> Result<Response, Fault> {
    let (status, said) = Said::refused(fault, admin.text())?;
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    let person = path.strip_prefix(&admin.address("/user/")).and_then(next::user_of);
    match person.and_then(|name| admin.app.people.find(&name)) {
        Some(person) => Ok(super::user::draw(admin, status, &person, Some(said), None).await),
        None => draw(admin, status, Asked::of(query), Some(said), Typed::default()).await,
    }
}
