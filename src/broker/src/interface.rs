//! The D-Bus interface `org.hubd.Broker1`: each method parses what it is given, asks polkit, and does one thing.
//!
//! Invariant: a caller chooses names, never a command, a path or a property.

use std::collections::HashMap;
use std::sync::Arc;

use hubd_base::names::{NameError, ServerId, ServerName, ServiceName, UserName};
use hubd_proto::broker::{
    ACTION_FREEZE_SERVER, ACTION_MANAGE, ACTION_READ_HUB_JOURNAL, ACTION_READ_JOURNAL, ACTION_READ_LOGINS,
    ACTION_RECLAIM_SERVER, ACTION_SET_LIMITS, ACTION_START_SERVER, ACTION_START_SERVICE, ACTION_STOP_SERVER,
    ACTION_STOP_SERVICE, ACTION_THAW_SERVER, ACTION_USE_OWN,
};
use nix::unistd::{Uid, User};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use zbus::message::Header;
use zbus::{interface, zvariant};

use crate::authority::{self, Authority};
use crate::calls::{Call, Calls, Turns};
use crate::errors::Error;
use crate::freeze::{self, Frozen};
use crate::journal::choice::{Beginning, Choice, Chosen};
use crate::journal::lines::{Invocation, Lines};
use crate::journal::{self, FOLLOWS_MAX};
use crate::reclaim::Reclaim;
use crate::secrets::Token;
use crate::systemd::Systemd;
use crate::{admission, events, limits, service, start, stop};

/// The object at `/org/hubd/Broker1`.
pub struct Broker {
    authority: Authority,
    systemd: Systemd,
    calls: Calls,
    turns: Turns,
    frozen: Frozen,
    reclaim: Reclaim,
    /// A permit for each log that is being followed.
    follows: Arc<Semaphore>,
}

