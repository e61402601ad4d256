//! The laws of the repository. A law that stops earning its keep is changed here, not ignored.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines a Rust file may have, tests apart.
const LINES_MAX: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file below `folder` with that ending, relative to the repository, without build output.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | "out" | ".git" | "__pycache__") {
                    folders.push(path);
                }
            } else if name.ends_with(ending) {
                found.push(path.strip_prefix(&root).unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no *{ending} below {folder}");
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn is_test(path: &Path) -> bool {
    let path = path.to_string_lossy();
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs")
}

/// A file's code without its `#[cfg(test)]` tail.
fn code(path: &Path) -> String {
    let text = read(path);
    text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned()
}

#[test]
fn the_top_level_holds_what_it_should() {
    let allowed = [
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "clippy.toml",
        "deny.toml",
        "docs",
        "packaging",
        "polkit",
        "rustfmt.toml",
        "src",
        "systemd",
        "target",
        "tests",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with('.') || allowed.contains(&name.as_str()), "{name} does not belong at the top level");
    }
}

#[test]
fn every_rust_file_says_what_it_is_and_is_not_crowded() {
    for path in files("src", ".rs").into_iter().chain(files("tests", ".rs")) {
        let text = read(&path);
        assert!(text.starts_with("//! "), "{} does not open with what it is", path.display());
        let lines = text.lines().count();
        assert!(is_test(&path) || lines <= LINES_MAX, "{} has {lines} lines, at most {LINES_MAX}", path.display());
    }
}

/// Below each room of the hub: what it may import.
const FLOORS: [(&str, &[&str]); 7] = [
    ("src/hub/src/store", &["clock", "store"]),
    ("src/hub/src/auth", &["auth", "clock", "store"]),
    ("src/hub/src/servers", &["auth", "clock", "observe", "servers", "store"]),
    ("src/hub/src/services", &["auth", "clock", "observe", "servers", "services", "store"]),
    ("src/hub/src/journals", &["clock", "journals", "servers"]),
    ("src/hub/src/observe", &["observe"]),
    ("src/base/src", &["account", "config", "lab", "limits", "names", "policy", "profiles", "secret"]),
];

#[test]
fn imports_run_downwards_only() {
    for (room, below) in FLOORS {
        for path in files(room, ".rs") {
            for line in code(&path).lines() {
                let Some(rest) = line.trim_start().strip_prefix("use crate::") else { continue };
                let module = rest.split([':', ';', ' ', '{']).next().unwrap();
                assert!(below.contains(&module), "{} imports {module} from above", path.display());
            }
        }
    }
}

#[test]
fn programs_never_import_each_other() {
    let programs = ["hub_login", "hub_broker", "hubctl", "hubd"];
    for (folder, own) in
        [("src/login", "hub_login"), ("src/broker", "hub_broker"), ("src/hubctl", "hubctl"), ("src/hub", "hubd")]
    {
        for path in files(folder, ".rs") {
            for program in programs.iter().filter(|program| **program != own) {
                let text = code(&path);
                assert!(!text.contains(&format!("use {program}::")), "{} imports {program}", path.display());
            }
        }
    }
}

#[test]
fn sql_stands_in_the_store_only() {
    for path in files("src", ".rs") {
        if path.starts_with("src/hub/src/store") {
            continue;
        }
        for word in ["SELECT ", "INSERT INTO", "DELETE FROM", "rusqlite"] {
            assert!(!code(&path).contains(word), "{} speaks SQL ({word})", path.display());
        }
    }
}

#[test]
fn http_does_not_reach_the_store_and_the_scopes() {
    for path in files("src/hub/src/store", ".rs").into_iter().chain(files("src/hub/src/auth", ".rs")) {
        for word in ["axum", "hyper::", "http::"] {
            assert!(!code(&path).contains(&format!("use {word}")), "{} knows of HTTP", path.display());
        }
    }
}

/// The few files that may touch C.
const UNSAFE: [&str; 2] = ["src/login/src/pam.rs", "src/login/src/language.rs"];

#[test]
fn unsafe_stands_where_it_is_excused_and_states_its_contract() {
    for path in files("src", ".rs") {
        let text = code(&path);
        let count = text.matches("unsafe {").count();
        if count == 0 || is_test(&path) {
            continue;
        }
        assert!(UNSAFE.contains(&path.to_string_lossy().as_ref()), "unsafe in {}", path.display());
        assert!(
            text.matches("SAFETY:").count() >= count,
            "{}: an unsafe block without its SAFETY line",
            path.display()
        );
    }
}

#[test]
fn nothing_is_left_unfinished() {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), "unimplemented!"];
    for path in files("src", ".rs").into_iter().filter(|path| !is_test(path)) {
        for word in words {
            assert!(!read(&path).contains(word), "{} holds {word}", path.display());
        }
    }
}

