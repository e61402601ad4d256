//! The unit in which the system's own programs change accounts: `hub-account@carol.service`, gone when it is done.
//!
//! systemd.exec(5). Of the whole machine it writes to `/etc` and to homes, and has no network. A drop-in for
//! `hub-account@.service` may widen that, for homes that lie elsewhere or programs that useradd(8) calls. Invariant: the
//! arguments are names that were checked and root's own words; the password comes by standard input.

use std::os::fd::OwnedFd;
use std::time::Duration;

use hubd_base::names::UserName;
use hubd_proto::accounts::MARKER_GROUP;
use zbus::zvariant::{Fd, Value};

use super::Home;
use super::facts::home;
use super::password::{Aging, Password};
use crate::errors::{self, Error};
use crate::journal::{self, Invocation};
use crate::systemd::{JobError, Property, Systemd};
use crate::unit::{list, log_fields, micros, text};

const USERADD: &str = "/usr/sbin/useradd";
const USERDEL: &str = "/usr/sbin/userdel";
const CHPASSWD: &str = "/usr/sbin/chpasswd";
const CHAGE: &str = "/usr/bin/chage";
const CHOWN: &str = "/usr/bin/chown";
const CHMOD: &str = "/usr/bin/chmod";

/// capabilities(7): owners and modes of files in /etc and of new homes, whoever's they are; the audit log.
const CAP_CHOWN: u32 = 0;
const CAP_DAC_OVERRIDE: u32 = 1;
const CAP_FOWNER: u32 = 3;
const CAP_FSETID: u32 = 4;
const CAP_AUDIT_WRITE: u32 = 29;

/// A home with a million files takes its time to go.
const TIMEOUT: Duration = Duration::from_secs(60);
const SLACK: Duration = Duration::from_secs(10);
/// Lines of the programs that may say why it failed.
const LINES: u32 = 20;

/// What is done.
pub enum Work<'a> {
    /// A new account with a home and a password.
    Create { groups: &'a [String], shell: &'a str, aging: Aging },
    /// Another password.
    SetPassword { aging: Aging },
    /// No account any more. `has_home`: whether its home is there.
    Delete { home: Home, has_home: bool },
}

/// Does it, and waits until it is done.
pub async fn run(
    systemd: &Systemd,
    name: &UserName,
    work: &Work<'_>,
    password: Option<&Password>,
) -> Result<(), Error> {
    let unit = unit_name(name);
    super::make_room(systemd, &unit).await?;
    let input = password.map(|password| password.for_chpasswd(name)).transpose()?;
    let properties = properties(name, work, input);
    match systemd.start_transient(&unit, &properties, &[], TIMEOUT + SLACK).await {
        Ok(()) => Ok(()),
        Err(error) => Err(explain(systemd, &unit, &error).await),
    }
}

fn unit_name(name: &UserName) -> String {
    format!("hub-account@{name}.service")
}

