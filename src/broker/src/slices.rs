//! Limits of many servers together: drop-ins for `jupyter.slice` and for the slices of people.
//!
//! They lie below `/run` under a name that sorts before an administrator's, so that hub.toml gives way to drop-ins of
//! slices as it does to those of servers, and what is taken out of hub.toml is gone at the next start.
//! `SetUnitProperties` would win over the administrator's files, and could not be taken back. Invariant: systemd reads its
//! files again only after one of ours changed.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use hubd_base::limits::{Amount, Limit, Limits, Person, Rate, Rules};

use crate::errors::Error;
use crate::start::blocking;
use crate::systemd::Systemd;

/// Where systemd looks for unit files that last until the machine is turned off.
const UNITS: &str = "/run/systemd/system";
/// Sorts before `10-site.conf`, and before `50-*.conf` of `systemctl set-property`.
const FILE: &str = "05-hub.conf";
/// All servers of all people.
const ALL: &str = "jupyter.slice";
/// Drop-ins for every slice whose name begins so: systemd.unit(5).
const EVERY_PERSON: &str = "jupyter-.slice";
const HEAD: &str = "# Made by hub-broker from [limits] of /etc/hub/hub.toml when a server starts. To say otherwise, add a\n\
                    # file with a higher name: systemctl edit does.\n[Slice]\n";

/// What is to stand in the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together {
    /// Slices, and the texts of their files; empty for no file.
    files: [(String, String); 3],
}

impl Together {
    /// `slice`: the person's. A person for whom nothing special is said has no file of their own.
    pub fn new(rules: &Rules, person: Person<'_>, slice: String, memory: u64) -> Self {
        let everybody = text(&rules.everybody.per_person.on(memory));
        let theirs = text(&Limits::from(&rules.of_person(person, memory)));
        // A file of the same name for one slice hides the one for all.
        let own = match theirs.as_str() {
            same if same == everybody => String::new(),
            "" => HEAD.to_owned(),
            other => other.to_owned(),
        };
        let all = text(&Limits::from(&rules.of_all(memory)));
        Self { files: [(ALL.to_owned(), all), (EVERY_PERSON.to_owned(), everybody), (slice, own)] }
    }
}

/// The file's text; what is infinite is so without being said.
fn text(limits: &Limits) -> String {
    let lines: String = limits.iter().flat_map(|(limit, amount)| lines(limit, amount)).collect();
    if lines.is_empty() { lines } else { format!("{HEAD}{lines}") }
}

fn lines(limit: Limit, amount: &Amount) -> Vec<String> {
    let line = |value: &str| format!("{}={}\n", limit.setting(), value.replace('%', "%%"));
    match amount {
        Amount::Infinity | Amount::Devices(_) => Vec::new(),
        Amount::Number(percent) if limit == Limit::CpuQuota => vec![format!("{}={percent}%\n", limit.setting())],
        Amount::Number(number) => vec![line(&number.to_string())],
        Amount::Share(percent) => vec![format!("{}={percent}%\n", limit.setting())],
        Amount::Rates(rates) => {
            let rate = |rate: &Rate| Some(line(&format!("{} {}", quoted(&rate.path), rate.bytes?)));
            rates.iter().filter_map(rate).collect()
        }
    }
}

/// A path as one word of a unit file.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Sees to it that the slices are limited as the configuration says.
pub async fn limit(systemd: &Systemd, together: &Together) -> Result<(), Error> {
    let files = together.files.clone();
    let changed = blocking(move || write_all(Path::new(UNITS), &files)).await?;
    if changed {
        systemd.reload().await.map_err(|error| Error::failed("Having systemd read its files again", error))?;
    }
    Ok(())
}

/// Whether something changed.
fn write_all(units: &Path, files: &[(String, String)]) -> Result<bool, Error> {
    let mut changed = false;
    for (slice, text) in files {
        let path = units.join(format!("{slice}.d")).join(FILE);
        changed |= write(&path, text).map_err(|error| Error::failed(&format!("Writing {}", path.display()), error))?;
    }
    Ok(changed)
}

fn write(path: &Path, text: &str) -> io::Result<bool> {
    let there = match fs::read_to_string(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    if there == text {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(path);
    if text.is_empty() {
        fs::remove_file(path)?;
        // Somebody else may have a file there.
        let _ = fs::remove_dir(folder);
        return Ok(true);
    }
    DirBuilder::new().mode(0o755).recursive(true).create(folder)?;
    // Never half a file: systemd may read at any moment. Everybody may read it, as `systemctl cat` does.
    let new: PathBuf = folder.join(format!(".{FILE}.new"));
    let _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&new)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    fs::rename(&new, path)?;
    Ok(true)
}

#[cfg(test)]
#[path = "slices_tests.rs"]
mod tests;
