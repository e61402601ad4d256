//! The unit of one person's server: every property in one table.
//!
//! systemd.exec(5), systemd.service(5), systemd.resource-control(5). Invariants: everything here comes from root's
//! configuration, the name service and this file, nothing from the caller but the names; there is no secret in it, as
//! everybody on the machine can read a unit's properties. Pure.

mod command;
mod environment;
mod view;
mod walls;

use hubd_base::account::Account;
use hubd_base::config::{Config, Wall};
use hubd_base::lab::Lab;
use hubd_base::limits::Limits;
use hubd_base::names::ServerId;
use zbus::zvariant::Value;

use crate::limits;
use crate::secrets;
use crate::systemd::Property;
use crate::variables::Hub;

/// Where the server's own folder appears inside its unit.
pub const INSIDE: &str = "/run/jupyter";
/// The server's own socket, inside its unit.
const SOCKET: &str = "/run/jupyter/s";
/// Below [`INSIDE`]: connection files and kernel sockets, for nobody else.
pub const RUNTIME: &str = "runtime";
/// The service in `/etc/pam.d` for the session.
const PAM_SERVICE: &str = "hub-server";
/// From here on `Type=exec` works together with `PAMName=`; before, such a start hangs until its timeout.
pub const EXEC_WITH_PAM: u32 = 253;
/// What thaws suspended servers when the machine goes down.
const THAW_UNIT: &str = "hub-thaw.service";
/// More lines than anybody writes. journald multiplies it, in 32 bits, the more the emptier its disk is.
const BURST_MAX: u32 = 100_000_000;

/// All that decides what a unit looks like.
pub struct Plan<'a> {
    /// Which server.
    pub id: &'a ServerId,
    /// Whose it is.
    pub account: &'a Account,
    /// The walls that stand around this person's servers.
    pub walls: &'a [Wall],
    /// What to run.
    pub lab: &'a Lab,
    /// How to run it; what its profile says is in there.
    pub config: &'a Config,
    /// The profile it is started with.
    pub profile: Option<&'a str>,
    /// What it may use; no amount is a share.
    pub limits: &'a Limits,
    /// Where the API is for programs on this machine, if it is on TCP.
    pub api_url: Option<&'a str>,
    /// Is there a file of secret variables for the unit?
    pub secrets: bool,
    /// systemd's major version.
    pub systemd: u32,
}

impl Plan<'_> {
    fn hub(&self) -> Hub<'_> {
        Hub { config: self.config, api_url: self.api_url }
    }

    fn has(&self, wall: Wall) -> bool {
        self.walls.contains(&wall)
    }
}

/// The properties for `StartTransientUnit`, in the order of a unit file.
pub fn properties(plan: &Plan<'_>) -> Vec<Property> {
    let Plan { id, account, config, .. } = plan;
    let unit = id.unit_name();
    let argv = command::line(plan);
    let program = plan.lab.argv0.display().to_string();
    let stop_timeout = micros(config.server.stop_timeout);
    let start_timeout = micros(config.server.start_timeout);
    let mut fields = vec![("HUB_USER", id.user.as_str()), ("HUB_SERVER", id.server.as_str()), ("HUB_UNIT", &unit)];
    fields.extend(plan.profile.map(|name| ("HUB_PROFILE", name)));

    let mut table: Vec<Property> = vec![
        // --- what it is
        ("Description", text(format!("JupyterLab of {id}"))),
        ("Documentation", list(vec!["man:hubd(8)".to_owned()])),
        ("Slice", text(id.slice_name())),
        // Ends before the server does, and thaws it: systemd does not stop what is frozen.
        ("Wants", list(vec![THAW_UNIT.to_owned()])),
        ("Before", list(vec![THAW_UNIT.to_owned()])),
        // --- what runs, and as whom
        ("Type", text(start_type(plan.systemd))),
        ("User", text(account.name.as_str())),
        ("PAMName", text(PAM_SERVICE)),
        ("WorkingDirectory", text("~")),
        ("Environment", list(environment::variables(plan))),
        ("ExecStartEx", Value::from(vec![(program, argv, vec!["no-env-expand".to_owned()])])),
        ("TimeoutStartUSec", Value::from(start_timeout)),
        // --- how it ends
        // JupyterLab gets SIGTERM alone and shuts its kernels and terminals down itself; what is left when it is gone,
        // or at the timeout, is killed. With "control-group" kernels would die under its hands and be restarted.
        ("KillMode", text("mixed")),
        ("TimeoutStopUSec", Value::from(stop_timeout)),
        // A kernel that ran out of memory is one kernel, not the whole server.
        ("OOMPolicy", text("continue")),
        // --- how it is found in the journal
        ("SyslogIdentifier", text("jupyter-lab")),
        ("LogExtraFields", log_fields(&fields)),
    ];
    table.extend(log_rate(config));
    if plan.secrets {
        table.push(secret_variables(&unit));
    }
    table.extend(limits::properties(plan.limits));
    table.extend(view::properties(plan));
    table.extend(walls::properties(plan));
    table
}

/// Only the name of the file: what is in it, systemd hands to the program and to nobody else.
pub fn secret_variables(unit: &str) -> Property {
    let optional = false;
    ("EnvironmentFiles", Value::from(vec![(secrets::path(unit).display().to_string(), optional)]))
}

fn start_type(systemd: u32) -> &'static str {
    if systemd >= EXEC_WITH_PAM { "exec" } else { "simple" }
}

/// How much of a server's output the journal takes. Zero would be no limit of the unit's own, and so journald's.
fn log_rate(config: &Config) -> [Property; 2] {
    let burst = config.server.log_burst.unwrap_or(BURST_MAX).min(BURST_MAX);
    let interval = micros(config.server.log_interval);
    [("LogRateLimitIntervalUSec", Value::from(interval)), ("LogRateLimitBurst", Value::from(burst))]
}

/// Fields of every line in the journal, the unit's own and systemd's about it.
pub fn log_fields(fields: &[(&str, &str)]) -> Value<'static> {
    let fields: Vec<Vec<u8>> = fields.iter().map(|(name, value)| format!("{name}={value}").into_bytes()).collect();
    Value::from(fields)
}

/// Type `s`.
pub fn text(text: impl Into<String>) -> Value<'static> {
    Value::from(text.into())
}

/// Type `as`.
pub fn list(texts: Vec<String>) -> Value<'static> {
    Value::from(texts)
}

/// Microseconds; what does not fit is systemd's "infinity".
pub fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "unit_tests.rs"]
mod tests;
