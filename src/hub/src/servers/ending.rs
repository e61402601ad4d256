//! How servers end: by a stop that was asked for, or by themselves; and what is cleared afterwards.
//!
//! Invariant: a server that rests holds no tokens. A stop that was asked for ends in `Stopped` however the unit took
//! it, whichever comes first: the launcher's answer or the news that the unit is gone.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::jobs::{READ_DEADLINE, examine};
use super::keys;
use super::launcher::{JournalLine, UnitState};
use super::registry::Servers;
use super::server::Server;
use super::state::{Cause, Event, Failure, Snapshot, State};
use crate::clock::now;
use crate::observe;
use crate::observe::metrics::metrics;
use crate::store::server_rows::ServerMark;

/// Journal lines kept of a bad end.
const JOURNAL_LINES: u32 = 40;
/// systemd's `MESSAGE_ID` for "a process of this unit has been killed by the OOM killer" (sd-messages(3)).
const OUT_OF_MEMORY: &str = "fe6faa94e7774663a0da52717891d8ef";
/// systemd's result of a unit that it ended because memory ran out.
const OOM_KILL: &str = "oom-kill";
/// The result, and the signal, of one whose main process the kernel killed.
const SIGNAL_KILL: &str = "signal (9)";
/// Beyond the unit's own stop deadline, for systemd's SIGKILL to do its work.
const STOP_MARGIN: Duration = Duration::from_secs(15);

/// How a stop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    InTime,
    Killed,
}

pub(super) fn spawn_stop(servers: &Servers, server: &Arc<Server>) {
    let (servers, server) = (servers.clone(), Arc::clone(server));
    servers.0.tasks.clone().spawn(async move {
        let _turn = server.job.lock().await;
        let begun = Instant::now();
        let stopped = stop_unit(&servers, &server).await;
        let status = if stopped.is_ok() { "success" } else { "failure" };
        metrics().stops.of([status]).observe(begun.elapsed());
        if let Err(text) = stopped {
            if !is_gone(&servers, &server).await {
                return stop_failed(&servers, &server, text).await;
            }
        }
        let killed = server.snapshot().stop_result.as_deref().is_some_and(is_timeout)
            || begun.elapsed() >= servers.0.settings.stop;
        rest(&servers, &server, ServerMark::Stopped).await;
        log_stop(&server, if killed { Stop::Killed } else { Stop::InTime });
        servers.note_stop(&server).await;
        server.apply(Event::UnitGone, |_| {});
    });
}

/// It may still run; if so it is seen and shown as it is, and keeps its tokens.
async fn stop_failed(servers: &Servers, server: &Arc<Server>, text: String) {
    log_failure(server, Cause::Launch, &text);
    let failure = Arc::new(Told::default().failure(Cause::Launch, text));
    server.apply(Event::UnitFailed, |snapshot| snapshot.failure = Some(failure));
    examine(servers, server).await;
    if !server.snapshot().state.is_active() {
        rest(servers, server, ServerMark::Stopped).await;
    }
}

/// Whether systemd says that no unit runs.
async fn is_gone(servers: &Servers, server: &Server) -> bool {
    let state = timeout(READ_DEADLINE, servers.0.launcher.state(&server.id)).await;
    matches!(state, Ok(Ok(UnitState::Absent | UnitState::Failed { .. })))
}

/// Stops the unit and clears what is left of it.
async fn stop_unit(servers: &Servers, server: &Server) -> Result<(), String> {
    let limit = servers.0.settings.stop + STOP_MARGIN;
    match timeout(limit, servers.0.launcher.stop(&server.id)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("systemd did not stop it within {} s", limit.as_secs())),
    }
}

/// systemd's result of a unit that it had to kill, such as `timeout (9)`.
fn is_timeout(result: &str) -> bool {
    result.split(' ').next() == Some("timeout")
}

/// A unit that ran is gone. A stop of ours that is under way does the rest.
pub(super) async fn ended(servers: &Servers, server: &Arc<Server>, result: Option<String>) {
    let snapshot = server.snapshot();
    if !matches!(snapshot.state, State::Running | State::Suspended | State::Stopping) {
        return died_unseen(servers, server, result).await;
    }
    if snapshot.state == State::Stopping && snapshot.stop_asked {
        return server.amend(|snapshot| snapshot.stop_result = result);
    }
    let killed = snapshot.state == State::Stopping && result.as_deref().is_some_and(is_timeout);
    let applied = match result.filter(|_| !killed) {
        None => {
            let applied = server.apply(Event::UnitGone, |_| {});
            if applied {
                log_stop(server, if killed { Stop::Killed } else { Stop::InTime });
            }
            applied
        }
        Some(text) => {
            let failure = Arc::new(last_lines(servers, server).await.failure(Cause::Died, text.clone()));
            servers.note_failure(server, &failure).await;
            let applied = server.apply(Event::UnitFailed, |snapshot| snapshot.failure = Some(failure));
            if applied {
                log_failure(server, Cause::Died, &text);
            }
            applied
        }
    };
    if applied {
        spawn_clear(servers, server);
    }
}

