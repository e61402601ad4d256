//! Reads from systemd what is in force for a server: properties of its unit and slices, and the files behind them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use hubd_base::limits::{Amount, Device, Limit, Rate, settings};
use zbus::zvariant::OwnedValue;

use super::limits::{Held, Level, Voice};

/// Where systemd keeps what was set on a transient unit; below it, folders of drop-ins are changes of a running one.
const TRANSIENT: &str = "/run/systemd/transient/";
/// The broker's own drop-in of slices.
const OWN: &str = "05-hub.conf";

/// The limits of one unit. `properties`: of the unit's own interface; `files`: its fragment and drop-ins with their
/// texts, in the order in which systemd reads them.
pub(super) fn level(unit: &str, properties: &HashMap<String, OwnedValue>, files: &[(PathBuf, String)]) -> Level {
    let mut level = Level { unit: unit.to_owned(), ..Level::default() };
    for limit in Limit::ALL {
        let said: Vec<Voice> = files
            .iter()
            .filter(|(_, text)| settings(text).iter().any(|(found, _)| *found == limit))
            .map(|(path, _)| voice(path))
            .collect();
        let amount = amount(limit, properties);
        // What nobody speaks about is systemd's own default: told where it is a limit.
        match amount {
            Some(amount) if !said.is_empty() => drop(level.limits.insert(limit, Held { amount, said })),
            None if !said.is_empty() && limit != Limit::Devices => {
                drop(level.limits.insert(limit, Held { amount: Amount::Infinity, said }));
            }
            Some(amount @ Amount::Number(_)) if limit == Limit::TasksMax => {
                drop(level.limits.insert(limit, Held { amount, said }));
            }
            Some(_) | None => {}
        }
    }
    level
}

fn voice(path: &Path) -> Voice {
    let text = path.to_string_lossy();
    if path.file_name().is_some_and(|name| name == OWN) {
        return Voice::Configuration;
    }
    match text.strip_prefix(TRANSIENT) {
        Some(below) if below.contains('/') => Voice::Live,
        Some(_) => Voice::Configuration,
        None => Voice::File(path.to_owned()),
    }
}

/// What a property holds; `None` where systemd has nothing to say of it.
fn amount(limit: Limit, properties: &HashMap<String, OwnedValue>) -> Option<Amount> {
    let value = properties.get(limit.property())?;
    match limit {
        Limit::IoReadBandwidth | Limit::IoWriteBandwidth => {
            let list = Vec::<(String, u64)>::try_from(value.try_clone().ok()?).ok()?;
            let rate = |(path, bytes): (String, u64)| Rate { path, bytes: (bytes < u64::MAX).then_some(bytes) };
            Some(list.into_iter().map(rate).collect::<Vec<_>>()).filter(|rates| !rates.is_empty()).map(Amount::Rates)
        }
        Limit::Devices => {
            let policy = properties.get("DevicePolicy").and_then(|policy| <&str>::try_from(policy).ok())?;
            let list = Vec::<(String, String)>::try_from(value.try_clone().ok()?).ok()?;
            let open = policy == "auto" && list.is_empty();
            let device = |(node, access): (String, String)| Device { node, access };
            let devices = list.into_iter().map(device).filter(|device| !is_the_clock(device)).collect::<Vec<_>>();
            // The wall with no gate in it is no limit that anybody set.
            if open {
                Some(Amount::Infinity)
            } else {
                Some(devices).filter(|list| !list.is_empty()).map(Amount::Devices)
            }
        }
        _ => {
            let number = u64::try_from(value).ok()?;
            Some(match (limit, number) {
                // A weight that is not set.
                (Limit::CpuWeight | Limit::IoWeight, u64::MAX) => return None,
                (_, u64::MAX) => Amount::Infinity,
                // Microseconds per second: 10,000 are one percent of a processor.
                (Limit::CpuQuota, number) => Amount::Number(number / 10_000),
                (_, number) => Amount::Number(number),
            })
        }
    }
}

/// What systemd itself adds for `ProtectClock=` (systemd.exec(5)): nobody has said it.
fn is_the_clock(device: &Device) -> bool {
    device.node == "char-rtc" && device.access == "r"
}

