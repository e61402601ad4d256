//! Suspending a server and waking it: the unit is frozen, its memory given back, and thawed again.
//!
//! Invariants: a server that somebody waits for is not suspended, and one that is frozen in that very moment is woken
//! again; two who want it awake wait for one thaw; giving memory back never delays a wake.

use std::sync::Arc;
use std::time::Duration;

use hubd_base::names::ServerId;
use tokio::time::{Instant, timeout};

use super::launcher::LaunchError;
use super::registry::Servers;
use super::server::Server;
use super::state::{Event, State};
use crate::clock::now;
use crate::observe;
use crate::observe::metrics::metrics;

/// For the freeze. Longer than the broker's own patience, so that its answer is heard.
const FREEZE: Duration = Duration::from_secs(20);
/// For a wake, from the request to a server that runs.
const WAKE: Duration = Duration::from_secs(20);
/// For the memory; the broker gives up earlier.
const RECLAIM: Duration = Duration::from_secs(75);

/// Why a server was not suspended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSuspended {
    /// It does not run.
    #[error("it does not run")]
    NotRunning,
    /// Somebody waits for an answer of it.
    #[error("somebody is using it right now")]
    InUse,
    /// This machine cannot freeze: it can only be stopped.
    #[error("{0}")]
    Impossible(String),
    /// It did not work; it runs on.
    #[error("{0}")]
    Failed(String),
}

/// Why a server was not woken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWoken {
    /// It neither sleeps nor runs.
    #[error("it does not run")]
    NotRunning,
    /// It did not work; it sleeps on.
    #[error("{0}")]
    Failed(String),
}

impl Servers {
    /// Freezes a server that runs and gives its memory back; returns when it is frozen. One that is suspended stays so.
    pub async fn suspend(&self, id: &ServerId) -> Result<Arc<Server>, NotSuspended> {
        let server = self.find(id).ok_or(NotSuspended::NotRunning)?;
        let (servers, frozen) = (self.clone(), Arc::clone(&server));
        // Goes on when nobody waits for it any more: who came in that moment has to be looked for.
        let job = self.0.tasks.clone().spawn(async move { freeze(&servers, &frozen).await });
        job.await.map_err(|error| NotSuspended::Failed(error.to_string()))??;
        Ok(server)
    }

    /// Wakes a suspended server; returns when it runs. One that runs goes on.
    pub async fn wake(&self, id: &ServerId) -> Result<Arc<Server>, NotWoken> {
        let server = self.find(id).ok_or(NotWoken::NotRunning)?;
        wake(self, &server).await?;
        Ok(server)
    }
}

async fn freeze(servers: &Servers, server: &Arc<Server>) -> Result<(), NotSuspended> {
    may_be_suspended(server)?;
    let _turn = server.job.lock().await;
    if may_be_suspended(server)? == State::Suspended {
        return Ok(());
    }
    let Some(backend) = server.backend() else { return Err(NotSuspended::NotRunning) };
    if backend.is_in_use() {
        return Err(NotSuspended::InUse);
    }
    let messages = backend.messages();
    match timeout(FREEZE, servers.0.launcher.freeze(&server.id)).await {
        Ok(Ok(())) => {}
        Ok(Err(LaunchError::NotRunning(_))) => return Err(NotSuspended::NotRunning),
        Ok(Err(LaunchError::CannotFreeze(text))) => return Err(NotSuspended::Impossible(text)),
        Ok(Err(error)) => return Err(NotSuspended::Failed(error.to_string())),
        Err(_) => return Err(NotSuspended::Failed(format!("it was not frozen within {} s", FREEZE.as_secs()))),
    }
    fell_asleep(servers, server);
    if backend.is_in_use() || backend.messages() != messages {
        // It was let through before the server slept, and would wait for an answer that does not come.
        let woken = thaw(servers, server).await;
        return Err(woken.map_or_else(|error| NotSuspended::Failed(error.to_string()), |()| NotSuspended::InUse));
    }
    let (reclaimed, asleep) = (servers.clone(), Arc::clone(server));
    servers.0.tasks.spawn(async move { give_memory_back(&reclaimed, &asleep).await });
    Ok(())
}

/// Its state, running or suspended.
fn may_be_suspended(server: &Server) -> Result<State, NotSuspended> {
    let state = server.snapshot().state;
    if state.is_ready() { Ok(state) } else { Err(NotSuspended::NotRunning) }
}

