//! The launcher of this machine: the broker starts and stops, systemd itself is read.
//!
//! Invariant: nothing here needs a privilege; what does is a call to `org.hubd.Broker1`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use hubd_base::config::ServerKind;
use hubd_base::names::ServerId;
use hubd_proto::{accounts, broker};
use tokio::sync::Mutex;
use zbus::zvariant::{OwnedObjectPath, OwnedValue};
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::clock::Usec;

use super::cgroup;
use super::in_force;
use super::kills;
use super::launcher::{JournalLine, LaunchError, Launched, Launcher, Order, UnitState};
use super::limits::{InForce, Level, LimitChange};
use super::oom::Kills;
use super::signals::gather;
use super::usage::{Machine, Usage};

const SYSTEMD: &str = "org.freedesktop.systemd1";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE: &str = "org.freedesktop.systemd1.Service";
const SLICE: &str = "org.freedesktop.systemd1.Slice";
/// The slice of all servers.
const ALL: &str = "jupyter.slice";
const ALREADY_SUBSCRIBED: &str = "org.freedesktop.systemd1.AlreadySubscribed";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// Every server's unit, for `ListUnitsByPatterns`.
const PATTERN: &str = "jupyter@*.service";

/// A connection to the system bus, made when first needed and made again after it was lost.
#[derive(Debug, Default)]
pub struct Bus {
    connection: Mutex<Option<Connection>>,
}

