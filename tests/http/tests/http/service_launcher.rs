//! A launcher of services whose units are tasks of the test: each listens where the hub looks for it.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use hubd::servers::launcher::{LaunchError, Launched, UnitState};
use hubd::services::launcher::ServiceLauncher;
use hubd_base::names::ServiceName;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::upstream;

/// A unit's state, and the task that plays its process.
type Unit = (UnitState, Option<JoinHandle<()>>);

pub struct FakeServices {
    folder: PathBuf,
    units: Mutex<HashMap<ServiceName, Unit>>,
    changes: broadcast::Sender<ServiceName>,
    /// Every start, in order: name and token.
    pub starts: Mutex<Vec<(String, String)>>,
    /// Every stop, in order.
    pub stops: Mutex<Vec<String>>,
    /// Names that the broker refuses.
    pub refused: Mutex<HashSet<String>>,
}

impl FakeServices {
    pub fn new(folder: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            folder,
            units: Mutex::default(),
            changes: broadcast::channel(100).0,
            starts: Mutex::default(),
            stops: Mutex::default(),
            refused: Mutex::default(),
        })
    }

    /// What happens behind the hub's back.
    pub fn set(&self, name: &str, state: UnitState) {
        let name = ServiceName::parse(name).unwrap();
        if let Some((_, Some(task))) = self.units.lock().unwrap().insert(name.clone(), (state, None)) {
            task.abort();
        }
        let _ = std::fs::remove_file(self.socket(&name));
        let _ = self.changes.send(name);
    }

    pub fn active() -> UnitState {
        UnitState::Active { invocation: "0123456789abcdef0123456789abcdef".into(), frozen: false, since: 1 }
    }

    /// The tokens that a service was started with, in order.
    pub fn tokens_of(&self, name: &str) -> Vec<String> {
        let starts = self.starts.lock().unwrap();
        starts.iter().filter(|(started, _)| started == name).map(|(_, token)| token.clone()).collect()
    }
}

impl ServiceLauncher for FakeServices {
    fn start<'a>(&'a self, name: &'a ServiceName, token: &'a str) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        Box::pin(async move {
            self.starts.lock().unwrap().push((name.to_string(), token.to_owned()));
            if self.refused.lock().unwrap().contains(name.as_str()) {
                return Err(LaunchError::Failed("203/EXEC".into()));
            }
            let mut units = self.units.lock().unwrap();
            if matches!(units.get(name), Some((UnitState::Active { .. }, _))) {
                return Err(LaunchError::AlreadyRunning);
            }
            let task = tokio::spawn(upstream::serve(self.socket(name)));
            units.insert(name.clone(), (Self::active(), Some(task)));
            let _ = self.changes.send(name.clone());
            Ok(Launched { unit: name.unit_name(), invocation: "0123456789abcdef0123456789abcdef".into() })
        })
    }

    fn stop<'a>(&'a self, name: &'a ServiceName) -> BoxFuture<'a, Result<(), LaunchError>> {
        Box::pin(async move {
            self.stops.lock().unwrap().push(name.to_string());
            self.set(name.as_str(), UnitState::Absent);
            self.units.lock().unwrap().remove(name);
            Ok(())
        })
    }

    fn state<'a>(&'a self, name: &'a ServiceName) -> BoxFuture<'a, Result<UnitState, LaunchError>> {
        let state = self.units.lock().unwrap().get(name).map_or(UnitState::Absent, |(state, _)| state.clone());
        Box::pin(async move { Ok(state) })
    }

    fn pid<'a>(&'a self, name: &'a ServiceName) -> BoxFuture<'a, Result<u32, LaunchError>> {
        let runs = matches!(self.units.lock().unwrap().get(name), Some((UnitState::Active { .. }, _)));
        Box::pin(async move { Ok(if runs { 4711 } else { 0 }) })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceName>, LaunchError>> {
        Box::pin(async move { Ok(self.units.lock().unwrap().keys().cloned().collect()) })
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, ServiceName>, LaunchError>> {
        let receiver = self.changes.subscribe();
        let stream = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await.ok()?, receiver)) });
        Box::pin(async move { Ok(stream.boxed()) })
    }

    fn socket(&self, name: &ServiceName) -> PathBuf {
        self.folder.join(format!("service-{name}"))
    }
}
