//! What an operator may want to be alerted on, each with its fixed `MESSAGE_ID`.
//!
//! The ids and the fields `HUB_USER`, `HUB_SERVER`, `HUB_SERVICE`, `HUB_UNIT` and `HUB_DURATION_USEC` are an interface: never change
//! one, never reuse one.

use std::time::Duration;

use hubd_base::limits::Limits;
use hubd_base::names::{ServerId, ServiceName};

use crate::errors::Error;

/// A server was started.
const STARTED: &str = "4863629cf5a8476b9314b8164662da21";
/// A server could not be started.
const START_FAILED: &str = "9804c965ea504c4dabca15e3410630b7";
/// A server was stopped on demand.
const STOPPED: &str = "734dedd1206b4aeda6f45c3c9a20d6f8";
/// A server could not be stopped.
const STOP_FAILED: &str = "06da4213d163461584d4aa9400ece586";
/// What a running server may use was changed.
const LIMITS_CHANGED: &str = "3e9b6a1c5f0d4b7f8c21d6e4a97b5803";
/// A server was frozen.
const FROZEN: &str = "391d5e81065b420ea613a188c949d832";
/// A server could not be frozen.
const FREEZE_FAILED: &str = "529fac208dc045ad83333e2e92527ee4";
/// A frozen server runs again.
const THAWED: &str = "618759cdd40b4cd0a738c2e21dc08773";
/// A frozen server could not be thawed.
const THAW_FAILED: &str = "dee6870d4e904e42bf13b141313c985f";
/// A frozen server's memory was given back.
const RECLAIMED: &str = "ee9fecc839f347659ef4076926aa9e1d";
/// A service was started.
const SERVICE_STARTED: &str = "b6ccaa5aef9f40e6a1d959dc435d1559";
/// A service could not be started.
const SERVICE_START_FAILED: &str = "2e6f4315f03d40a9a902af93e7e22e5a";
/// A service was stopped on demand.
const SERVICE_STOPPED: &str = "8e56bdcbeb4b4c5cad1dc9285db307a9";
/// A service could not be stopped.
const SERVICE_STOP_FAILED: &str = "899204a038c44e91bbb98f599de99e60";

/// A server was started.
pub fn started(id: &ServerId, took: Duration) {
    tracing::info!(
        MESSAGE_ID = STARTED,
        HUB_USER = %id.user, HUB_SERVER = %id.server, HUB_UNIT = %id.unit_name(), HUB_DURATION_USEC = micros(took),
        "Started the server of {id}"
    );
}

/// A server could not be started.
pub fn start_failed(id: &ServerId, error: &Error, took: Duration) {
    tracing::warn!(
        MESSAGE_ID = START_FAILED,
        HUB_USER = %id.user, HUB_SERVER = %id.server, HUB_UNIT = %id.unit_name(), HUB_DURATION_USEC = micros(took),
        "The server of {id} was not started: {}",
        error.text()
    );
}

/// A server was stopped on demand.
pub fn stopped(id: &ServerId, took: Duration) {
    tracing::info!(
        MESSAGE_ID = STOPPED,
        HUB_USER = %id.user, HUB_SERVER = %id.server, HUB_UNIT = %id.unit_name(), HUB_DURATION_USEC = micros(took),
        "Stopped the server of {id}"
    );
}

/// A server could not be stopped.
pub fn stop_failed(id: &ServerId, error: &Error, took: Duration) {
    tracing::error!(
        MESSAGE_ID = STOP_FAILED,
        HUB_USER = %id.user, HUB_SERVER = %id.server, HUB_UNIT = %id.unit_name(), HUB_DURATION_USEC = micros(took),
        "The server of {id} was not stopped: {}",
        error.text()
    );
}

