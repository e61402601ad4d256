//! Freezes one server and thaws it again; and which servers this process froze.
//!
//! A frozen unit keeps everything it knows and gets no processor time. Who thaws it must not wait for this program to
//! be started first: it stays as long as something is frozen that it froze.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hubd_base::names::ServerId;
use tokio::time::timeout;

use crate::errors::Error;
use crate::systemd::{self, Systemd};

/// What the kernel may take until every process of a unit stands still. One that waits for a dead file server never
/// does.
const PATIENCE: Duration = Duration::from_secs(10);

/// Freezes a server that runs. The caller holds the server's turn. One that is frozen already stays so.
pub async fn freeze(systemd: &Systemd, id: &ServerId) -> Result<(), Error> {
    let unit = id.unit_name();
    match timeout(PATIENCE, systemd.freeze(&unit)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if systemd::is_not_running(&error) => Err(not_running(id)),
        Ok(Err(error)) if systemd::is_not_supported(&error) => Err(Error::CannotFreeze(format!(
            "{unit} cannot be frozen: that needs systemd 246 and the kernel's control groups of version 2."
        ))),
        Ok(Err(error)) => Err(Error::systemd(&error)),
        Err(_) => {
            // Half of it may stand still already.
            if let Err(error) = systemd.thaw(&unit).await {
                tracing::warn!(
                    HUB_UNIT = unit,
                    "Thawing {unit}, which did not freeze in time, failed, ignoring: {error}"
                );
            }
            Err(Error::failed("Freezing the unit", "a process did not stand still in time"))
        }
    }
}

/// Lets a frozen server run again. The caller holds the server's turn. One that is not frozen goes on.
pub async fn thaw(systemd: &Systemd, id: &ServerId) -> Result<(), Error> {
    match systemd.thaw(&id.unit_name()).await {
        Ok(()) => Ok(()),
        Err(error) if systemd::is_not_running(&error) => Err(not_running(id)),
        Err(error) => Err(Error::systemd(&error)),
    }
}

fn not_running(id: &ServerId) -> Error {
    Error::NotRunning(format!("The server of {id} does not run."))
}

/// The units that this process froze and did not thaw or stop again.
#[derive(Clone, Default)]
pub struct Frozen(Arc<Mutex<BTreeSet<String>>>);

impl Frozen {
    /// It stands still now.
    pub fn add(&self, unit: String) {
        self.units().insert(unit);
    }

    /// It runs again, or is gone.
    pub fn remove(&self, unit: &str) {
        self.units().remove(unit);
    }

    /// Whether one of them is still frozen: somebody else may have thawed or ended it.
    pub async fn any(&self, systemd: &Systemd) -> bool {
        loop {
            let Some(unit) = self.units().first().cloned() else { return false };
            if matches!(systemd.state(&unit).await, Ok(Some(state)) if state.is_frozen()) {
                return true;
            }
            self.remove(&unit);
        }
    }

    fn units(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
