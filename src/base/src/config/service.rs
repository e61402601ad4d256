//! `[[service]]`: programs that work with the hub for everybody.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use super::schema::Apply::{Entries, Secret as Hidden, Value};
use super::schema::{Key, LIMITS, STRINGS, set_entry};
use super::tables::Table;
use super::{Config, address, limits, value};
use crate::limits::Limits;
use crate::names::{ServiceName, UserName};
use crate::secret::Secret;

/// One `[[service]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What it is called.
    pub name: ServiceName,
    /// Where its pages are; `None` for a service without pages.
    pub url: Option<ServiceUrl>,
    /// Program and arguments; empty for a service that the hub does not start. The program is an absolute path or a
    /// bare name, which systemd looks for.
    pub command: Vec<String>,
    /// Its variables, sorted by name.
    pub environment: Vec<(String, String)>,
    /// The account it runs as; `None` is one that systemd makes up (`DynamicUser=`).
    pub user: Option<UserName>,
    /// Its working directory, an absolute path.
    pub directory: Option<PathBuf>,
    /// The token it shows; `None` makes a new one at each start.
    pub api_token: Option<ServiceToken>,
    /// Does it have the role `admin`?
    pub admin: bool,
    /// Its name as an OAuth client, when it is not `service-<name>`; see [`Service::client_id`].
    pub oauth_client_id: Option<String>,
    /// Where a login leads back to, when it is not `services/<name>/oauth_callback`: an address or a path.
    pub oauth_redirect_uri: Option<String>,
    /// What its people's tokens may do beyond identifying them.
    pub oauth_client_allowed_scopes: Vec<String>,
    /// Is nobody asked before it learns who they are?
    pub oauth_no_confirm: bool,
    /// What others may read about it, sorted by name.
    pub info: Vec<(String, String)>,
    /// Is it in the menu of the hub's pages?
    pub display: bool,
    /// How long it may take until it answers; [`super::NEVER`] for no limit.
    pub timeout: Duration,
    /// What it may use.
    pub limits: Limits,
    /// What happens when it ends.
    pub restart: Restart,
}

impl Service {
    /// A service of that name with the default of every other key.
    pub fn new(name: ServiceName) -> Self {
        Self {
            name,
            url: None,
            command: Vec::new(),
            environment: Vec::new(),
            user: None,
            directory: None,
            api_token: None,
            admin: false,
            oauth_client_id: None,
            oauth_redirect_uri: None,
            oauth_client_allowed_scopes: Vec::new(),
            oauth_no_confirm: false,
            info: Vec::new(),
            display: true,
            timeout: Duration::from_secs(30),
            limits: Limits::default(),
            restart: Restart::OnFailure,
        }
    }

    /// Does the hub start it (as `hub-service@<name>.service`)?
    pub fn is_managed(&self) -> bool {
        !self.command.is_empty()
    }

    /// Can people log in to it with OAuth?
    pub fn has_oauth(&self) -> bool {
        self.url.is_some() || self.oauth_redirect_uri.is_some()
    }

    /// Its name as an OAuth client: always starts with `service-`.
    pub fn client_id(&self) -> String {
        self.oauth_client_id.clone().unwrap_or_else(|| format!("service-{}", self.name))
    }
}

/// Where a service listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl {
    /// As it was written, without a slash at its end: the value of `JUPYTERHUB_SERVICE_URL`.
    pub text: String,
    /// The same, taken apart.
    pub target: ServiceTarget,
}

/// Where a service's pages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceTarget {
    /// `http://127.0.0.1:9000`
    Tcp {
        /// A name or an address; IPv6 without brackets.
        host: String,
        /// Never 0.
        port: u16,
        /// `https`? Never in a configuration: the hub cannot speak it.
        tls: bool,
    },
    /// `http+unix://%2Frun%2Fgrades%2Fsocket`: an absolute path of at most 107 bytes.
    Unix(PathBuf),
}

/// A token that stands in a configuration file: 8 to 64 visible ASCII characters.
///
/// Never shown, wiped when the last copy of the configuration goes.
#[derive(Clone)]
pub struct ServiceToken(Arc<Secret>);

