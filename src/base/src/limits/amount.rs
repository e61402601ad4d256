//! Amounts as people write them, in systemd's own way: `2G`, `80%`, `150%`, `512`, `12h`, `/home 50M`, `infinity`.
//!
//! Invariant: what [`Amount::show`] writes, [`Amount::parse`] reads as the same amount.

use super::Limit;
use crate::config::parse_time;

/// Below this a server cannot even start.
const MEMORY_MIN: u64 = 64 << 20;
/// PAM's own process, `JupyterLab` and its threads.
const TASKS_MIN: u64 = 16;
/// A server has its sockets, notebooks and the database of its history open.
const FILES_MIN: u64 = 256;
/// More than any machine has.
const CPU_MAX: u64 = 1_000_000;
/// systemd.resource-control(5)
const WEIGHT_MAX: u64 = 10_000;
/// A hundred years: what is longer is meant to be no limit.
const TIME_MAX: u128 = 100 * 365 * 24 * 60 * 60 * 1_000_000;
/// Nobody means more paths or devices than this.
const ENTRIES_MAX: usize = 64;
/// What a device may be used for when nothing is said: reading and writing.
const ACCESS: &str = "rw";

/// How much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    /// No limit.
    Infinity,
    /// Bytes, percent of a processor, a weight, a number, or microseconds: what the limit counts.
    Number(u64),
    /// Percent of the machine's memory, 1 to 100.
    Share(u8),
    /// For each path the bytes per second on the disk below it.
    Rates(Vec<Rate>),
    /// The devices that may be used, and no others.
    Devices(Vec<Device>),
}

/// How fast one disk may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// A device, or any path on the disk: absolute.
    pub path: String,
    /// Bytes per second; `None` is no limit.
    pub bytes: Option<u64>,
}

/// One device, or a kind of devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// `/dev/dri/renderD128`, `char-nvidia*`
    pub node: String,
    /// `r`, `w` and `m`, as systemd takes them.
    pub access: String,
}

impl Amount {
    /// Reads an amount; `None` is the empty text, which says nothing. The error is what was expected, without what was
    /// found.
    pub fn parse(limit: Limit, text: &str) -> Result<Option<Self>, String> {
        match (limit, text) {
            (_, "") => Ok(None),
            (Limit::IoReadBandwidth | Limit::IoWriteBandwidth, "infinity") | (Limit::Devices, "all") => {
                Ok(Some(Self::Infinity))
            }
            (Limit::IoReadBandwidth | Limit::IoWriteBandwidth | Limit::Devices, text) => {
                let entries: Vec<&str> = text.split(',').map(str::trim).collect();
                Self::of_list(limit, &entries).map(Some)
            }
            (_, "infinity") if limit.can_be_infinite() => Ok(Some(Self::Infinity)),
            // As other times of the configuration are written.
            (Limit::RuntimeMax, "never") => Ok(Some(Self::Infinity)),
            (_, text) => single(limit, text).map(Some),
        }
    }

    /// Reads an amount of which each entry stands alone.
    pub fn of_list(limit: Limit, entries: &[&str]) -> Result<Self, String> {
        let wanted = || wanted(limit).to_owned();
        if entries.len() > ENTRIES_MAX {
            return Err(format!("at most {ENTRIES_MAX} entries"));
        }
        match limit {
            Limit::IoReadBandwidth | Limit::IoWriteBandwidth => {
                let rates = entries.iter().map(|entry| rate(entry)).collect::<Option<Vec<_>>>();
                let rates = rates.ok_or_else(wanted)?;
                Ok(if rates.is_empty() { Self::Infinity } else { Self::Rates(rates) })
            }
            Limit::Devices => {
                entries.iter().map(|entry| device(entry)).collect::<Option<_>>().map(Self::Devices).ok_or_else(wanted)
            }
            _ => Err(wanted()),
        }
    }

