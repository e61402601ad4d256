//! `hubctl env create`: JupyterLab from `PyPI`, in a virtual environment of its own.
//!
//! A virtual environment cannot be moved. So each is built in a folder of its own, `env-<seconds>`, and the link
//! `env` is switched to it at the end with one rename: whoever looks sees the former environment or the new one.
//! The former one is removed unless running servers still use it. JupyterLab's dependency rfc3987-syntax makes its
//! start slower; pip has no way to leave it out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use hubd_base::config;
use hubd_base::lab;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;

use crate::cli::Context;
use crate::failure::{Failure, Status, words};
use crate::moments;
use crate::text::{Talk, Text};

/// Debian's Python.
pub(crate) const PYTHON: &str = "/usr/bin/python3";
const LINK: &str = "env";
const PREFIX: &str = "env-";
const LOCK: &str = ".lock";
const LAB: &str = "bin/jupyter-lab";
/// Settings of the caller that would lead Python or pip astray. Proxies and `PIP_INDEX_URL` stay.
const UNWANTED: [&str; 8] = [
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONUSERBASE",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "PIP_REQUIRE_VIRTUALENV",
];

pub(crate) fn run(context: &mut Context<'_>, language: Option<&str>, python: &Path) -> Result<(), Failure> {
    let talk = context.talk;
    let link = Path::new(lab::ENVIRONMENT);
    let root = link.parent().unwrap_or(link);
    if !geteuid().is_root() {
        return Err(Failure::new(Status::NotAuthorised, talk.say(Text::EnvNotRoot, &[&root.display()]))
            .with_hint(talk.say(Text::NotAuthorisedHint, &[])));
    }
    let configured = config::load(Path::new(config::DIR)).ok().and_then(|loaded| loaded.config.server.language);
    let packages = packages(talk, language.or(configured.as_deref()))?;
    let version = Builder { talk, root, python }.create(&packages)?;
    eprintln!("{}", talk.say(Text::EnvDone, &[&version, &link.display()]));
    if context.json {
        let made = serde_json::json!({"path": lab::ENVIRONMENT, "version": version, "packages": packages});
        crate::commands::write_json(context.out, &made)?;
    }
    Ok(())
}

/// `zh-CN` and `zh_CN` are the same; English needs no pack.
fn packages(talk: Talk, language: Option<&str>) -> Result<Vec<String>, Failure> {
    let mut packages = vec!["jupyterlab".to_owned()];
    if let Some(language) = language {
        let parts: Vec<&str> = language.split(['-', '_']).collect();
        let word = |part: &&str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        if parts.len() > 2 || !parts.iter().all(word) {
            return Err(Failure::new(Status::Usage, talk.say(Text::EnvBadLanguage, &[&language.escape_debug()])));
        }
        if parts.first() != Some(&"en") {
            packages.push(format!("jupyterlab-language-pack-{}", parts.join("-")));
        }
    }
    Ok(packages)
}

struct Builder<'a> {
    talk: Talk,
    /// The folder of the environments.
    root: &'a Path,
    python: &'a Path,
}

/// A folder that is removed again unless it is kept.
struct HalfMade(Option<PathBuf>);

impl HalfMade {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for HalfMade {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_dir_all(path);
        }
    }
}

