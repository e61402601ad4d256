//! systemd's manager, its units and their jobs over D-Bus: the few calls and properties the broker needs.
//!
//! org.freedesktop.systemd1(5). Invariant: who waits for a job subscribed before the job was made, has a deadline, and
//! takes every result that is not known to be good for a failure.

mod proxies;

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};
use zbus::Connection;
use zbus::proxy::CacheProperties;
use zbus::zvariant::{OwnedObjectPath, Value};

use proxies::{ManagerProxy, ServiceProxy, SocketProxy, UnitProxy};

/// How the names of socket units end.
const SOCKET: &str = ".socket";

/// One property of a unit that is to be started.
pub type Property = (&'static str, Value<'static>);
/// A unit that is made together with the one that is started.
pub type AuxiliaryUnit<'a> = (&'a str, &'a [Property]);

/// What the broker looks at in a service or socket that systemd knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// What systemd calls it for people.
    pub description: String,
    /// `active`, `activating`, `deactivating`, `failed`, `inactive`, ...
    pub active: String,
    /// `running`, `frozen`, ...
    pub freezer: String,
    /// 32 hexadecimal digits; empty for a unit that never ran.
    pub invocation: String,
    /// Why it ended: `success`, `exit-code`, `timeout`, `oom-kill`, ...
    pub result: String,
    /// The main process's exit status, or systemd's own code of a start that failed before it.
    pub status: i32,
    /// 0 when there is none, as in a socket.
    pub main_pid: u32,
    /// The unit's path in the cgroup tree.
    pub control_group: String,
    /// How long systemd gives it to stop.
    pub timeout_stop: Duration,
}

/// What a socket unit listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// Type (`Stream`, ...) and address (`[::]:8000`, a path, `@name`, ...), in the order of the unit file.
    pub addresses: Vec<(String, String)>,
    /// Does an IPv6 address leave IPv4 out?
    pub ipv6_only: bool,
}

impl State {
    /// Runs, or is about to.
    pub fn is_up(&self) -> bool {
        matches!(self.active.as_str(), "active" | "activating" | "reloading" | "refreshing")
    }

    /// Stands still, and is not about to run.
    pub fn is_frozen(&self) -> bool {
        self.freezer.starts_with("frozen")
    }
}

/// How a job ended badly.
#[derive(Debug)]
pub enum JobError {
    /// systemd refused the call, or could not be reached.
    Call(zbus::Error),
    /// The job's result, which is not `done`.
    Result(String),
    /// The job was still there at the deadline.
    Late,
}

/// A unit of that name exists already, `org.freedesktop.systemd1.UnitExists`.
pub fn is_unit_exists(error: &zbus::Error) -> bool {
    is_named(error, "org.freedesktop.systemd1.UnitExists")
}

/// There is no such unit, `org.freedesktop.systemd1.NoSuchUnit`.
pub fn is_no_such_unit(error: &zbus::Error) -> bool {
    is_named(error, "org.freedesktop.systemd1.NoSuchUnit")
}

/// There is no such unit, or it does not run: `org.freedesktop.systemd1.UnitInactive`.
pub fn is_not_running(error: &zbus::Error) -> bool {
    is_no_such_unit(error) || is_named(error, "org.freedesktop.systemd1.UnitInactive")
}

/// Neither this kernel nor this unit can do it, `org.freedesktop.DBus.Error.NotSupported`.
pub fn is_not_supported(error: &zbus::Error) -> bool {
    match error {
        zbus::Error::FDO(error) => matches!(**error, zbus::fdo::Error::NotSupported(_)),
        other => is_named(other, "org.freedesktop.DBus.Error.NotSupported"),
    }
}

fn is_named(error: &zbus::Error, expected: &str) -> bool {
    matches!(error, zbus::Error::MethodError(name, _, _) if name.as_str() == expected)
}

/// systemd on the system bus.
#[derive(Clone)]
pub struct Systemd {
    connection: Connection,
    manager: ManagerProxy<'static>,
    /// The major version, such as 257.
    pub version: u32,
}

impl Systemd {
    /// Connects and asks for the signals of jobs.
    pub async fn connect(connection: &Connection) -> zbus::Result<Self> {
        let manager = ManagerProxy::builder(connection).cache_properties(CacheProperties::No).build().await?;
        manager.subscribe().await?;
        let version = major(&manager.version().await?);
        Ok(Self { connection: connection.clone(), manager, version })
    }

