//! All servers of the hub, and what others may ask of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use hubd_base::config::Config;
use hubd_base::names::{ServerId, ServerName, UserName};
use serde_json::{Map, Value};
use tokio_util::task::TaskTracker;

use super::launcher::{JournalLine, LaunchError, Launcher};
use super::limits::{InForce, LimitChange};
use super::naming::Refusal;
use super::server::{Details, Server};
use super::state::{Event, Hold, State};
use super::usage::Sampler;
use super::{ending, jobs};
use crate::auth::people::People;
use crate::auth::random;
use crate::auth::shares::Shares;
use crate::auth::tokens::Tokens;
use crate::store::{Store, StoreError};

/// Seconds after which somebody who was turned away may come back: at least this, and at most this much longer.
const COME_BACK: (u32, u32) = (30, 30);

/// What the configuration says of servers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Starts and ends with a slash.
    pub base_url: String,
    /// From the request to the first answer of the server.
    pub start: Duration,
    /// From the request to the unit being gone.
    pub stop: Duration,
    /// Starts at once; `None` for no limit.
    pub concurrent_starts: Option<u32>,
    /// Servers that run, start or stop; `None` for no limit.
    pub active_servers: Option<u32>,
    /// Servers with a name for each person: 0 turns them off, `None` is no limit.
    pub named_limit: Option<u32>,
    /// What a server's own token may do.
    pub token_scopes: Vec<String>,
    /// Are there profiles? Otherwise the option of that name is free.
    pub profiles: bool,
}

impl Settings {
    /// From `/etc/hub`.
    pub fn of(config: &Config) -> Self {
        Self {
            base_url: config.hub.base_url.clone(),
            start: config.server.start_timeout,
            stop: config.server.stop_timeout,
            concurrent_starts: config.hub.concurrent_starts,
            active_servers: config.hub.active_servers,
            named_limit: config.server.named_limit,
            token_scopes: config.server.token_scopes.clone(),
            profiles: !config.profiles.is_empty(),
        }
    }
}

/// What somebody who starts or makes a server says of it; what is not said stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Its name for people, checked.
    pub display_name: Option<String>,
    /// What to start with.
    pub user_options: Option<Map<String, Value>>,
}

impl Wanted {
    /// The details that follow from what is known and what is wanted.
    pub(super) fn over(self, known: Option<&Details>, name: &ServerName) -> Details {
        let Details { display_name, user_options } = known
            .cloned()
            .unwrap_or_else(|| Details { display_name: name.as_str().to_owned(), user_options: Map::new() });
        Details {
            display_name: self.display_name.unwrap_or(display_name),
            user_options: self.user_options.unwrap_or(user_options),
        }
    }
}

/// Why a start was not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Busy {
    /// It runs already.
    Running,
    /// It is being stopped.
    Stopping,
    /// It is being renamed or removed.
    Held(Hold),
    /// So many servers are starting that one more has to wait; seconds after which to come back.
    TooManyStarts(u32),
    /// As many servers run as may.
    TooManyServers,
    /// There is no such server, and there will be none.
    Refused(Refusal),
}

/// Whom servers belong to, and what hangs on them.
pub struct Ties {
    /// Their owners.
    pub people: Arc<People>,
    /// Their own tokens, and those that were issued for them.
    pub tokens: Arc<Tokens>,
    /// With whom they are shared.
    pub shares: Arc<Shares>,
}

pub(super) struct Inner {
    pub(super) launcher: Arc<dyn Launcher>,
    pub(super) store: Store,
    pub(super) settings: Settings,
    pub(super) people: Arc<People>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) shares: Arc<Shares>,
    pub(super) tasks: TaskTracker,
    /// What only follows something: no work that keeps the hub here.
    pub(super) followers: TaskTracker,
    pub(super) sampler: Sampler,
    /// Held while it is decided whether a server may begin to exist or to start, so that limits hold.
    turn: Mutex<()>,
    known: RwLock<Known>,
}

type Known = BTreeMap<UserName, BTreeMap<ServerName, Arc<Server>>>;

/// All servers; clones share them.
#[derive(Clone)]
pub struct Servers(pub(super) Arc<Inner>);

impl Servers {
    /// The servers that people asked for; [`super::watch::run`] finds out which of them run.
    pub async fn load(
        launcher: Arc<dyn Launcher>,
        store: Store,
        settings: Settings,
        Ties { people, tokens, shares }: Ties,
    ) -> Result<Self, StoreError> {
        let (rows, idle) = (store.server_rows().await?, store.idle_rows().await?);
        let servers = Self(Arc::new(Inner {
            launcher,
            store,
            settings,
            people,
            tokens,
            shares,
            tasks: TaskTracker::new(),
            followers: TaskTracker::new(),
            sampler: Sampler::default(),
            turn: Mutex::default(),
            known: RwLock::default(),
        }));
        for row in rows {
            let details = Details { display_name: row.display_name, user_options: row.user_options };
            let server = servers.get(&row.id);
            server.set_details(Some(details), row.last_activity);
            server.set_unsettled(row.started.is_some() || row.pending.is_some());
            if let Some(outcome) = row.outcome {
                server.recall(&outcome);
            }
        }
        for row in idle {
            servers.get(&row.id).remember(row);
        }
        Ok(servers)
    }

