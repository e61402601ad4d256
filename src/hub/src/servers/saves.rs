//! What the open tabs of a server save again and again, so that the same once more is told from a change.
//!
//! Invariant: bounded in number; nothing of what is saved is kept but its digest.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Things that one server's tabs save.
const SAVES_MAX: usize = 64;

/// One save: where to, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// The path.
    pub target: String,
    /// SHA-256 of the whole body.
    pub digest: [u8; 32],
}

/// The last save of each target in this run of a server.
#[derive(Debug, Default)]
pub struct Saves(Mutex<HashMap<String, [u8; 32]>>);

impl Saves {
    /// Whether the target holds this already, as far as it was saved through the hub.
    pub fn holds(&self, save: &Save) -> bool {
        self.kept().get(&save.target) == Some(&save.digest)
    }

    /// The target holds this from now on.
    pub fn keep(&self, save: Save) {
        let mut kept = self.kept();
        if kept.len() >= SAVES_MAX && !kept.contains_key(&save.target) {
            kept.clear();
        }
        kept.insert(save.target, save.digest);
    }

    /// What the target holds is not known.
    pub fn forget(&self, target: &str) {
        self.kept().remove(target);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, [u8; 32]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(target: &str, what: u8) -> Save {
        Save { target: target.into(), digest: [what; 32] }
    }

    #[test]
    fn only_the_last_save_of_a_target_is_the_same_once_more() {
        let saves = Saves::default();
        assert!(!saves.holds(&save("a", 1)));
        saves.keep(save("a", 1));
        saves.keep(save("b", 2));
        assert!(saves.holds(&save("a", 1)) && saves.holds(&save("b", 2)) && !saves.holds(&save("b", 1)));
        saves.keep(save("a", 2));
        assert!(saves.holds(&save("a", 2)) && !saves.holds(&save("a", 1)));
        saves.forget("a");
        assert!(!saves.holds(&save("a", 2)));
    }

    #[test]
    fn the_number_does_not_grow_without_end() {
        let saves = Saves::default();
        for number in 0..1000 {
            saves.keep(save(&number.to_string(), 1));
        }
        assert!(saves.kept().len() <= SAVES_MAX && saves.holds(&save("999", 1)));
    }
}
