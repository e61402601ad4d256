//! Limits as systemd takes them: the properties of a unit that is to be started, and changes of one that runs.
//!
//! systemd.resource-control(5). A live change lands in a drop-in below `/run/systemd/transient` and goes with the unit.
//! Invariant: amounts were parsed by the configuration's own rules, whoever sent them.

use std::collections::HashMap;

use hubd_base::limits::{self, Amount, Limit, Limits, Rate, machine_memory};
use zbus::zvariant::Value;

use crate::errors::Error;
use crate::stop::state_is_up;
use crate::systemd::{Property, Systemd};

/// systemd's "infinity".
const INFINITY: u64 = u64::MAX;
/// One percent of a CPU, in microseconds per second.
const PERCENT: u64 = 10_000;

/// The properties that set these limits; devices are a wall's business. Shares are numbers by now.
pub fn properties(limits: &Limits) -> Vec<Property> {
    limits.iter().filter_map(|(limit, amount)| property(limit, amount)).collect()
}

fn property(limit: Limit, amount: &Amount) -> Option<Property> {
    let value = match amount {
        _ if limit == Limit::Devices => return None,
        Amount::Devices(_) => return None,
        Amount::Infinity if matches!(limit, Limit::IoReadBandwidth | Limit::IoWriteBandwidth) => rates(&[]),
        Amount::Infinity => Value::from(INFINITY),
        Amount::Number(percent) if limit == Limit::CpuQuota => Value::from(percent.saturating_mul(PERCENT)),
        Amount::Number(number) => Value::from(*number),
        Amount::Share(_) => return property(limit, &amount.on(machine_memory())),
        Amount::Rates(list) => rates(list),
    };
    Some((limit.property(), value))
}

/// Type `a(st)`.
fn rates(list: &[Rate]) -> Value<'static> {
    let rate = |rate: &Rate| (rate.path.clone(), rate.bytes.unwrap_or(INFINITY));
    Value::from(list.iter().map(rate).collect::<Vec<(String, u64)>>())
}

/// Reads a change as somebody sent it.
pub fn parse(sent: &HashMap<String, String>) -> Result<Limits, Error> {
    let said = sent.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    limits::change(said).map(|change| change.on(machine_memory())).map_err(Error::InvalidArgument)
}

/// Changes a server that runs. The caller holds its turn.
pub async fn change(systemd: &Systemd, unit: &str, change: &Limits) -> Result<(), Error> {
    if !state_is_up(systemd, unit).await? {
        return Err(Error::NotRunning(format!("{unit} does not run: start the server first.")));
    }
    systemd.change(unit, &properties(change)).await.map_err(|error| Error::failed("Changing the limits", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(limit: Limit, text: &str) -> Vec<Property> {
        let amount = Amount::parse(limit, text).unwrap().unwrap();
        properties(&[(limit, amount)].into_iter().collect())
    }

    #[test]
    fn every_limit_has_the_name_and_the_type_that_systemd_expects() {
        for (limit, text, name, signature) in [
            (Limit::MemoryMax, "2G", "MemoryMax", "t"),
            (Limit::MemoryHigh, "10%", "MemoryHigh", "t"),
            (Limit::MemorySwapMax, "0", "MemorySwapMax", "t"),
            (Limit::CpuQuota, "150%", "CPUQuotaPerSecUSec", "t"),
            (Limit::CpuWeight, "50", "CPUWeight", "t"),
            (Limit::IoWeight, "50", "IOWeight", "t"),
            (Limit::IoReadBandwidth, "/ 5M", "IOReadBandwidthMax", "a(st)"),
            (Limit::IoWriteBandwidth, "infinity", "IOWriteBandwidthMax", "a(st)"),
            (Limit::TasksMax, "512", "TasksMax", "t"),
            (Limit::OpenFiles, "4096", "LimitNOFILE", "t"),
            (Limit::RuntimeMax, "12h", "RuntimeMaxUSec", "t"),
        ] {
            let found = one(limit, text);
            let [(property, value)] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((*property, value.value_signature().to_string().as_str()), (name, signature));
        }
        assert_eq!(one(Limit::Devices, "char-nvidia*"), []);
        assert_eq!(one(Limit::Devices, "all"), []);
    }

    #[test]
    fn amounts_are_what_systemd_counts() {
        assert_eq!(one(Limit::CpuQuota, "150%"), [("CPUQuotaPerSecUSec", Value::from(1_500_000_u64))]);
        assert_eq!(one(Limit::RuntimeMax, "2s"), [("RuntimeMaxUSec", Value::from(2_000_000_u64))]);
        for limit in [Limit::MemoryMax, Limit::CpuQuota, Limit::TasksMax] {
            assert_eq!(one(limit, "infinity"), [(limit.property(), Value::from(u64::MAX))]);
        }
        let rates = Value::from(vec![("/home".to_owned(), 50_000_000_u64), ("/srv".to_owned(), u64::MAX)]);
        assert_eq!(one(Limit::IoReadBandwidth, "/home 50M, /srv infinity"), [("IOReadBandwidthMax", rates)]);
    }

    #[test]
    fn a_change_is_checked_as_strictly_as_the_configuration() {
        let parse = |name: &str, text: &str| parse(&HashMap::from([(name.to_owned(), text.to_owned())]));
        assert_eq!(properties(&parse("tasks_max", "100").unwrap()), [("TasksMax", Value::from(100_u64))]);
        assert!(matches!(parse("tasks_max", "1"), Err(Error::InvalidArgument(_))));
        assert!(matches!(parse("devices", "all"), Err(Error::InvalidArgument(_))));
    }
}