impl Builder<'_> {
    /// Builds, tries, switches; gives the version of JupyterLab.
    fn create(&self, packages: &[String]) -> Result<String, Failure> {
        let talk = self.talk;
        self.check_python()?;
        // Everybody must be able to read what root makes here, whatever root's own umask is.
        umask(Mode::from_bits_truncate(0o022));
        fs::create_dir_all(self.root).map_err(|error| self.failed(self.root, &error))?;
        let _lock = self.lock()?;
        let link = self.root.join(LINK);
        if fs::symlink_metadata(&link).is_ok_and(|meta| !meta.is_symlink()) {
            return Err(Failure::new(Status::Failed, talk.say(Text::EnvInTheWay, &[&link.display()]))
                .with_hint(talk.say(Text::EnvInTheWayHint, &[])));
        }
        let folder = self.fresh_folder();
        let half_made = HalfMade(Some(folder.clone()));
        let python = folder.join("bin/python");

        eprintln!("{}", talk.say(Text::EnvMaking, &[&folder.display()]));
        self.step(Command::new(self.python).args(["-I", "-m", "venv"]).arg(&folder), "python3 -m venv")?;

        eprintln!("{}", talk.say(Text::EnvInstalling, &[&packages.join(", ")]));
        let pip = ["-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--progress-bar=off"];
        self.step(Command::new(python).args(pip).args(packages), "pip install")
            .map_err(|failure| failure.with_hint(talk.say(Text::EnvPipHint, &[])))?;

        eprintln!("{}", talk.say(Text::EnvTrying, &[]));
        let version = self.try_out(&folder)?;

        eprintln!("{}", talk.say(Text::EnvSwitching, &[&link.display()]));
        let switch = self.root.join(format!(".{LINK}-{}", std::process::id()));
        symlink(&folder, &switch)
            .and_then(|()| fs::rename(&switch, &link))
            .map_err(|error| self.failed(&link, &error))?;
        half_made.keep();
        self.remove_others(&folder);
        Ok(version)
    }

    /// Debian's python3 without python3-venv has no ensurepip.
    fn check_python(&self) -> Result<(), Failure> {
        let talk = self.talk;
        let python = self.python.display();
        let tried = clean(Command::new(self.python).args(["-I", "-c", "import ensurepip, venv"]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match tried {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(Failure::new(Status::Failed, talk.say(Text::EnvNoVenv, &[&python]))
                .with_hint(talk.say(Text::EnvNoVenvHint, &[]))),
            Err(error) => Err(Failure::new(Status::Failed, talk.say(Text::EnvNoPython, &[&python, &words(&error)]))
                .with_hint(talk.say(Text::EnvNoPythonHint, &[]))),
        }
    }

    fn lock(&self) -> Result<Flock<File>, Failure> {
        let path = self.root.join(LOCK);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|error| self.failed(&path, &error))?;
        Flock::lock(file, FlockArg::LockExclusiveNonblock)
            .map_err(|_| Failure::new(Status::Failed, self.talk.say(Text::EnvBusy, &[])))
    }

    /// A name no folder has. Two in one second can only come from one process, as the lock is held.
    fn fresh_folder(&self) -> PathBuf {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut seconds = moments::now() + i64::from(COUNT.fetch_add(1, Ordering::Relaxed));
        loop {
            let folder = self.root.join(format!("{PREFIX}{seconds}"));
            if fs::symlink_metadata(&folder).is_err() {
                return folder;
            }
            seconds += 1;
        }
    }

    /// Runs one step, showing what it says line by line.
    fn step(&self, command: &mut Command, name: &str) -> Result<(), Failure> {
        let failed = || Failure::new(Status::Failed, self.talk.say(Text::EnvStepFailed, &[&name]));
        let cannot =
            |error: io::Error| Failure::new(Status::Failed, self.talk.say(Text::CannotRun, &[&name, &words(&error)]));
        let mut child = clean(command).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(cannot)?;
        if let Some(said) = child.stdout.take() {
            for line in BufReader::new(said).split(b'\n').map_while(Result::ok) {
                eprintln!("      {}", crate::model::clean(String::from_utf8_lossy(&line).trim_end()));
            }
        }
        match child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(failed()),
            Err(error) => Err(cannot(error)),
        }
    }

    fn try_out(&self, folder: &Path) -> Result<String, Failure> {
        let program = folder.join(LAB);
        let output = clean(Command::new(&program).arg("--version")).stdin(Stdio::null()).output();
        match output {
            Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            Ok(output) => {
                eprint!("{}", String::from_utf8_lossy(&output.stderr));
                Err(Failure::new(Status::Failed, self.talk.say(Text::EnvStepFailed, &[&"jupyter-lab --version"])))
            }
            Err(error) => {
                Err(Failure::new(Status::Failed, self.talk.say(Text::CannotRun, &[&program.display(), &words(&error)])))
            }
        }
    }

    /// Removes former environments and what an interrupted run left, but nothing that runs.
    fn remove_others(&self, current: &Path) {
        let Ok(entries) = fs::read_dir(self.root) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path == current || !name.starts_with(PREFIX) || !path.is_dir() {
                continue;
            }
            if in_use(&path) {
                eprintln!("{}", self.talk.say(Text::EnvKept, &[&path.display()]));
            } else if let Err(error) = fs::remove_dir_all(&path) {
                eprintln!("{}", self.talk.say(Text::EnvIo, &[&path.display(), &words(&error)]));
            }
        }
    }

    fn failed(&self, path: &Path, error: &io::Error) -> Failure {
        Failure::new(Status::Failed, self.talk.say(Text::EnvIo, &[&path.display(), &words(error)]))
    }
}

fn clean(command: &mut Command) -> &mut Command {
    for name in UNWANTED {
        command.env_remove(name);
    }
    command
}

/// Does a process run a program of this folder? A script's first line puts the folder's Python on its command line.
fn in_use(folder: &Path) -> bool {
    let needle = [folder.as_os_str().as_encoded_bytes(), b"/"].concat();
    let Ok(entries) = fs::read_dir("/proc") else { return false };
    entries.flatten().any(|entry| {
        fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| line.windows(needle.len()).any(|window| window == needle))
    })
}

#[cfg(test)]
mod tests;
