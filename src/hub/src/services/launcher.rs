//! What stands between the hub and where services run; as [`crate::servers::launcher`] does for people's servers.

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use hubd_base::names::ServiceName;

use crate::servers::launcher::{LaunchError, Launched, UnitState};

/// Starts, stops and observes services of the configuration. Every call may take as long as systemd takes; callers set
/// deadlines.
pub trait ServiceLauncher: Send + Sync + 'static {
    /// Starts what the configuration has of a service: its command with this token (empty where the configuration has
    /// one), the way to its TCP address, or both. Returns when the unit runs (not when it answers).
    fn start<'a>(&'a self, name: &'a ServiceName, token: &'a str) -> BoxFuture<'a, Result<Launched, LaunchError>>;
    /// Stops all of it; success when there is nothing to stop, and when the configuration has it no longer.
    fn stop<'a>(&'a self, name: &'a ServiceName) -> BoxFuture<'a, Result<(), LaunchError>>;
    /// The state of its command's unit right now.
    fn state<'a>(&'a self, name: &'a ServiceName) -> BoxFuture<'a, Result<UnitState, LaunchError>>;
    /// Its command's main process; 0 when there is none.
    fn pid<'a>(&'a self, name: &'a ServiceName) -> BoxFuture<'a, Result<u32, LaunchError>>;
    /// Every service of which something is there, its command or the way to it.
    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceName>, LaunchError>>;
    /// Names of services whose command's unit changed in some way, from now on; ends when the launcher is lost.
    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, ServiceName>, LaunchError>>;
    /// Where the way to its TCP address begins.
    fn socket(&self, name: &ServiceName) -> PathBuf;
}
