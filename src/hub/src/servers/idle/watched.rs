//! What looks at a server saw: kept in memory and, as JSON, in the store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::meter::Meter;
use crate::clock::Usec;

/// What was seen of one run of a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of its own, none excludes another")]
pub struct Watched {
    /// systemd's id of the run; another run begins anew.
    pub invocation: String,
    /// When it was last looked at.
    pub looked: Option<Usec>,
    /// Its processor time.
    pub meter: Meter,
    /// Whether processor time can be measured here at all.
    pub measured: bool,
    /// What JupyterLab last told; asked only when nothing else speaks for work.
    pub jupyter: Option<Jupyter>,
    /// It was asked and did not tell.
    pub silent: bool,
    /// Whether it worked at the last look: a busy kernel, or more processor time than an idle server uses.
    pub works: bool,
    /// When it was last seen working.
    pub worked: Option<Usec>,
    /// Whether the last look saw everything.
    pub complete: bool,
    /// When its stop was announced.
    pub announced: Option<Usec>,
}

/// Kernels and terminals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Jupyter {
    /// How many kernels there are.
    pub kernels: u32,
    /// How many of them compute, or are being started.
    pub busy: u32,
    /// How many terminals are open.
    pub terminals: u32,
    /// The last message of a kernel, or the last thing a terminal read or wrote.
    pub last: Option<Usec>,
    /// How well JupyterLab hears its kernels, by their ids, as far as that is known.
    pub ears: BTreeMap<String, Ears>,
}

/// Whether JupyterLab hears what a kernel says, so that its word about it can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ears {
    /// It was heard to begin to compute, or it answered the hub itself.
    Open,
    /// The kernel was asked by the hub itself and did not answer.
    Deaf,
}
