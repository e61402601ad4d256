//! Starts what should run of the configuration's services and is not running, stops what should not, and follows systemd.
//!
//! Invariant: nothing here keeps the hub from serving. A service that cannot be started is told to the journal and shown
//! as such; a start that fails is not tried again before the next start of the hub.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use hubd_base::config::{self, Config, ServiceTarget};
use hubd_base::names::ServiceName;
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::launcher::ServiceLauncher;
use super::tokens;
use crate::auth::services::{Service, Services};
use crate::auth::tokens::Tokens;
use crate::clock::now;
use crate::observe;
use crate::servers::address::Address;
use crate::servers::launcher::{LaunchError, UnitState};
use crate::servers::ready;

/// Pauses between two tries to reach a launcher that is lost.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// For starting or stopping one: longer than the broker's own deadlines.
const CHANGE_DEADLINE: Duration = Duration::from_secs(120);
/// For reading a unit.
const READ_DEADLINE: Duration = Duration::from_secs(10);

/// How a service of the configuration is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// `running`, `starting`, `stopping`, `stopped` or `failed`.
    pub state: Life,
    /// Its main process; 0 for none.
    pub pid: u32,
    /// Why it does not run, in words for people.
    pub problem: Option<String>,
}

/// Where a service is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Life {
    /// It does not run.
    #[default]
    Stopped,
    /// It is being started.
    Starting,
    /// It runs.
    Running,
    /// It is being stopped.
    Stopping,
    /// It could not be started, or ended badly and is not started again.
    Failed,
}

impl Life {
    /// The word used in pages, API extensions and `hubctl`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
        }
    }
}

struct Inner {
    launcher: Arc<dyn ServiceLauncher>,
    services: Arc<Services>,
    tokens: Arc<Tokens>,
    /// By name; those of which there is something to start.
    configured: BTreeMap<ServiceName, Configured>,
    conditions: RwLock<HashMap<ServiceName, Condition>>,
    /// How long those with pages may take until they answer.
    timeouts: Vec<(ServiceName, Duration)>,
    base_url: String,
    /// Held while something is started or stopped: one order after the other.
    turn: tokio::sync::Mutex<()>,
}

struct Configured {
    is_managed: bool,
    has_token: bool,
    /// What its unit is made of, as a digest.
    print: String,
}

/// The services of the configuration; clones share them.
#[derive(Clone)]
pub struct Manager(Arc<Inner>);

impl Manager {
    /// Nothing is started yet; [`Manager::run`] does.
    pub fn new(
        config: &Config,
        launcher: Arc<dyn ServiceLauncher>,
        services: Arc<Services>,
        tokens: Arc<Tokens>,
    ) -> Self {
        let configured = config.services.iter().filter(|service| service.is_managed() || is_behind_tcp(service));
        let configured = configured.map(|service| {
            let configured = Configured {
                is_managed: service.is_managed(),
                has_token: service.api_token.is_some(),
                print: print(service, config),
            };
            (service.name.clone(), configured)
        });
        let with_pages = config.services.iter().filter(|service| service.url.is_some());
        Self(Arc::new(Inner {
            launcher,
            services,
            tokens,
            configured: configured.collect(),
            conditions: RwLock::default(),
            timeouts: with_pages.map(|service| (service.name.clone(), service.timeout)).collect(),
            base_url: config.hub.base_url.clone(),
            turn: tokio::sync::Mutex::default(),
        }))
    }

    /// Whether a service is being started or stopped.
    pub fn is_at_work(&self) -> bool {
        self.0.turn.try_lock().is_err()
    }

    /// How a service is doing; `None` for one that the hub does not start.
    pub fn condition(&self, name: &str) -> Option<Condition> {
        let name = ServiceName::parse(name).ok()?;
        self.0.configured.get(&name).filter(|configured| configured.is_managed)?;
        let conditions = self.0.conditions.read().unwrap_or_else(PoisonError::into_inner);
        Some(conditions.get(&name).cloned().unwrap_or_default())
    }

    /// Where requests to a service go; `None` when it has no pages, or pages that cannot be reached (`https`).
    pub fn address(&self, service: &Service) -> Option<Address> {
        match service.target.as_ref()? {
            ServiceTarget::Unix(path) => Some(Address::Socket(path.clone())),
            ServiceTarget::Tcp { tls: true, .. } => None,
            // The hub has no network of its own; the broker makes the way to addresses of root's configuration.
            ServiceTarget::Tcp { .. } if service.from_config => {
                Some(Address::Socket(self.0.launcher.socket(&ServiceName::parse(&service.name).ok()?)))
            }
            ServiceTarget::Tcp { host, port, .. } => Some(Address::Tcp { host: host.clone(), port: *port }),
        }
    }

