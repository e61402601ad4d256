//! Authorization codes: good once, for a minute, for the server they were made for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hubd_base::names::ServerId;
use zeroize::Zeroizing;

use crate::auth::random;
use crate::auth::sessions::Session;
use crate::clock::Usec;
use crate::store::TokenHash;

/// How long a code is good, microseconds.
const LIFETIME: Usec = 60 * 1_000_000;
/// Most codes on their way; the oldest make room.
const CODES_MAX: usize = 10_000;

#[derive(Debug)]
struct Code {
    session: Arc<Session>,
    server: ServerId,
    expires: Usec,
}

/// All codes on their way. They live in memory only: after a crash the browser simply asks again.
#[derive(Debug, Default)]
pub struct Codes(Mutex<HashMap<TokenHash, Code>>);

impl Codes {
    /// A new code for this browser and server.
    pub fn issue(
        &self,
        session: Arc<Session>,
        server: ServerId,
        now: Usec,
    ) -> Result<Zeroizing<String>, random::NoRandomness> {
        let (code, hash) = random::random_token()?;
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, code| code.expires > now);
        if codes.len() >= CODES_MAX {
            let oldest = codes.iter().min_by_key(|(_, code)| code.expires).map(|(hash, _)| *hash);
            oldest.and_then(|hash| codes.remove(&hash));
        }
        codes.insert(hash, Code { session, server, expires: now.saturating_add(LIFETIME) });
        Ok(code)
    }

    /// The session of a code for that server. The code is used up, whatever the answer.
    pub fn redeem(&self, code: &str, server: &ServerId, now: Usec) -> Option<Arc<Session>> {
        let code = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&random::hash(code))?;
        let good = code.expires > now && code.server == *server && !code.session.ended.is_cancelled();
        good.then_some(code.session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubd_base::names::UserName;
    use tokio_util::sync::CancellationToken;

    fn session() -> Arc<Session> {
        let user = UserName::parse("alice").unwrap();
        let ended = CancellationToken::new();
        Arc::new(Session { id: 1, token: [0; 32], public_id: String::new(), user, expires: 1 << 60, ended })
    }

    fn server(name: &str) -> ServerId {
        ServerId::default_of(UserName::parse(name).unwrap())
    }

    #[test]
    fn a_code_is_good_once_in_time_for_its_server_and_a_living_session() {
        let codes = Codes::default();
        let code = codes.issue(session(), server("alice"), 0).unwrap();
        assert!(codes.redeem(&code, &server("alice"), 1).is_some());
        assert!(codes.redeem(&code, &server("alice"), 1).is_none());

        let code = codes.issue(session(), server("alice"), 0).unwrap();
        assert!(codes.redeem(&code, &server("bob"), 1).is_none());
        assert!(codes.redeem(&code, &server("alice"), 1).is_none());

        let code = codes.issue(session(), server("alice"), 0).unwrap();
        assert!(codes.redeem(&code, &server("alice"), LIFETIME).is_none());

        let ended = session();
        let code = codes.issue(Arc::clone(&ended), server("alice"), 0).unwrap();
        ended.ended.cancel();
        assert!(codes.redeem(&code, &server("alice"), 1).is_none());
    }
}
