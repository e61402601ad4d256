//! The states of a server and the one table of how events change them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use hubd_base::config::ServerKind;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::answers::Answers;
use super::oom::OutOfMemory;
use super::saves::Saves;
use crate::clock::Usec;

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does not run.
    Stopped,
    /// A start is under way.
    Starting,
    /// It answers.
    Running,
    /// It is frozen and keeps what it knows.
    Suspended,
    /// It is being stopped.
    Stopping,
    /// The last start or run ended badly; nothing runs.
    Failed,
}

impl State {
    /// The word used in pages, API extensions and `hubctl`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
        }
    }

    /// JupyterHub's `pending` field.
    pub fn pending(self) -> Option<&'static str> {
        match self {
            Self::Starting => Some("spawn"),
            Self::Stopping => Some("stop"),
            Self::Stopped | Self::Running | Self::Suspended | Self::Failed => None,
        }
    }

    /// JupyterHub's `ready`: it accepts requests.
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Running | Self::Suspended)
    }

    /// JupyterHub's `active`: pending or ready.
    pub fn is_active(self) -> bool {
        self.is_ready() || self.pending().is_some()
    }
}

/// What can happen to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody asked for a start.
    StartAsked,
    /// A unit was seen running that this process did not start.
    UnitSeen,
    /// The server answered its first request.
    Ready,
    /// The start came to a bad end.
    StartFailed,
    /// Somebody asked for a stop.
    StopAsked,
    /// systemd is stopping the unit, whoever asked it to.
    UnitStopping,
    /// The unit is gone and ended well.
    UnitGone,
    /// The unit is gone and ended badly.
    UnitFailed,
    /// The unit was frozen.
    Frozen,
    /// The unit was thawed.
    Thawed,
    /// A former process of the hub saw it come to a bad end, or none did because none was there.
    Recalled,
}

/// The whole life of a server: `None` means the event changes nothing in this state.
pub fn next(state: State, event: Event) -> Option<State> {
    use Event as E;
    use State as S;
    match (state, event) {
        (S::Stopped | S::Failed, E::StartAsked | E::UnitSeen) => Some(S::Starting),
        (S::Starting, E::Ready) | (S::Suspended, E::Thawed) => Some(S::Running),
        (S::Running, E::Frozen) => Some(S::Suspended),
        (S::Starting | S::Running | S::Suspended | S::Failed, E::StopAsked)
        | (S::Running | S::Suspended, E::UnitStopping) => Some(S::Stopping),
        (S::Stopped, E::Recalled)
        | (S::Starting, E::StartFailed)
        | (S::Running | S::Suspended | S::Stopping, E::UnitFailed) => Some(S::Failed),
        (S::Running | S::Suspended | S::Stopping, E::UnitGone) => Some(S::Stopped),
        _ => None,
    }
}

/// How far a start has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Asked for.
    Requested,
    /// systemd is starting the unit.
    Launching,
    /// The unit runs, JupyterLab does not answer yet.
    Waiting {
        /// The unit's name.
        unit: String,
    },
}

impl Phase {
    /// Per cent of the way, for a progress bar.
    pub fn percent(&self) -> u8 {
        match self {
            Self::Requested => 0,
            Self::Launching => 20,
            Self::Waiting { .. } => 50,
        }
    }
}

/// Why a server is not running although it should be. The names are in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The account may not have a server.
    NotAllowed,
    /// No JupyterLab on this machine.
    NoLab,
    /// The configuration is wrong.
    Configuration,
    /// systemd could not do it.
    Launch,
    /// The broker or systemd does not answer.
    Unreachable,
    /// The program ended before it answered.
    Exited,
    /// It did not answer in time.
    Timeout,
    /// It ran, and ended by itself with a failure.
    Died,
}

