//! The unit of a service's command: every property in one table.
//!
//! systemd.exec(5), systemd.service(5). Invariants: everything here comes from root's configuration and this file; what
//! may be secret, the token and the administrator's own variables, is in a file that root alone reads. Pure.

use std::time::Duration;

use hubd_base::config::Service;
use hubd_base::limits::machine_memory;
use zbus::zvariant::Value;

use crate::limits;
use crate::secrets::{Token, Variables};
use crate::systemd::Property;
use crate::unit::{list, log_fields, micros, secret_variables as secret_file, text};
use crate::variables::Variable;

/// All services of the hub. A drop-in of this name limits them together.
pub const SLICE: &str = "hub-services.slice";
/// From the order to the program: nothing of the service's own is waited for.
pub const START_TIMEOUT: Duration = Duration::from_secs(30);
/// After that it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// From here on systemd waits longer with each start that follows too soon.
const BACK_OFF: u32 = 254;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Starts until the longest pause is reached.
const STEPS: u32 = 8;
/// Between all starts, where systemd knows one pause only.
const ONLY_PAUSE: Duration = Duration::from_secs(5);

/// The properties for `StartTransientUnit`, in the order of a unit file. `variables` are the hub's own; `systemd` is the
/// major version.
pub fn properties(service: &Service, variables: &[Variable], systemd: u32) -> Vec<Property> {
    let name = service.name.as_str();
    let unit = service.name.unit_name();
    let program = service.command.first().cloned().unwrap_or_default();
    // A made-up account has no home but its own /tmp, which goes when it ends.
    let home = service.user.is_none().then(|| "HOME=/tmp".to_owned());
    let environment = variables.iter().map(|(name, value)| format!("{name}={value}")).chain(home).collect();
    let mut table: Vec<Property> = vec![
        // --- what it is
        ("Description", text(format!("Service {name} of the JupyterLab hub"))),
        ("Documentation", list(vec!["man:hubd(8)".to_owned()])),
        ("Slice", text(SLICE)),
        // --- what runs, and as whom
        ("Type", text("exec")),
        ("ExecStartEx", Value::from(vec![(program, service.command.clone(), vec!["no-env-expand".to_owned()])])),
        ("Environment", list(environment)),
        secret_file(&unit),
        ("TimeoutStartUSec", Value::from(micros(START_TIMEOUT))),
        // --- how it ends, and begins again
        ("TimeoutStopUSec", Value::from(micros(STOP_TIMEOUT))),
        ("Restart", text(service.restart.as_str())),
        // It is tried for ever: a limit would leave a service down after an hour in which its database was.
        ("StartLimitIntervalUSec", Value::from(0_u64)),
        // --- how it is found in the journal
        ("SyslogIdentifier", text(name)),
        ("LogExtraFields", log_fields(&[("HUB_SERVICE", name), ("HUB_UNIT", &unit)])),
    ];
    match &service.user {
        Some(user) => table.push(("User", text(user.as_str()))),
        None => table.extend(made_up_account("hub", name)),
    }
    table.extend(folder(service).map(|folder| ("WorkingDirectory", text(folder))));
    table.extend(pauses(systemd));
    table.extend(limits::properties(&service.limits.on(machine_memory())));
    table.extend(walls(service));
    table
}

/// An account that systemd makes up, for this service alone: left to itself systemd names it after the unit's prefix,
/// and then all services would be one account, which may look into each other's processes. systemd takes 31 characters.
pub fn made_up_account(kind: &str, service: &str) -> [Property; 2] {
    // FNV-1a. A number that two names share can only be meant so by the administrator.
    let number = service
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let readable: String = service.chars().filter(char::is_ascii_lowercase).take(8).collect();
    [("DynamicUser", Value::from(true)), ("User", text(format!("{kind}-{readable}-{number:016x}")))]
}

/// The file that root alone reads: the token, and what the administrator gave to this service. The hub's own
/// variables win, as there are two ways to name one and only one of them is the hub's.
pub fn secret_variables(service: &Service, token: &Token, variables: &[Variable]) -> Variables {
    let mut secret = token.variables();
    let of_the_hub = |name: &str| {
        matches!(name, "JUPYTERHUB_API_TOKEN" | "JPY_API_TOKEN") || variables.iter().any(|(other, _)| *other == name)
    };
    for (name, value) in service.environment.iter().filter(|(name, _)| !of_the_hub(name)) {
        secret.add(name, value);
    }
    secret
}

/// `None` is `/`. An account's home need not be there.
fn folder(service: &Service) -> Option<String> {
    let configured = service.directory.as_ref().map(|folder| folder.display().to_string());
    configured.or_else(|| service.user.as_ref().map(|_| "-~".to_owned()))
}

fn pauses(systemd: u32) -> Vec<Property> {
    if systemd < BACK_OFF {
        return vec![("RestartUSec", Value::from(micros(ONLY_PAUSE)))];
    }
    vec![
        ("RestartUSec", Value::from(micros(FIRST_PAUSE))),
        ("RestartSteps", Value::from(STEPS)),
        ("RestartMaxDelayUSec", Value::from(micros(LONGEST_PAUSE))),
    ]
}

/// Walls around every service: it talks to the hub and to its own people, and has its files.
fn walls(service: &Service) -> Vec<Property> {
    let yes = || Value::from(true);
    let mut table: Vec<Property> = vec![
        ("NoNewPrivileges", yes()),
        ("PrivateTmp", yes()),
        ("ProtectKernelTunables", yes()),
        ("ProtectKernelModules", yes()),
        ("ProtectKernelLogs", yes()),
        ("ProtectControlGroups", yes()),
        ("ProtectClock", yes()),
        ("RestrictRealtime", yes()),
        ("RestrictSUIDSGID", yes()),
        ("LockPersonality", yes()),
    ];
    if service.user.is_some() {
        table.push(("ProtectSystem", text("full")));
    } else {
        // DynamicUser= has the rest: it writes nowhere but to its /tmp.
        table.push(("ProtectSystem", text("strict")));
        table.push(("ProtectHome", text("yes")));
        table.push(("ProtectProc", text("invisible")));
        table.push(("PrivateDevices", yes()));
        table.push(("CapabilityBoundingSet", Value::from(0_u64)));
    }
    table
}

#[cfg(test)]
#[path = "unit_tests.rs"]
mod tests;
