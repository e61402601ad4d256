//! Services on this machine: the broker starts and stops, systemd itself is read.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use hubd_base::names::ServiceName;
use hubd_proto::broker;

use super::launcher::ServiceLauncher;
use crate::servers::launcher::{LaunchError, Launched, UnitState};
use crate::servers::systemd::{Bus, read};

/// The commands' units, and the sockets of the ways to TCP addresses.
const PATTERNS: [&str; 2] = ["hub-service@*.service", "hub-service-forward@*.socket"];

/// systemd on this machine.
#[derive(Debug, Default)]
pub struct Systemd {
    /// The bus, shared with whoever else needs the broker.
    pub bus: Arc<Bus>,
}

/// The service that a unit of one of the patterns belongs to: both carry the same instance.
fn owner_of(unit: &str) -> Option<ServiceName> {
    let forward = unit.strip_prefix("hub-service-forward@").and_then(|rest| rest.strip_suffix(".socket"));
    match forward {
        Some(instance) => ServiceName::from_unit_name(&format!("hub-service@{instance}.service")),
        None => ServiceName::from_unit_name(unit),
    }
}

impl ServiceLauncher for Systemd {
    fn start<'a>(&'a self, name: &'a ServiceName, token: &'a str) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        async move {
            let reply = self.bus.broker(broker::METHOD_START_SERVICE, &(name.as_str(), token)).await?;
            let (unit, invocation) = read(&reply)?;
            Ok(Launched { unit, invocation })
        }
        .boxed()
    }

    fn stop<'a>(&'a self, name: &'a ServiceName) -> BoxFuture<'a, Result<(), LaunchError>> {
        async move { self.bus.broker(broker::METHOD_STOP_SERVICE, &name.as_str()).await.map(drop) }.boxed()
    }

    fn state<'a>(&'a self, name: &'a ServiceName) -> BoxFuture<'a, Result<UnitState, LaunchError>> {
        async move { self.bus.unit(&name.unit_name()).await }.boxed()
    }

    fn pid<'a>(&'a self, name: &'a ServiceName) -> BoxFuture<'a, Result<u32, LaunchError>> {
        async move { self.bus.main_pid(&name.unit_name()).await }.boxed()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceName>, LaunchError>> {
        async move {
            let units = self.bus.units(&PATTERNS).await?;
            let mut names: Vec<_> = units.iter().filter_map(|unit| owner_of(unit)).collect();
            names.sort();
            names.dedup();
            Ok(names)
        }
        .boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, ServiceName>, LaunchError>> {
        async move {
            let units = self.bus.follow().await?;
            Ok(units.filter_map(|unit| async move { ServiceName::from_unit_name(&unit) }).boxed())
        }
        .boxed()
    }

    fn socket(&self, name: &ServiceName) -> PathBuf {
        name.socket_path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_and_the_way_to_it_belong_to_one_service() {
        for unit in ["hub-service@idle-culler.service", "hub-service-forward@idle-culler.socket"] {
            assert_eq!(owner_of(unit).unwrap().as_str(), "idle-culler");
        }
        assert_eq!(owner_of("hub-service-forward@idle-culler.service"), None);
        assert_eq!(owner_of("hub-service@.service"), None);
    }
}
