//! Following systemd: every unit that exists is looked at once, then every one that changes.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use hubd_base::names::ServerId;
use tokio_util::sync::CancellationToken;

use super::keys;
use super::launcher::LaunchError;
use super::registry::Servers;
use super::server::Server;
use super::state::State;

/// How long a hub that starts waits for the servers that run already to answer: its first visitor waits as long.
const ADOPTION: Duration = Duration::from_secs(3);
/// Pauses between two tries to reach a launcher that is lost.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Runs until `stop`. `first` is called once, when all existing units have been looked at.
pub async fn run(servers: Servers, stop: CancellationToken, first: impl FnOnce() + Send) {
    let mut first = Some(first);
    let mut pause = PAUSE.0;
    loop {
        let round = follow(&servers, &mut first);
        tokio::select! {
            () = stop.cancelled() => return,
            ended = round => match ended {
                Ok(()) => pause = PAUSE.0,
                Err(error) => tracing::warn!("cannot follow the servers' units, retrying: {error}"),
            },
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE.1),
        }
    }
}

async fn follow(servers: &Servers, first: &mut Option<impl FnOnce()>) -> Result<(), LaunchError> {
    // Subscribe first, then look: what changes in between is seen twice rather than never.
    let mut changes = servers.0.launcher.changes().await?;
    let mut ids = servers.0.launcher.list().await?;
    ids.extend(servers.all().into_iter().map(|server| server.id.clone()));
    ids.sort();
    ids.dedup();
    let mut unread = Vec::new();
    for id in ids {
        if !servers.examine(&id).await {
            unread.push(id);
        }
    }
    if let Some(first) = first.take() {
        close_lost(servers, &unread).await;
        adopted(servers).await;
        first();
    }
    while let Some(id) = changes.next().await {
        servers.examine(&id).await;
    }
    Err(LaunchError::Unreachable("the connection to systemd ended".into()))
}

/// Waits until the servers that ran before this process are reached again, so that nobody who uses one is told that it
/// does not run. One that does not answer is waited for no longer than [`ADOPTION`].
async fn adopted(servers: &Servers) {
    let all = servers.all().into_iter().filter(|server| server.snapshot().state == State::Starting);
    let settled = all.map(|server| async move {
        let mut changes = server.follow();
        let _ = changes.wait_for(|snapshot| snapshot.state != State::Starting).await;
    });
    let _ = tokio::time::timeout(ADOPTION, join_all(settled)).await;
}

/// Closes what a former process left of servers that do not run: starts of which no unit came, and tokens. What could
/// not be read stays as it is.
async fn close_lost(servers: &Servers, unread: &[ServerId]) {
    let rests = |server: &Server| !server.snapshot().state.is_active() && !unread.contains(&server.id);
    let resting: Vec<_> =
        servers.all().into_iter().filter(|server| rests(server)).map(|server| server.id.clone()).collect();
    // Whatever ends from now on, this process sees.
    servers.for_each(|server| {
        server.take_unsettled();
    });
    keys::end_lost(servers, |id| !unread.contains(id) && servers.find(id).is_none_or(|server| rests(&server))).await;
    if let Err(error) = servers.0.store.close_servers(resting).await {
        tracing::warn!("cannot close the rows of servers that do not run, ignoring: {error}");
    }
}
