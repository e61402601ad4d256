//! The hub as one value: everything a request may need, put together once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use hubd_base::config::Config;
use hubd_base::names::{ServerId, UserName};
use tokio_util::sync::CancellationToken;

use crate::auth::login::Door;
use crate::auth::people::People;
use crate::auth::sessions::Sessions;
use crate::auth::random;
use crate::auth::xsrf::Xsrf;
use crate::clock::{Usec, now};
use crate::http::origin::Authority;
use crate::oauth::codes::Codes;
use crate::proxy::forward::Forwarder;
use crate::servers::launcher::Launcher;
use crate::servers::registry::{Deadlines, Servers};
use crate::store::{Store, StoreError};

/// The version of this hub, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What differs between a real hub and one in a test.
pub struct Parts {
    /// From `/etc/hub`.
    pub config: Config,
    /// The database file.
    pub database: PathBuf,
    /// The socket of `hub-login`.
    pub login_socket: PathBuf,
    /// What starts servers.
    pub launcher: Arc<dyn Launcher>,
    /// Who decides about the control socket.
    pub authority: Arc<dyn Authority>,
}

/// Everything a request may need.
pub struct App {
    /// From `/etc/hub`, read at start.
    pub config: Config,
    /// Everybody the hub knows.
    pub people: People,
    /// Logged-in browsers.
    pub sessions: Sessions,
    /// Protection of forms.
    pub xsrf: Xsrf,
    /// The way to PAM.
    pub door: Door,
    /// Everybody's servers.
    pub servers: Servers,
    /// Authorization codes on their way.
    pub codes: Codes,
    /// Who decides about the control socket.
    pub authority: Arc<dyn Authority>,
    /// Moves requests to servers.
    pub forwarder: Forwarder,
    /// When this process began.
    pub started: Usec,
    /// Open connections.
    pub connections: AtomicUsize,
    /// Cancelled when the hub stops: endless answers end.
    pub stop: CancellationToken,
}

/// Why the hub cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The kernel has no randomness.
    #[error(transparent)]
    Random(#[from] random::NoRandomness),
}

impl App {
    /// Puts the hub together; opens the database and reads what survived the last process.
    pub async fn new(parts: Parts, stop: CancellationToken) -> Result<Arc<Self>, AppError> {
        let store = Store::open(Path::new(&parts.database))?;
        let fresh = random::random_key()?;
        let xsrf = Xsrf::new(store.key("xsrf", fresh).await?);
        let deadlines = Deadlines { start: parts.config.server.start_timeout, stop: parts.config.server.stop_timeout };
        let servers = Servers::new(parts.launcher, store.clone(), deadlines, parts.config.hub.base_url.clone());
        for row in store.server_rows().await? {
            servers.get(&row.id);
        }
        Ok(Arc::new(Self {
            people: People::load(store.clone()).await?,
            sessions: Sessions::load(store, now()).await?,
            config: parts.config,
            xsrf,
            door: Door::new(parts.login_socket),
            servers,
            codes: Codes::default(),
            authority: parts.authority,
            forwarder: Forwarder::new(),
            started: now(),
            connections: AtomicUsize::new(0),
            stop,
        }))
    }

    /// `hub.base_url`: begins and ends with a slash.
    pub fn base_url(&self) -> &str {
        &self.config.hub.base_url
    }

    /// The path of a server: `/user/alice/`.
    pub fn server_url(&self, id: &ServerId) -> String {
        format!("{}user/{}/", self.base_url(), id.url_segment())
    }

    /// Whether the hub calls this person an administrator.
    pub fn is_admin(&self, user: &UserName) -> bool {
        self.people.find(user).is_some_and(|person| person.admin)
    }

    /// Whether this person may use that server: their own, or any for administrators where the configuration says so.
    pub fn may_access(&self, user: &UserName, server: &ServerId) -> bool {
        *user == server.user || (self.config.login.admin_access && self.is_admin(user))
    }

    /// Whether this person may start and stop that server.
    pub fn may_manage(&self, user: &UserName, server: &ServerId) -> bool {
        *user == server.user || self.is_admin(user)
    }
}
