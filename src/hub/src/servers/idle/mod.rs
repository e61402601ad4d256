//! Servers that nobody uses: what is known of them, what is made of that, and what is done then.
//!
//! [`watched`] is what was seen, [`verdict`] what follows from it, [`look`] the eyes and [`apply`] the hands.
//!
//! Invariants: all that is known is in the store, too, so that a hub which goes away and comes back judges as if it had
//! been there all along: not everybody is idle to it, and not everybody active. In doubt a server is left alone.

mod apply;
mod jupyter;
mod kernel;
mod look;
mod meter;
mod pressure;
pub mod verdict;
pub mod watched;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hubd_base::config::{Config, IdlePolicy, IdleRule};
use hubd_base::limits::Person;
use hubd_base::names::UserName;
use hubd_base::profiles::choose;
use tokio::time::Instant;

pub use apply::{Deed, Done};
pub use pressure::Shortage;
pub use verdict::{Reason, Verdict, Why};
pub use watched::Watched;

use super::profiles;
use super::registry::Servers;
use super::server::Server;
use crate::auth::accounts::Accounts;
use crate::clock::Usec;
use crate::store::StoreError;
use crate::store::idle_rows::IdleRow;
use verdict::{Signs, judge};

/// For how long a person's groups are not asked for again.
const GROUPS: Duration = Duration::from_secs(60);

/// What the hub remembers of a server's idleness.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Until when it is to be left as it is.
    pub keep_until: Option<Usec>,
    /// Why the hub stopped it, and when, until its next start.
    pub ended: Option<(Why, Usec)>,
    /// What the last looks saw.
    pub watched: Watched,
    /// What holds for it, as far as it was asked for in this process.
    policy: Option<IdlePolicy>,
}

/// Why a server is not kept as its person wishes.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Longer than the person may ask for; zero is not at all.
    #[error("a server can be kept for {} at most", humantime::format_duration(*.0))]
    TooLong(Duration),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Groups = HashMap<UserName, (Instant, Vec<String>)>;

/// Knows which servers are idle; one for the hub.
pub struct Idle {
    servers: Servers,
    config: Config,
    accounts: Arc<dyn Accounts>,
    groups: Mutex<Groups>,
    /// Held while servers are judged and dealt with: two who ask at once share the outcome of one after the other.
    turn: tokio::sync::Mutex<()>,
    /// What was done for want of memory.
    pub shortage: Shortage,
}

impl Idle {
    /// For these servers, by these rules.
    pub fn new(servers: Servers, config: &Config, accounts: Arc<dyn Accounts>) -> Self {
        let (config, groups, turn) = (config.clone(), Mutex::default(), tokio::sync::Mutex::default());
        Self { servers, config, accounts, groups, turn, shortage: Shortage::default() }
    }

    /// What holds for a server. Where the name service does not answer, groups are as good as none.
    pub async fn policy(&self, server: &Server) -> IdlePolicy {
        let user = &server.id.user;
        let profiles = self.config.profiles.iter().any(|profile| profile.idle != IdleRule::default());
        let asks = profiles || self.config.idle.asks_for_groups();
        let groups = if asks { self.groups_of(user).await } else { Vec::new() };
        let details = server.details().unwrap_or_default();
        let chosen = profiles::chosen(&details.user_options).unwrap_or_default();
        // One that is not there any more says nothing.
        let profile = choose(&self.config, Person { name: user, groups: &groups }, chosen).ok().flatten();
        let policy = self.config.idle.policy(user, &groups, profile.map(|profile| &profile.idle));
        server.memory().policy = Some(policy);
        policy
    }

    /// The same by what is known already; a person's groups may not be.
    pub fn policy_known(&self, server: &Server) -> IdlePolicy {
        let known = server.memory().policy;
        known.unwrap_or_else(|| self.config.idle.policy(&server.id.user, &[], None))
    }

    async fn groups_of(&self, user: &UserName) -> Vec<String> {
        let known = |groups: &mut Groups| {
            groups.retain(|_, (asked, _)| asked.elapsed() < GROUPS);
            groups.get(user).map(|(_, groups)| groups.clone())
        };
        if let Some(groups) = known(&mut self.groups.lock().unwrap_or_else(PoisonError::into_inner)) {
            return groups;
        }
        match self.accounts.groups(user.clone()).await {
            Ok(found) => {
                let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
                groups.insert(user.clone(), (Instant::now(), found.clone()));
                found
            }
            Err(error) => {
                tracing::warn!("cannot look up the groups of {user}, ignoring: {error}");
                Vec::new()
            }
        }
    }

