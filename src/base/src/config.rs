//! Reads `/etc/hub/hub.toml` and `/etc/hub/hub.toml.d/*.toml` into a [`Config`].
//!
//! Later files win, key by key, in the order of their names. Every key, its default and its meaning stand once, in
//! [`schema`]: checking, the shipped file and `hubctl config show` all come from that list. Invariant: a [`Config`]
//! holds only values that were checked; every mistake of every file is told at once, with file, line and key.

mod address;
mod compare;
mod error;
mod files;
mod idle;
mod limits;
mod near;
mod new_account;
mod profile;
mod report;
mod roles;
mod sandbox;
mod schema;
mod service;
mod tables;
mod value;

use std::path::PathBuf;
use std::time::Duration;

pub use error::ConfigError;
pub use files::load;
pub use idle::{Idle, IdlePolicy, IdleRule};
pub use new_account::is_administrative;
pub use profile::{Localised, Profile};
pub use roles::{CustomScope, Group, Role};
pub use sandbox::{Around, Sandbox, WALLS, Wall};
pub use schema::{Key, keys, reference};
pub use service::{Restart, Service, ServiceTarget, ServiceToken, ServiceUrl};
pub use value::parse_time;

use crate::limits::Rules;
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
    /// The walls around people's servers.
    pub sandbox: Sandbox,
    /// What people's servers may use.
    pub limits: Rules,
    /// Every `[[profile]]`, as they appear. No two share a name.
    pub profiles: Vec<Profile>,
    /// What becomes of idle servers.
    pub idle: Idle,
    /// Every `[[service]]`, as they appear. No two share a name, a token or a name as an OAuth client.
    pub services: Vec<Service>,
    /// Every `[[role]]`, as they appear. No two share a name.
    pub roles: Vec<Role>,
    /// Every `[[custom_scope]]`, as they appear. No two share a name.
    pub custom_scopes: Vec<CustomScope>,
    /// Every `[[group]]`, as they appear. No two share a name.
    pub groups: Vec<Group>,
}

/// `[hub]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// The path everything is below: starts and ends with a slash.
    pub base_url: String,
    /// The address people use, `https://hub.example.org` without a slash at its end; `None` takes each request's own.
    pub public_url: Option<String>,
    /// How many servers may be starting at once; `None` for no limit.
    pub concurrent_starts: Option<u32>,
    /// How many servers may run or be starting; `None` for no limit.
    pub active_servers: Option<u32>,
    /// The longest life of a token that somebody asks for; [`NEVER`] for no limit.
    pub token_lifetime_max: Duration,
    /// How long a login lasts, and a token that OAuth gives.
    pub cookie_lifetime: Duration,
    /// Does `/metrics` need a token with `read:metrics`?
    pub metrics_need_token: bool,
    /// The HTTP status of an API request to a server that does not run: 424 or 503.
    pub stopped_server_status: u16,
    /// Is an OAuth client without PKCE refused?
    pub oauth_require_pkce: bool,
    /// How long nobody needs the hub before it ends until the next connection; [`NEVER`] keeps it.
    pub exit_when_idle: Duration,
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
    /// Does whoever adds people to the hub make their accounts, too?
    pub create_system_users: bool,
    /// The Unix groups that such accounts are put into.
    pub new_user_groups: Vec<String>,
    /// Their login shell: an absolute path.
    pub new_user_shell: String,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Which program the hub starts.
    pub kind: ServerKind,
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
    /// How many servers with a name each person may have beside the default one; `None` for no limit.
    pub named_limit: Option<u32>,
    /// What the token of a person who opens a server may do beyond identifying them.
    pub oauth_client_allowed_scopes: Vec<String>,
    /// What a server's own token may do.
    pub token_scopes: Vec<String>,
    /// Lines that a server may write to the journal within [`Server::log_interval`]; `None` for no limit.
    pub log_burst: Option<u32>,
    /// See [`Server::log_burst`]; [`NEVER`] is as long as the server runs.
    pub log_interval: Duration,
}

/// Which program a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServerKind {
    /// `JupyterLab` itself; the hub alone decides who reaches it.
    #[default]
    Lab,
    /// `jupyterhub-singleuser`, which asks the hub who somebody is.
    Singleuser,
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
        Self {
            base_url: "/".to_owned(),
            public_url: None,
            concurrent_starts: Some(100),
            active_servers: None,
            token_lifetime_max: NEVER,
            cookie_lifetime: Duration::from_secs(14 * 24 * 60 * 60),
            metrics_need_token: true,
            stopped_server_status: 424,
            oauth_require_pkce: false,
            exit_when_idle: Duration::from_secs(10 * 60),
        }
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
            create_system_users: false,
            new_user_groups: Vec::new(),
            new_user_shell: "/bin/bash".to_owned(),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            kind: ServerKind::Lab,
            command: None,
            environment: Vec::new(),
            directory: "~".to_owned(),
            default_url: "/lab".to_owned(),
            language: None,
            start_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(20),
            named_limit: Some(0),
            oauth_client_allowed_scopes: Vec::new(),
            token_scopes: ["users:activity!user", "access:servers!server"].map(str::to_owned).to_vec(),
            log_burst: Some(10_000),
            log_interval: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests;
