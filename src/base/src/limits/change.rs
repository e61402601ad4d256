//! A change of limits as somebody asks for it while a server runs.

use super::{Amount, Limit, Limits};

/// Reads names and amounts; at least one, and only limits that systemd changes on a running unit. The error is a
/// sentence for whoever asked.
pub fn change<'a>(asked: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Limits, String> {
    let mut change = Limits::default();
    for (name, text) in asked {
        let limit = Limit::find(name).ok_or_else(|| {
            let live: Vec<&str> = Limit::ALL.into_iter().filter(|limit| limit.is_live()).map(Limit::name).collect();
            format!("There is no limit {name:?}. Possible: {}.", live.join(", "))
        })?;
        if !limit.is_live() {
            return Err(format!(
                "{name} cannot be changed while a server runs; set it in hub.toml for the next start."
            ));
        }
        match Amount::parse(limit, text) {
            Ok(Some(amount)) => change.set(limit, Some(amount)),
            Ok(None) => return Err(format!("{name}: expected an amount.")),
            Err(wanted) => return Err(format!("{name}: expected {wanted}, got {text:?}.")),
        }
    }
    if change.is_empty() { Err("No limit is named.".to_owned()) } else { Ok(change) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, text: &str) -> String {
        let change = match change([(name, text)]) {
            Ok(change) => change,
            Err(sentence) => return sentence,
        };
        let (limit, amount) = change.iter().next().unwrap();
        format!("{} {}", limit.name(), amount.show(limit))
    }

    #[test]
    fn a_change_is_checked_as_strictly_as_the_configuration() {
        assert_eq!(told("memory_max", "4G"), "memory_max 4G");
        assert_eq!(told("io_read_bandwidth", "/home 5M, /srv 1M"), "io_read_bandwidth /home 5M, /srv 1M");
        assert_eq!(
            told("memory", "4G"),
            "There is no limit \"memory\". Possible: memory_max, memory_high, memory_swap_max, cpu_quota, cpu_weight, \
             io_weight, io_read_bandwidth, io_write_bandwidth, tasks_max."
        );
        assert_eq!(
            told("devices", "all"),
            "devices cannot be changed while a server runs; set it in hub.toml for the next start."
        );
        assert_eq!(told("memory_max", ""), "memory_max: expected an amount.");
        assert_eq!(
            told("cpu_quota", "2"),
            "cpu_quota: expected a share of one CPU such as \"150%\", or \"infinity\", got \"2\"."
        );
        assert_eq!(change([]), Err("No limit is named.".to_owned()));
    }
}
