//! Amounts as people read them. Figures and units are the same in both languages.

/// A size in bytes, with the units that the configuration has: a `GB` here is a `G` there, 1024 `MB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    #[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
    let mut amount = count as f64 / 1024.0;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    // 1023.6 would be shown as 1024 of the smaller unit.
    while amount >= 1023.5 {
        let Some(next) = units.next() else { break };
        (amount, unit) = (amount / 1024.0, next);
    }
    format!("{} {unit}", decimal(amount))
}

/// Processors, from per cent of one.
pub fn processors(percent: f64) -> String {
    let count = percent / 100.0;
    if count < 0.995 { trimmed(format!("{count:.2}")) } else { decimal(count) }
}

/// One decimal below ten, none from there on, and no zero behind the point.
fn decimal(amount: f64) -> String {
    if amount < 9.95 { trimmed(format!("{amount:.1}")) } else { format!("{amount:.0}") }
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{bytes, processors};

    #[test]
    fn sizes_have_two_digits_and_the_next_unit_in_time() {
        for (count, shown) in [
            (0, "0 KB"),
            (512, "0.5 KB"),
            (1 << 20, "1 MB"),
            (1023 * 1024, "1023 KB"),
            ((1 << 20) - 1, "1 MB"),
            (1536 << 20, "1.5 GB"),
            (8 << 30, "8 GB"),
            (10_307_921_510, "9.6 GB"),
            (12_500_000_000, "12 GB"),
            (3 << 40, "3 TB"),
            (u64::MAX, "16777216 TB"),
        ] {
            assert_eq!(bytes(count), shown, "{count}");
        }
    }

    #[test]
    fn processors_are_exact_where_little_is_used() {
        for (percent, shown) in [(0.0, "0"), (3.4, "0.03"), (50.0, "0.5"), (99.9, "1"), (150.0, "1.5"), (1600.0, "16")]
        {
            assert_eq!(processors(percent), shown, "{percent}");
        }
    }
}
