//! The D-Bus interface `org.hubd.Broker1`: each method parses what it is given, asks polkit, and does one thing.
//!
//! Invariant: a caller chooses names, never a command, a path or a property.

use std::collections::HashMap;

use hubd_base::names::{NameError, ServerId, ServerName, ServiceName, UserName};
use hubd_proto::broker::{
    ACTION_MANAGE, ACTION_READ_JOURNAL, ACTION_START_SERVER, ACTION_START_SERVICE, ACTION_STOP_SERVER,
    ACTION_STOP_SERVICE, ACTION_USE_OWN,
};
use nix::unistd::{Uid, User};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use zbus::message::Header;
use zbus::{interface, zvariant};

use crate::authority::{self, Authority};
use crate::calls::{Call, Calls, Turns};
use crate::errors::Error;
use crate::journal::{self, Invocation};
use crate::secrets::Token;
use crate::systemd::Systemd;
use crate::{admission, events, service, start, stop};

/// The object at `/org/hubd/Broker1`.
pub struct Broker {
    authority: Authority,
    systemd: Systemd,
    calls: Calls,
    turns: Turns,
}

impl Broker {
    /// An object that nobody can call yet.
    pub fn new(authority: Authority, systemd: Systemd, calls: Calls) -> Self {
        Self { authority, systemd, calls, turns: Turns::default() }
    }

    fn enter(&self) -> Result<Call, Error> {
        self.calls.enter().ok_or_else(|| Error::Failed("Too many calls at once; try again.".to_owned()))
    }

    async fn allow(&self, header: &Header<'_>, action: &str, user: &str, server: &str) -> Result<ServerId, Error> {
        let id = parse(user, server)?;
        let details = HashMap::from([("user", id.user.as_str()), ("server", id.server.as_str())]);
        self.ask(header, action, &details).await?;
        Ok(id)
    }

    async fn allow_service(&self, header: &Header<'_>, action: &str, name: &str) -> Result<ServiceName, Error> {
        let name = ServiceName::parse(name).map_err(invalid)?;
        self.ask(header, action, &HashMap::from([("service", name.as_str())])).await?;
        Ok(name)
    }

    async fn ask(&self, header: &Header<'_>, action: &str, details: &HashMap<&str, &str>) -> Result<(), Error> {
        let sender = header.sender().ok_or_else(|| Error::AccessDenied("The caller is not known.".to_owned()))?;
        self.authority.check_caller(sender.as_str(), action, details).await
    }
}

#[interface(name = "org.hubd.Broker1")]
impl Broker {
    /// Starts a server with its token for the API; returns its unit and the id of this run once systemd has it running.
    #[zbus(out_args("unit", "invocation_id"))]
    async fn start_server(
        &self,
        #[zbus(header)] header: Header<'_>,
        user: &str,
        server: &str,
        token: &str,
    ) -> Result<(String, String), Error> {
        let _call = self.enter()?;
        let id = self.allow(&header, ACTION_START_SERVER, user, server).await?;
        let token = Token::parse(token)?;
        // Who comes second waits here for the first, and then finds the server running.
        let _turn = self.turns.take(&id.unit_name()).await;
        let begun = Instant::now();
        match start::start(&self.systemd, &id, token.as_ref()).await {
            Ok(started) => {
                events::started(&id, begun.elapsed());
                Ok((started.unit, started.invocation))
            }
            Err(error) => {
                if !matches!(error, Error::AlreadyRunning(_)) {
                    events::start_failed(&id, &error, begun.elapsed());
                }
                Err(error)
            }
        }
    }

    /// Stops a server and removes what is left of it. Stopping what does not run is success.
    async fn stop_server(&self, #[zbus(header)] header: Header<'_>, user: &str, server: &str) -> Result<(), Error> {
        let _call = self.enter()?;
        let id = self.allow(&header, ACTION_STOP_SERVER, user, server).await?;
        let _turn = self.turns.take(&id.unit_name()).await;
        let begun = Instant::now();
        match stop::stop(&self.systemd, &id).await {
            Ok(was_up) => {
                if was_up {
                    events::stopped(&id, begun.elapsed());
                }
                Ok(())
            }
            Err(error) => {
                events::stop_failed(&id, &error, begun.elapsed());
                Err(error)
            }
        }
    }

    /// The last lines of a server's journal as JSON objects, the newest last. An empty id means all its runs.
    #[zbus(out_args("entries"))]
    async fn read_journal(
        &self,
        #[zbus(header)] header: Header<'_>,
        user: &str,
        server: &str,
        invocation_id: &str,
        lines: u32,
    ) -> Result<Vec<String>, Error> {
        let _call = self.enter()?;
        let id = self.allow(&header, ACTION_READ_JOURNAL, user, server).await?;
        journal::read(&[id.unit_name()], Invocation::parse(invocation_id)?.as_ref(), lines).await
    }

