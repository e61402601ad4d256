//! Names that hurt: each works completely or is refused completely.

#![allow(clippy::unwrap_used)]

use super::{
    NameError, SERVER_MAX, SERVERS_DIR, SERVICE_MAX, ServerId, ServerName, ServiceName, UNIT_NAME_MAX, USER_MAX,
    UserName, esc,
};

/// name, unit, slice, URL segment
const GOOD: &[(&str, &str, &str, &str)] = &[
    ("alice", "jupyter@alice.service", "jupyter-alice.slice", "alice"),
    ("first.last", "jupyter@first.last.service", "jupyter-first.last.slice", "first.last"),
    ("dash-ed", "jupyter@dash-ed.service", r"jupyter-dash\x2ded.slice", "dash-ed"),
    ("under_score", "jupyter@under_score.service", "jupyter-under_score.slice", "under_score"),
    ("_leading", "jupyter@_leading.service", "jupyter-_leading.slice", "_leading"),
    ("UPPER", "jupyter@UPPER.service", "jupyter-UPPER.slice", "UPPER"),
    ("u1000", "jupyter@u1000.service", "jupyter-u1000.slice", "u1000"),
    ("0x10", "jupyter@0x10.service", "jupyter-0x10.slice", "0x10"),
    ("a..b", "jupyter@a..b.service", "jupyter-a..b.slice", "a..b"),
    ("trailing-", "jupyter@trailing-.service", r"jupyter-trailing\x2d.slice", "trailing-"),
    ("a--b", "jupyter@a--b.service", r"jupyter-a\x2d\x2db.slice", "a--b"),
    ("uml@ex.org", r"jupyter@uml\x40ex.org.service", r"jupyter-uml\x40ex.org.slice", "uml@ex.org"),
    (r"DOM\user", r"jupyter@DOM\x5cuser.service", r"jupyter-DOM\x5cuser.slice", "DOM%5Cuser"),
    (r"a\x2db", r"jupyter@a\x5cx2db.service", r"jupyter-a\x5cx2db.slice", "a%5Cx2db"),
    ("pc$", r"jupyter@pc\x24.service", r"jupyter-pc\x24.slice", "pc%24"),
    ("a+b", r"jupyter@a\x2bb.service", r"jupyter-a\x2bb.slice", "a%2Bb"),
    ("~tilde", r"jupyter@\x7etilde.service", r"jupyter-\x7etilde.slice", "~tilde"),
    ("a*b?[c]", r"jupyter@a\x2ab\x3f\x5bc\x5d.service", r"jupyter-a\x2ab\x3f\x5bc\x5d.slice", "a%2Ab%3F%5Bc%5D"),
    ("<b>&", r"jupyter@\x3cb\x3e\x26.service", r"jupyter-\x3cb\x3e\x26.slice", "%3Cb%3E%26"),
    ("jürgen", r"jupyter@j\xc3\xbcrgen.service", r"jupyter-j\xc3\xbcrgen.slice", "j%C3%BCrgen"),
    (
        "小明",
        r"jupyter@\xe5\xb0\x8f\xe6\x98\x8e.service",
        r"jupyter-\xe5\xb0\x8f\xe6\x98\x8e.slice",
        "%E5%B0%8F%E6%98%8E",
    ),
];

fn bad() -> Vec<(String, NameError)> {
    let mut bad: Vec<(String, NameError)> = [
        ("", NameError::Empty),
        (".", NameError::Start('.')),
        ("..", NameError::Start('.')),
        (".hidden", NameError::Start('.')),
        ("-rf", NameError::Start('-')),
        ("--help", NameError::Start('-')),
        ("@group", NameError::Start('@')),
        ("~", NameError::Reserved),
        ("0", NameError::Numeric),
        ("1000", NameError::Numeric),
    ]
    .map(|(name, error)| (name.to_owned(), error))
    .to_vec();
    let characters = "/:%,\"'` \t\n\r\0\u{1b}\u{7f}\u{85}\u{a0}\u{3000}\u{200b}\u{200e}\u{202e}\u{2066}\u{feff}\u{ad}";
    bad.extend(characters.chars().map(|c| (format!("al{c}ice"), NameError::Character(c))));
    bad.push(("../../etc/passwd".to_owned(), NameError::Character('/')));
    bad.push(("a".repeat(USER_MAX + 1), NameError::TooLong));
    // fits in bytes, but not as a unit name once every byte is \xNN
    bad.push(("é".repeat(USER_MAX / 2), NameError::TooLong));
    bad
}

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn named(name: &str, server: &str) -> ServerId {
    ServerId::new(user(name), ServerName::parse(server).unwrap())
}

