//! The jobs that change a server: start (or adopt), stop, and what follows when a unit ends by itself.
//!
//! Invariant: every job has a deadline and leaves the server in a resting state; a job that this process
//! loses (crash) is finished by the next process, which sees the unit.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::launcher::{JournalLine, LaunchError, UnitState};
use super::ready;
use super::registry::{Server, Servers};
use super::state::{Backend, Cause, Event, Failure, Phase, Snapshot, State};
use crate::clock::{Usec, now};
use crate::observe;
use crate::observe::metrics::metrics;
use crate::store::server_rows::ServerMark;

/// Journal lines kept of a bad end.
const JOURNAL_LINES: u32 = 40;
/// For reading a unit or its journal.
const READ_DEADLINE: Duration = Duration::from_secs(10);
/// Beyond the unit's own stop deadline, for systemd's SIGKILL to do its work.
const STOP_MARGIN: Duration = Duration::from_secs(15);

/// Where a start begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The launcher has to start the unit.
    Launch,
    /// The unit exists; only its answer is waited for.
    Adopt,
}

/// The snapshot of a start that begins.
pub(super) fn begin(snapshot: &mut Snapshot) {
    snapshot.phase = Phase::Requested;
    snapshot.failure = None;
    snapshot.invocation = None;
    snapshot.started = None;
}

struct Failed {
    cause: Cause,
    text: String,
}

pub(super) fn spawn_start(servers: &Servers, server: &Arc<Server>, kind: Kind) {
    let token = CancellationToken::new();
    *server.start_token() = token.clone();
    let (servers, server) = (servers.clone(), Arc::clone(server));
    servers.0.tasks.clone().spawn(async move {
        let begun = Instant::now();
        let _turn = server.job.lock().await;
        mark(&servers, &server, ServerMark::Pending).await;
        let started = start(&servers, &server, kind, &token).await;
        if kind == Kind::Launch {
            count_start(&started, begun);
        }
        match started {
            Ok(Some(backend)) => became_ready(&servers, &server, backend, begun).await,
            // Cancelled: the stop that cancelled this start does the rest.
            Ok(None) => {}
            Err(failed) => start_failed(&servers, &server, failed).await,
        }
    });
}

/// For the metrics, in the words of the contract. A start that was cancelled is none.
fn count_start(started: &Result<Option<Backend>, Failed>, begun: Instant) {
    let labels = match started {
        Ok(None) => return,
        Ok(Some(_)) => ["success", ""],
        Err(Failed { cause: Cause::Exited, .. }) => ["failure", "exited"],
        Err(Failed { cause: Cause::Timeout, .. }) => ["failure", ""],
        Err(_) => ["error", ""],
    };
    metrics().starts.of(labels).observe(begun.elapsed());
}

/// `Ok(None)` means cancelled.
async fn start(
    servers: &Servers,
    server: &Arc<Server>,
    kind: Kind,
    token: &CancellationToken,
) -> Result<Option<Backend>, Failed> {
    let limit = servers.0.deadlines.start;
    let deadline = Instant::now() + limit;
    let too_late = || Failed { cause: Cause::Timeout, text: format!("{}", limit.as_secs_f32()) };
    if kind == Kind::Launch {
        server.amend(|snapshot| snapshot.phase = Phase::Launching);
        // Not cancelled in the middle: the launcher would go on, and the stop would come too early.
        let launched = timeout_at(deadline, servers.0.launcher.start(&server.id)).await.map_err(|_| too_late())?;
        match launched {
            Ok(launched) => server.amend(|snapshot| {
                snapshot.invocation = Some(launched.invocation).filter(|id| !id.is_empty());
            }),
            Err(LaunchError::AlreadyRunning) => {}
            Err(error) => return Err(launch_failed(error)),
        }
    }
    {
        // Whoever read the unit before this point has finished; what is read from now on is fresh.
        let _turn = server.examining.lock().await;
        server.unit.send_replace(None);
    }
    server.amend(|snapshot| snapshot.phase = Phase::Waiting { unit: server.id.unit_name() });
    let socket = servers.0.launcher.socket(&server.id);
    let path = format!("{}user/{}/api", servers.0.base_url, server.id.url_segment());
    tokio::select! {
        () = token.cancelled() => Ok(None),
        failed = unit_ended(servers, server) => Err(failed),
        answered = timeout_at(deadline, ready::wait(&socket, &path)) => {
            answered.map_err(|_| too_late())?;
            Ok(Some(Backend { socket, gone: CancellationToken::new(), last_activity: AtomicI64::new(now()) }))
        }
    }
}