/// A bad end, with what a person needs to mend it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What kind of bad end.
    pub cause: Cause,
    /// Details in words: systemd's result, the broker's sentence, the deadline.
    pub text: String,
    /// Whether it was that memory ran out.
    pub out_of_memory: bool,
    /// The last lines of the unit's journal, oldest first.
    pub journal: Vec<String>,
}

/// Where a running server is reached.
#[derive(Debug)]
pub struct Backend {
    /// Its Unix socket.
    pub socket: PathBuf,
    /// What runs there, as its unit says: whether the hub has to guard it.
    pub kind: ServerKind,
    /// Cancelled when it no longer runs; tunnels watch it.
    pub gone: CancellationToken,
    /// Last time somebody used it, microseconds; written to the store in batches.
    pub last_activity: AtomicI64,
    /// Last time a person did something with it, microseconds: what an open tab asks by itself does not count.
    pub attended: AtomicI64,
    /// Whether it is suspended: what the state says, for whoever asks with each request.
    asleep: AtomicBool,
    /// Requests that people wait for.
    in_use: AtomicUsize,
    /// Messages that came in through tunnels.
    messages: AtomicU64,
    /// Told of a message for a server that sleeps.
    knock: Notify,
    /// What its open tabs were told last.
    pub answers: Answers,
    /// What its open tabs saved last.
    pub saves: Saves,
}

/// A request that somebody waits for; its server is not suspended meanwhile.
#[derive(Debug)]
pub struct InUse(Arc<Backend>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Backend {
    /// A server that runs, last used and attended to then.
    pub fn new(socket: PathBuf, kind: ServerKind, last_activity: Usec, attended: Usec) -> Self {
        Self {
            socket,
            kind,
            gone: CancellationToken::new(),
            last_activity: AtomicI64::new(last_activity),
            attended: AtomicI64::new(attended),
            asleep: AtomicBool::new(false),
            in_use: AtomicUsize::new(0),
            messages: AtomicU64::new(0),
            knock: Notify::new(),
            answers: Answers::default(),
            saves: Saves::default(),
        }
    }

    /// Begins a request that somebody waits for. Who then finds the server asleep has to wake it; who does not is seen
    /// by whoever suspends it in that moment.
    pub fn enter(self: &Arc<Self>) -> InUse {
        self.in_use.fetch_add(1, Ordering::SeqCst);
        InUse(Arc::clone(self))
    }

    /// Whether somebody waits for an answer.
    pub fn is_in_use(&self) -> bool {
        self.in_use.load(Ordering::SeqCst) > 0
    }

    /// Whether it is suspended.
    pub fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::SeqCst)
    }

    /// A message came in through a tunnel and is on its way: a server that sleeps has to be woken for it.
    pub fn message(&self) {
        self.messages.fetch_add(1, Ordering::SeqCst);
        if self.is_asleep() {
            self.knock.notify_one();
        }
    }

    /// How many messages came in.
    pub(super) fn messages(&self) -> u64 {
        self.messages.load(Ordering::SeqCst)
    }

    /// Returns when a message came in for it while it slept.
    pub(super) async fn knocked(&self) {
        self.knock.notified().await;
    }

    pub(super) fn set_asleep(&self, asleep: bool) {
        let before = self.asleep.swap(asleep, Ordering::SeqCst);
        if asleep && !before {
            self.answers.forget_old();
        }
    }

    /// Notes that somebody used the server just now.
    pub fn touch(&self, now: Usec) {
        self.last_activity.store(now, Ordering::Relaxed);
    }

    /// Notes that a person did something with it just now.
    pub fn attend(&self, now: Usec) {
        self.attended.fetch_max(now, Ordering::Relaxed);
    }
}