#[test]
fn names_that_hurt_work_completely() {
    for (name, unit, slice, url) in GOOD {
        let id = ServerId::default_of(user(name));
        assert_eq!(id.user.as_str(), *name);
        assert_eq!(id.unit_name(), *unit, "{name}");
        assert_eq!(id.slice_name(), *slice, "{name}");
        assert_eq!(id.url_segment(), *url, "{name}");
        let folder = name.replace('\\', ",,");
        assert_eq!(id.directory_name(), folder);
        assert_eq!(id.socket_path().to_str().unwrap(), format!("{SERVERS_DIR}/{folder}/s"));
        assert_eq!(ServerId::from_unit_name(unit), Some(id), "{name}");
    }
}

#[test]
fn names_that_hurt_are_refused_completely() {
    for (name, error) in bad() {
        assert_eq!(UserName::parse(&name), Err(error), "{name:?}");
        assert!(!error.to_string().is_empty());
    }
    assert_eq!(UserName::parse_bytes(b"al\xffice"), Err(NameError::Encoding));
}

#[test]
fn every_unit_character_is_one_systemd_takes() {
    for (name, ..) in GOOD {
        let id = named(name, "gpu-2");
        for name in [id.unit_name(), id.slice_name()] {
            let valid = |b: u8| b.is_ascii_alphanumeric() || b":-_.\\@".contains(&b);
            assert!(name.bytes().all(valid), "{name}");
        }
    }
}

#[test]
fn a_named_server_has_its_own_unit_folder_and_url_in_the_same_slice() {
    let id = named("dash-ed", "gpu-2");
    assert_eq!(id.to_string(), "dash-ed:gpu-2");
    assert_eq!(id.unit_name(), "jupyter@dash-ed:gpu-2.service");
    assert_eq!(id.slice_name(), r"jupyter-dash\x2ded.slice");
    assert_eq!(id.url_segment(), "dash-ed/gpu-2");
    assert_eq!(id.directory_name(), "dash-ed,gpu-2");
    assert_eq!(ServerId::from_unit_name(&id.unit_name()), Some(id));
}

#[test]
fn two_servers_never_share_a_unit_or_a_folder() {
    let mut ids: Vec<ServerId> = GOOD.iter().map(|(name, ..)| ServerId::default_of(user(name))).collect();
    ids.extend(GOOD.iter().map(|(name, ..)| named(name, "b")));
    let mut units: Vec<String> = ids.iter().map(ServerId::unit_name).collect();
    let mut folders: Vec<String> = ids.iter().map(ServerId::directory_name).collect();
    for names in [&mut units, &mut folders] {
        names.sort();
        names.dedup();
        assert_eq!(names.len(), ids.len());
    }
}

#[test]
fn only_the_one_spelling_of_a_unit_is_taken_back() {
    for unit in [
        "",
        "jupyter@.service",
        "jupyter@alice",
        "alice.service",
        "jupyter@alice.slice",
        "jupyter@alice:.service",
        "jupyter@alice:GPU.service",
        "jupyter@alice:a:b.service",
        "jupyter@:gpu.service",
        r"jupyter@\x61lice.service",
        r"jupyter@uml\x40EX\x2eorg.service",
        r"jupyter@dash\x2ded.service",
        r"jupyter@a\x4.service",
        r"jupyter@a\xC3\xBC.service",
        r"jupyter@a\xff.service",
        r"jupyter@a\x2fb.service",
        r"jupyter@a\.service",
        "jupyter@uml@ex.org.service",
        "jupyter@1000.service",
    ] {
        assert_eq!(ServerId::from_unit_name(unit), None, "{unit}");
    }
}

#[test]
fn the_longest_names_fit_into_a_socket_address_and_a_unit_name() {
    let server = "s".repeat(SERVER_MAX);
    let plain = named(&"u".repeat(USER_MAX), &server);
    assert!(plain.socket_path().as_os_str().len() <= 107);
    // as many two-byte letters as the escaping has room for
    let wide = (1..=USER_MAX / 2).rev().find_map(|n| UserName::parse(&"é".repeat(n)).ok()).unwrap();
    let wide = ServerId::new(wide, ServerName::parse(&server).unwrap());
    assert!(wide.unit_name().len() <= UNIT_NAME_MAX);
    assert!(wide.unit_name().len() > UNIT_NAME_MAX - 8);
    let dashes = ServerId::default_of(user(&format!("a{}", "-".repeat(USER_MAX - 1))));
    assert!(dashes.slice_name().len() <= UNIT_NAME_MAX);
    assert_eq!(ServerId::from_unit_name(&wide.unit_name()), Some(wide));
}

