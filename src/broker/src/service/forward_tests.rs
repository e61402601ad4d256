//! The forwarder's two units, as systemd will read them.

use super::*;

fn name(name: &str) -> ServiceName {
    ServiceName::parse(name).unwrap()
}

fn get(table: &[Property], name: &str) -> Option<Value<'static>> {
    table.iter().find(|(key, _)| *key == name).map(|(_, value)| value.try_clone().unwrap())
}

#[test]
fn every_property_has_the_type_systemd_expects() {
    let name = name("grades");
    for (key, value) in socket_properties(&name, "h", 1).into_iter().chain(service_properties(&name, "h", 1)) {
        let expected = match key {
            "Documentation" | "SystemCallArchitectures" => "as",
            "Listen" => "a(ss)",
            "ExecStartEx" => "a(sasas)",
            "LogExtraFields" => "aay",
            "SocketMode" | "DirectoryMode" => "u",
            "RestrictAddressFamilies" | "SystemCallFilter" => "(bas)",
            "CapabilityBoundingSet" | "RestrictNamespaces" | "LimitNOFILE" => "t",
            _ if key.ends_with("USec") => "t",
            "Description" | "Slice" | "Type" | "User" | "SocketUser" | "SocketGroup" | "ProtectSystem"
            | "ProtectHome" | "ProtectProc" | "ProcSubset" => "s",
            _ => "b",
        };
        assert_eq!(value.value_signature().to_string(), expected, "{key}");
    }
}

#[test]
fn only_the_web_process_reaches_the_socket() {
    let table = socket_properties(&name("a~b"), "127.0.0.1", 9000);
    let path = "/run/hub/services/a~b/s".to_owned();
    assert_eq!(get(&table, "Listen"), Some(Value::from(vec![("Stream".to_owned(), path)])));
    assert_eq!(get(&table, "SocketUser"), Some(text("root")));
    assert_eq!(get(&table, "SocketGroup"), Some(text("_hubd")));
    assert_eq!(get(&table, "SocketMode"), Some(Value::from(0o660_u32)));
}

#[test]
fn the_forwarder_leads_to_the_one_address() {
    type Exec = Vec<(String, Vec<String>, Vec<String>)>;
    for (host, expected) in [("127.0.0.1", "127.0.0.1:9000"), ("::1", "::1:9000"), ("grades.lan", "grades.lan:9000")] {
        let table = service_properties(&name("grades"), host, 9000);
        let exec = Exec::try_from(get(&table, "ExecStartEx").unwrap()).unwrap();
        assert_eq!(exec[0].1.last().map(String::as_str), Some(expected));
    }
}

#[test]
fn the_forwarder_has_no_privilege() {
    let table = service_properties(&name("grades"), "h", 1);
    assert_eq!(get(&table, "DynamicUser"), Some(Value::from(true)));
    assert_eq!(get(&table, "CapabilityBoundingSet"), Some(Value::from(0_u64)));
    assert_eq!(get(&table, "NoNewPrivileges"), Some(Value::from(true)));
}

#[test]
fn another_address_is_another_description() {
    let name = name("grades");
    assert_ne!(description(&name, "h", 1), description(&name, "h", 2));
    assert_ne!(description(&name, "h", 1), description(&name, "g", 1));
}