/// A unit that failed while no hub was there: its row says that it ran.
async fn died_unseen(servers: &Servers, server: &Arc<Server>, result: Option<String>) {
    let Some(text) = result.filter(|text| !is_timeout(text)) else { return };
    if !server.take_unsettled() || server.snapshot().state != State::Stopped {
        return;
    }
    let failure = Arc::new(last_lines(servers, server).await.failure(Cause::Died, text.clone()));
    servers.note_failure(server, &failure).await;
    if server.apply(Event::Recalled, |snapshot| snapshot.failure = Some(failure)) {
        log_failure(server, Cause::Died, &text);
        spawn_clear(servers, server);
    }
}

/// Clears what is left of a server that ended by itself: its tokens, a failed unit, the folder of its socket.
///
/// A start that is asked for meanwhile has its turn before or after, never at the same time.
fn spawn_clear(servers: &Servers, server: &Arc<Server>) {
    let (servers, server) = (servers.clone(), Arc::clone(server));
    servers.0.tasks.clone().spawn(async move {
        let _turn = server.job.lock().await;
        if !server.snapshot().state.is_active() {
            rest(&servers, &server, ServerMark::Stopped).await;
            clear(&servers, &server).await;
        }
    });
}

/// What follows when a server does not run any more. Within the server's turn.
pub(super) async fn rest(servers: &Servers, server: &Server, how: ServerMark) {
    keys::end(servers, server).await;
    mark(servers, server, how).await;
}

/// Clears what is left of a unit that ended or never came up. Within the server's turn.
pub(super) async fn clear(servers: &Servers, server: &Server) {
    if let Err(error) = stop_unit(servers, server).await {
        tracing::warn!("cannot clear {}, ignoring: {error}", server.id.unit_name());
    }
}

/// Writes down what happened; where the server was used or ended just now, its person was there too (contract 6.7).
pub(super) async fn mark(servers: &Servers, server: &Server, mark: ServerMark) {
    let now = now();
    if let Err(error) = servers.0.store.mark_server(server.id.clone(), mark, now).await {
        tracing::warn!("cannot write down the state of {}, ignoring: {error}", server.id);
    }
    if !matches!(mark, ServerMark::Ready | ServerMark::Stopped) {
        return;
    }
    server.raise_activity(now);
    if let Err(error) = servers.0.people.advance(&server.id.user, now).await {
        tracing::warn!("cannot write the last activity of {}, ignoring: {error}", server.id.user);
    }
}

fn log_stop(server: &Server, how: Stop) {
    let id = &server.id;
    let sentence = match how {
        Stop::InTime => format!("The server of {id} stopped"),
        Stop::Killed => format!("The server of {id} did not stop in time and was killed"),
    };
    tracing::info!(
        message_id = observe::SERVER_STOPPED,
        hub_user = id.user.as_str(),
        hub_server = id.server.as_str(),
        hub_unit = id.unit_name(),
        hub_by = server.snapshot().stopped_by,
        "{sentence}"
    );
}

pub(super) fn log_failure(server: &Server, cause: Cause, text: &str) {
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

/// What the journal tells of a run that came to a bad end.
#[derive(Default)]
pub(super) struct Told {
    lines: Vec<String>,
    /// Whether systemd said that the kernel killed something because memory ran out.
    killed: bool,
}

impl Told {
    /// `text`: systemd's result, where the unit ended. A server whose main process the kernel kills ends by a signal
    /// like any other, as its unit is to go on when a kernel is killed.
    pub(super) fn failure(self, cause: Cause, text: String) -> Failure {
        let result = text.split(' ').next().unwrap_or_default();
        let out_of_memory = result == OOM_KILL || (text == SIGNAL_KILL && self.killed);
        Failure { cause, text, out_of_memory, journal: self.lines }
    }
}

pub(super) async fn last_lines(servers: &Servers, server: &Server) -> Told {
    let Snapshot { invocation, since, .. } = server.snapshot();
    let this_run = invocation.is_some();
    let invocation = invocation.unwrap_or_default();
    let read = servers.0.launcher.journal(&server.id, &invocation, JOURNAL_LINES);
    match timeout(READ_DEADLINE, read).await {
        // A run whose id nobody knows is told from earlier ones by the time at which it was asked for.
        Ok(Ok(mut lines)) => {
            lines.retain(|line| this_run || line.time_usec >= since);
            let killed = lines.iter().any(|line| line.message_id.as_deref() == Some(OUT_OF_MEMORY));
            Told { lines: lines.into_iter().map(|JournalLine { message, .. }| message).collect(), killed }
        }
        Ok(Err(error)) => {
            tracing::warn!("cannot read the journal of {}, ignoring: {error}", server.id.unit_name());
            Told::default()
        }
        Err(_) => Told::default(),
    }
}
