//! Following systemd: every unit that exists is looked at once, then every one that changes.

use std::time::Duration;

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use super::launcher::LaunchError;
use super::registry::Servers;

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
    for id in &ids {
        servers.examine(id).await;
    }
    if let Some(first) = first.take() {
        servers.close_lost().await;
        first();
    }
    while let Some(id) = changes.next().await {
        servers.examine(&id).await;
    }
    Err(LaunchError::Unreachable("the connection to systemd ended".into()))
}