impl Bus {
    /// The connection.
    pub async fn get(&self) -> Result<Connection, LaunchError> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_ref() {
            return Ok(connection.clone());
        }
        let made = Connection::system().await.map_err(|error| {
            LaunchError::Unreachable(format!("cannot connect to the system bus: {error}; is dbus.service running?"))
        })?;
        *kept = Some(made.clone());
        Ok(made)
    }

    async fn forget(&self) {
        self.connection.lock().await.take();
    }

    async fn call<B>(
        &self,
        to: &str,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<Message, LaunchError>
    where
        B: serde::ser::Serialize + zbus::zvariant::DynamicType + Sync,
    {
        let connection = self.get().await?;
        match connection.call_method(Some(to), path, Some(interface), method, body).await {
            Ok(reply) => Ok(reply),
            Err(zbus::Error::MethodError(name, text, _)) => Err(translate(&name, text)),
            Err(error @ zbus::Error::InputOutput(_)) => {
                self.forget().await;
                Err(LaunchError::Unreachable(format!("the system bus was lost: {error}")))
            }
            Err(error) => Err(LaunchError::Unreachable(format!("{method}: {error}"))),
        }
    }

    /// A call to the broker.
    pub async fn broker<B>(&self, method: &str, body: &B) -> Result<Message, LaunchError>
    where
        B: serde::ser::Serialize + zbus::zvariant::DynamicType + Sync,
    {
        self.call(broker::BUS_NAME, broker::PATH, broker::INTERFACE, method, body).await
    }

    /// A call to the broker's interface for accounts.
    pub(crate) async fn accounts<B>(&self, method: &str, body: &B) -> Result<Message, LaunchError>
    where
        B: serde::ser::Serialize + zbus::zvariant::DynamicType + Sync,
    {
        self.call(broker::BUS_NAME, broker::PATH, accounts::INTERFACE, method, body).await
    }

    /// What systemd says of a unit.
    pub(crate) async fn unit(&self, name: &str) -> Result<UnitState, LaunchError> {
        let reply = self.call(SYSTEMD, MANAGER_PATH, MANAGER, "GetUnit", &name).await;
        let path: OwnedObjectPath = match reply {
            Ok(reply) => read(&reply)?,
            Err(LaunchError::Unreachable(text)) if text.contains("NoSuchUnit") => return Ok(UnitState::Absent),
            Err(error) => return Err(error),
        };
        let unit = self.properties(&path, UNIT).await?;
        let frozen = text(&unit, "FreezerState").starts_with("fr");
        Ok(match text(&unit, "ActiveState").as_str() {
            "active" | "reloading" | "refreshing" => UnitState::Active {
                invocation: invocation(&unit),
                frozen,
                since: moment(&unit, "ActiveEnterTimestamp"),
            },
            "activating" => UnitState::Activating,
            "deactivating" => UnitState::Deactivating,
            "failed" => {
                let service = self.properties(&path, SERVICE).await?;
                let status = service.get("ExecMainStatus").and_then(|value| i32::try_from(value).ok()).unwrap_or(0);
                let result = format!("{} ({status})", text(&service, "Result"));
                UnitState::Failed { invocation: invocation(&unit), result }
            }
            _ => UnitState::Absent,
        })
    }

    /// The names of all units that fit one of the patterns.
    pub(crate) async fn units(&self, patterns: &[&str]) -> Result<Vec<String>, LaunchError> {
        // (states, patterns) -> a(ssssssouso): name first, object path seventh.
        type Listed = (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);
        let wanted: (Vec<&str>, Vec<&str>) = (Vec::new(), patterns.to_vec());
        let reply = self.call(SYSTEMD, MANAGER_PATH, MANAGER, "ListUnitsByPatterns", &wanted).await?;
        let units: Vec<Listed> = read(&reply)?;
        Ok(units.into_iter().map(|unit| unit.0).collect())
    }

    /// The names of units that changed in some way, from now on; ends when the bus is lost.
    pub(crate) async fn follow(&self) -> Result<BoxStream<'static, String>, LaunchError> {
        let followed = self.subscribe().await;
        if followed.is_err() {
            self.forget().await;
        }
        followed
    }

    /// The main process of a service's unit; 0 when it has none.
    pub(crate) async fn main_pid(&self, name: &str) -> Result<u32, LaunchError> {
        let reply = self.call(SYSTEMD, MANAGER_PATH, MANAGER, "GetUnit", &name).await?;
        let path: OwnedObjectPath = read(&reply)?;
        let service = self.properties(&path, SERVICE).await?;
        Ok(service.get("MainPID").and_then(|value| u32::try_from(value).ok()).unwrap_or(0))
    }

    /// The variables of a service's unit, `NAME=value`, as they were set; later ones count.
    async fn environment(&self, name: &str) -> Result<Vec<String>, LaunchError> {
        let reply = self.call(SYSTEMD, MANAGER_PATH, MANAGER, "GetUnit", &name).await?;
        let path: OwnedObjectPath = read(&reply)?;
        let mut service = self.properties(&path, SERVICE).await?;
        Ok(service.remove("Environment").and_then(|value| Vec::<String>::try_from(value).ok()).unwrap_or_default())
    }

    /// The control group of a service's unit, below the root of all; empty when it has none.
    async fn control_group(&self, name: &str) -> Result<String, LaunchError> {
        let reply = self.call(SYSTEMD, MANAGER_PATH, MANAGER, "GetUnit", &name).await?;
        let path: OwnedObjectPath = read(&reply)?;
        let group: OwnedValue = read(&self.call(SYSTEMD, &path, PROPERTIES, "Get", &(SERVICE, "ControlGroup")).await?)?;
        Ok(String::try_from(group).unwrap_or_default())
    }

    /// What is in force for a unit that systemd can load; `interface` is its kind's own. Also `Environment`, if it has one.
    async fn level(&self, name: &str, interface: &str) -> Result<(Level, Vec<String>), LaunchError> {
        let reply = self.call(SYSTEMD, MANAGER_PATH, MANAGER, "LoadUnit", &name).await?;
        let path: OwnedObjectPath = read(&reply)?;
        let unit = self.properties(&path, UNIT).await?;
        let mut properties = self.properties(&path, interface).await?;
        let drop_ins = unit.get("DropInPaths").and_then(|value| value.try_clone().ok());
        let drop_ins = drop_ins.and_then(|value| Vec::<String>::try_from(value).ok()).unwrap_or_default();
        let files = std::iter::once(text(&unit, "FragmentPath")).chain(drop_ins).filter(|path| !path.is_empty());
        let files: Vec<PathBuf> = files.map(PathBuf::from).collect();
        let files = off_thread(move || {
            // A file that only root may read says something that nobody here can tell.
            let read = |path: PathBuf| std::fs::read_to_string(&path).ok().map(|text| (path, text));
            files.into_iter().filter_map(read).collect::<Vec<_>>()
        })
        .await?;
        let level = in_force::level(name, &properties, &files);
        let environment = properties.remove("Environment").and_then(|value| Vec::<String>::try_from(value).ok());
        Ok((level, environment.unwrap_or_default()))
    }

    async fn subscribe(&self) -> Result<BoxStream<'static, String>, LaunchError> {
        let connection = self.get().await?;
        let unreachable = |error: zbus::Error| LaunchError::Unreachable(format!("cannot follow systemd: {error}"));
        let changed = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender(SYSTEMD)
            .and_then(|rule| rule.interface(PROPERTIES))
            .and_then(|rule| rule.member("PropertiesChanged"))
            .and_then(|rule| rule.path_namespace("/org/freedesktop/systemd1/unit"))
            .and_then(|rule| rule.arg(0, UNIT))
            .map_err(unreachable)?
            .build();
        let lists = |member: &'static str| {
            MatchRule::builder()
                .msg_type(zbus::message::Type::Signal)
                .sender(SYSTEMD)
                .and_then(|rule| rule.interface(MANAGER))
                .and_then(|rule| rule.member(member))
                .map(zbus::match_rule::Builder::build)
        };
        let mut streams = Vec::new();
        for rule in [changed, lists("UnitNew").map_err(unreachable)?, lists("UnitRemoved").map_err(unreachable)?] {
            streams.push(MessageStream::for_match_rule(rule, &connection, None).await.map_err(unreachable)?);
        }
        let units = stream::select_all(streams).filter_map(|message| async { unit_of(&message.ok()?) });
        let units = gather(units);
        // Asked once for each connection: whoever follows second finds it done.
        match connection.call_method(Some(SYSTEMD), MANAGER_PATH, Some(MANAGER), "Subscribe", &()).await {
            Ok(_) => {}
            Err(zbus::Error::MethodError(name, _, _)) if name == ALREADY_SUBSCRIBED => {}
            Err(error) => return Err(unreachable(error)),
        }
        Ok(units)
    }

    async fn properties(&self, path: &str, interface: &str) -> Result<HashMap<String, OwnedValue>, LaunchError> {
        let reply = self.call(SYSTEMD, path, PROPERTIES, "GetAll", &interface).await?;
        read(&reply)
    }
}

