//! All servers of the hub, and what others may ask of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use hubd_base::names::{ServerId, UserName};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::jobs;
use super::launcher::{JournalLine, LaunchError, Launcher, UnitState};
use super::state::{Backend, Event, Snapshot, State, next};
use crate::clock::{Usec, now};
use crate::store::Store;
use crate::store::server_rows::ServerMark;

/// How long the jobs may take.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// From the request to the first answer of the server.
    pub start: Duration,
    /// From the request to the unit being gone.
    pub stop: Duration,
}

/// One server.
pub struct Server {
    /// Whose, and which.
    pub id: ServerId,
    snapshot: watch::Sender<Snapshot>,
    /// What the watcher last read of the unit, for a start that waits.
    pub(super) unit: watch::Sender<Option<UnitState>>,
    /// Held while the unit is read and the reading applied, so that no stale reading is applied late.
    pub(super) examining: tokio::sync::Mutex<()>,
    /// Cancels the start under way.
    start: Mutex<CancellationToken>,
    /// Held by the job under way: a stop waits for the start it cancelled.
    pub(super) job: tokio::sync::Mutex<()>,
}

impl Server {
    fn new(id: ServerId) -> Self {
        Self {
            id,
            snapshot: watch::Sender::new(Snapshot::stopped(now())),
            unit: watch::Sender::new(None),
            examining: tokio::sync::Mutex::new(()),
            start: Mutex::new(CancellationToken::new()),
            job: tokio::sync::Mutex::new(()),
        }
    }

    /// How it is right now.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.borrow().clone()
    }

    /// Where it is reached, while it is ready: what the proxy asks for each request.
    pub fn backend(&self) -> Option<Arc<Backend>> {
        self.snapshot.borrow().backend.clone()
    }

    /// Follows every change.
    pub fn follow(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.subscribe()
    }

    /// Applies an event by the table; `change` fills in the rest of the new snapshot. Returns whether it applied.
    pub(super) fn apply(&self, event: Event, change: impl FnOnce(&mut Snapshot)) -> bool {
        self.snapshot.send_if_modified(|snapshot| {
            let Some(state) = next(snapshot.state, event) else { return false };
            snapshot.state = state;
            snapshot.since = now();
            if !state.is_ready() {
                if let Some(backend) = snapshot.backend.take() {
                    backend.gone.cancel();
                }
            }
            change(snapshot);
            true
        })
    }

    /// Changes details that are not the state.
    pub(super) fn amend(&self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshot.send_modify(change);
    }

    pub(super) fn start_token(&self) -> MutexGuard<'_, CancellationToken> {
        self.start.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a start or stop was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// It runs already.
    Running,
    /// It is being stopped.
    Stopping,
}

pub(super) struct Inner {
    pub(super) launcher: Arc<dyn Launcher>,
    pub(super) store: Store,
    pub(super) deadlines: Deadlines,
    pub(super) base_url: String,
    pub(super) tasks: TaskTracker,
    pub(super) known: RwLock<BTreeMap<ServerId, Arc<Server>>>,
}

/// All servers; clones share them.
#[derive(Clone)]
pub struct Servers(pub(super) Arc<Inner>);

impl Servers {
    /// An empty registry; [`super::watch::run`] fills it from the launcher.
    pub fn new(launcher: Arc<dyn Launcher>, store: Store, deadlines: Deadlines, base_url: String) -> Self {
        Self(Arc::new(Inner {
            launcher,
            store,
            deadlines,
            base_url,
            tasks: TaskTracker::new(),
            known: RwLock::default(),
        }))
    }

    /// The server, if it was ever seen or asked for.
    pub fn find(&self, id: &ServerId) -> Option<Arc<Server>> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// The server, remembered as stopped if it was never seen.
    pub fn get(&self, id: &ServerId) -> Arc<Server> {
        if let Some(server) = self.find(id) {
            return server;
        }
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        let server = known.entry(id.clone()).or_insert_with(|| Arc::new(Server::new(id.clone())));
        Arc::clone(server)
    }

    /// All servers ever seen, in the order of their names.
    pub fn all(&self) -> Vec<Arc<Server>> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A person's servers, the default one first.
    pub fn of(&self, user: &UserName) -> Vec<Arc<Server>> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let first = ServerId::default_of(user.clone());
        known.range(first..).take_while(|(id, _)| id.user == *user).map(|(_, server)| Arc::clone(server)).collect()
    }

    /// Begins a start, or joins the one under way.
    pub fn start(&self, id: &ServerId) -> Result<Arc<Server>, Busy> {
        let server = self.get(id);
        if server.apply(Event::StartAsked, jobs::begin) {
            jobs::spawn_start(self, &server, jobs::Kind::Launch);
            return Ok(server);
        }
        match server.snapshot().state {
            State::Running | State::Suspended => Err(Busy::Running),
            State::Stopping => Err(Busy::Stopping),
            State::Stopped | State::Starting | State::Failed => Ok(server),
        }
    }

    /// Begins a stop, or joins the one under way. A start under way is cancelled.
    pub fn stop(&self, id: &ServerId) -> Arc<Server> {
        let server = self.get(id);
        if server.apply(Event::StopAsked, |snapshot| snapshot.failure = None) {
            server.start_token().cancel();
            jobs::spawn_stop(self, &server);
        }
        server
    }

    /// The server's last journal lines, oldest first; `invocation` empty means of all runs.
    pub async fn journal(&self, id: &ServerId, invocation: &str, lines: u32) -> Result<Vec<JournalLine>, LaunchError> {
        self.0.launcher.journal(id, invocation, lines).await
    }

    /// Reads the unit and follows what it says.
    pub async fn examine(&self, id: &ServerId) {
        jobs::examine(self, &self.get(id)).await;
    }

    /// Writes the latest activity of every running server to the store.
    pub async fn save_activity(&self, since: Usec) {
        let touched: Vec<_> = self
            .all()
            .into_iter()
            .filter_map(|server| {
                let backend = server.backend()?;
                let when = backend.last_activity.load(std::sync::atomic::Ordering::Relaxed);
                (when > since).then(|| (server.id.clone(), when))
            })
            .collect();
        if touched.is_empty() {
            return;
        }
        if let Err(error) = self.0.store.touch_servers(touched).await {
            tracing::warn!("cannot write the servers' last activity, retrying with the next batch: {error}");
        }
    }

    /// Closes rows of starts that a former process began and of which no unit came: seen once all units were looked at.
    pub(super) async fn close_lost(&self) {
        let rows = match self.0.store.server_rows().await {
            Ok(rows) => rows,
            Err(error) => return tracing::warn!("cannot read the servers' rows, ignoring: {error}"),
        };
        for row in rows.into_iter().filter(|row| row.pending.is_some() || row.started.is_some()) {
            if self.get(&row.id).snapshot().state.is_active() {
                continue;
            }
            if let Err(error) = self.0.store.mark_server(row.id, ServerMark::Stopped, now()).await {
                tracing::warn!("cannot close a server's row, ignoring: {error}");
            }
        }
    }
}
