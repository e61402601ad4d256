//! What a unit and the machine use, read from the kernel's control groups (cgroup v2,
//! `Documentation/admin-guide/cgroup-v2.rst`).
//!
//! Invariant: it only reads, and needs no privilege. A controller that is not there leaves its figures unknown; so does
//! a file that cannot be understood.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use nix::sys::sysinfo::sysinfo;

use super::oom::Kills;
use super::usage::{Machine, Usage};

/// Where the kernel shows the control groups.
pub const ROOT: &str = "/sys/fs/cgroup";
/// In a group's folder: what happened because of its limits, counted.
pub const MEMORY_EVENTS: &str = "memory.events";

/// What the processes of a unit use. `group` is systemd's `ControlGroup` property; `None` when it is gone.
///
/// A limit is the lowest of the unit's own and those of the slices around it: whichever is reached first counts.
pub fn usage(root: &Path, group: &str) -> Option<Usage> {
    let folder = folder(root, group)?;
    if !folder.is_dir() {
        return None;
    }
    let around: Vec<&Path> = folder.ancestors().take_while(|above| *above != root).collect();
    let lowest = |name: &str| around.iter().filter_map(|group| number(&group.join(name))).min();
    let memory = number(&folder.join("memory.current")).map(|current| {
        // Pages of files that were not read for a while are given up before anything else: nobody misses them.
        current.saturating_sub(field(&folder.join("memory.stat"), "inactive_file").unwrap_or(0))
    });
    Some(Usage {
        memory,
        memory_high: lowest("memory.high"),
        memory_max: lowest("memory.max"),
        swap: number(&folder.join("memory.swap.current")),
        cpu_usec: field(&folder.join("cpu.stat"), "usage_usec"),
        cpu_quota: around.iter().filter_map(|group| quota(&group.join("cpu.max"))).min(),
        tasks: number(&folder.join("pids.current")).or_else(|| lines(&folder.join("cgroup.threads"))),
        tasks_max: lowest("pids.max"),
    })
}

/// How often the kernel killed processes of a unit because memory ran out; `None` when it is gone or nobody counts.
pub fn kills(root: &Path, group: &str) -> Option<Kills> {
    let folder = folder(root, group)?;
    let around = folder.ancestors().take_while(|above| *above != root);
    Some(Kills {
        count: field(&folder.join(MEMORY_EVENTS), "oom_kill")?,
        peak: number(&folder.join("memory.peak")),
        limit: around.filter_map(|group| number(&group.join("memory.max"))).min(),
    })
}

/// What everything on this machine uses together.
pub fn machine(root: &Path) -> Machine {
    let system = sysinfo().ok();
    let total = system.map(|system| system.ram_total());
    let stat = |name: &str| field(&root.join("memory.stat"), name);
    // What is neither free nor given back when somebody asks for it: files that were read, and the kernel's own caches.
    let used = || {
        let files = stat("file")?.saturating_sub(stat("shmem")?);
        Some(total?.saturating_sub(system?.ram_unused() + files + stat("slab_reclaimable")?))
    };
    Machine {
        memory_total: total,
        memory_used: used(),
        memory_pressure: pressure(&root.join("memory.pressure")),
        cpus: available_parallelism().ok().and_then(|count| u32::try_from(count.get()).ok()),
        cpu_usec: field(&root.join("cpu.stat"), "usage_usec"),
    }
}

/// A group's folder. The name is systemd's; one that leads elsewhere is none.
pub fn folder(root: &Path, group: &str) -> Option<PathBuf> {
    let inside = group.strip_prefix('/').filter(|inside| !inside.is_empty())?;
    inside.split('/').all(|part| !matches!(part, "" | "." | "..")).then(|| root.join(inside))
}

/// A file that holds one number; `max` is none.
fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The value of a line `name value`.
fn field(file: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok();
    text.lines().find_map(value)
}

/// `cpu.max` holds microseconds of work and of the period they are good for; in per cent of one processor.
fn quota(file: &Path) -> Option<u32> {
    let text = fs::read_to_string(file).ok()?;
    let (work, period) = text.trim().split_once(' ')?;
    let (work, period): (u64, u64) = (work.parse().ok()?, period.parse().ok()?);
    u32::try_from((work * 100).checked_div(period)?).ok()
}

