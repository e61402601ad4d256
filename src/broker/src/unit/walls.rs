//! The walls of `[sandbox]` around a server, but for what it sees of the file system ([`super::view`]).
//!
//! Each was tried with terminals, and with kernels on the `ipc` transport.

use hubd_base::config::Wall;
use hubd_base::limits::{Amount, Device, Limit};
use zbus::zvariant::Value;

use super::{Plan, text};
use crate::systemd::Property;

/// From here on a filter of system calls does not bring `NoNewPrivileges=` along; before, whoever is to have `sudo` has to go
/// without.
const FILTERS_ALONE: u32 = 253;

/// The walls that stand, in properties.
pub fn properties(plan: &Plan<'_>) -> Vec<Property> {
    let standing = hubd_base::config::WALLS.into_iter().filter(|(_, wall)| plan.has(*wall));
    standing.flat_map(|(_, wall)| of(wall, plan)).collect()
}

fn of(wall: Wall, plan: &Plan<'_>) -> Vec<Property> {
    let yes = |name| (name, Value::from(true));
    match wall {
        // Shared memory is a file system: super::view.
        Wall::PrivateTmp => vec![yes("PrivateTmp"), yes("PrivateIPC")],
        Wall::HideProcesses => vec![("ProtectProc", text("invisible"))],
        Wall::ReadOnlySystem => vec![("ProtectSystem", text("full"))],
        Wall::NoNewPrivileges => vec![yes("NoNewPrivileges")],
        Wall::ProtectKernel if plan.systemd < FILTERS_ALONE && !plan.has(Wall::NoNewPrivileges) => {
            vec![yes("ProtectControlGroups")]
        }
        Wall::ProtectKernel => vec![
            yes("ProtectControlGroups"),
            // All that follow filter system calls.
            yes("ProtectKernelTunables"),
            yes("ProtectKernelModules"),
            yes("ProtectKernelLogs"),
            yes("ProtectClock"),
            yes("RestrictRealtime"),
            yes("LockPersonality"),
        ],
        Wall::CloseDevices => devices(plan.limits.get(Limit::Devices)),
        Wall::HideHomes => Vec::new(),
    }
}

/// The gates that `[limits]` leaves in this wall. Without the wall nothing of it may be said: a list of devices closes all
/// others (systemd.resource-control(5)).
fn devices(let_through: Option<&Amount>) -> Vec<Property> {
    let closed = ("DevicePolicy", text("closed"));
    match let_through {
        Some(Amount::Infinity) => Vec::new(),
        Some(Amount::Devices(list)) if !list.is_empty() => {
            let device = |device: &Device| (device.node.clone(), device.access.clone());
            let allowed: Vec<(String, String)> = list.iter().map(device).collect();
            vec![closed, (Limit::Devices.property(), Value::from(allowed))]
        }
        _ => vec![closed],
    }
}
