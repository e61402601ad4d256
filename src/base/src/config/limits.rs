//! `[limits]`: what servers may use, for everybody, for some, and for many servers together.
//!
//! How an amount is written and which rule wins, [`crate::limits`] knows; here is only where it stands in a file.

use toml::de::{DeTable, DeValue};

use super::near::{self, unknown};
use super::report::{Place, Report};
use super::schema::Apply::Value;
use super::schema::{Key, LIMITS, SLIPS};
use super::value;
use crate::limits::{Amount, Limit, Limits, Rule, Rules, wanted};
use crate::names::UserName;

/// The section's own name.
pub(super) const SECTION: &str = "limits";
/// What all keys of the section begin with.
const PREFIX: &str = "limits.";
/// Rules for the members of a Unix group.
const GROUP: &str = "group";
/// Rules for one person.
const USER: &str = "user";
/// All servers of one person together.
const PER_PERSON: &str = "per-person";
/// All servers of all people together.
const ALL_TOGETHER: &str = "all-together";

/// The tables that the section may have beside its keys.
const TABLES: [&str; 4] = [GROUP, USER, PER_PERSON, ALL_TOGETHER];

macro_rules! key {
    ($name:literal, $limit:ident, $meaning:expr) => {
        Key {
            name: $name,
            default: "\"\"",
            meaning: $meaning,
            apply: Value(|limits, v| take(limits, Limit::$limit, v)),
        }
    };
}

/// Every limit, in the order of the shipped file. The same keys are in every table of limits.
pub(super) const KEYS: &[Key<Limits>] = &[
    key!(
        "limits.memory_max",
        MemoryMax,
        &["Memory: \"2G\", \"512M\", \"10%\" of the machine's. A process that wants more is killed.",]
    ),
    key!(
        "limits.memory_high",
        MemoryHigh,
        &["Memory above which a server is slowed down. Best left alone or close to memory_max.",]
    ),
    key!(
        "limits.memory_swap_max",
        MemorySwapMax,
        &[
            "Swap, besides memory_max: \"1G\", \"0\" for none. With none a server that is full fails at once",
            "instead of swapping for long; but suspending it then gives little memory back, as that needs swap.",
        ]
    ),
    key!("limits.cpu_quota", CpuQuota, &["Processor time: \"150%\" is one and a half processors."]),
    key!(
        "limits.cpu_weight",
        CpuWeight,
        &["The share of the processors when there are too few: 1 to 10000, 100 is usual.",]
    ),
    key!("limits.io_weight", IoWeight, &["The share of the disks when they are too slow: 1 to 10000, 100 is usual.",]),
    key!(
        "limits.io_read_bandwidth",
        IoReadBandwidth,
        &["How many bytes per second are read from the disk that holds a path: [\"/home 50M\"].",]
    ),
    key!("limits.io_write_bandwidth", IoWriteBandwidth, &["How many are written: [\"/home 50M\", \"/srv 10M\"]."]),
    key!(
        "limits.tasks_max",
        TasksMax,
        &[
            "The number of processes and threads: 512. \"\" leaves systemd's own default in force",
            "(DefaultTasksMax= in systemd-system.conf(5)).",
        ]
    ),
    key!(
        "limits.open_files",
        OpenFiles,
        &[
            "How many files one process may have open: 4096. Where /etc/security/limits.conf says",
            "something about it, that wins (pam_limits).",
        ]
    ),
    key!(
        "limits.runtime_max",
        RuntimeMax,
        &["How long a server may run, \"12h\"; then systemd stops it, busy or not.",]
    ),
    key!(
        "limits.devices",
        Devices,
        &[
            "The devices that the wall close_devices of [sandbox] lets through: [\"char-nvidia*\"],",
            "[\"/dev/dri/renderD128\"]. \"all\" is every device whose file permissions let the person in.",
            "Mostly for a group: [limits.group.gpu] below.",
        ]
    ),
];

/// What the section has beside its keys, for the shipped file.
pub(super) const EXAMPLES: &str = "
# For some people only, with the keys of above: members of a Unix group, or one person. What is said
# of the person beats the profile, that beats the groups (of several the most generous), and that
# beats [limits], key by key. \"\" says nothing, \"infinity\" lifts what another rule says.
#[limits.group.gpu]
#memory_max = \"16G\"
#devices = [\"char-nvidia*\"]
#[limits.user.alice]
#cpu_quota = \"400%\"

# All servers of one person together (per-person stands below a group or a person, too:
# [limits.group.gpu.per-person]), and all servers of all people: jupyter.slice. Keys as above but
# open_files, runtime_max and devices.
#[limits.per-person]
#memory_max = \"4G\"
#[limits.all-together]
#memory_max = \"80%\"
";

/// Reads one amount.
fn take(limits: &mut Limits, limit: Limit, v: &DeValue<'_>) -> Result<(), String> {
    let read = match v {
        DeValue::String(text) => Amount::parse(limit, text),
        // A bare number is clear where things are counted; of bytes and times it is not.
        DeValue::Integer(_) => match value::integer(v) {
            Some(number) => Amount::parse(limit, &number.to_string()),
            None => Err(wanted(limit).to_owned()),
        },
        DeValue::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            texts.ok_or_else(|| wanted(limit).to_owned()).and_then(|texts| Amount::of_list(limit, &texts).map(Some))
        }
        _ => Err(wanted(limit).to_owned()),
    };
    limits.set(limit, read.map_err(|wanted| value::expected(&wanted, v))?);
    Ok(())
}