/// What the root programs are made of; growing root's diet is a reviewed change of these lists.
#[test]
fn the_diet_of_root_is_reviewed() {
    for (program, list) in [("hub-login", "tests/tidy/diet-login.txt"), ("hub-broker", "tests/tidy/diet-broker.txt")] {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--locked",
                "--offline",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--format",
                "{p}",
                "--target",
                "x86_64-unknown-linux-gnu",
                "-p",
                program,
            ])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let tree = String::from_utf8(output.stdout).unwrap();
        let eaten: BTreeSet<&str> =
            tree.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty()).collect();
        let text = read(Path::new(list));
        let allowed: BTreeSet<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let new: Vec<_> = eaten.difference(&allowed).collect();
        let gone: Vec<_> = allowed.difference(&eaten).collect();
        assert!(new.is_empty() && gone.is_empty(), "{program}: new {new:?}, gone {gone:?}; see {list}");
    }
}

/// Pictures in the documentation, and bytes of one.
const PICTURES_MAX: usize = 10;
const PICTURE_MAX: u64 = 100_000;

#[test]
fn the_extension_of_jupyterlab_has_the_hubs_version() {
    let described = read(Path::new("src/labextension/package.json"));
    assert!(described.contains(&format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"))), "{described}");
}

#[test]
fn pictures_in_the_documentation_are_few_small_and_shown() {
    let pictures = files("docs/screenshots", ".png");
    assert!(pictures.len() <= PICTURES_MAX, "{} pictures", pictures.len());
    let pages: String =
        ["README.md", "docs/pages.md", "docs/zh-CN/pages.md"].map(|page| read(Path::new(page))).concat();
    for picture in pictures {
        let size = fs::metadata(root().join(&picture)).unwrap().len();
        assert!(size < PICTURE_MAX, "{} has {size} bytes", picture.display());
        let name = picture.file_name().unwrap().to_string_lossy().into_owned();
        assert!(pages.contains(&name), "{name} is shown nowhere");
    }
}

#[test]
fn every_command_in_the_documentation_exists() {
    let known = [
        "status",
        "users",
        "user",
        "servers",
        "start",
        "stop",
        "suspend",
        "wake",
        "limits",
        "logs",
        "token",
        "groups",
        "group",
        "idle",
        "keep",
        "profiles",
        "services",
        "api",
        "config",
        "doctor",
        "env",
        "--help",
        "--version",
    ];
    let mut seen = 0;
    for path in files("docs", ".md").into_iter().chain([PathBuf::from("README.md")]) {
        for part in read(&path).split("hubctl ").skip(1) {
            let before_end = part
                .split(|letter: char| letter.is_whitespace() || "`|,.;:)".contains(letter))
                .next()
                .unwrap_or_default();
            if before_end.is_empty()
                || !before_end.is_ascii()
                || before_end.chars().next().is_some_and(char::is_uppercase)
            {
                continue;
            }
            seen += 1;
            assert!(known.contains(&before_end), "{}: hubctl {before_end}", path.display());
        }
    }
    assert!(seen > 5, "the documentation shows hubctl");
}

#[test]
fn every_link_and_picture_of_the_documentation_is_there() {
    for path in files("docs", ".md").into_iter().chain([PathBuf::from("README.md")]) {
        for part in read(&path).split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let place = root().join(path.parent().unwrap()).join(target);
            assert!(place.exists(), "{} leads to {target}, which is not there", path.display());
        }
    }
}

/// Everything in a text that may be a message id.
fn message_ids(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[test]
fn message_ids_are_documented() {
    let documented = read(Path::new("docs/journal.md"));
    for path in files("src", ".rs").into_iter().filter(|path| !is_test(path)) {
        for part in code(&path).split('"') {
            let id = part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(!id || documented.contains(part), "docs/journal.md does not name {part} of {}", path.display());
        }
    }
    for path in files("docs", ".md") {
        for id in message_ids(&read(&path)) {
            assert!(documented.contains(id), "docs/journal.md does not name {id} of {}", path.display());
        }
    }
}

#[test]
fn every_documented_message_is_written_by_the_code_and_caused_by_a_test_on_a_real_machine() {
    let all = |folders: &[&str], ending| -> String {
        let paths = folders.iter().flat_map(|folder| files(folder, ending)).filter(|path| !path.ends_with("tests.rs"));
        paths.map(|path| read(&path)).collect()
    };
    let (code, tests) = (all(&["src"], ".rs"), all(&["tests/system", "tests/machine"], ".py"));
    let mut seen = 0;
    for row in read(Path::new("docs/journal.md")).lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let Some(id) = message_ids(cells[1]).next() else { continue };
        seen += 1;
        assert!(code.contains(&format!("\"{id}\"")), "nothing writes {id} of docs/journal.md");
        // In the words that stand there, up to the first full stop, as tests/harness/messages.py takes them.
        let words = cells[3].split(". ").next().unwrap();
        assert!(
            tests.contains(&format!("\"{words}\"")),
            "no test of a real machine causes {words:?} of docs/journal.md"
        );
    }
    assert!(seen > 30, "docs/journal.md lists messages");
}
