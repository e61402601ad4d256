//! Every key of the configuration, once: its name, its default, what it means and how it is checked.

use toml::de::DeValue;

use super::{Config, value};

/// Takes a value into the configuration, or says what is wrong with it.
pub(super) type Apply = fn(&mut Config, &DeValue<'_>) -> Result<(), String>;

/// One key.
pub struct Key {
    /// Such as `server.start_timeout`.
    pub name: &'static str,
    /// The default as TOML.
    pub default: &'static str,
    /// What it means, in full sentences; the lines of the shipped file.
    pub meaning: &'static [&'static str],
    pub(super) apply: Apply,
}

/// The table whose entries are free: variables of the servers.
pub(super) const ENVIRONMENT: &str = "server.environment";

/// Every section with the sentence it opens with in the shipped file.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("hub", "The hub itself."),
    ("login", "Who may come. People are written \"alice\", Unix groups \"@students\"."),
    ("server", "How a person's JupyterLab is started."),
    ("limits", "What each person's server may use. \"infinity\" sets no limit."),
];

/// Every key, in the order of the shipped file.
pub fn keys() -> &'static [Key] {
    KEYS
}

const KEYS: &[Key] = &[
    Key {
        name: "hub.base_url",
        default: "\"/\"",
        meaning: &[
            "The path that everything is below, for a hub that shares its address: \"/jupyter/\".",
            "After a change restart the servers that run, too: their address is part of how they run.",
        ],
        apply: |config, v| value::base_url(v).map(|url| config.hub.base_url = url),
    },
    Key {
        name: "login.allow",
        default: "\"all\"",
        meaning: &[
            "Who may log in. \"all\" is everybody with an account and a real login shell;",
            "a list names people and groups: [\"alice\", \"@students\"]. Administrators need not be listed.",
        ],
        apply: |config, v| value::allow(v).map(|allow| config.login.allow = allow),
    },
    Key {
        name: "login.block",
        default: "[]",
        meaning: &["Who may not, whatever the other keys say: [\"mallory\", \"@guests\"]."],
        apply: |config, v| value::principals(v).map(|list| config.login.block = list),
    },
    Key {
        name: "login.admins",
        default: "[\"root\", \"@sudo\"]",
        meaning: &["Who manages the hub: sees everybody's servers, starts and stops them."],
        apply: |config, v| value::principals(v).map(|list| config.login.admins = list),
    },
    Key {
        name: "login.admin_access",
        default: "false",
        meaning: &["May administrators open other people's servers, with all their files?"],
        apply: |config, v| value::boolean(v).map(|flag| config.login.admin_access = flag),
    },
    Key {
        name: "login.allow_root",
        default: "false",
        meaning: &[
            "May root, and system accounts (a uid below 1000) that could log in, have a",
            "JupyterLab of their own?",
        ],
        apply: |config, v| value::boolean(v).map(|flag| config.login.allow_root = flag),
    },
    Key {
        name: "server.command",
        default: "[]",
        meaning: &[
            "The program and its first arguments: [\"/opt/lab/bin/jupyter-lab\", \"--debug\"].",
            "The hub adds what it needs. An empty list looks for JupyterLab in the environment",
            "of `hubctl env create`, then in Debian's package `jupyterlab`.",
        ],
        apply: |config, v| value::command(v).map(|argv| config.server.command = argv),
    },
    Key {
        name: ENVIRONMENT,
        default: "{}",
        meaning: &[
            "Variables for every server: { HTTPS_PROXY = \"http://proxy.example.org:3128\" }.",
            "Everybody on the machine can read them: no secrets here.",
        ],
        apply: |config, v| {
            let table = v.as_table().ok_or_else(|| value::expected("a table of strings", v))?;
            for (name, item) in table {
                set_variable(config, name.get_ref(), item.get_ref())?;
            }
            Ok(())
        },
    },
    Key {
        name: "server.directory",
        default: "\"~\"",
        meaning: &[
            "The folder that JupyterLab shows as its root: \"~\", \"~/notebooks\" or an absolute path.",
            "It must exist. A server's working directory is the home, whatever stands here.",
        ],
        apply: |config, v| value::directory(v).map(|folder| config.server.directory = folder),
    },
    Key {
        name: "server.default_url",
        default: "\"/lab\"",
        meaning: &["The page a server opens with."],
        apply: |config, v| value::default_url(v).map(|url| config.server.default_url = url),
    },
    Key {
        name: "server.language",
        default: "\"\"",
        meaning: &[
            "The language JupyterLab starts with, such as \"zh_CN\"; its language pack must be",
            "installed (`hubctl env create --language zh-CN`). \"\" leaves JupyterLab's own default.",
        ],
        apply: |config, v| value::language(v).map(|language| config.server.language = language),
    },
    Key {
        name: "server.start_timeout",
        default: "\"60s\"",
        meaning: &["How long a start may take before it is given up: \"60s\", \"5min\", \"never\"."],
        apply: |config, v| value::time(v).map(|time| config.server.start_timeout = time),
    },
    Key {
        name: "server.stop_timeout",
        default: "\"20s\"",
        meaning: &["How long a server may take to stop before it is killed."],
        apply: |config, v| value::time(v).map(|time| config.server.stop_timeout = time),
    },
    Key {
        name: "limits.memory_max",
        default: "\"infinity\"",
        meaning: &["Memory: \"2G\", \"512M\". A process that wants more is killed."],
        apply: |config, v| value::memory(v).map(|bytes| config.limits.memory_max = bytes),
    },
    Key {
        name: "limits.memory_high",
        default: "\"infinity\"",
        meaning: &["Memory above which a server is slowed down. Best left alone or close to memory_max."],
        apply: |config, v| value::memory(v).map(|bytes| config.limits.memory_high = bytes),
    },
    Key {
        name: "limits.cpu_quota",
        default: "\"infinity\"",
        meaning: &["Processor time: \"150%\" is one and a half processors."],
        apply: |config, v| value::cpu(v).map(|percent| config.limits.cpu_quota = percent),
    },
    Key {
        name: "limits.tasks_max",
        default: "\"infinity\"",
        meaning: &[
            "The number of processes and threads: 512. With \"infinity\" the hub sets nothing, and",
            "systemd's own default stays in force (DefaultTasksMax= in systemd-system.conf(5)).",
        ],
        apply: |config, v| value::tasks(v).map(|count| config.limits.tasks_max = count),
    },
];

