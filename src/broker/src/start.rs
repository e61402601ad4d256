//! Starts one server: validates, makes its folder, starts the transient unit, and looks whether it stayed in its unit.
//!
//! Nothing of the caller is trusted but that it asked for these names: the configuration is read and the account is
//! judged anew each time. Once systemd has its order the start goes on to its end, whatever becomes of the caller.

use std::path::Path;
use std::time::Duration;

use hubd_base::account::{self, Account, AccountError};
use hubd_base::config::{self, Config};
use hubd_base::lab::{self, Lab};
use hubd_base::names::ServerId;
use hubd_base::policy;
use nix::unistd::{Gid, Uid};
use tokio::time::{Instant, sleep};

use crate::directory::{self, Owners};
use crate::errors::{self, Error};
use crate::stop;
use crate::systemd::{JobError, State, Systemd, is_unit_exists};
use crate::unit::{self, Plan};

/// What a job may take beyond systemd's own timeout for it.
const SLACK: Duration = Duration::from_secs(15);
/// A deadline for those who want none: the broker does not wait for ever.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// From PAM's session to the program itself, where systemd does not tell (`Type=simple`).
const EXEC_DEADLINE: Duration = Duration::from_secs(10);

/// A server that was started.
pub struct Started {
    /// The unit's name.
    pub unit: String,
    /// This run of it: 32 hexadecimal digits.
    pub invocation: String,
}

/// What was found out before anything is changed.
struct Prepared {
    account: Account,
    admin: bool,
    config: Config,
    lab: Lab,
    hub_group: Gid,
}

/// Starts a server. The caller holds the server's turn.
pub async fn start(systemd: &Systemd, id: &ServerId) -> Result<Started, Error> {
    let prepared = {
        let id = id.clone();
        blocking(move || prepare(&id)).await?
    };
    let unit = id.unit_name();
    make_room(systemd, &unit).await?;

    let owners = Owners {
        user: Uid::from_raw(prepared.account.uid),
        user_group: Gid::from_raw(prepared.account.gid),
        hub_group: prepared.hub_group,
    };
    change_directory(id, move |id| directory::make(id, owners)).await?;

    let Prepared { account, admin, config, lab, .. } = &prepared;
    let plan = Plan { id, account, admin: *admin, lab, config, systemd: systemd.version };
    let deadline = config.server.start_timeout.saturating_add(SLACK).min(LONGEST);
    let begun = systemd.start_transient(&unit, &unit::properties(&plan), deadline).await;
    let result = match begun {
        Ok(()) => verify(systemd, &unit).await,
        Err(JobError::Call(error)) if is_unit_exists(&error) => Err(exists(systemd, &unit, &error).await),
        Err(error) => Err(explain(systemd, &unit, &error).await),
    };
    match result {
        Ok(state) => Ok(Started { unit, invocation: state.invocation }),
        // Somebody else's start of the same unit: nothing here is ours to clear.
        Err(error @ Error::AlreadyRunning(_)) => Err(error),
        Err(error) => {
            clear_up(systemd, id, &unit).await;
            Err(error)
        }
    }
}

/// Everything that may block: files and the name service.
fn prepare(id: &ServerId) -> Result<Prepared, Error> {
    let config = config::load(Path::new(config::DIR))
        .map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Error::BadConfiguration(lines.join("\n"))
        })?
        .config;
    let user = &id.user;
    let account = match account::find(user) {
        Ok(Some(account)) if account.name == *user => account,
        // A second spelling would be a second unit for the same person.
        Ok(Some(account)) => {
            return Err(Error::NoSuchUser(format!("The account {user} is called {} on this machine.", account.name)));
        }
        Ok(None) => return Err(Error::NoSuchUser(format!("There is no account {user} on this machine."))),
        Err(error @ AccountError::Name(..)) => return Err(Error::NoSuchUser(format!("{error}."))),
        Err(error) => return Err(Error::failed("Looking up the account", error)),
    };
    let groups = account::groups(&account).map_err(|error| Error::failed("Looking up the groups", error))?;
    let standing = policy::check(&config, &account, &groups)
        .map_err(|refusal| Error::NotAllowed(refusal.sentence().to_owned()))?;
    let lab = lab::find(&config).map_err(|error| Error::NoLab(error.to_string()))?;
    let hub_group = directory::hub_group().map_err(Error::Failed)?;
    Ok(Prepared { account, admin: standing.admin, config, lab, hub_group })
}

/// Sees to it that the unit's name is free.
async fn make_room(systemd: &Systemd, unit: &str) -> Result<(), Error> {
    let Some(state) = systemd.state(unit).await.map_err(|error| Error::systemd(&error))? else {
        return Ok(());
    };
    if state.is_up() {
        return Err(Error::AlreadyRunning(format!("{unit} is running.")));
    }
    // On its way out, or a failed one that was kept for its reason.
    stop::end(systemd, unit).await
}

/// The unit appeared between the look and the start, or a file on disk has its name.
async fn exists(systemd: &Systemd, unit: &str, error: &zbus::Error) -> Error {
    match systemd.state(unit).await {
        Ok(Some(state)) if state.is_up() => Error::AlreadyRunning(format!("{unit} is running.")),
        _ => Error::StartFailed(format!(
            "systemd knows another unit of the name {unit}. No unit file jupyter@.service or {unit} may exist; \
             settings belong into /etc/systemd/system/jupyter@.service.d/NAME.conf. systemd says: {error}"
        )),
    }
}

