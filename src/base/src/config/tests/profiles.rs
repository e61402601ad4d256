//! `[[profile]]`: which values are taken and which are refused.

use super::{mistake, read};
use crate::config::{Allow, Principal, Profile, Server};
use crate::limits::{Amount, Limit};
use crate::names::UserName;

fn one(keys: &str) -> Profile {
    read(&format!("[[profile]]\nname = \"big\"\n{keys}")).profiles.remove(0)
}

fn refused(keys: &str) -> String {
    let message = mistake(&format!("[[profile]]\nname = \"big\"\n{keys}"));
    message.strip_prefix("hub.toml:3: profile[big].").unwrap_or(&message).to_owned()
}

#[test]
fn every_key_of_a_profile_is_read() {
    let profile = one(r#"
        description = { en = "8 GB, 4 cores", zh-CN = "8 GB 内存，4 核" }
        allow = ["@staff", "alice"]
        default = true
        limits = { memory_max = "8G", cpu_quota = "400%" }
        environment = { B = "2", A = "1" }
        command = ["/opt/big/bin/jupyter-lab", "--debug"]
        idle = { stop_after = "2h" }
        "#);
    assert_eq!(profile.idle.stop_after, Some(std::time::Duration::from_secs(7200)));
    assert_eq!(profile.name, "big");
    let texts = ["en", "zh-CN", "de"].map(|language| profile.description.get(language));
    assert_eq!(texts, ["8 GB, 4 cores", "8 GB 内存，4 核", "8 GB, 4 cores"]);
    let alice = Principal::User(UserName::parse("alice").unwrap());
    assert_eq!(profile.allow, Allow::Only(vec![Principal::Group("staff".to_owned()), alice]));
    assert!(profile.default);
    let limits = [(Limit::MemoryMax, Amount::Number(8 << 30)), (Limit::CpuQuota, Amount::Number(400))];
    assert_eq!(profile.limits, limits.into_iter().collect());
    assert_eq!(profile.environment, [("A", "1"), ("B", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(profile.command.unwrap(), ["/opt/big/bin/jupyter-lab", "--debug"]);
}

#[test]
fn a_profile_of_only_a_name_is_for_everybody_and_changes_nothing() {
    let profile = one("");
    assert_eq!(profile, Profile::new("big"));
    let mut server = Server::default();
    profile.change(&mut server);
    assert_eq!(server, Server::default());
}

#[test]
fn a_profile_changes_single_variables_and_the_whole_command() {
    let config = read(
        r#"
        [server]
        command = ["/usr/bin/jupyter-lab", "--debug"]
        environment = { A = "server", B = "server" }
        [[profile]]
        name = "big"
        environment = { B = "profile", C = "profile" }
        [[profile]]
        name = "other"
        command = ["/opt/lab/bin/jupyter-lab"]
        "#,
    );
    let mut server = config.server.clone();
    config.profiles[0].change(&mut server);
    let environment = [("A", "server"), ("B", "profile"), ("C", "profile")];
    assert_eq!(server.environment, environment.map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(server.command.as_ref().unwrap(), &["/usr/bin/jupyter-lab", "--debug"]);
    config.profiles[1].change(&mut server);
    assert_eq!(server.command.unwrap(), ["/opt/lab/bin/jupyter-lab"]);
}

#[test]
fn one_sentence_is_for_every_language() {
    let profile = one("description = \"Small\"");
    assert_eq!(["en", "zh-CN"].map(|language| profile.description.get(language)), ["Small", "Small"]);
    assert_eq!(one("description = { zh-CN = \"小\" }").description.get("en"), "小");
    assert_eq!(one("").description.get("en"), "");
}

#[test]
fn mistakes_in_profiles_are_told() {
    assert_eq!(refused("allow = []"), "allow: nobody could use this profile: name people or groups, or take it out");
    assert_eq!(refused("allow = \"staff\""), {
        "allow: expected \"all\" or a list such as [\"alice\", \"@students\"], got \"staff\""
    });
    assert_eq!(refused("groups = [\"@staff\"]"), "groups: unknown key");
    assert_eq!(refused("limits = { memory = \"8G\" }"), "limits.memory: unknown key");
    assert_eq!(refused("limits = { memory_max = \"8g\" }"), {
        "limits.memory_max: expected a size such as \"2G\" or \"512M\", a share of the machine's memory such as \"80%\", or \"infinity\", got \"8g\""
    });
    assert_eq!(refused("command = [\"jupyter-lab\"]"), {
        "command: expected an absolute path as the first entry, got \"jupyter-lab\""
    });
    assert!(refused("description = { \"\" = \"x\" }").starts_with("description: expected a sentence, or one for each"));
    assert!(refused("description = 5").starts_with("description: expected a sentence, or one for each"));
    for name in ["", " a", "a\\nb", &"x".repeat(65)] {
        let message = mistake(&format!("[[profile]]\nname = \"{name}\""));
        assert!(message.starts_with("hub.toml:2: profile.name: expected 1 to 64 characters on one line"), "{message}");
    }
}
