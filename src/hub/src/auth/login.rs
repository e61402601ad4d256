//! The way to PAM: one connection to `/run/hub/login.sock` per attempt, one `hub-login` process behind it.
//!
//! Invariant: passwords live in [`Secret`] and in the socket, nowhere else. At most [`RUNNING_MAX`] attempts
//! run, [`WAITING_MAX`] more wait, the rest are told to come back.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hubd_base::names::UserName;
use hubd_base::secret::Secret;
use hubd_proto::login::{FrameError, HEADER, Outcome, Reply, Request, TextKind, body_length};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Attempts that run at once. PAM delays a wrong password by about two seconds, so this is 8 a second at worst.
pub const RUNNING_MAX: usize = 16;
/// Attempts that wait for a place.
pub const WAITING_MAX: usize = 128;
/// How long an attempt waits for a place before it is told to come back.
const WAIT: Duration = Duration::from_secs(20);
/// How long one attempt may take before the hub gives it up; the unit's own `RuntimeMaxSec=` ends the process.
const DEADLINE: Duration = Duration::from_secs(60);

/// Longest name and password that are passed on, bytes; PAM's own limit is 512.
pub const FIELD_MAX: usize = 512;

/// How an attempt ended, for the page.
#[derive(Debug)]
pub struct Verdict {
    /// The closed answer.
    pub outcome: Outcome,
    /// What PAM itself wants the person to read, in order.
    pub texts: Vec<String>,
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
    #[error("PAM gave no answer within {} s", DEADLINE.as_secs())]
    Deadline,
    /// The module asked for something this page cannot ask for yet.
    #[error("PAM asks a question beyond name and password: {0}")]
    Question(String),
}

impl LoginError {
    /// Tells the journal. Attempts that PAM judged are told by `hub-login`; these never came so far.
    pub fn report(&self, client: &str) {
        if matches!(self, Self::Busy) {
            tracing::info!(hub_client = client, "A login from {client} found no place: {self}");
        } else {
            tracing::warn!(hub_client = client, "A login from {client} came to no end, carrying on: {self}");
        }
    }
}

/// Lets a bounded number of attempts through.
#[derive(Debug)]
pub struct Door {
    path: PathBuf,
    places: Semaphore,
    waiting: AtomicUsize,
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Door {
    /// A door to the helper at that socket.
    pub fn new(path: PathBuf) -> Self {
        Self { path, places: Semaphore::new(RUNNING_MAX), waiting: AtomicUsize::new(0) }
    }

    /// How many attempts run, and how many wait.
    pub fn load(&self) -> (usize, usize) {
        (RUNNING_MAX - self.places.available_permits().min(RUNNING_MAX), self.waiting.load(Ordering::Relaxed))
    }

    /// Asks PAM about a name and a password. `remote_host`: the browser's address, for `PAM_RHOST`.
    pub async fn attempt(&self, user: &str, password: Secret, remote_host: &str) -> Result<Verdict, LoginError> {
        let _place = self.enter().await?;
        timeout(DEADLINE, self.converse(user, password, remote_host)).await.map_err(|_| LoginError::Deadline)?
    }

    async fn enter(&self) -> Result<SemaphorePermit<'_>, LoginError> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(LoginError::Busy);
        }
        let _waiting = Waiting(&self.waiting);
        match timeout(WAIT, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(LoginError::Busy),
        }
    }

    async fn converse(&self, user: &str, password: Secret, remote_host: &str) -> Result<Verdict, LoginError> {
        let mut stream = UnixStream::connect(&self.path)
            .await
            .map_err(|source| LoginError::Connect { path: self.path.clone(), source })?;
        let begin = Request::Begin {
            user: user.as_bytes().to_vec(),
            remote_host: remote_host.to_owned(),
            change_expired: false,
        };
        send(&mut stream, &begin).await?;
        let mut password = Some(password);
        let mut texts = Vec::new();
        loop {
            match receive(&mut stream).await? {
                Reply::Prompt { echo: false, text } => match password.take() {
                    Some(password) => send(&mut stream, &Request::Answer(password)).await?,
                    None => return Err(LoginError::Question(text)),
                },
                Reply::Prompt { echo: true, text } => return Err(LoginError::Question(text)),
                Reply::Text { kind: TextKind::Info | TextKind::Error, text } => texts.push(text),
                Reply::PasswordExpired => return Err(LoginError::Broken("a change nobody asked for".into())),
                Reply::Done(outcome) => return Ok(Verdict { outcome, texts }),
            }
        }
    }
}

async fn send(stream: &mut UnixStream, request: &Request) -> Result<(), LoginError> {
    let frame = request.encode().map_err(|error| LoginError::Broken(error.to_string()))?;
    stream.write_all(&frame).await.map_err(|error| LoginError::Broken(error.to_string()))
}

async fn receive(stream: &mut UnixStream) -> Result<Reply, LoginError> {
    let broken = |error: std::io::Error| LoginError::Broken(error.to_string());
    let nonsense = |error: FrameError| LoginError::Broken(error.to_string());
    let mut header = [0; HEADER];
    stream.read_exact(&mut header).await.map_err(broken)?;
    let mut frame = vec![0; body_length(header).map_err(nonsense)?];
    stream.read_exact(&mut frame).await.map_err(broken)?;
    Reply::decode(&frame).map_err(nonsense)
}