async fn give_memory_back(servers: &Servers, server: &Server) {
    match timeout(RECLAIM, servers.0.launcher.reclaim(&server.id)).await {
        Ok(Ok(bytes)) => return gave_back(server, bytes),
        // Stopped meanwhile: all of it is given back.
        Ok(Err(LaunchError::NotRunning(_))) => return,
        Ok(Err(error)) => tracing::warn!("cannot give the memory of {} back, ignoring: {error}", server.id.unit_name()),
        Err(_) => tracing::warn!("cannot give the memory of {} back in time, ignoring", server.id.unit_name()),
    }
    gave_back(server, 0);
}

fn gave_back(server: &Server, bytes: u64) {
    server.amend(|snapshot| snapshot.given_back = Some(bytes).filter(|_| snapshot.state == State::Suspended));
}

async fn wake(servers: &Servers, server: &Arc<Server>) -> Result<(), NotWoken> {
    let late = |_| NotWoken::Failed(format!("it was not woken within {} s", WAKE.as_secs()));
    let woken = async {
        // A stop under way would keep its turn to the end.
        if !server.snapshot().state.is_ready() {
            return Err(NotWoken::NotRunning);
        }
        // Who comes second waits here for the first, and finds the server awake.
        let _turn = server.job.lock().await;
        match server.snapshot().state {
            State::Running => Ok(()),
            State::Suspended => thaw(servers, server).await,
            _ => Err(NotWoken::NotRunning),
        }
    };
    timeout(WAKE, woken).await.map_err(late)?
}

/// A wake whose end nobody here waits for; what was stopped meanwhile needs none.
async fn wake_for_others(servers: &Servers, server: &Arc<Server>) {
    if let Err(NotWoken::Failed(error)) = wake(servers, server).await {
        tracing::warn!("cannot wake {}, ignoring: {error}", server.id.unit_name());
    }
}

/// Within the server's turn.
async fn thaw(servers: &Servers, server: &Arc<Server>) -> Result<(), NotWoken> {
    let begun = Instant::now();
    let thawed = servers.0.launcher.thaw(&server.id).await;
    thawed.map_err(|error| match error {
        LaunchError::NotRunning(_) => NotWoken::NotRunning,
        error => NotWoken::Failed(error.to_string()),
    })?;
    metrics().wakes.of([]).observe(begun.elapsed());
    woke_up(server);
    Ok(())
}

/// The unit was seen frozen.
pub(super) fn seen_frozen(servers: &Servers, server: &Arc<Server>) {
    if fell_asleep(servers, server) && server.backend().is_some_and(|backend| backend.is_in_use()) {
        // Somebody froze it behind the hub's back while a person waits for an answer.
        let (servers, server) = (servers.clone(), Arc::clone(server));
        servers.0.tasks.clone().spawn(async move { wake_for_others(&servers, &server).await });
    }
}

fn fell_asleep(servers: &Servers, server: &Arc<Server>) -> bool {
    let slept = server.apply(Event::Frozen, |_| {});
    if slept {
        let (servers, server) = (servers.clone(), Arc::clone(server));
        let listening = Arc::clone(&server);
        servers.0.tasks.clone().spawn(async move { listen(&servers, &listening).await });
        tracing::info!(
            message_id = observe::SERVER_SUSPENDED,
            hub_user = server.id.user.as_str(),
            hub_server = server.id.server.as_str(),
            hub_unit = server.id.unit_name(),
            "The server of {} is suspended",
            server.id
        );
    }
    slept
}

/// While it sleeps: a message through an open tunnel wakes it.
async fn listen(servers: &Servers, server: &Arc<Server>) {
    let (Some(backend), mut changes) = (server.backend(), server.follow()) else { return };
    let knocked = tokio::select! {
        () = backend.knocked() => true,
        _ = changes.wait_for(|snapshot| snapshot.state != State::Suspended) => false,
    };
    if knocked {
        wake_for_others(servers, server).await;
    }
}

/// The unit was thawed, by the hub or by somebody else.
pub(super) fn woke_up(server: &Server) {
    let since = server.snapshot().since;
    if server.apply(Event::Thawed, |_| {}) {
        // Whoever woke it wants it to run: it is not to be found idle at once.
        server.attend(now());
        tracing::info!(
            message_id = observe::SERVER_WOKEN,
            hub_user = server.id.user.as_str(),
            hub_server = server.id.server.as_str(),
            hub_unit = server.id.unit_name(),
            hub_duration_usec = u64::try_from(now().saturating_sub(since)).unwrap_or(0),
            "The server of {} is awake again",
            server.id
        );
    }
}
