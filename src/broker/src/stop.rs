//! Stops one server, and clears what is left of it.
//!
//! Needs neither the configuration nor the account: what was started can be stopped also after its account is gone.
//! A frozen unit is thawed first, since systemd refuses to stop it.

use std::time::Duration;

use hubd_base::names::ServerId;

use crate::directory;
use crate::errors::{self, Error};
use crate::secrets;
use crate::start::change_directory;
use crate::systemd::{JobError, Systemd};

/// What a stop may take beyond the unit's own timeout, after which systemd kills it.
const SLACK: Duration = Duration::from_secs(15);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Stops a server. The caller holds the server's turn. What does not run is stopped. True when something was running.
pub async fn stop(systemd: &Systemd, id: &ServerId) -> Result<bool, Error> {
    let unit = id.unit_name();
    let was_up = state_is_up(systemd, &unit).await?;
    end(systemd, &unit).await?;
    secrets::remove(&unit)?;
    change_directory(id, directory::remove).await?;
    Ok(was_up)
}

/// Does this unit run, or is it about to?
pub async fn state_is_up(systemd: &Systemd, unit: &str) -> Result<bool, Error> {
    let state = systemd.state(unit).await.map_err(|error| Error::systemd(&error))?;
    Ok(state.is_some_and(|state| state.is_up()))
}

/// Ends a unit, whatever state it is in, until systemd has forgotten it.
pub async fn end(systemd: &Systemd, unit: &str) -> Result<(), Error> {
    let Some(state) = systemd.state(unit).await.map_err(|error| Error::systemd(&error))? else {
        return Ok(());
    };
    if state.freezer != "running" {
        thaw(systemd, unit).await;
    }
    if !matches!(state.active.as_str(), "inactive" | "failed") {
        let deadline = state.timeout_stop.saturating_add(SLACK).min(LONGEST);
        let stopped = match systemd.stop(unit, deadline).await {
            // Frozen in the meantime.
            Err(JobError::Result(result)) if result == "frozen" => {
                thaw(systemd, unit).await;
                systemd.stop(unit, deadline).await
            }
            other => other,
        };
        stopped.map_err(|error| Error::StopFailed(format!("{unit} did not stop: {}.", errors::job(&error))))?;
    }
    systemd.reset_failed(unit).await.map_err(|error| Error::systemd(&error))
}

/// A thaw that fails shows in the stop that follows.
async fn thaw(systemd: &Systemd, unit: &str) {
    if let Err(error) = systemd.thaw(unit).await {
        tracing::warn!(HUB_UNIT = unit, "Thawing {unit} before its stop failed, ignoring: {error}");
    }
}
