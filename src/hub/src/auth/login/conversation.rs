//! A login whose questions a person answers page by page.
//!
//! A task of its own talks to PAM, so that a browser that sends a form twice, goes back or leaves does not break the
//! conversation off midway. Once PAM asks a person, the login gives its place among the running ones back for a seat
//! among those that wait for people, so that people who think keep nobody else out.
//! Invariant: each question takes one answer. The task ends at a deadline, or when nobody holds the conversation any
//! more; either way `hub-login` is hung up on.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hubd_base::secret::Secret;
use hubd_proto::login::{Reply, Request};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::wire::Wire;
use super::{Door, LoginError, Said, Verdict, WAIT};
use crate::clock::{Usec, now};

/// The whole conversation takes at most this many times the deadline of one question.
const STRETCHES: u32 = 4;
/// How long an ending is kept for a browser that sends its last answer twice.
const GRACE: Duration = Duration::from_secs(10);

/// What PAM wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Counts the questions of the conversation, from 1.
    pub step: u32,
    /// May the answer be seen while it is typed?
    pub echo: bool,
    /// PAM's words.
    pub text: String,
    /// What PAM said since the last question, in order.
    pub said: Vec<Said>,
    /// Is it about the change of an expired password?
    pub changing: bool,
    /// When the answer must be there.
    pub until: Usec,
}

/// How far a conversation is.
#[derive(Clone, Debug)]
pub enum Now {
    /// PAM works.
    Working,
    /// PAM waits for the person.
    Asked(Question),
    /// It is over.
    Over(Arc<Result<Verdict, LoginError>>),
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// PAM has it; or had it before, word for word, as its last one.
    Yes,
    /// The question was answered before; nothing was done.
    Late,
}

type Fingerprint = [u8; 32];

#[derive(Default)]
struct Slot {
    open: Option<(u32, oneshot::Sender<Secret>)>,
    last: Option<Fingerprint>,
}

struct Shared {
    now: watch::Sender<Now>,
    slot: Mutex<Slot>,
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is open and what is shown change together.
    fn turn(&self, open: Option<(u32, oneshot::Sender<Secret>)>, now: Now) {
        let mut slot = self.slot();
        slot.open = open;
        self.now.send_replace(now);
    }
}

/// A running login. When the last one who holds it lets go, it is broken off.
pub struct Conversation {
    /// Unguessable; comes back with each answer.
    pub id: String,
    /// The name as it was typed.
    pub user: String,
    /// When it began.
    pub begun: Instant,
    browser: String,
    told: AtomicBool,
    shared: Arc<Shared>,
    _alive: DropGuard,
}

impl fmt::Debug for Conversation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Conversation")
    }
}

impl Conversation {
    /// Begins to talk. `browser` is whom it belongs to.
    pub(super) fn begin(door: &Door, id: String, opening: Opening, browser: &str) -> Arc<Self> {
        let (now, _) = watch::channel(Now::Working);
        let shared = Arc::new(Shared { now, slot: Mutex::default() });
        let left = CancellationToken::new();
        let conversation = Self {
            id: id.clone(),
            user: opening.user.clone(),
            begun: Instant::now(),
            browser: browser.to_owned(),
            told: AtomicBool::new(false),
            shared: Arc::clone(&shared),
            _alive: left.clone().drop_guard(),
        };
        let door = door.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = left.cancelled() => {}
                () = talk(&door, opening, shared) => door.forget(&id),
            }
        });
        Arc::new(conversation)
    }

    /// Does it belong to this browser?
    pub fn is_of(&self, browser: &str) -> bool {
        self.browser.as_bytes().ct_eq(browser.as_bytes()).into()
    }

    /// Waits until PAM asks something or is at its end.
    pub async fn settled(&self) -> Now {
        let mut now = self.shared.now.subscribe();
        match now.wait_for(|now| !matches!(now, Now::Working)).await {
            Ok(now) => now.clone(),
            Err(_) => Now::Over(Arc::new(Err(LoginError::Late))),
        }
    }

    /// Answers a question.
    pub fn answer(&self, step: u32, answer: Secret) -> Taken {
        let fingerprint = self.fingerprint(step, &answer);
        let mut slot = self.shared.slot();
        match slot.open.take_if(|(asked, _)| *asked == step) {
            Some((_, give)) => {
                slot.last = Some(fingerprint);
                // Before anybody looks again, the question is no longer open.
                self.shared.now.send_replace(Now::Working);
                // The task may have met its deadline in this moment, and then says so.
                let _ = give.send(answer);
                Taken::Yes
            }
            None if slot.last.is_some_and(|last| last.ct_eq(&fingerprint).into()) => Taken::Yes,
            None => Taken::Late,
        }
    }

    /// True once: for whoever is the first to tell how it ended.
    pub fn tell(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }

    fn fingerprint(&self, step: u32, answer: &Secret) -> Fingerprint {
        let salted = Sha256::new().chain_update(self.id.as_bytes()).chain_update(step.to_be_bytes());
        salted.chain_update(answer.expose()).finalize().into()
    }
}

