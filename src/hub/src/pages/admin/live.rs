//! `/hub/admin/events` and `/hub/admin/user/{user}/events`: what the servers of one page do and use, and the machine, over
//! one stream for the page.
//!
//! Invariant: only what the page shows is followed, and only what changed is told. Words and amounts are put together
//! here, so that scripts have none of their own.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, Query};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, future, stream};
use hubd_base::names::ServerId;
use serde::Serialize;
use tokio::sync::watch;

use super::super::amounts;
use super::super::figures;
use super::super::idle;
use super::super::locale::Text;
use super::Admin;
use super::people::{Asked, Person};
use crate::app::App;
use crate::auth::scopes::Resource;
use crate::clock::{Usec, now};
use crate::http::faults::Fault;
use crate::servers::server::Server;
use crate::servers::state::State as ServerState;
use crate::servers::usage::{Machine, Reading, Usage};

/// Changes told in one event.
const TOGETHER: usize = 512;
/// Readings at once when a page is drawn.
const AT_ONCE: usize = 8;
/// For so long after the last suspension for want of memory the page speaks of it, microseconds: 1 hour.
const SHORTAGE: Usec = 3_600_000_000;
/// In the order of the panel; servers that rest are of no interest there.
const STATES: [ServerState; 5] =
    [ServerState::Running, ServerState::Suspended, ServerState::Starting, ServerState::Stopping, ServerState::Failed];

/// What a server uses, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::pages) struct Uses {
    pub memory: String,
    /// Processors and tasks.
    pub rest: String,
}

impl Uses {
    pub fn of(reading: &Reading<Usage>, machine: &Machine, text: Text) -> Self {
        let [memory, processors, tasks] = ["memory", "processors", "tasks"].map(|kind| {
            let all = figures::of(Some(reading), machine, text);
            all.into_iter().find(|figure| figure.kind == kind).map(|figure| figure.text).unwrap_or_default()
        });
        Self { memory, rest: text.fill("live.rest", &[("processors", &processors), ("tasks", &tasks)]) }
    }
}

/// The machine, in words and parts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::pages) struct Panel {
    pub figures: Vec<PanelFigure>,
    /// How many servers are in each state but at rest.
    pub servers: Vec<InState>,
    /// That servers were suspended for want of memory a short while ago.
    pub short: Option<String>,
}

/// One figure of the machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::pages) struct PanelFigure {
    pub kind: &'static str,
    #[serde(skip)]
    pub label: &'static str,
    pub text: String,
    /// From 0 to 1, in thousandths; `None` where nothing is known.
    pub part: Option<f64>,
}

/// How many servers are in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::pages) struct InState {
    pub state: &'static str,
    #[serde(skip)]
    pub label: &'static str,
    pub count: usize,
}

impl Panel {
    /// For those who may see all servers, or the hub's metrics, which say the same.
    pub async fn seen(admin: &Admin) -> Option<Self> {
        if !may_see(admin) {
            return None;
        }
        let reading = admin.app.servers.machine().await;
        Some(Self::of(&admin.app, reading.as_ref(), admin.text()))
    }

    fn of(app: &App, reading: Option<&Reading<Machine>>, text: Text) -> Self {
        let machine = reading.map(|reading| reading.usage).unwrap_or_default();
        let rate = reading.and_then(|reading| reading.cpu_percent);
        let unknown = || text.get("usage.unknown").to_owned();
        let of = |used: &str, most: &str| text.fill("usage.of", &[("used", used), ("most", most)]);
        let processors = match (rate, machine.cpus) {
            (Some(rate), Some(cpus)) => of(&amounts::processors(rate), &cpus.to_string()),
            (None, Some(_)) if machine.cpu_usec.is_some() => text.get("usage.soon").to_owned(),
            _ => unknown(),
        };
        let memory = machine.memory_used.zip(machine.memory_total);
        #[allow(clippy::cast_precision_loss, reason = "a part of a whole")]
        let memory_part = memory.map(|(used, total)| used as f64 / total.max(1) as f64);
        let pressure = machine.memory_pressure.map(f64::from);
        let figure =
            |kind, label, text, part: Option<f64>| PanelFigure { kind, label, text, part: part.map(thousandths) };
        let figures = vec![
            figure(
                "memory",
                text.get("usage.memory"),
                memory.map_or_else(unknown, |(used, total)| of(&amounts::bytes(used), &amounts::bytes(total))),
                memory_part,
            ),
            figure(
                "processors",
                text.get("usage.processors"),
                processors,
                rate.zip(machine.cpus).map(|(rate, cpus)| rate / 100.0 / f64::from(cpus.max(1))),
            ),
            figure(
                "pressure",
                text.get("live.pressure"),
                pressure.map_or_else(unknown, |share| format!("{share:.0} %")),
                pressure.map(|share| share / 100.0),
            ),
        ];
        Self { figures, servers: counts(app, text), short: short(app, text) }
    }
}

