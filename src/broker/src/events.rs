//! What an operator may want to be alerted on, each with its fixed `MESSAGE_ID`.
//!
//! The ids and the fields `HUB_USER`, `HUB_SERVER`, `HUB_UNIT` and `HUB_DURATION_USEC` are an interface: never change
//! one, never reuse one.

use std::time::Duration;

use hubd_base::names::ServerId;

use crate::errors::Error;

/// A server was started.
const STARTED: &str = "4863629cf5a8476b9314b8164662da21";
/// A server could not be started.
const START_FAILED: &str = "9804c965ea504c4dabca15e3410630b7";
/// A server was stopped on demand.
const STOPPED: &str = "734dedd1206b4aeda6f45c3c9a20d6f8";
/// A server could not be stopped.
const STOP_FAILED: &str = "06da4213d163461584d4aa9400ece586";

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

/// Journal fields hold no more; half a million years do.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
