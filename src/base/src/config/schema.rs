//! Every key of the configuration, once: its name, its default, what it means and how it is checked.

use toml::de::DeValue;

use super::sandbox::{self, Wall};
use super::schema::Apply::{Entries, Value};
use super::tables;
use super::{
    Config, CustomScope, Group, Profile, Role, ServerKind, Service, address, idle, limits, near, new_account, value,
};

/// One key of the whole configuration, or of a kind of tables.
pub struct Key<T = Config> {
    /// Such as `server.start_timeout`; in a kind of tables the word alone.
    pub name: &'static str,
    /// The default as TOML.
    pub default: &'static str,
    /// What it means, in full sentences; the lines of the shipped file.
    pub meaning: &'static [&'static str],
    pub(super) apply: Apply<T>,
}

/// Takes a value into the configuration, or says what is wrong with it.
pub(super) type Take<T> = fn(&mut T, &DeValue<'_>) -> Result<(), String>;
/// The same for one entry of a table, whose name comes first.
pub(super) type TakeEntry<T> = fn(&mut T, &str, &DeValue<'_>) -> Result<(), String>;

/// How a key is read.
pub(super) enum Apply<T> {
    /// As a whole.
    Value(Take<T>),
    /// As a whole, and nobody is shown it.
    Secret(Take<T>),
    /// A table such as the words say, whose entries come and merge one by one.
    Entries(&'static str, TakeEntry<T>),
}

/// More slips than this in a word, and a guess would only confuse.
pub(super) const SLIPS: usize = 3;
/// What tables of free entries are called in messages.
pub(super) const STRINGS: &str = "a table of strings";
/// What the exceptions from walls are called in messages.
const WALLED: &str = "a table such as { \"@staff\" = [\"hide_homes\"] }";
/// What tables of limits are called in messages.
pub(super) const LIMITS: &str = "a table of limits such as { memory_max = \"2G\" }";

/// What tables of rules for idle servers are called in messages.
const RULES: &str = "a table of rules such as { gpu = { suspend_after = \"10min\" } }";

/// Every section with the sentence it opens with in the shipped file.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("hub", "The hub itself."),
    ("login", "Who may come. People are written \"alice\", Unix groups \"@students\"."),
    ("server", "How a person's JupyterLab is started."),
    ("sandbox", "The walls around servers: true, false, or \"auto\", which is not around those of administrators."),
    ("idle", "What becomes of a server that nobody uses and that computes nothing."),
    (limits::SECTION, "What each server of a person may use. \"\" sets nothing, \"infinity\" is no limit."),
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
        apply: Value(|config, v| value::base_url(v).map(|url| config.hub.base_url = url)),
    },
    Key {
        name: "hub.public_url",
        default: "\"\"",
        meaning: &[
            "The address people use, when a web server in front speaks https: \"https://hub.example.org\".",
            "Without a path, which is base_url. \"\" goes by what each request says.",
        ],
        apply: Value(|config, v| address::origin(v).map(|url| config.hub.public_url = url)),
    },
    Key {
        name: "hub.concurrent_starts",
        default: "100",
        meaning: &["How many servers may be starting at once; more are asked to wait. 0 or \"infinity\" is no limit."],
        apply: Value(|config, v| value::limit(v).map(|count| config.hub.concurrent_starts = count)),
    },
    Key {
        name: "hub.active_servers",
        default: "\"infinity\"",
        meaning: &["How many servers may run or be starting, all people together. 0 or \"infinity\" is no limit."],
        apply: Value(|config, v| value::limit(v).map(|count| config.hub.active_servers = count)),
    },
    Key {
        name: "hub.token_lifetime_max",
        default: "\"never\"",
        meaning: &["The longest life of an API token that somebody asks for: \"90d\". \"never\" is no limit."],
        apply: Value(|config, v| value::time(v).map(|time| config.hub.token_lifetime_max = time)),
    },
    Key {
        name: "hub.cookie_lifetime",
        default: "\"14d\"",
        meaning: &["How long a login lasts, and a token that a service or a server gets for a person (OAuth)."],
        apply: Value(|config, v| value::time(v).map(|time| config.hub.cookie_lifetime = time)),
    },
    Key {
        name: "hub.metrics_need_token",
        default: "true",
        meaning: &["Is a token with the scope read:metrics needed to read /hub/metrics?"],
        apply: Value(|config, v| value::boolean(v).map(|flag| config.hub.metrics_need_token = flag)),
    },
    Key {
        name: "hub.stopped_server_status",
        default: "424",
        meaning: &["The HTTP status of API requests to a server that does not run: 424, or 503 for old clients."],
        apply: Value(|config, v| value::stopped_status(v).map(|status| config.hub.stopped_server_status = status)),
    },
    Key {
        name: "hub.oauth_require_pkce",
        default: "false",
        meaning: &["Are OAuth clients that do not use PKCE (RFC 7636) refused?"],
        apply: Value(|config, v| value::boolean(v).map(|flag| config.hub.oauth_require_pkce = flag)),
    },
    Key {
        name: "hub.exit_when_idle",
        default: "\"10min\"",
        meaning: &[
            "After how long without a request, an open connection or a running job the hub ends. Servers and",
            "services go on, and the next connection starts the hub again. \"never\" keeps it running.",
        ],
        apply: Value(|config, v| value::time(v).map(|time| config.hub.exit_when_idle = time)),
    },
    Key {
        name: "login.allow",
        default: "\"all\"",
        meaning: &[
            "Who may log in. \"all\" is everybody with an account and a real login shell;",
            "a list names people and groups: [\"alice\", \"@students\"]. Administrators need not be listed.",
        ],
        apply: Value(|config, v| value::allow(v).map(|allow| config.login.allow = allow)),
    },
    Key {
        name: "login.block",
        default: "[]",
        meaning: &["Who may not, whatever the other keys say: [\"mallory\", \"@guests\"]."],
        apply: Value(|config, v| value::principals(v).map(|list| config.login.block = list)),
    },
    Key {
        name: "login.admins",
        default: "[\"root\", \"@sudo\"]",
        meaning: &["Who manages the hub: sees everybody's servers, starts and stops them."],
        apply: Value(|config, v| value::principals(v).map(|list| config.login.admins = list)),
    },
    Key {
        name: "login.admin_access",
        default: "false",
        meaning: &["May administrators open other people's servers, with all their files?"],
        apply: Value(|config, v| value::boolean(v).map(|flag| config.login.admin_access = flag)),
    },
    Key {
        name: "login.allow_root",
        default: "false",
        meaning: &[
            "May root, and system accounts (a uid below 1000) that could log in, have a",
            "JupyterLab of their own?",
        ],
        apply: Value(|config, v| value::boolean(v).map(|flag| config.login.allow_root = flag)),
    },
    Key {
        name: "login.create_system_users",
        default: "false",
        meaning: &[
            "May who adds people to the hub make accounts on this machine for them, set the passwords of",
            "these accounts, and delete them? Other accounts are never touched, nor are administrators.",
        ],
        apply: Value(|config, v| value::boolean(v).map(|flag| config.login.create_system_users = flag)),
    },
    Key {
        name: "login.new_user_groups",
        default: "[]",
        meaning: &["The Unix groups that accounts made by the hub are put into: [\"students\"]. They must exist."],
        apply: Value(|config, v| new_account::groups(v).map(|groups| config.login.new_user_groups = groups)),
    },
    Key {
        name: "login.new_user_shell",
        default: "\"/bin/bash\"",
        meaning: &["The login shell of accounts made by the hub; it stands in /etc/shells."],
        apply: Value(|config, v| new_account::shell(v).map(|shell| config.login.new_user_shell = shell)),
    },
    Key {
        name: "server.kind",
        default: "\"lab\"",
        meaning: &[
            "\"lab\" starts JupyterLab itself, and the hub decides who reaches it. \"singleuser\" starts",
            "jupyterhub-singleuser, which asks the hub who somebody is; the package jupyterhub must be there.",
        ],
        apply: Value(|config, v| {
            let kinds = [("lab", ServerKind::Lab), ("singleuser", ServerKind::Singleuser)];
            value::word(v, &kinds).map(|kind| config.server.kind = kind)
        }),
    },
    Key {
        name: "server.command",
        default: "[]",
        meaning: &[
            "The program and its first arguments: [\"/opt/lab/bin/jupyter-lab\", \"--debug\"].",
            "The hub adds what it needs. An empty list looks for JupyterLab in the environment",
            "of `hubctl env create`, then in Debian's package `jupyterlab`.",
        ],
        apply: Value(|config, v| value::command(v).map(|argv| config.server.command = argv)),
    },
    Key {
        name: "server.environment",
        default: "{}",
        meaning: &[
            "Variables for every server: { HTTPS_PROXY = \"http://proxy.example.org:3128\" }.",
            "Everybody on the machine can read them: no secrets here.",
        ],
        apply: Entries(STRINGS, |config, name, v| {
            set_entry(&mut config.server.environment, name, value::variable(name, v)?);
            Ok(())
        }),
    },
    Key {
        name: "server.directory",
        default: "\"~\"",
        meaning: &[
            "The folder that JupyterLab shows as its root: \"~\", \"~/notebooks\" or an absolute path.",
            "It must exist. A server's working directory is the home, whatever stands here.",
        ],
        apply: Value(|config, v| value::directory(v).map(|folder| config.server.directory = folder)),
    },
    Key {
        name: "server.default_url",
        default: "\"/lab\"",
        meaning: &["The page a server opens with."],
        apply: Value(|config, v| value::default_url(v).map(|url| config.server.default_url = url)),
    },
    Key {
        name: "server.language",
        default: "\"\"",
        meaning: &[
            "The language JupyterLab starts with, such as \"zh_CN\"; its language pack must be",
            "installed (`hubctl env create --language zh-CN`). \"\" leaves JupyterLab's own default.",
        ],
        apply: Value(|config, v| value::language(v).map(|language| config.server.language = language)),
    },
    Key {
        name: "server.start_timeout",
        default: "\"60s\"",
        meaning: &["How long a start may take before it is given up: \"60s\", \"5min\", \"never\"."],
        apply: Value(|config, v| value::time(v).map(|time| config.server.start_timeout = time)),
    },
    Key {
        name: "server.stop_timeout",
        default: "\"20s\"",
        meaning: &["How long a server may take to stop before it is killed."],
        apply: Value(|config, v| value::time(v).map(|time| config.server.stop_timeout = time)),
    },
    Key {
        name: "server.named_limit",
        default: "0",
        meaning: &[
            "How many more servers, each with a name, a person may have beside the default one.",
            "0 is none, \"infinity\" any number.",
        ],
        apply: Value(|config, v| value::count(v).map(|count| config.server.named_limit = count)),
    },
    Key {
        name: "server.oauth_client_allowed_scopes",
        default: "[]",
        meaning: &[
            "With kind = \"singleuser\": what the token of somebody who opens a server may do beyond that:",
            "[\"read:users\", \"servers!user\"]. Extensions in JupyterLab can use it.",
        ],
        apply: Value(|config, v| value::scopes(v).map(|list| config.server.oauth_client_allowed_scopes = list)),
    },
    Key {
        name: "server.token_scopes",
        default: "[\"users:activity!user\", \"access:servers!server\"]",
        meaning: &["What a server's own token may do. Less than the default, and its activity is not seen."],
        apply: Value(|config, v| value::scopes(v).map(|list| config.server.token_scopes = list)),
    },
    Key {
        name: "server.log_burst",
        default: "10000",
        meaning: &[
            "How many lines a server may write to the journal within log_interval; more is dropped, and",
            "the journal says how much. 0 or \"infinity\" is no limit.",
        ],
        apply: Value(|config, v| value::limit(v).map(|count| config.server.log_burst = count)),
    },
    Key {
        name: "server.log_interval",
        default: "\"30s\"",
        meaning: &["The time that log_burst counts for."],
        apply: Value(|config, v| value::time(v).map(|time| config.server.log_interval = time)),
    },
    Key {
        name: "sandbox.private_tmp",
        default: "true",
        meaning: &["Each server has /tmp, /var/tmp and shared memory of its own, which end with it."],
        apply: Value(|config, v| sandbox::set(&mut config.sandbox, Wall::PrivateTmp, v)),
    },
    Key {
        name: "sandbox.hide_processes",
        default: "true",
        meaning: &["Other people's processes, with their arguments, are not seen."],
        apply: Value(|config, v| sandbox::set(&mut config.sandbox, Wall::HideProcesses, v)),
    },
    Key {
        name: "sandbox.hide_homes",
        default: "\"auto\"",
        meaning: &["Of /home, /root and /run/user only the own home is there."],
        apply: Value(|config, v| sandbox::set(&mut config.sandbox, Wall::HideHomes, v)),
    },
    Key {
        name: "sandbox.homes",
        default: "[]",
        meaning: &["More folders in which homes lie, hidden by hide_homes: [\"/srv/homes\"]."],
        apply: Value(|config, v| value::folders(v).map(|list| config.sandbox.homes = list)),
    },
    Key {
        name: "sandbox.visible",
        default: "[]",
        meaning: &["Folders in hidden places that everybody sees all the same: [\"/home/shared\"]."],
        apply: Value(|config, v| value::folders(v).map(|list| config.sandbox.visible = list)),
    },
    Key {
        name: "sandbox.read_only_system",
        default: "\"auto\"",
        meaning: &["/usr, /boot and /etc cannot be written."],
        apply: Value(|config, v| sandbox::set(&mut config.sandbox, Wall::ReadOnlySystem, v)),
    },
    Key {
        name: "sandbox.no_new_privileges",
        default: "\"auto\"",
        meaning: &["Nothing can gain rights: no sudo, su, ping of old, nor any other setuid program."],
        apply: Value(|config, v| sandbox::set(&mut config.sandbox, Wall::NoNewPrivileges, v)),
    },
    Key {
        name: "sandbox.protect_kernel",
        default: "true",
        meaning: &[
            "The kernel's settings, modules and log, the clock and the control groups are out of reach;",
            "no real-time scheduling.",
        ],
        apply: Value(|config, v| sandbox::set(&mut config.sandbox, Wall::ProtectKernel, v)),
    },
    Key {
        name: "sandbox.close_devices",
        default: "\"auto\"",
        meaning: &["Only /dev/null and its like, terminals, and the devices that [limits] names."],
        apply: Value(|config, v| sandbox::set(&mut config.sandbox, Wall::CloseDevices, v)),
    },
    Key {
        name: "sandbox.except",
        default: "{}",
        meaning: &[
            "For whom some of these walls do not stand:",
            "{ \"@staff\" = [\"hide_homes\", \"no_new_privileges\"], \"carol\" = [\"close_devices\"] }.",
        ],
        apply: Entries(WALLED, |config, whom, v| sandbox::except(&mut config.sandbox, whom, v)),
    },
    Key {
        name: "idle.suspend_after",
        default: "\"30min\"",
        meaning: &[
            "How long a server is idle before it is suspended: it stands still, its memory is given back, and",
            "it wakes as it was when its person comes back. \"never\" suspends none.",
        ],
        apply: Value(|config, v| value::time(v).map(|time| config.idle.everybody.suspend_after = time)),
    },
    Key {
        name: "idle.stop_after",
        default: "\"never\"",
        meaning: &[
            "How long a server is idle before it is stopped, such as \"24h\", and with it what its kernels",
            "remember. A suspended server goes on being idle. \"never\" stops none.",
        ],
        apply: Value(|config, v| value::time(v).map(|time| config.idle.everybody.stop_after = time)),
    },
    Key {
        name: "idle.max_age",
        default: "\"never\"",
        meaning: &["How long after its start a server is stopped, idle or not, such as \"7d\"."],
        apply: Value(|config, v| value::time(v).map(|time| config.idle.everybody.max_age = time)),
    },
    Key {
        name: "idle.keep_max",
        default: "\"24h\"",
        meaning: &[
            "For how long a person may ask that their server is neither suspended nor stopped.",
            "\"none\" takes that from them, \"infinity\" is as long as they like.",
        ],
        apply: Value(|config, v| idle::keep(v).map(|time| config.idle.everybody.keep_max = time)),
    },
    Key {
        name: "idle.cpu_below",
        default: "\"5%\"",
        meaning: &["A server that uses this share of one CPU or more, over cpu_window, is not idle."],
        apply: Value(|config, v| idle::cpu(v).map(|percent| config.idle.cpu_below = percent)),
    },
    Key {
        name: "idle.cpu_window",
        default: "\"5min\"",
        meaning: &["Over how long that is measured. A server is watched as long as this before it counts as idle."],
        apply: Value(|config, v| value::time(v).map(|time| config.idle.cpu_window = time)),
    },
    Key {
        name: "idle.suspend_for_memory",
        default: "true",
        meaning: &[
            "When the machine is short of memory, are idle servers suspended before suspend_after is over? The",
            "one that is idle longest goes first. Those whose suspend_after is \"never\" are left alone.",
        ],
        apply: Value(|config, v| value::boolean(v).map(|flag| config.idle.suspend_for_memory = flag)),
    },
    Key {
        name: "idle.group",
        default: "{}",
        meaning: &[
            "Other times for the members of Unix groups, each with the keys suspend_after, stop_after, max_age",
            "and keep_max: { gpu = { suspend_after = \"10min\" } }, or as sections [idle.group.gpu].",
            "Of several groups the longest time of each key counts.",
        ],
        apply: Entries(RULES, |config, name, v| idle::group(&mut config.idle, name, v)),
    },
    Key {
        name: "idle.user",
        default: "{}",
        meaning: &["The same for people: { alice = { stop_after = \"never\" } }. It beats those of groups."],
        apply: Entries(RULES, |config, name, v| idle::user(&mut config.idle, name, v)),
    },
];

/// Sets one entry, keeping the list sorted by name.
pub(super) fn set_entry(list: &mut Vec<(String, String)>, name: &str, text: String) {
    list.retain(|(known, _)| known != name);
    let at = list.partition_point(|(known, _)| known.as_str() < name);
    list.insert(at, (name.to_owned(), text));
}

pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The known key a person most likely meant.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let last = |name: &'static str| name.rsplit('.').next().unwrap_or(name);
    let typed = name.rsplit('.').next().unwrap_or(name);
    let names = || KEYS.iter().map(|key| key.name).chain(limits::KEYS.iter().map(|key| key.name));
    names().find(|name| last(name) == typed).or_else(|| near::nearest(name, names(), SLIPS))
}