/// What a D-Bus error means for the caller.
fn translate(name: &str, text: Option<String>) -> LaunchError {
    let text = text.unwrap_or_else(|| name.to_owned());
    match name {
        broker::ERROR_NOT_ALLOWED
        | broker::ERROR_NO_SUCH_USER
        | broker::ERROR_INVALID_NAME
        | broker::ERROR_INVALID_ARGUMENT
        | accounts::ERROR_REFUSED => LaunchError::NotAllowed(text),
        broker::ERROR_NO_LAB => LaunchError::NoLab(text),
        broker::ERROR_BAD_CONFIGURATION => LaunchError::Configuration(text),
        broker::ERROR_NO_SUCH_PROFILE => LaunchError::NoSuchProfile(text),
        broker::ERROR_ALREADY_RUNNING => LaunchError::AlreadyRunning,
        broker::ERROR_NOT_RUNNING => LaunchError::NotRunning(text),
        broker::ERROR_CANNOT_FREEZE => LaunchError::CannotFreeze(text),
        broker::ERROR_START_FAILED => LaunchError::Failed(text),
        _ => LaunchError::Unreachable(format!("{name}: {text}")),
    }
}

pub(crate) fn read<T>(reply: &Message) -> Result<T, LaunchError>
where
    T: for<'d> serde::Deserialize<'d> + zbus::zvariant::Type,
{
    reply
        .body()
        .deserialize()
        .map_err(|error| LaunchError::Unreachable(format!("an answer that makes no sense: {error}")))
}

fn text(properties: &HashMap<String, OwnedValue>, name: &str) -> String {
    properties.get(name).and_then(|value| <&str>::try_from(value).ok()).unwrap_or_default().to_owned()
}

