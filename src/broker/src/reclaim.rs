//! Gives the memory of a frozen server back to the machine: files that can be read again are dropped, the rest goes to
//! swap where there is any.
//!
//! By `memory.reclaim` of the unit's control group (Linux 5.19, Documentation/admin-guide/cgroup-v2.rst). Lowering the
//! unit's `MemoryHigh=` would do the same inside PID 1, which nothing may hold up. Invariants: only what is below
//! [`SLICE`] is written to; nothing is taken from a server that runs; a thaw never waits for this.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hubd_base::names::ServerId;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::errors::Error;
use crate::systemd::{State, Systemd};

/// Where the kernel shows the control groups; `hub-broker.service` opens the slice in there for writing.
const GROUPS: &str = "/sys/fs/cgroup";
/// The slice of all servers.
const SLICE: &str = "/jupyter.slice/";
/// Asked for at once, in bytes: between two portions it is seen whether the server was thawed.
const PORTION: u64 = 32 << 20;
/// A portion that brought less, in bytes, was the last one: what is left cannot be had.
const WORTHWHILE: u64 = 1 << 20;
/// For one server. A slow disk may not be done by then.
const LONGEST: Duration = Duration::from_secs(60);
/// Servers at once: more would only fight for the same disk.
const AT_ONCE: usize = 2;

/// Who gives memory back, one or two servers at a time.
pub struct Reclaim(Semaphore);

impl Default for Reclaim {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl Reclaim {
    /// Gives back what it can; returns the bytes. 0 where the server runs again, or the kernel cannot do it.
    pub async fn run(&self, systemd: &Systemd, id: &ServerId) -> Result<u64, Error> {
        let Ok(_permit) = self.0.acquire().await else { return Ok(0) };
        let unit = id.unit_name();
        let state = systemd.state(&unit).await.map_err(|error| Error::systemd(&error))?;
        let Some(state) = state.filter(State::is_frozen) else { return Ok(0) };
        let Some(group) = folder(&state.control_group, &unit) else {
            return Err(Error::Failed(format!("{unit} is not in the control group that it should be in.")));
        };
        match spawn_blocking(move || give_back(&group, Instant::now() + LONGEST)).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(Error::failed("Giving memory back", error)),
            Err(error) => Err(Error::failed("The broker's own work", error)),
        }
    }
}

/// The folder of a server's control group, if it lies where servers lie.
fn folder(control_group: &str, unit: &str) -> Option<PathBuf> {
    let inside = control_group.strip_prefix(SLICE)?;
    let plain = inside.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    (plain && inside.rsplit('/').next() == Some(unit))
        .then(|| Path::new(GROUPS).join(control_group.trim_start_matches('/')))
}

/// Asks for one portion after the other while the group is frozen and something comes of it. The bytes that came.
fn give_back(group: &Path, until: Instant) -> io::Result<u64> {
    let Some(before) = in_use(group)? else { return Ok(0) };
    let mut left = before;
    while left > 0 && is_frozen(group) && Instant::now() < until {
        match ask(group, left.min(PORTION)) {
            Ok(()) => {}
            // Less than asked for; or a signal came.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // Before Linux 5.19.
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
        let now = in_use(group)?.unwrap_or(0);
        let gained = left.saturating_sub(now);
        left = now;
        if gained < WORTHWHILE {
            break;
        }
    }
    Ok(before.saturating_sub(left))
}

fn ask(group: &Path, bytes: u64) -> io::Result<()> {
    OpenOptions::new().write(true).open(group.join("memory.reclaim"))?.write_all(bytes.to_string().as_bytes())
}

/// Bytes; `None` where the kernel does not count them, or the group is gone.
fn in_use(group: &Path) -> io::Result<Option<u64>> {
    match fs::read_to_string(group.join("memory.current")) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_frozen(group: &Path) -> bool {
    let events = fs::read_to_string(group.join("cgroup.events")).unwrap_or_default();
    events.lines().any(|line| line == "frozen 1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_groups_of_servers_are_written_to() {
        let unit = "jupyter@alice.service";
        let folder = |group: &str| folder(group, unit).map(|path| path.display().to_string());
        let right = "/jupyter.slice/jupyter-alice.slice/jupyter@alice.service";
        assert_eq!(folder(right), Some(format!("/sys/fs/cgroup{right}")));
        for wrong in [
            "",
            "/",
            "/system.slice/jupyter@alice.service",
            "/jupyter.slice/jupyter-bob.slice/jupyter@bob.service",
            "/jupyter.slice/../system.slice/jupyter@alice.service",
            "/jupyter.slice//jupyter@alice.service",
            "jupyter.slice/jupyter@alice.service",
        ] {
            assert_eq!(folder(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nothing_is_taken_from_a_group_that_runs_or_that_the_kernel_does_not_count() {
        let group = tempfile::tempdir().unwrap();
        let soon = Instant::now() + Duration::from_secs(60);
        assert_eq!(give_back(group.path(), soon).unwrap(), 0);
        fs::write(group.path().join("memory.current"), "5000000\n").unwrap();
        fs::write(group.path().join("memory.reclaim"), "").unwrap();
        fs::write(group.path().join("cgroup.events"), "populated 1\nfrozen 0\n").unwrap();
        assert_eq!(give_back(group.path(), soon).unwrap(), 0);
        assert_eq!(fs::read_to_string(group.path().join("memory.reclaim")).unwrap(), "");
    }

    #[test]
    fn a_portion_that_brings_nothing_is_the_last_one() {
        let group = tempfile::tempdir().unwrap();
        fs::write(group.path().join("memory.current"), "5000000\n").unwrap();
        fs::write(group.path().join("memory.reclaim"), "").unwrap();
        fs::write(group.path().join("cgroup.events"), "populated 1\nfrozen 1\n").unwrap();
        assert_eq!(give_back(group.path(), Instant::now() + Duration::from_secs(60)).unwrap(), 0);
        assert_eq!(fs::read_to_string(group.path().join("memory.reclaim")).unwrap(), "5000000");
    }

    #[test]
    fn a_kernel_that_cannot_be_asked_gives_nothing_back() {
        let group = tempfile::tempdir().unwrap();
        fs::write(group.path().join("memory.current"), "5000000\n").unwrap();
        fs::write(group.path().join("cgroup.events"), "frozen 1\n").unwrap();
        assert_eq!(give_back(group.path(), Instant::now() + Duration::from_secs(60)).unwrap(), 0);
    }
}
