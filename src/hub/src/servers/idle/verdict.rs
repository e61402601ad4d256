//! Whether a server is idle, since when, why, and what becomes of it when: one pure function of what was seen.

use hubd_base::config::{IdlePolicy, NEVER};
use serde::{Deserialize, Serialize};

use super::watched::{Jupyter, Watched};
use crate::clock::Usec;
use crate::servers::state::State;

/// A stop is announced this long before, microseconds: 10 minutes.
const NOTICE: Usec = 600_000_000;
/// At least so long lies between the notice and the stop, microseconds: 1 minute.
const GRACE: Usec = 60_000_000;

/// All that is known of a server that is ready.
#[derive(Clone, Copy, Debug)]
pub struct Signs<'a> {
    /// Running or suspended.
    pub state: State,
    /// Since when it runs.
    pub started: Option<Usec>,
    /// When a person last did something with it.
    pub attended: Option<Usec>,
    /// Until when it is to be left as it is.
    pub keep_until: Option<Usec>,
    /// What the last looks saw.
    pub watched: &'a Watched,
}

/// Why a server is, or will be, stopped by the hub itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Nobody used it.
    Idle,
    /// It ran as long as a server may.
    MaxAge,
}

impl Why {
    /// As in the store, the API and the journal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::MaxAge => "max-age",
        }
    }
}

/// A stop to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// When.
    pub at: Usec,
    /// Why.
    pub why: Why,
    /// From when on it is announced.
    pub notice: Usec,
    /// What at least lies between the notice and the stop, microseconds.
    pub grace: Usec,
}

/// What is to be said of a server's idleness.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Since when it is idle; `None` while it works.
    pub idle_since: Option<Usec>,
    /// Whether everything was looked at that has to be before something is done. While it is not, the times below are
    /// the earliest ones.
    pub certain: bool,
    /// What speaks for that, with values.
    pub reasons: Vec<Reason>,
    /// When it is suspended; `None` if it is not to be, or is already.
    pub suspend_at: Option<Usec>,
    /// When it is stopped, and why.
    pub stop: Option<Stop>,
    /// When all this was last looked at.
    pub looked: Option<Usec>,
}

impl Verdict {
    /// When it is stopped; `None` if it is not to be.
    pub fn stop_at(&self) -> Option<Usec> {
        self.stop.map(|stop| stop.at)
    }
}

/// One thing that was looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// When a person last did something.
    Attended(Usec),
    /// When it was last seen working, where that is later.
    Worked(Usec),
    /// The kernels, and how many of them compute.
    Kernels {
        /// All of them.
        count: u32,
        /// Those that compute.
        busy: u32,
    },
    /// Open terminals, and when one of them last read or wrote.
    Terminals {
        /// All of them.
        count: u32,
        /// The last sign.
        last: Option<Usec>,
    },
    /// JupyterLab did not tell of its kernels.
    Silent,
    /// Processor time, per cent of one processor.
    Cpu(f64),
    /// Processor time is being measured.
    Measuring,
    /// Its person wants it to be left as it is until then.
    Kept(Usec),
}

/// Judges. `now` decides only what has passed.
pub fn judge(signs: &Signs<'_>, policy: &IdlePolicy, now: Usec) -> Verdict {
    let Signs { state, started, attended, keep_until, watched } = *signs;
    let kept = keep_until.filter(|until| *until > now);
    let last = [started, attended, watched.worked, watched.jupyter.as_ref().and_then(|jupyter| jupyter.last)];
    let last = last.into_iter().flatten().max().unwrap_or(now).min(now);
    let suspended = state == State::Suspended;
    // What stands still does not work, whatever it did before.
    let idle_since = (suspended || !watched.works).then_some(last);
    let after = |from: Usec, span: std::time::Duration| {
        let span = (span < NEVER).then(|| Usec::try_from(span.as_micros()).ok()).flatten()?;
        Some((from.saturating_add(span).max(kept.unwrap_or(0)), span))
    };
    let suspend_at = idle_since.filter(|_| !suspended).and_then(|since| after(since, policy.suspend_after));
    let idle = idle_since.and_then(|since| after(since, policy.stop_after)).map(|(at, span)| (at, span, Why::Idle));
    let aged = started.and_then(|started| after(started, policy.max_age)).map(|(at, span)| (at, span, Why::MaxAge));
    let stop = [idle, aged].into_iter().flatten().min_by_key(|(at, ..)| *at).map(|(at, span, why)| {
        // Where servers are stopped soon, they are not warned earlier than they became idle.
        let ahead = NOTICE.min(span / 4);
        let grace = GRACE.min(ahead);
        let told = watched.announced.map_or(at, |told| told.saturating_add(grace));
        Stop { at: at.max(told), why, notice: at - ahead, grace }
    });
    Verdict {
        idle_since,
        certain: suspended || watched.complete,
        reasons: reasons(signs, kept),
        suspend_at: suspend_at.map(|(at, _)| at),
        stop,
        looked: watched.looked,
    }
}