fn launch_failed(error: LaunchError) -> Failed {
    let text = error.to_string();
    let cause = match error {
        LaunchError::NotAllowed(_) => Cause::NotAllowed,
        LaunchError::NoLab(_) => Cause::NoLab,
        LaunchError::Configuration(_) => Cause::Configuration,
        LaunchError::Unreachable(_) => Cause::Unreachable,
        LaunchError::Failed(_) | LaunchError::AlreadyRunning => Cause::Launch,
    };
    Failed { cause, text }
}

/// Returns when the unit of a start is no longer there.
async fn unit_ended(servers: &Servers, server: &Server) -> Failed {
    let mut seen = server.unit.subscribe();
    // The unit may have ended before anybody watched.
    let mut state = servers.0.launcher.state(&server.id).await.ok();
    loop {
        match state {
            Some(UnitState::Failed { result, invocation }) => {
                server.amend(|snapshot| snapshot.invocation = Some(invocation));
                return Failed { cause: Cause::Exited, text: result };
            }
            Some(UnitState::Absent) => return Failed { cause: Cause::Exited, text: "success".into() },
            Some(UnitState::Active { invocation, since, .. }) => runs(server, invocation, since),
            Some(UnitState::Activating | UnitState::Deactivating) | None => {}
        }
        if seen.changed().await.is_err() {
            return std::future::pending().await;
        }
        let fresh = seen.borrow_and_update().clone();
        state = fresh;
    }
}

async fn became_ready(servers: &Servers, server: &Arc<Server>, backend: Backend, begun: Instant) {
    mark(servers, server, ServerMark::Ready).await;
    let ready = server.apply(Event::Ready, |snapshot| {
        snapshot.backend = Some(Arc::new(backend));
    });
    if ready {
        tracing::info!(
            message_id = observe::SERVER_READY,
            hub_user = server.id.user.as_str(),
            hub_server = server.id.server.as_str(),
            hub_unit = server.id.unit_name(),
            hub_duration_usec = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            "The server of {} is ready",
            server.id
        );
        // A freeze or an end between the last reading and now would otherwise go unseen.
        examine(servers, server).await;
    }
}

async fn start_failed(servers: &Servers, server: &Arc<Server>, failed: Failed) {
    let Failed { cause, text } = failed;
    let journal = match cause {
        Cause::NotAllowed | Cause::NoLab | Cause::Configuration | Cause::Unreachable => Vec::new(),
        Cause::Launch | Cause::Exited | Cause::Timeout | Cause::Died => last_lines(servers, server).await,
    };
    clear(servers, server).await;
    mark(servers, server, ServerMark::Stopped).await;
    log_failure(server, cause, &text);
    let failure = Arc::new(Failure { cause, text, journal });
    server.apply(Event::StartFailed, |snapshot| snapshot.failure = Some(failure));
}

fn log_failure(server: &Server, cause: Cause, text: &str) {
    tracing::warn!(
        message_id = observe::SERVER_FAILED,
        hub_user = server.id.user.as_str(),
        hub_server = server.id.server.as_str(),
        hub_unit = server.id.unit_name(),
        hub_outcome = ?cause,
        "The server of {} failed: {text}",
        server.id
    );
}

pub(super) fn spawn_stop(servers: &Servers, server: &Arc<Server>) {
    let (servers, server) = (servers.clone(), Arc::clone(server));
    servers.0.tasks.clone().spawn(async move {
        let limit = servers.0.deadlines.stop + STOP_MARGIN;
        let _turn = server.job.lock().await;
        let begun = Instant::now();
        let problem = match timeout(limit, servers.0.launcher.stop(&server.id)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("systemd did not stop it within {} s", limit.as_secs())),
        };
        let status = if problem.is_none() { "success" } else { "failure" };
        metrics().stops.of([status]).observe(begun.elapsed());
        mark(&servers, &server, ServerMark::Stopped).await;
        if let Some(text) = problem {
            log_failure(&server, Cause::Launch, &text);
            let failure = Arc::new(Failure { cause: Cause::Launch, text, journal: Vec::new() });
            server.apply(Event::UnitFailed, |snapshot| snapshot.failure = Some(failure));
            // It may still run; if so it is seen and shown as it is.
            examine(&servers, &server).await;
        } else {
            log_stop(&server);
            server.apply(Event::UnitGone, |_| {});
        }
    });
}

fn log_stop(server: &Server) {
    tracing::info!(
        message_id = observe::SERVER_STOPPED,
        hub_user = server.id.user.as_str(),
        hub_server = server.id.server.as_str(),
        hub_unit = server.id.unit_name(),
        "The server of {} stopped",
        server.id
    );
}