    /// The path of a server: `/user/alice/`.
    pub fn path(&self, id: &ServerId) -> String {
        format!("{}user/{}/", self.0.settings.base_url, id.url_segment())
    }

    /// The server, if it was ever seen or asked for.
    pub fn find(&self, id: &ServerId) -> Option<Arc<Server>> {
        self.read(|known| known.get(&id.user)?.get(&id.server).cloned())
    }

    /// The server of a person that the first segment after their name means, decoded: the one of that name if there is
    /// one (then the flag says so), else the default one (contract 6.3).
    pub fn route(&self, user: &str, first: Option<&str>) -> (Option<Arc<Server>>, bool) {
        self.read(|known| {
            let Some(theirs) = known.get(user) else { return (None, false) };
            let named = first.filter(|name| !name.is_empty()).and_then(|name| theirs.get(name));
            if let Some(named) = named.filter(|server| server.exists()) {
                return (Some(Arc::clone(named)), true);
            }
            (theirs.get("").cloned(), false)
        })
    }

    /// The server, remembered as stopped if it was never seen.
    pub fn get(&self, id: &ServerId) -> Arc<Server> {
        if let Some(server) = self.find(id) {
            return server;
        }
        self.write(|known| {
            let theirs = known.entry(id.user.clone()).or_default();
            let server = theirs.entry(id.server.clone()).or_insert_with(|| Arc::new(Server::new(id.clone())));
            Arc::clone(server)
        })
    }

    /// All servers ever seen, in the order of their names.
    pub fn all(&self) -> Vec<Arc<Server>> {
        self.read(|known| known.values().flat_map(BTreeMap::values).cloned().collect())
    }

    /// Looks at all servers ever seen; nothing may wait in `look`.
    pub fn for_each(&self, mut look: impl FnMut(&Server)) {
        self.read(|known| known.values().flat_map(BTreeMap::values).for_each(|server| look(server)));
    }

    /// A person's servers, the default one first: those that somebody asked for, and those that run.
    pub fn of(&self, user: &UserName) -> Vec<Arc<Server>> {
        let theirs = |known: &Known| known.get(user).map(|theirs| theirs.values().cloned().collect::<Vec<_>>());
        let mut servers = self.read(theirs).unwrap_or_default();
        servers.retain(|server| server.exists());
        servers
    }

    /// Whether people may have servers with a name.
    pub fn named_are_enabled(&self) -> bool {
        self.0.settings.named_limit != Some(0)
    }