/// The unit is up, its process is there, and no PAM module moved it elsewhere.
async fn verify(systemd: &Systemd, unit: &str) -> Result<State, Error> {
    let state = systemd.state(unit).await.map_err(|error| Error::systemd(&error))?;
    let Some(state) = state.filter(|state| state.is_up() && state.main_pid != 0) else {
        return Err(explain(systemd, unit, &JobError::Result("done".to_owned())).await);
    };
    if systemd.version < unit::EXEC_WITH_PAM {
        executed(state.main_pid).await;
    }
    // procfs does not block.
    let path = format!("/proc/{}/cgroup", state.main_pid);
    match std::fs::read_to_string(&path) {
        Ok(text) if is_inside(&text, &state.control_group) => Ok(state),
        Ok(_) => Err(Error::StartFailed(format!(
            "A PAM module moved the server out of {unit}, where limits and stopping would not reach it. Remove \
             pam_systemd from /etc/pam.d/hub-server and from what it includes."
        ))),
        // It ended in the meantime: what the hub sees of it then is the unit's own end.
        Err(_) => Ok(state),
    }
}

/// Waits until a process is no longer systemd's helper, which carries its name in parentheses until it executes the
/// program.
async fn executed(pid: u32) {
    let until = Instant::now() + EXEC_DEADLINE;
    let mut pause = Duration::from_millis(2);
    while Instant::now() < until {
        match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
            Ok(name) if name.starts_with('(') => sleep(pause).await,
            _ => return,
        }
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Is the cgroup of `/proc/PID/cgroup` (cgroups(7)) this one or below it?
fn is_inside(text: &str, control_group: &str) -> bool {
    let unified = text.lines().find_map(|line| line.strip_prefix("0::"));
    !control_group.is_empty()
        && unified
            .and_then(|path| path.strip_prefix(control_group))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Why a unit did not start, for a person.
async fn explain(systemd: &Systemd, unit: &str, error: &JobError) -> Error {
    let state = systemd.state(unit).await.ok().flatten();
    let reason = match (state, error) {
        (Some(state), JobError::Result(_)) => reason(&state.result, state.status),
        (_, error) => errors::job(error),
    };
    Error::StartFailed(format!("{unit} did not start: {reason}."))
}

/// systemd.exec(5), "Process Exit Codes".
fn reason(result: &str, status: i32) -> String {
    let step = match status {
        200 => "the home folder cannot be entered",
        203 => "the program cannot be executed",
        216 => "the group does not exist",
        217 => "the account does not exist",
        224 => "PAM refused the session (an expired account or password, or /etc/pam.d/hub-server)",
        226 => "the private view of the file system could not be set up",
        _ => {
            return match result {
                "timeout" => "it took too long".to_owned(),
                "oom-kill" => "it ran out of memory".to_owned(),
                "exit-code" => format!("the program ended at once with status {status}"),
                "signal" | "core-dump" => format!("the program was ended by signal {status}"),
                "success" => "the program ended at once".to_owned(),
                other => format!("systemd's result is {other}, status {status}"),
            };
        }
    };
    format!("{step} (status {status})")
}

/// After a failed start: nothing runs, and no folder is left. The failed unit stays for its reason.
async fn clear_up(systemd: &Systemd, id: &ServerId, unit: &str) {
    let left = match systemd.state(unit).await {
        Ok(Some(state)) if state.active == "failed" => Ok(()),
        Ok(None) => Ok(()),
        _ => stop::end(systemd, unit).await,
    };
    let cleared = match left {
        Ok(()) => change_directory(id, directory::remove).await,
        Err(error) => Err(error),
    };
    if let Err(error) = cleared {
        tracing::warn!(HUB_UNIT = unit, "Clearing up after a failed start failed, ignoring: {error}");
    }
}

/// Works on a server's folder away from the runtime's thread.
pub async fn change_directory<E>(
    id: &ServerId,
    change: impl FnOnce(&ServerId) -> Result<(), E> + Send + 'static,
) -> Result<(), Error>
where
    E: std::fmt::Display,
{
    let id = id.clone();
    blocking(move || change(&id).map_err(|error| Error::failed("Preparing the server's folder", error))).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::failed("The broker's own work", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_inside_its_unit_or_below_it_and_nowhere_else() {
        let unit = "/jupyter.slice/jupyter-alice.slice/jupyter@alice.service";
        assert!(is_inside(&format!("0::{unit}\n"), unit));
        assert!(is_inside(&format!("12:pids:/x\n0::{unit}/kernel\n"), unit));
        assert!(!is_inside(&format!("0::{unit}2\n"), unit));
        assert!(!is_inside("0::/user.slice/user-1000.slice/session-c1.scope\n", unit));
        assert!(!is_inside("0::/\n", ""));
        assert!(!is_inside("", unit));
    }

    #[test]
    fn reasons_name_the_step_that_failed() {
        assert_eq!(reason("exit-code", 203), "the program cannot be executed (status 203)");
        assert_eq!(reason("exit-code", 1), "the program ended at once with status 1");
        assert_eq!(reason("timeout", 15), "it took too long");
    }
}
