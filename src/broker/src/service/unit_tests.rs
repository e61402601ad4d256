//! The property table of a service, as systemd will read it.

use super::*;
use hubd_base::config::{Config, Restart, ServiceTarget, ServiceUrl};
use hubd_base::limits::{Amount, Limit};
use hubd_base::names::{ServiceName, UserName};

use crate::variables::Hub;

type Exec = Vec<(String, Vec<String>, Vec<String>)>;

fn service(name: &str) -> Service {
    let mut service = Service::new(ServiceName::parse(name).unwrap());
    service.command = vec!["python3".to_owned(), "-m".to_owned(), "grades".to_owned(), "$HOME".to_owned()];
    service
}

fn with_url(name: &str) -> Service {
    let mut service = service(name);
    let target = ServiceTarget::Tcp { host: "127.0.0.1".to_owned(), port: 9000, tls: false };
    service.url = Some(ServiceUrl { text: "http://127.0.0.1:9000".to_owned(), target });
    service
}

fn variables(service: &Service) -> Vec<Variable> {
    let mut config = Config::default();
    config.hub.base_url = "/lab/".to_owned();
    config.hub.public_url = Some("https://hub.example.org".to_owned());
    Hub { config: &config, api_url: Some("http://127.0.0.1:8000/lab/hub/api") }.service(service)
}

fn table(service: &Service) -> Vec<Property> {
    properties(service, &variables(service), 257)
}

fn get(table: &[Property], name: &str) -> Option<Value<'static>> {
    let mut found = table.iter().filter(|(key, _)| *key == name);
    let value = found.next().map(|(_, value)| value.try_clone().unwrap());
    assert!(found.next().is_none(), "{name} is there twice");
    value
}

fn environment(table: &[Property]) -> Vec<String> {
    let mut all = Vec::<String>::try_from(get(table, "Environment").unwrap()).unwrap();
    all.sort();
    all
}

#[test]
fn every_property_has_the_type_systemd_expects() {
    let mut service = with_url("grades");
    for limit in [Limit::MemoryMax, Limit::CpuQuota, Limit::TasksMax] {
        service.limits.set(limit, Some(Amount::Number(1)));
    }
    for systemd in [252, 257] {
        for user in [None, Some(UserName::parse("grader").unwrap())] {
            service.user = user;
            for (name, value) in properties(&service, &variables(&service), systemd) {
                let expected = match name {
                    "Documentation" | "Environment" => "as",
                    "ExecStartEx" => "a(sasas)",
                    "EnvironmentFiles" => "a(sb)",
                    "LogExtraFields" => "aay",
                    "RestartSteps" => "u",
                    "CapabilityBoundingSet" | "MemoryMax" | "TasksMax" => "t",
                    _ if name.ends_with("USec") => "t",
                    "Description" | "Slice" | "Type" | "User" | "Restart" | "SyslogIdentifier" | "WorkingDirectory"
                    | "ProtectSystem" | "ProtectHome" | "ProtectProc" => "s",
                    _ => "b",
                };
                assert_eq!(value.value_signature().to_string(), expected, "{name}");
            }
        }
    }
}

#[test]
fn a_service_with_pages_gets_the_whole_contract() {
    let mut service = with_url("grades");
    service.oauth_client_allowed_scopes = vec!["read:users".to_owned()];
    let access = r#"["access:services","access:services!service=grades"]"#;
    let expected = [
        "HOME=/tmp",
        "JUPYTERHUB_API_URL=http://127.0.0.1:8000/lab/hub/api",
        "JUPYTERHUB_BASE_URL=/lab/",
        "JUPYTERHUB_CLIENT_ID=service-grades",
        "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED=0",
        "JUPYTERHUB_HOST=",
        &format!("JUPYTERHUB_OAUTH_ACCESS_SCOPES={access}"),
        "JUPYTERHUB_OAUTH_CALLBACK_URL=/lab/services/grades/oauth_callback",
        r#"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES=["read:users"]"#,
        &format!("JUPYTERHUB_OAUTH_SCOPES={access}"),
        "JUPYTERHUB_PUBLIC_HUB_URL=https://hub.example.org/lab/hub/",
        "JUPYTERHUB_PUBLIC_URL=https://hub.example.org/lab/services/grades/",
        "JUPYTERHUB_SERVER_NAME=",
        "JUPYTERHUB_SERVICE_NAME=grades",
        "JUPYTERHUB_SERVICE_PREFIX=/lab/services/grades/",
        "JUPYTERHUB_SERVICE_URL=http://127.0.0.1:9000",
        "JUPYTERHUB_USER=",
    ];
    assert_eq!(environment(&table(&service)), expected);
}