/// In the words of the program that failed, if it has some.
async fn explain(systemd: &Systemd, unit: &str, error: &JobError) -> Error {
    let state = systemd.state(unit).await.ok().flatten();
    let mut reason = errors::job(error);
    if let (Some(state), JobError::Result(_)) = (&state, error) {
        reason = format!("status {}", state.status);
        let lines = match Invocation::parse(&state.invocation) {
            Ok(run) => journal::read(&[unit.to_owned()], run.as_ref(), LINES).await.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        reason = said(&lines).unwrap_or(reason);
    }
    if let Err(error) = systemd.reset_failed(unit).await {
        tracing::debug!("{unit} was not forgotten: {error}");
    }
    Error::Failed(format!("Changing the account failed: {}.", reason.trim_end_matches(['.', '\n'])))
}

/// The last line that is not systemd's.
fn said(lines: &[String]) -> Option<String> {
    let parsed = lines.iter().rev().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let field = |line: &serde_json::Value, name: &str| line.get(name).and_then(|value| value.as_str().map(str::to_owned));
    let mut own = parsed.filter(|line| field(line, "identifier").is_none_or(|identifier| identifier != "systemd"));
    own.find_map(|line| field(&line, "message"))
}

/// The commands, one after the other; the first that fails ends it.
fn commands(name: &UserName, work: &Work<'_>) -> Vec<Vec<String>> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let user = name.as_str();
    let folder = home(name).display().to_string();
    let expire = |aging: &Aging| (*aging == Aging::Change).then(|| words(&[CHAGE, "--lastday", "0", "--", user]));
    match work {
        Work::Create { groups, shell, aging } => {
            let mut all = vec![MARKER_GROUP.to_owned()];
            all.extend(groups.iter().cloned());
            let add = words(&[
                USERADD,
                "--no-log-init",
                "--user-group",
                "--groups",
                &all.join(","),
                "--home-dir",
                &folder,
                "--create-home",
                "--key",
                "HOME_MODE=0700",
                "--shell",
                shell,
                "--",
                user,
            ]);
            [add, words(&[CHPASSWD])].into_iter().chain(expire(aging)).collect()
        }
        Work::SetPassword { aging } => [words(&[CHPASSWD])].into_iter().chain(expire(aging)).collect(),
        Work::Delete { home: Home::Remove, has_home: true } => vec![words(&[USERDEL, "--remove", "--", user])],
        Work::Delete { has_home: false, .. } => vec![words(&[USERDEL, "--", user])],
        // Sealed first: the number may be given to somebody else one day.
        Work::Delete { home: Home::Keep, has_home: true } => vec![
            words(&[CHOWN, "--no-dereference", "root:root", "--", &folder]),
            words(&[CHMOD, "0700", "--", &folder]),
            words(&[USERDEL, "--", user]),
        ],
    }
}

fn properties(name: &UserName, work: &Work<'_>, input: Option<OwnedFd>) -> Vec<Property> {
    let yes = || Value::from(true);
    let unit = unit_name(name);
    let command = |argv: Vec<String>| {
        (argv.first().cloned().unwrap_or_default(), argv, vec!["no-env-expand".to_owned()])
    };
    let commands: Vec<_> = commands(name, work).into_iter().map(command).collect();
    let capabilities = [CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_AUDIT_WRITE];
    let capabilities = capabilities.into_iter().fold(0_u64, |set, number| set | 1 << number);
    let mut table: Vec<Property> = vec![
        // --- what it is
        ("Description", text(format!("JupyterLab hub: the account of {name}"))),
        ("Documentation", list(vec!["man:hub-broker(8)".to_owned()])),
        // --- what runs
        ("Type", text("oneshot")),
        ("ExecStartEx", Value::from(commands)),
        ("TimeoutStartUSec", Value::from(micros(TIMEOUT))),
        ("LimitCORE", Value::from(0_u64)),
        ("LogExtraFields", log_fields(&[("HUB_USER", name.as_str()), ("HUB_UNIT", &unit)])),
        // --- its walls
        ("CapabilityBoundingSet", Value::from(capabilities)),
        ("NoNewPrivileges", yes()),
        ("UMask", Value::from(0o077_u32)),
        ("ProtectSystem", text("strict")),
        ("ReadWritePaths", list(["/etc", "-/home", "-/var/mail"].map(str::to_owned).into())),
        ("PrivateNetwork", yes()),
        ("RestrictAddressFamilies", Value::from((true, families(&["AF_UNIX", "AF_NETLINK"])))),
        ("PrivateDevices", yes()),
        ("PrivateTmp", yes()),
        ("PrivateIPC", yes()),
        ("ProtectHostname", yes()),
        ("ProtectClock", yes()),
        ("ProtectKernelTunables", yes()),
        ("ProtectKernelModules", yes()),
        ("ProtectKernelLogs", yes()),
        ("ProtectControlGroups", yes()),
        ("RestrictRealtime", yes()),
        ("LockPersonality", yes()),
        ("MemoryDenyWriteExecute", yes()),
        ("SystemCallArchitectures", list(vec!["native".to_owned()])),
        ("SystemCallFilter", Value::from((true, families(&["@system-service"])))),
    ];
    if let Some(input) = input {
        table.push(("StandardInputFileDescriptor", Value::Fd(Fd::from(input))));
        table.push(("StandardOutput", text("journal")));
        table.push(("StandardError", text("journal")));
    }
    table
}

fn families(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(work: &Work<'_>) -> Vec<String> {
        commands(&UserName::parse("carol").unwrap(), work).iter().map(|argv| argv.join(" ")).collect()
    }

    #[test]
    fn a_new_account_gets_the_marker_a_private_home_and_its_password_by_standard_input() {
        let groups = ["students".to_owned()];
        let work = Work::Create { groups: &groups, shell: "/bin/bash", aging: Aging::Change };
        assert_eq!(
            lines(&work),
            [
                "/usr/sbin/useradd --no-log-init --user-group --groups hub-people,students --home-dir /home/carol \
                 --create-home --key HOME_MODE=0700 --shell /bin/bash -- carol",
                "/usr/sbin/chpasswd",
                "/usr/bin/chage --lastday 0 -- carol",
            ]
        );
        assert_eq!(lines(&Work::SetPassword { aging: Aging::Keep }), ["/usr/sbin/chpasswd"]);
    }

    #[test]
    fn a_home_that_stays_is_sealed_before_its_owner_goes() {
        assert_eq!(
            lines(&Work::Delete { home: Home::Keep, has_home: true }),
            [
                "/usr/bin/chown --no-dereference root:root -- /home/carol",
                "/usr/bin/chmod 0700 -- /home/carol",
                "/usr/sbin/userdel -- carol",
            ]
        );
        assert_eq!(lines(&Work::Delete { home: Home::Remove, has_home: true }), ["/usr/sbin/userdel --remove -- carol"]);
        assert_eq!(lines(&Work::Delete { home: Home::Remove, has_home: false }), ["/usr/sbin/userdel -- carol"]);
    }

    #[test]
    fn a_failure_is_told_in_the_words_of_the_program() {
        let line = |who: &str, what: &str| format!(r#"{{"identifier":"{who}","message":"{what}"}}"#);
        let lines =
            [line("useradd", "cannot lock /etc/passwd; try again later."), line("systemd", "Failed with result")];
        assert_eq!(said(&lines).as_deref(), Some("cannot lock /etc/passwd; try again later."));
        assert_eq!(said(&[line("systemd", "x")]), None);
    }
}
