//! `[[service]]`: programs that work with the hub for everybody.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Limits;
use crate::names::{ServiceName, UserName};
use crate::secret::Secret;

/// One `[[service]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What it is called.
    pub name: ServiceName,
    /// Where its pages are; `None` for a service without pages.
    pub url: Option<ServiceUrl>,
    /// Program and arguments; empty for a service that the hub does not start. The program is an absolute path or a
    /// bare name, which systemd looks for.
    pub command: Vec<String>,
    /// Its variables, sorted by name.
    pub environment: Vec<(String, String)>,
    /// The account it runs as; `None` is one that systemd makes up (`DynamicUser=`).
    pub user: Option<UserName>,
    /// Its working directory, an absolute path.
    pub directory: Option<PathBuf>,
    /// The token it shows; `None` makes a new one at each start.
    pub api_token: Option<ServiceToken>,
    /// Does it have the role `admin`?
    pub admin: bool,
    /// Its name as an OAuth client, when it is not `service-<name>`; see [`Service::client_id`].
    pub oauth_client_id: Option<String>,
    /// Where a login leads back to, when it is not `services/<name>/oauth_callback`: an address or a path.
    pub oauth_redirect_uri: Option<String>,
    /// What its people's tokens may do beyond identifying them.
    pub oauth_client_allowed_scopes: Vec<String>,
    /// Is nobody asked before it learns who they are?
    pub oauth_no_confirm: bool,
    /// What others may read about it, sorted by name.
    pub info: Vec<(String, String)>,
    /// Is it in the menu of the hub's pages?
    pub display: bool,
    /// How long it may take until it answers; [`super::NEVER`] for no limit.
    pub timeout: Duration,
    /// What it may use.
    pub limits: Limits,
    /// What happens when it ends.
    pub restart: Restart,
}

impl Service {
    /// A service of that name with the default of every other key.
    pub fn new(name: ServiceName) -> Self {
        Self {
            name,
            url: None,
            command: Vec::new(),
            environment: Vec::new(),
            user: None,
            directory: None,
            api_token: None,
            admin: false,
            oauth_client_id: None,
            oauth_redirect_uri: None,
            oauth_client_allowed_scopes: Vec::new(),
            oauth_no_confirm: false,
            info: Vec::new(),
            display: true,
            timeout: Duration::from_secs(30),
            limits: Limits::default(),
            restart: Restart::OnFailure,
        }
    }

    /// Does the hub start it (as `hub-service@<name>.service`)?
    pub fn is_managed(&self) -> bool {
        !self.command.is_empty()
    }

    /// Can people log in to it with OAuth?
    pub fn has_oauth(&self) -> bool {
        self.url.is_some() || self.oauth_redirect_uri.is_some()
    }

    /// Its name as an OAuth client: always starts with `service-`.
    pub fn client_id(&self) -> String {
        self.oauth_client_id.clone().unwrap_or_else(|| format!("service-{}", self.name))
    }
}

/// Where a service listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl {
    /// As it was written, without a slash at its end: the value of `JUPYTERHUB_SERVICE_URL`.
    pub text: String,
    /// The same, taken apart.
    pub target: ServiceTarget,
}

/// Where a service's pages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceTarget {
    /// `http://127.0.0.1:9000`
    Tcp {
        /// A name or an address; IPv6 without brackets.
        host: String,
        /// Never 0.
        port: u16,
        /// `https`?
        tls: bool,
    },
    /// `http+unix://%2Frun%2Fgrades%2Fsocket`: an absolute path of at most 107 bytes.
    Unix(PathBuf),
}

/// A token that stands in a configuration file: 8 to 64 visible ASCII characters.
///
/// Never shown, wiped when the last copy of the configuration goes.
#[derive(Clone)]
pub struct ServiceToken(Arc<Secret>);

impl ServiceToken {
    /// The characters. Do not copy them into anything that is not wiped.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// Not checked: the configuration's reader does that.
impl From<Secret> for ServiceToken {
    fn from(secret: Secret) -> Self {
        Self(Arc::new(secret))
    }
}

/// Compares two configurations; nothing that a stranger sends may be compared like this, as it takes telling time.
impl PartialEq for ServiceToken {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for ServiceToken {}

impl fmt::Debug for ServiceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// What happens when a service ends: systemd's `Restart=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// It is started again unless it ended well.
    OnFailure,
    /// It is started again.
    Always,
    /// It stays down.
    No,
}

impl Restart {
    /// The word for systemd: `on-failure`, `always` or `no`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnFailure => "on-failure",
            Self::Always => "always",
            Self::No => "no",
        }
    }
}
