//! The hub as one value: everything a request may need, put together once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hubd_base::config::Config;
use hubd_base::names::{ServerId, UserName};
use tokio_util::sync::CancellationToken;

use crate::auth::access::Access;
use crate::auth::accounts::Accounts;
use crate::auth::changes::Changes;
use crate::auth::configured;
use crate::auth::groups::{GroupError, Groups};
use crate::auth::keeper::Keeper;
use crate::auth::login::Door;
use crate::auth::people::People;
use crate::auth::random;
use crate::auth::roles::{RoleError, Roles};
use crate::auth::scopes::{Catalog, Cover, Custom, Resource};
use crate::auth::services::Services;
use crate::auth::sessions::Sessions;
use crate::auth::shares::Shares;
use crate::auth::tokens::Tokens;
use crate::auth::xsrf::Xsrf;
use crate::clock::{Usec, now};
use crate::http::cookies::Sent;
use crate::http::origin::Authority;
use crate::http::stay::Stays;
use crate::journals::Journals;
use crate::oauth::codes::Codes;
use crate::proxy::forward::Forwarder;
use crate::servers::idle::Idle;
use crate::servers::launcher::Launcher;
use crate::servers::profiles::{self, Offer};
use crate::servers::registry::{Servers, Settings, Ties};
use crate::servers::state::Snapshot;
use crate::services::launcher::ServiceLauncher;
use crate::services::manager::Manager;
use crate::services::tokens as service_tokens;
use crate::store::{Store, StoreError};

/// The version of this hub, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The version that clients of `JupyterHub` see: the API this hub speaks, and behind the plus sign its own version
/// (PEP 440). They compare the first number with their own (contract 6.4).
pub const API_VERSION: &str = concat!("6.1.1+hubd.", env!("CARGO_PKG_VERSION"));

/// What differs between a real hub and one in a test.
pub struct Parts {
    /// From `/etc/hub`.
    pub config: Config,
    /// The database file.
    pub database: PathBuf,
    /// The socket of `hub-login`.
    pub login_socket: PathBuf,
    /// How long PAM may work, and a person may think, before a login is given up.
    pub login_deadline: Duration,
    /// What starts servers.
    pub launcher: Arc<dyn Launcher>,
    /// What starts services.
    pub service_launcher: Arc<dyn ServiceLauncher>,
    /// What reads logs.
    pub journals: Arc<dyn Journals>,
    /// Who decides about the control socket.
    pub authority: Arc<dyn Authority>,
    /// The accounts of this machine.
    pub accounts: Arc<dyn Accounts>,
    /// What makes accounts of this machine.
    pub keeper: Arc<dyn Keeper>,
}

/// Everything a request may need.
pub struct App {
    /// From `/etc/hub`, read at start.
    pub config: Config,
    /// Everybody the hub knows.
    pub people: Arc<People>,
    /// Groups of people.
    pub groups: Arc<Groups>,
    /// Services.
    pub services: Arc<Services>,
    /// Servers that people share.
    pub shares: Arc<Shares>,
    /// Every token.
    pub tokens: Arc<Tokens>,
    /// Who may do what.
    pub access: Access,
    /// The accounts of this machine.
    pub accounts: Arc<dyn Accounts>,
    /// What makes such accounts, and deletes them.
    pub keeper: Arc<dyn Keeper>,
    /// Logged-in browsers.
    pub sessions: Sessions,
    /// Protection of forms.
    pub xsrf: Xsrf,
    /// The way to PAM.
    pub door: Door,
    /// Everybody's servers.
    pub servers: Servers,
    /// Which servers are idle, and what becomes of them.
    pub idle: Idle,
    /// What runs of the services.
    pub manager: Manager,
    /// What reads logs.
    pub journals: Arc<dyn Journals>,
    /// Authorization codes on their way.
    pub codes: Codes,
    /// Who decides about the control socket.
    pub authority: Arc<dyn Authority>,
    /// Moves requests to servers.
    pub forwarder: Forwarder,
    /// When this process began.
    pub started: Usec,
    /// Open connections and tunnels.
    pub stays: Stays,
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
    /// A role of the configuration.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// A group of the configuration.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// A custom scope of the configuration.
    #[error("custom scopes: {0}")]
    Scope(String),
}