/// What a person typed first.
pub struct Opening {
    /// The name, as typed.
    pub user: String,
    /// For the first hidden question.
    pub password: Secret,
    /// For the first hidden question after the password, if it came along.
    pub code: Option<Secret>,
    /// The browser's address, for `PAM_RHOST`.
    pub remote_host: String,
    /// In which language PAM should speak, as gettext names it.
    pub language: &'static str,
}

/// From the first word to the last, and a while longer for those who ask twice.
async fn talk(door: &Door, opening: Opening, shared: Arc<Shared>) {
    let ending = match door.enter().await {
        Ok(place) => Talk::run(door, opening, place, &shared).await,
        Err(error) => Err(error),
    };
    let unattended = matches!(ending, Err(LoginError::Late));
    shared.turn(None, Now::Over(Arc::new(ending)));
    if !unattended {
        sleep(GRACE).await;
    }
}

struct Talk<'a> {
    door: &'a Door,
    shared: &'a Shared,
    wire: Wire,
    /// A place among those that run, until the first question; a seat among those that were asked from then on.
    hold: OwnedSemaphorePermit,
    /// The password of the first page, until the change of an expired one has asked for it.
    password: Option<Secret>,
    code: Option<Secret>,
    /// Does the next hidden question get the password?
    give: bool,
    said: Vec<Said>,
    changing: bool,
    step: u32,
    end: Instant,
}

impl<'a> Talk<'a> {
    async fn run(
        door: &'a Door,
        opening: Opening,
        place: OwnedSemaphorePermit,
        shared: &'a Shared,
    ) -> Result<Verdict, LoginError> {
        let Opening { user, password, code, remote_host, language } = opening;
        let end = Instant::now() + door.deadline() * STRETCHES;
        let begin = Wire::begin(door.path(), &user, &remote_host, true, language);
        let wire = timeout(door.deadline(), begin).await.map_err(|_| LoginError::Deadline(door.deadline()))??;
        let talk = Self {
            door,
            shared,
            wire,
            hold: place,
            password: Some(password),
            code,
            give: true,
            said: Vec::new(),
            changing: false,
            step: 0,
            end,
        };
        talk.listen().await
    }

    async fn listen(mut self) -> Result<Verdict, LoginError> {
        let mut patience = self.patience();
        loop {
            let reply = timeout_at(patience, self.wire.receive()).await;
            match reply.map_err(|_| LoginError::Deadline(self.door.deadline()))?? {
                Reply::Prompt { echo: false, .. } if self.give => self.give_password().await?,
                Reply::Prompt { echo, text } => {
                    let ready = self.code.take_if(|_| !echo && !self.changing);
                    let answer = match ready {
                        Some(code) => code,
                        None => self.ask(echo, text).await?,
                    };
                    self.wire.send(&Request::Answer(answer)).await?;
                    patience = self.patience();
                }
                Reply::Text { kind, text } => self.said.push(Said { kind, text }),
                Reply::PasswordExpired => {
                    // PAM asks for the old password once more, as the first question of the change.
                    self.changing = true;
                    self.give = self.password.is_some();
                }
                Reply::Done(outcome) => return Ok(Verdict { outcome, said: self.said }),
            }
        }
    }

    /// The end of what begins now: PAM's work up to its next question, or a person's thinking.
    fn patience(&self) -> Instant {
        self.end.min(Instant::now() + self.door.deadline())
    }

    async fn give_password(&mut self) -> Result<(), LoginError> {
        self.give = false;
        let Some(password) = self.password.take() else { return Ok(()) };
        let request = Request::Answer(password);
        self.wire.send(&request).await?;
        if let (Request::Answer(password), false) = (request, self.changing) {
            self.password = Some(password);
        }
        Ok(())
    }

    async fn ask(&mut self, echo: bool, text: String) -> Result<Secret, LoginError> {
        if self.step == 0 {
            self.hold = match timeout(WAIT, self.door.seat()).await {
                Ok(Some(seat)) => seat,
                _ => return Err(LoginError::Busy),
            };
        }
        self.step += 1;
        let patience = self.patience();
        let left = i64::try_from((patience - Instant::now()).as_micros()).unwrap_or(i64::MAX);
        let (step, changing, until) = (self.step, self.changing, now().saturating_add(left));
        let question = Question { step, echo, text, said: std::mem::take(&mut self.said), changing, until };
        let (give, answer) = oneshot::channel();
        self.shared.turn(Some((step, give)), Now::Asked(question));
        tokio::select! {
            answer = timeout_at(patience, answer) => answer.ok().and_then(Result::ok).ok_or(LoginError::Late),
            early = self.wire.receive() => Err(match early {
                Ok(_) => LoginError::Broken("a word before the answer".into()),
                Err(error) => error,
            }),
        }
    }
}
