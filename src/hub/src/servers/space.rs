//! Whether a bad end was that nothing could be written any more, as the last lines of the log tell.
//!
//! Nobody says so in a better way: a program that cannot write prints the system's sentence and ends with a status of its
//! own. Pure.

use super::state::{Cause, Failure};

/// What was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSpace {
    /// The file system (`ENOSPC` of errno(3)).
    Disk,
    /// The person's share of it (`EDQUOT`).
    Quota,
}

/// The C library's sentences, in the languages of the pages, and the numbers that Python puts before its own.
const SENTENCES: [(&str, NoSpace); 6] = [
    ("no space left on device", NoSpace::Disk),
    ("[errno 28]", NoSpace::Disk),
    ("设备上没有空间", NoSpace::Disk),
    ("disk quota exceeded", NoSpace::Quota),
    ("[errno 122]", NoSpace::Quota),
    ("超出磁盘配额", NoSpace::Quota),
];

/// What was used up when a server failed; the last line that tells of it counts.
pub fn used_up(failure: &Failure) -> Option<NoSpace> {
    match failure.cause {
        Cause::Launch | Cause::Exited | Cause::Timeout | Cause::Died => {}
        Cause::NotAllowed | Cause::NoLab | Cause::Configuration | Cause::Unreachable => return None,
    }
    failure.journal.iter().rev().find_map(|line| told(line))
}

fn told(line: &str) -> Option<NoSpace> {
    let line = line.to_ascii_lowercase();
    SENTENCES.into_iter().find(|(sentence, _)| line.contains(sentence)).map(|(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(cause: Cause, lines: &[&str]) -> Failure {
        let journal = lines.iter().map(|line| (*line).to_owned()).collect();
        Failure { cause, text: "exit-code (1)".into(), out_of_memory: false, journal }
    }

    #[test]
    fn what_programs_say_about_a_full_disk_and_a_used_up_quota_is_understood() {
        for (line, expected) in [
            ("OSError: [Errno 28] No space left on device: '/home/alice/.local'", Some(NoSpace::Disk)),
            ("Error: ENOSPC: no space left on device, write", Some(NoSpace::Disk)),
            ("cp: 写入 '/home/alice/x' 时出错: 设备上没有空间", Some(NoSpace::Disk)),
            ("OSError: [Errno 122] Disk quota exceeded", Some(NoSpace::Quota)),
            ("mkdir: 无法创建目录 “x”: 超出磁盘配额", Some(NoSpace::Quota)),
            ("OSError: [Errno 2] No such file or directory", None),
        ] {
            assert_eq!(used_up(&failure(Cause::Exited, &[line, "a line after it"])), expected, "{line}");
        }
    }

    #[test]
    fn the_last_line_that_tells_of_it_counts() {
        let lines = ["No space left on device", "Disk quota exceeded", "bye"];
        assert_eq!(used_up(&failure(Cause::Died, &lines)), Some(NoSpace::Quota));
    }

    #[test]
    fn a_start_that_was_refused_is_about_something_else() {
        assert_eq!(used_up(&failure(Cause::NotAllowed, &["No space left on device"])), None);
    }
}
