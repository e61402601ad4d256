//! Which places count.

use std::path::{Path, PathBuf};

use super::{Source, find, first_of};
use crate::config::Config;

#[test]
fn the_first_place_with_a_program_wins() {
    let places = [
        (Path::new("/nowhere/jupyter-lab"), Source::Configured),
        (Path::new("/etc/passwd"), Source::Configured),
        (Path::new("/bin"), Source::Configured),
        (Path::new("/bin/sh"), Source::Environment),
        (Path::new("/bin/ls"), Source::Debian),
    ];
    let found = first_of(&places);
    assert_eq!(found.map(|lab| (lab.argv0, lab.source)), Ok((PathBuf::from("/bin/sh"), Source::Environment)));
}

#[test]
fn a_configured_program_is_the_only_place() {
    let mut config = Config::default();
    config.server.command = Some(vec!["/nowhere/jupyter-lab".to_owned()]);
    let sentence = find(&config).map_err(|error| error.to_string());
    assert!(sentence.is_err_and(|text| text.starts_with("JupyterLab was not found at /nowhere/jupyter-lab. ")));
}
