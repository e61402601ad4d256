//! Authorization codes: good once, for five minutes, for the client they were made for (contract 3.6 and 4.3).
//!
//! Invariant: a code is taken away in the same step in which it is found good, so that it never is twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::pkce::Challenge;
use crate::auth::random;
use crate::auth::sessions::Session;
use crate::clock::Usec;
use crate::store::TokenHash;

/// How long a code is good, microseconds.
const LIFETIME: Usec = 300 * 1_000_000;
/// Most codes on their way; the oldest make room.
const CODES_MAX: usize = 10_000;
/// Most codes of one browser, so that nobody pushes out those of others.
const OF_SESSION_MAX: usize = 32;

/// What a person let a client have.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The browser it happened in, and with it the person.
    pub session: Arc<Session>,
    /// The client's id.
    pub client: String,
    /// Scopes as they are stored with the token.
    pub scopes: Vec<String>,
    /// Where the code was sent, if the client said so.
    pub redirect_uri: Option<String>,
    /// What the client must prove.
    pub challenge: Option<Challenge>,
}

/// What comes with a code.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presented<'a> {
    /// The client's id, its secret already checked.
    pub client: &'a str,
    /// The proof.
    pub verifier: Option<&'a str>,
    /// Where the client got the code; already found to be one of its own.
    pub redirect_uri: Option<&'a str>,
}

/// Why a code gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Unknown, used, too old, somebody else's, or its browser logged out; or the proof is wrong.
    #[error("the code is not good")]
    Invalid,
    /// The client promised a proof and brought none.
    #[error("Code verifier required.")]
    NoVerifier,
    /// Not where the code was sent.
    #[error("Mismatching redirect URI.")]
    Redirect,
}

#[derive(Debug)]
struct Code {
    grant: Grant,
    expires: Usec,
}

impl Code {
    /// Whether this is who may have it, checked in the order of the contract.
    fn check(&self, presented: Presented<'_>, now: Usec) -> Result<(), CodeError> {
        let grant = &self.grant;
        if self.expires <= now || grant.client != presented.client || grant.session.ended.is_cancelled() {
            return Err(CodeError::Invalid);
        }
        match (&grant.challenge, presented.verifier) {
            (Some(_), None) => return Err(CodeError::NoVerifier),
            (Some(challenge), Some(verifier)) if !challenge.fits(verifier) => return Err(CodeError::Invalid),
            _ => {}
        }
        match (&grant.redirect_uri, presented.redirect_uri) {
            (Some(sent), Some(claimed)) if sent != claimed => Err(CodeError::Redirect),
            _ => Ok(()),
        }
    }
}

/// All codes on their way. They live in memory only: after a crash the browser simply asks again.
#[derive(Debug, Default)]
pub struct Codes(Mutex<HashMap<TokenHash, Code>>);

impl Codes {
    /// A new code.
    pub fn issue(&self, grant: Grant, now: Usec) -> Result<Zeroizing<String>, random::NoRandomness> {
        let (code, hash) = random::random_token()?;
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, code| code.expires > now);
        let session = grant.session.id;
        if codes.values().filter(|code| code.grant.session.id == session).count() >= OF_SESSION_MAX {
            remove_oldest(&mut codes, |code| code.grant.session.id == session);
        }
        if codes.len() >= CODES_MAX {
            remove_oldest(&mut codes, |_| true);
        }
        codes.insert(hash, Code { grant, expires: now.saturating_add(LIFETIME) });
        Ok(code)
    }

    /// Whether there are codes that can still be used.
    pub fn are_on_their_way(&self, now: Usec) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().any(|code| code.expires > now)
    }

    /// Whether a code would be good, without using it.
    pub fn look(&self, code: &str, presented: Presented<'_>, now: Usec) -> Result<(), CodeError> {
        let codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.get(&random::hash(code)).ok_or(CodeError::Invalid)?.check(presented, now)
    }

    /// What a code stands for. It is used up by that.
    pub fn redeem(&self, code: &str, presented: Presented<'_>, now: Usec) -> Result<Grant, CodeError> {
        let hash = random::hash(code);
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.get(&hash).ok_or(CodeError::Invalid)?.check(presented, now)?;
        codes.remove(&hash).map(|code| code.grant).ok_or(CodeError::Invalid)
    }
}