    /// The amount as [`Amount::parse`] reads it.
    pub fn show(&self, limit: Limit) -> String {
        match self {
            Self::Infinity if limit == Limit::Devices => "all".to_owned(),
            Self::Infinity => "infinity".to_owned(),
            Self::Share(percent) => format!("{percent}%"),
            Self::Number(number) => match limit {
                Limit::MemoryMax | Limit::MemoryHigh | Limit::MemorySwapMax => size(*number, 1024),
                Limit::CpuQuota => format!("{number}%"),
                Limit::RuntimeMax => time(*number),
                _ => number.to_string(),
            },
            Self::Rates(rates) => {
                let rate = |rate: &Rate| {
                    let bytes = rate.bytes.map_or_else(|| "infinity".to_owned(), |bytes| size(bytes, 1000));
                    format!("{} {bytes}", rate.path)
                };
                rates.iter().map(rate).collect::<Vec<_>>().join(", ")
            }
            Self::Devices(devices) => {
                let device = |device: &Device| format!("{} {}", device.node, device.access);
                devices.iter().map(device).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// The same on a machine with that much memory, bytes: a share becomes what it is a share of.
    #[must_use]
    pub fn on(&self, memory: u64) -> Self {
        match self {
            Self::Share(percent) => {
                let bytes = u128::from(memory) * u128::from(*percent) / 100;
                Self::Number(u64::try_from(bytes).unwrap_or(u64::MAX).max(MEMORY_MIN))
            }
            other => other.clone(),
        }
    }

    /// The one that allows more; shares must be numbers by now.
    #[must_use]
    pub fn generous(self, other: Self) -> Self {
        match (self, other) {
            (Self::Infinity, _) | (_, Self::Infinity) => Self::Infinity,
            (Self::Number(one), Self::Number(other)) => Self::Number(one.max(other)),
            (Self::Share(one), Self::Share(other)) => Self::Share(one.max(other)),
            (Self::Rates(one), Self::Rates(other)) => generous_rates(&one, &other),
            (Self::Devices(one), Self::Devices(other)) => Self::Devices(all_devices(one, other)),
            // Amounts of different limits; nobody compares them.
            (one, _) => one,
        }
    }
}

impl Limit {
    /// A weight is a weight, and no swap is written `0`.
    fn can_be_infinite(self) -> bool {
        !matches!(self, Self::CpuWeight | Self::IoWeight)
    }
}

/// What an amount of this limit looks like.
pub(crate) fn wanted(limit: Limit) -> &'static str {
    match limit {
        Limit::MemoryMax | Limit::MemoryHigh => {
            "a size such as \"2G\" or \"512M\", a share of the machine's memory such as \"80%\", or \"infinity\""
        }
        Limit::MemorySwapMax => "a size such as \"2G\" or \"512M\", \"0\" for no swap, or \"infinity\"",
        Limit::CpuQuota => "a share of one CPU such as \"150%\", or \"infinity\"",
        Limit::CpuWeight | Limit::IoWeight => "a weight from 1 to 10000; 100 is usual",
        Limit::IoReadBandwidth | Limit::IoWriteBandwidth => {
            "\"infinity\" or absolute paths, each with the bytes per second on its disk, such as \"/home 50M\""
        }
        Limit::TasksMax => "a number of processes and threads such as 512, or \"infinity\"",
        Limit::OpenFiles => "a number of files such as 4096, or \"infinity\"",
        Limit::RuntimeMax => "a time such as \"12h\", or \"infinity\"",
        Limit::Devices => {
            "\"all\" or devices such as \"char-nvidia*\", \"/dev/dri/renderD128\" or, for reading only, \"/dev/sdx r\""
        }
    }
}

fn single(limit: Limit, text: &str) -> Result<Amount, String> {
    let wanted = || wanted(limit).to_owned();
    let number = |least: u64, most: u64| match digits(text) {
        Some(count) if (least..=most).contains(&count) => Ok(Amount::Number(count)),
        Some(count) if count < least && least > 1 => Err(format!("at least {least}, as no server starts with less")),
        _ => Err(wanted()),
    };
    match limit {
        Limit::MemoryMax | Limit::MemoryHigh => match text.strip_suffix('%') {
            Some(percent) => {
                let percent = digits(percent).and_then(|percent| u8::try_from(percent).ok());
                percent.filter(|percent| (1..=100).contains(percent)).map(Amount::Share).ok_or_else(wanted)
            }
            None => memory(text, wanted).and_then(|bytes| {
                if bytes < MEMORY_MIN {
                    return Err("at least \"64M\", as no server starts with less".to_owned());
                }
                Ok(Amount::Number(bytes))
            }),
        },
        Limit::MemorySwapMax if text == "0" => Ok(Amount::Number(0)),
        Limit::MemorySwapMax => memory(text, wanted).map(Amount::Number),
        Limit::CpuQuota => {
            let percent = text.strip_suffix('%').and_then(digits);
            percent.filter(|percent| (1..=CPU_MAX).contains(percent)).map(Amount::Number).ok_or_else(wanted)
        }
        Limit::CpuWeight | Limit::IoWeight => number(1, WEIGHT_MAX),
        Limit::TasksMax => number(TASKS_MIN, u64::from(u32::MAX)),
        Limit::OpenFiles => number(FILES_MIN, u64::from(u32::MAX)),
        Limit::RuntimeMax => {
            let micros = parse_time(text).map(|time| time.as_micros()).ok_or_else(wanted)?;
            if micros == 0 || micros > TIME_MAX {
                return Err("a time above zero and below a hundred years".to_owned());
            }
            u64::try_from(micros).map(Amount::Number).map_err(|_| wanted())
        }
        Limit::IoReadBandwidth | Limit::IoWriteBandwidth | Limit::Devices => Err(wanted()),
    }
}

/// Only digits, and not too many.
fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// `2G`: a count with a unit, as `2` and what it counts; nothing else is clear enough.
fn unit(text: &str, base: u64) -> Option<(u64, u64)> {
    let (count, power) = match text.chars().last()? {
        'K' => (text.strip_suffix('K')?, 1),
        'M' => (text.strip_suffix('M')?, 2),
        'G' => (text.strip_suffix('G')?, 3),
        'T' => (text.strip_suffix('T')?, 4),
        _ => return None,
    };
    Some((digits(count)?, base.pow(power)))
}

fn memory(text: &str, wanted: impl Fn() -> String) -> Result<u64, String> {
    let (count, bytes) = unit(text, 1024).ok_or_else(wanted)?;
    count.checked_mul(bytes).ok_or_else(|| "a size below 16 EiB".to_owned())
}

/// `/home 50M`; bandwidths count in thousands, as in systemd.resource-control(5).
fn rate(entry: &str) -> Option<Rate> {
    let (path, amount) = entry.rsplit_once([' ', '\t'])?;
    let path = path.trim_end();
    let bytes = match amount {
        "infinity" => None,
        amount => {
            let (count, bytes) = unit(amount, 1000)?;
            Some(count.checked_mul(bytes).filter(|bytes| *bytes > 0)?)
        }
    };
    is_path(path).then(|| Rate { path: path.to_owned(), bytes })
}

fn device(entry: &str) -> Option<Device> {
    let (node, access) = entry.rsplit_once([' ', '\t']).unwrap_or((entry, ACCESS));
    let node = node.trim_end();
    let letters = |c: char| matches!(c, 'r' | 'w' | 'm');
    let good = (is_path(node) && node.starts_with("/dev/")) || is_kind(node);
    (good && !access.is_empty() && access.len() <= 3 && access.chars().all(letters))
        .then(|| Device { node: node.to_owned(), access: access.to_owned() })
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.contains(|c: char| c.is_control() || c == ',')
        && !path.split('/').any(|part| matches!(part, "." | ".."))
}

/// `char-nvidia*`, `block-loop`: a name of `/proc/devices`, perhaps with signs that match others.
fn is_kind(node: &str) -> bool {
    let name = node.strip_prefix("char-").or_else(|| node.strip_prefix("block-"));
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | '?');
    name.is_some_and(|name| !name.is_empty() && name.chars().all(letter))
}

/// The largest unit that leaves nothing over; bytes that none fits are written as they are.
fn size(bytes: u64, base: u64) -> String {
    let units = [('T', 4), ('G', 3), ('M', 2), ('K', 1)];
    let fits = |power: u32| bytes > 0 && bytes % base.pow(power) == 0;
    match units.into_iter().find(|(_, power)| fits(*power)) {
        Some((letter, power)) => format!("{}{letter}", bytes / base.pow(power)),
        None => bytes.to_string(),
    }
}

/// `1h 30min`
fn time(micros: u64) -> String {
    let mut rest = micros / 1000;
    let mut words = Vec::new();
    for (word, length) in [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)] {
        if rest >= length {
            words.push(format!("{}{word}", rest / length));
            rest %= length;
        }
    }
    words.join(" ")
}

/// A path that only one of them limits is free.
fn generous_rates(one: &[Rate], other: &[Rate]) -> Amount {
    let both = |rate: &Rate| {
        let twin = other.iter().find(|twin| twin.path == rate.path)?;
        let bytes = Some(rate.bytes?.max(twin.bytes?));
        Some(Rate { path: rate.path.clone(), bytes })
    };
    let rates: Vec<Rate> = one.iter().filter_map(both).collect();
    if rates.is_empty() { Amount::Infinity } else { Amount::Rates(rates) }
}

fn all_devices(mut one: Vec<Device>, other: Vec<Device>) -> Vec<Device> {
    for device in other {
        match one.iter_mut().find(|known| known.node == device.node) {
            Some(known) => {
                let more = device.access.chars().filter(|letter| !known.access.contains(*letter)).collect::<String>();
                known.access.push_str(&more);
            }
            None => one.push(device),
        }
    }
    one
}