/// The shipped `/etc/hub/hub.toml`: every key explained and commented out at its default.
pub fn reference() -> String {
    let mut out = String::from(
        "# The hub's configuration. Every key stands here at its default: take the # away to change one.\n\
         # Files in hub.toml.d/*.toml are read after this one, in the order of their names; later keys win.\n\
         # `hubctl config check` looks for mistakes, `hubctl config show` tells what is in force and why.\n\
         # A table in two brackets, [[service]], may stand here many times, each time with another name.\n\
         # After a change: systemctl restart hub.service (running servers stay).\n",
    );
    for (section, sentence) in SECTIONS {
        out.extend(["\n# ", sentence, "\n[", section, "]\n"]);
        explain(&mut out, section, KEYS);
        explain(&mut out, section, limits::KEYS);
        if *section == limits::SECTION {
            out += limits::EXAMPLES;
        }
    }
    out += &tables::reference::<Profile>();
    out += &tables::reference::<Service>();
    out += &tables::reference::<Role>();
    out += &tables::reference::<CustomScope>();
    out += &tables::reference::<Group>();
    out
}

/// The keys of one section.
fn explain<T>(out: &mut String, section: &str, keys: &[Key<T>]) {
    let prefix = format!("{section}.");
    for (key, name) in keys.iter().filter_map(|key| Some((key, key.name.strip_prefix(&prefix)?))) {
        out.push('\n');
        for line in key.meaning {
            out.extend(["# ", line, "\n"]);
        }
        out.extend(["#", name, " = ", key.default, "\n"]);
    }
}
