//! Bringing servers up: a start, or the adoption of a unit that runs already; and reading units.
//!
//! Invariant: every job has a deadline and leaves the server ready or at rest; a job that this process
//! loses (crash) is finished by the next process, which sees the unit.

use std::sync::Arc;
use std::time::Duration;

use hubd_base::config::ServerKind;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::ending::{Told, clear, ended, last_lines, log_failure, mark, rest};
use super::keys;
use super::launcher::{LaunchError, Launched, Order, UnitState};
use super::oom;
use super::profiles;
use super::ready;
use super::registry::{Servers, Wanted};
use super::server::Server;
use super::state::{Backend, Cause, Event, Phase, Snapshot, State};
use super::suspension;
use crate::clock::{Usec, now};
use crate::observe;
use crate::observe::metrics::metrics;
use crate::store::StoreError;
use crate::store::server_rows::ServerMark;

/// For reading a unit or its journal.
pub(super) const READ_DEADLINE: Duration = Duration::from_secs(10);

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
    snapshot.lost_profile = None;
    snapshot.invocation = None;
    snapshot.started = None;
    snapshot.out_of_memory = None;
    snapshot.stop_asked = false;
    snapshot.stop_planned = None;
    snapshot.restart = false;
    snapshot.stopped_by = None;
    snapshot.stop_result = None;
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
        let started = start(&servers, &server, kind, &token).await;
        if kind == Kind::Launch {
            count_start(&started, begun);
        }
        match started {
            Ok(Some(backend)) => became_ready(&servers, &server, (kind, backend), begun).await,
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

/// Writes the row of a server that starts, and its person's, where there is none.
async fn keep_row(servers: &Servers, server: &Server) -> Result<(), StoreError> {
    let id = &server.id;
    if servers.0.people.find(&id.user).is_none() {
        servers.0.people.keep(id.user.clone(), None, now()).await?;
    }
    // Nobody asked for a unit that is adopted.
    let details =
        server.details().map_or_else(|| Wanted::default().over(None, &id.server), |details| (*details).clone());
    server.set_details(Some(details.clone()), None);
    servers.note_end(server, None).await;
    servers.0.store.keep_server(id.clone(), details.display_name, details.user_options, Some(now())).await
}

/// Has the launcher start the unit, with a token of its own and the profile that was chosen.
async fn launch(servers: &Servers, server: &Server, deadline: Instant) -> Result<(), Failed> {
    let broken = |text: String| Failed { cause: Cause::Launch, text };
    let issued = keys::issue(servers, server).await.map_err(|error| broken(error.to_string()))?;
    let key = issued.id;
    let details = server.details().unwrap_or_default();
    let profile = profiles::chosen(&details.user_options).filter(|_| servers.0.settings.profiles);
    let profile = profile.map(str::to_owned);
    let mut order = Order { token: issued.secret, profile };
    let mut launched = hand_over(servers, server, &order, deadline).await?;
    if let (Err(LaunchError::NoSuchProfile(text)), Some(lost)) = (&launched, order.profile.take()) {
        // Chosen some time ago: better a server with less than none.
        tracing::warn!(
            hub_user = server.id.user.as_str(),
            hub_server = server.id.server.as_str(),
            "{text} The server of {} starts without it, ignoring",
            server.id
        );
        server.amend(|snapshot| snapshot.lost_profile = Some(lost));
        launched = hand_over(servers, server, &order, deadline).await?;
    }
    match launched {
        Ok(launched) => {
            keys::succeed(servers, server, key).await;
            server.amend(|snapshot| snapshot.invocation = Some(launched.invocation).filter(|id| !id.is_empty()));
            Ok(())
        }
        Err(LaunchError::AlreadyRunning) => {
            keys::withdraw(servers, server, key).await;
            Ok(())
        }
        Err(error) => Err(launch_failed(error)),
    }
}

/// Not cancelled in the middle: the launcher would go on, and the stop would come too early.
async fn hand_over(
    servers: &Servers,
    server: &Server,
    order: &Order,
    deadline: Instant,
) -> Result<Result<Launched, LaunchError>, Failed> {
    timeout_at(deadline, servers.0.launcher.start(&server.id, order)).await.map_err(|_| too_late(servers, server))
}

/// The contract's sentence for a server that does not answer (13.3).
fn too_late(servers: &Servers, server: &Server) -> Failed {
    let seconds = servers.0.settings.start.as_secs_f32();
    let text = format!("Server at {}api didn't respond in {seconds} seconds", servers.path(&server.id));
    Failed { cause: Cause::Timeout, text }
}

/// `Ok(None)` means cancelled.
async fn start(
    servers: &Servers,
    server: &Arc<Server>,
    kind: Kind,
    token: &CancellationToken,
) -> Result<Option<Backend>, Failed> {
    let deadline = Instant::now() + servers.0.settings.start;
    if let Err(error) = keep_row(servers, server).await {
        return Err(Failed { cause: Cause::Launch, text: error.to_string() });
    }
    if kind == Kind::Launch {
        server.amend(|snapshot| snapshot.phase = Phase::Launching);
        launch(servers, server, deadline).await?;
    }
    {
        // Whoever read the unit before this point has finished; what is read from now on is fresh.
        let _turn = server.examining.lock().await;
        server.unit.send_replace(None);
    }
    server.amend(|snapshot| snapshot.phase = Phase::Waiting { unit: server.id.unit_name() });
    let program = kind_of(servers, server).await;
    let socket = servers.0.launcher.socket(&server.id);
    let path = format!("{}api", servers.path(&server.id));
    // A server that went on while the hub was away was not used because the hub came back.
    let last = server.last_activity().filter(|_| kind == Kind::Adopt).unwrap_or_else(now);
    // Whoever asks for a start does something; what went on did not. A server of which nobody knows began just now.
    let attended = server.attended().filter(|_| kind == Kind::Adopt).unwrap_or_else(now);
    let backend = Backend::new(socket.clone(), program, last, attended);
    if kind == Kind::Adopt && is_frozen(servers, server).await {
        // It cannot answer now, and has answered before.
        return Ok(Some(backend));
    }
    tokio::select! {
        () = token.cancelled() => Ok(None),
        failed = unit_ended(servers, server) => Err(failed),
        answered = timeout_at(deadline, ready::wait(&socket, &path)) => {
            answered.map_err(|_| too_late(servers, server))?;
            Ok(Some(backend))
        }
    }
}

async fn is_frozen(servers: &Servers, server: &Server) -> bool {
    let state = timeout(READ_DEADLINE, servers.0.launcher.state(&server.id)).await;
    matches!(state, Ok(Ok(UnitState::Active { frozen: true, .. })))
}

/// What runs in the unit, which may be older than the configuration. In doubt it is guarded.
async fn kind_of(servers: &Servers, server: &Server) -> ServerKind {
    match timeout(READ_DEADLINE, servers.0.launcher.kind(&server.id)).await {
        Ok(Ok(kind)) => kind,
        Ok(Err(_)) | Err(_) => ServerKind::Lab,
    }
}

fn launch_failed(error: LaunchError) -> Failed {
    let text = error.to_string();
    let cause = match error {
        LaunchError::NotAllowed(_) => Cause::NotAllowed,
        LaunchError::NoLab(_) => Cause::NoLab,
        LaunchError::Configuration(_) => Cause::Configuration,
        LaunchError::Unreachable(_) => Cause::Unreachable,
        LaunchError::Failed(_)
        | LaunchError::AlreadyRunning
        | LaunchError::NoSuchProfile(_)
        | LaunchError::NotRunning(_)
        | LaunchError::CannotFreeze(_) => Cause::Launch,
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

async fn became_ready(servers: &Servers, server: &Arc<Server>, (kind, backend): (Kind, Backend), begun: Instant) {
    let how = if kind == Kind::Adopt { ServerMark::Adopted } else { ServerMark::Ready };
    mark(servers, server, how).await;
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
        oom::spawn_follow(servers, server, kind);
        // A freeze or an end between the last reading and now would otherwise go unseen.
        examine(servers, server).await;
    }
}

async fn start_failed(servers: &Servers, server: &Arc<Server>, failed: Failed) {
    let Failed { cause, text } = failed;
    let told = match cause {
        Cause::NotAllowed | Cause::NoLab | Cause::Configuration | Cause::Unreachable => Told::default(),
        Cause::Launch | Cause::Exited | Cause::Timeout | Cause::Died => last_lines(servers, server).await,
    };
    clear(servers, server).await;
    rest(servers, server, ServerMark::Failed).await;
    log_failure(server, cause, &text);
    let failure = Arc::new(told.failure(cause, text));
    servers.note_failure(server, &failure).await;
    server.apply(Event::StartFailed, |snapshot| snapshot.failure = Some(failure));
}

/// Reads the unit and follows what it says. Returns whether it could be read.
pub(super) async fn examine(servers: &Servers, server: &Arc<Server>) -> bool {
    let turn = server.examining.lock().await;
    let unit = match timeout(READ_DEADLINE, servers.0.launcher.state(&server.id)).await {
        Ok(Ok(unit)) => unit,
        Ok(Err(error)) => {
            tracing::warn!("cannot read {}, ignoring: {error}", server.id.unit_name());
            return false;
        }
        Err(_) => {
            tracing::warn!("cannot read {} in time, ignoring", server.id.unit_name());
            return false;
        }
    };
    let state = server.snapshot().state;
    if state == State::Starting {
        server.unit.send_replace(Some(unit));
        return true;
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
    true
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
    if frozen {
        suspension::seen_frozen(servers, server);
    } else {
        suspension::woke_up(server);
    }
}
