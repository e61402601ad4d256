//! A launcher whose units are tasks of the test: each listens on a socket in the test's own folder.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use hubd::servers::launcher::{JournalLine, LaunchError, Launched, Launcher, Order, UnitState};
use hubd::servers::limits::{Held, InForce, Level, LimitChange, Voice};
use hubd::servers::oom::Kills;
use hubd::servers::usage::{Machine, Usage};
use hubd_base::config::ServerKind;
use hubd_base::names::ServerId;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinHandle;

use crate::upstream::{self, Standing};

/// How the next unit behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Listens and answers.
    Answers,
    /// Runs and never listens.
    Silent,
    /// Ends with status 3 at once.
    Crashes,
    /// The broker refuses.
    Refused,
    /// The unit is there already.
    RunsAlready,
}

/// How a unit ends that is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopLeaves {
    /// In time and well.
    Nothing,
    /// By SIGKILL at the deadline: a failed unit, seen some time before the launcher has cleared it and answers.
    Killed,
    /// Not until the test allows it.
    Waiting,
}

/// A unit's state, and the task that plays its process.
type Unit = (UnitState, Option<JoinHandle<()>>);

pub struct FakeLauncher {
    folder: PathBuf,
    units: Mutex<HashMap<ServerId, Unit>>,
    changes: broadcast::Sender<ServerId>,
    pub behaviour: Mutex<Behaviour>,
    pub starts: Mutex<u32>,
    /// What the kernel killed.
    kills: Mutex<HashMap<ServerId, watch::Sender<Kills>>>,
    /// Extra lines of every journal, the newest.
    pub journal: Mutex<Vec<JournalLine>>,
    /// What runs in the units.
    pub kind: Mutex<ServerKind>,
    /// Every stop is refused.
    pub stop_fails: AtomicBool,
    /// The token of each server's last start.
    pub tokens: Mutex<HashMap<ServerId, String>>,
    /// The profile of each server's last start.
    pub profiles: Mutex<HashMap<ServerId, Option<String>>>,
    /// A profile that the launcher does not have any more.
    pub lost_profile: Mutex<Option<String>>,
    /// What was changed of each server while it ran.
    pub changes_of_limits: Mutex<Vec<(ServerId, LimitChange)>>,
    /// How units end that are stopped.
    pub stop_leaves: Mutex<StopLeaves>,
    /// Lets a stop that waits go on.
    pub may_stop: Notify,
    /// What servers use; one that is not here uses nothing that is known.
    pub usage: Mutex<HashMap<ServerId, Usage>>,
    /// What the machine uses.
    pub machine: Mutex<Machine>,
    /// How often a server's usage was read.
    pub measured: watch::Sender<u32>,
    reads: watch::Sender<u32>,
    /// How often a unit was frozen, and thawed.
    pub frozen: AtomicU32,
    pub thawed: AtomicU32,
    /// Why nothing can be frozen, if so.
    pub freeze_fails: Mutex<Option<LaunchError>>,
    /// Runs when a unit stands still, before the hub hears of it.
    pub at_freeze: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    reached: Mutex<HashMap<ServerId, Arc<AtomicU32>>>,
    /// Whether a unit stands still.
    standing: Mutex<HashMap<ServerId, Standing>>,
}

