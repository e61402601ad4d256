//! Looks at servers: what they use, and, when nothing else speaks for work, what JupyterLab tells of its kernels.

use std::time::Duration;

use super::watched::Watched;
use super::{Idle, jupyter};
use crate::clock::Usec;
use crate::servers::server::Server;
use crate::servers::state::State;

/// For reading what a server uses.
const DEADLINE: Duration = Duration::from_secs(5);
/// JupyterLab is not asked while its person was there so recently, microseconds: 1 minute.
const RECENT: Usec = 60_000_000;

impl Idle {
    /// Looks at a server that runs, and remembers what it saw. A suspended one stands still: nothing is to be seen.
    pub async fn look(&self, server: &Server, now: Usec) {
        // Asked for each time, so that who joins or leaves a group is seen.
        self.policy(server).await;
        if server.snapshot().invocation.is_none() {
            // A hub that the timer just started reaches the server before it has read which run of it this is.
            self.servers.examine(&server.id).await;
        }
        let snapshot = server.snapshot();
        let (State::Running, Some(backend), Some(invocation)) = (snapshot.state, snapshot.backend, snapshot.invocation)
        else {
            return;
        };
        let mut watched = server.memory().watched.clone();
        if watched.invocation != invocation {
            watched = Watched { invocation, ..Watched::default() };
        }
        let read = tokio::time::timeout(DEADLINE, self.servers.0.launcher.usage(&server.id)).await;
        let readable = matches!(read, Ok(Ok(_)));
        let used = read.ok().and_then(Result::ok).and_then(|usage| usage.cpu_usec);
        if let Some(used) = used {
            watched.meter.take(now, used, self.config.idle.cpu_window);
        }
        // Where processor time is not measured at all, the other signs have to do.
        watched.measured = used.is_some() || !readable;
        let percent = watched.meter.percent();
        let computes = percent.is_some_and(|percent| percent >= f64::from(self.config.idle.cpu_below));
        let recent = server.attended().is_some_and(|attended| attended > now - RECENT.min(self.patience()));
        if computes {
            watched.works = true;
        } else if !recent {
            let before = watched.jupyter.clone().unwrap_or_default();
            let told = jupyter::ask(&self.servers, server, &backend, &before).await;
            watched.silent = told.is_none();
            watched.works = told.as_ref().is_some_and(|told| told.busy > 0);
            watched.jupyter = told.or(watched.jupyter);
        } else {
            watched.works = false;
        }
        if watched.works {
            watched.worked = Some(now);
        }
        let measured = percent.is_some() && used.is_some() || !watched.measured;
        watched.complete = measured && !computes && !recent && !watched.silent;
        watched.looked = Some(now);
        // Somebody may have written that it was announced in the meantime.
        let mut memory = server.memory();
        watched.announced = memory.watched.announced.filter(|_| memory.watched.invocation == watched.invocation);
        memory.watched = watched;
    }

    /// The shortest time after which anything may happen to anybody's server, microseconds.
    fn patience(&self) -> Usec {
        let idle = &self.config.idle;
        let everybody = [Some(idle.everybody.suspend_after), Some(idle.everybody.stop_after)];
        let groups = idle.groups.iter().map(|(_, rule)| rule);
        let rules = groups.chain(idle.users.iter().map(|(_, rule)| rule));
        let rules = rules.chain(self.config.profiles.iter().map(|profile| &profile.idle));
        let times = rules.flat_map(|rule| [rule.suspend_after, rule.stop_after]).chain(everybody).flatten();
        times.min().and_then(|least| Usec::try_from(least.as_micros()).ok()).unwrap_or(RECENT) / 2
    }
}
