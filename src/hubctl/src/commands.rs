//! One file for each command.

pub(crate) mod accounts;
pub(crate) mod api;
pub(crate) mod configuration;
pub(crate) mod doctor;
pub(crate) mod environment;
pub(crate) mod groups;
pub(crate) mod idle;
pub(crate) mod limits;
pub(crate) mod logs;
pub(crate) mod people;
pub(crate) mod profiles;
pub(crate) mod servers;
pub(crate) mod services;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod suspension;
pub(crate) mod tokens;
pub(crate) mod users;

use std::io::{self, Write};

/// Writes JSON for programs, one value over several lines.
fn write_json(out: &mut dyn Write, value: &serde_json::Value) -> io::Result<()> {
    writeln!(out, "{value:#}")
}
