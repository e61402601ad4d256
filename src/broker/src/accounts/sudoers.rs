//! Whom sudo(8) lets rule the machine, as far as names tell: every word of sudoers(5) that names an account or a group.
//!
//! No reader of the whole grammar: a name that stands there anywhere counts, whatever it may do. Invariant: what cannot
//! be read counts as naming everybody.

use std::path::{Path, PathBuf};

use hubd_base::names::UserName;

const FILE: &str = "/etc/sudoers";
const FOLDER: &str = "/etc/sudoers.d";

/// The words of all files.
#[derive(Debug, Clone, Default)]
pub struct Sudoers {
    words: Vec<String>,
    unreadable: Option<PathBuf>,
}

/// Reads them as they are now. Without sudo there are none.
pub fn read() -> Sudoers {
    let mut sudoers = Sudoers::default();
    sudoers.add(Path::new(FILE));
    match std::fs::read_dir(FOLDER) {
        Ok(entries) => {
            for entry in entries {
                match entry {
                    Ok(entry) => sudoers.add(&entry.path()),
                    Err(_) => sudoers.unreadable = Some(PathBuf::from(FOLDER)),
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(_) => sudoers.unreadable = Some(PathBuf::from(FOLDER)),
    }
    sudoers
}

impl Sudoers {
    /// From the text of a file.
    #[cfg(test)]
    pub fn parse(text: &str) -> Self {
        let mut sudoers = Self::default();
        sudoers.take(text);
        sudoers
    }

    /// What stands in the way of an answer.
    pub fn unreadable(&self) -> Option<&Path> {
        self.unreadable.as_deref()
    }

    /// Is this account named, by name or by number?
    pub fn names_account(&self, name: &UserName, uid: Option<u32>) -> bool {
        let number = uid.map(|uid| format!("#{uid}"));
        self.words.iter().any(|word| word == name.as_str() || Some(word) == number.as_ref())
    }

    /// Is this group named, by name or by number?
    pub fn names_group(&self, name: &str, gid: Option<u32>) -> bool {
        let number = gid.map(|gid| format!("#{gid}"));
        let groups = self.words.iter().filter_map(|word| word.strip_prefix('%'));
        groups
            .map(|word| word.strip_prefix(':').unwrap_or(word))
            .any(|word| word == name || Some(word) == number.as_deref())
    }

    fn add(&mut self, path: &Path) {
        match std::fs::read(path) {
            Ok(bytes) => self.take(&String::from_utf8_lossy(&bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => self.unreadable = Some(path.to_owned()),
        }
    }

    fn take(&mut self, text: &str) {
        let between = |c: char| c.is_whitespace() || matches!(c, ',' | '=' | '(' | ')' | '!' | '"');
        for line in text.lines() {
            // "#1000" is an account, "# words" a remark.
            let remark = line
                .match_indices('#')
                .find(|(at, _)| !line.get(at + 1..).unwrap_or_default().starts_with(|c: char| c.is_ascii_digit()));
            let line = remark.and_then(|(at, _)| line.get(..at)).unwrap_or(line);
            self.words.extend(line.split(between).filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# alice may not\nDefaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL # bob\n\
        %teachers,dean ALL=(ALL) NOPASSWD: /usr/bin/apt\nUser_Alias STAFF=erin, !frank\n#1007 ALL=ALL\n%#1500 ALL=ALL\n\
        @includedir /etc/sudoers.d\n";

    #[test]
    fn who_stands_in_sudoers_is_named_and_remarks_name_nobody() {
        let sudoers = Sudoers::parse(TEXT);
        let named = |name: &str| sudoers.names_account(&UserName::parse(name).unwrap(), None);
        for name in ["root", "dean", "erin", "frank"] {
            assert!(named(name), "{name}");
        }
        for name in ["alice", "bob", "sudo", "teachers"] {
            assert!(!named(name), "{name}");
        }
        let carol = UserName::parse("carol").unwrap();
        assert!(sudoers.names_account(&carol, Some(1007)) && !sudoers.names_account(&carol, Some(1008)));
        assert!(sudoers.names_group("teachers", None) && sudoers.names_group("sudo", Some(27)));
        assert!(sudoers.names_group("x", Some(1500)) && !sudoers.names_group("students", Some(1001)));
    }
}