impl ServiceToken {
    /// The characters. Do not copy them into anything that is not wiped.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// Not checked: the configuration's reader does that.
impl From<Secret> for ServiceToken {
    fn from(secret: Secret) -> Self {
        Self(Arc::new(secret))
    }
}

/// Compares two configurations; nothing that a stranger sends may be compared like this, as it takes telling time.
impl PartialEq for ServiceToken {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for ServiceToken {}

impl fmt::Debug for ServiceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// What happens when a service ends: systemd's `Restart=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// It is started again unless it ended well.
    OnFailure,
    /// It is started again.
    Always,
    /// It stays down.
    No,
}

impl Restart {
    /// The word for systemd: `on-failure`, `always` or `no`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnFailure => "on-failure",
            Self::Always => "always",
            Self::No => "no",
        }
    }
}

impl Table for Service {
    const WORD: &'static str = "service";
    const MEANING: &'static [&'static str] = &[
        "Services: programs that work with the hub for everybody, such as one that stops idle servers.",
        "The hub starts those with a command. What a service may do, a [[role]] says.",
    ];
    const NAME: &'static [&'static str] = &[
        "Its pages are below services/<name>/, its unit is hub-service@<name>.service.",
        "At most 64 letters, digits and _.-~ with a letter or a digit first.",
    ];
    const EXAMPLE: &'static str = "idle-culler";
    const EXAMPLE_KEYS: &'static [(&'static str, &'static str)] =
        &[("command", "[\"python3\", \"-m\", \"jupyterhub_idle_culler\", \"--timeout=3600\"]")];
    const KEYS: &'static [Key<Self>] = KEYS;

    fn new(name: &str) -> Result<Self, String> {
        let name = ServiceName::parse(name)
            .map_err(|error| format!("{} is not the name of a service: {error}", value::quote(name)))?;
        Ok(Self::new(name))
    }

    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn list(config: &Config) -> &[Self] {
        &config.services
    }

    fn list_mut(config: &mut Config) -> &mut Vec<Self> {
        &mut config.services
    }
}

const KEYS: &[Key<Service>] = &[
    Key {
        name: "url",
        default: "\"\"",
        meaning: &[
            "Where it listens, if it has pages: \"http://127.0.0.1:9000\", \"http+unix://%2Frun%2Fgrades.sock\".",
            "It sees the whole path, /services/<name>/ included. The hub does not speak https with it.",
        ],
        apply: Value(|service, v| address::service(v).map(|url| service.url = url)),
    },
    Key {
        name: "command",
        default: "[]",
        meaning: &[
            "The program and its arguments: an absolute path, or a name that systemd looks for.",
            "[], the default, is a service that is started elsewhere.",
        ],
        apply: Value(|service, v| command(v).map(|argv| service.command = argv)),
    },
    Key {
        name: "environment",
        default: "{}",
        meaning: &[
            "Its variables, besides those of the hub. Only root and the account it runs as see them, and",
            "whoever may read this file.",
        ],
        apply: Entries(STRINGS, |service, name, v| {
            set_entry(&mut service.environment, name, value::variable(name, v)?);
            Ok(())
        }),
    },
    Key {
        name: "user",
        default: "\"\"",
        meaning: &["The account it runs as. \"\" is one that systemd makes up and that owns nothing."],
        apply: Value(|service, v| user(v).map(|user| service.user = user)),
    },
    Key {
        name: "directory",
        default: "\"\"",
        meaning: &["Its working directory, an absolute path. \"\" is /."],
        apply: Value(|service, v| address::folder(v).map(|path| service.directory = path)),
    },
    Key {
        name: "api_token",
        default: "\"\"",
        meaning: &[
            "The token it shows to the hub, 8 to 64 characters. \"\" makes one at each start, which is best",
            "for a service with a command. Otherwise keep it in a file of hub.toml.d that only root",
            "and the group _hubd can read.",
        ],
        apply: Hidden(|service, v| token(v).map(|token| service.api_token = token)),
    },
    Key {
        name: "admin",
        default: "false",
        meaning: &["May it do what administrators may? A [[role]] with the few scopes it needs is better."],
        apply: Value(|service, v| value::boolean(v).map(|flag| service.admin = flag)),
    },
    Key {
        name: "oauth_client_id",
        default: "\"\"",
        meaning: &["Its name as an OAuth client, which begins with \"service-\". \"\" is service-<name>."],
        apply: Value(|service, v| client_id(v).map(|id| service.oauth_client_id = id)),
    },
    Key {
        name: "oauth_redirect_uri",
        default: "\"\"",
        meaning: &["Where a login leads back to. \"\" is services/<name>/oauth_callback."],
        apply: Value(|service, v| address::redirect(v).map(|uri| service.oauth_redirect_uri = uri)),
    },
    Key {
        name: "oauth_client_allowed_scopes",
        default: "[]",
        meaning: &["What it may do in the name of the people who log in to it, if they may: [\"read:users!user\"]."],
        apply: Value(|service, v| value::scopes(v).map(|list| service.oauth_client_allowed_scopes = list)),
    },
    Key {
        name: "oauth_no_confirm",
        default: "false",
        meaning: &["Does a login to it go on without asking the person whether it may?"],
        apply: Value(|service, v| value::boolean(v).map(|flag| service.oauth_no_confirm = flag)),
    },
    Key {
        name: "info",
        default: "{}",
        meaning: &["What the API tells about it, free names: { contact = \"root@example.org\" }."],
        apply: Entries(STRINGS, |service, name, v| {
            set_entry(&mut service.info, name, value::entry(name, v)?);
            Ok(())
        }),
    },
    Key {
        name: "display",
        default: "true",
        meaning: &["Is it in the menu of the hub's pages, for those who may use it?"],
        apply: Value(|service, v| value::boolean(v).map(|flag| service.display = flag)),
    },
    Key {
        name: "timeout",
        default: "\"30s\"",
        meaning: &["How long it may take to start, until its url answers."],
        apply: Value(|service, v| value::time(v).map(|time| service.timeout = time)),
    },
    Key {
        name: "limits",
        default: "{}",
        meaning: &[
            "What it may use, with the keys of [limits]: { memory_max = \"512M\" }.",
            "What [limits] itself says is for people's servers only.",
        ],
        apply: Entries(LIMITS, |service, name, v| limits::set_of_service(&mut service.limits, name, v)),
    },
    Key {
        name: "restart",
        default: "\"on-failure\"",
        meaning: &["When is it started again after it ended: \"on-failure\", \"always\" or \"no\"?"],
        apply: Value(|service, v| {
            let words = [Restart::OnFailure, Restart::Always, Restart::No].map(|word| (word.as_str(), word));
            value::word(v, &words).map(|word| service.restart = word)
        }),
    },
];

