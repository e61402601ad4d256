//! Secrets on their way to systemd.

use super::*;
use nix::unistd::{getuid, mkdtemp};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

/// A folder of our own, removed at the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let place = Self(mkdtemp(&std::env::temp_dir().join("hub-broker-secrets.XXXXXX")).unwrap());
        fs::set_permissions(&place.0, fs::Permissions::from_mode(0o700)).unwrap();
        place
    }

    fn write(&self, unit: &str, variables: &Variables) -> std::io::Result<()> {
        write_in(&self.0, getuid(), unit, variables)
    }

    fn names(&self) -> Vec<String> {
        fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn one(name: &str, value: &str) -> Variables {
    let mut variables = Variables::default();
    variables.add(name, value);
    variables
}

#[test]
fn a_token_has_a_length_and_harmless_characters() {
    assert!(Token::parse("").unwrap().is_none());
    for good in ["0123456789abcdef", "A_b-0123456789abcdef", &"x".repeat(TOKEN_MAX)] {
        assert!(Token::parse(good).unwrap().is_some(), "{good}");
    }
    let long = "x".repeat(TOKEN_MAX + 1);
    for bad in ["short", "0123456789abcde", &long, "0123456789abcdef\n", "0123456789 abcdef", "0123456789abcd\u{e4}f"] {
        assert!(matches!(Token::parse(bad), Err(Error::InvalidArgument(_))), "{bad:?}");
    }
}

#[test]
fn a_token_is_told_under_both_of_its_names() {
    let token = Token::parse("0123456789abcdef").unwrap().unwrap();
    let text = "JUPYTERHUB_API_TOKEN=\"0123456789abcdef\"\nJPY_API_TOKEN=\"0123456789abcdef\"\n";
    assert_eq!(token.variables().bytes(), text.as_bytes());
}

#[test]
fn no_value_ends_its_own_quotes() {
    let variables = one("A", "x\"\\$`'#; \nB=1");
    assert_eq!(variables.bytes(), b"A=\"x\\\"\\\\\\$\\`'#; \nB=1\"\n");
}

#[test]
fn a_file_is_for_its_owner_alone_and_replaced_whole() {
    let place = Place::new();
    place.write("jupyter@a.service", &one("A", "1")).unwrap();
    place.write("jupyter@a.service", &one("B", "2")).unwrap();
    let file = place.0.join("jupyter@a.service");
    assert_eq!(fs::read_to_string(&file).unwrap(), "B=\"2\"\n");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(place.names(), ["jupyter@a.service"]);
    remove_in(&place.0, getuid(), "jupyter@a.service").unwrap();
    remove_in(&place.0, getuid(), "jupyter@a.service").unwrap();
    assert!(place.names().is_empty());
}

#[test]
fn a_link_in_the_place_of_a_file_is_replaced_and_not_followed() {
    let place = Place::new();
    let elsewhere = Place::new();
    let precious = elsewhere.0.join("precious");
    fs::write(&precious, "x").unwrap();
    symlink(&precious, place.0.join("u.service")).unwrap();
    place.write("u.service", &one("A", "1")).unwrap();
    assert_eq!(fs::read_to_string(&precious).unwrap(), "x");
    assert!(fs::symlink_metadata(place.0.join("u.service")).unwrap().is_file());
}

#[test]
fn the_longest_names_of_units_are_names_of_files_too() {
    let place = Place::new();
    let unit = format!("{}.service", "u".repeat(255 - ".service".len()));
    place.write(&unit, &one("A", "1")).unwrap();
    assert_eq!(place.names(), [unit]);
}

#[test]
fn nothing_in_a_name_is_a_pattern_for_systemd() {
    assert_eq!(file_name("jupyter@a\\x2ab\\x5bc\\x5d:gpu.service"), "jupyter@a,x2ab,x5bc,x5d:gpu.service");
}

#[test]
fn a_folder_that_others_could_look_into_gets_no_secret() {
    let place = Place::new();
    for mode in [0o750, 0o701, 0o711] {
        fs::set_permissions(&place.0, fs::Permissions::from_mode(mode)).unwrap();
        assert!(place.write("u.service", &one("A", "1")).is_err(), "{mode:o}");
    }
    assert!(place.names().is_empty());
    let link = place.0.join("link");
    symlink("/", &link).unwrap();
    assert!(write_in(&link, getuid(), "u.service", &one("A", "1")).is_err());
    let missing = write_in(&place.0.join("missing"), getuid(), "u.service", &one("A", "1")).unwrap_err();
    assert!(failed("Writing", &missing).text().contains("systemd-tmpfiles"));
}
