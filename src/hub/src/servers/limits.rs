//! What servers may use: changes of one that runs, and what is in force for it with every file that says something.
//!
//! systemd alone knows what is in force; nothing of it is remembered here.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use hubd_base::limits::{self, Amount, Limit, Limits};

/// A change of limits that systemd can make while a server runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitChange(Limits);

impl LimitChange {
    /// Reads names and amounts as `[limits]` of the configuration has them. The error is a sentence.
    pub fn parse<'a>(asked: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        limits::change(asked).map(Self)
    }

    /// The limits and their new amounts.
    pub fn limits(&self) -> &Limits {
        &self.0
    }

    /// As it is asked of the broker.
    pub fn said(&self) -> HashMap<String, String> {
        self.0.iter().map(|(limit, amount)| (limit.name().to_owned(), amount.show(limit))).collect()
    }
}

/// What holds for a server that runs: its own limits, those of its person's servers together, and those of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    /// The profile it was started with.
    pub profile: Option<String>,
    /// The server's own.
    pub server: Level,
    /// Of all servers of its person.
    pub person: Level,
    /// Of all servers.
    pub all: Level,
}

/// What holds for one unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// The unit: a service or a slice.
    pub unit: String,
    /// Everything that is limited, or that some file speaks about.
    pub limits: BTreeMap<Limit, Held>,
}

/// One limit as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// How much, as systemd says.
    pub amount: Amount,
    /// Who speaks about it, the one that counts last.
    pub said: Vec<Voice>,
}

/// Who says something about a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voice {
    /// `hub.toml`, when the server was started.
    Configuration,
    /// A change of the running server.
    Live,
    /// A drop-in of an administrator.
    File(PathBuf),
}
