//! Logs: of people's servers, of services and of the hub itself, and which logins failed.
//!
//! Invariant: nothing here decides who may read what; whoever asks has to. Every reading is bounded, every line was
//! cleaned by the broker.

mod broker;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use hubd_base::names::{ServerId, ServiceName};

use crate::clock::Usec;
use crate::servers::launcher::{JournalLine, LaunchError};
pub use broker::Broker;

/// Most lines of one reading.
pub const LINES_MAX: u32 = 1000;

/// Whose log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A person's server's.
    Server(ServerId),
    /// A service's and its forwarder's.
    Service(ServiceName),
    /// The hub's own.
    Hub(Part),
}

/// A part of the hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// All of them.
    #[default]
    All,
    /// This process.
    Web,
    /// What starts and stops servers.
    Broker,
    /// What talks to PAM.
    Login,
}

impl Part {
    /// In the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::All, Self::Web, Self::Broker, Self::Login];

    /// The word for it in addresses and on the bus.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Web => "hub",
            Self::Broker => "broker",
            Self::Login => "login",
        }
    }

    /// The part with this word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.word() == word)
    }
}

/// Which lines of a log that are there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The newest so many, [`LINES_MAX`] at most.
    pub lines: u32,
    /// Of this level (syslog, 0 to 7) or worse.
    pub priority: u8,
    /// Not older.
    pub since: Option<Usec>,
    /// Not newer.
    pub until: Option<Usec>,
}

/// Where to begin with lines that are still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// At this moment.
    Since(Usec),
    /// Behind the line with this cursor.
    After(String),
}

/// A line, and where in the journal it is.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Entry {
    /// The line.
    #[serde(flatten)]
    pub line: JournalLine,
    /// systemd's cursor: what comes behind it can be asked for.
    #[serde(default)]
    pub cursor: String,
}

/// A login that failed, as hub-login told the journal.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct FailedLogin {
    /// When, microseconds since 1970 UTC.
    pub time_usec: Usec,
    /// The account; empty where there is no account of the name that was typed, which is kept nowhere.
    pub user: String,
    /// The browser's address.
    pub client: String,
    /// `HUB_OUTCOME` of `docs/journal.md`.
    pub outcome: String,
    /// The whole sentence, in English.
    pub message: String,
}

/// Reads logs. Every call may take as long as the journal takes.
pub trait Journals: Send + Sync + 'static {
    /// The newest lines that fit, oldest first.
    fn read<'a>(&'a self, source: &'a Source, choice: &'a Choice) -> BoxFuture<'a, Result<Vec<Entry>, LaunchError>>;
    /// Lines of this level or worse as they come; ends by itself after some minutes.
    fn follow<'a>(
        &'a self,
        source: &'a Source,
        priority: u8,
        from: &'a Beginning,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Entry>, LaunchError>>;
    /// The newest logins that failed, oldest first; the level does not count.
    fn failed_logins<'a>(&'a self, choice: &'a Choice) -> BoxFuture<'a, Result<Vec<FailedLogin>, LaunchError>>;
}
