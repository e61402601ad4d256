//! The way to PAM: one connection to `/run/hub/login.sock` per attempt, one `hub-login` process behind it.
//!
//! Invariant: passwords live in [`Secret`] and in the socket, nowhere else. At most [`RUNNING_MAX`] attempts
//! run, [`WAITING_MAX`] more wait, the rest are told to come back; [`ASKED_MAX`] more may wait for a person's answer.

pub mod conversation;
mod wire;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hubd_base::names::UserName;
use hubd_base::secret::Secret;
use hubd_proto::login::{Outcome, Reply, Request, TextKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use self::conversation::{Conversation, Opening};
use self::wire::Wire;
use super::random::{NoRandomness, random_hex};

/// Attempts that run at once. PAM delays a wrong password by about two seconds, so this is 8 a second at worst.
pub const RUNNING_MAX: usize = 16;
/// Attempts that wait for a place.
pub const WAITING_MAX: usize = 128;
/// Attempts that wait for a person's answer. With those that run fewer than `MaxConnections=` of `hub-login.socket`.
pub const ASKED_MAX: usize = 40;
/// Sessions whose words of PAM are kept for their home page.
const WORDS_MAX: usize = 1000;
/// How long an attempt waits for a place before it is told to come back.
const WAIT: Duration = Duration::from_secs(20);
/// How long PAM may work between two questions, and how long a person may think about one, before the hub gives
/// the attempt up; the unit's own `RuntimeMaxSec=` ends the process.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Longest name and answer that are passed on, bytes; PAM's own limit is 512.
pub const FIELD_MAX: usize = 512;

/// A text of PAM for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// How it is meant.
    pub kind: TextKind,
    /// PAM's words.
    pub text: String,
}

/// How an attempt ended, for the page.
#[derive(Debug)]
pub struct Verdict {
    /// The closed answer.
    pub outcome: Outcome,
    /// What PAM itself wants the person to read, in order: what it said since its last question.
    pub said: Vec<Said>,
}

