//! Random tokens: shown once to their holder, kept as a hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::store::TokenHash;

/// The kernel has no randomness to give.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no randomness for a secret: {0}")]
pub struct NoRandomness(String);

/// 32 random bytes from the kernel.
///
/// # Errors
/// The kernel has no randomness to give; nothing that needs a secret may go on.
pub fn random_key() -> Result<[u8; 32], NoRandomness> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| NoRandomness(error.to_string()))?;
    Ok(key)
}

/// A new token, 43 characters of URL-safe base64, and its hash.
///
/// # Errors
/// As [`random_key`].
pub fn random_token() -> Result<(Zeroizing<String>, TokenHash), NoRandomness> {
    let token = Zeroizing::new(URL_SAFE_NO_PAD.encode(random_key()?));
    let hash = hash(&token);
    Ok((token, hash))
}

/// 32 hexadecimal digits, such as those of a random UUID.
///
/// # Errors
/// As [`random_key`].
pub fn random_hex() -> Result<String, NoRandomness> {
    let [high, low] = [0, 1].map(|_| {
        let mut half = [0; 8];
        getrandom::fill(&mut half).map(|()| u64::from_be_bytes(half)).map_err(|error| NoRandomness(error.to_string()))
    });
    Ok(format!("{:016x}{:016x}", high?, low?))
}

/// SHA-256 of a presented token. Tokens carry 256 bits, so no salt or stretching is needed.
pub fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// Eight hexadecimal digits to find a failed request again in the journal.
pub fn incident() -> String {
    let mut bytes = [0; 4];
    // An incident id is a convenience, not a secret: without randomness it is merely not unique.
    let _ = getrandom::fill(&mut bytes);
    format!("{:08x}", u32::from_be_bytes(bytes))
}