impl Broker {
    /// An object that nobody can call yet.
    pub fn new(authority: Authority, systemd: Systemd, calls: Calls, frozen: Frozen) -> Self {
        let follows = Arc::new(Semaphore::new(FOLLOWS_MAX));
        Self { authority, systemd, calls, turns: Turns::default(), frozen, reclaim: Reclaim::default(), follows }
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

    /// Begins to follow a log that the caller was allowed to read; the call goes on until that ends.
    fn follow(&self, call: Call, lines: &Lines, from: &Beginning) -> Result<zvariant::OwnedFd, Error> {
        let place = Arc::clone(&self.follows).try_acquire_owned();
        let place = place.map_err(|_| Error::Failed("Too many logs are being followed; try again.".to_owned()))?;
        journal::follow(lines, from, call, place).map(zvariant::OwnedFd::from)
    }

    async fn ask(&self, header: &Header<'_>, action: &str, details: &HashMap<&str, &str>) -> Result<(), Error> {
        let sender = header.sender().ok_or_else(|| Error::AccessDenied("The caller is not known.".to_owned()))?;
        self.authority.check_caller(sender.as_str(), action, details).await
    }
}

#[interface(name = "org.hubd.Broker1")]
impl Broker {
    /// Starts a server with its token for the API and a profile, empty for no choice; returns its unit and the id of this
    /// run once systemd has it running.
    #[zbus(out_args("unit", "invocation_id"))]
    async fn start_server(
        &self,
        #[zbus(header)] header: Header<'_>,
        user: &str,
        server: &str,
        token: &str,
        profile: &str,
    ) -> Result<(String, String), Error> {
        let _call = self.enter()?;
        let id = self.allow(&header, ACTION_START_SERVER, user, server).await?;
        let token = Token::parse(token)?;
        // Who comes second waits here for the first, and then finds the server running.
        let _turn = self.turns.take(&id.unit_name()).await;
        let begun = Instant::now();
        match start::start(&self.systemd, &id, token.as_ref(), profile).await {
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
                self.frozen.remove(&id.unit_name());
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

    /// Changes limits of a server that runs, at once and until it stops: names and amounts as in the configuration.
    async fn set_limits(
        &self,
        #[zbus(header)] header: Header<'_>,
        user: &str,
        server: &str,
        limits: HashMap<String, String>,
    ) -> Result<(), Error> {
        let _call = self.enter()?;
        let id = self.allow(&header, ACTION_SET_LIMITS, user, server).await?;
        let change = limits::parse(&limits)?;
        let _turn = self.turns.take(&id.unit_name()).await;
        limits::change(&self.systemd, &id.unit_name(), &change).await?;
        events::limits_changed(&id, &change);
        Ok(())
    }

    /// Freezes a server; returns when it stands still.
    async fn freeze_server(&self, #[zbus(header)] header: Header<'_>, user: &str, server: &str) -> Result<(), Error> {
        let _call = self.enter()?;
        let id = self.allow(&header, ACTION_FREEZE_SERVER, user, server).await?;
        let _turn = self.turns.take(&id.unit_name()).await;
        let begun = Instant::now();
        match freeze::freeze(&self.systemd, &id).await {
            Ok(()) => {
                self.frozen.add(id.unit_name());
                events::frozen(&id, begun.elapsed());
                Ok(())
            }
            Err(error) => {
                events::freeze_failed(&id, &error, begun.elapsed());
                Err(error)
            }
        }
    }

    /// Lets a frozen server run again. One that is not frozen goes on.
    async fn thaw_server(&self, #[zbus(header)] header: Header<'_>, user: &str, server: &str) -> Result<(), Error> {
        let _call = self.enter()?;
        let id = self.allow(&header, ACTION_THAW_SERVER, user, server).await?;
        let _turn = self.turns.take(&id.unit_name()).await;
        let begun = Instant::now();
        match freeze::thaw(&self.systemd, &id).await {
            Ok(()) => {
                self.frozen.remove(&id.unit_name());
                events::thawed(&id, begun.elapsed());
                Ok(())
            }
            Err(error) => {
                if !matches!(error, Error::NotRunning(_)) {
                    events::thaw_failed(&id, &error, begun.elapsed());
                }
                Err(error)
            }
        }
    }

    /// Gives the memory of a frozen server back; the bytes. Holds no turn: a thaw does not wait for it, but ends it.
    #[zbus(out_args("bytes"))]
    async fn reclaim_server(&self, #[zbus(header)] header: Header<'_>, user: &str, server: &str) -> Result<u64, Error> {
        let _call = self.enter()?;
        let id = self.allow(&header, ACTION_RECLAIM_SERVER, user, server).await?;
        let begun = Instant::now();
        let bytes = self.reclaim.run(&self.systemd, &id).await?;
        if bytes > 0 {
            events::reclaimed(&id, bytes, begun.elapsed());
        }
        Ok(bytes)
    }

    /// The last lines of a server's journal as JSON objects, the newest last. An empty id means all its runs.
    #[zbus(out_args("entries"))]
    async fn read_journal(
        &self,
        #[zbus(header)] header: Header<'_>,
        user: &str,
        server: &str,
        invocation_id: &str,
        choice: Chosen,
    ) -> Result<Vec<String>, Error> {
        let _call = self.enter()?;
        let id = self.allow(&header, ACTION_READ_JOURNAL, user, server).await?;
        let lines = Lines::of_units(&[id.unit_name()], Invocation::parse(invocation_id)?.as_ref());
        journal::read(&lines, &Choice::parse(choice)?).await
    }

    /// A server's journal as it goes on, from a cursor, a moment or now on: a socket with a JSON object a line.
    #[zbus(out_args("stream"))]
    async fn follow_journal(
        &self,
        #[zbus(header)] header: Header<'_>,
        user: &str,
        server: &str,
        beginning: (u8, u64, &str),
    ) -> Result<zvariant::OwnedFd, Error> {
        let call = self.enter()?;
        let id = self.allow(&header, ACTION_READ_JOURNAL, user, server).await?;
        self.follow(call, &Lines::of_units(&[id.unit_name()], None), &Beginning::parse(beginning)?)
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
        choice: Chosen,
    ) -> Result<Vec<String>, Error> {
        let _call = self.enter()?;
        let name = self.allow_service(&header, ACTION_READ_JOURNAL, name).await?;
        let lines = Lines::of_units(&service::units(&name), Invocation::parse(invocation_id)?.as_ref());
        journal::read(&lines, &Choice::parse(choice)?).await
    }

    /// As `FollowJournal`, of a service and its forwarder.
    #[zbus(out_args("stream"))]
    async fn follow_service_journal(
        &self,
        #[zbus(header)] header: Header<'_>,
        name: &str,
        beginning: (u8, u64, &str),
    ) -> Result<zvariant::OwnedFd, Error> {
        let call = self.enter()?;
        let name = self.allow_service(&header, ACTION_READ_JOURNAL, name).await?;
        self.follow(call, &Lines::of_units(&service::units(&name), None), &Beginning::parse(beginning)?)
    }

    /// As `ReadJournal`, of the hub itself: `hub` (the web process), `broker`, `login`, or nothing for all of them.
    #[zbus(out_args("entries"))]
    async fn read_hub_journal(
        &self,
        #[zbus(header)] header: Header<'_>,
        part: &str,
        choice: Chosen,
    ) -> Result<Vec<String>, Error> {
        let _call = self.enter()?;
        self.ask(&header, ACTION_READ_HUB_JOURNAL, &HashMap::from([("part", part)])).await?;
        journal::read(&Lines::of_hub(part)?, &Choice::parse(choice)?).await
    }

    /// As `FollowJournal`, of the hub itself.
    #[zbus(out_args("stream"))]
    async fn follow_hub_journal(
        &self,
        #[zbus(header)] header: Header<'_>,
        part: &str,
        beginning: (u8, u64, &str),
    ) -> Result<zvariant::OwnedFd, Error> {
        let call = self.enter()?;
        self.ask(&header, ACTION_READ_HUB_JOURNAL, &HashMap::from([("part", part)])).await?;
        self.follow(call, &Lines::of_hub(part)?, &Beginning::parse(beginning)?)
    }

    /// The last logins that failed, as JSON objects, the newest last. Names of accounts that do not exist are not in it.
    #[zbus(out_args("logins"))]
    async fn read_failed_logins(
        &self,
        #[zbus(header)] header: Header<'_>,
        choice: Chosen,
    ) -> Result<Vec<String>, Error> {
        let _call = self.enter()?;
        self.ask(&header, ACTION_READ_LOGINS, &HashMap::new()).await?;
        journal::failed_logins(&Choice::parse(choice)?).await
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
