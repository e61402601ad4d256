//! The way from the web process to a service's TCP address: a Unix socket and systemd's own forwarder behind it.
//!
//! systemd.socket(5), systemd-socket-proxyd(8). Invariants: only the web process reaches the socket; the forwarder has
//! no privilege and no files, and connects to the one address of the configuration.

use std::path::Path;
use std::time::Duration;

use hubd_base::names::{SERVICES_DIR, ServiceName};
use zbus::zvariant::Value;

use super::unit::{SLICE, made_up_account};
use crate::directory::{self, GROUP};
use crate::errors::Error;
use crate::start::blocking;
use crate::stop;
use crate::systemd::{Property, Systemd};
use crate::transient::{self, Started};
use crate::unit::{list, log_fields, micros, text};

const PROGRAM: &str = "/usr/lib/systemd/systemd-socket-proxyd";
/// Without connections for this long the forwarder ends; the socket stays and starts it again.
const IDLE: &str = "--exit-idle-time=10min";
/// Connections at once. The web process keeps some open between requests, and WebSockets.
const CONNECTIONS: &str = "--connections-max=1024";
/// Two sockets and two pipes for each of them.
const DESCRIPTORS: u64 = 8192;
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the forwarder was doing before.
pub enum Was {
    /// It forwards to this address already.
    Up,
    /// It was not there, or forwarded to somewhere else.
    Down,
}

/// Sees to it that the socket leads to this address.
pub async fn start(systemd: &Systemd, name: &ServiceName, host: &str, port: u16) -> Result<(Started, Was), Error> {
    let socket = name.forward_socket_name();
    let description = description(name, host, port);
    let state = systemd.state(&socket).await.map_err(|error| Error::systemd(&error))?;
    if let Some(state) = state.filter(|state| state.is_up() && state.description == description) {
        return Ok((Started { unit: socket, invocation: state.invocation }, Was::Up));
    }
    // Down, failed, or of a configuration that was changed since.
    stop(systemd, name).await?;
    let service = name.forward_unit_name();
    let forwarder = service_properties(name, host, port);
    let auxiliary = [(service.as_str(), forwarder.as_slice())];
    transient::start(systemd, &socket, &socket_properties(name, host, port), &auxiliary, TIMEOUT).await?;
    let state = systemd.state(&socket).await.map_err(|error| Error::systemd(&error))?;
    let invocation = state.map(|state| state.invocation).unwrap_or_default();
    Ok((Started { unit: socket, invocation }, Was::Down))
}

/// Takes socket and forwarder away. True when the socket was there.
pub async fn stop(systemd: &Systemd, name: &ServiceName) -> Result<bool, Error> {
    let socket = name.forward_socket_name();
    let was_up = stop::state_is_up(systemd, &socket).await?;
    // The socket first: it would start the forwarder again.
    stop::end(systemd, &socket).await?;
    stop::end(systemd, &name.forward_unit_name()).await?;
    let folder = name.as_str().to_owned();
    blocking(move || {
        directory::remove_below(Path::new(SERVICES_DIR), &folder)
            .map_err(|error| Error::failed("Removing the folder of the service's socket", error))
    })
    .await?;
    Ok(was_up)
}

/// Also tells whether a running forwarder is the one of today's configuration.
fn description(name: &ServiceName, host: &str, port: u16) -> String {
    format!("Way of the JupyterLab hub to the service {name} at {}", address(host, port))
}

/// systemd-socket-proxyd takes what stands after the last colon for the port, so IPv6 needs no brackets.
fn address(host: &str, port: u16) -> String {
    format!("{host}:{port}")
}

fn socket_properties(name: &ServiceName, host: &str, port: u16) -> Vec<Property> {
    let path = name.socket_path().display().to_string();
    vec![
        ("Description", text(description(name, host, port))),
        ("Documentation", list(vec!["man:hubd(8)".to_owned()])),
        ("Slice", text(SLICE)),
        ("Listen", Value::from(vec![("Stream".to_owned(), path)])),
        ("SocketUser", text("root")),
        ("SocketGroup", text(GROUP)),
        ("SocketMode", Value::from(0o660_u32)),
        // Below a folder that people cannot enter.
        ("DirectoryMode", Value::from(0o755_u32)),
        ("RemoveOnStop", Value::from(true)),
        // Off: a service that is down and a browser that keeps asking must not close this door for good.
        ("TriggerLimitIntervalUSec", Value::from(0_u64)),
    ]
}

fn service_properties(name: &ServiceName, host: &str, port: u16) -> Vec<Property> {
    let unit = name.forward_unit_name();
    let argv: Vec<String> = [PROGRAM, IDLE, CONNECTIONS].map(str::to_owned).into();
    let argv = [argv, vec![address(host, port)]].concat();
    let yes = || Value::from(true);
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let mut table: Vec<Property> = vec![
        ("Description", text(description(name, host, port))),
        ("Documentation", list(vec!["man:systemd-socket-proxyd(8)".to_owned()])),
        ("Slice", text(SLICE)),
        ("Type", text("notify")),
        ("ExecStartEx", Value::from(vec![(PROGRAM.to_owned(), argv, vec!["no-env-expand".to_owned()])])),
        ("StartLimitIntervalUSec", Value::from(0_u64)),
        ("TimeoutStartUSec", Value::from(micros(TIMEOUT))),
        ("TimeoutStopUSec", Value::from(micros(Duration::from_secs(5)))),
        ("LimitNOFILE", Value::from(DESCRIPTORS)),
        ("LogExtraFields", log_fields(&[("HUB_SERVICE", name.as_str()), ("HUB_UNIT", &unit)])),
        // --- the sandbox
        ("CapabilityBoundingSet", Value::from(0_u64)),
        ("NoNewPrivileges", yes()),
        ("PrivateTmp", yes()),
        ("PrivateDevices", yes()),
        ("ProtectSystem", text("strict")),
        ("ProtectHome", text("yes")),
        ("ProtectProc", text("invisible")),
        ("ProcSubset", text("pid")),
        ("ProtectKernelTunables", yes()),
        ("ProtectKernelModules", yes()),
        ("ProtectKernelLogs", yes()),
        ("ProtectControlGroups", yes()),
        ("ProtectClock", yes()),
        ("ProtectHostname", yes()),
        ("RestrictRealtime", yes()),
        ("RestrictSUIDSGID", yes()),
        ("RestrictNamespaces", Value::from(0_u64)),
        ("LockPersonality", yes()),
        ("MemoryDenyWriteExecute", yes()),
        // Netlink: looking up a host name asks which address families there are.
        ("RestrictAddressFamilies", Value::from((true, texts(&["AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"])))),
        ("SystemCallArchitectures", list(texts(&["native"]))),
        ("SystemCallFilter", Value::from((true, texts(&["@system-service"])))),
    ];
    table.extend(made_up_account("hubf", name.as_str()));
    table
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
