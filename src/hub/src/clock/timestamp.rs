//! Moments as clients write them: ISO 8601, without a zone taken as UTC (contract 1.10).

use crate::clock::Usec;

const SECOND: i64 = 1_000_000;

/// `2026-01-31`, `2026-01-31T12:00`, `2026-01-31 12:00:00.123456+01:00` and what lies between; `None` for anything
/// else. Digits beyond the microsecond are dropped.
pub fn parse(text: &str) -> Option<Usec> {
    let mut reader = Reader(text.trim());
    let days = reader.date()?;
    if reader.0.is_empty() {
        return Some(days * 86_400 * SECOND);
    }
    if !(reader.take('T') || reader.take('t') || reader.take(' ')) {
        return None;
    }
    let (hour, minute) = (reader.number(2, 0..=23)?, reader.part(':', 0..=59)?);
    let mut second = 0;
    let mut micros = 0;
    if reader.0.starts_with(':') {
        second = reader.part(':', 0..=59)?;
        if reader.take('.') || reader.take(',') {
            micros = reader.fraction()?;
        }
    }
    let offset = reader.zone()?;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    reader.0.is_empty().then_some(seconds * SECOND + micros)
}

/// What is left to read.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn take(&mut self, c: char) -> bool {
        self.0.strip_prefix(c).map(|rest| self.0 = rest).is_some()
    }

    fn number(&mut self, digits: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        let number = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
        range.contains(&number).then_some(number)
    }

    fn part(&mut self, before: char, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        if self.take(before) { self.number(2, range) } else { None }
    }

    /// Days since 1970, by counting the leap days of whole years that begin in March.
    fn date(&mut self) -> Option<i64> {
        let (year, month) = (self.number(4, 1..=9999)?, self.part('-', 1..=12)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let day = self.part('-', 1..=last)?;
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let leap_days = year / 4 - year / 100 + year / 400;
        // 153 days are five months from March on; 719 469 days lie between the first March of year 0 and 1970.
        Some(year * 365 + leap_days + (month * 153 + 2) / 5 + day - 719_469)
    }

    fn fraction(&mut self) -> Option<i64> {
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
        if fraction.is_empty() { None } else { micros.parse().ok() }
    }

    /// Seconds east of UTC.
    fn zone(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.take('Z') || self.take('z') {
            return Some(0);
        }
        let sign = if self.take('+') {
            1
        } else if self.take('-') {
            -1
        } else {
            return None;
        };
        let hours = self.number(2, 0..=23)?;
        self.take(':');
        let minutes = if self.0.is_empty() { 0 } else { self.number(2, 0..=59)? };
        Some(sign * (hours * 3600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::clock::iso;

    #[test]
    fn moments_are_read_as_clients_write_them() {
        for (written, meant) in [
            ("2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00.123456Z"),
            ("2026-01-31T12:00:00", "2026-01-31T12:00:00.000000Z"),
            ("2026-01-31 12:00", "2026-01-31T12:00:00.000000Z"),
            ("2026-01-31", "2026-01-31T00:00:00.000000Z"),
            ("2026-01-31T12:00:00,5+01:30", "2026-01-31T10:30:00.500000Z"),
            ("2026-01-31T23:30:00.1234567-0100", "2026-02-01T00:30:00.123456Z"),
            ("2024-02-29T00:00:00+00", "2024-02-29T00:00:00.000000Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
            ("2000-12-31t23:59:59z", "2000-12-31T23:59:59.000000Z"),
        ] {
            assert_eq!(parse(written).map(iso).as_deref(), Some(meant), "{written}");
        }
    }

    #[test]
    fn what_is_no_moment_is_not_read_as_one() {
        for bad in [
            "",
            "now",
            "2026",
            "2026-1-1",
            "2026-13-01",
            "2023-02-29",
            "2026-01-31T",
            "2026-01-31T24:00:00",
            "2026-01-31T12",
            "2026-01-31T12:00:60",
            "2026-01-31T12:00:00.",
            "2026-01-31T12:00:00+",
            "2026-01-31T12:00:00+1",
            "2026-01-31T12:00:00Zx",
            "+026-01-31",
            "２０２６-01-31",
            "2026-01-31T12:00:00 UTC",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = parse("1999-12-31").unwrap();
        for year in 2000..2005 {
            for month in 1..=12 {
                for day in 1..=31 {
                    let Some(moment) = parse(&format!("{year}-{month:02}-{day:02}")) else { continue };
                    assert_eq!(moment - last, 86_400_000_000);
                    last = moment;
                }
            }
        }
    }
}
