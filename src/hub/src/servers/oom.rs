//! Processes of servers that the kernel killed because memory ran out, so that their people are told: a kernel that
//! is gone looks like a mystery otherwise.
//!
//! Invariant: the kernel counts and says so by itself; nothing is asked again and again. What it counted is kept with
//! the server until the next start.

use std::sync::Arc;

use futures_util::StreamExt;

use super::jobs::Kind;
use super::launcher::LaunchError;
use super::registry::Servers;
use super::server::Server;
use crate::clock::{Usec, now};
use crate::observe;

/// What the launcher says: how often the kernel killed so far, and how memory is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kills {
    /// Processes of the server that were killed since it runs.
    pub count: u64,
    /// The most memory it ever used, bytes.
    pub peak: Option<u64>,
    /// The most it may use, bytes; unknown where only the machine's memory is the limit.
    pub limit: Option<u64>,
}

/// What is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// As the launcher said it last.
    pub kills: Kills,
    /// When the last one was killed; unknown if this process was not there to see it.
    pub when: Option<Usec>,
}

impl OutOfMemory {
    /// What was used and what may be used, bytes, where it was the server's own limit that was reached: memory that is
    /// used up elsewhere on the machine makes the kernel kill as well.
    pub fn own_limit(&self) -> Option<(u64, u64)> {
        let Kills { peak, limit, .. } = self.kills;
        let limit = limit?;
        // The kernel counts in batches: what reached its limit may read a little less.
        let used = peak.unwrap_or(limit).min(limit);
        (used >= limit - limit / 16).then_some((used, limit))
    }
}

/// Follows what the kernel kills of a server that is ready, until it is not any more.
pub(super) fn spawn_follow(servers: &Servers, server: &Arc<Server>, kind: Kind) {
    let Some(backend) = server.backend() else { return };
    let (servers, server) = (servers.clone(), Arc::clone(server));
    servers.0.followers.clone().spawn(async move {
        tokio::select! {
            () = backend.gone.cancelled() => {}
            followed = follow(&servers, &server, kind) => if let Err(error) = followed {
                tracing::warn!("cannot follow the memory of {}, ignoring: {error}", server.id.unit_name());
            }
        }
    });
}

async fn follow(servers: &Servers, server: &Server, kind: Kind) -> Result<(), LaunchError> {
    let mut kills = servers.0.launcher.kills(&server.id).await?;
    let mut known = 0;
    // What happened while no hub was there was told by systemd alone.
    let mut seen = kind == Kind::Launch;
    while let Some(now_killed) = kills.next().await {
        if now_killed.count > known {
            known = now_killed.count;
            tell(server, now_killed, seen);
        }
        seen = true;
    }
    Ok(())
}

fn tell(server: &Server, kills: Kills, seen: bool) {
    let news = OutOfMemory { kills, when: seen.then(now) };
    if seen {
        let reason = match news.own_limit() {
            Some((used, limit)) => format!("it used {used} of {limit} bytes"),
            None => "the machine has no more".to_owned(),
        };
        tracing::warn!(
            message_id = observe::SERVER_OUT_OF_MEMORY,
            hub_user = server.id.user.as_str(),
            hub_server = server.id.server.as_str(),
            hub_unit = server.id.unit_name(),
            "The server of {} ran out of memory and a process of it was killed: {reason}",
            server.id
        );
    }
    server.amend(|snapshot| snapshot.out_of_memory = Some(Arc::new(news)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_far_below_its_limit_was_a_victim_of_the_machine() {
        let own_limit = |peak, limit| OutOfMemory { kills: Kills { count: 1, peak, limit }, when: None }.own_limit();
        assert_eq!(own_limit(Some(1000), Some(1000)), Some((1000, 1000)));
        assert_eq!(own_limit(Some(960), Some(1000)), Some((960, 1000)), "the kernel counts in batches");
        assert_eq!(own_limit(Some(1010), Some(1000)), Some((1000, 1000)), "the limit was lowered");
        assert_eq!(own_limit(Some(500), Some(1000)), None);
        assert_eq!(own_limit(Some(500), None), None);
        assert_eq!(own_limit(None, Some(1000)), Some((1000, 1000)), "a kernel that keeps no peak");
    }
}
