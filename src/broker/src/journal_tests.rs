//! What journalctl writes, and what comes of it.

use super::entry::{MESSAGE_MAX, line, login, parse, readable};
use super::lines::{Invocation, Lines};
use hubd_base::names::{ServerId, UserName};
use serde_json::{Value, json};

fn one(entry: &str) -> Value {
    let mut lines = parse(entry.as_bytes(), line);
    assert_eq!(lines.len(), 1);
    serde_json::from_str(&lines.remove(0)).unwrap()
}

#[test]
fn an_entry_becomes_five_fields() {
    let line = one(
        r#"{"__REALTIME_TIMESTAMP":"1700000000000001","PRIORITY":"3","SYSLOG_IDENTIFIER":"jupyter-lab","MESSAGE":"no","__CURSOR":"s=1;i=2"}"#,
    );
    let expected = json!({
        "time_usec": 1_700_000_000_000_001_u64, "priority": 3, "identifier": "jupyter-lab", "message": "no",
        "cursor": "s=1;i=2",
    });
    assert_eq!(line, expected);
}

#[test]
fn what_kind_of_event_it_is_goes_with_the_line() {
    let line = one(r#"{"__REALTIME_TIMESTAMP":"1","PRIORITY":"5","MESSAGE_ID":"fe6faa94e7774663a0da52717891d8ef"}"#);
    assert_eq!(line["message_id"], "fe6faa94e7774663a0da52717891d8ef");
}

#[test]
fn an_entry_without_priority_and_identifier_is_still_a_line() {
    let line = one(r#"{"__REALTIME_TIMESTAMP":"1","_COMM":"python3","MESSAGE":"hello"}"#);
    assert_eq!(line, json!({"time_usec": 1, "priority": 6, "identifier": "python3", "message": "hello", "cursor": ""}));
}

#[test]
fn bytes_repeated_fields_and_fields_too_long_are_read_too() {
    assert_eq!(one(r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":[104,105,255]}"#)["message"], "hi\u{fffd}");
    assert_eq!(one(r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":["one","two"]}"#)["message"], "one");
    assert_eq!(one(r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":[[104,105],"two"]}"#)["message"], "hi");
    assert_eq!(one(r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":null}"#)["message"], "(a line too long to be shown)");
}

#[test]
fn what_is_no_entry_is_left_out() {
    let cut = br#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":"whole"}
-- No entries --
{"MESSAGE":"without a time"}
{"__REALTIME_TIMESTAMP":"2","MESS"#;
    assert_eq!(parse(cut, line).len(), 1);
    assert!(parse(b"", line).is_empty());
}

#[test]
fn no_terminal_is_steered_by_a_line() {
    assert_eq!(readable("\u{1b}[31mred\u{1b}[0m and \u{1b}]0;title\u{7}\ttab\nnew\r"), "red and ]0;title\ttab\nnew");
    assert_eq!(readable(&"x".repeat(MESSAGE_MAX + 1)).chars().count(), MESSAGE_MAX + 1);
    assert!(readable(&"x".repeat(MESSAGE_MAX + 1)).ends_with('…'));
}

#[test]
fn a_failed_login_tells_who_from_where_and_why() {
    let told = login(&json!({
        "__REALTIME_TIMESTAMP": "5", "HUB_USER": "alice", "HUB_CLIENT": "203.0.113.9", "HUB_OUTCOME": "refused",
        "MESSAGE": "Login of alice to the hub was refused, from 203.0.113.9", "PRIORITY": "5",
    }));
    let expected = json!({
        "time_usec": 5, "user": "alice", "client": "203.0.113.9", "outcome": "refused",
        "message": "Login of alice to the hub was refused, from 203.0.113.9",
    });
    assert_eq!(told, Some(expected));
    let unknown = json!({"__REALTIME_TIMESTAMP": "5", "HUB_OUTCOME": "refused", "MESSAGE": "x"});
    assert_eq!(login(&unknown).unwrap()["user"], "");
}

#[test]
fn only_the_units_own_and_roots_lines_about_it_are_asked_for() {
    let id = ServerId::default_of(UserName::parse("a@b").unwrap());
    let run = Invocation::parse("0123456789abcdef0123456789abcdef").unwrap().unwrap();
    assert_eq!(
        Lines::of_units(&[id.unit_name()], Some(&run)).arguments(),
        [
            "_SYSTEMD_UNIT=jupyter@a\\x40b.service",
            "_SYSTEMD_INVOCATION_ID=0123456789abcdef0123456789abcdef",
            "+",
            "UNIT=jupyter@a\\x40b.service",
            "_UID=0",
            "INVOCATION_ID=0123456789abcdef0123456789abcdef"
        ]
    );
}

#[test]
fn several_units_are_read_as_one() {
    let units = ["hub-service@a.service".to_owned(), "hub-service-forward@a.service".to_owned()];
    assert_eq!(
        Lines::of_units(&units, None).arguments(),
        [
            "_SYSTEMD_UNIT=hub-service@a.service",
            "+",
            "UNIT=hub-service@a.service",
            "_UID=0",
            "+",
            "_SYSTEMD_UNIT=hub-service-forward@a.service",
            "+",
            "UNIT=hub-service-forward@a.service",
            "_UID=0"
        ]
    );
}

#[test]
fn the_hubs_own_lines_are_those_of_its_units_and_no_others() {
    let of = |part| Lines::of_hub(part).unwrap().arguments();
    let web = ["_SYSTEMD_UNIT=hub.service", "+", "UNIT=hub.service", "_UID=0"];
    let broker = [
        "_SYSTEMD_UNIT=hub-broker.service",
        "+",
        "UNIT=hub-broker.service",
        "_UID=0",
        "+",
        "_SYSTEMD_UNIT=hub-cull.service",
        "+",
        "UNIT=hub-cull.service",
        "_UID=0",
    ];
    let login = [r"_SYSTEMD_SLICE=system-hub\x2dlogin.slice"];
    assert_eq!(of("hub"), web);
    assert_eq!(of("broker"), broker);
    assert_eq!(of("login"), login);
    assert_eq!(of(""), [web.as_slice(), &["+"], &broker, &["+"], &login].concat());
    for other in ["ssh", "hub.service", "Hub", "+", "_UID=0"] {
        assert!(Lines::of_hub(other).is_err(), "{other}");
    }
}

#[test]
fn an_invocation_is_hexadecimal_or_nothing() {
    assert!(Invocation::parse("").unwrap().is_none());
    for bad in ["x", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcdef ", "+"] {
        assert!(Invocation::parse(bad).is_err(), "{bad:?}");
    }
}
