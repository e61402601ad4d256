//! Which limits a unit file or drop-in says something about: systemd.syntax(7), as far as limits need it.

use super::Limit;

/// The limits that a file sets, each with its value as it is written there, in the order of the file. An empty value takes
/// back what files before it said.
pub fn settings(text: &str) -> Vec<(Limit, &str)> {
    text.lines().filter_map(setting).collect()
}

fn setting(line: &str) -> Option<(Limit, &str)> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    // A policy alone closes devices, too.
    let limit = Limit::ALL.into_iter().find(|limit| limit.setting() == name);
    let limit = limit.or_else(|| (name == "DevicePolicy").then_some(Limit::Devices));
    Some((limit?, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_in_says_what_it_limits() {
        let text = "# MemoryMax=1G\n[Service]\nMemoryMax=2G\n  CPUQuota = 50%\n;TasksMax=5\nTasksMaxx=3\nTasksMax=\n\
                    IOReadBandwidthMax=/home 5M\nDevicePolicy=closed\nLimitNOFILE=1024:4096\nExecStart=/bin/x a=b\n";
        assert_eq!(
            settings(text),
            [
                (Limit::MemoryMax, "2G"),
                (Limit::CpuQuota, "50%"),
                (Limit::TasksMax, ""),
                (Limit::IoReadBandwidth, "/home 5M"),
                (Limit::Devices, "closed"),
                (Limit::OpenFiles, "1024:4096"),
            ]
        );
        assert_eq!(settings(""), []);
    }
}