#[test]
fn server_names_are_slugs() {
    for good in ["", "a", "gpu", "gpu2", "gpu-2", "a-b-c", &"x".repeat(SERVER_MAX)] {
        assert_eq!(ServerName::parse(good).unwrap().as_str(), good);
    }
    for bad in
        ["-", "a-", "-a", "a--b", "2gpu", "GPU", "a_b", "a.b", "a/b", "a b", "ä", "a\n", &"x".repeat(SERVER_MAX + 1)]
    {
        assert_eq!(ServerName::parse(bad), Err(NameError::NotASlug), "{bad:?}");
    }
    assert!(ServerName::parse("").unwrap().is_default());
}

#[test]
fn esc_is_undone_by_percent_decoding() {
    assert_eq!(esc("A-Za_z0.9~@"), "A-Za_z0.9~@");
    assert_eq!(esc("a b/c%d?e#f;g=h+"), "a%20b%2Fc%25d%3Fe%23f%3Bg%3Dh%2B");
    for text in GOOD.iter().map(|(name, ..)| *name).chain(["\0\n%", "a/../b"]) {
        let mut bytes = Vec::new();
        let escaped = esc(text);
        let mut rest = escaped.as_str();
        while let Some(c) = rest.chars().next() {
            let (byte, length) = match c {
                '%' => (u8::from_str_radix(rest.get(1..3).unwrap(), 16).unwrap(), 3),
                c => (u8::try_from(c).unwrap(), 1),
            };
            bytes.push(byte);
            rest = rest.get(length..).unwrap();
        }
        assert_eq!(String::from_utf8(bytes).unwrap(), text);
    }
}

#[test]
fn names_of_services_work_completely() {
    for (name, unit) in [
        ("idle-culler", "hub-service@idle-culler.service"),
        ("1", "hub-service@1.service"),
        ("Grades_2.x", "hub-service@Grades_2.x.service"),
        ("a~b", r"hub-service@a\x7eb.service"),
    ] {
        let service = ServiceName::parse(name).unwrap();
        assert_eq!(service.unit_name(), unit);
        assert_eq!(ServiceName::from_unit_name(unit), Some(service.clone()));
        let forward = unit.replace("hub-service@", "hub-service-forward@");
        assert_eq!(service.forward_unit_name(), forward);
        assert_eq!(service.forward_socket_name(), forward.replace(".service", ".socket"));
        assert_eq!(ServiceName::from_unit_name(&forward), None);
        assert_eq!(esc(name), name);
        assert_eq!(service.directory().to_str().unwrap(), format!("/run/hub/services/{name}"));
        assert_eq!(service.socket_path().to_str().unwrap(), format!("/run/hub/services/{name}/s"));
    }
    let longest = ServiceName::parse(&"x".repeat(SERVICE_MAX)).unwrap();
    assert!(longest.socket_path().as_os_str().len() <= 107);
}

#[test]
fn names_of_services_that_hurt_are_refused() {
    for (name, error) in [
        ("", NameError::Empty),
        (".", NameError::Start('.')),
        ("..", NameError::Start('.')),
        ("-x", NameError::Start('-')),
        ("~x", NameError::Start('~')),
        ("_x", NameError::Start('_')),
        ("a/b", NameError::Character('/')),
        (" a", NameError::Character(' ')),
        ("a ", NameError::Character(' ')),
        ("a%41", NameError::Character('%')),
        ("a@b", NameError::Character('@')),
        ("a:b", NameError::Character(':')),
        ("a,b", NameError::Character(',')),
        ("é", NameError::Character('é')),
        (&"x".repeat(SERVICE_MAX + 1), NameError::TooLong),
        // fits in bytes, but not as a unit name once every tilde is \x7e
        (&format!("x{}", "~".repeat(SERVICE_MAX - 1)), NameError::TooLong),
    ] {
        assert_eq!(ServiceName::parse(name), Err(error), "{name:?}");
    }
    for unit in [
        "hub-service@.service",
        "hub-service@a~b.service",
        r"hub-service@a\x7Eb.service",
        r"hub-service@\x61.service",
        r"hub-service@a\x2fb.service",
        r"hub-service@a\xffb.service",
        "hub-service@a.socket",
        "jupyter@a.service",
    ] {
        assert_eq!(ServiceName::from_unit_name(unit), None, "{unit}");
    }
}
