//! Bytes that must not be copied, shown or left in memory: passwords, one-time codes, tokens.
//!
//! Invariant: a [`Secret`] has no `Clone`, no `Debug` and no `Display`, and its bytes are wiped when it is dropped.

use zeroize::Zeroizing;

/// Secret bytes, wiped on drop. Any byte sequence is possible, also an empty one.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The bytes. Do not copy them into anything that is not wiped.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// True when nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text.into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_gives_back_its_bytes() {
        assert_eq!(Secret::from("p\u{e4}ss".to_owned()).expose(), "p\u{e4}ss".as_bytes());
        assert_eq!(Secret::from(vec![0, 255]).expose(), &[0, 255]);
        assert!(Secret::from(Vec::new()).is_empty());
    }
}