impl FakeLauncher {
    pub fn new(folder: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            folder,
            units: Mutex::default(),
            changes: broadcast::channel(100).0,
            behaviour: Mutex::new(Behaviour::Answers),
            starts: Mutex::new(0),
            kills: Mutex::default(),
            journal: Mutex::default(),
            kind: Mutex::default(),
            stop_fails: AtomicBool::new(false),
            tokens: Mutex::default(),
            profiles: Mutex::default(),
            lost_profile: Mutex::default(),
            changes_of_limits: Mutex::default(),
            stop_leaves: Mutex::new(StopLeaves::Nothing),
            may_stop: Notify::new(),
            usage: Mutex::default(),
            machine: Mutex::default(),
            measured: watch::Sender::new(0),
            reads: watch::Sender::new(0),
            frozen: AtomicU32::new(0),
            thawed: AtomicU32::new(0),
            freeze_fails: Mutex::default(),
            at_freeze: Mutex::default(),
            reached: Mutex::default(),
            standing: Mutex::default(),
        })
    }

    /// How many requests reached a server.
    pub fn reached(&self, id: &ServerId) -> u32 {
        self.reached.lock().unwrap().get(id).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// The kernel killed processes of a server.
    pub fn kill(&self, id: &ServerId, kills: Kills) {
        self.counter(id).send_replace(kills);
    }

    fn counter(&self, id: &ServerId) -> watch::Sender<Kills> {
        self.kills.lock().unwrap().entry(id.clone()).or_default().clone()
    }

    /// A unit is gone, and nobody is told.
    pub fn vanish(&self, id: &ServerId) {
        if let Some((_, Some(task))) = self.units.lock().unwrap().remove(id) {
            task.abort();
        }
        let _ = std::fs::remove_file(self.socket(id));
    }

    /// What `systemctl freeze` and `systemctl thaw` do.
    pub fn set_frozen(&self, id: &ServerId, wanted: bool) -> Result<(), LaunchError> {
        match self.units.lock().unwrap().get_mut(id) {
            Some((UnitState::Active { frozen, .. }, _)) => *frozen = wanted,
            _ => return Err(LaunchError::NotRunning("it does not run".into())),
        }
        self.standing(id).still.send_replace(wanted);
        let _ = self.changes.send(id.clone());
        Ok(())
    }

    /// Whether it stands still, as long as nobody has been told.
    pub fn stand_still(&self, id: &ServerId, still: bool) {
        self.standing(id).still.send_replace(still);
    }

    /// Whether somebody wanted something of it while it stood still.
    pub fn is_wanted(&self, id: &ServerId) -> bool {
        self.standing(id).wanted.load(Ordering::Relaxed) > 0
    }

    fn standing(&self, id: &ServerId) -> Standing {
        self.standing.lock().unwrap().entry(id.clone()).or_default().clone()
    }

    /// What `systemctl stop` or a crash behind the hub's back does.
    pub fn end(&self, id: &ServerId, state: UnitState) {
        if let Some((_, Some(task))) = self.units.lock().unwrap().insert(id.clone(), (state, None)) {
            task.abort();
        }
        let _ = std::fs::remove_file(self.socket(id));
        let _ = self.changes.send(id.clone());
    }
}

