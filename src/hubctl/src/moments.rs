//! Points in time as the API writes them, and how long ago they are.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::text::{Talk, Text};

/// Seconds since 1970 of `2026-01-31T12:00:00.123456Z` (ISO 8601, UTC); `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z')?;
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time.split('.').next()?, ':')?;
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    valid.then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Such as `3 min ago`; the text itself where it is no point in time.
pub(crate) fn ago(talk: Talk, text: Option<&str>, now: i64) -> String {
    let Some(text) = text else { return talk.say(Text::Never, &[]) };
    let Some(then) = parse(text) else { return text.to_owned() };
    match (now - then).max(0) / 60 {
        0 => talk.say(Text::JustNow, &[]),
        minutes @ 1..=119 => talk.say(Text::MinutesAgo, &[&minutes]),
        minutes @ 120..=2879 => talk.say(Text::HoursAgo, &[&(minutes / 60)]),
        minutes => talk.say(Text::DaysAgo, &[&(minutes / 1440)]),
    }
}

/// Such as `in 30 d`; no point in time is never.
pub(crate) fn until(talk: Talk, text: Option<&str>, now: i64) -> String {
    let Some(text) = text else { return talk.say(Text::Never, &[]) };
    let Some(then) = parse(text) else { return text.to_owned() };
    let seconds = then - now;
    if seconds <= 0 {
        return talk.say(Text::Expired, &[]);
    }
    // To the nearest: 30 days that began a moment ago are still 30 days.
    match (seconds + 30) / 60 {
        minutes @ 0..=119 => talk.say(Text::InMinutes, &[&minutes.max(1)]),
        minutes @ 120..=2879 => talk.say(Text::InHours, &[&((minutes + 30) / 60)]),
        minutes => talk.say(Text::InDays, &[&((minutes + 720) / 1440)]),
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(|part| {
        let digits = !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// Days since 1970-01-01 of a Gregorian date: March starts the year, so that the leap day is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let month = (month + 9) % 12;
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::{ago, parse, until};
    use crate::text::{Language, Talk};

    #[test]
    fn points_in_time_are_read() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2000-02-29T23:59:59.999999Z"), Some(951_868_799));
        assert_eq!(parse("2026-01-31T12:00:00.123456Z"), Some(1_769_860_800));
        for wrong in ["", "Z", "2026-01-31", "2026-01-31T12:00:00", "2026-13-31T12:00:00Z", "2026-01-31T12:00:00:00Z"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_distance_is_told_in_the_largest_unit_that_says_something() {
        let talk = Talk::new(Language::English);
        let at = |seconds: i64| ago(talk, Some("2026-01-31T12:00:00Z"), 1_769_860_800 + seconds);
        assert_eq!(at(-5), "just now");
        assert_eq!(at(59), "just now");
        assert_eq!(at(60), "1 min ago");
        assert_eq!(at(7199), "119 min ago");
        assert_eq!(at(7200), "2 h ago");
        assert_eq!(at(172_800), "2 d ago");
        assert_eq!(ago(talk, None, 0), "never");
        assert_eq!(ago(talk, Some("yesterday"), 0), "yesterday");
    }
    #[test]
    fn what_is_to_come_is_told_likewise() {
        let talk = Talk::new(Language::English);
        let after = |seconds: i64| until(talk, Some("2026-01-31T12:00:00Z"), 1_769_860_800 - seconds);
        assert_eq!(after(0), "expired");
        assert_eq!(after(1), "in 1 min");
        assert_eq!(after(3600), "in 60 min");
        assert_eq!(after(7200), "in 2 h");
        assert_eq!(after(30 * 86_400 - 5), "in 30 d");
        assert_eq!(until(talk, None, 0), "never");
    }
}
