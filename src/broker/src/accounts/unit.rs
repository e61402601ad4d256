//! The unit in which the system's own programs change accounts: `hub-account@carol.service`, gone when it is done.
//!
//! systemd.exec(5). Of the whole machine it writes to `/etc` and to homes, and has no network. A drop-in for
//! `hub-account@.service` may widen that, for homes that lie elsewhere or programs that useradd(8) calls. Invariant: the
//! arguments are names that were checked and root's own words, and no shell reads them as code; the password comes by
//! standard input.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::Duration;

use hubd_base::names::UserName;
use hubd_proto::accounts::MARKER_GROUP;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use zbus::zvariant::{Fd, Value};

use super::Home;
use super::facts::home;
use super::password::{Aging, Password};
use crate::errors::{self, Error};
use crate::systemd::{JobError, Property, Systemd};
use crate::unit::{list, log_fields, micros, text};

const USERADD: &str = "/usr/sbin/useradd";
const USERDEL: &str = "/usr/sbin/userdel";
const CHPASSWD: &str = "/usr/sbin/chpasswd";
const CHAGE: &str = "/usr/bin/chage";
const CHOWN: &str = "/usr/bin/chown";
const CHMOD: &str = "/usr/bin/chmod";
const SHELL: &str = "/bin/sh";

/// capabilities(7): owners and modes of files in /etc and of new homes, whoever's they are; the audit log.
const CAP_CHOWN: u32 = 0;
const CAP_DAC_OVERRIDE: u32 = 1;
const CAP_FOWNER: u32 = 3;
const CAP_FSETID: u32 = 4;
const CAP_AUDIT_WRITE: u32 = 29;

/// A home with a million files takes its time to go.
const TIMEOUT: Duration = Duration::from_secs(60);
const SLACK: Duration = Duration::from_secs(10);
/// Bytes of what the programs say when something is wrong.
const COMPLAINTS: usize = 1024;

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
    // Not blocking: systemd may keep its end of it for as long as it remembers the unit.
    let (complaints, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
        .map_err(|errno| Error::failed("Preparing the change of the account", errno.desc()))?;
    let properties = properties(name, work, input, writer);
    match systemd.start_transient(&unit, &properties, &[], TIMEOUT + SLACK).await {
        Ok(()) => Ok(()),
        Err(error) => Err(explain(systemd, &unit, &error, complaints).await),
    }
}

fn unit_name(name: &UserName) -> String {
    format!("hub-account@{name}.service")
}

/// In the words of the program that failed, if it has some.
async fn explain(systemd: &Systemd, unit: &str, error: &JobError, complaints: OwnedFd) -> Error {
    let mut bytes = [0; COMPLAINTS];
    let length = File::from(complaints).read(&mut bytes).unwrap_or(0);
    let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned();
    let reason = said(&text).unwrap_or_else(|| errors::job(error));
    if let Err(error) = systemd.reset_failed(unit).await {
        tracing::debug!("{unit} was not forgotten: {error}");
    }
    Error::Failed(format!("Changing the account failed: {reason}."))
}

/// What stands there, as part of one sentence.
fn said(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let text: String = lines.join("; ").replace(":; ", ": ").chars().filter(|c| !c.is_control()).collect();
    let text = text.trim_end_matches('.');
    (!text.is_empty()).then(|| text.to_owned())
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

/// All of them as one command. systemd puts the walls up anew for each command of a unit, which takes several times as
/// long as these programs do. The script counts words and holds none.
fn as_one(commands: &[Vec<String>]) -> Vec<String> {
    let mut places = 1..;
    let mut call = |argv: &Vec<String>| {
        let words: Vec<String> = places.by_ref().take(argv.len()).map(|place| format!("\"${{{place}}}\"")).collect();
        words.join(" ")
    };
    let script = commands.iter().map(&mut call).collect::<Vec<_>>().join(" && ");
    [SHELL, "-c", &script, SHELL].into_iter().map(str::to_owned).chain(commands.concat()).collect()
}

fn properties(name: &UserName, work: &Work<'_>, input: Option<OwnedFd>, complaints: OwnedFd) -> Vec<Property> {
    let yes = || Value::from(true);
    let unit = unit_name(name);
    let argv = as_one(&commands(name, work));
    let command = (SHELL.to_owned(), argv, vec!["no-env-expand".to_owned()]);
    let capabilities = [CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_AUDIT_WRITE];
    let capabilities = capabilities.into_iter().fold(0_u64, |set, number| set | 1 << number);
    let mut table: Vec<Property> = vec![
        // --- what it is
        ("Description", text(format!("JupyterLab hub: the account of {name}"))),
        ("Documentation", list(vec!["man:hub-broker(8)".to_owned()])),
        // --- what runs
        ("Type", text("oneshot")),
        ("ExecStartEx", Value::from(vec![command])),
        ("TimeoutStartUSec", Value::from(micros(TIMEOUT))),
        ("LimitCORE", Value::from(0_u64)),
        ("LogExtraFields", log_fields(&[("HUB_USER", name.as_str()), ("HUB_UNIT", &unit)])),
        ("StandardOutput", text("journal")),
        ("StandardErrorFileDescriptor", Value::Fd(Fd::from(complaints))),
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
        assert_eq!(
            lines(&Work::Delete { home: Home::Remove, has_home: true }),
            ["/usr/sbin/userdel --remove -- carol"]
        );
        assert_eq!(lines(&Work::Delete { home: Home::Remove, has_home: false }), ["/usr/sbin/userdel -- carol"]);
    }

    #[test]
    fn they_run_in_one_shell_up_to_the_first_that_fails_and_no_word_of_theirs_is_read_as_code() {
        let run = |commands: &[&[&str]]| {
            let commands: Vec<Vec<String>> =
                commands.iter().map(|argv| argv.iter().map(|word| (*word).to_owned()).collect()).collect();
            let argv = as_one(&commands);
            let done = std::process::Command::new(&argv[0]).args(&argv[1..]).output().unwrap();
            (done.status.code(), String::from_utf8(done.stdout).unwrap())
        };
        let odd = "$(id) `id` ;id 'a\" \\ *";
        let many: Vec<&str> = ["/usr/bin/printf", "%s."].into_iter().chain([odd, "-n", ""].repeat(4)).collect();
        let first = format!("{odd}.-n..").repeat(4);
        let echo: &[&str] = &["/usr/bin/printf", "end"];
        assert_eq!(run(&[&many, echo]), (Some(0), format!("{first}end")));
        assert_eq!(run(&[echo, &["/usr/bin/false"], echo]), (Some(1), "end".to_owned()));
    }

    #[test]
    fn a_failure_is_told_in_the_words_of_the_programs() {
        let text = "chpasswd: (user carol) pam_chauthtok() failed, error:\nPermission denied\n\n\u{1b}chpasswd: not changed.\n";
        assert_eq!(
            said(text).as_deref(),
            Some("chpasswd: (user carol) pam_chauthtok() failed, error: Permission denied; chpasswd: not changed")
        );
        assert_eq!(said(" \n"), None);
    }
}
