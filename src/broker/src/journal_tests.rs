//! What journalctl writes, and what comes of it.

use super::*;
use hubd_base::names::{ServerId, UserName};

fn one(entry: &str) -> Value {
    let mut lines = parse(entry.as_bytes());
    assert_eq!(lines.len(), 1);
    serde_json::from_str(&lines.remove(0)).unwrap()
}

#[test]
fn an_entry_becomes_four_fields() {
    let line = one(
        r#"{"__REALTIME_TIMESTAMP":"1700000000000001","PRIORITY":"3","SYSLOG_IDENTIFIER":"jupyter-lab","MESSAGE":"no","_BOOT_ID":"x"}"#,
    );
    let expected =
        json!({"time_usec": 1_700_000_000_000_001_u64, "priority": 3, "identifier": "jupyter-lab", "message": "no"});
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
    assert_eq!(line, json!({"time_usec": 1, "priority": 6, "identifier": "python3", "message": "hello"}));
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
    assert_eq!(parse(cut).len(), 1);
    assert!(parse(b"").is_empty());
}

#[test]
fn no_terminal_is_steered_by_a_line() {
    assert_eq!(readable("\u{1b}[31mred\u{1b}[0m and \u{1b}]0;title\u{7}\ttab\nnew\r"), "red and ]0;title\ttab\nnew");
    assert_eq!(readable(&"x".repeat(MESSAGE_MAX + 1)).chars().count(), MESSAGE_MAX + 1);
    assert!(readable(&"x".repeat(MESSAGE_MAX + 1)).ends_with('…'));
}

#[test]
fn only_the_units_own_and_roots_lines_about_it_are_asked_for() {
    let id = ServerId::default_of(UserName::parse("a@b").unwrap());
    let run = Invocation::parse("0123456789abcdef0123456789abcdef").unwrap().unwrap();
    let arguments = arguments(&[id.unit_name()], Some(&run), 5);
    let matches: Vec<&str> = arguments.iter().map(String::as_str).skip_while(|a| a.starts_with("--")).collect();
    assert_eq!(
        matches,
        [
            "_SYSTEMD_UNIT=jupyter@a\\x40b.service",
            "_SYSTEMD_INVOCATION_ID=0123456789abcdef0123456789abcdef",
            "+",
            "UNIT=jupyter@a\\x40b.service",
            "_UID=0",
            "INVOCATION_ID=0123456789abcdef0123456789abcdef"
        ]
    );
    assert!(arguments.contains(&"--lines=5".to_owned()));
}

#[test]
fn several_units_are_read_as_one() {
    let units = ["hub-service@a.service".to_owned(), "hub-service-forward@a.service".to_owned()];
    let arguments = arguments(&units, None, 5);
    let matches: Vec<&str> = arguments.iter().map(String::as_str).skip_while(|a| a.starts_with("--")).collect();
    assert_eq!(
        matches,
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
fn the_number_of_lines_is_bounded() {
    let unit = "jupyter@alice.service".to_owned();
    for (asked, given) in [(0, 1), (u32::MAX, LINES_MAX)] {
        assert!(arguments(std::slice::from_ref(&unit), None, asked).contains(&format!("--lines={given}")));
    }
}

#[test]
fn an_invocation_is_hexadecimal_or_nothing() {
    assert!(Invocation::parse("").unwrap().is_none());
    for bad in ["x", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcdef ", "+"] {
        assert!(Invocation::parse(bad).is_err(), "{bad:?}");
    }
}