    /// Runs until `stop`. `first` is called once, when everything that should run was started or could not be.
    pub async fn run(self, stop: CancellationToken, first: impl FnOnce() + Send) {
        let mut first = Some(first);
        let mut pause = PAUSE.0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                ended = self.follow(&mut first) => match ended {
                    Ok(()) => pause = PAUSE.0,
                    Err(error) => tracing::warn!("cannot follow the services' units, retrying: {error}"),
                },
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE.1),
            }
        }
    }

    async fn follow(&self, first: &mut Option<impl FnOnce()>) -> Result<(), LaunchError> {
        // Subscribe first, then look: what changes in between is seen twice rather than never.
        let mut changes = self.0.launcher.changes().await?;
        if first.is_some() {
            self.settle().await?;
        }
        join_all(self.managed().map(|name| self.examine(name))).await;
        if let Some(first) = first.take() {
            first();
        }
        let followed = async {
            while let Some(name) = changes.next().await {
                if self.managed().any(|managed| *managed == name) {
                    self.examine(&name).await;
                }
            }
        };
        // Services are asked for an answer meanwhile; they may take their time.
        let asked = async {
            self.ask_all().await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = followed => {}
            () = asked => {}
        }
        Err(LaunchError::Unreachable("the connection to systemd ended".into()))
    }

    /// Waits for the first answer of every service of the configuration that has pages, and tells of those that give none.
    async fn ask_all(&self) {
        join_all(self.0.timeouts.iter().map(|(name, limit)| async move {
            let service = self.0.services.find(name.as_str())?;
            let address = self.address(&service)?;
            let path = format!("{}services/{name}/", self.0.base_url);
            if timeout(*limit, ready::wait_at(&address, &path)).await.is_err() {
                tracing::warn!(
                    message_id = observe::SERVICE_FAILED,
                    hub_unit = name.unit_name(),
                    "The service {name} gave no answer at {} within {} s, carrying on",
                    service.url,
                    limit.as_secs()
                );
            }
            Some(())
        }))
        .await;
    }

    pub(super) fn managed(&self) -> impl Iterator<Item = &ServiceName> {
        self.0.configured.iter().filter(|(_, configured)| configured.is_managed).map(|(name, _)| name)
    }

    /// Brings what runs in line with the configuration.
    async fn settle(&self) -> Result<(), LaunchError> {
        let _turn = self.0.turn.lock().await;
        let there = self.0.launcher.list().await?;
        let gone = there.iter().filter(|name| !self.0.configured.contains_key(name));
        join_all(gone.map(|name| self.end(name))).await;
        join_all(self.0.configured.iter().map(|(name, configured)| self.begin(name, configured))).await;
        Ok(())
    }

    /// Stops a service that the configuration does not have (any more).
    async fn end(&self, name: &ServiceName) {
        match self.stop(name).await {
            Ok(()) => tracing::info!(
                hub_unit = name.unit_name(),
                "The service {name} was stopped: the configuration does not have it"
            ),
            Err(error) => tracing::warn!(
                message_id = observe::SERVICE_FAILED,
                hub_unit = name.unit_name(),
                "The service {name}, which the configuration does not have, could not be stopped, carrying on: {error}"
            ),
        }
    }

    /// Starts a service unless it runs as it should.
    async fn begin(&self, name: &ServiceName, configured: &Configured) {
        // Why not is noted, and told to the journal.
        let _ = self.note(name, self.try_begin(name, configured).await);
    }

    /// As [`Manager::begin`], for one that is asked for by name; says why not.
    pub(super) async fn begin_anew(&self, name: &ServiceName) -> Result<(), String> {
        let configured = self.0.configured.get(name).ok_or("it is not known")?;
        self.note(name, self.try_begin(name, configured).await)?;
        // What was wrong with an earlier start is over.
        self.set(name, Condition::default());
        self.examine(name).await;
        Ok(())
    }

    fn note(&self, name: &ServiceName, begun: Result<(), String>) -> Result<(), String> {
        if let Err(problem) = &begun {
            tell_failure(name, problem);
            self.set(name, Condition { state: Life::Failed, pid: 0, problem: Some(problem.clone()) });
        }
        begun
    }

    async fn try_begin(&self, name: &ServiceName, configured: &Configured) -> Result<(), String> {
        let service = self.0.services.find(name.as_str()).ok_or("it is not known")?;
        if !configured.is_managed {
            return self.launch(name, "").await;
        }
        let unit = self.read_unit(name).await.map_err(|error| error.to_string())?;
        if matches!(unit, UnitState::Active { .. } | UnitState::Activating) {
            if self.is_good(name, configured) {
                tracing::info!(hub_unit = name.unit_name(), "The service {name} runs already; it is left as it is");
                return Ok(());
            }
            tracing::info!(
                hub_unit = name.unit_name(),
                "The service {name} runs with an older configuration or token; it is started anew"
            );
            self.stop(name).await.map_err(|error| error.to_string())?;
        }
        let fresh = if configured.has_token {
            None
        } else {
            Some(tokens::renew(&service, &self.0.tokens, now()).await.map_err(|error| error.to_string())?)
        };
        let noted = self.0.services.note_start(name.as_str(), configured.print.clone(), now()).await;
        noted.map_err(|error| error.to_string())?;
        self.launch(name, fresh.as_ref().map_or("", |secret| secret.as_str())).await
    }

    /// Whether a unit that runs was started with what the configuration says today, and shows a token that is good.
    fn is_good(&self, name: &ServiceName, configured: &Configured) -> bool {
        let as_configured = self.0.services.started_with(name.as_str()).is_some_and(|print| print == configured.print);
        let has_token = !self.0.tokens.select(now(), |token| tokens::is_own(token, name.as_str())).is_empty();
        as_configured && has_token
    }

    async fn launch(&self, name: &ServiceName, token: &str) -> Result<(), String> {
        match timeout(CHANGE_DEADLINE, self.0.launcher.start(name, token)).await {
            Ok(Ok(launched)) => {
                tracing::info!(hub_unit = launched.unit, "The service {name} was started");
                Ok(())
            }
            // The way to an address stays up without the hub.
            Ok(Err(LaunchError::AlreadyRunning)) if token.is_empty() => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("systemd did not start it within {} s", CHANGE_DEADLINE.as_secs())),
        }
    }

    pub(super) async fn stop(&self, name: &ServiceName) -> Result<(), LaunchError> {
        let late = || LaunchError::Failed(format!("systemd did not stop it within {} s", CHANGE_DEADLINE.as_secs()));
        timeout(CHANGE_DEADLINE, self.0.launcher.stop(name)).await.map_err(|_| late())?
    }

    /// One order after the other.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.turn.lock().await
    }

    /// Stops every service that the hub starts, for a hub that is to end with all it started.
    pub async fn stop_all(&self) {
        let _turn = self.0.turn.lock().await;
        join_all(self.0.configured.keys().map(|name| async move {
            if let Err(error) = self.stop(name).await {
                tracing::warn!(
                    hub_unit = name.unit_name(),
                    "The service {name} could not be stopped, carrying on: {error}"
                );
            }
        }))
        .await;
    }

    async fn read_unit(&self, name: &ServiceName) -> Result<UnitState, LaunchError> {
        let late = || LaunchError::Unreachable(format!("cannot read {} in time", name.unit_name()));
        timeout(READ_DEADLINE, self.0.launcher.state(name)).await.map_err(|_| late())?
    }

    /// Reads the unit and notes what it says.
    async fn examine(&self, name: &ServiceName) {
        let unit = match self.read_unit(name).await {
            Ok(unit) => unit,
            Err(error) => return tracing::warn!("cannot read {}, ignoring: {error}", name.unit_name()),
        };
        let before = self.condition(name.as_str()).unwrap_or_default();
        let condition = match unit {
            UnitState::Active { .. } => {
                let pid = timeout(READ_DEADLINE, self.0.launcher.pid(name)).await;
                Condition { state: Life::Running, pid: pid.ok().and_then(Result::ok).unwrap_or(0), problem: None }
            }
            UnitState::Activating => Condition { state: Life::Starting, ..Condition::default() },
            UnitState::Deactivating => Condition { state: Life::Stopping, ..Condition::default() },
            // A start that was refused leaves no unit behind: the reason stands until there is one.
            UnitState::Absent if before.state == Life::Failed => before.clone(),
            UnitState::Absent => Condition::default(),
            UnitState::Failed { result, .. } => {
                if before.state != Life::Failed {
                    tell_failure(name, &format!("it ended with {result}"));
                }
                Condition { state: Life::Failed, pid: 0, problem: Some(result) }
            }
        };
        self.set(name, condition);
    }

    pub(super) fn set(&self, name: &ServiceName, condition: Condition) {
        self.0.conditions.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), condition);
    }
}

