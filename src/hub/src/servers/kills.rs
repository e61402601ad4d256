//! Out-of-memory kills in a control group as they happen: the kernel wakes whoever polls `memory.events` for a change.
//!
//! Invariant: nothing is read unless the kernel says that something changed, and then not more than once a second.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::cgroup;
use super::oom::Kills;

/// Between two readings: a server that works at its limit counts something a hundred times a second.
const PAUSE: Duration = Duration::from_secs(1);

struct Group {
    root: PathBuf,
    name: String,
    events: AsyncFd<File>,
    first: bool,
}

/// The count now, and again after each change. Ends when the group is gone; at once where memory is not counted.
pub(super) fn follow(root: &Path, group: &str) -> impl Stream<Item = Kills> + Send + use<> {
    let opened = open(root, group);
    stream::unfold(opened, |group| async {
        let mut group = group?;
        if !std::mem::take(&mut group.first) {
            group.changed().await?;
        }
        let kills = group.read()?;
        Some((kills, Some(group)))
    })
}

fn open(root: &Path, group: &str) -> Option<Group> {
    let events = File::open(cgroup::folder(root, group)?.join(cgroup::MEMORY_EVENTS)).ok()?;
    // cgroup-v2.rst: a change of the file "generates a file modified event", which is POLLPRI for whoever has read it.
    #[allow(
        deprecated,
        reason = "deprecated for descriptors that are closed behind its back: this file closes its own"
    )]
    let events = AsyncFd::with_interest(events, Interest::PRIORITY).ok()?;
    Some(Group { root: root.to_owned(), name: group.to_owned(), events, first: true })
}

impl Group {
    async fn changed(&self) -> Option<()> {
        // Armed since the last reading: what happens meanwhile is not missed.
        tokio::time::sleep(PAUSE).await;
        self.events.ready(Interest::PRIORITY).await.ok()?.clear_ready();
        Some(())
    }

    /// Reading through the open file is what arms the next event; it comes before the count is taken.
    fn read(&self) -> Option<Kills> {
        let mut text = [0; 512];
        self.events.get_ref().read_at(&mut text, 0).ok()?;
        cgroup::kills(&self.root, &self.name)
    }
}