/// What a running server may use was changed.
pub fn limits_changed(id: &ServerId, change: &Limits) {
    let change: Vec<String> =
        change.iter().map(|(limit, amount)| format!("{}={}", limit.name(), amount.show(limit))).collect();
    tracing::info!(
        MESSAGE_ID = LIMITS_CHANGED,
        HUB_USER = %id.user, HUB_SERVER = %id.server, HUB_UNIT = %id.unit_name(),
        "Changed the limits of the server of {id} until it stops: {}",
        change.join(", ")
    );
}

/// A server was frozen.
pub fn frozen(id: &ServerId, took: Duration) {
    tracing::info!(
        MESSAGE_ID = FROZEN,
        HUB_USER = %id.user, HUB_SERVER = %id.server, HUB_UNIT = %id.unit_name(), HUB_DURATION_USEC = micros(took),
        "Froze the server of {id}"
    );
}

/// A server could not be frozen.
pub fn freeze_failed(id: &ServerId, error: &Error, took: Duration) {
    tracing::warn!(
        MESSAGE_ID = FREEZE_FAILED,
        HUB_USER = %id.user, HUB_SERVER = %id.server, HUB_UNIT = %id.unit_name(), HUB_DURATION_USEC = micros(took),
        "The server of {id} was not frozen: {}",
        error.text()
    );
}

/// A frozen server runs again.
pub fn thawed(id: &ServerId, took: Duration) {
    tracing::info!(
        MESSAGE_ID = THAWED,
        HUB_USER = %id.user, HUB_SERVER = %id.server, HUB_UNIT = %id.unit_name(), HUB_DURATION_USEC = micros(took),
        "Thawed the server of {id}"
    );
}

/// A frozen server could not be thawed.
pub fn thaw_failed(id: &ServerId, error: &Error, took: Duration) {
    tracing::error!(
        MESSAGE_ID = THAW_FAILED,
        HUB_USER = %id.user, HUB_SERVER = %id.server, HUB_UNIT = %id.unit_name(), HUB_DURATION_USEC = micros(took),
        "The server of {id} was not thawed: {}",
        error.text()
    );
}

/// A frozen server's memory was given back.
pub fn reclaimed(id: &ServerId, bytes: u64, took: Duration) {
    tracing::info!(
        MESSAGE_ID = RECLAIMED,
        HUB_USER = %id.user, HUB_SERVER = %id.server, HUB_UNIT = %id.unit_name(), HUB_BYTES = bytes,
        HUB_DURATION_USEC = micros(took),
        "The frozen server of {id} gave {} MiB of memory back",
        bytes >> 20
    );
}

/// A service was started. `unit` is its command's, or its forwarder's socket.
pub fn service_started(name: &ServiceName, unit: &str, took: Duration) {
    tracing::info!(
        MESSAGE_ID = SERVICE_STARTED,
        HUB_SERVICE = %name, HUB_UNIT = unit, HUB_DURATION_USEC = micros(took),
        "Started the service {name}"
    );
}

/// A service could not be started.
pub fn service_start_failed(name: &ServiceName, error: &Error, took: Duration) {
    tracing::warn!(
        MESSAGE_ID = SERVICE_START_FAILED,
        HUB_SERVICE = %name, HUB_UNIT = %name.unit_name(), HUB_DURATION_USEC = micros(took),
        "The service {name} was not started: {}",
        error.text()
    );
}

/// A service was stopped on demand.
pub fn service_stopped(name: &ServiceName, took: Duration) {
    tracing::info!(
        MESSAGE_ID = SERVICE_STOPPED,
        HUB_SERVICE = %name, HUB_UNIT = %name.unit_name(), HUB_DURATION_USEC = micros(took),
        "Stopped the service {name}"
    );
}

/// A service could not be stopped.
pub fn service_stop_failed(name: &ServiceName, error: &Error, took: Duration) {
    tracing::error!(
        MESSAGE_ID = SERVICE_STOP_FAILED,
        HUB_SERVICE = %name, HUB_UNIT = %name.unit_name(), HUB_DURATION_USEC = micros(took),
        "The service {name} was not stopped: {}",
        error.text()
    );
}

/// Journal fields hold no more; half a million years do.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