fn thousandths(part: f64) -> f64 {
    (part.clamp(0.0, 1.0) * 1000.0).round() / 1000.0
}

fn short(app: &App, text: Text) -> Option<String> {
    let (count, last) = app.idle.shortage.suspended()?;
    let ago = now().saturating_sub(last);
    let words = [("count", &*count.to_string()), ("time", &*idle::span(ago, text))];
    (ago < SHORTAGE).then(|| text.fill("live.short", &words))
}

fn counts(app: &App, text: Text) -> Vec<InState> {
    let mut counts = [0_usize; STATES.len()];
    app.servers.for_each(|server| {
        let state = server.state();
        for (count, _) in counts.iter_mut().zip(STATES).filter(|(_, counted)| *counted == state) {
            *count += 1;
        }
    });
    STATES
        .into_iter()
        .zip(counts)
        .map(|(state, count)| InState { state: state.word(), label: word(state, text), count })
        .collect()
}

/// One word for a state.
fn word(state: ServerState, text: Text) -> &'static str {
    text.get(match state {
        ServerState::Stopped => "state.stopped",
        ServerState::Starting => "state.starting",
        ServerState::Running => "state.running",
        ServerState::Suspended => "state.suspended",
        ServerState::Stopping => "state.stopping",
        ServerState::Failed => "state.failed",
    })
}

fn may_see(admin: &Admin) -> bool {
    admin.may(&["read:metrics", "admin:servers"], Resource::Any)
}

/// Reads what the servers of these people use, those that run.
pub(super) async fn fill(admin: &Admin, people: &mut [Person]) {
    let machine = admin.app.servers.machine().await.map(|reading| reading.usage).unwrap_or_default();
    let rows = people.iter_mut().flat_map(|person| &mut person.servers).filter(|row| row.state.is_ready());
    stream::iter(rows)
        .for_each_concurrent(AT_ONCE, |row| async move {
            let Some(server) = admin.app.servers.find(&row.id) else { return };
            let reading = admin.app.servers.usage(&server).await;
            row.uses = reading.map(|reading| Uses::of(&reading, &machine, admin.text()));
        })
        .await;
}

/// `GET /hub/admin/events`, with the address of the page behind the question mark.
pub(super) async fn of_list(
    admin: Admin,
    Query(asked): Query<Asked>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let (rows, _) = asked.part(&admin)?;
    let people: Vec<Person> = rows.iter().map(|row| Person::of(&admin, row)).collect();
    let machine = may_see(&admin);
    follow(&admin, &people, machine, idle::short).await
}

/// `GET /hub/admin/user/{user}/events`
pub(super) async fn of_person(
    admin: Admin,
    Path(name): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let person = super::user::find(&admin, &name)?;
    let person = Person::of(&admin, &person);
    follow(&admin, std::slice::from_ref(&person), false, idle::sentence).await
}

/// What changed: a server of the page, by its number, or the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Server(usize),
    Machine,
}

/// In a sentence or in a few words; nothing where there is nothing to say.
type Say = fn(&App, &Server, Text) -> Option<String>;

