//! One server: its state, what its person said about it, and when it was last used.
//!
//! Invariant: the state changes only through [`Server::apply`], by the table of [`super::state`]; what the row says is
//! written to the store first and shown here afterwards.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use hubd_base::names::ServerId;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::idle::Memory;
use super::launcher::UnitState;
use super::state::{Backend, Event, Hold, Snapshot, State, next};
use super::usage::{Readings, Usage};
use crate::clock::{Usec, now};

/// What a server says of its own use, and the request that was that use, are no further apart, microseconds: 2 s.
const REPORTED_LATE: Usec = 2_000_000;

/// What a person said about a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Its name for people; empty for a default server that was given none.
    pub display_name: String,
    /// What it was last asked to start with.
    pub user_options: Map<String, Value>,
}

/// One server.
pub struct Server {
    /// Whose, and which.
    pub id: ServerId,
    /// Its id as an OAuth client, and the name of the cookie that opens it.
    pub client: String,
    snapshot: watch::Sender<Snapshot>,
    /// What the watcher last read of the unit, for a start that waits.
    pub(super) unit: watch::Sender<Option<UnitState>>,
    /// What it uses, while somebody looks.
    pub(super) usage: Readings<Usage>,
    /// Held while the unit is read and the reading applied, so that no stale reading is applied late.
    pub(super) examining: tokio::sync::Mutex<()>,
    /// Cancels the start under way.
    start: Mutex<CancellationToken>,
    /// Held by the job under way: a stop waits for the start it cancelled.
    pub(super) job: tokio::sync::Mutex<()>,
    /// What the row says; `None` while there is no row.
    details: RwLock<Option<Arc<Details>>>,
    /// When it was last used, as far as somebody other than the proxy said so; 0 for never.
    activity: AtomicI64,
    /// What of that is in the store.
    saved: AtomicI64,
    /// When a person last did something with it, as far as a former run or process of the hub knew; 0 for never.
    attended: AtomicI64,
    /// What of that is in the store.
    attended_saved: AtomicI64,
    /// What is known of its idleness.
    pub(super) idle: Mutex<Memory>,
    /// Whether the row of a former process says that it runs, and how that ended is not known yet.
    unsettled: AtomicBool,
}

impl Server {
    pub(super) fn new(id: ServerId) -> Self {
        Self {
            client: id.client_id(),
            id,
            snapshot: watch::Sender::new(Snapshot::stopped(now())),
            unit: watch::Sender::new(None),
            usage: Readings::default(),
            examining: tokio::sync::Mutex::new(()),
            start: Mutex::new(CancellationToken::new()),
            job: tokio::sync::Mutex::new(()),
            details: RwLock::default(),
            activity: AtomicI64::new(0),
            saved: AtomicI64::new(0),
            attended: AtomicI64::new(0),
            attended_saved: AtomicI64::new(0),
            idle: Mutex::default(),
            unsettled: AtomicBool::new(false),
        }
    }