/// The share of the last ten seconds in which somebody waited for memory, in per cent.
fn pressure(file: &Path) -> Option<f32> {
    let text = fs::read_to_string(file).ok()?;
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    some.split(' ').find_map(|part| part.strip_prefix("avg10="))?.parse().ok()
}

fn lines(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    u64::try_from(text.lines().count()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A control group as the kernel shows it.
    fn group(root: &Path, name: &str, files: &[(&str, &str)]) {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        for (file, text) in files {
            fs::write(folder.join(file), text).unwrap();
        }
    }

    #[test]
    fn the_lowest_limit_of_the_unit_and_its_slices_counts() {
        let root = tempfile::tempdir().unwrap();
        group(root.path(), "", &[("memory.max", "1\n"), ("pids.max", "1\n")]);
        group(root.path(), "jupyter.slice", &[("memory.max", "max\n"), ("cpu.max", "max 100000\n")]);
        group(
            root.path(),
            "jupyter.slice/jupyter-ann.slice",
            &[("memory.max", "4096\n"), ("cpu.max", "150000 100000\n"), ("pids.max", "max\n")],
        );
        group(
            root.path(),
            "jupyter.slice/jupyter-ann.slice/jupyter@ann.service",
            &[
                ("memory.current", "3000\n"),
                ("memory.stat", "anon 1500\nfile 1400\ninactive_file_x 7\ninactive_file 1000\n"),
                ("memory.max", "8192\n"),
                ("memory.high", "max\n"),
                ("memory.swap.current", "5\n"),
                ("cpu.stat", "usage_usec 700\nuser_usec 400\n"),
                ("cpu.max", "50000 25000\n"),
                ("pids.current", "12\n"),
                ("pids.max", "500\n"),
            ],
        );
        let read = usage(root.path(), "/jupyter.slice/jupyter-ann.slice/jupyter@ann.service").unwrap();
        let wanted = Usage {
            memory: Some(2000),
            memory_high: None,
            memory_max: Some(4096),
            swap: Some(5),
            cpu_usec: Some(700),
            cpu_quota: Some(150),
            tasks: Some(12),
            tasks_max: Some(500),
        };
        assert_eq!(read, wanted);
    }

    #[test]
    fn without_controllers_tasks_and_processor_time_are_still_known() {
        let root = tempfile::tempdir().unwrap();
        group(root.path(), "a", &[("cpu.stat", "usage_usec 9\n"), ("cgroup.threads", "1\n2\n3\n")]);
        let wanted = Usage { cpu_usec: Some(9), tasks: Some(3), ..Usage::default() };
        assert_eq!(usage(root.path(), "/a"), Some(wanted));
    }

    #[test]
    fn a_group_that_is_gone_or_elsewhere_uses_nothing() {
        let root = tempfile::tempdir().unwrap();
        for name in ["", "/", "/a", "a", "/../..", "//"] {
            assert_eq!(usage(root.path(), name), None, "{name}");
        }
    }

    #[test]
    fn the_machine_uses_what_it_cannot_give_back() {
        let root = tempfile::tempdir().unwrap();
        let plain = machine(root.path());
        assert!(plain.memory_total.is_some_and(|total| total > 0) && plain.cpus.is_some_and(|cpus| cpus > 0));
        assert_eq!((plain.memory_used, plain.memory_pressure, plain.cpu_usec), (None, None, None));
        let files = [
            ("memory.stat", "file 4096\nshmem 4096\nslab_reclaimable 0\n"),
            ("memory.pressure", "some avg10=1.25 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 total=0\n"),
            ("cpu.stat", "usage_usec 77\n"),
        ];
        group(root.path(), "", &files);
        let known = machine(root.path());
        assert!(known.memory_used.is_some_and(|used| 0 < used && used < known.memory_total.unwrap()));
        assert_eq!((known.memory_pressure, known.cpu_usec), (Some(1.25), Some(77)));
    }
}
