//! Proof that whoever takes a code is who asked for it (RFC 7636).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a client said when it asked: it will show the verifier that belongs to this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// The verifier's SHA-256 in URL-safe base64.
    S256(String),
    /// The verifier itself.
    Plain(String),
}

impl Challenge {
    /// The challenge of a request; no method means `plain`. `None` for any other method.
    pub fn new(challenge: String, method: Option<&str>) -> Option<Self> {
        match method {
            Some("S256") => Some(Self::S256(challenge)),
            Some("plain") | None => Some(Self::Plain(challenge)),
            Some(_) => None,
        }
    }

    /// The challenge of `method` `S256` for a verifier.
    pub fn digest(verifier: &str) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
    }

    /// Whether this is the verifier that belongs to it.
    pub fn fits(&self, verifier: &str) -> bool {
        let (expected, shown) = match self {
            Self::S256(challenge) => (challenge, Self::digest(verifier)),
            Self::Plain(challenge) => (challenge, verifier.to_owned()),
        };
        expected.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::Challenge;

    /// RFC 7636, appendix B.
    #[test]
    fn the_example_of_the_rfc_fits_and_nothing_else() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned();
        let hashed = Challenge::new(challenge.clone(), Some("S256")).unwrap();
        assert!(hashed.fits(verifier) && !hashed.fits(&challenge) && !hashed.fits(""));
        let plain = Challenge::new(verifier.to_owned(), None).unwrap();
        assert!(plain.fits(verifier) && !plain.fits(&challenge));
        assert_eq!(Challenge::new(challenge, Some("s256")), None);
    }
}
