//! This machine's own files of accounts, passwd(5) and group(5): what a directory elsewhere says is not in them.
//!
//! Invariant: a line that makes no sense names nobody.

use hubd_base::names::UserName;
use hubd_proto::accounts::MARKER_GROUP;

use crate::errors::Error;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

/// Both files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Local {
    accounts: Vec<(String, u32)>,
    groups: Vec<LocalGroup>,
}

/// One line of group(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalGroup {
    /// Its name.
    pub name: String,
    /// Its number.
    pub gid: u32,
    /// Who is in it beside those whose first group it is.
    pub members: Vec<String>,
}

/// Reads the files as they are now.
pub fn read() -> Result<Local, Error> {
    let text = |path: &str| -> Result<String, Error> {
        let bytes = std::fs::read(path).map_err(|error| Error::failed(&format!("Reading {path}"), error))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(Local::parse(&text(PASSWD)?, &text(GROUP)?))
}

impl Local {
    /// From the text of both files.
    pub fn parse(passwd: &str, group: &str) -> Self {
        let account = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            Some((name, fields.nth(1)?.parse().ok()?))
        };
        let group_of = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let gid = fields.nth(1)?.parse().ok()?;
            let members = fields.next()?.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            Some(LocalGroup { name, gid, members })
        };
        Self {
            accounts: passwd.lines().filter_map(account).collect(),
            groups: group.lines().filter_map(group_of).collect(),
        }
    }

    /// The numbers of all lines of this name: more than one is a mistake that useradd(8) never makes.
    pub fn uids(&self, name: &UserName) -> Vec<u32> {
        self.accounts.iter().filter(|(found, _)| found == name.as_str()).map(|(_, uid)| *uid).collect()
    }

    /// How many names share a number.
    pub fn names_of(&self, uid: u32) -> usize {
        self.accounts.iter().filter(|(_, found)| *found == uid).count()
    }

    /// Is it in the group of accounts that the hub made?
    pub fn is_marked(&self, name: &UserName) -> bool {
        self.groups_of(name).any(|group| group.name == MARKER_GROUP)
    }

    /// Is there such a group?
    pub fn has_group(&self, name: &str) -> bool {
        self.groups.iter().any(|group| group.name == name)
    }

    /// The groups whose lines name this account.
    pub fn groups_of(&self, name: &UserName) -> impl Iterator<Item = &LocalGroup> {
        self.groups.iter().filter(move |group| group.members.iter().any(|member| member == name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_groups_are_read_and_broken_lines_are_nobody() {
        let local = Local::parse(
            "root:x:0:0:root:/root:/bin/bash\ncarol:x:1005:1005::/home/carol:/bin/bash\n+::::::\nbroken\nx:y\n",
            "hub-people:x:990:carol,dave\nsudo:x:27:\nbroken\nodd:x:one:carol\n",
        );
        let name = |text: &str| UserName::parse(text).unwrap();
        assert_eq!(local.uids(&name("carol")), [1005]);
        assert_eq!(local.uids(&name("broken")), [0_u32; 0]);
        assert!(local.is_marked(&name("carol")) && local.is_marked(&name("dave")) && !local.is_marked(&name("root")));
        assert!(local.has_group("sudo") && !local.has_group("odd"));
        assert_eq!(local.names_of(0), 1);
    }
}
