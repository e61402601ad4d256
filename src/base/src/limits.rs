//! What servers may use: every limit with its name, the amounts as people write them, and which of several rules wins.
//!
//! The configuration, the broker and whoever changes a running server share this one list, so that an amount is taken
//! or refused in the same words everywhere. Invariant: a [`Limits`] holds only amounts that fit their limits. Pure but
//! for [`machine_memory`].

mod amount;
mod change;
mod rules;
mod unit_file;

use std::collections::BTreeMap;

pub(crate) use amount::wanted;
pub use amount::{Amount, Device, Rate};
pub use change::change;
pub use rules::{Decided, Effective, Person, Rule, Rules, Source};
pub use unit_file::settings;

/// One thing that can be limited, in the order of the shipped file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Bytes; above it a process is killed.
    MemoryMax,
    /// Bytes; above it everything is slowed down.
    MemoryHigh,
    /// Bytes of swap.
    MemorySwapMax,
    /// Percent of one processor.
    CpuQuota,
    /// Share of the processors when there are too few; 100 is usual.
    CpuWeight,
    /// Share of the disks when they are too slow; 100 is usual.
    IoWeight,
    /// Bytes per second that are read, for each path.
    IoReadBandwidth,
    /// Bytes per second that are written, for each path.
    IoWriteBandwidth,
    /// Number of processes and threads.
    TasksMax,
    /// Number of files that one process may have open.
    OpenFiles,
    /// Microseconds after which a server is stopped, whatever it does.
    RuntimeMax,
    /// Devices beyond those that every program needs.
    Devices,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::MemoryMax,
        Self::MemoryHigh,
        Self::MemorySwapMax,
        Self::CpuQuota,
        Self::CpuWeight,
        Self::IoWeight,
        Self::IoReadBandwidth,
        Self::IoWriteBandwidth,
        Self::TasksMax,
        Self::OpenFiles,
        Self::RuntimeMax,
        Self::Devices,
    ];

    /// The key in the configuration, in the API and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::MemoryMax => "memory_max",
            Self::MemoryHigh => "memory_high",
            Self::MemorySwapMax => "memory_swap_max",
            Self::CpuQuota => "cpu_quota",
            Self::CpuWeight => "cpu_weight",
            Self::IoWeight => "io_weight",
            Self::IoReadBandwidth => "io_read_bandwidth",
            Self::IoWriteBandwidth => "io_write_bandwidth",
            Self::TasksMax => "tasks_max",
            Self::OpenFiles => "open_files",
            Self::RuntimeMax => "runtime_max",
            Self::Devices => "devices",
        }
    }

    /// The limit of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.name() == name)
    }

    /// The setting in a unit file that says the same: systemd.resource-control(5), systemd.exec(5), systemd.service(5).
    pub fn setting(self) -> &'static str {
        match self {
            Self::MemoryMax => "MemoryMax",
            Self::MemoryHigh => "MemoryHigh",
            Self::MemorySwapMax => "MemorySwapMax",
            Self::CpuQuota => "CPUQuota",
            Self::CpuWeight => "CPUWeight",
            Self::IoWeight => "IOWeight",
            Self::IoReadBandwidth => "IOReadBandwidthMax",
            Self::IoWriteBandwidth => "IOWriteBandwidthMax",
            Self::TasksMax => "TasksMax",
            Self::OpenFiles => "LimitNOFILE",
            Self::RuntimeMax => "RuntimeMaxSec",
            Self::Devices => "DeviceAllow",
        }
    }

    /// The property on the bus that holds it: org.freedesktop.systemd1(5).
    pub fn property(self) -> &'static str {
        match self {
            Self::CpuQuota => "CPUQuotaPerSecUSec",
            Self::RuntimeMax => "RuntimeMaxUSec",
            _ => self.setting(),
        }
    }

    /// Does systemd change it on a unit that runs?
    pub fn is_live(self) -> bool {
        !matches!(self, Self::OpenFiles | Self::RuntimeMax | Self::Devices)
    }

    /// Can many servers be limited together by it? The same ones: a slice has no processes of its own.
    pub fn fits_slices(self) -> bool {
        self.is_live()
    }
}

/// What one rule says; a limit that is not in it is left to other rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits(BTreeMap<Limit, Amount>);

impl Limits {
    /// What is said of one limit.
    pub fn get(&self, limit: Limit) -> Option<&Amount> {
        self.0.get(&limit)
    }

    /// Says something of a limit, or nothing any more.
    pub fn set(&mut self, limit: Limit, amount: Option<Amount>) {
        match amount {
            Some(amount) => self.0.insert(limit, amount),
            None => self.0.remove(&limit),
        };
    }

    /// All that is said, in the order of the shipped file.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, &Amount)> {
        self.0.iter().map(|(limit, amount)| (*limit, amount))
    }

    /// The same on a machine with that much memory, bytes: shares become numbers.
    #[must_use]
    pub fn on(&self, memory: u64) -> Self {
        self.iter().map(|(limit, amount)| (limit, amount.on(memory))).collect()
    }

    /// The number that a limit sets, if it sets one.
    pub fn number(&self, limit: Limit) -> Option<u64> {
        match self.get(limit) {
            Some(Amount::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// Is nothing said?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What counts, without who said it.
impl From<&Effective> for Limits {
    fn from(effective: &Effective) -> Self {
        effective.iter().map(|(limit, decided)| (*limit, decided.amount.clone())).collect()
    }
}

/// The amounts must fit their limits.
impl FromIterator<(Limit, Amount)> for Limits {
    fn from_iter<I: IntoIterator<Item = (Limit, Amount)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

/// The machine's memory, bytes: sysinfo(2), which needs no file system.
pub fn machine_memory() -> u64 {
    nix::sys::sysinfo::sysinfo().map_or(u64::MAX, |info| info.ram_total())
}

#[cfg(test)]
mod tests;
