//! Where the program of a person's server is on this machine: `JupyterLab`, or `jupyterhub-singleuser`.
//!
//! Looked for anew on every call, so that installing it needs no restart of the hub. Must never run what it finds.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config::{Config, ServerKind};

/// The virtual environment that `hubctl env create` makes.
pub const ENVIRONMENT: &str = "/opt/hubd/env";
/// `JupyterLab` of that environment.
pub const ENVIRONMENT_LAB: &str = "/opt/hubd/env/bin/jupyter-lab";
/// `JupyterLab` of Debian's package `jupyterlab`.
pub const DEBIAN_LAB: &str = "/usr/bin/jupyter-lab";
/// `jupyterhub-singleuser` of that environment. Not `jupyter-labhub`, which every `JupyterLab` brings, also where the
/// `jupyterhub` that it needs is missing.
pub const ENVIRONMENT_SINGLEUSER: &str = "/opt/hubd/env/bin/jupyterhub-singleuser";
/// `jupyterhub-singleuser` of Debian's package `jupyterhub`.
pub const DEBIAN_SINGLEUSER: &str = "/usr/bin/jupyterhub-singleuser";

/// A program that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lab {
    /// The program to start, an absolute path.
    pub argv0: PathBuf,
    /// Where it comes from.
    pub source: Source,
}

/// Which of the places a program was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `server.command` names it.
    Configured,
    /// `hubctl env create` made it.
    Environment,
    /// Debian's package.
    Debian,
}

/// There is no program the hub could start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// What was looked for.
    pub kind: ServerKind,
    /// The places that were looked at, in order.
    pub searched: Vec<PathBuf>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<String> = self.searched.iter().map(|path| path.display().to_string()).collect();
        let places = places.join(", ");
        match self.kind {
            ServerKind::Lab => write!(
                f,
                "JupyterLab was not found at {places}. Install it with `apt install jupyterlab` or `hubctl env create`, or set server.command."
            ),
            ServerKind::Singleuser => write!(
                f,
                "jupyterhub-singleuser was not found at {places}. Install it with `hubctl env create` and `{ENVIRONMENT}/bin/pip install jupyterhub`, or set server.command, or server.kind to \"lab\"."
            ),
        }
    }
}

impl std::error::Error for NotFound {}

/// Looks at `server.command` when it is set and nowhere else; otherwise at the hub's own environment, then at
/// Debian's package.
pub fn find(config: &Config) -> Result<Lab, NotFound> {
    let kind = config.server.kind;
    let (environment, debian) = match kind {
        ServerKind::Lab => (ENVIRONMENT_LAB, DEBIAN_LAB),
        ServerKind::Singleuser => (ENVIRONMENT_SINGLEUSER, DEBIAN_SINGLEUSER),
    };
    match config.server.command.as_ref().and_then(|argv| argv.first()) {
        Some(program) => first_of(kind, &[(Path::new(program), Source::Configured)]),
        None => first_of(kind, &[(Path::new(environment), Source::Environment), (Path::new(debian), Source::Debian)]),
    }
}

fn first_of(kind: ServerKind, places: &[(&Path, Source)]) -> Result<Lab, NotFound> {
    places
        .iter()
        .find(|(path, _)| is_program(path))
        .map(|(path, source)| Lab { argv0: path.to_path_buf(), source: *source })
        .ok_or_else(|| NotFound { kind, searched: places.iter().map(|(path, _)| path.to_path_buf()).collect() })
}

/// Everybody on the machine must be able to start it, as it runs as the person.
fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o001 != 0)
}

#[cfg(test)]
mod tests;