/// A timestamp property, microseconds; 0 where it is not set.
fn moment(properties: &HashMap<String, OwnedValue>, name: &str) -> Usec {
    let moment = properties.get(name).and_then(|value| u64::try_from(value).ok());
    moment.and_then(|moment| Usec::try_from(moment).ok()).unwrap_or(0)
}

fn invocation(properties: &HashMap<String, OwnedValue>) -> String {
    let bytes = properties.get("InvocationID").and_then(|value| value.try_clone().ok());
    let bytes = bytes.and_then(|value| Vec::<u8>::try_from(value).ok()).unwrap_or_default();
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The last element of a unit's object path, back to the unit's name (`_40` is `@`).
fn unit_name(path: &str) -> Option<String> {
    let escaped = path.rsplit('/').next()?;
    let mut name = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'_' {
            let (digits, tail) = tail.split_at_checked(2)?;
            name.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            name.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(name).ok()
}

/// systemd on this machine.
#[derive(Debug, Default)]
pub struct Systemd {
    /// The bus, shared with whoever else needs the broker.
    pub bus: std::sync::Arc<Bus>,
    /// The control groups that are known.
    pub groups: Mutex<HashMap<ServerId, String>>,
}

impl Systemd {
    /// What a unit uses. Its control group is the same for as long as it runs, so systemd is only asked for a new one.
    async fn measure(&self, id: &ServerId) -> Result<Usage, LaunchError> {
        let known = self.groups.lock().await.get(id).cloned();
        if let Some(group) = known {
            if let Some(usage) = off_thread(move || cgroup::usage(Path::new(cgroup::ROOT), &group)).await? {
                return Ok(usage);
            }
            self.groups.lock().await.remove(id);
        }
        let group = self.bus.control_group(&id.unit_name()).await?;
        let asked = group.clone();
        let usage = off_thread(move || cgroup::usage(Path::new(cgroup::ROOT), &asked)).await?;
        let usage = usage.ok_or_else(|| LaunchError::Failed(format!("{} has no control group", id.unit_name())))?;
        self.groups.lock().await.insert(id.clone(), group);
        Ok(usage)
    }
}

impl Systemd {
    /// What is in force for a server that runs.
    async fn in_force(&self, id: &ServerId) -> Result<InForce, LaunchError> {
        let unit = id.unit_name();
        if !matches!(self.bus.unit(&unit).await?, UnitState::Active { .. }) {
            return Err(LaunchError::NotRunning(format!("{unit} does not run.")));
        }
        let (server, environment) = self.bus.level(&unit, SERVICE).await?;
        let (person, _) = self.bus.level(&id.slice_name(), SLICE).await?;
        let (all, _) = self.bus.level(ALL, SLICE).await?;
        let prefix = format!("{}=", broker::VARIABLE_PROFILE);
        let profile = environment.iter().rev().find_map(|entry| entry.strip_prefix(&prefix)).map(str::to_owned);
        Ok(InForce { profile, server, person, all })
    }
}

/// Reads files where waiting holds nobody up.
async fn off_thread<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Result<T, LaunchError> {
    tokio::task::spawn_blocking(read).await.map_err(|error| LaunchError::Failed(error.to_string()))
}

/// The unit a signal is about, if it is about one.
fn unit_of(message: &Message) -> Option<String> {
    let header = message.header();
    let path = header.path()?;
    if path.as_str() == MANAGER_PATH {
        let (name, _): (String, OwnedObjectPath) = message.body().deserialize().ok()?;
        return Some(name);
    }
    unit_name(path)
}

impl Launcher for Systemd {
    fn start<'a>(&'a self, id: &'a ServerId, order: &'a Order) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        async move {
            let token = std::str::from_utf8(order.token.expose()).unwrap_or_default();
            let profile = order.profile.as_deref().unwrap_or_default();
            let asked = (id.user.as_str(), id.server.as_str(), token, profile);
            let (unit, invocation) = read(&self.bus.broker(broker::METHOD_START_SERVER, &asked).await?)?;
            Ok(Launched { unit, invocation })
        }
        .boxed()
    }

    fn set_limits<'a>(&'a self, id: &'a ServerId, change: &'a LimitChange) -> BoxFuture<'a, Result<(), LaunchError>> {
        async move {
            let asked = (id.user.as_str(), id.server.as_str(), change.said());
            self.bus.broker(broker::METHOD_SET_LIMITS, &asked).await.map(drop)
        }
        .boxed()
    }

    fn limits<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<InForce, LaunchError>> {
        self.in_force(id).boxed()
    }

    fn stop<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<(), LaunchError>> {
        async move {
            let names = (id.user.as_str(), id.server.as_str());
            self.bus.broker("StopServer", &names).await.map(drop)
        }
        .boxed()
    }

    fn freeze<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<(), LaunchError>> {
        async move {
            let names = (id.user.as_str(), id.server.as_str());
            self.bus.broker(broker::METHOD_FREEZE_SERVER, &names).await.map(drop)
        }
        .boxed()
    }

    fn thaw<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<(), LaunchError>> {
        async move {
            let names = (id.user.as_str(), id.server.as_str());
            self.bus.broker(broker::METHOD_THAW_SERVER, &names).await.map(drop)
        }
        .boxed()
    }

    fn reclaim<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<u64, LaunchError>> {
        async move {
            let names = (id.user.as_str(), id.server.as_str());
            read(&self.bus.broker(broker::METHOD_RECLAIM_SERVER, &names).await?)
        }
        .boxed()
    }

    fn state<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<UnitState, LaunchError>> {
        async move { self.bus.unit(&id.unit_name()).await }.boxed()
    }

    fn kind<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<ServerKind, LaunchError>> {
        async move {
            let environment = self.bus.environment(&id.unit_name()).await?;
            let said = environment.iter().rev().find_map(|entry| entry.strip_prefix(broker::VARIABLE_KIND));
            let singleuser = said.and_then(|said| said.strip_prefix('=')) == Some(broker::KIND_SINGLEUSER);
            Ok(if singleuser { ServerKind::Singleuser } else { ServerKind::Lab })
        }
        .boxed()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<ServerId>, LaunchError>> {
        async move {
            let units = self.bus.units(&[PATTERN]).await?;
            Ok(units.iter().filter_map(|unit| ServerId::from_unit_name(unit)).collect())
        }
        .boxed()
    }

    fn journal<'a>(
        &'a self,
        id: &'a ServerId,
        invocation: &'a str,
        lines: u32,
    ) -> BoxFuture<'a, Result<Vec<JournalLine>, LaunchError>> {
        async move {
            // Everything of this run, whatever its level and time.
            let asked = (id.user.as_str(), id.server.as_str(), invocation, (lines, 7_u8, 0_u64, 0_u64));
            let texts: Vec<String> = read(&self.bus.broker(broker::METHOD_READ_JOURNAL, &asked).await?)?;
            let parse = |text: &String| serde_json::from_str(text).ok();
            Ok(texts.iter().filter_map(parse).collect())
        }
        .boxed()
    }

    fn usage<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<Usage, LaunchError>> {
        self.measure(id).boxed()
    }

    fn machine(&self) -> BoxFuture<'_, Result<Machine, LaunchError>> {
        off_thread(|| cgroup::machine(Path::new(cgroup::ROOT))).boxed()
    }

    fn kills<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<BoxStream<'static, Kills>, LaunchError>> {
        async move {
            let group = self.bus.control_group(&id.unit_name()).await?;
            Ok(kills::follow(Path::new(cgroup::ROOT), &group).boxed())
        }
        .boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, ServerId>, LaunchError>> {
        async move {
            let units = self.bus.follow().await?;
            Ok(units.filter_map(|unit| async move { ServerId::from_unit_name(&unit) }).boxed())
        }
        .boxed()
    }

    fn socket(&self, id: &ServerId) -> std::path::PathBuf {
        id.socket_path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_paths_turn_back_into_unit_names() {
        let name = |path: &str| unit_name(path);
        assert_eq!(
            name("/org/freedesktop/systemd1/unit/jupyter_40first_2elast_2eservice").as_deref(),
            Some("jupyter@first.last.service")
        );
        assert_eq!(name("/org/freedesktop/systemd1/unit/a_5cx40"), Some("a\\x40".into()));
        assert_eq!(name("/a/b_4"), None);
        assert_eq!(name("/a/b_zz"), None);
    }
}