fn remove_oldest(codes: &mut HashMap<TokenHash, Code>, fits: impl Fn(&Code) -> bool) {
    let oldest =
        codes.iter().filter(|(_, code)| fits(code)).min_by_key(|(_, code)| code.expires).map(|(hash, _)| *hash);
    oldest.and_then(|hash| codes.remove(&hash));
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubd_base::names::UserName;
    use tokio_util::sync::CancellationToken;

    fn session(id: i64) -> Arc<Session> {
        let user = UserName::parse("alice").unwrap();
        let ended = CancellationToken::new();
        Arc::new(Session { id, token: [0; 32], public_id: String::new(), user, created: 0, expires: 1 << 60, ended })
    }

    fn grant() -> Grant {
        let (client, scopes) = ("service-a".to_owned(), Vec::new());
        Grant { session: session(1), client, scopes, redirect_uri: Some("/a".into()), challenge: None }
    }

    fn by(client: &str) -> Presented<'_> {
        Presented { client, ..Presented::default() }
    }

    #[test]
    fn a_code_is_good_once_in_time_for_its_client_and_a_living_session() {
        let codes = Codes::default();
        let code = codes.issue(grant(), 0).unwrap();
        assert_eq!(codes.redeem(&code, by("service-b"), 1).unwrap_err(), CodeError::Invalid);
        assert!(codes.redeem(&code, by("service-a"), 1).is_ok());
        assert_eq!(codes.redeem(&code, by("service-a"), 1).unwrap_err(), CodeError::Invalid);

        let code = codes.issue(grant(), 0).unwrap();
        assert_eq!(codes.redeem(&code, by("service-a"), LIFETIME).unwrap_err(), CodeError::Invalid);
        assert!(codes.redeem(&code, by("service-a"), LIFETIME - 1).is_ok());

        let ended = grant();
        let code = codes.issue(ended.clone(), 0).unwrap();
        ended.session.ended.cancel();
        assert_eq!(codes.redeem(&code, by("service-a"), 1).unwrap_err(), CodeError::Invalid);
    }

    #[test]
    fn proof_and_address_are_those_of_the_request() {
        let codes = Codes::default();
        let challenge = Challenge::new("v".into(), None);
        let code = codes.issue(Grant { challenge, ..grant() }, 0).unwrap();
        let shown = |verifier, redirect_uri| Presented { verifier, redirect_uri, ..by("service-a") };
        assert_eq!(codes.redeem(&code, shown(None, None), 1).unwrap_err(), CodeError::NoVerifier);
        assert_eq!(codes.redeem(&code, shown(Some("w"), None), 1).unwrap_err(), CodeError::Invalid);
        assert_eq!(codes.redeem(&code, shown(Some("v"), Some("/b")), 1).unwrap_err(), CodeError::Redirect);
        assert!(codes.redeem(&code, shown(Some("v"), Some("/a")), 1).is_ok());
    }

    #[test]
    fn one_browser_does_not_push_out_the_codes_of_others() {
        let codes = Codes::default();
        let kept = codes.issue(Grant { session: session(2), ..grant() }, 0).unwrap();
        let first = codes.issue(grant(), 1).unwrap();
        for now in 2..=i64::try_from(OF_SESSION_MAX).unwrap() + 1 {
            codes.issue(grant(), now).unwrap();
        }
        assert!(codes.redeem(&first, by("service-a"), 50).is_err());
        assert!(codes.redeem(&kept, by("service-a"), 50).is_ok());
    }
}