    /// What is to be said of a server by what is known already: nothing is read, nobody is asked. `None` for a server
    /// that is not ready.
    pub fn verdict(&self, server: &Server, now: Usec) -> Option<Verdict> {
        let policy = self.policy_known(server);
        let snapshot = server.snapshot();
        if !snapshot.state.is_ready() {
            return None;
        }
        let memory = server.memory().clone();
        let fresh = Watched::default();
        // What was seen of another run says nothing of this one.
        let this_run = snapshot.invocation.as_deref() == Some(memory.watched.invocation.as_str());
        let signs = Signs {
            state: snapshot.state,
            started: snapshot.started.or(Some(snapshot.since)),
            attended: server.attended(),
            keep_until: memory.keep_until,
            watched: if this_run { &memory.watched } else { &fresh },
        };
        Some(judge(&signs, &policy, now))
    }

    /// Leaves a server as it is until then, neither suspended nor stopped for idleness or age; `None` ends that.
    pub async fn keep(&self, server: &Server, until: Option<Usec>, now: Usec) -> Result<(), KeepError> {
        let max = self.policy(server).await.keep_max;
        let span = until.map_or(0, |until| until.saturating_sub(now));
        if until.is_some() && (max.is_zero() || span > Usec::try_from(max.as_micros()).unwrap_or(Usec::MAX)) {
            return Err(KeepError::TooLong(max));
        }
        let until = until.filter(|until| *until > now);
        self.servers.0.store.keep_until(server.id.clone(), until).await?;
        server.memory().keep_until = until;
        tracing::info!(
            hub_user = server.id.user.as_str(),
            hub_server = server.id.server.as_str(),
            hub_unit = server.id.unit_name(),
            "The server of {} is {}",
            server.id,
            until.map_or("not kept any longer".to_owned(), |until| format!("kept until {}", crate::clock::iso(until)))
        );
        Ok(())
    }
}

impl Server {
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when it is to be left as it is.
    pub fn kept_until(&self, now: Usec) -> Option<Usec> {
        self.memory().keep_until.filter(|until| *until > now)
    }

    /// Why the hub stopped it, and when; `None` where it did not, or it was started since.
    pub fn ended(&self) -> Option<(Why, Usec)> {
        self.memory().ended
    }

    /// Takes over what the store has.
    pub(super) fn remember(&self, row: IdleRow) {
        if let Some(when) = row.attended {
            self.set_attended(when);
        }
        let why = |word: &str| [Why::Idle, Why::MaxAge].into_iter().find(|why| why.word() == word);
        let mut memory = self.memory();
        memory.keep_until = row.keep_until;
        memory.ended = row.ended.and_then(|(word, when)| Some((why(&word)?, when)));
        // Unreadable is as good as never looked.
        memory.watched = row.watched.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    }

    /// Takes over what is known of the server that this one was until it got another name.
    pub(super) fn inherit(&self, former: &Self) {
        if let Some(when) = former.attended() {
            self.attend(when);
        }
        let memory = former.memory().clone();
        *self.memory() = memory;
    }
}

impl Servers {
    /// Writes to the store when people last did something with their servers.
    pub(super) async fn save_attendance(&self) {
        let attended = |server: Arc<Server>| Some((server.id.clone(), server.unsaved_attendance()?));
        let attended: Vec<_> = self.all().into_iter().filter_map(attended).collect();
        if attended.is_empty() {
            return;
        }
        if let Err(error) = self.0.store.attend_servers(attended).await {
            tracing::warn!("cannot write when people last used their servers, ignoring: {error}");
        }
    }

    /// Writes down why the hub stops a server; `None` when it starts again.
    pub(super) async fn note_end(&self, server: &Server, ended: Option<(Why, Usec)>) {
        if server.memory().ended == ended {
            return;
        }
        let row = ended.map(|(why, when)| (why.word().to_owned(), when));
        if let Err(error) = self.0.store.end_server(server.id.clone(), row).await {
            tracing::warn!("cannot write down why {} was stopped, ignoring: {error}", server.id);
        }
        server.memory().ended = ended;
    }
}
