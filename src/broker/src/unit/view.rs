//! What of the file system a server sees: its own folder and shared memory, its home, and not the homes of others.
//!
//! Invariant: every path here is root's word (configuration, name service, this file). A home that is hidden with the
//! others is bound back to its place as the last step, so that it is there whatever lies above it.

use std::path::{Path, PathBuf};

use hubd_base::config::Wall;
use zbus::zvariant::Value;

use super::{INSIDE, Plan, command};
use crate::systemd::Property;

/// What is hidden with other people's homes. Not by `ProtectHome=tmpfs`: that of systemd 252 can be written by everybody.
const HIDDEN: [&str; 3] = ["/home", "/root", "/run/user"];
/// What is in its place.
const HIDDEN_OPTIONS: &str = "ro,nosuid,nodev,mode=0755";
/// The person's runtime folder (`XDG_RUNTIME_DIR`), a file system of the server's own.
pub const SESSION: &str = "/run/jupyter-session";
/// Of the machine's memory at most this much; it counts as the server's.
const SESSION_OPTIONS: &str = "nosuid,nodev,mode=0700,size=10%,nr_inodes=100k";
/// POSIX shared memory (`shm_overview(7)`). In the machine's own folder systemd-logind removes a person's files when their last
/// login session ends, though their server goes on (`RemoveIPC=` in logind.conf(5)).
const SHARED_MEMORY: &str = "/dev/shm";
/// As large as the machine's own; it counts as the server's memory.
const SHARED_MEMORY_OPTIONS: &str = "nosuid,nodev,mode=1777,size=50%,nr_inodes=1m";
/// `BindPaths=` flags: the folder alone.
const ALONE: u64 = 0;
/// `BindPaths=` flags: with what is mounted below it (`MS_REC`).
const WITH_MOUNTS: u64 = 0x4000;

/// An entry of `BindPaths=`: from, to, may be missing, flags.
type Bind = (String, String, bool, u64);

/// Mounts, in properties.
pub fn properties(plan: &Plan<'_>) -> Vec<Property> {
    let mut writable: Vec<Bind> = vec![(shown(&plan.id.directory()), INSIDE.to_owned(), false, ALONE)];
    let mut readable: Vec<Bind> = Vec::new();
    let owner = format!("uid={},gid={}", plan.account.uid, plan.account.gid);
    let mut empty = vec![(SESSION.to_owned(), format!("{SESSION_OPTIONS},{owner}"))];
    if plan.has(Wall::PrivateTmp) {
        empty.push((SHARED_MEMORY.to_owned(), SHARED_MEMORY_OPTIONS.to_owned()));
    }
    if plan.has(Wall::HideHomes) {
        empty.extend(hidden(plan).map(|folder| (folder.to_owned(), HIDDEN_OPTIONS.to_owned())));
        let (seen, read) = kept(plan);
        writable.extend(seen.iter().map(|path| here(path)));
        readable.extend(read.iter().map(|path| here(path)));
    }
    let mut table = vec![("BindPaths", Value::from(writable))];
    if !readable.is_empty() {
        table.push(("BindReadOnlyPaths", Value::from(readable)));
    }
    table.push(("TemporaryFileSystem", Value::from(empty)));
    table
}

fn hidden<'a>(plan: &'a Plan<'_>) -> impl Iterator<Item = &'a str> {
    HIDDEN.into_iter().chain(plan.config.sandbox.homes.iter().map(String::as_str))
}

/// What lies in hidden places and is needed: to write in, and to read.
fn kept(plan: &Plan<'_>) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let home = plan.account.home.clone();
    let hidden = |path: &Path| hidden(plan).any(|folder| path.starts_with(folder));
    let visible = plan.config.sandbox.visible.iter().map(PathBuf::from);
    let shown = command::directory(plan.config, plan.account);
    let mut seen: Vec<PathBuf> = visible.chain([shown, home.clone()]).filter(|path| hidden(path)).collect();
    // What is inside another one is there with it.
    let all = seen.clone();
    seen.retain(|path| !all.iter().any(|other| other != path && path.starts_with(other)));
    seen.dedup();
    // A JupyterLab that somebody installed at home: its environment is two steps above the program.
    let environment = plan.lab.argv0.parent().and_then(Path::parent).map(Path::to_path_buf);
    let inside = |path: &PathBuf| seen.iter().any(|folder| path.starts_with(folder));
    let read = environment.into_iter().filter(|path| hidden(path) && !inside(path)).collect();
    (seen, read)
}

/// A folder in its own place. One that is missing is told by whoever needs it.
fn here(path: &Path) -> Bind {
    (shown(path), shown(path), true, WITH_MOUNTS)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
