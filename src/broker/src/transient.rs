//! A transient unit's start, whatever is in it: room for its name, systemd's job, and what to tell when it fails.

use std::time::Duration;

use crate::errors::{self, Error};
use crate::stop;
use crate::systemd::{AuxiliaryUnit, JobError, Property, Systemd, is_unit_exists};

/// What a job may take beyond systemd's own timeout for it.
const SLACK: Duration = Duration::from_secs(15);
/// A deadline for those who want none: the broker does not wait for ever.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What was started.
pub struct Started {
    /// The unit's name.
    pub unit: String,
    /// This run of it: 32 hexadecimal digits.
    pub invocation: String,
}

/// Sees to it that a unit's name is free. What runs is left alone.
pub async fn make_room(systemd: &Systemd, unit: &str) -> Result<(), Error> {
    let Some(state) = systemd.state(unit).await.map_err(|error| Error::systemd(&error))? else {
        return Ok(());
    };
    if state.is_up() {
        return Err(running(unit));
    }
    // On its way out, or a failed one that was kept for its reason.
    stop::end(systemd, unit).await
}

/// Starts a unit and waits until systemd has done so. `timeout` is the unit's own for its start.
pub async fn start(
    systemd: &Systemd,
    unit: &str,
    properties: &[Property],
    auxiliary: &[AuxiliaryUnit<'_>],
    timeout: Duration,
) -> Result<(), Error> {
    let deadline = timeout.saturating_add(SLACK).min(LONGEST);
    match systemd.start_transient(unit, properties, auxiliary, deadline).await {
        Ok(()) => Ok(()),
        Err(JobError::Call(error)) if is_unit_exists(&error) => Err(exists(systemd, unit, &error).await),
        Err(error) => Err(explain(systemd, unit, &error).await),
    }
}

/// After a failed start nothing runs. A unit that failed stays for its reason.
pub async fn clear_up(systemd: &Systemd, unit: &str) -> Result<(), Error> {
    match systemd.state(unit).await {
        Ok(None) => Ok(()),
        Ok(Some(state)) if state.active == "failed" => Ok(()),
        _ => stop::end(systemd, unit).await,
    }
}

/// The unit appeared between the look and the start, or a file on disk has its name.
async fn exists(systemd: &Systemd, unit: &str, error: &zbus::Error) -> Error {
    match systemd.state(unit).await {
        Ok(Some(state)) if state.is_up() => running(unit),
        _ => {
            let template = template(unit);
            Error::StartFailed(format!(
                "systemd knows another unit of the name {unit}. No unit file {template} or {unit} may exist; \
                 settings belong into /etc/systemd/system/{template}.d/NAME.conf. systemd says: {error}"
            ))
        }
    }
}

fn running(unit: &str) -> Error {
    Error::AlreadyRunning(format!("{unit} is running."))
}

/// `jupyter@.service` of `jupyter@alice.service`.
fn template(unit: &str) -> String {
    let (prefix, instance) = unit.split_once('@').unwrap_or((unit, ""));
    let (_, kind) = instance.rsplit_once('.').unwrap_or(("", "service"));
    format!("{prefix}@.{kind}")
}

/// Why a unit did not start, for a person.
pub async fn explain(systemd: &Systemd, unit: &str, error: &JobError) -> Error {
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
        200 => "the home or working folder cannot be entered",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_name_the_step_that_failed() {
        assert_eq!(reason("exit-code", 203), "the program cannot be executed (status 203)");
        assert_eq!(reason("exit-code", 1), "the program ended at once with status 1");
        assert_eq!(reason("timeout", 15), "it took too long");
    }

    #[test]
    fn the_template_of_a_unit_keeps_its_kind() {
        assert_eq!(template("jupyter@first.last:gpu.service"), "jupyter@.service");
        assert_eq!(template("hub-service-forward@a.socket"), "hub-service-forward@.socket");
    }
}
