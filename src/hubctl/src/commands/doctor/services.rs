//! The services of the configuration: is there what they are to run, and as whom?

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hubd_base::account;
use hubd_base::config::{Config, Service};
use hubd_base::names::UserName;

use super::Finding;
use crate::text::{Talk, Text};

const CHECK: &str = "service";
/// Where systemd looks for a program without a path: systemd.service(5).
const PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// One finding when all is well, otherwise one for each service that cannot start. None without services.
pub(super) fn programs(talk: Talk, config: &Config) -> Vec<Finding> {
    let managed: Vec<&Service> = config.services.iter().filter(|service| service.is_managed()).collect();
    let mut findings: Vec<Finding> = managed.iter().filter_map(|service| trouble(talk, service)).collect();
    if findings.is_empty() && !managed.is_empty() {
        findings.push(Finding::good(CHECK, talk.say(Text::CheckServices, &[&managed.len()])));
    }
    findings
}

fn trouble(talk: Talk, service: &Service) -> Option<Finding> {
    let bad = |message, advice| Some(Finding::bad(CHECK, message, talk.say(advice, &[&service.name])));
    let program = service.command.first().map(String::as_str).unwrap_or_default();
    if find(program, &PATH.map(PathBuf::from)).is_none() {
        let message = talk.say(Text::CheckServiceNone, &[&service.name, &program]);
        return bad(message, Text::CheckServiceDo);
    }
    match &service.user {
        Some(user) if is_missing(user) => {
            let message = talk.say(Text::CheckServiceUser, &[&service.name, user]);
            bad(message, Text::CheckServiceUserDo)
        }
        _ => None,
    }
}

/// The program as systemd would find it.
fn find(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    if Path::new(program).is_absolute() {
        return is_program(Path::new(program)).then(|| PathBuf::from(program));
    }
    folders.iter().map(|folder| folder.join(program)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(meta) => meta.is_file() && meta.permissions().mode() & 0o111 != 0,
        // Closed to whoever asks, which says nothing about the service's own account.
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// Certainly: a name service that does not answer proves nothing.
fn is_missing(user: &UserName) -> bool {
    matches!(account::find(user), Ok(None))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use hubd_base::config::{Config, Service};
    use hubd_base::names::{ServiceName, UserName};

    use super::{find, programs};
    use crate::commands::doctor::Outcome;
    use crate::text::{Language, Talk};

    const TALK: Talk = Talk::new(Language::English);

    fn service(name: &str, program: &str, user: Option<&str>) -> Service {
        let name = ServiceName::parse(name).unwrap_or_else(|error| unreachable!("{error}"));
        let user = user.map(|user| UserName::parse(user).unwrap_or_else(|error| unreachable!("{error}")));
        Service { command: vec![program.to_owned()], user, ..Service::new(name) }
    }

    fn messages(services: Vec<Service>) -> Vec<(Outcome, String)> {
        let config = Config { services, ..Config::default() };
        programs(TALK, &config).into_iter().map(|finding| (finding.outcome, finding.message)).collect()
    }

    #[test]
    fn a_program_is_found_as_systemd_finds_it() {
        let folders = [PathBuf::from("/nowhere"), PathBuf::from("/bin")];
        assert_eq!(find("sh", &folders), Some(PathBuf::from("/bin/sh")));
        assert_eq!(find("/bin/sh", &[]), Some(PathBuf::from("/bin/sh")));
        for wrong in ["/etc/passwd", "/etc", "/nowhere/x", "no-such-program-here"] {
            assert_eq!(find(wrong, &folders), None, "{wrong}");
        }
        assert!(Path::new("/etc/passwd").exists());
    }

    #[test]
    fn services_that_cannot_start_are_named_with_the_reason() {
        assert!(messages(Vec::new()).is_empty());
        let fine = vec![service("one", "sh", None), service("two", "/bin/sh", Some("root"))];
        assert_eq!(messages(fine), [(Outcome::Good, "What the 2 services of the hub run is there.".to_owned())]);
        let broken = vec![
            service("cull", "/opt/no-such-program", None),
            service("fine", "/bin/sh", None),
            service("grades", "/bin/sh", Some("no-such-account-here")),
        ];
        let told = messages(broken);
        assert!(told.iter().all(|(outcome, _)| *outcome == Outcome::Bad));
        let told: Vec<&str> = told.iter().map(|(_, message)| message.as_str()).collect();
        let expected = [
            "The service cull cannot start: there is no program /opt/no-such-program.",
            "The service grades cannot start: there is no account no-such-account-here.",
        ];
        assert_eq!(told, expected);
    }
}
