//! What the form of a log asks for: how bad, of when, of which part of the hub.

use serde::Deserialize;

use crate::clock::Usec;
use crate::clock::timestamp;
use crate::http::faults::Fault;

const HOUR: Usec = 3_600_000_000;

/// syslog priorities: what is worse than this is shown.
pub(super) const LEVELS: [(&str, &str); 4] =
    [("7", "admin.level-all"), ("6", "admin.level-info"), ("4", "admin.level-warning"), ("3", "admin.level-error")];

/// Spans before now, and how long each is; the last one is told by its two ends.
pub(super) const SPANS: [(&str, &str, Usec); 5] = [
    ("", "logs.span-any", 0),
    ("hour", "logs.span-hour", HOUR),
    ("day", "logs.span-day", 24 * HOUR),
    ("week", "logs.span-week", 7 * 24 * HOUR),
    ("between", "logs.span-between", 0),
];

/// What may stand in the address. Times are UTC, as the log's own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Asked {
    pub priority: String,
    pub span: String,
    pub since: String,
    pub until: String,
    pub part: String,
}

impl Asked {
    /// The least important level; everything where none is chosen.
    pub fn worst(&self) -> u8 {
        self.level().parse().unwrap_or(7)
    }

    /// The level as it is offered.
    pub fn level(&self) -> &'static str {
        LEVELS.iter().find(|(value, _)| *value == self.priority).map_or("7", |(value, _)| *value)
    }

    /// From when to when. The two ends count only where they are asked for.
    pub fn bounds(&self, now: Usec) -> Result<(Option<Usec>, Option<Usec>), Fault> {
        if self.span != "between" {
            let span = SPANS.iter().find(|(value, ..)| *value == self.span);
            let (_, _, length) = span.ok_or_else(|| Fault::BadRequest("There is no such span of time.".into()))?;
            return Ok(((*length > 0).then(|| now - length), None));
        }
        Ok((moment(&self.since)?, moment(&self.until)?))
    }

    /// The address of the page with this choice, from the question mark on.
    pub fn query(&self) -> String {
        let fields = [
            ("part", &self.part),
            ("priority", &self.priority),
            ("span", &self.span),
            ("since", &self.since),
            ("until", &self.until),
        ];
        let said = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

fn moment(text: &str) -> Result<Option<Usec>, Fault> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let wrong = || Fault::BadRequest(format!("{text} is no time. Write it as 2026-01-31T12:00."));
    timestamp::parse(text).map(Some).ok_or_else(wrong)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn asked(span: &str, since: &str, until: &str) -> Asked {
        let [span, since, until] = [span, since, until].map(str::to_owned);
        Asked { span, since, until, ..Asked::default() }
    }

    #[test]
    fn a_span_ends_now_and_two_ends_count_only_when_they_are_asked_for() {
        let now = 1_769_860_800_000_000;
        let bounds = |span, since, until| asked(span, since, until).bounds(now).ok();
        assert_eq!(bounds("", "2026-01-31T12:00", "x"), Some((None, None)));
        assert_eq!(bounds("hour", "", ""), Some((Some(now - HOUR), None)));
        assert_eq!(bounds("between", "2026-01-31T12:00", ""), Some((Some(now), None)));
        assert_eq!(bounds("between", "", "2026-01-31T12:00"), Some((None, Some(now))));
        assert_eq!(bounds("between", "yesterday", ""), None);
        assert_eq!(bounds("year", "", ""), None);
    }

    #[test]
    fn a_level_that_is_not_offered_is_everything() {
        let level = |priority: &str| Asked { priority: priority.to_owned(), ..Asked::default() }.worst();
        assert_eq!(["", "4", "3", "5", "x"].map(level), [7, 4, 3, 7, 7]);
    }
}