    /// What a unit is doing. `None` when systemd does not know it.
    pub async fn state(&self, unit: &str) -> zbus::Result<Option<State>> {
        let path = match self.manager.get_unit(unit).await {
            Ok(path) => path,
            Err(error) if is_no_such_unit(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        match self.read(unit, path).await {
            Ok(state) => Ok(Some(state)),
            // It went away between the two calls.
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, name: &str, path: OwnedObjectPath) -> zbus::Result<State> {
        let unit = UnitProxy::builder(&self.connection)
            .path(path.clone())?
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        let state = State {
            description: unit.description().await?,
            active: unit.active_state().await?,
            freezer: unit.freezer_state().await?,
            invocation: hex(&unit.invocation_id().await?),
            result: String::new(),
            status: 0,
            main_pid: 0,
            control_group: String::new(),
            timeout_stop: Duration::ZERO,
        };
        if name.ends_with(SOCKET) {
            let socket = self.socket(path).await?;
            return Ok(State {
                result: socket.result().await?,
                timeout_stop: Duration::from_micros(socket.timeout_usec().await?),
                ..state
            });
        }
        let service =
            ServiceProxy::builder(&self.connection).path(path)?.cache_properties(CacheProperties::No).build().await?;
        Ok(State {
            result: service.result().await?,
            status: service.exec_main_status().await?,
            main_pid: service.main_pid().await?,
            control_group: service.control_group().await?,
            timeout_stop: Duration::from_micros(service.timeout_stop_usec().await?),
            ..state
        })
    }

    async fn socket(&self, path: OwnedObjectPath) -> zbus::Result<SocketProxy<'static>> {
        SocketProxy::builder(&self.connection).path(path)?.cache_properties(CacheProperties::No).build().await
    }

    /// What a socket unit listens on, whether it does so now or not.
    pub async fn listening(&self, unit: &str) -> zbus::Result<Listening> {
        let socket = self.socket(self.manager.load_unit(unit).await?).await?;
        Ok(Listening { addresses: socket.listen().await?, ipv6_only: socket.bind_ipv6_only().await? == "ipv6-only" })
    }

    /// Starts a unit that exists only in these properties, makes the others that it needs, and waits for its job.
    pub async fn start_transient(
        &self,
        unit: &str,
        properties: &[Property],
        auxiliary: &[AuxiliaryUnit<'_>],
        deadline: Duration,
    ) -> Result<(), JobError> {
        self.job(unit, deadline, self.manager.start_transient_unit(unit, "fail", properties, auxiliary)).await
    }

    /// Stops a unit and waits for the job. What is not there is stopped.
    pub async fn stop(&self, unit: &str, deadline: Duration) -> Result<(), JobError> {
        match self.job(unit, deadline, self.manager.stop_unit(unit, "replace")).await {
            Err(JobError::Call(error)) if is_no_such_unit(&error) => Ok(()),
            other => other,
        }
    }

    /// Changes a unit that runs, at once and until it stops.
    pub async fn change(&self, unit: &str, properties: &[Property]) -> zbus::Result<()> {
        let runtime = true;
        self.manager.set_unit_properties(unit, runtime, properties).await
    }

    /// Has systemd read all unit files again. Units that run take new limits over.
    pub async fn reload(&self) -> zbus::Result<()> {
        self.manager.reload().await
    }

    /// Freezes a unit; returns when all its processes stand still. One that is frozen already stays so.
    pub async fn freeze(&self, unit: &str) -> zbus::Result<()> {
        self.manager.freeze_unit(unit).await
    }

    /// Lets a frozen unit run again.
    pub async fn thaw(&self, unit: &str) -> zbus::Result<()> {
        self.manager.thaw_unit(unit).await
    }

    /// Forgets that a unit failed. Nothing to forget is fine.
    pub async fn reset_failed(&self, unit: &str) -> zbus::Result<()> {
        match self.manager.reset_failed_unit(unit).await {
            Err(error) if is_no_such_unit(&error) => Ok(()),
            other => other,
        }
    }

    /// Makes a job and waits for it. Only this unit's signals are asked for, so that a busy machine (boot, apt) cannot
    /// fill the queue.
    async fn job(
        &self,
        unit: &str,
        deadline: Duration,
        make: impl Future<Output = zbus::Result<OwnedObjectPath>>,
    ) -> Result<(), JobError> {
        let until = Instant::now() + deadline;
        let mut removed = self.manager.receive_job_removed_with_args(&[(2, unit)]).await.map_err(JobError::Call)?;
        let job = timeout_at(until, make).await.map_err(|_| JobError::Late)?.map_err(JobError::Call)?;
        loop {
            let signal = timeout_at(until, removed.next()).await.map_err(|_| JobError::Late)?;
            let Some(signal) = signal else {
                return Err(JobError::Call(zbus::Error::Failure("the system bus is gone".to_owned())));
            };
            let Ok(args) = signal.args() else { continue };
            if args.job().as_str() != job.as_str() {
                continue;
            }
            return match *args.result() {
                "done" => Ok(()),
                result => Err(JobError::Result(result.to_owned())),
            };
        }
    }
}

fn is_gone(error: &zbus::Error) -> bool {
    use zbus::fdo;
    match error {
        zbus::Error::FDO(error) => {
            matches!(
                **error,
                fdo::Error::UnknownObject(_) | fdo::Error::UnknownInterface(_) | fdo::Error::UnknownProperty(_)
            )
        }
        other => is_named(other, "org.freedesktop.DBus.Error.UnknownObject") || is_no_such_unit(other),
    }
}

/// `257.13-1~deb13u1` is 257. What is not understood counts as old.
fn major(version: &str) -> u32 {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_what_stands_before_the_dot() {
        assert_eq!(major("257.13-1~deb13u1"), 257);
        assert_eq!(major("252"), 252);
        assert_eq!(major("v257"), 0);
    }

    #[test]
    fn an_invocation_is_written_as_the_journal_writes_it() {
        assert_eq!(hex(&[0x0f, 0xa0]), "0fa0");
    }
}
