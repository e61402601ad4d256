//! Points in time, for people and for programs.

use std::time::{SystemTime, UNIX_EPOCH};

/// A point in time, in UTC; the page's script turns it into the reader's own words.
#[derive(Clone, Debug)]
pub(in crate::pages) struct Moment {
    pub(in crate::pages) machine: String,
    pub(in crate::pages) reading: String,
}

impl Moment {
    pub(in crate::pages) fn of(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let (year, month, day) = civil(days);
        Self {
            machine: format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"),
            reading: format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC"),
        }
    }
}

/// Days since 1970-01-01 as year, month, day of the Gregorian calendar: eras of 400 years that begin on 1 March.
pub(super) fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}