    /// How it is right now.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.borrow().clone()
    }

    /// Where it is in its life right now.
    pub fn state(&self) -> State {
        self.snapshot.borrow().state
    }

    /// Where it is reached, while it is ready: what the proxy asks for each request.
    pub fn backend(&self) -> Option<Arc<Backend>> {
        self.snapshot.borrow().backend.clone()
    }

    /// Follows every change.
    pub fn follow(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.subscribe()
    }

    /// What its person said about it; `None` for a server that nobody ever asked for.
    pub fn details(&self) -> Option<Arc<Details>> {
        self.details.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there is such a server: somebody asked for it, or it runs.
    pub fn exists(&self) -> bool {
        self.details.read().unwrap_or_else(PoisonError::into_inner).is_some()
            || self.snapshot.borrow().state.is_active()
    }

    /// When it was last used, whether it runs or not.
    pub fn last_activity(&self) -> Option<Usec> {
        let proxied =
            self.snapshot.borrow().backend.as_ref().map(|backend| backend.last_activity.load(Ordering::Relaxed));
        let last = self.activity.load(Ordering::Relaxed).max(proxied.unwrap_or(0));
        Some(last).filter(|last| *last > 0)
    }

    /// When a person last did something with it: opened a page, ran a cell, typed in a terminal. What an open tab asks
    /// by itself is activity ([`Server::last_activity`]), and not this.
    pub fn attended(&self) -> Option<Usec> {
        let proxied = self.snapshot.borrow().backend.as_ref().map(|backend| backend.attended.load(Ordering::Relaxed));
        let last = self.attended.load(Ordering::Relaxed).max(proxied.unwrap_or(0));
        Some(last).filter(|last| *last > 0)
    }

    /// A person did something with it then; moves forward, never back.
    pub fn attend(&self, when: Usec) {
        self.attended.fetch_max(when, Ordering::Relaxed);
    }

    /// Takes over when a person last did something, as the store has it.
    pub(super) fn set_attended(&self, when: Usec) {
        self.attend(when);
        self.attended_saved.fetch_max(when, Ordering::Relaxed);
    }

    /// As [`Server::unsaved_activity`], of what a person did.
    pub(super) fn unsaved_attendance(&self) -> Option<Usec> {
        let last = self.attended()?;
        (self.attended_saved.fetch_max(last, Ordering::Relaxed) < last).then_some(last)
    }

    /// Moves its last activity forward, never back. Written to the store with the next batch
    /// ([`super::registry::Servers::save_activity`]); its person's own last activity stays as it is.
    pub fn raise_activity(&self, when: Usec) {
        self.activity.fetch_max(when, Ordering::Relaxed);
    }

    /// The last activity, if the store does not have it yet; the store has it from now on.
    pub(super) fn unsaved_activity(&self) -> Option<Usec> {
        let last = self.last_activity()?;
        (self.saved.fetch_max(last, Ordering::Relaxed) < last).then_some(last)
    }

    /// Sets what the store has.
    pub(super) fn set_details(&self, details: Option<Details>, activity: Option<Usec>) {
        *self.details.write().unwrap_or_else(PoisonError::into_inner) = details.map(Arc::new);
        if let Some(when) = activity {
            self.raise_activity(when);
            self.saved.fetch_max(when, Ordering::Relaxed);
        }
    }

    /// Keeps it from being started or stopped; only a server that rests can be held. Returns whether it is held now.
    pub(super) fn hold(&self, hold: Hold) -> bool {
        self.snapshot.send_if_modified(|snapshot| {
            let rests = !snapshot.state.is_active() && snapshot.hold.is_none();
            if rests {
                snapshot.hold = Some(hold);
            }
            rests
        })
    }

    pub(super) fn release(&self) {
        self.amend(|snapshot| snapshot.hold = None);
    }

    /// Applies an event by the table; `change` fills in the rest of the new snapshot. Returns whether it applied.
    pub(super) fn apply(&self, event: Event, change: impl FnOnce(&mut Snapshot)) -> bool {
        self.snapshot.send_if_modified(|snapshot| {
            if snapshot.hold.is_some() {
                return false;
            }
            let Some(state) = next(snapshot.state, event) else { return false };
            snapshot.state = state;
            snapshot.since = now();
            snapshot.given_back = None;
            if !state.is_ready() {
                if let Some(backend) = snapshot.backend.take() {
                    backend.gone.cancel();
                    self.activity.fetch_max(backend.last_activity.load(Ordering::Relaxed), Ordering::Relaxed);
                }
            }
            change(snapshot);
            if let Some(backend) = &snapshot.backend {
                backend.set_asleep(state == State::Suspended);
            }
            true
        })
    }

    /// Changes details that are not the state.
    pub(super) fn amend(&self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshot.send_modify(change);
    }

    /// Tells whoever follows when the hub is going to stop it.
    pub(super) fn announce(&self, at: Option<Usec>) {
        self.snapshot.send_if_modified(|snapshot| {
            let differs = snapshot.stop_planned != at;
            snapshot.stop_planned = at;
            differs
        });
    }

    /// It told of its own use, or somebody did on its behalf. What an open tab asked through the proxy at that time
    /// explains it; anything later was somebody's doing.
    pub fn report(&self, when: Usec) {
        self.raise_activity(when);
        let proxied = self.backend().map_or(0, |backend| backend.last_activity.load(Ordering::Relaxed));
        if when > proxied.saturating_add(REPORTED_LATE) {
            self.attend(when);
        }
    }

    /// Takes over whether the row of a former process says that it runs.
    pub(super) fn set_unsettled(&self, unsettled: bool) {
        self.unsettled.store(unsettled, Ordering::Relaxed);
    }

    /// Whether it is not known yet how a run that a former process saw ended; from now on it is.
    pub(super) fn take_unsettled(&self) -> bool {
        self.unsettled.swap(false, Ordering::Relaxed)
    }

    /// Whether it was to start again; from now on it is not.
    pub(super) fn take_restart(&self) -> bool {
        self.snapshot.send_if_modified(|snapshot| std::mem::take(&mut snapshot.restart))
    }

    pub(super) fn start_token(&self) -> MutexGuard<'_, CancellationToken> {
        self.start.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubd_base::names::UserName;

    fn server() -> Server {
        Server::new(ServerId::default_of(UserName::parse("alice").unwrap()))
    }

    #[test]
    fn a_held_server_takes_no_event_and_only_one_that_rests_is_held() {
        let held = server();
        assert!(held.hold(Hold::Rename) && !held.hold(Hold::Remove));
        assert!(!held.apply(Event::StartAsked, |_| {}) && !held.apply(Event::UnitSeen, |_| {}));
        assert_eq!(held.snapshot().pending(), Some("rename"));
        assert!(held.snapshot().is_active());
        held.release();
        assert!(held.apply(Event::StartAsked, |_| {}));
        assert!(!held.hold(Hold::Rename));
        assert_eq!((held.snapshot().state, held.snapshot().pending()), (State::Starting, Some("spawn")));
    }

    #[test]
    fn activity_moves_forward_and_is_saved_once() {
        let server = server();
        assert_eq!((server.last_activity(), server.unsaved_activity()), (None, None));
        server.raise_activity(5);
        server.raise_activity(3);
        assert_eq!(
            (server.last_activity(), server.unsaved_activity(), server.unsaved_activity()),
            (Some(5), Some(5), None)
        );
        server.set_details(Some(Details::default()), Some(9));
        assert_eq!((server.last_activity(), server.unsaved_activity()), (Some(9), None), "the store has it");
    }

    #[test]
    fn a_server_exists_when_somebody_asked_for_it_or_it_runs() {
        let server = server();
        assert!(!server.exists());
        assert!(server.apply(Event::UnitSeen, |_| {}) && server.exists());
        assert!(server.apply(Event::StartFailed, |_| {}) && !server.exists());
        server.set_details(Some(Details::default()), None);
        assert!(server.exists());
    }
}
