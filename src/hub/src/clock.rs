//! The time, in the unit of the store.

pub mod timestamp;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970 UTC.
pub type Usec = i64;

/// Now, by the system clock.
pub fn now() -> Usec {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The same moment for the standard library; moments before 1970 become 1970.
pub fn system_time(moment: Usec) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(moment).unwrap_or(0))
}

/// ISO 8601 in UTC with microseconds and `Z`, as in all models of the REST API (contract, conventions).
pub fn iso(moment: Usec) -> String {
    humantime::format_rfc3339_micros(system_time(moment)).to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn moments_are_written_as_the_contract_wants() {
        assert_eq!(super::iso(1_769_860_800_123_456), "2026-01-31T12:00:00.123456Z");
        assert_eq!(super::iso(0), "1970-01-01T00:00:00.000000Z");
    }
}
