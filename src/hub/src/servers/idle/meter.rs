//! How much processor time a server uses over a while, told from what it used in all at two looks.
//!
//! The looks may be hours apart and made by different processes of the hub: what one saw is in the store for the next.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Usec;

/// Two earlier looks. The share is told from the older one, so that it is always over the window at least.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meter {
    older: Option<Sample>,
    newer: Option<Sample>,
    /// Per cent of one processor, between the older look and the last one; unknown until the window is over.
    percent: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    /// When.
    at: Usec,
    /// Processor time since the server's start, microseconds.
    used: u64,
}

impl Meter {
    /// Takes a look: `used` is the processor time since the server's start, microseconds.
    pub fn take(&mut self, now: Usec, used: u64, window: Duration) {
        let window = Usec::try_from(window.as_micros()).unwrap_or(Usec::MAX);
        let sample = Sample { at: now, used };
        let (Some(older), Some(newer)) = (self.older, self.newer) else {
            return self.begin(sample);
        };
        // A clock that was set back, or another run of the server.
        if now < newer.at || used < newer.used {
            return self.begin(sample);
        }
        let elapsed = now - older.at;
        if elapsed >= window && elapsed > 0 {
            let worked = Duration::from_micros(used - older.used).as_secs_f64();
            let elapsed = Duration::from_micros(elapsed.unsigned_abs()).as_secs_f64();
            self.percent = Some(100.0 * worked / elapsed);
        }
        if now - newer.at >= window {
            self.older = Some(newer);
            self.newer = Some(sample);
        }
    }

    /// Per cent of one processor at the last look; `None` until there were two that are far enough apart.
    pub fn percent(&self) -> Option<f64> {
        self.percent
    }

    fn begin(&mut self, sample: Sample) {
        *self = Self { older: Some(sample), newer: Some(sample), percent: None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Usec = 60_000_000;
    const WINDOW: Duration = Duration::from_secs(300);

    /// Looks at these minutes, with that many minutes of processor time used in all.
    fn looks(looks: &[(Usec, u64)]) -> Meter {
        let mut meter = Meter::default();
        for (at, used) in looks {
            meter.take(at * MINUTE, used * 60_000_000, WINDOW);
        }
        meter
    }

    #[test]
    fn one_look_tells_nothing_and_two_that_are_too_close_neither() {
        assert_eq!(looks(&[(0, 7)]).percent(), None);
        assert_eq!(looks(&[(0, 7), (4, 9)]).percent(), None);
    }

    #[test]
    fn the_share_is_of_the_time_between_the_looks() {
        assert_eq!(looks(&[(0, 7), (10, 17)]).percent(), Some(100.0));
        assert_eq!(looks(&[(0, 7), (10, 7)]).percent(), Some(0.0));
        assert_eq!(looks(&[(0, 0), (5, 0), (10, 5), (11, 5), (12, 5)]).percent().map(f64::floor), Some(71.0));
    }

    #[test]
    fn work_is_forgotten_once_it_is_older_than_two_windows() {
        assert_eq!(looks(&[(0, 0), (5, 5), (10, 5)]).percent(), Some(50.0));
        assert_eq!(looks(&[(0, 0), (5, 5), (10, 5), (15, 5)]).percent(), Some(0.0));
    }

    #[test]
    fn many_looks_in_a_short_time_do_not_shorten_what_is_measured() {
        let mut often: Vec<(Usec, u64)> = vec![(0, 0), (5, 5)];
        often.extend((6..=10).map(|minute| (minute, 5)));
        assert!(looks(&often).percent().unwrap() > 49.0);
        often.extend((11..=15).map(|minute| (minute, 5)));
        assert_eq!(looks(&often).percent(), Some(0.0));
    }

    #[test]
    fn another_run_and_another_clock_begin_anew() {
        assert_eq!(looks(&[(0, 50), (10, 1)]).percent(), None);
        assert_eq!(looks(&[(10, 1), (0, 1)]).percent(), None);
    }
}