impl Verdict {
    /// The account, and whether the policy calls it an administrator, if PAM and the policy let it in.
    pub fn accepted(&self) -> Option<(&UserName, bool)> {
        match &self.outcome {
            Outcome::Accepted { user, admin, .. } => Some((user, *admin)),
            _ => None,
        }
    }
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Too many attempts at once; come back later.
    #[error("{RUNNING_MAX} logins are running and {WAITING_MAX} are waiting")]
    Busy,
    /// The helper cannot be reached.
    #[error("cannot reach hub-login at {path}: {source}; is hub-login.socket running?")]
    Connect {
        /// The socket.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The helper ended before its last word, or said something that makes no sense.
    #[error("hub-login broke off: {0}")]
    Broken(String),
    /// PAM did not come to an end.
    #[error("PAM gave no answer within {} s", .0.as_secs())]
    Deadline(Duration),
    /// The module asked for something that was not given with the attempt.
    #[error("PAM asks a question beyond those that were answered: {0}")]
    Question(String),
    /// The person gave no answer in time.
    #[error("nobody answered PAM's question in time")]
    Late,
}

impl LoginError {
    /// Tells the journal. Attempts that PAM judged are told by `hub-login`; these never came so far.
    pub fn report(&self, client: &str) {
        if matches!(self, Self::Busy | Self::Late) {
            tracing::info!(hub_client = client, "A login from {client} was given up: {self}");
        } else {
            tracing::warn!(hub_client = client, "A login from {client} came to no end, carrying on: {self}");
        }
    }
}

/// Lets a bounded number of attempts through. Cheap to copy; the copies are one door.
#[derive(Clone, Debug)]
pub struct Door(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    deadline: Duration,
    places: Arc<Semaphore>,
    seats: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// What waits for answers, by id. Its size is bounded by the seats.
    open: Mutex<HashMap<String, Arc<Conversation>>>,
    /// What PAM said to people who are in, by session, until their home page shows it.
    words: Mutex<HashMap<String, Vec<Said>>>,
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Door {
    /// A door to the helper at that socket. `deadline` is [`DEADLINE`], save for tests.
    pub fn new(path: PathBuf, deadline: Duration) -> Self {
        let [places, seats] = [RUNNING_MAX, ASKED_MAX].map(|most| Arc::new(Semaphore::new(most)));
        let (waiting, open, words) = (AtomicUsize::new(0), Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { path, deadline, places, seats, waiting, open, words }))
    }

    /// How many attempts run (those that wait for a person too), and how many wait for a place.
    pub fn load(&self) -> (usize, usize) {
        let taken = |of: &Semaphore, most: usize| most - of.available_permits().min(most);
        let running = taken(&self.0.places, RUNNING_MAX) + taken(&self.0.seats, ASKED_MAX);
        (running, self.0.waiting.load(Ordering::Relaxed))
    }

    /// Whether an attempt runs or waits, also for its person's next page.
    pub fn is_at_work(&self) -> bool {
        self.load() != (0, 0) || !self.open().is_empty()
    }

    /// Asks PAM about a name, a password and, if PAM has a second question, a one-time code, all at once.
    /// `remote_host`: the caller's address, for `PAM_RHOST`.
    pub async fn attempt(
        &self,
        user: &str,
        password: Secret,
        code: Option<Secret>,
        remote_host: &str,
    ) -> Result<Verdict, LoginError> {
        let _place = self.enter().await?;
        let recite = self.recite(user, password, code, remote_host);
        timeout(self.deadline(), recite).await.map_err(|_| LoginError::Deadline(self.deadline()))?
    }

    /// Begins a login whose further questions that browser answers. Whatever it had begun before is broken off.
    ///
    /// # Errors
    /// The kernel has no randomness to give.
    pub fn begin(&self, opening: Opening, browser: &str) -> Result<Arc<Conversation>, NoRandomness> {
        self.open().retain(|_, other| !other.is_of(browser));
        Ok(Conversation::begin(self, random_hex()?, opening, browser))
    }

    /// Keeps a conversation for the answers to come; it would end with its last holder otherwise.
    pub fn keep(&self, conversation: &Arc<Conversation>) {
        self.open().insert(conversation.id.clone(), Arc::clone(conversation));
    }

    /// The conversation of that browser with this id, unless it is over for good.
    pub fn find(&self, id: &str, browser: &str) -> Option<Arc<Conversation>> {
        self.open().get(id).filter(|found| found.is_of(browser)).cloned()
    }

    /// Leaves what PAM said with a welcome for the home page of that session.
    pub fn leave_words(&self, session: &str, said: &[Said]) {
        let mut words = self.words();
        // Only of people who never opened their home page.
        if words.len() >= WORDS_MAX {
            words.clear();
        }
        if !said.is_empty() {
            words.insert(session.to_owned(), said.to_vec());
        }
    }

    /// Takes what was left for that session.
    pub fn take_words(&self, session: &str) -> Vec<Said> {
        self.words().remove(session).unwrap_or_default()
    }

    fn words(&self) -> MutexGuard<'_, HashMap<String, Vec<Said>>> {
        self.0.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, id: &str) {
        self.open().remove(id);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Arc<Conversation>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self) -> &Path {
        &self.0.path
    }

    fn deadline(&self) -> Duration {
        self.0.deadline
    }

    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.places).acquire_owned().await.ok()
    }

    async fn seat(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.seats).acquire_owned().await.ok()
    }

    async fn enter(&self) -> Result<OwnedSemaphorePermit, LoginError> {
        let waiting = &self.0.waiting;
        if waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(LoginError::Busy);
        }
        let _waiting = Waiting(waiting);
        timeout(WAIT, self.place()).await.ok().flatten().ok_or(LoginError::Busy)
    }

    async fn recite(
        &self,
        user: &str,
        password: Secret,
        code: Option<Secret>,
        remote_host: &str,
    ) -> Result<Verdict, LoginError> {
        let mut wire = Wire::begin(self.path(), user, remote_host, false, "").await?;
        let (mut password, mut code) = (Some(password), code);
        let mut said = Vec::new();
        loop {
            match wire.receive().await? {
                Reply::Prompt { echo: false, text } => match password.take().or_else(|| code.take()) {
                    Some(answer) => wire.send(&Request::Answer(answer)).await?,
                    None => return Err(LoginError::Question(text)),
                },
                Reply::Prompt { echo: true, text } => return Err(LoginError::Question(text)),
                Reply::Text { kind, text } => said.push(Said { kind, text }),
                Reply::PasswordExpired => return Err(LoginError::Broken("a change nobody asked for".into())),
                Reply::Done(outcome) => return Ok(Verdict { outcome, said }),
            }
        }
    }
}