/// Sets one limit by its name: an entry of a table of limits.
pub(super) fn set(limits: &mut Limits, name: &str, v: &DeValue<'_>) -> Result<(), String> {
    match Limit::find(name) {
        Some(limit) => take(limits, limit, v),
        None => Err(near::unknown("key", near::nearest(name, Limit::ALL.into_iter().map(Limit::name), SLIPS))),
    }
}

/// As [`set`], for a service.
pub(super) fn set_of_service(limits: &mut Limits, name: &str, v: &DeValue<'_>) -> Result<(), String> {
    if Limit::find(name) == Some(Limit::Devices) {
        return Err("this is a limit of people's servers; services have no devices".to_owned());
    }
    set(limits, name, v)
}

/// As [`set`], for many servers together.
fn set_together(limits: &mut Limits, name: &str, v: &DeValue<'_>) -> Result<(), String> {
    match Limit::find(name) {
        Some(limit) if !limit.fits_slices() => {
            Err("this is a limit of single servers, not of many together".to_owned())
        }
        _ => set(limits, name, v),
    }
}

/// Reads the section of one file.
pub(super) fn read(rules: &mut Rules, report: &mut Report, place: &Place<'_>, table: &DeTable<'_>) {
    for (word, item) in table {
        let (word, line): (&str, _) = (word.get_ref(), place.line(word.span().start));
        let (full, item) = (format!("{PREFIX}{word}"), item.get_ref());
        match word {
            GROUP => each(report, place, (&full, line, item), |report, name, at| {
                if let Err(message) = value::unix_group(name) {
                    return report.error(place, at.1, at.0, message);
                }
                rule(rules.groups.entry(name.to_owned()).or_default(), report, place, at);
            }),
            USER => each(report, place, (&full, line, item), |report, name, at| match UserName::parse(name) {
                Ok(user) => rule(rules.users.entry(user).or_default(), report, place, at),
                Err(error) => {
                    let message = format!("{} is not the name of a user: {error}", value::quote(name));
                    report.error(place, at.1, at.0, message);
                }
            }),
            PER_PERSON => entries(&mut rules.everybody.per_person, report, place, (&full, line, item), set_together),
            ALL_TOGETHER => entries(&mut rules.all_together, report, place, (&full, line, item), set_together),
            _ => {
                if let Some(key) = KEYS.iter().find(|key| key.name == full) {
                    report.take(place, key, &mut rules.everybody.server, &full, line, item);
                    continue;
                }
                let words = TABLES.into_iter().chain(Limit::ALL.map(Limit::name));
                let near = near::nearest(word, words, SLIPS).map(|near| format!("{PREFIX}{near}"));
                let near = near.as_deref().or_else(|| super::schema::nearest(&full));
                report.error(place, line, &full, unknown("key", near));
            }
        }
    }
}

/// A key with its line and value.
type At<'a> = (&'a str, usize, &'a DeValue<'a>);

/// Every table in a table of tables.
fn each(report: &mut Report, place: &Place<'_>, at: At<'_>, mut one: impl FnMut(&mut Report, &str, At<'_>)) {
    let (full, line, item) = at;
    let Some(table) = item.as_table() else {
        let message = value::expected(&format!("tables such as [{full}.NAME]"), item);
        return report.error(place, line, full, message);
    };
    for (name, item) in table {
        let line = place.line(name.span().start);
        let name: &str = name.get_ref();
        one(report, name, (&format!("{full}.{name}"), line, item.get_ref()));
    }
}

/// What is said of some people.
fn rule(rule: &mut Rule, report: &mut Report, place: &Place<'_>, at: At<'_>) {
    let (full, line, item) = at;
    let Some(table) = item.as_table() else {
        return report.error(place, line, full, value::expected(LIMITS, item));
    };
    for (word, item) in table {
        let (word, line): (&str, _) = (word.get_ref(), place.line(word.span().start));
        let (full, item) = (format!("{full}.{word}"), item.get_ref());
        if word == PER_PERSON {
            entries(&mut rule.per_person, report, place, (&full, line, item), set_together);
        } else {
            report.settle(place, full, line, value::render(item), set(&mut rule.server, word, item));
        }
    }
}

/// A table of limits.
fn entries(
    limits: &mut Limits,
    report: &mut Report,
    place: &Place<'_>,
    (full, line, item): At<'_>,
    set: fn(&mut Limits, &str, &DeValue<'_>) -> Result<(), String>,
) {
    let Some(table) = item.as_table() else {
        return report.error(place, line, full, value::expected(LIMITS, item));
    };
    for (word, item) in table {
        let line = place.line(word.span().start);
        let (word, item): (&str, _) = (word.get_ref(), item.get_ref());
        report.settle(place, format!("{full}.{word}"), line, value::render(item), set(limits, word, item));
    }
}
