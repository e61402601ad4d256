//! Builds with a script in Python's place.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Builder, in_use, packages};
use crate::failure::{Failure, Status};
use crate::text::{Language, Talk};

const TALK: Talk = Talk::new(Language::English);

/// Answers the three calls: a look at its modules, `-m venv`, `-m pip`.
const PYTHON: &str = r#"#!/bin/sh
root=$(dirname "$0")
case "$3" in
    "import ensurepip, venv") test ! -e "$root/no-venv" ;;
    venv)
        mkdir -p "$4/bin"
        cp "$0" "$4/bin/python"
        cp "$root"/broken "$4/bin/" 2>/dev/null
        echo "venv made" ;;
    pip)
        echo "Collecting $*"
        test ! -e "$root/broken" || exit 1
        printf '#!/bin/sh\necho 4.9.9\n' > "$root/jupyter-lab"
        chmod 755 "$root/jupyter-lab" ;;
esac
"#;

/// A folder with a Python; one test at a time, as a script being written in one thread cannot be run by a fork of
/// another (`ETXTBSY`).
struct Bench {
    folder: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Bench {
    fn new(name: &str) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = std::env::temp_dir().join(format!("hubctl-env-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("python3"), PYTHON).unwrap();
        fs::set_permissions(folder.join("python3"), fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, _turn: turn }
    }

    fn root(&self) -> PathBuf {
        self.folder.join("opt")
    }

    fn create(&self) -> Result<String, Failure> {
        let python = self.folder.join("python3");
        Builder { talk: TALK, root: &self.root(), python: &python }.create(&["jupyterlab".to_owned()])
    }

    /// The environments that are there.
    fn folders(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root()).unwrap().flatten().map(|entry| entry.path());
        entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("env-")).collect()
    }

    fn target(&self) -> PathBuf {
        fs::read_link(self.root().join("env")).unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn told(result: Result<String, Failure>) -> (String, Option<String>) {
    match result {
        Err(Failure::Told { status: Status::Failed, text, hint }) => (text, hint),
        _ => unreachable!("no failure that was told"),
    }
}

#[test]
fn a_new_environment_takes_the_place_of_the_former() {
    let bench = Bench::new("new");
    assert_eq!(bench.create().unwrap(), "4.9.9");
    let first = bench.target();
    assert!(bench.root().join("env/bin/jupyter-lab").exists());
    assert_eq!(bench.create().unwrap(), "4.9.9");
    assert_ne!(bench.target(), first);
    assert_eq!(bench.folders(), [bench.target()]);
    let mode = fs::metadata(bench.target()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o755);
}

#[test]
fn a_failed_build_changes_nothing_and_leaves_nothing() {
    let bench = Bench::new("failed");
    bench.create().unwrap();
    let before = bench.target();
    fs::write(bench.folder.join("broken"), "").unwrap();
    let (text, hint) = told(bench.create());
    assert_eq!(text, "pip install failed; nothing was changed.");
    assert!(hint.unwrap().contains("PIP_INDEX_URL"));
    assert_eq!(bench.target(), before);
    assert_eq!(bench.folders(), [before]);
}

#[test]
fn a_python_that_cannot_is_told_before_anything_is_made() {
    let bench = Bench::new("cannot");
    fs::write(bench.folder.join("no-venv"), "").unwrap();
    let (text, hint) = told(bench.create());
    assert!(text.ends_with("its modules venv and ensurepip are missing."), "{text}");
    assert_eq!(hint.as_deref(), Some("Install them with `apt install python3-venv`."));
    let root = bench.root();
    let nowhere = Builder { talk: TALK, root: &root, python: Path::new("/nowhere/python3") };
    let (text, _) = told(nowhere.create(&[]));
    assert!(text.starts_with("/nowhere/python3 could not be run: "), "{text}");
    assert!(!bench.root().exists());
}

#[test]
fn what_hubctl_did_not_make_is_not_touched() {
    let bench = Bench::new("in-the-way");
    fs::create_dir_all(bench.root().join("env")).unwrap();
    fs::write(bench.root().join("env/mine"), "").unwrap();
    let (text, _) = told(bench.create());
    assert!(text.ends_with("/opt/env exists and is not a link made by hubctl."), "{text}");
    assert!(bench.root().join("env/mine").exists());
    assert!(bench.folders().is_empty());
}

#[test]
fn leftovers_go_and_what_runs_stays() {
    let bench = Bench::new("in-use");
    let (left, used) = (bench.root().join("env-1"), bench.root().join("env-2"));
    for folder in [&left, &used] {
        fs::create_dir_all(folder.join("bin")).unwrap();
    }
    symlink("/bin/sleep", used.join("bin/python")).unwrap();
    let mut server = Command::new(used.join("bin/python")).arg("600").stdin(Stdio::null()).spawn().unwrap();
    let made = bench.create();
    let (in_use_now, kept) = (in_use(&used), used.exists());
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(made.unwrap(), "4.9.9");
    assert!(in_use_now && kept);
    assert!(!left.exists());
    bench.create().unwrap();
    assert_eq!(bench.folders(), [bench.target()]);
}

#[test]
fn packages_follow_the_language() {
    let of = |language| packages(TALK, language).ok();
    let lab = || "jupyterlab".to_owned();
    let chinese = Some(vec![lab(), "jupyterlab-language-pack-zh-CN".to_owned()]);
    assert_eq!(of(Some("zh-CN")), chinese);
    assert_eq!(of(Some("zh_CN")), chinese);
    assert_eq!(of(Some("en")), Some(vec![lab()]));
    assert_eq!(of(None), Some(vec![lab()]));
    for wrong in ["", "zh CN", "--index-url=http://evil", "a-b-c", "zh-CN; x"] {
        let refused = packages(TALK, Some(wrong));
        assert!(matches!(refused, Err(Failure::Told { status: Status::Usage, .. })), "{wrong}");
    }
}