/// Sets one variable, keeping the list sorted by name.
pub(super) fn set_variable(config: &mut Config, name: &str, item: &DeValue<'_>) -> Result<(), String> {
    let text = value::variable(name, item)?;
    let list = &mut config.server.environment;
    list.retain(|(known, _)| known != name);
    let at = list.partition_point(|(known, _)| known.as_str() < name);
    list.insert(at, (name.to_owned(), text));
    Ok(())
}

pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The known key a person most likely meant.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    /// More slips than this, and a guess would only confuse.
    const SLIPS: usize = 3;
    let last = |name: &'static str| name.rsplit('.').next().unwrap_or(name);
    let typed = name.rsplit('.').next().unwrap_or(name);
    if let Some(key) = KEYS.iter().find(|key| last(key.name) == typed) {
        return Some(key.name);
    }
    let near = KEYS.iter().map(|key| (distance(name, key.name), key.name)).min()?;
    (near.0 <= SLIPS).then_some(near.1)
}

/// The section a person most likely meant.
pub(super) fn nearest_section(name: &str) -> Option<&'static str> {
    let near = SECTIONS.iter().map(|(section, _)| (distance(name, section), *section)).min()?;
    (near.0 <= 2).then_some(near.1)
}

/// Levenshtein's distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut corner = i;
        let mut before = i + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (right, cell) in b.chars().zip(row.iter_mut().skip(1)) {
            let change = corner + usize::from(left != right);
            corner = *cell;
            before = change.min(corner + 1).min(before + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The shipped `/etc/hub/hub.toml`: every key explained and commented out at its default.
pub fn reference() -> String {
    let mut out = String::from(
        "# The hub's configuration. Every key stands here at its default: take the # away to change one.\n\
         # Files in hub.toml.d/*.toml are read after this one, in the order of their names; later keys win.\n\
         # `hubctl config check` looks for mistakes, `hubctl config show` tells what is in force and why.\n\
         # After a change: systemctl restart hub.service (running servers stay).\n",
    );
    for (section, sentence) in SECTIONS {
        out.extend(["\n# ", sentence, "\n[", section, "]\n"]);
        let prefix = format!("{section}.");
        for (key, name) in KEYS.iter().filter_map(|key| Some((key, key.name.strip_prefix(&prefix)?))) {
            out.push('\n');
            for line in key.meaning {
                out.extend(["# ", line, "\n"]);
            }
            out.extend(["#", name, " = ", key.default, "\n"]);
        }
    }
    out
}