/// Reads the unit and follows what it says.
pub(super) async fn examine(servers: &Servers, server: &Arc<Server>) {
    let turn = server.examining.lock().await;
    let unit = match timeout(READ_DEADLINE, servers.0.launcher.state(&server.id)).await {
        Ok(Ok(unit)) => unit,
        Ok(Err(error)) => return tracing::warn!("cannot read {}, ignoring: {error}", server.id.unit_name()),
        Err(_) => return tracing::warn!("cannot read {} in time, ignoring", server.id.unit_name()),
    };
    let state = server.snapshot().state;
    if state == State::Starting {
        server.unit.send_replace(Some(unit));
        return;
    }
    drop(turn);
    match unit {
        UnitState::Active { invocation, frozen, since } => {
            seen_active(servers, server, frozen);
            runs(server, invocation, since);
        }
        UnitState::Activating => {
            if server.apply(Event::UnitSeen, begin) {
                spawn_start(servers, server, Kind::Adopt);
            }
        }
        UnitState::Deactivating => {
            server.apply(Event::UnitStopping, |_| {});
        }
        UnitState::Absent => ended(servers, server, None).await,
        UnitState::Failed { result, invocation } => {
            server.amend(|snapshot| snapshot.invocation = Some(invocation));
            ended(servers, server, Some(result)).await;
        }
    }
}

/// Keeps what systemd says of a unit that runs.
fn runs(server: &Server, invocation: String, since: Usec) {
    server.amend(|snapshot| {
        snapshot.invocation = Some(invocation);
        snapshot.started = Some(since);
    });
}

fn seen_active(servers: &Servers, server: &Arc<Server>, frozen: bool) {
    if server.apply(Event::UnitSeen, begin) {
        return spawn_start(servers, server, Kind::Adopt);
    }
    server.apply(if frozen { Event::Frozen } else { Event::Thawed }, |_| {});
}

/// A unit that ran is gone, and no job of ours did it.
async fn ended(servers: &Servers, server: &Arc<Server>, result: Option<String>) {
    if !matches!(server.snapshot().state, State::Running | State::Suspended | State::Stopping) {
        return;
    }
    let Some(text) = result else {
        if server.apply(Event::UnitGone, |_| {}) {
            log_stop(server);
            mark(servers, server, ServerMark::Stopped).await;
            spawn_clear(servers, server);
        }
        return;
    };
    let journal = last_lines(servers, server).await;
    let failure = Arc::new(Failure { cause: Cause::Died, text: text.clone(), journal });
    if server.apply(Event::UnitFailed, |snapshot| snapshot.failure = Some(failure)) {
        log_failure(server, Cause::Died, &text);
        mark(servers, server, ServerMark::Stopped).await;
        spawn_clear(servers, server);
    }
}

/// Clears what is left of a unit that ended by itself: a failed unit, the folder of its socket.
///
/// A start that is asked for meanwhile has its turn before or after, never at the same time.
fn spawn_clear(servers: &Servers, server: &Arc<Server>) {
    let (servers, server) = (servers.clone(), Arc::clone(server));
    servers.0.tasks.clone().spawn(async move {
        let _turn = server.job.lock().await;
        if !server.snapshot().state.is_active() {
            clear(&servers, &server).await;
        }
    });
}

/// Clears what is left of a unit that ended or never came up. Within the server's turn.
async fn clear(servers: &Servers, server: &Server) {
    let limit = servers.0.deadlines.stop + STOP_MARGIN;
    match timeout(limit, servers.0.launcher.stop(&server.id)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("cannot clear {}, ignoring: {error}", server.id.unit_name()),
        Err(_) => tracing::warn!("cannot clear {} in time, ignoring", server.id.unit_name()),
    }
}

async fn last_lines(servers: &Servers, server: &Server) -> Vec<String> {
    let Snapshot { invocation, since, .. } = server.snapshot();
    let this_run = invocation.is_some();
    let invocation = invocation.unwrap_or_default();
    let read = servers.0.launcher.journal(&server.id, &invocation, JOURNAL_LINES);
    match timeout(READ_DEADLINE, read).await {
        // A run whose id nobody knows is told from earlier ones by the time at which it was asked for.
        Ok(Ok(lines)) => lines
            .into_iter()
            .filter(|line| this_run || line.time_usec >= since)
            .map(|JournalLine { message, .. }| message)
            .collect(),
        Ok(Err(error)) => {
            tracing::warn!("cannot read the journal of {}, ignoring: {error}", server.id.unit_name());
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

async fn mark(servers: &Servers, server: &Server, mark: ServerMark) {
    if let Err(error) = servers.0.store.mark_server(server.id.clone(), mark, now()).await {
        tracing::warn!("cannot write down the state of {}, ignoring: {error}", server.id);
    }
}