impl App {
    /// Puts the hub together; opens the database and reads what survived the last process.
    pub async fn new(parts: Parts, stop: CancellationToken) -> Result<Arc<Self>, AppError> {
        let store = Store::open(Path::new(&parts.database))?;
        let fresh = random::random_key()?;
        let xsrf = Xsrf::new(store.key("xsrf", fresh).await?);
        let config = parts.config;
        let custom = config.custom_scopes.iter().map(|scope| {
            let custom = Custom { description: scope.description.clone(), subscopes: scope.subscopes.clone() };
            (scope.name.clone(), custom)
        });
        let catalog = Catalog::new(custom).map_err(AppError::Scope)?;
        let roles = Roles::new(&config, &catalog)?;
        let changes = Changes::default();
        let people = Arc::new(People::load(store.clone(), changes.clone()).await?);
        let groups = Arc::new(Groups::load(store.clone(), changes.clone()).await?);
        configured::add_groups(&config.groups, &groups, &people, parts.accounts.as_ref(), now()).await?;
        let services = Arc::new(Services::load(&config, store.clone(), changes.clone()).await?);
        let shares = Arc::new(Shares::load(store.clone(), changes.clone()).await?);
        let tokens = Arc::new(Tokens::load(store.clone(), now()).await?);
        service_tokens::settle(&config, &services, &tokens, now()).await?;
        let manager = Manager::new(&config, parts.service_launcher, Arc::clone(&services), Arc::clone(&tokens));
        let sessions = Sessions::load(store.clone(), Arc::clone(&tokens), config.hub.cookie_lifetime, now()).await?;
        let (p, g, s) = (Arc::clone(&people), Arc::clone(&groups), Arc::clone(&services));
        let access = Access::new((catalog, roles), p, g, s, Arc::clone(&shares), changes);
        let ties = Ties { people: Arc::clone(&people), tokens: Arc::clone(&tokens), shares: Arc::clone(&shares) };
        let servers = Servers::load(parts.launcher, store, Settings::of(&config), ties).await?;
        let stays = Stays::new();
        let idle = Idle::new(servers.clone(), &config, Arc::clone(&parts.accounts));
        Ok(Arc::new(Self {
            idle,
            people,
            groups,
            services,
            shares,
            tokens,
            access,
            accounts: parts.accounts,
            keeper: parts.keeper,
            sessions,
            config,
            xsrf,
            door: Door::new(parts.login_socket, parts.login_deadline),
            servers,
            manager,
            journals: parts.journals,
            codes: Codes::default(),
            authority: parts.authority,
            forwarder: Forwarder::new(stays.clone()),
            started: now(),
            stays,
            stop,
        }))
    }

    /// `hub.base_url`: begins and ends with a slash.
    pub fn base_url(&self) -> &str {
        &self.config.hub.base_url
    }

    /// How the hub's secret cookies travel: over https alone where that is how people come (contract 5.1).
    pub fn cookies_sent(&self) -> Sent {
        let https = self.config.hub.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        if https { Sent::Encrypted } else { Sent::Anywhere }
    }

    /// The path of a server: `/user/alice/`.
    pub fn server_url(&self, id: &ServerId) -> String {
        self.servers.path(id)
    }

    /// The path of the stream that tells how a start goes: `/hub/api/users/alice/server/progress`.
    pub fn progress_url(&self, id: &ServerId) -> String {
        let which = if id.server.is_default() { "server".to_owned() } else { format!("servers/{}", id.server) };
        format!("{}hub/api/users/{}/{which}/progress", self.base_url(), id.user.url_segment())
    }

    /// The path of a service's pages: `/services/grades/`.
    pub fn service_url(&self, name: &str) -> String {
        format!("{}services/{name}/", self.base_url())
    }

    /// How a server is right now; one that nobody ever asked for rests.
    pub fn snapshot(&self, id: &ServerId) -> Snapshot {
        self.servers.find(id).map_or_else(|| Snapshot::stopped(self.started), |server| server.snapshot())
    }

    /// The profiles that a person may start a server with; empty where nobody is asked.
    ///
    /// # Errors
    /// A sentence: the name service does not answer.
    pub async fn profiles(&self, user: &UserName) -> Result<Vec<Offer>, String> {
        profiles::offers(&self.config, self.accounts.as_ref(), user).await
    }

    /// Whether something goes on that no connection waits for: a start, a stop, a login between two of its pages.
    pub fn is_at_work(&self) -> bool {
        self.servers.is_at_work()
            || self.manager.is_at_work()
            || self.door.is_at_work()
            || self.codes.are_on_their_way(now())
    }

    /// Whether the hub calls this person an administrator.
    pub fn is_admin(&self, user: &UserName) -> bool {
        self.people.find(user).is_some_and(|person| person.admin.holds())
    }

    /// Whether this person may open the administration pages.
    pub fn may_administer(&self, user: &UserName) -> bool {
        self.access.of_user(user).covers("admin-ui", Resource::Any, self.access.groups()) == Cover::Covered
    }

    /// Whether this person may use that server.
    pub fn may_access(&self, user: &UserName, server: &ServerId) -> bool {
        self.access.may_enter(&self.access.of_user(user), server)
    }

    /// Whether this person may start and stop that server.
    pub fn may_manage(&self, user: &UserName, server: &ServerId) -> bool {
        let resource = Resource::Server { user: server.user.as_str(), server: server.server.as_str() };
        self.access.of_user(user).covers("servers", resource, self.access.groups()) == Cover::Covered
    }
}
