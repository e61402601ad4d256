//! What the machine has to offer: systemd, control groups, the account, PAM, polkit.

use std::fs;
use std::path::{Path, PathBuf};

use hubd_base::config::Config;
use hubd_base::limits::Limit;
use nix::unistd::User;

use super::{Finding, join};
use crate::programs::ask;
use crate::text::{Talk, Text};

/// The oldest systemd the hub was tried on (Debian 12).
const SYSTEMD_MIN: u32 = 252;
const CONTROLLERS: &str = "/sys/fs/cgroup/cgroup.controllers";
const ACCOUNT: &str = "_hubd";
const PAM_SERVICES: [&str; 2] = ["/etc/pam.d/hub", "/etc/pam.d/hub-server"];
const POLKIT_FILES: [&str; 3] = [
    "/usr/lib/polkit-1/polkitd",
    "/usr/share/polkit-1/actions/org.hubd.policy",
    "/usr/share/polkit-1/rules.d/49-hubd.rules",
];
/// Where a server's unit on disk would make the transient one fail ("has a fragment file"). Not
/// `/run/systemd/transient`: there systemd keeps the servers that run.
const UNIT_FOLDERS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];
/// The template, which stands in the way of every server.
const TEMPLATE: &str = "jupyter@.service";

pub(super) fn systemd(talk: Talk) -> Finding {
    let check = "systemd";
    if !Path::new("/run/systemd/system").exists() {
        return Finding::bad(check, talk.say(Text::CheckSystemdNone, &[]), talk.say(Text::CheckSystemdDo, &[]));
    }
    match ask("systemctl", &["--version"]).ok().as_deref().and_then(version) {
        Some(version) if version >= SYSTEMD_MIN => Finding::good(check, talk.say(Text::CheckSystemd, &[&version])),
        version => Finding::bad(
            check,
            talk.say(Text::CheckSystemdOld, &[&version.unwrap_or_default()]),
            talk.say(Text::CheckSystemdDo, &[]),
        ),
    }
}

/// `systemd 257 (257.13-1~deb13u1)`
fn version(text: &str) -> Option<u32> {
    text.split_whitespace().nth(1)?.split(['.', '~', '-']).next()?.parse().ok()
}

/// Missing controllers matter as soon as the configuration limits something by them.
pub(super) fn controllers(talk: Talk, config: Option<&Config>) -> Finding {
    let check = "controllers";
    let missing = missing_controllers(&fs::read_to_string(CONTROLLERS).unwrap_or_default());
    if missing.is_empty() {
        return Finding::good(check, talk.say(Text::CheckControllers, &[]));
    }
    let limited = |limit| {
        let in_profile = |config: &Config| config.profiles.iter().any(|profile| profile.limits.get(limit).is_some());
        config.is_some_and(|config| config.limits.speak_of(limit) || in_profile(config))
    };
    let wanted = missing.iter().any(|name| match *name {
        "memory" => [Limit::MemoryMax, Limit::MemoryHigh, Limit::MemorySwapMax].into_iter().any(limited),
        "cpu" => [Limit::CpuQuota, Limit::CpuWeight].into_iter().any(limited),
        _ => limited(Limit::TasksMax),
    });
    let message = talk.say(Text::CheckControllersNone, &[&join(&missing)]);
    let advice = talk.say(Text::CheckControllersDo, &[]);
    if wanted { Finding::bad(check, message, advice) } else { Finding::warn(check, message, advice) }
}

fn missing_controllers(text: &str) -> Vec<&'static str> {
    ["memory", "cpu", "pids"].into_iter().filter(|name| !text.split_whitespace().any(|there| there == *name)).collect()
}

pub(super) fn account(talk: Talk) -> Finding {
    match User::from_name(ACCOUNT) {
        Ok(Some(_)) => Finding::good("account", talk.say(Text::CheckAccount, &[])),
        _ => Finding::bad("account", talk.say(Text::CheckAccountNone, &[]), talk.say(Text::CheckAccountDo, &[])),
    }
}

pub(super) fn pam(talk: Talk) -> Finding {
    match missing(&PAM_SERVICES) {
        missing if missing.is_empty() => Finding::good("pam", talk.say(Text::CheckPam, &[])),
        missing => {
            Finding::bad("pam", talk.say(Text::CheckPamNone, &[&join(&missing)]), talk.say(Text::CheckReinstall, &[]))
        }
    }
}

pub(super) fn polkit(talk: Talk) -> Finding {
    match missing(&POLKIT_FILES) {
        missing if missing.is_empty() => Finding::good("polkit", talk.say(Text::CheckPolkit, &[])),
        missing => Finding::bad(
            "polkit",
            talk.say(Text::CheckPolkitNone, &[&join(&missing)]),
            talk.say(Text::CheckPolkitDo, &[]),
        ),
    }
}

