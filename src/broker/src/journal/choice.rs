//! What a caller chooses of a log: how many lines, how bad, of when; checked before journalctl sees it.

use crate::errors::Error;

/// Lines of one call.
pub const LINES_MAX: u32 = 1000;
/// The least important of syslog(3)'s levels: everything.
const EVERYTHING: u8 = 7;
/// Characters of a cursor; systemd's have some 120.
const CURSOR_MAX: usize = 256;

/// A choice of lines that are there already.
pub struct Choice {
    lines: u32,
    priority: u8,
    since: u64,
    until: u64,
}

/// As it comes over the bus, `(uytt)`: lines, the least important level (0 to 7), and from when to when, microseconds
/// since 1970 UTC; 0 for no such bound.
pub type Chosen = (u32, u8, u64, u64);

impl Choice {
    /// The number of lines is brought within its bounds; a level that does not exist is refused.
    pub fn parse((lines, priority, since, until): Chosen) -> Result<Self, Error> {
        level(priority)?;
        Ok(Self { lines: lines.clamp(1, LINES_MAX), priority, since, until })
    }

    /// The arguments for the newest lines that fit. `--reverse` makes journalctl begin at the end also where there is
    /// a beginning: without it systemd 252 counts from `--since` on.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![format!("--lines={}", self.lines), "--reverse".to_owned()];
        arguments.extend(worse(self.priority));
        arguments.extend(moment("--since", self.since));
        arguments.extend(moment("--until", self.until));
        arguments
    }
}

/// Where to begin with lines that are still to come.
pub struct Beginning {
    priority: u8,
    since: u64,
    after: String,
}

impl Beginning {
    /// Behind the entry with the cursor `after`; without one, at the moment `since`; without either, now.
    pub fn parse((priority, since, after): (u8, u64, &str)) -> Result<Self, Error> {
        level(priority)?;
        let clean = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b';' | b'-');
        if after.len() > CURSOR_MAX || !after.bytes().all(clean) {
            return Err(Error::InvalidArgument("This is no cursor of the journal.".to_owned()));
        }
        Ok(Self { priority, since, after: after.to_owned() })
    }

    /// The arguments.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--follow".to_owned()];
        if self.after.is_empty() && self.since == 0 {
            arguments.push("--lines=0".to_owned());
        } else {
            arguments.push("--lines=all".to_owned());
            if self.after.is_empty() {
                arguments.extend(moment("--since", self.since));
            } else {
                arguments.push(format!("--after-cursor={}", self.after));
            }
        }
        arguments.extend(worse(self.priority));
        arguments
    }
}

fn level(priority: u8) -> Result<(), Error> {
    if priority > EVERYTHING {
        return Err(Error::InvalidArgument("The levels of the journal are 0 to 7.".to_owned()));
    }
    Ok(())
}

fn worse(priority: u8) -> Option<String> {
    // Lines without a level count as well where everything is wanted.
    (priority < EVERYTHING).then(|| format!("--priority={priority}"))
}

/// systemd.time(7): `@` and seconds since 1970, which may have a fraction.
fn moment(option: &str, usec: u64) -> Option<String> {
    (usec > 0).then(|| format!("{option}=@{}.{:06}", usec / 1_000_000, usec % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_lines_is_bounded() {
        for (asked, given) in [(0, 1), (5, 5), (u32::MAX, LINES_MAX)] {
            let arguments = Choice::parse((asked, 7, 0, 0)).unwrap().arguments();
            assert_eq!(arguments, [format!("--lines={given}"), "--reverse".to_owned()]);
        }
    }

    #[test]
    fn level_and_time_become_options() {
        let arguments = Choice::parse((5, 4, 1_700_000_000_000_001, 1_700_000_001_000_000)).unwrap().arguments();
        assert_eq!(arguments[2..], ["--priority=4", "--since=@1700000000.000001", "--until=@1700000001.000000"]);
        assert!(Choice::parse((5, 8, 0, 0)).is_err() && Beginning::parse((8, 0, "")).is_err());
    }

    #[test]
    fn a_log_is_followed_from_a_cursor_a_moment_or_now_on() {
        let of = |since, after| Beginning::parse((7, since, after)).unwrap().arguments();
        assert_eq!(of(0, ""), ["--follow", "--lines=0"]);
        assert_eq!(of(2_500_000, ""), ["--follow", "--lines=all", "--since=@2.500000"]);
        assert_eq!(of(2_500_000, "s=1;i=2"), ["--follow", "--lines=all", "--after-cursor=s=1;i=2"]);
    }

    #[test]
    fn a_cursor_is_one_word_of_sane_length() {
        for bad in ["s=1 i=2", "s=1\n", "$(x)", "ü", "--x/y", &"s".repeat(CURSOR_MAX + 1)] {
            assert!(Beginning::parse((7, 0, bad)).is_err(), "{bad:?}");
        }
    }
}
