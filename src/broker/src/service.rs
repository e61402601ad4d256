//! Services of root's configuration: the command as one unit, the way to its TCP address as another.
//!
//! The web process has no network of its own. Where a service listens on TCP, a forwarder without any privilege stands
//! between: a socket that only the web process reaches, and behind it systemd's own `systemd-socket-proxyd`.
//! Invariant: a caller names a service; command, account, address and variables are root's.

mod forward;
mod unit;

use hubd_base::account::{self, AccountError};
use hubd_base::config::{Config, Service, ServiceTarget};
use hubd_base::names::ServiceName;

use crate::errors::Error;
use crate::secrets::{self, Token};
use crate::start::{blocking, configuration};
use crate::systemd::{JobError, Systemd};
use crate::transient::{self, Started};
use crate::variables::Hub;
use crate::{api, stop};

/// What was found out before anything is changed.
struct Prepared {
    config: Config,
    service: Service,
}

/// Starts a service. The caller holds the service's turn. A token in the configuration is taken before this one.
pub async fn start(systemd: &Systemd, name: &ServiceName, token: Option<Token>) -> Result<Started, Error> {
    let prepared = {
        let name = name.clone();
        blocking(move || prepare(&name)).await?
    };
    let service = &prepared.service;
    let address = match service.url.as_ref().map(|url| &url.target) {
        Some(ServiceTarget::Tcp { host, port, .. }) => Some((host.as_str(), *port)),
        Some(ServiceTarget::Unix(_)) | None => None,
    };
    if !service.is_managed() {
        let Some((host, port)) = address else {
            return Err(Error::NoSuchService(format!(
                "The service {name} has neither a command nor a TCP address: there is nothing to start."
            )));
        };
        return match forward::start(systemd, name, host, port).await? {
            (started, forward::Was::Down) => Ok(started),
            (started, forward::Was::Up) => Err(Error::AlreadyRunning(format!("{} is running.", started.unit))),
        };
    }
    if let Some((host, port)) = address {
        forward::start(systemd, name, host, port).await?;
    }
    match start_command(systemd, &prepared, token).await {
        Err(error @ Error::AlreadyRunning(_)) => Err(error),
        Err(error) => {
            clear_up(systemd, name).await;
            Err(error)
        }
        started => started,
    }
}

/// Everything that may block: files and the name service.
fn prepare(name: &ServiceName) -> Result<Prepared, Error> {
    let config = configuration()?;
    let service = config.services.iter().find(|service| service.name == *name).cloned();
    let service = service.ok_or_else(|| {
        Error::NoSuchService(format!("The configuration has no service {name}: no [[service]] has this name."))
    })?;
    if let Some(user) = &service.user {
        match account::find(user) {
            Ok(Some(_)) => {}
            Ok(None) => {
                return Err(Error::NoSuchUser(format!(
                    "The service {name} is to run as {user}, and there is no such account on this machine."
                )));
            }
            Err(error @ AccountError::Name(..)) => return Err(Error::NoSuchUser(format!("{error}."))),
            Err(error) => return Err(Error::failed("Looking up the account", error)),
        }
    }
    Ok(Prepared { config, service })
}

async fn start_command(systemd: &Systemd, prepared: &Prepared, token: Option<Token>) -> Result<Started, Error> {
    let Prepared { config, service } = prepared;
    let unit = service.name.unit_name();
    transient::make_room(systemd, &unit).await?;
    let configured = service.api_token.as_ref().map(|token| Token::configured(token.expose()));
    let token = configured.or(token).ok_or_else(|| {
        Error::InvalidArgument(format!("The service {} has no token in the configuration and needs one.", service.name))
    })?;
    let api_url = api::url(systemd, &config.hub.base_url).await?.ok_or_else(|| {
        Error::BadConfiguration(
            "Services reach the hub over TCP, and hub.socket has no TCP address. Give it one, for example \
             ListenStream=127.0.0.1:8000."
                .to_owned(),
        )
    })?;
    let hub = Hub { config, api_url: Some(&api_url) };
    let variables = hub.service(service);
    secrets::write(&unit, &unit::secret_variables(service, &token, &variables))?;
    let properties = unit::properties(service, &variables, systemd.version);
    transient::start(systemd, &unit, &properties, &[], unit::START_TIMEOUT).await?;
    let state = systemd.state(&unit).await.map_err(|error| Error::systemd(&error))?;
    match state {
        Some(state) if state.is_up() => Ok(Started { unit, invocation: state.invocation }),
        // It failed already, and is not to be started again.
        Some(_) => Err(transient::explain(systemd, &unit, &JobError::Result("done".to_owned())).await),
        // It had little to do, ended well, and systemd has forgotten it.
        None => {
            secrets::remove(&unit)?;
            Ok(Started { unit, invocation: String::new() })
        }
    }
}

async fn clear_up(systemd: &Systemd, name: &ServiceName) {
    let unit = name.unit_name();
    let cleared = match transient::clear_up(systemd, &unit).await {
        Ok(()) => secrets::remove(&unit).and(forward::stop(systemd, name).await.map(drop)),
        Err(error) => Err(error),
    };
    if let Err(error) = cleared {
        tracing::warn!(HUB_UNIT = unit, "Clearing up after a failed start failed, ignoring: {error}");
    }
}

/// Stops a service and its forwarder. The caller holds the service's turn. True when something was running.
///
/// Needs no configuration: what was started can be stopped also when it is not configured any more.
pub async fn stop(systemd: &Systemd, name: &ServiceName) -> Result<bool, Error> {
    let unit = name.unit_name();
    let was_up = stop::state_is_up(systemd, &unit).await?;
    // First, so that nobody waits at a door behind which nothing is.
    let forwarded = forward::stop(systemd, name).await?;
    stop::end(systemd, &unit).await?;
    secrets::remove(&unit)?;
    Ok(was_up || forwarded)
}

/// The units whose lines are a service's journal.
pub fn units(name: &ServiceName) -> [String; 2] {
    [name.unit_name(), name.forward_unit_name()]
}
