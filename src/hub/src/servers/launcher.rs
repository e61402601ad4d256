//! What stands between the hub and where servers run. systemd on this machine is the first launcher.

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use hubd_base::config::ServerKind;
use hubd_base::names::ServerId;
use hubd_base::secret::Secret;

use super::limits::{InForce, LimitChange};
use super::oom::Kills;
use super::usage::{Machine, Usage};
use crate::clock::Usec;

/// What a launcher says of a unit right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitState {
    /// Nothing of that name runs or is remembered.
    Absent,
    /// It is being started.
    Activating,
    /// It runs.
    Active {
        /// This run's id.
        invocation: String,
        /// Whether it is frozen.
        frozen: bool,
        /// Since when it runs, microseconds since 1970 UTC.
        since: Usec,
    },
    /// It is being stopped.
    Deactivating,
    /// It ended badly and is kept so that the reason can be read.
    Failed {
        /// This run's id.
        invocation: String,
        /// The reason in systemd's words, such as `exit-code (3)` or `oom-kill`.
        result: String,
    },
}

/// What to start a server with; all else the configuration says.
pub struct Order {
    /// The server's own, for the API.
    pub token: Secret,
    /// The name of a profile; `None` is no choice.
    pub profile: Option<String>,
}

/// A unit that was started.
#[derive(Clone, Debug)]
pub struct Launched {
    /// The unit's name.
    pub unit: String,
    /// This run's id.
    pub invocation: String,
}

/// One line of a server's journal.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct JournalLine {
    /// When, microseconds since 1970 UTC.
    pub time_usec: i64,
    /// syslog priority, 0 to 7.
    pub priority: u8,
    /// Who wrote it.
    pub identifier: String,
    /// The line.
    pub message: String,
    /// What kind of event it tells of, as `MESSAGE_ID=`, where whoever wrote it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

/// Why a launcher could not do what it was asked for; the texts are for people.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LaunchError {
    /// The account may not have a server, or does not exist.
    #[error("{0}")]
    NotAllowed(String),
    /// No JupyterLab is installed.
    #[error("{0}")]
    NoLab(String),
    /// The configuration is wrong.
    #[error("{0}")]
    Configuration(String),
    /// The configuration has no such profile for this person.
    #[error("{0}")]
    NoSuchProfile(String),
    /// It runs already, or a start of it is under way.
    #[error("the unit is already running")]
    AlreadyRunning,
    /// Nothing of it runs.
    #[error("{0}")]
    NotRunning(String),
    /// This machine cannot freeze it.
    #[error("{0}")]
    CannotFreeze(String),
    /// The start failed.
    #[error("{0}")]
    Failed(String),
    /// The launcher itself cannot be reached.
    #[error("{0}")]
    Unreachable(String),
}

/// Starts, stops and observes servers. Every call may take as long as systemd takes; callers set deadlines.
pub trait Launcher: Send + Sync + 'static {
    /// Starts a server's unit; returns when the unit runs (not when it answers).
    fn start<'a>(&'a self, id: &'a ServerId, order: &'a Order) -> BoxFuture<'a, Result<Launched, LaunchError>>;
    /// Changes what it may use, at once and until it stops.
    fn set_limits<'a>(&'a self, id: &'a ServerId, change: &'a LimitChange) -> BoxFuture<'a, Result<(), LaunchError>>;
    /// What it may use, and which files of this machine say so.
    fn limits<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<InForce, LaunchError>>;
    /// Stops it and clears what is remembered of it; success when there is nothing to stop.
    fn stop<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<(), LaunchError>>;
    /// Freezes a unit that runs; returns when it stands still. One that is frozen stays so.
    fn freeze<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<(), LaunchError>>;
    /// Lets a frozen unit run again. One that is not frozen goes on.
    fn thaw<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<(), LaunchError>>;
    /// Gives the memory of a frozen unit back to the machine; the bytes. A thaw breaks it off.
    fn reclaim<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<u64, LaunchError>>;
    /// The unit's state right now.
    fn state<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<UnitState, LaunchError>>;
    /// What runs in the unit. What cannot be told apart is [`ServerKind::Lab`], which the hub guards.
    fn kind<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<ServerKind, LaunchError>>;
    /// Every server of which a unit exists.
    fn list(&self) -> BoxFuture<'_, Result<Vec<ServerId>, LaunchError>>;
    /// The last lines of its journal, oldest first; `invocation` empty means of all runs.
    fn journal<'a>(
        &'a self,
        id: &'a ServerId,
        invocation: &'a str,
        lines: u32,
    ) -> BoxFuture<'a, Result<Vec<JournalLine>, LaunchError>>;
    /// What it uses right now, and what it may use at most.
    fn usage<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<Usage, LaunchError>>;
    /// What everything uses together where servers run.
    fn machine(&self) -> BoxFuture<'_, Result<Machine, LaunchError>>;
    /// How many of its processes the kernel killed for want of memory: now, and again whenever that grows. Ends at once
    /// where nobody counts.
    fn kills<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<BoxStream<'static, Kills>, LaunchError>>;
    /// Names of servers whose unit changed in some way, from now on; ends when the launcher is lost.
    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, ServerId>, LaunchError>>;
    /// Where the server listens.
    fn socket(&self, id: &ServerId) -> std::path::PathBuf;
}