fn command(v: &DeValue<'_>) -> Result<Vec<String>, String> {
    let argv = value::strings(v, "a list such as [\"python3\", \"-m\", \"jupyterhub_idle_culler\"]")?;
    let Some(program) = argv.first() else {
        return Ok(argv);
    };
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+');
    if !program.starts_with('/') && (program.is_empty() || !program.chars().all(bare)) {
        let shown = value::quote(program);
        return Err(format!("expected an absolute path or the bare name of a program as the first entry, got {shown}"));
    }
    if argv.iter().any(|word| word.contains('\0')) {
        return Err("expected words without NUL characters".to_owned());
    }
    Ok(argv)
}

fn user(v: &DeValue<'_>) -> Result<Option<UserName>, String> {
    match value::string(v, "\"\" or the name of an account")? {
        "" => Ok(None),
        name => UserName::parse(name)
            .map(Some)
            .map_err(|error| format!("{} is not the name of a user: {error}", value::quote(name))),
    }
}

/// Says nothing of what it found: that may be most of a token.
fn token(v: &DeValue<'_>) -> Result<Option<ServiceToken>, String> {
    match v.as_str() {
        Some("") => Ok(None),
        Some(text) if (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) => {
            Ok(Some(ServiceToken(Arc::new(Secret::from(text.to_owned())))))
        }
        _ => Err("expected \"\" or 8 to 64 characters: ASCII letters, digits and signs".to_owned()),
    }
}

fn client_id(v: &DeValue<'_>) -> Result<Option<String>, String> {
    let wanted = "\"\" or \"service-\" and more letters, digits and _.-~";
    let text = value::string(v, wanted)?;
    if text.is_empty() {
        return Ok(None);
    }
    let rest = text.strip_prefix("service-").unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'~');
    if !rest.is_empty() && text.len() <= 255 && rest.bytes().all(plain) {
        Ok(Some(text.to_owned()))
    } else {
        Err(value::expected(wanted, v))
    }
}
