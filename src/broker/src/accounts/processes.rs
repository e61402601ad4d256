//! Whether an account still has a process: its number must not be given up before.

use std::fs;

/// One process whose real or effective user this is, `proc_pid_status(5)`. What ends meanwhile is no process any more.
pub fn of(uid: u32) -> Option<u32> {
    let entries = fs::read_dir("/proc").ok()?;
    entries.filter_map(Result::ok).find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        is_of(&status, uid).then_some(pid)
    })
}

fn is_of(status: &str, uid: u32) -> bool {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    line.is_some_and(|line| line.split_whitespace().any(|field| field.parse() == Ok(uid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_of_every_user_it_acts_as() {
        let status = "Name:\tUid: 7\nUid:\t1000\t1001\t1001\t1001\nGid:\t5\t5\t5\t5\n";
        assert!(is_of(status, 1000) && is_of(status, 1001) && !is_of(status, 5) && !is_of(status, 7));
        assert!(!is_of("", 0));
        assert!(of(nix::unistd::getuid().as_raw()).is_some(), "this very test is one");
        assert_eq!(of(4_000_000_001), None);
    }
}