pub(super) fn fragment(talk: Talk) -> Finding {
    fragment_finding(talk, &fragments(&UNIT_FOLDERS))
}

fn fragment_finding(talk: Talk, found: &[PathBuf]) -> Finding {
    let check = "fragment";
    if found.is_empty() {
        return Finding::good(check, talk.say(Text::CheckFragment, &[]));
    }
    let names = join(&found.iter().map(|path| path.display()).collect::<Vec<_>>());
    let advice = talk.say(Text::CheckFragmentDo, &[]);
    if found.iter().any(|path| path.ends_with(TEMPLATE)) {
        Finding::bad(check, talk.say(Text::CheckFragmentBad, &[&names]), advice)
    } else {
        // The hub and everybody else's server work.
        Finding::warn(check, talk.say(Text::CheckFragmentOne, &[&names]), advice)
    }
}

/// The template and units of single servers, sorted in each folder. Folders of drop-ins end in `.d`.
fn fragments(folders: &[impl AsRef<Path>]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let units = names.filter(|name| {
            name.to_str().is_some_and(|name| name.starts_with("jupyter@") && name.ends_with(".service"))
        });
        let mut units: Vec<_> = units.map(|name| folder.as_ref().join(name)).collect();
        units.sort();
        found.extend(units);
    }
    found
}

/// What certainly is not there. Folders closed to the caller (polkit's rules, for instance) hide what is in them.
fn missing<'a>(paths: &[&'a str]) -> Vec<&'a str> {
    paths.iter().copied().filter(|path| matches!(Path::new(path).try_exists(), Ok(false))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{fragment_finding, fragments, missing, missing_controllers, version};
    use crate::commands::doctor::Outcome;
    use crate::text::{Language, Talk};

    #[test]
    fn the_version_of_systemd_is_its_second_word() {
        assert_eq!(version("systemd 257 (257.13-1~deb13u1)\n+PAM +AUDIT"), Some(257));
        assert_eq!(version("systemd 252.39 (x)"), Some(252));
        assert_eq!(version("systemd 256~rc1 (x)"), Some(256));
        assert_eq!(version(""), None);
        assert_eq!(version("systemd"), None);
    }

    #[test]
    fn controllers_are_compared_word_by_word() {
        assert!(missing_controllers("cpuset cpu io memory hugetlb pids rdma misc\n").is_empty());
        assert_eq!(missing_controllers("cpuset io pids"), ["memory", "cpu"]);
        assert_eq!(missing_controllers(""), ["memory", "cpu", "pids"]);
    }

    #[test]
    fn missing_files_are_named() {
        assert_eq!(missing(&["/etc/passwd", "/nowhere/at/all"]), ["/nowhere/at/all"]);
    }

    #[test]
    fn files_of_servers_are_found_and_folders_of_drop_ins_are_not() {
        let folder = std::env::temp_dir().join(format!("hubctl-units-{}", std::process::id()));
        assert!(fs::create_dir_all(folder.join("jupyter@.service.d")).is_ok());
        assert!(fs::create_dir_all(folder.join("jupyter@alice.service.d")).is_ok());
        for name in ["jupyter.slice", "jupyter.service", "hub.service"] {
            assert!(fs::write(folder.join(name), "").is_ok());
        }
        let look = || fragments(&[folder.clone(), PathBuf::from("/nowhere/at/all")]);
        let healthy = look();
        // A masked unit is a link, too.
        assert!(std::os::unix::fs::symlink("/dev/null", folder.join("jupyter@alice.service")).is_ok());
        let one = look();
        assert!(fs::write(folder.join("jupyter@.service"), "").is_ok());
        let all = look();
        assert!(fs::remove_dir_all(&folder).is_ok());
        assert!(healthy.is_empty(), "{healthy:?}");
        assert_eq!(one, [folder.join("jupyter@alice.service")]);
        assert_eq!(all, [folder.join("jupyter@.service"), folder.join("jupyter@alice.service")]);
    }

    #[test]
    fn a_file_for_one_server_is_a_warning_and_one_for_all_is_worse() {
        let talk = Talk::new(Language::English);
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(fragment_finding(talk, &[]).outcome, Outcome::Good);
        let one = fragment_finding(talk, &paths(&["/etc/systemd/system/jupyter@alice.service"]));
        let text = "Single servers are kept from starting by /etc/systemd/system/jupyter@alice.service.";
        assert_eq!((one.outcome, one.message.as_str()), (Outcome::Warn, text));
        let both = ["/etc/systemd/system/jupyter@alice.service", "/usr/lib/systemd/system/jupyter@.service"];
        assert_eq!(fragment_finding(talk, &paths(&both)).outcome, Outcome::Bad);
    }
}
