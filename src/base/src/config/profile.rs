//! `[[profile]]`: kinds of servers that people choose from when they start one.

use toml::de::DeValue;

use super::schema::Apply::{Entries, Value};
use super::schema::{Key, LIMITS, STRINGS, set_entry};
use super::tables::Table;
use super::{Allow, Config, IdleRule, idle, limits, value};
use crate::limits::Limits;

/// Characters of a name, which people and programs type.
const NAME_MAX: usize = 64;
/// The language that stands for all others.
const ENGLISH: &str = "en";

/// One `[[profile]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// What it is called: 1 to 64 characters on one line, no blanks around.
    pub name: String,
    /// What people read about it.
    pub description: Localised,
    /// Who may use it.
    pub allow: Allow,
    /// Is it taken when nobody chose? Of several the first that the person may use is.
    pub default: bool,
    /// What its servers may use, over what `[limits]` says of everybody and of groups.
    pub limits: Limits,
    /// Its variables, sorted by name, over those of `[server]`.
    pub environment: Vec<(String, String)>,
    /// Program and first arguments in place of those of `[server]`; `None` keeps those.
    pub command: Option<Vec<String>>,
    /// What becomes of its servers when they are idle, over what `[idle]` says of everybody and of groups.
    pub idle: IdleRule,
}

impl Profile {
    /// A profile of that name with the default of every other key.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: Localised::default(),
            allow: Allow::All,
            default: false,
            limits: Limits::default(),
            environment: Vec::new(),
            command: None,
            idle: IdleRule::default(),
        }
    }

    /// Changes what the configuration says of servers into what it says of this profile's.
    pub fn change(&self, server: &mut super::Server) {
        for (name, text) in &self.environment {
            set_entry(&mut server.environment, name, text.clone());
        }
        if let Some(command) = &self.command {
            server.command = Some(command.clone());
        }
    }
}

/// A text in one or several languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Localised(Vec<(String, String)>);

impl Localised {
    /// The text for a language such as `zh-CN`; where it is missing, the English one or else the first. Empty when there
    /// is none.
    pub fn get(&self, language: &str) -> &str {
        let find = |wanted: &str| self.0.iter().find(|(tag, _)| tag == wanted);
        find(language).or_else(|| find(ENGLISH)).or(self.0.first()).map_or("", |(_, text)| text)
    }

    /// Every language with its text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(tag, text)| (tag.as_str(), text.as_str()))
    }
}

/// The same text in every language.
impl From<&str> for Localised {
    fn from(text: &str) -> Self {
        Self(vec![(ENGLISH.to_owned(), text.to_owned())])
    }
}

impl Table for Profile {
    const WORD: &'static str = "profile";
    const MEANING: &'static [&'static str] = &[
        "Profiles: kinds of servers that people choose from when they start one. Without any, every",
        "server is what [server] and [limits] say.",
    ];
    const NAME: &'static [&'static str] = &["What people and programs call it: \"big\"."];
    const EXAMPLE: &'static str = "big";
    const EXAMPLE_KEYS: &'static [(&'static str, &'static str)] = &[
        ("description", "{ en = \"8 GB, 4 cores\", zh-CN = \"8 GB 内存，4 核\" }"),
        ("allow", "[\"@staff\"]"),
        ("limits", "{ memory_max = \"8G\", cpu_quota = \"400%\" }"),
    ];
    const KEYS: &'static [Key<Self>] = KEYS;

    fn new(name: &str) -> Result<Self, String> {
        let count = name.chars().count();
        if name.trim() != name || !(1..=NAME_MAX).contains(&count) || name.contains(char::is_control) {
            let shown = value::quote(name);
            return Err(format!("expected 1 to {NAME_MAX} characters on one line without blanks around, got {shown}"));
        }
        Ok(Self::new(name))
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn list(config: &Config) -> &[Self] {
        &config.profiles
    }

    fn list_mut(config: &mut Config) -> &mut Vec<Self> {
        &mut config.profiles
    }
}

const KEYS: &[Key<Profile>] = &[
    Key {
        name: "description",
        default: "\"\"",
        meaning: &["One sentence for people, in one language or several: { en = \"...\", zh-CN = \"...\" }."],
        apply: Value(|profile, v| localised(v).map(|text| profile.description = text)),
    },
    Key {
        name: "allow",
        default: "\"all\"",
        meaning: &["Who may use it: \"all\", or a list of people and Unix groups such as [\"alice\", \"@staff\"]."],
        apply: Value(|profile, v| allow(v).map(|allow| profile.allow = allow)),
    },
    Key {
        name: "default",
        default: "false",
        meaning: &["Is it taken when nobody chose? Of several the first that the person may use is."],
        apply: Value(|profile, v| value::boolean(v).map(|flag| profile.default = flag)),
    },
    Key {
        name: "limits",
        default: "{}",
        meaning: &["What its servers may use, with the keys of [limits]. It beats [limits] and its groups."],
        apply: Entries(LIMITS, |profile, name, v| limits::set(&mut profile.limits, name, v)),
    },
    Key {
        name: "environment",
        default: "{}",
        meaning: &["Its variables, over those of server.environment. Everybody can read them: no secrets here."],
        apply: Entries(STRINGS, |profile, name, v| {
            set_entry(&mut profile.environment, name, value::variable(name, v)?);
            Ok(())
        }),
    },
    Key {
        name: "command",
        default: "[]",
        meaning: &["The program and its first arguments, in place of server.command. [] keeps that."],
        apply: Value(|profile, v| value::command(v).map(|argv| profile.command = argv)),
    },
    Key {
        name: "idle",
        default: "{}",
        meaning: &[
            "When its servers are suspended and stopped: { suspend_after = \"2h\", stop_after = \"never\" }, with",
            "the keys of [idle.group.NAME]. [idle.user.NAME] beats it.",
        ],
        apply: Value(|profile, v| idle::rule(&mut profile.idle, v)),
    },
];

/// A profile for nobody would only be a riddle.
fn allow(v: &DeValue<'_>) -> Result<Allow, String> {
    match value::allow(v)? {
        Allow::Only(list) if list.is_empty() => {
            Err("nobody could use this profile: name people or groups, or take it out".to_owned())
        }
        allow => Ok(allow),
    }
}

fn localised(v: &DeValue<'_>) -> Result<Localised, String> {
    let wanted = "a sentence, or one for each language such as { en = \"8 GB\", zh-CN = \"8 GB 内存\" }";
    let Some(table) = v.as_table() else {
        return match v.as_str() {
            Some("") => Ok(Localised::default()),
            Some(_) => value::line(v).map(|text| Localised::from(text.as_str())),
            None => Err(value::expected(wanted, v)),
        };
    };
    let entry = |(tag, item): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let tag: &toml::de::DeString<'_> = tag.get_ref();
        let good = (2..=16).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !good {
            return Err(value::expected(wanted, v));
        }
        Ok((tag.to_string(), value::line(item.get_ref())?))
    };
    table.iter().map(entry).collect::<Result<_, _>>().map(Localised)
}