    /// Whether a person may have one more server with a name.
    pub fn may_add(&self, user: &UserName) -> Result<(), Refusal> {
        if !self.named_are_enabled() {
            return Err(Refusal::NotEnabled);
        }
        let Some(limit) = self.0.settings.named_limit else { return Ok(()) };
        let named = self.of(user).iter().filter(|server| !server.id.server.is_default()).count();
        if named >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(Refusal::Limit { user: user.clone(), limit });
        }
        Ok(())
    }

    /// Begins a start, or joins the one under way.
    pub fn start(&self, id: &ServerId) -> Result<Arc<Server>, Busy> {
        self.start_with(id, Wanted::default())
    }

    /// Begins a start with what is wanted, or joins the one under way. A server with a name begins to exist by it.
    /// What is wanted is written down by the start itself, which fails if that does.
    pub fn start_with(&self, id: &ServerId, wanted: Wanted) -> Result<Arc<Server>, Busy> {
        let _turn = self.turn();
        let named = !id.server.is_default();
        if named && !self.named_are_enabled() {
            return Err(Busy::Refused(Refusal::NotEnabled));
        }
        let known = self.find(id);
        if named && !known.as_ref().is_some_and(|server| server.exists()) {
            self.may_add(&id.user).map_err(Busy::Refused)?;
        }
        if let Some(server) = &known {
            let snapshot = server.snapshot();
            match snapshot.state {
                State::Starting => return Ok(Arc::clone(server)),
                State::Running | State::Suspended => return Err(Busy::Running),
                State::Stopping => return Err(Busy::Stopping),
                State::Stopped | State::Failed => {}
            }
            if let Some(hold) = snapshot.hold {
                return Err(Busy::Held(hold));
            }
        }
        self.has_room()?;
        let server = self.get(id);
        let details = wanted.over(server.details().as_deref(), &id.server);
        // Where the unit was seen in the meantime, that start is joined.
        if server.apply(Event::StartAsked, jobs::begin) {
            server.set_details(Some(details), None);
            jobs::spawn_start(self, &server, jobs::Kind::Launch);
        }
        Ok(server)
    }

    /// Whether one more server may start now (contract 13.4).
    fn has_room(&self) -> Result<(), Busy> {
        let Settings { concurrent_starts, active_servers, .. } = self.0.settings;
        let (mut starting, mut active) = (0_u32, 0_u32);
        for server in self.all() {
            let state = server.snapshot().state;
            starting += u32::from(state == State::Starting);
            active += u32::from(state.is_active());
        }
        if concurrent_starts.is_some_and(|limit| starting >= limit) {
            // So that they do not all come back at the same moment.
            let chance = random::random_key().map_or(0, |[first, ..]| u32::from(first));
            return Err(Busy::TooManyStarts(COME_BACK.0 + chance % (COME_BACK.1 + 1)));
        }
        if active_servers.is_some_and(|limit| active >= limit) {
            return Err(Busy::TooManyServers);
        }
        Ok(())
    }

    /// Begins a stop, or joins the one under way. A start under way is cancelled.
    pub fn stop(&self, id: &ServerId) -> Arc<Server> {
        self.stop_for(id, None)
    }

    /// As [`Servers::stop`], and keeps who wanted it; the first one, where several do.
    pub fn stop_for(&self, id: &ServerId, by: Option<String>) -> Arc<Server> {
        let server = self.stop_to(id, false, by);
        server.take_restart();
        server
    }

    /// Begins a stop, or joins the one under way; one that begins says whether a start is to follow.
    pub(super) fn stop_to(&self, id: &ServerId, restart: bool, by: Option<String>) -> Arc<Server> {
        let server = self.get(id);
        let asked = server.apply(Event::StopAsked, |snapshot| {
            snapshot.failure = None;
            snapshot.stop_asked = true;
            snapshot.restart = restart;
            snapshot.stopped_by = by;
            snapshot.stop_result = None;
        });
        if asked {
            server.start_token().cancel();
            ending::spawn_stop(self, &server);
        }
        server
    }

    /// Whether a server is being started, stopped, renamed or removed.
    pub fn is_at_work(&self) -> bool {
        !self.0.tasks.is_empty()
    }

    /// The server's last journal lines, oldest first; `invocation` empty means of all runs.
    pub async fn journal(&self, id: &ServerId, invocation: &str, lines: u32) -> Result<Vec<JournalLine>, LaunchError> {
        self.0.launcher.journal(id, invocation, lines).await
    }

    /// Changes what a server that runs may use, at once and until it stops.
    pub async fn set_limits(&self, id: &ServerId, change: &LimitChange) -> Result<(), LaunchError> {
        self.0.launcher.set_limits(id, change).await
    }

    /// What a server that runs may use, and which files of this machine say so.
    pub async fn limits(&self, id: &ServerId) -> Result<InForce, LaunchError> {
        self.0.launcher.limits(id).await
    }

    /// Reads the unit and follows what it says. Returns whether it could be read.
    pub async fn examine(&self, id: &ServerId) -> bool {
        jobs::examine(self, &self.get(id)).await
    }

    /// Writes to the store which servers were used since the last time, and with them who used them.
    pub async fn save_activity(&self) {
        self.save_attendance().await;
        let mut touched = Vec::new();
        for server in self.all() {
            let Some(when) = server.unsaved_activity() else { continue };
            touched.push((server.id.clone(), when));
            let used = server.backend().map(|backend| backend.last_activity.load(std::sync::atomic::Ordering::Relaxed));
            if let Some(used) = used {
                if let Err(error) = self.0.people.advance(&server.id.user, used).await {
                    tracing::warn!("cannot write the last activity of {}, ignoring: {error}", server.id.user);
                }
            }
        }
        if touched.is_empty() {
            return;
        }
        if let Err(error) = self.0.store.touch_servers(touched).await {
            tracing::warn!("cannot write the servers' last activity, ignoring: {error}");
        }
    }

    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, server: Arc<Server>) {
        self.write(|known| known.entry(server.id.user.clone()).or_default().insert(server.id.server.clone(), server));
    }

    /// Takes the server out, unless another has its place.
    pub(super) fn take_out(&self, server: &Arc<Server>) {
        self.write(|known| {
            let Some(theirs) = known.get_mut(&server.id.user) else { return };
            if theirs.get(&server.id.server).is_some_and(|found| Arc::ptr_eq(found, server)) {
                theirs.remove(&server.id.server);
            }
            if theirs.is_empty() {
                known.remove(&server.id.user);
            }
        });
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.0.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.0.known.write().unwrap_or_else(PoisonError::into_inner))
    }
}
