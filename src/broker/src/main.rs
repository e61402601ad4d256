//! hub-broker: turns names of people into running servers, and names of services into running services. Root, without a network, started by its bus name.
//!
//! Serves `org.hubd.Broker1` on the system bus and goes away after a minute without calls, unless a server is frozen that it froze. Invariants: the bus's own
//! policy lets only root and the web process in; beyond that polkit is asked about the caller of each start, stop, freeze,
//! change of limits and look at a journal, and for `CheckPeer` about the peer of the socket (`Version` is for whoever is let in); every
//! decision comes from root's configuration; ending loses no call: the name is given back first, so that the bus
//! starts a new broker for whoever comes, and calls that are already here are finished.

mod accounts;
mod admission;
mod api;
mod authority;
mod calls;
mod directory;
mod errors;
mod events;
mod freeze;
mod interface;
mod journal;
mod limits;
mod reclaim;
mod secrets;
mod service;
mod slices;
mod start;
mod stop;
mod systemd;
mod transient;
mod unit;
mod variables;

use std::process::ExitCode;
use std::time::Duration;

use futures_util::StreamExt;
use hubd_proto::broker::{BUS_NAME, PATH};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use zbus::fdo::{DBusProxy, RequestNameFlags};
use zbus::{Connection, connection};

use accounts::Accounts;
use authority::Authority;
use calls::Calls;
use freeze::Frozen;
use interface::Broker;
use systemd::Systemd;

/// Without calls for this long, the broker ends.
const IDLE: Duration = Duration::from_secs(60);
/// What calls that are already running may take when the broker was told to end. Shorter than systemd's patience.
const DRAIN: Duration = Duration::from_secs(75);
/// Any answer on the bus. Longer than a person at polkit's question takes.
const ANSWER: Duration = Duration::from_secs(80);
/// Name service and file system work at once.
const BLOCKING_THREADS: usize = 16;
/// sysexits.h `EX_USAGE`
const USAGE: u8 = 64;

const WHAT_IT_IS: &str = "hub-broker starts and stops the servers of people, and services, for the hub. D-Bus starts it when \
somebody calls org.hubd.Broker1; it needs root and the system bus.
It is not started by hand. To start or stop a server: hubctl start, hubctl stop. To see what it did: journalctl -u hub-broker";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("--version") => {
            println!("hub-broker {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some("--help") => {
            println!("{WHAT_IT_IS}");
            return ExitCode::SUCCESS;
        }
        Some(_) => {
            eprintln!("hub-broker takes no arguments.\n{WHAT_IT_IS}");
            return ExitCode::from(USAGE);
        }
    }
    log_to_journal();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(serve()),
        Err(error) => Err(format!("The runtime cannot be made: {error}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            if std::env::var_os("INVOCATION_ID").is_none() {
                eprintln!("{error}\n{WHAT_IT_IS}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Fields keep their names (`HUB_USER=`). Without a journal, lines go to standard error.
fn log_to_journal() {
    match tracing_journald::layer() {
        Ok(layer) => {
            let priorities = PriorityMappings { info: Priority::Informational, ..PriorityMappings::new() };
            let layer = layer
                .with_field_prefix(None)
                .with_syslog_identifier("hub-broker".to_owned())
                .with_priority_mappings(priorities);
            tracing_subscriber::registry().with(LevelFilter::INFO).with(layer).init();
        }
        Err(_) => tracing_subscriber::registry()
            .with(LevelFilter::INFO)
            .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).without_time())
            .init(),
    }
}

async fn serve() -> Result<(), String> {
    let bus = |error: zbus::Error| format!("The system bus cannot be used: {error}");
    let builder = connection::Builder::system().map_err(bus)?;
    let connection = builder.method_timeout(ANSWER).build().await.map_err(bus)?;

    let mut terminate = signal(SignalKind::terminate()).map_err(|error| format!("No signals: {error}"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| format!("No signals: {error}"))?;
    let dbus = DBusProxy::new(&connection).await.map_err(bus)?;
    let mut lost = dbus.receive_name_lost().await.map_err(bus)?;

    let calls = Calls::new();
    let systemd = Systemd::connect(&connection).await.map_err(|error| format!("systemd does not answer: {error}"))?;
    let authority = Authority::new(&connection).await.map_err(bus)?;
    let frozen = Frozen::default();
    let broker = Broker::new(authority.clone(), systemd.clone(), calls.clone(), frozen.clone());
    connection.object_server().at(PATH, broker).await.map_err(bus)?;
    let accounts = Accounts::new(authority, systemd.clone(), calls.clone());
    connection.object_server().at(PATH, accounts).await.map_err(bus)?;
    connection
        .request_name_with_flags(BUS_NAME, RequestNameFlags::DoNotQueue.into())
        .await
        .map_err(|error| format!("The bus name {BUS_NAME} cannot be had: {error}"))?;

    tokio::select! {
        () = nothing_to_do(&calls, &frozen, &systemd) => tracing::debug!("Nothing to do, ending"),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        // The bus is gone, or somebody took the name away.
        _ = lost.next() => return Err("The bus name was lost".to_owned()),
    }
    leave(&connection, &calls).await;
    Ok(())
}

/// Returns when nobody called for a while, and nothing is frozen that somebody may want to wake in a moment.
async fn nothing_to_do(calls: &Calls, frozen: &Frozen, systemd: &Systemd) {
    loop {
        calls.idle(IDLE).await;
        if !frozen.any(systemd).await {
            return;
        }
        tokio::time::sleep(IDLE).await;
    }
}

/// Ends without losing a call.
async fn leave(connection: &Connection, calls: &Calls) {
    // systemd must know first: from now on it starts a new broker for the next caller, instead of waiting for this one.
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Stopping]) {
        tracing::debug!("systemd was not told of the end: {error}");
    }
    if let Err(error) = connection.release_name(BUS_NAME).await {
        tracing::warn!("The bus name was not given back, ignoring: {error}");
    }
    // The bus's answer came after every call it had sent here before. One more round trip, and the tasks of those
    // calls have begun, which counts them.
    round_trip(connection).await;
    calls.dismiss();
    if timeout(DRAIN, calls.idle(Duration::ZERO)).await.is_err() {
        tracing::warn!("Calls were still running at the end, ignoring");
    }
    // The last answers are written when this one comes back.
    round_trip(connection).await;
}

async fn round_trip(connection: &Connection) {
    let bus = "org.freedesktop.DBus";
    let answer =
        connection.call_method(Some(bus), "/org/freedesktop/DBus", Some("org.freedesktop.DBus.Peer"), "Ping", &());
    if let Err(error) = answer.await {
        tracing::debug!("The bus did not answer at the end: {error}");
    }
}
