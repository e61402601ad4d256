//! Which places count.

use std::path::{Path, PathBuf};

use super::{Source, find, first_of};
use crate::config::{Config, ServerKind};

#[test]
fn the_first_place_with_a_program_wins() {
    let places = [
        (Path::new("/nowhere/jupyter-lab"), Source::Configured),
        (Path::new("/etc/passwd"), Source::Configured),
        (Path::new("/bin"), Source::Configured),
        (Path::new("/bin/sh"), Source::Environment),
        (Path::new("/bin/ls"), Source::Debian),
    ];
    let found = first_of(ServerKind::Lab, &places);
    assert_eq!(found.map(|lab| (lab.argv0, lab.source)), Ok((PathBuf::from("/bin/sh"), Source::Environment)));
}

#[test]
fn a_configured_program_is_the_only_place() {
    let mut config = Config::default();
    config.server.command = Some(vec!["/nowhere/jupyter-lab".to_owned()]);
    let sentence = find(&config).map_err(|error| error.to_string());
    assert!(sentence.is_err_and(|text| text.starts_with("JupyterLab was not found at /nowhere/jupyter-lab. ")));
}

#[test]
fn a_server_of_the_other_kind_is_another_program() {
    let mut config = Config::default();
    config.server.kind = ServerKind::Singleuser;
    config.server.command = Some(vec!["/nowhere/jupyterhub-singleuser".to_owned()]);
    let sentence = find(&config).map_err(|error| error.to_string());
    assert!(sentence.is_err_and(|text| text.starts_with("jupyterhub-singleuser was not found at /nowhere/")));
}
