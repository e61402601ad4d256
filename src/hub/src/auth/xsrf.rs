//! Protection of forms: a signed cookie that must come back in the form (contract 5.3).
//!
//! The value is base64url(time, 8 bytes big endian, microseconds || HMAC-SHA256 over purpose, identity and time).
//! The identity is the session of a logged-in browser, or address and user agent of an anonymous one, so
//! that a value made for one cannot be used by another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::sessions::Session;
use crate::clock::Usec;

/// How long a value is good for, microseconds: 31 days.
const LIFETIME: Usec = 31 * 24 * 3600 * 1_000_000;

const TIME_BYTES: usize = 8;

/// Signs and checks `_xsrf` values.
#[derive(Clone)]
pub struct Xsrf {
    key: [u8; 32],
}

impl std::fmt::Debug for Xsrf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Xsrf")
    }
}

/// Whose form it is.
#[derive(Clone, Copy, Debug)]
pub enum Identity<'a> {
    /// A logged-in browser.
    Session(&'a Session),
    /// Nobody yet: address and `User-Agent`.
    Anonymous {
        /// Address of the browser as text.
        address: &'a str,
        /// Its `User-Agent`, empty when absent.
        agent: &'a str,
    },
}

impl Xsrf {
    /// From the 32-byte key that the store keeps.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// A fresh value for this identity.
    pub fn issue(&self, identity: Identity<'_>, now: Usec) -> String {
        let time = now.to_be_bytes();
        let mut value = time.to_vec();
        value.extend_from_slice(&self.mac(identity, time).finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(value)
    }

    /// Whether the value was issued for this identity and is not too old.
    pub fn is_valid(&self, value: &str, identity: Identity<'_>, now: Usec) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(value) else { return false };
        let Some((time, mac)) = bytes.split_first_chunk::<TIME_BYTES>() else { return false };
        let age = now.saturating_sub(Usec::from_be_bytes(*time));
        (0..LIFETIME).contains(&age) && self.mac(identity, *time).verify_slice(mac).is_ok()
    }

    /// Whether what was submitted equals the cookie, compared in constant time.
    pub fn matches(cookie: &str, submitted: &str) -> bool {
        cookie.as_bytes().ct_eq(submitted.as_bytes()).into()
    }

    fn mac(&self, identity: Identity<'_>, time: [u8; TIME_BYTES]) -> Hmac<Sha256> {
        // HMAC takes keys of any length, so this cannot fail; an empty key would fail every check.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key)
            .unwrap_or_else(|_| Hmac::<Sha256>::new(&hmac::digest::Key::<Hmac<Sha256>>::default()));
        mac.update(&time);
        match identity {
            Identity::Session(session) => {
                mac.update(b"session");
                mac.update(&session.token);
            }
            Identity::Anonymous { address, agent } => {
                mac.update(b"anonymous");
                mac.update(address.as_bytes());
                mac.update(&[0]);
                mac.update(agent.as_bytes());
            }
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Identity<'_> = Identity::Anonymous { address: "127.0.0.1", agent: "test" };

    #[test]
    fn a_value_is_good_for_its_own_identity_only() {
        let xsrf = Xsrf::new([7; 32]);
        let value = xsrf.issue(HERE, 1000);
        assert!(xsrf.is_valid(&value, HERE, 1001));
        assert!(!xsrf.is_valid(&value, Identity::Anonymous { address: "127.0.0.2", agent: "test" }, 1001));
        assert!(!xsrf.is_valid(&value, Identity::Anonymous { address: "127.0.0.1test", agent: "" }, 1001));
        assert!(!Xsrf::new([8; 32]).is_valid(&value, HERE, 1001));
    }

    #[test]
    fn old_future_short_and_garbled_values_are_refused() {
        let xsrf = Xsrf::new([7; 32]);
        let value = xsrf.issue(HERE, 1000);
        assert!(!xsrf.is_valid(&value, HERE, 1000 + LIFETIME));
        assert!(!xsrf.is_valid(&value, HERE, 999));
        for bad in ["", "AAAA", "not base64!", &value[1..]] {
            assert!(!xsrf.is_valid(bad, HERE, 1001), "{bad}");
        }
    }
}
