//! `[[service]]`: which values are taken and which are refused.

use std::path::PathBuf;
use std::time::Duration;

use super::{Folder, mistake, read};
use crate::config::{NEVER, Restart, Service, ServiceTarget};
use crate::limits::{Amount, Limit};

fn one(keys: &str) -> Service {
    read(&format!("[[service]]\nname = \"a\"\n{keys}")).services.remove(0)
}

/// What is said of the third line.
fn refused(keys: &str) -> String {
    let message = mistake(&format!("[[service]]\nname = \"a\"\n{keys}"));
    message.strip_prefix("hub.toml:3: service[a].").unwrap_or(&message).to_owned()
}

fn target(url: &str) -> ServiceTarget {
    one(&format!("url = \"{url}\"")).url.unwrap().target
}

#[test]
fn every_key_of_a_service_is_read() {
    let service = one(r#"
        url = "http://127.0.0.1:9000/"
        command = ["/opt/grades/bin/serve", "--fast", ""]
        environment = { LANG = "C.UTF-8" }
        user = "grades"
        directory = "/srv/grades"
        api_token = "0123456789abcdef"
        admin = true
        oauth_client_id = "service-the-grades"
        oauth_redirect_uri = "https://grades.example.org/oauth_callback"
        oauth_client_allowed_scopes = ["read:users!user"]
        oauth_no_confirm = true
        info = { "the contact" = "root@example.org" }
        display = false
        timeout = "never"
        limits = { memory_max = "512M", cpu_quota = "50%" }
        restart = "always"
        "#);
    let url = service.url.as_ref().unwrap();
    assert_eq!(url.text, "http://127.0.0.1:9000");
    assert_eq!(url.target, ServiceTarget::Tcp { host: "127.0.0.1".to_owned(), port: 9000, tls: false });
    assert_eq!(service.command, ["/opt/grades/bin/serve", "--fast", ""]);
    assert_eq!(service.environment, [("LANG".to_owned(), "C.UTF-8".to_owned())]);
    assert_eq!(service.user.as_ref().unwrap().as_str(), "grades");
    assert_eq!(service.directory, Some(PathBuf::from("/srv/grades")));
    assert_eq!(service.api_token.as_ref().unwrap().expose(), b"0123456789abcdef");
    assert!(service.admin && service.oauth_no_confirm && !service.display);
    assert_eq!(service.client_id(), "service-the-grades");
    assert_eq!(service.oauth_redirect_uri.as_deref(), Some("https://grades.example.org/oauth_callback"));
    assert_eq!(service.oauth_client_allowed_scopes, ["read:users!user"]);
    assert_eq!(service.info, [("the contact".to_owned(), "root@example.org".to_owned())]);
    assert_eq!(service.timeout, NEVER);
    let limits = [(Limit::MemoryMax, Amount::Number(512 << 20)), (Limit::CpuQuota, Amount::Number(50))];
    assert_eq!(service.limits, limits.into_iter().collect());
    assert_eq!((service.restart, service.restart.as_str()), (Restart::Always, "always"));
    assert!(service.is_managed() && service.has_oauth());
}

#[test]
fn a_service_of_only_a_name_identifies_itself_and_no_more() {
    let service = one("");
    assert!(!service.is_managed() && !service.has_oauth());
    assert_eq!(service.client_id(), "service-a");
    assert_eq!(service.timeout, Duration::from_secs(30));
}

#[test]
fn the_addresses_of_services() {
    let tcp = |host: &str, port, tls| ServiceTarget::Tcp { host: host.to_owned(), port, tls };
    assert_eq!(target("http://grades.example.org"), tcp("grades.example.org", 80, false));
    assert_eq!(ServiceTarget::find("https://localhost"), Some(tcp("localhost", 443, true)));
    assert_eq!(target("http://[::1]:65535"), tcp("::1", 65535, false));
    assert_eq!(target("http+unix://%2Frun%2Fgr%61des.sock"), ServiceTarget::Unix(PathBuf::from("/run/grades.sock")));
    for bad in [
        "ftp://localhost",
        "localhost:9000",
        "http://",
        "http://:9000",
        "http://localhost:",
        "http://localhost:0",
        "http://localhost:+80",
        "http://localhost:65536",
        "http://localhost/path",
        "http://me@localhost",
        "http://localhost?x",
        "http://[localhost]:80",
        "http://[::1]x",
        "http://::1",
        "http+unix://",
        "http+unix:///run/x",
        "http+unix://run%2Fx",
        "http+unix://%2Frun%2F..%2Fx",
        "http+unix://%2Frun%2",
        "http+unix://%2Frun%00",
    ] {
        assert_eq!(
            refused(&format!("url = \"{bad}\"")),
            format!(
                "url: expected \"\" or an address without a path such as \"http://127.0.0.1:9000\" or \"http+unix://%2Frun%2Fgrades.sock\", got \"{bad}\""
            )
        );
    }
    let long = format!("url = \"http+unix://%2F{}\"", "x".repeat(107));
    assert!(refused(&long).starts_with("url: expected"));
    assert_eq!(
        refused("url = \"https://localhost:9000\""),
        "url: the hub speaks plain HTTP with services, got \"https://localhost:9000\": let the service listen on \
         \"http://127.0.0.1:PORT\" or on a socket, \"http+unix://%2Frun%2FNAME.sock\""
    );
}

#[test]
fn what_stands_behind_an_address_does_not_change_where_it_leads() {
    for (short, long) in [
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/services/x/"),
        ("http://grades", "http://grades?x#y"),
        ("http+unix://%2Frun%2Fx.sock", "http+unix://%2Frun%2Fx.sock/services/x/"),
    ] {
        assert!(ServiceTarget::find(short).is_some(), "{short}");
        assert_eq!(ServiceTarget::find(short), ServiceTarget::find(long));
    }
    for bad in ["", "127.0.0.1:80", "http:///x", "http://user@host/", "http://a b/"] {
        assert_eq!(ServiceTarget::find(bad), None, "{bad}");
    }
}

#[test]
fn where_a_login_may_lead_back_to() {
    for good in ["/services/a/back", "http://localhost:8000/cb?x=1", "https://[::1]/cb"] {
        assert_eq!(one(&format!("oauth_redirect_uri = \"{good}\"")).oauth_redirect_uri.as_deref(), Some(good));
    }
    for bad in
        ["cb", "//evil.example/cb", "javascript:alert(1)", "https://", "https:///cb", "/a b", "https://x/#y", "/\\\\x"]
    {
        let message = refused(&format!("oauth_redirect_uri = \"{bad}\""));
        assert!(message.starts_with("oauth_redirect_uri: expected \"\", an address such as"), "{message}");
    }
}

#[test]
fn impossible_values_are_refused() {
    let program = "expected an absolute path or the bare name of a program as the first entry, got";
    for (keys, message) in [
        (
            "command = \"x\"",
            "command: expected a list such as [\"python3\", \"-m\", \"jupyterhub_idle_culler\"], got \"x\"".to_owned(),
        ),
        ("command = [\"./x\"]", format!("command: {program} \"./x\"")),
        ("command = [\"bin/x\"]", format!("command: {program} \"bin/x\"")),
        ("command = [\"\"]", format!("command: {program} \"\"")),
        ("command = [\"x y\"]", format!("command: {program} \"x y\"")),
        ("environment = { A = 1 }", "environment.A: expected a string, got 1".to_owned()),
        ("environment = 1", "environment: expected a table of strings, got 1".to_owned()),
        (
            "user = \"a/b\"",
            "user: \"a/b\" is not the name of a user: the name has a character that is not allowed: /".to_owned(),
        ),
        ("directory = \"srv\"", "directory: expected \"\" or an absolute path, got \"srv\"".to_owned()),
        ("directory = \"/srv/../etc\"", "directory: expected \"\" or an absolute path, got \"/srv/../etc\"".to_owned()),
        (
            "oauth_client_id = \"grades\"",
            "oauth_client_id: expected \"\" or \"service-\" and more letters, digits and _.-~, got \"grades\""
                .to_owned(),
        ),
        (
            "oauth_client_id = \"service-\"",
            "oauth_client_id: expected \"\" or \"service-\" and more letters, digits and _.-~, got \"service-\""
                .to_owned(),
        ),
        ("info = { a = { b = 1 } }", "info.a: expected a string, got { b = 1 }".to_owned()),
        ("limits = 1", "limits: expected a table of limits such as { memory_max = \"2G\" }, got 1".to_owned()),
        (
            "limits = { devices = \"all\" }",
            "limits.devices: this is a limit of people's servers; services have no devices".to_owned(),
        ),
        ("limits = { memory_mx = \"1G\" }", "limits.memory_mx: unknown key; did you mean memory_max?".to_owned()),
        (
            "limits = { tasks_max = 1 }",
            "limits.tasks_max: expected at least 16, as no server starts with less, got 1".to_owned(),
        ),
        (
            "limits = { memory_max = \"1G\", memory_high = \"2G\" }",
            "limits.memory_high: expected at most service[a].limits.memory_max, as it would never be reached"
                .to_owned(),
        ),
        ("restart = \"never\"", "restart: expected \"on-failure\" or \"always\" or \"no\", got \"never\"".to_owned()),
        ("timeout = 30", "timeout: expected a time such as \"60s\" or \"never\", got 30".to_owned()),
        ("oauth_no_confirm = true", "oauth_no_confirm: a service without url needs oauth_redirect_uri, too".to_owned()),
        (
            "oauth_client_id = \"service-x\"",
            "oauth_client_id: a service without url needs oauth_redirect_uri, too".to_owned(),
        ),
        (
            "oauth_client_allowed_scopes = [\"read:users\"]",
            "oauth_client_allowed_scopes: a service without url needs oauth_redirect_uri, too".to_owned(),
        ),
    ] {
        assert_eq!(refused(keys), message, "{keys}");
    }
}

#[test]
fn a_token_is_checked_and_never_repeated() {
    for (bad, length) in [("1234567", 7), ("with a blank", 12), ("päßwörter", 9)] {
        assert_eq!(bad.chars().count(), length);
        let message = refused(&format!("api_token = \"{bad}\""));
        assert_eq!(message, "api_token: expected \"\" or 8 to 64 characters: ASCII letters, digits and signs");
    }
    assert!(refused(&format!("api_token = \"{}\"", "x".repeat(65))).ends_with("digits and signs"));
    assert!(one(&format!("api_token = \"{}\"", "x".repeat(64))).api_token.is_some());
}

#[test]
fn two_services_share_neither_token_nor_client() {
    let two = |first: &str, second: &str| {
        let text = format!(
            "[[service]]\nname = \"a\"\nurl = \"http://x\"\n{first}\n[[service]]\nname = \"b\"\nurl = \"http://y\"\n{second}"
        );
        Folder::new(&[("hub.toml", &text)]).mistakes()
    };
    assert_eq!(
        two("api_token = \"12345678\"", "api_token = \"12345678\""),
        ["hub.toml:8: service[b].api_token: service[a] has the same token"]
    );
    assert_eq!(
        two("", "oauth_client_id = \"service-a\""),
        ["hub.toml:8: service[b].oauth_client_id: service[a] has the same one"]
    );
    assert_eq!(
        two("oauth_client_id = \"service-b\"", ""),
        ["hub.toml:4: service[a].oauth_client_id: service[b] has the same one"]
    );
}