fn tell_failure(name: &ServiceName, problem: &str) {
    tracing::warn!(
        message_id = observe::SERVICE_FAILED,
        hub_unit = name.unit_name(),
        "The service {name} does not run, carrying on without it: {problem}"
    );
}

fn is_behind_tcp(service: &config::Service) -> bool {
    matches!(service.url.as_ref().map(|url| &url.target), Some(ServiceTarget::Tcp { .. }))
}

/// A digest of everything that a service's unit is made of.
fn print(service: &config::Service, config: &Config) -> String {
    let config::Service {
        name,
        url,
        command,
        environment,
        user,
        directory,
        api_token,
        admin: _,
        oauth_client_id,
        oauth_redirect_uri,
        oauth_client_allowed_scopes,
        oauth_no_confirm: _,
        info: _,
        display: _,
        timeout: _,
        limits,
        restart,
    } = service;
    let unit = (name, url, command, environment, user, directory, limits, restart);
    let oauth = (oauth_client_id, oauth_redirect_uri, oauth_client_allowed_scopes);
    let mut digest = Sha256::new();
    digest.update(format!("{unit:?}{oauth:?}{:?}", (&config.hub.base_url, &config.hub.public_url)));
    if let Some(token) = api_token {
        digest.update(token.expose());
    }
    digest.finalize().iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}
