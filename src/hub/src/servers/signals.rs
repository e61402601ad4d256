//! Names that arrive as signals, gathered at once and handed on one after the other.
//!
//! Invariant: the source is always being read, whatever the receiver does meanwhile. A connection to the bus moves
//! replies and signals through one reader: signals that nobody takes would hold up the very reply that their receiver
//! is waiting for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What was gathered and not yet handed on; a name that came ten times stands here once.
#[derive(Default)]
struct Gathered {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Default)]
struct Waiting {
    names: BTreeSet<String>,
    ended: bool,
}

impl Gathered {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn next(&self) -> Option<String> {
        loop {
            {
                let mut waiting = self.waiting();
                if let Some(name) = waiting.names.pop_first() {
                    return Some(name);
                }
                if waiting.ended {
                    return None;
                }
            }
            // A notification that came since then is kept.
            self.more.notified().await;
        }
    }
}

/// Reads `source` in a task of its own, as long as the returned stream lives; each name is handed on once, however
/// often it came while it waited. Ends with the source.
pub(super) fn gather(source: impl Stream<Item = String> + Send + 'static) -> BoxStream<'static, String> {
    let gathered = Arc::new(Gathered::default());
    let stop = CancellationToken::new();
    tokio::spawn(read(source, Arc::clone(&gathered), stop.clone()));
    let state: (Arc<Gathered>, DropGuard) = (gathered, stop.drop_guard());
    stream::unfold(state, |state| async { state.0.next().await.map(|name| (name, state)) }).boxed()
}

async fn read(source: impl Stream<Item = String>, gathered: Arc<Gathered>, stop: CancellationToken) {
    let mut source = std::pin::pin!(source.take_until(stop.cancelled_owned()));
    while let Some(name) = source.next().await {
        gathered.waiting().names.insert(name);
        gathered.more.notify_one();
    }
    gathered.waiting().ended = true;
    gathered.more.notify_one();
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    fn source(capacity: usize) -> (mpsc::Sender<String>, impl Stream<Item = String> + Send + 'static) {
        let (sender, receiver) = mpsc::channel(capacity);
        (sender, stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) }))
    }

    #[tokio::test]
    async fn the_source_is_read_although_nobody_takes_anything() {
        let (sender, source) = source(1);
        let mut names = gather(source);
        // With one place in the channel this would wait for ever if the names were not taken.
        for number in 0..1000 {
            sender.send(format!("{}", number % 3)).await.unwrap();
        }
        drop(sender);
        let mut seen = Vec::new();
        while let Some(name) = names.next().await {
            seen.push(name);
        }
        // The last one may still have been on its way when the first was taken.
        assert!(seen.starts_with(&["0".into(), "1".into(), "2".into()]) && seen.len() <= 4, "{seen:?}");
    }

    #[tokio::test]
    async fn what_comes_again_after_it_was_taken_is_handed_on_again_and_nobody_reads_for_nobody() {
        let (sender, source) = source(1);
        let mut names = gather(source);
        for _ in 0..3 {
            sender.send("a".into()).await.unwrap();
            assert_eq!(names.next().await.as_deref(), Some("a"));
        }
        drop(names);
        sender.closed().await;
    }
}