#[cfg(test)]
mod tests {
    use super::*;
    use zbus::zvariant::Value;

    fn properties(list: Vec<(&str, Value<'static>)>) -> HashMap<String, OwnedValue> {
        list.into_iter().map(|(name, value)| (name.to_owned(), OwnedValue::try_from(value).unwrap())).collect()
    }

    #[test]
    fn every_voice_is_named_in_the_order_in_which_systemd_hears_it() {
        let properties = properties(vec![
            ("MemoryMax", Value::from(4_u64 << 30)),
            ("CPUQuotaPerSecUSec", Value::from(u64::MAX)),
            ("TasksMax", Value::from(4000_u64)),
            ("CPUWeight", Value::from(u64::MAX)),
            ("DevicePolicy", Value::from("closed")),
            ("DeviceAllow", Value::from(vec![("char-nvidia*".to_owned(), "rw".to_owned())])),
            ("IOReadBandwidthMax", Value::from(vec![("/home".to_owned(), 5_000_000_u64)])),
        ]);
        let drop_in = PathBuf::from("/etc/systemd/system/jupyter@.service.d/10-site.conf");
        let files = [
            ("/run/systemd/transient/jupyter@alice.service", "MemoryMax=2147483648\nDevicePolicy=closed\n"),
            ("/etc/systemd/system/jupyter@.service.d/10-site.conf", "[Service]\nMemoryMax=3G\nCPUQuota=\n"),
            ("/run/systemd/transient/jupyter@alice.service.d/50-MemoryMax.conf", "MemoryMax=4294967296\n"),
        ]
        .map(|(path, text)| (PathBuf::from(path), text.to_owned()));
        let level = level("jupyter@alice.service", &properties, &files);
        let held = |limit| level.limits.get(&limit).cloned();
        assert_eq!(
            held(Limit::MemoryMax),
            Some(Held {
                amount: Amount::Number(4 << 30),
                said: vec![Voice::Configuration, Voice::File(drop_in.clone()), Voice::Live]
            })
        );
        let lifted = Held { amount: Amount::Infinity, said: vec![Voice::File(drop_in)] };
        assert_eq!(held(Limit::CpuQuota), Some(lifted), "what a file lifts is told");
        let default = Held { amount: Amount::Number(4000), said: Vec::new() };
        assert_eq!(held(Limit::TasksMax), Some(default), "systemd's own default is a limit, too");
        assert_eq!(held(Limit::CpuWeight), None);
        assert_eq!(held(Limit::IoReadBandwidth), None, "nobody speaks about it in a file that can be read");
        let devices = vec![Device { node: "char-nvidia*".into(), access: "rw".into() }];
        assert_eq!(held(Limit::Devices).unwrap().amount, Amount::Devices(devices));
    }

    #[test]
    fn devices_that_nobody_let_through_are_not_told() {
        let files =
            [(PathBuf::from("/run/systemd/transient/jupyter@alice.service"), "DevicePolicy=closed\n".to_owned())];
        let told = |allowed: &[(&str, &str)]| {
            let allowed: Vec<_> =
                allowed.iter().map(|(node, access)| ((*node).to_owned(), (*access).to_owned())).collect();
            let closed = vec![("DevicePolicy", Value::from("closed")), ("DeviceAllow", Value::from(allowed))];
            let level = level("jupyter@alice.service", &properties(closed), &files);
            level.limits.get(&Limit::Devices).map(|held| held.amount.show(Limit::Devices))
        };
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[("char-rtc", "r")]), None, "systemd adds the clock by ProtectClock=");
        assert_eq!(told(&[("char-nvidia*", "rw"), ("char-rtc", "r")]).as_deref(), Some("char-nvidia* rw"));
    }

    #[test]
    fn the_brokers_own_file_is_the_configuration() {
        let path = "/run/systemd/system/jupyter.slice.d/05-hub.conf";
        assert_eq!(voice(Path::new(path)), Voice::Configuration);
        let path = "/etc/systemd/system.control/jupyter.slice.d/50-MemoryMax.conf";
        assert_eq!(voice(Path::new(path)), Voice::File(path.into()));
    }
}
