//! Folders, sockets and the port.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User};

use super::Finding;
use crate::failure::words;
use crate::programs::ask;
use crate::text::{Talk, Text};

/// The port of `hub.socket` as it is shipped.
const PORT: u16 = 8000;
/// path, owner, group, mode
const EXPECTED: [(&str, &str, &str, u32); 6] = [
    ("/run/hub", "root", "root", 0o755),
    ("/run/hub/servers", "root", "_hubd", 0o710),
    ("/run/hub/services", "root", "_hubd", 0o710),
    ("/run/hub/secrets", "root", "root", 0o700),
    ("/run/hub/control.sock", "root", "root", 0o666),
    ("/run/hub/login.sock", "root", "_hubd", 0o660),
];

pub(super) fn listens(talk: Talk, unit: &'static str, state: &str) -> Finding {
    if state == "active" {
        return Finding::good("socket", talk.say(Text::CheckSocket, &[&unit]));
    }
    let message = talk.say(Text::CheckSocketOff, &[&unit, &state]);
    // The login socket comes and goes with hub.socket.
    Finding::bad("socket", message, talk.say(Text::CheckSocketDo, &[&"hub.socket", &unit]))
}

pub(super) fn enabled(talk: Talk) -> Finding {
    match ask("systemctl", &["is-enabled", "hub.socket"]).as_deref() {
        Ok("enabled" | "enabled-runtime" | "alias") => Finding::good("enabled", talk.say(Text::CheckEnabled, &[])),
        _ => Finding::warn("enabled", talk.say(Text::CheckEnabledNot, &[]), talk.say(Text::CheckEnabledDo, &[])),
    }
}

/// One finding when all is well, otherwise one for each path.
pub(super) fn folders(talk: Talk) -> Vec<Finding> {
    let advice = || talk.say(Text::CheckFoldersDo, &[]);
    let mut findings = Vec::new();
    for (path, owner, group, mode) in EXPECTED {
        let expected = format!("{owner}:{group} {mode:04o}");
        match fs::symlink_metadata(path) {
            Ok(meta) => {
                let found = describe(meta.uid(), meta.gid(), meta.mode());
                if found != expected {
                    let message = talk.say(Text::CheckFoldersBad, &[&path, &found, &expected]);
                    findings.push(Finding::bad("folders", message, advice()));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                findings.push(Finding::bad("folders", talk.say(Text::CheckFoldersNone, &[&path]), advice()));
            }
            Err(error) => {
                let message = talk.say(Text::CheckFoldersBad, &[&path, &words(&error), &expected]);
                findings.push(Finding::bad("folders", message, advice()));
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good("folders", talk.say(Text::CheckFolders, &[])));
    }
    findings
}

/// `root:_hubd 0710`
fn describe(owner: u32, group: u32, mode: u32) -> String {
    let user = User::from_uid(Uid::from_raw(owner)).ok().flatten().map_or_else(|| owner.to_string(), |user| user.name);
    let group = Group::from_gid(Gid::from_raw(group)).ok().flatten().map_or_else(|| group.to_string(), |g| g.name);
    format!("{user}:{group} {:04o}", mode & 0o7777)
}

/// Is each port of `hub.socket` the hub's, free, or somebody else's?
pub(super) fn ports(talk: Talk, socket_state: &str) -> Vec<Finding> {
    let listed = ask("systemctl", &["show", "--property=Listen", "--value", "hub.socket"]).unwrap_or_default();
    let mut ports = parse_listen(&listed);
    if ports.is_empty() {
        ports.push(PORT);
    }
    let ours = socket_state == "active";
    ports.into_iter().map(|port| port_finding(talk, port, ours, listener(port))).collect()
}

fn port_finding(talk: Talk, port: u16, ours: bool, listener: Option<u64>) -> Finding {
    match listener {
        _ if ours => Finding::good("port", talk.say(Text::CheckPort, &[&port])),
        None => Finding::good("port", talk.say(Text::CheckPortFree, &[&port])),
        Some(inode) => {
            let who = holder(inode).unwrap_or_else(|| talk.say(Text::CheckPortSomebody, &[]));
            let message = talk.say(Text::CheckPortTaken, &[&port, &who]);
            Finding::bad("port", message, talk.say(Text::CheckPortTakenDo, &[]))
        }
    }
}

/// Lines such as `[::]:8000 (Stream)` and `/run/hub/control.sock (Stream)`.
fn parse_listen(text: &str) -> Vec<u16> {
    let port = |line: &str| {
        let address = line.trim().strip_suffix("(Stream)")?.trim();
        if address.starts_with('/') { None } else { address.rsplit(':').next()?.parse().ok() }
    };
    text.lines().filter_map(port).collect()
}

/// The inode of a socket that listens on this port on any address.
fn listener(port: u16) -> Option<u64> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    tables.iter().find_map(|table| find_listener(&fs::read_to_string(table).ok()?, port))
}

/// One table of `proc_net_tcp(5)`: the second column is address:port, the fourth the state, the tenth the inode.
fn find_listener(table: &str, port: u16) -> Option<u64> {
    const LISTEN: &str = "0A";
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let (_, local) = columns.next()?.rsplit_once(':')?;
        let state = columns.nth(1)?;
        let inode = columns.nth(5)?;
        (state == LISTEN && u16::from_str_radix(local, 16) == Ok(port)).then(|| inode.parse().ok()).flatten()
    })
}

/// The program that holds a socket, such as `apache2 (123)`; only root sees everybody's.
fn holder(inode: u64) -> Option<String> {
    let wanted = format!("socket:[{inode}]");
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
        let Some(pid) = pid else { continue };
        let Ok(descriptors) = fs::read_dir(entry.path().join("fd")) else { continue };
        let mut links = descriptors.flatten().filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
        if links.any(|link| link == Path::new(&wanted)) {
            let command = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Some(format!("{} ({pid})", command.trim()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{describe, find_listener, holder, listener, parse_listen, port_finding};
    use crate::commands::doctor::Outcome;
    use crate::text::{Language, Talk};

    #[test]
    fn ports_are_read_from_systemctl_show() {
        let text = "[::]:8000 (Stream)\n0.0.0.0:443 (Stream)\n/run/hub/control.sock (Stream)\n[::]:53 (Datagram)";
        assert_eq!(parse_listen(text), [8000, 443]);
        assert!(parse_listen("").is_empty());
    }

    #[test]
    fn only_listening_sockets_of_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n\
             1: 0100007F:1F41 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1\n";
        assert_eq!(find_listener(table, 8000), Some(4711));
        assert_eq!(find_listener(table, 8001), None);
        assert_eq!(find_listener("", 8000), None);
    }

    #[test]
    fn a_taken_port_is_told_with_the_program() {
        let Ok(socket) = TcpListener::bind("127.0.0.1:0") else { unreachable!("no loopback") };
        let port = socket.local_addr().map(|address| address.port()).unwrap_or_default();
        let inode = listener(port);
        assert!(inode.and_then(holder).is_some_and(|who| who.ends_with(&format!("({})", std::process::id()))));
        let talk = Talk::new(Language::English);
        assert_eq!(port_finding(talk, port, false, inode).outcome, Outcome::Bad);
        assert_eq!(port_finding(talk, port, true, inode).outcome, Outcome::Good);
        assert_eq!(port_finding(talk, port, false, None).outcome, Outcome::Good);
    }

    #[test]
    fn owners_and_modes_are_told_by_name() {
        assert_eq!(describe(0, 0, 0o100_710), "root:root 0710");
        assert_eq!(describe(4_000_001, 4_000_002, 0o041_777), "4000001:4000002 1777");
    }
}
