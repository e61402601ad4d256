//! `[sandbox]`: the walls around people's servers, and for whom one of them does not stand.
//!
//! Invariant: a wall that nothing takes down stands. What each of them is made of, the broker knows.

use std::fmt;

use toml::de::DeValue;

use super::{Principal, near, value};
use crate::names::UserName;

/// One wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wall {
    /// `/tmp`, `/var/tmp` and shared memory are the server's own.
    PrivateTmp,
    /// Other people's processes are not seen.
    HideProcesses,
    /// Other people's homes are not seen.
    HideHomes,
    /// The system's files cannot be written, whoever owns them.
    ReadOnlySystem,
    /// Nothing that runs can gain a right: no `sudo`.
    NoNewPrivileges,
    /// The kernel's settings, modules, log, clock and control groups are out of reach.
    ProtectKernel,
    /// Only the devices that everybody needs, and those that the limits name.
    CloseDevices,
}

/// Every wall with its word.
pub const WALLS: [(&str, Wall); 7] = [
    ("private_tmp", Wall::PrivateTmp),
    ("hide_processes", Wall::HideProcesses),
    ("hide_homes", Wall::HideHomes),
    ("read_only_system", Wall::ReadOnlySystem),
    ("no_new_privileges", Wall::NoNewPrivileges),
    ("protect_kernel", Wall::ProtectKernel),
    ("close_devices", Wall::CloseDevices),
];

/// Around whom a wall stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// `true`
    Everybody,
    /// `"auto"`: everybody but administrators, who have ways to become root that it would only break.
    Others,
    /// `false`
    Nobody,
}

/// `[sandbox]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    around: [(Wall, Around); WALLS.len()],
    /// For whom which walls do not stand, sorted by the name as it is written.
    pub except: Vec<(String, Principal, Vec<Wall>)>,
    /// Folders beside `/home`, `/root` and `/run/user` in which homes lie.
    pub homes: Vec<String>,
    /// Folders in hidden places that everybody sees all the same.
    pub visible: Vec<String>,
}

impl Default for Sandbox {
    fn default() -> Self {
        let around = WALLS.map(|(_, wall)| match wall {
            Wall::PrivateTmp | Wall::HideProcesses | Wall::ProtectKernel => (wall, Around::Everybody),
            Wall::HideHomes | Wall::ReadOnlySystem | Wall::NoNewPrivileges | Wall::CloseDevices => {
                (wall, Around::Others)
            }
        });
        Self { around, except: Vec::new(), homes: Vec::new(), visible: Vec::new() }
    }
}

impl Sandbox {
    /// Does a wall stand around this person's servers? `groups` are the names of all their groups.
    pub fn stands(&self, wall: Wall, user: &UserName, groups: &[String], admin: bool) -> bool {
        let configured = match self.around.iter().find(|(known, _)| *known == wall) {
            Some((_, Around::Nobody)) => false,
            Some((_, Around::Others)) => !admin,
            Some((_, Around::Everybody)) | None => true,
        };
        configured && !self.except.iter().any(|(_, whom, walls)| walls.contains(&wall) && is(whom, user, groups))
    }

    /// Sets around whom a wall stands.
    pub fn set(&mut self, wall: Wall, wanted: Around) {
        for (_, around) in self.around.iter_mut().filter(|(known, _)| *known == wall) {
            *around = wanted;
        }
    }
}

fn is(principal: &Principal, user: &UserName, groups: &[String]) -> bool {
    match principal {
        Principal::User(name) => name == user,
        Principal::Group(group) => groups.contains(group),
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WALLS.iter().find(|(_, wall)| wall == self).map_or("", |(word, _)| word);
        f.write_str(word)
    }
}

/// Sets one wall by its value.
pub(super) fn set(sandbox: &mut Sandbox, wall: Wall, v: &DeValue<'_>) -> Result<(), String> {
    let wanted = match v {
        DeValue::Boolean(true) => Around::Everybody,
        DeValue::Boolean(false) => Around::Nobody,
        DeValue::String(word) if word.as_ref() == "auto" => Around::Others,
        other => return Err(value::expected("true, false or \"auto\" (not around administrators)", other)),
    };
    sandbox.set(wall, wanted);
    Ok(())
}

/// Sets for whom some walls do not stand.
pub(super) fn except(sandbox: &mut Sandbox, whom: &str, v: &DeValue<'_>) -> Result<(), String> {
    let principal = value::principal(whom)?;
    let words = value::strings(v, "a list of walls such as [\"hide_homes\"]")?;
    let known = |word: &String| {
        let found = WALLS.iter().find(|(name, _)| name == word);
        found.map(|(_, wall)| *wall).ok_or_else(|| {
            let nearest = near::nearest(word, WALLS.iter().map(|(name, _)| *name), super::schema::SLIPS);
            near::unknown(&format!("wall {}", value::quote(word)), nearest)
        })
    };
    let walls = words.iter().map(known).collect::<Result<Vec<_>, _>>()?;
    sandbox.except.retain(|(name, ..)| name != whom);
    let at = sandbox.except.partition_point(|(name, ..)| name.as_str() < whom);
    sandbox.except.insert(at, (whom.to_owned(), principal, walls));
    Ok(())
}
