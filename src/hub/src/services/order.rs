//! What somebody asks for who looks after the services: start, stop, start anew.
//!
//! Invariant: only services that the hub starts, one order after the other; what runs after the next start of the hub is
//! the configuration's business.

use hubd_base::names::ServiceName;

use super::manager::{Condition, Manager};

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// That it runs; one that does is left as it is.
    Start,
    /// That it does not run, until somebody starts it or the hub starts again.
    Stop,
    /// That it is a new process, with the configuration the hub knows.
    Restart,
}

/// Why it was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The hub starts no such service.
    #[error("the hub does not start a service of this name")]
    NotOurs,
    /// In words for people.
    #[error("{0}")]
    Failed(String),
}

impl Manager {
    /// Does it, and returns once systemd has.
    pub async fn order(&self, name: &str, order: Order) -> Result<(), OrderError> {
        let name = ServiceName::parse(name).map_err(|_| OrderError::NotOurs)?;
        if !self.managed().any(|managed| *managed == name) {
            return Err(OrderError::NotOurs);
        }
        let _turn = self.turn().await;
        if order != Order::Start {
            self.stop(&name).await.map_err(|error| OrderError::Failed(error.to_string()))?;
            self.set(&name, Condition::default());
        }
        if order == Order::Stop {
            tracing::info!(hub_unit = name.unit_name(), "The service {name} was stopped on demand");
            return Ok(());
        }
        self.begin_anew(&name).await.map_err(OrderError::Failed)
    }
}