impl Launcher for FakeLauncher {
    fn start<'a>(&'a self, id: &'a ServerId, order: &'a Order) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        Box::pin(async move {
            *self.starts.lock().unwrap() += 1;
            self.profiles.lock().unwrap().insert(id.clone(), order.profile.clone());
            if order.profile.is_some() && order.profile == *self.lost_profile.lock().unwrap() {
                return Err(LaunchError::NoSuchProfile("There is no profile of that name here.".into()));
            }
            let token = String::from_utf8(order.token.expose().to_vec()).unwrap();
            self.tokens.lock().unwrap().insert(id.clone(), token);
            let behaviour = *self.behaviour.lock().unwrap();
            let invocation = "0123456789abcdef0123456789abcdef".to_owned();
            let (state, task) = match behaviour {
                Behaviour::Refused => return Err(LaunchError::NotAllowed("This account is blocked.".into())),
                Behaviour::Crashes => {
                    let result = "exit-code (3)".to_owned();
                    (UnitState::Failed { invocation: invocation.clone(), result }, None)
                }
                Behaviour::Silent => {
                    (UnitState::Active { invocation: invocation.clone(), frozen: false, since: 1 }, None)
                }
                Behaviour::Answers | Behaviour::RunsAlready => {
                    let reached = Arc::clone(self.reached.lock().unwrap().entry(id.clone()).or_default());
                    let task = tokio::spawn(upstream::serve_freezable(self.socket(id), reached, self.standing(id)));
                    (UnitState::Active { invocation: invocation.clone(), frozen: false, since: 1 }, Some(task))
                }
            };
            self.units.lock().unwrap().insert(id.clone(), (state, task));
            let _ = self.changes.send(id.clone());
            if behaviour == Behaviour::RunsAlready {
                return Err(LaunchError::AlreadyRunning);
            }
            Ok(Launched { unit: id.unit_name(), invocation })
        })
    }

    fn set_limits<'a>(&'a self, id: &'a ServerId, change: &'a LimitChange) -> BoxFuture<'a, Result<(), LaunchError>> {
        Box::pin(async move {
            let up = matches!(self.units.lock().unwrap().get(id), Some((UnitState::Active { .. }, _)));
            if !up {
                return Err(LaunchError::NotRunning(format!("{} does not run.", id.unit_name())));
            }
            self.changes_of_limits.lock().unwrap().push((id.clone(), change.clone()));
            Ok(())
        })
    }

    fn limits<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<InForce, LaunchError>> {
        Box::pin(async move {
            let mut level = Level { unit: id.unit_name(), ..Level::default() };
            for (_, change) in self.changes_of_limits.lock().unwrap().iter().filter(|(of, _)| of == id) {
                for (limit, amount) in change.limits().iter() {
                    level.limits.insert(limit, Held { amount: amount.clone(), said: vec![Voice::Live] });
                }
            }
            let profile = self.profiles.lock().unwrap().get(id).cloned().flatten();
            let person = Level { unit: id.slice_name(), ..Level::default() };
            let all = Level { unit: "jupyter.slice".into(), ..Level::default() };
            Ok(InForce { profile, server: level, person, all })
        })
    }

    fn stop<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<(), LaunchError>> {
        Box::pin(async move {
            if self.stop_fails.load(Ordering::Relaxed) {
                return Err(LaunchError::Failed("it holds on".into()));
            }
            // systemd refuses to stop a frozen unit; the broker thaws it.
            let _ = self.set_frozen(id, false);
            let up = matches!(self.units.lock().unwrap().get(id), Some((UnitState::Active { .. }, _)));
            let leaves = *self.stop_leaves.lock().unwrap();
            if up && leaves == StopLeaves::Killed {
                let mut seen = self.reads.subscribe();
                let result = "timeout (9)".to_owned();
                self.end(id, UnitState::Failed { invocation: "00".into(), result });
                seen.changed().await.unwrap();
            }
            if up && leaves == StopLeaves::Waiting {
                self.may_stop.notified().await;
            }
            self.end(id, UnitState::Absent);
            Ok(())
        })
    }

    fn freeze<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<(), LaunchError>> {
        Box::pin(async move {
            if let Some(error) = self.freeze_fails.lock().unwrap().clone() {
                return Err(error);
            }
            self.set_frozen(id, true)?;
            self.frozen.fetch_add(1, Ordering::Relaxed);
            let meanwhile = self.at_freeze.lock().unwrap().take();
            if let Some(meanwhile) = meanwhile {
                meanwhile();
            }
            Ok(())
        })
    }

    fn thaw<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<(), LaunchError>> {
        Box::pin(async move {
            self.thawed.fetch_add(1, Ordering::Relaxed);
            self.set_frozen(id, false)
        })
    }

    fn reclaim<'a>(&'a self, _: &'a ServerId) -> BoxFuture<'a, Result<u64, LaunchError>> {
        Box::pin(async move { Ok(123 << 20) })
    }

    fn state<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<UnitState, LaunchError>> {
        Box::pin(async move {
            let state = self.units.lock().unwrap().get(id).map_or(UnitState::Absent, |(state, _)| state.clone());
            self.reads.send_modify(|reads| *reads += 1);
            Ok(state)
        })
    }

    fn kind<'a>(&'a self, _: &'a ServerId) -> BoxFuture<'a, Result<ServerKind, LaunchError>> {
        let kind = *self.kind.lock().unwrap();
        Box::pin(async move { Ok(kind) })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<ServerId>, LaunchError>> {
        Box::pin(async move { Ok(self.units.lock().unwrap().keys().cloned().collect()) })
    }

    fn journal<'a>(
        &'a self,
        id: &'a ServerId,
        _: &'a str,
        _: u32,
    ) -> BoxFuture<'a, Result<Vec<JournalLine>, LaunchError>> {
        let message = format!("Traceback of {id}: <script>alert(1)</script>");
        let line =
            JournalLine { time_usec: 1, priority: 6, identifier: "jupyter-lab".into(), message, message_id: None };
        let mut lines = vec![line];
        lines.extend(self.journal.lock().unwrap().clone());
        Box::pin(async move { Ok(lines) })
    }

    fn usage<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<Usage, LaunchError>> {
        let usage = self.usage.lock().unwrap().get(id).copied().unwrap_or_default();
        self.measured.send_modify(|count| *count += 1);
        Box::pin(async move { Ok(usage) })
    }

    fn machine(&self) -> BoxFuture<'_, Result<Machine, LaunchError>> {
        let machine = *self.machine.lock().unwrap();
        Box::pin(async move { Ok(machine) })
    }

    fn kills<'a>(&'a self, id: &'a ServerId) -> BoxFuture<'a, Result<BoxStream<'static, Kills>, LaunchError>> {
        let mut counted = self.counter(id).subscribe();
        counted.mark_changed();
        let kills = stream::unfold(counted, |mut counted| async {
            counted.changed().await.ok()?;
            let kills = *counted.borrow_and_update();
            Some((kills, counted))
        });
        Box::pin(async move { Ok(kills.boxed()) })
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, ServerId>, LaunchError>> {
        let receiver = self.changes.subscribe();
        let stream = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await.ok()?, receiver)) });
        Box::pin(async move { Ok(stream.boxed()) })
    }

    fn socket(&self, id: &ServerId) -> PathBuf {
        self.folder.join(id.directory_name())
    }
}

/// For every wait of the tests.
pub const DEADLINE: Duration = Duration::from_secs(20);
