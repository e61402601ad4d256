//! The walls of `[sandbox]` around a server, but for what it sees of the file system ([`super::view`]).
//!
//! Each was tried with terminals, and with kernels on the `ipc` transport.

use hubd_base::config::Wall;
use zbus::zvariant::Value;

use super::{Plan, text};
use crate::systemd::Property;

/// The walls that stand, in properties.
pub fn properties(plan: &Plan<'_>) -> Vec<Property> {
    let standing = hubd_base::config::WALLS.into_iter().filter(|(_, wall)| plan.has(*wall));
    standing.flat_map(|(_, wall)| of(wall)).collect()
}

fn of(wall: Wall) -> Vec<Property> {
    let yes = |name| (name, Value::from(true));
    match wall {
        Wall::PrivateTmp => vec![yes("PrivateTmp")],
        Wall::HideProcesses => vec![("ProtectProc", text("invisible"))],
        Wall::ReadOnlySystem => vec![("ProtectSystem", text("full"))],
        Wall::NoNewPrivileges => vec![yes("NoNewPrivileges")],
        Wall::ProtectKernel => vec![
            yes("ProtectKernelTunables"),
            yes("ProtectKernelModules"),
            yes("ProtectKernelLogs"),
            yes("ProtectControlGroups"),
            yes("ProtectClock"),
            yes("RestrictRealtime"),
            yes("LockPersonality"),
        ],
        Wall::CloseDevices => vec![("DevicePolicy", text("closed"))],
        Wall::HideHomes => Vec::new(),
    }
}