    /// Starts a service of the configuration: its command, the forwarder to its TCP address, or both.
    #[zbus(out_args("unit", "invocation_id"))]
    async fn start_service(
        &self,
        #[zbus(header)] header: Header<'_>,
        name: &str,
        token: &str,
    ) -> Result<(String, String), Error> {
        let _call = self.enter()?;
        let name = self.allow_service(&header, ACTION_START_SERVICE, name).await?;
        let token = Token::parse(token)?;
        let _turn = self.turns.take(&name.unit_name()).await;
        let begun = Instant::now();
        match service::start(&self.systemd, &name, token).await {
            Ok(started) => {
                events::service_started(&name, &started.unit, begun.elapsed());
                Ok((started.unit, started.invocation))
            }
            Err(error) => {
                if !matches!(error, Error::AlreadyRunning(_)) {
                    events::service_start_failed(&name, &error, begun.elapsed());
                }
                Err(error)
            }
        }
    }

    /// Stops a service and its forwarder. Stopping what does not run is success.
    async fn stop_service(&self, #[zbus(header)] header: Header<'_>, name: &str) -> Result<(), Error> {
        let _call = self.enter()?;
        let name = self.allow_service(&header, ACTION_STOP_SERVICE, name).await?;
        let _turn = self.turns.take(&name.unit_name()).await;
        let begun = Instant::now();
        match service::stop(&self.systemd, &name).await {
            Ok(was_up) => {
                if was_up {
                    events::service_stopped(&name, begun.elapsed());
                }
                Ok(())
            }
            Err(error) => {
                events::service_stop_failed(&name, &error, begun.elapsed());
                Err(error)
            }
        }
    }

    /// As `ReadJournal`, of a service and its forwarder.
    #[zbus(out_args("entries"))]
    async fn read_service_journal(
        &self,
        #[zbus(header)] header: Header<'_>,
        name: &str,
        invocation_id: &str,
        lines: u32,
    ) -> Result<Vec<String>, Error> {
        let _call = self.enter()?;
        let name = self.allow_service(&header, ACTION_READ_JOURNAL, name).await?;
        journal::read(&service::units(&name), Invocation::parse(invocation_id)?.as_ref(), lines).await
    }

    /// May the process at the other end of this connected Unix socket manage the hub, or use its own person's servers?
    #[zbus(out_args("authorized", "name", "uid"))]
    async fn check_peer(&self, socket: zvariant::OwnedFd, action: &str) -> Result<(bool, String, u32), Error> {
        let _call = self.enter()?;
        if action != ACTION_MANAGE && action != ACTION_USE_OWN {
            return Err(Error::AccessDenied(format!("Only {ACTION_MANAGE} and {ACTION_USE_OWN} can be asked about.")));
        }
        let Some(peer) = authority::peer(std::os::fd::OwnedFd::from(socket)) else {
            return Err(Error::AccessDenied("This is no Unix socket with a living process behind it.".to_owned()));
        };
        let Some(name) = name_of(peer.uid).await? else {
            return Ok((false, String::new(), peer.uid));
        };
        let mut authorized = self.authority.check_peer(peer, action).await?;
        if authorized && action == ACTION_USE_OWN {
            authorized = is_admitted(&name).await?;
        }
        Ok((authorized, name, peer.uid))
    }

    /// The package's version.
    #[expect(clippy::unused_self, reason = "a D-Bus property is a method of its object")]
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

fn parse(user: &str, server: &str) -> Result<ServerId, Error> {
    Ok(ServerId::new(UserName::parse(user).map_err(invalid)?, ServerName::parse(server).map_err(invalid)?))
}

fn invalid(error: NameError) -> Error {
    Error::InvalidName(format!("This is no name the hub takes: {error}."))
}

/// Does root's configuration let this account in? What cannot be found out is an error, not a no.
async fn is_admitted(name: &str) -> Result<bool, Error> {
    let Ok(user) = UserName::parse(name) else { return Ok(false) };
    match start::blocking(move || admission::judge(&start::configuration()?, &user)).await {
        Ok(_) => Ok(true),
        Err(Error::NotAllowed(_) | Error::NoSuchUser(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// An account's name; the name service may block.
async fn name_of(uid: u32) -> Result<Option<String>, Error> {
    match spawn_blocking(move || User::from_uid(Uid::from_raw(uid))).await {
        Ok(Ok(user)) => Ok(user.map(|user| user.name)),
        Ok(Err(errno)) => Err(Error::failed("Looking up the account", errno.desc())),
        Err(error) => Err(Error::failed("The broker's own work", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused_before_anything_else() {
        for user in ["", "..", "../root", "a/b", "a:b", "a%b", "-a", "a b", "a\nb", "a\0b", "1000"] {
            assert!(matches!(parse(user, ""), Err(Error::InvalidName(_))), "{user:?}");
        }
        assert!(matches!(parse("alice", "../x"), Err(Error::InvalidName(_))));
        assert_eq!(parse("first.last", "gpu").unwrap().unit_name(), "jupyter@first.last:gpu.service");
    }
}
