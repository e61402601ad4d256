//! Folders that people filled with what they could think of.

use super::*;
use nix::unistd::{getgid, getuid, mkdtemp};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

/// A base folder of our own, removed at the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        Self(mkdtemp(&std::env::temp_dir().join("hub-broker-test.XXXXXX")).unwrap())
    }

    fn base(&self) -> Base {
        let base = self.0.join("servers");
        if !base.exists() {
            fs::create_dir(&base).unwrap();
            fs::set_permissions(&base, fs::Permissions::from_mode(0o710)).unwrap();
        }
        Base::open(&base, getuid()).unwrap()
    }

    fn inside(&self, name: &str) -> PathBuf {
        self.0.join("servers").join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn ours() -> Owners {
    Owners { user: getuid(), user_group: getgid(), hub_group: getgid() }
}

#[test]
fn a_new_folder_has_its_modes_and_a_private_runtime_folder() {
    let place = Place::new();
    place.base().make("alice", ours()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(&place.inside("alice")), 0o2710);
    // The setgid bit is inherited where the folder is made, and may stay.
    assert_eq!(mode(&place.inside("alice/runtime")) & 0o777, 0o700);
}

#[test]
fn what_an_earlier_run_left_is_gone_afterwards() {
    let place = Place::new();
    place.base().make("alice", ours()).unwrap();
    let _socket = UnixListener::bind(place.inside("alice/s")).unwrap();
    fs::create_dir_all(place.inside("alice/a/b/c")).unwrap();
    fs::write(place.inside("alice/a/b/file"), "x").unwrap();
    fs::write(place.inside("alice/a/file"), "x").unwrap();
    place.base().make("alice", ours()).unwrap();
    let left: Vec<_> = fs::read_dir(place.inside("alice")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["runtime"]);
}

#[test]
fn links_are_removed_and_never_followed() {
    let place = Place::new();
    let precious = place.0.join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("file"), "x").unwrap();
    let base = place.base();
    base.make("alice", ours()).unwrap();
    symlink(&precious, place.inside("alice/link")).unwrap();
    fs::create_dir(place.inside("alice/deep")).unwrap();
    symlink(&precious, place.inside("alice/deep/link")).unwrap();
    symlink("/nowhere", place.inside("alice/deep/dangling")).unwrap();
    base.remove("alice").unwrap();
    assert!(!place.inside("alice").exists());
    // A link in the place of the folder itself.
    symlink(&precious, place.inside("bob")).unwrap();
    base.remove("bob").unwrap();
    assert!(place.inside("bob").symlink_metadata().is_err());
    assert!(precious.join("file").exists());
}

#[test]
fn depth_costs_neither_stack_nor_descriptors() {
    // More than a process has descriptors.
    const DEPTH: usize = 1200;
    let place = Place::new();
    let base = place.base();
    base.make("alice", ours()).unwrap();
    let mut folder = open(&place.inside("alice"), folder_flags(), Mode::empty()).unwrap();
    for _ in 0..DEPTH {
        mkdirat(&folder, "d", PRIVATE).unwrap();
        fs::write(format!("/proc/self/fd/{}/f", std::os::fd::AsRawFd::as_raw_fd(&folder)), "x").unwrap();
        folder = openat(&folder, "d", folder_flags(), Mode::empty()).unwrap();
    }
    drop(folder);
    base.remove("alice").unwrap();
    assert!(!place.inside("alice").exists());
}

#[test]
fn names_a_person_took_before_do_not_stop_the_removal() {
    let place = Place::new();
    let base = place.base();
    base.make("alice", ours()).unwrap();
    fs::create_dir_all(place.inside("alice/a/b/c")).unwrap();
    for number in ENTRIES_MAX - 10..ENTRIES_MAX {
        fs::create_dir_all(place.inside(&format!("alice/.removing-{number}/full"))).unwrap();
    }
    base.remove("alice").unwrap();
    assert!(!place.inside("alice").exists());
}

#[test]
fn names_that_lead_out_of_the_base_are_refused() {
    let place = Place::new();
    let base = place.base();
    fs::write(place.0.join("file"), "x").unwrap();
    for name in ["", ".", "..", "../file", "a/b", "/etc"] {
        assert!(base.remove(name).is_err(), "{name:?}");
        assert!(base.make(name, ours()).is_err(), "{name:?}");
    }
    assert!(place.0.join("file").exists());
}

#[test]
fn removing_what_is_not_there_is_fine() {
    assert!(Place::new().base().remove("nobody").is_ok());
}

#[test]
fn a_base_that_others_could_write_to_is_not_used() {
    let place = Place::new();
    drop(place.base());
    fs::set_permissions(place.0.join("servers"), fs::Permissions::from_mode(0o770)).unwrap();
    assert!(Base::open(&place.0.join("servers"), getuid()).is_err());
    let link = place.0.join("link");
    symlink(place.0.join("servers"), &link).unwrap();
    assert!(Base::open(&link, getuid()).is_err());
    assert!(Base::open(&place.0.join("missing"), getuid()).is_err());
}
