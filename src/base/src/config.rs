//! Reads `/etc/hub/hub.toml` and `/etc/hub/hub.toml.d/*.toml` into a [`Config`].
//!
//! Later files win, key by key, in the order of their names. Every key, its default and its meaning stand once, in
//! [`schema`]: checking, the shipped file and `hubctl config show` all come from that list. Invariant: a [`Config`]
//! holds only values that were checked; every mistake of every file is told at once, with file, line and key.

mod error;
mod files;
mod schema;
mod value;

use std::path::PathBuf;
use std::time::Duration;

pub use error::ConfigError;
pub use files::load;
pub use schema::{Key, keys, reference};

use crate::names::UserName;

/// Where the configuration lies.
pub const DIR: &str = "/etc/hub";
/// What the time `"never"` is read as: a hundred years, which can be added to any clock.
pub const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The whole configuration, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Where the hub is.
    pub hub: Hub,
    /// Who may come.
    pub login: Login,
    /// How a person's server is started.
    pub server: Server,
    /// What a person's server may use.
    pub limits: Limits,
}

/// `[hub]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// The path everything is below: starts and ends with a slash.
    pub base_url: String,
}

/// `[login]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Who may come.
    pub allow: Allow,
    /// Who may not, whatever `allow` says.
    pub block: Vec<Principal>,
    /// Who manages the hub.
    pub admins: Vec<Principal>,
    /// May administrators open other people's servers?
    pub admin_access: bool,
    /// May the root account come?
    pub allow_root: bool,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Program (an absolute path) and first arguments; `None` finds `JupyterLab` ([`crate::lab`]).
    pub command: Option<Vec<String>>,
    /// Variables for every server, sorted by name.
    pub environment: Vec<(String, String)>,
    /// The folder a server starts in: `~`, `~/below` or an absolute path.
    pub directory: String,
    /// The page a server opens with: a path that starts with a slash.
    pub default_url: String,
    /// The language of `JupyterLab` such as `zh_CN`; `None` leaves it to the person.
    pub language: Option<String>,
    /// How long a start may take; [`NEVER`] for no limit.
    pub start_timeout: Duration,
    /// How long a stop may take before the server is killed; [`NEVER`] for no limit.
    pub stop_timeout: Duration,
}

/// `[limits]`: `None` is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// Bytes; above it a process of the server is killed.
    pub memory_max: Option<u64>,
    /// Bytes; above it the server is slowed down.
    pub memory_high: Option<u64>,
    /// Percent of one CPU.
    pub cpu_quota: Option<u32>,
    /// Number of processes and threads.
    pub tasks_max: Option<u64>,
}

/// A person or a group of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// `alice`
    User(UserName),
    /// `@students`, here without the `@`
    Group(String),
}

/// Who may come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// Everybody with a real login shell.
    All,
    /// These people and groups.
    Only(Vec<Principal>),
}

/// A configuration that was read, and where each value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The values as text, in the order of the shipped file.
    pub values: Vec<Value>,
    /// The files that were read, in order.
    pub files: Vec<PathBuf>,
}

/// One effective value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Such as `server.start_timeout`.
    pub key: String,
    /// The value as TOML.
    pub text: String,
    /// Where it was set.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// No file sets it.
    Default,
    /// The last file that sets it.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
}

impl Default for Hub {
    fn default() -> Self {
        Self { base_url: "/".to_owned() }
    }
}

impl Default for Login {
    fn default() -> Self {
        let root = UserName::parse("root").ok().map(Principal::User);
        Self {
            allow: Allow::All,
            block: Vec::new(),
            admins: root.into_iter().chain([Principal::Group("sudo".to_owned())]).collect(),
            admin_access: false,
            allow_root: false,
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            command: None,
            environment: Vec::new(),
            directory: "~".to_owned(),
            default_url: "/lab".to_owned(),
            language: None,
            start_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(20),
        }
    }
}

#[cfg(test)]
mod tests;