/// One server of the page.
struct Row {
    app: Arc<App>,
    id: ServerId,
    server: Arc<Server>,
    usage: watch::Receiver<Option<Reading<Usage>>>,
    /// How its idleness is told.
    say: Say,
    /// What was told of it last.
    told: Option<RowNews>,
}

/// What is told of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct RowNews {
    server: String,
    state: &'static str,
    label: &'static str,
    uses: Option<Uses>,
    /// What becomes of it when it is idle.
    idle: Option<String>,
}

#[derive(Serialize)]
struct News {
    rows: Vec<RowNews>,
    machine: Option<Panel>,
}

/// Ticks each time a watched value changes, and once at the beginning.
fn changes<T: Clone + Send + Sync + 'static>(
    mut watched: watch::Receiver<T>,
    what: Change,
) -> BoxStream<'static, Change> {
    watched.mark_changed();
    stream::unfold(watched, move |mut watched| async move {
        watched.changed().await.ok()?;
        watched.mark_unchanged();
        Some((what, watched))
    })
    .boxed()
}

async fn follow(
    admin: &Admin,
    people: &[Person],
    with_machine: bool,
    say: Say,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Fault> {
    let session = admin.visitor.session.clone().ok_or(Fault::NoCredentials)?;
    let app = Arc::clone(&admin.app);
    let text = admin.text();
    let mut rows: Vec<Row> = Vec::new();
    let mut sources = Vec::new();
    for id in people.iter().flat_map(|person| &person.servers).map(|row| &row.id) {
        let server = app.servers.get(id);
        let usage = app.servers.follow_usage(&server);
        let number = Change::Server(rows.len());
        sources.extend([changes(server.follow(), number), changes(usage.clone(), number)]);
        rows.push(Row { app: Arc::clone(&app), id: id.clone(), server, usage, say, told: None });
    }
    // What a limit is measured against does not change while somebody looks.
    let machine = app.servers.machine().await.map(|reading| reading.usage).unwrap_or_default();
    let panel = with_machine.then(|| app.servers.follow_machine());
    sources.extend(panel.clone().map(|panel| changes(panel, Change::Machine)));
    let mut told: Option<Panel> = None;
    let draw = {
        let app = Arc::clone(&app);
        move |changed: Vec<Change>| {
            let changed: BTreeSet<Change> = changed.into_iter().collect();
            let news = News {
                rows: changed
                    .iter()
                    .filter_map(|change| news_of(rows.get_mut(number(*change)?)?, &machine, text))
                    .collect(),
                machine: panel.as_ref().filter(|_| changed.contains(&Change::Machine)).and_then(|panel| {
                    let fresh = Panel::of(&app, panel.borrow().as_ref(), text);
                    (told.as_ref() != Some(&fresh)).then(|| told.insert(fresh).clone())
                }),
            };
            let event = (!news.rows.is_empty() || news.machine.is_some()).then(|| serde_json::to_string(&news));
            future::ready(event.and_then(Result::ok).map(|data| Ok(Event::default().data(data))))
        }
    };
    let events = stream::select_all(sources).ready_chunks(TOGETHER).filter_map(draw);
    let over =
        future::select(Box::pin(session.ended.clone().cancelled_owned()), Box::pin(app.stop.clone().cancelled_owned()));
    Ok(Sse::new(events.take_until(over)).keep_alive(KeepAlive::default()))
}

fn number(change: Change) -> Option<usize> {
    match change {
        Change::Server(number) => Some(number),
        Change::Machine => None,
    }
}

/// What is new of a server; `None` if it was all told.
fn news_of(row: &mut Row, machine: &Machine, text: Text) -> Option<RowNews> {
    let state = row.server.snapshot().state;
    let reading = *row.usage.borrow();
    let news = RowNews {
        server: row.id.url_segment(),
        state: state.word(),
        label: word(state, text),
        idle: (row.say)(&row.app, &row.server, text),
        uses: reading.filter(|_| state.is_ready()).map(|reading| Uses::of(&reading, machine, text)),
    };
    (row.told.as_ref() != Some(&news)).then(|| row.told.insert(news).clone())
}