#[test]
fn a_service_without_pages_has_no_prefix_and_an_address_nobody_uses() {
    let mut service = service("idle-culler");
    let all = environment(&table(&service));
    assert!(!all.iter().any(|variable| variable.starts_with("JUPYTERHUB_SERVICE_PREFIX=")));
    for expected in [
        "JUPYTERHUB_SERVICE_URL=http://127.0.0.1:0/",
        "JUPYTERHUB_OAUTH_CALLBACK_URL=oauth_callback",
        "JUPYTERHUB_PUBLIC_URL=",
    ] {
        assert!(all.contains(&expected.to_owned()), "{expected}");
    }
    service.oauth_redirect_uri = Some("https://elsewhere.example.org/back".to_owned());
    service.oauth_client_id = Some("service-other".to_owned());
    let all = environment(&table(&service));
    for expected in
        ["JUPYTERHUB_OAUTH_CALLBACK_URL=https://elsewhere.example.org/back", "JUPYTERHUB_CLIENT_ID=service-other"]
    {
        assert!(all.contains(&expected.to_owned()), "{expected}");
    }
}

#[test]
fn neither_the_token_nor_the_administrators_variables_are_properties() {
    let mut service = with_url("grades");
    service.environment = vec![("DATABASE".to_owned(), "password".to_owned())];
    let table = table(&service);
    for (name, value) in &table {
        let text = format!("{value:?}");
        assert!(!text.contains("password") && !text.contains("API_TOKEN"), "{name}");
    }
    let files = <Vec<(String, bool)>>::try_from(get(&table, "EnvironmentFiles").unwrap()).unwrap();
    assert_eq!(files, [("/run/hub/secrets/hub-service@grades.service".to_owned(), false)]);
}

#[test]
fn the_hubs_variables_win_over_the_administrators() {
    let mut service = with_url("grades");
    let theirs = [("A", "1"), ("JPY_API_TOKEN", "x"), ("JUPYTERHUB_API_TOKEN", "x"), ("JUPYTERHUB_USER", "x")];
    service.environment = theirs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let token = Token::configured(b"to ken\"");
    let mut expected = token.variables();
    expected.add("A", "1");
    assert_eq!(secret_variables(&service, &token, &variables(&service)), expected);
}

#[test]
fn a_service_runs_as_its_account_or_as_one_of_its_own() {
    let mut grades = service("grades");
    let made_up = table(&grades);
    assert_eq!(get(&made_up, "DynamicUser"), Some(Value::from(true)));
    assert_eq!(get(&made_up, "WorkingDirectory"), None);
    assert_eq!(get(&made_up, "ProtectSystem"), Some(text("strict")));
    grades.user = Some(UserName::parse("grader").unwrap());
    let theirs = table(&grades);
    assert_eq!(get(&theirs, "DynamicUser"), None);
    assert_eq!(get(&theirs, "User"), Some(text("grader")));
    assert_eq!(get(&theirs, "WorkingDirectory"), Some(text("-~")));
    assert_eq!(get(&theirs, "ProtectSystem"), Some(text("full")));
    assert!(!environment(&theirs).iter().any(|variable| variable.starts_with("HOME=")));
    grades.directory = Some("/srv/grades".into());
    assert_eq!(get(&table(&grades), "WorkingDirectory"), Some(text("/srv/grades")));
}

#[test]
fn made_up_accounts_are_names_that_systemd_takes_and_no_two_are_one() {
    let name = |service: &str| {
        let [_, (_, user)] = made_up_account("hubf", service);
        String::try_from(user).unwrap()
    };
    let long = "a".repeat(64);
    let services = ["grades", "Grades", "grades2", "a.b", "a-b", "a~b", "7", &long, &long[1..]];
    let names: std::collections::BTreeSet<String> = services.map(name).into();
    assert_eq!(names.len(), services.len());
    for name in names {
        assert!(name.len() <= 31, "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{name}");
    }
}

#[test]
fn restarts_back_off_where_systemd_knows_how() {
    let mut grades = service("grades");
    grades.restart = Restart::Always;
    let new = table(&grades);
    assert_eq!(get(&new, "Restart"), Some(text("always")));
    assert_eq!(get(&new, "RestartUSec"), Some(Value::from(1_000_000_u64)));
    assert_eq!(get(&new, "RestartMaxDelayUSec"), Some(Value::from(60_000_000_u64)));
    let old = properties(&grades, &variables(&grades), 253);
    assert_eq!(get(&old, "RestartUSec"), Some(Value::from(5_000_000_u64)));
    assert_eq!(get(&old, "RestartSteps"), None);
    assert_eq!(get(&old, "RestartMaxDelayUSec"), None);
}

#[test]
fn the_command_is_roots_word_for_word_and_found_in_the_journal_by_its_name() {
    let table = table(&with_url("grades"));
    let exec = Exec::try_from(get(&table, "ExecStartEx").unwrap()).unwrap();
    let argv = ["python3", "-m", "grades", "$HOME"].map(str::to_owned).to_vec();
    assert_eq!(exec, [("python3".to_owned(), argv, vec!["no-env-expand".to_owned()])]);
    assert_eq!(get(&table, "SyslogIdentifier"), Some(text("grades")));
    assert_eq!(
        get(&table, "LogExtraFields"),
        Some(Value::from(vec![b"HUB_SERVICE=grades".to_vec(), b"HUB_UNIT=hub-service@grades.service".to_vec()]))
    );
    assert_eq!(get(&table, "Slice"), Some(text("hub-services.slice")));
}