/// One look at a server.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Where it is in its life.
    pub state: State,
    /// Since when, microseconds.
    pub since: Usec,
    /// Since when it runs, as systemd knows it; present once that is known.
    pub started: Option<Usec>,
    /// How far a start has come; meaningful while starting.
    pub phase: Phase,
    /// The last bad end, until the next start.
    pub failure: Option<Arc<Failure>>,
    /// The profile that was chosen and is not there, so that the usual one was taken; until the next start.
    pub lost_profile: Option<String>,
    /// Where it is reached; present while it is ready.
    pub backend: Option<Arc<Backend>>,
    /// Bytes of memory that it gave back when it was suspended, once that is known.
    pub given_back: Option<u64>,
    /// What the kernel killed of this run because memory ran out.
    pub out_of_memory: Option<Arc<OutOfMemory>>,
    /// systemd's id of this run, 32 hexadecimal digits.
    pub invocation: Option<String>,
    /// Set while it rests and is being renamed or removed: nothing else happens to it.
    pub hold: Option<Hold>,
    /// When the hub is going to stop it, once that was announced.
    pub stop_planned: Option<Usec>,
    /// Whether the stop under way was asked for here, so that a job of this process ends it.
    pub stop_asked: bool,
    /// Whether it is to start again after the stop under way.
    pub restart: bool,
    /// Who had it stopped, if somebody did; until the next start.
    pub stopped_by: Option<String>,
    /// systemd's word for the end of the unit, where it came while a stop was under way and was not a good one.
    pub stop_result: Option<String>,
}

/// Why a server that rests cannot be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It gets another name.
    Rename,
    /// It is being removed.
    Remove,
}

impl Snapshot {
    /// JupyterHub's `pending` field.
    pub fn pending(&self) -> Option<&'static str> {
        match self.hold {
            Some(Hold::Rename) => Some("rename"),
            Some(Hold::Remove) => Some("stop"),
            None => self.state.pending(),
        }
    }

    /// JupyterHub's `active`: pending or ready.
    pub fn is_active(&self) -> bool {
        self.state.is_ready() || self.pending().is_some()
    }

    /// Processes of this run that the kernel killed because memory ran out.
    pub fn killed(&self) -> u64 {
        self.out_of_memory.as_ref().map_or(0, |news| news.kills.count)
    }

    /// Whether the last start came to a bad end; a server that ran and died is not meant.
    pub fn start_failure(&self) -> Option<&Failure> {
        let failed = self.state == State::Failed;
        self.failure.as_deref().filter(|failure| failed && failure.cause != Cause::Died)
    }

    /// A server that does not run.
    pub fn stopped(since: Usec) -> Self {
        Self {
            state: State::Stopped,
            since,
            started: None,
            phase: Phase::Requested,
            failure: None,
            lost_profile: None,
            backend: None,
            given_back: None,
            out_of_memory: None,
            invocation: None,
            hold: None,
            stop_planned: None,
            stop_asked: false,
            restart: false,
            stopped_by: None,
            stop_result: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 6] =
        [State::Stopped, State::Starting, State::Running, State::Suspended, State::Stopping, State::Failed];

    #[test]
    fn every_active_state_can_be_stopped_and_every_resting_state_started() {
        for state in STATES {
            let stop = next(state, Event::StopAsked);
            let start = next(state, Event::StartAsked);
            match state {
                State::Stopped => assert_eq!((start, stop), (Some(State::Starting), None)),
                State::Failed => assert_eq!((start, stop), (Some(State::Starting), Some(State::Stopping))),
                State::Stopping => assert_eq!((start, stop), (None, None)),
                _ => assert_eq!((start, stop), (None, Some(State::Stopping))),
            }
        }
    }

    #[test]
    fn a_unit_that_vanishes_never_leaves_a_ready_server() {
        for state in STATES {
            for event in [Event::UnitGone, Event::UnitFailed] {
                assert!(!next(state, event).is_some_and(State::is_active), "{state:?} {event:?}");
                if state.is_ready() {
                    assert!(next(state, event).is_some(), "{state:?} {event:?}");
                }
            }
        }
    }

    #[test]
    fn only_a_start_leads_to_running() {
        for state in STATES {
            assert_eq!(next(state, Event::Ready).is_some(), state == State::Starting);
        }
    }
}
