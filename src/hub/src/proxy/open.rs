//! The tunnels that are open right now: whose, where to, from where, since when.
//!
//! Invariant: a connection stands here exactly as long as its tunnel lives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hubd_base::names::ServerId;

use crate::clock::Usec;

/// Where a tunnel leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A person's server.
    Server(ServerId),
    /// A service.
    Service(String),
}

/// One open tunnel, such as a WebSocket of a notebook.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Where to.
    pub target: Target,
    /// Whoever the gate let in: a person's or a service's name. `None` where the other end is its own gate.
    pub visitor: Option<String>,
    /// The browser's address.
    pub address: String,
    /// Since when, microseconds since 1970 UTC.
    pub since: Usec,
}

#[derive(Default)]
struct Inner {
    next: u64,
    open: BTreeMap<u64, Arc<Connection>>,
}

/// All open tunnels; clones share them.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<Inner>>);

/// An entry, until it is dropped.
pub struct Seat {
    connections: Connections,
    number: u64,
}

impl Connections {
    /// Notes a tunnel that begins.
    pub fn enter(&self, connection: Connection) -> Seat {
        let mut inner = self.inner();
        let number = inner.next;
        inner.next += 1;
        inner.open.insert(number, Arc::new(connection));
        Seat { connections: self.clone(), number }
    }

    /// The tunnels that are open, the oldest first.
    pub fn all(&self) -> Vec<Arc<Connection>> {
        self.inner().open.values().cloned().collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.inner().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_stands_in_the_list_as_long_as_it_lives() {
        let connections = Connections::default();
        let enter = |since| {
            let target = Target::Service("grades".to_owned());
            connections.enter(Connection { target, visitor: None, address: "::1".to_owned(), since })
        };
        let (first, second) = (enter(1), enter(2));
        drop(first);
        assert_eq!(connections.all().iter().map(|open| open.since).collect::<Vec<_>>(), [2]);
        drop(second);
        assert!(connections.all().is_empty());
    }
}