fn reasons(signs: &Signs<'_>, kept: Option<Usec>) -> Vec<Reason> {
    let watched = signs.watched;
    let attended = signs.attended.or(signs.started);
    let mut reasons: Vec<Reason> = attended.map(Reason::Attended).into_iter().collect();
    reasons.extend(watched.worked.filter(|worked| Some(*worked) > attended).map(Reason::Worked));
    match &watched.jupyter {
        Some(Jupyter { kernels, busy, terminals, last, .. }) => {
            reasons.push(Reason::Kernels { count: *kernels, busy: *busy });
            if *terminals > 0 {
                reasons.push(Reason::Terminals { count: *terminals, last: *last });
            }
        }
        None if watched.silent => reasons.push(Reason::Silent),
        None => {}
    }
    if let Some(percent) = watched.meter.percent() {
        reasons.push(Reason::Cpu(percent));
    } else if watched.measured && signs.state == State::Running {
        reasons.push(Reason::Measuring);
    }
    reasons.extend(kept.map(Reason::Kept));
    reasons
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MINUTE: Usec = 60_000_000;

    fn policy(suspend: u64, stop: u64, age: u64) -> IdlePolicy {
        let minutes = |count: u64| if count == 0 { NEVER } else { Duration::from_secs(count * 60) };
        IdlePolicy {
            suspend_after: minutes(suspend),
            stop_after: minutes(stop),
            max_age: minutes(age),
            keep_max: NEVER,
        }
    }

    /// Ran since minute 100, was last attended in minute 110, and does nothing.
    fn quiet() -> Watched {
        let jupyter = Jupyter { kernels: 1, busy: 0, terminals: 0, last: Some(105 * MINUTE), ..Jupyter::default() };
        Watched { jupyter: Some(jupyter), complete: true, ..Watched::default() }
    }

    fn signs(watched: &Watched) -> Signs<'_> {
        Signs {
            state: State::Running,
            started: Some(100 * MINUTE),
            attended: Some(110 * MINUTE),
            keep_until: None,
            watched,
        }
    }

    fn minutes(when: Option<Usec>) -> Option<i64> {
        when.map(|when| when / MINUTE)
    }

    #[test]
    fn idleness_begins_with_the_last_sign_of_life_whichever_it_is() {
        let policy = policy(30, 60, 0);
        let since = |watched: &Watched| minutes(judge(&signs(watched), &policy, 200 * MINUTE).idle_since);
        let mut watched = quiet();
        assert_eq!(since(&watched), Some(110), "a person");
        watched.worked = Some(120 * MINUTE);
        assert_eq!(since(&watched), Some(120), "the processor");
        watched.jupyter.as_mut().unwrap().last = Some(130 * MINUTE);
        assert_eq!(since(&watched), Some(130), "a kernel or a terminal");
        let fresh = Signs { started: Some(150 * MINUTE), ..signs(&watched) };
        assert_eq!(minutes(judge(&fresh, &policy, 200 * MINUTE).idle_since), Some(150), "the start");
    }

    #[test]
    fn times_follow_from_it() {
        let watched = quiet();
        let verdict = judge(&signs(&watched), &policy(30, 60, 0), 120 * MINUTE);
        assert_eq!((minutes(verdict.suspend_at), minutes(verdict.stop_at())), (Some(140), Some(170)));
        let verdict = judge(&signs(&watched), &policy(0, 0, 0), 120 * MINUTE);
        assert_eq!((verdict.suspend_at, verdict.stop_at()), (None, None));
        assert!(verdict.certain);
    }

    #[test]
    fn a_server_that_works_is_left_alone_however_long_nobody_came() {
        let watched = Watched { works: true, worked: Some(110 * MINUTE), ..quiet() };
        let verdict = judge(&signs(&watched), &policy(30, 60, 0), 10_000 * MINUTE);
        assert_eq!((verdict.idle_since, verdict.suspend_at, verdict.stop), (None, None, None));
    }

    #[test]
    fn what_was_not_seen_yet_is_not_certain() {
        let watched = Watched { complete: false, measured: true, ..quiet() };
        let verdict = judge(&signs(&watched), &policy(30, 60, 0), 200 * MINUTE);
        assert!(!verdict.certain && verdict.reasons.contains(&Reason::Measuring));
        let watched = Watched { jupyter: None, silent: true, complete: false, ..quiet() };
        let verdict = judge(&signs(&watched), &policy(30, 60, 0), 200 * MINUTE);
        assert!(!verdict.certain && verdict.reasons.contains(&Reason::Silent));
    }

    #[test]
    fn a_suspended_server_goes_on_being_idle_and_is_stopped_in_its_time() {
        let watched = Watched { complete: false, works: true, ..quiet() };
        let asleep = Signs { state: State::Suspended, ..signs(&watched) };
        let verdict = judge(&asleep, &policy(30, 60, 0), 200 * MINUTE);
        assert!(verdict.certain);
        assert_eq!((verdict.suspend_at, minutes(verdict.stop_at())), (None, Some(170)));
    }

    #[test]
    fn a_kept_server_is_neither_suspended_nor_stopped_before_its_time() {
        let watched = quiet();
        let kept = Signs { keep_until: Some(500 * MINUTE), ..signs(&watched) };
        let verdict = judge(&kept, &policy(30, 60, 90), 200 * MINUTE);
        assert_eq!((minutes(verdict.suspend_at), minutes(verdict.stop_at())), (Some(500), Some(500)));
        assert!(verdict.reasons.contains(&Reason::Kept(500 * MINUTE)));
        let verdict = judge(&kept, &policy(30, 60, 0), 501 * MINUTE);
        assert_eq!(minutes(verdict.stop_at()), Some(170), "it is over");
    }

    #[test]
    fn the_greatest_age_holds_for_servers_in_use_too() {
        let watched = Watched { works: true, ..quiet() };
        let stop = judge(&signs(&watched), &policy(30, 60, 90), 120 * MINUTE).stop.unwrap();
        assert_eq!((stop.at / MINUTE, stop.why), (190, Why::MaxAge));
        let watched = quiet();
        let stop = judge(&signs(&watched), &policy(30, 60, 90), 120 * MINUTE).stop.unwrap();
        assert_eq!((stop.at / MINUTE, stop.why), (170, Why::Idle), "whichever comes first");
    }

    #[test]
    fn a_stop_is_announced_before_and_comes_no_sooner_than_its_notice_allows() {
        let mut watched = quiet();
        let at = |watched: &Watched| judge(&signs(watched), &policy(0, 60, 0), 165 * MINUTE).stop.unwrap();
        assert_eq!((at(&watched).at / MINUTE, at(&watched).notice / MINUTE), (170, 160));
        watched.announced = Some(165 * MINUTE);
        assert_eq!(at(&watched).at / MINUTE, 170);
        watched.announced = Some(180 * MINUTE);
        assert_eq!(at(&watched).at / MINUTE, 181, "a notice that came late");
        let soon = judge(&signs(&quiet()), &policy(0, 4, 0), 110 * MINUTE).stop.unwrap();
        assert_eq!((soon.notice / MINUTE, soon.at / MINUTE, soon.grace), (113, 114, MINUTE));
    }
}
