//! Browser sessions, in memory, written through to the store.
//!
//! Invariant: what the gate needs per request is answered from memory, and a session that ends takes the tokens
//! that were issued in it, its WebSockets and its open downloads with it at once.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hubd_base::names::UserName;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::random;
use super::tokens::Tokens;
use crate::clock::Usec;
use crate::store::sessions::NewSession;
use crate::store::{Store, StoreError, TokenHash};

/// One logged-in browser.
#[derive(Debug)]
pub struct Session {
    /// The store's number.
    pub id: i64,
    /// Hash of the cookie: also the identity that forms are protected with.
    pub token: TokenHash,
    /// The value of `jupyterhub-session-id`, which tokens issued in this browser carry.
    pub public_id: String,
    /// Who logged in.
    pub user: UserName,
    /// When it began, microseconds.
    pub created: Usec,
    /// When it ends by itself, microseconds.
    pub expires: Usec,
    /// Cancelled when the session ends; streams watch it.
    pub ended: CancellationToken,
}

/// What may go wrong when a session is made.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The kernel has no randomness.
    #[error(transparent)]
    Random(#[from] random::NoRandomness),
}

/// All sessions.
#[derive(Debug)]
pub struct Sessions {
    store: Store,
    tokens: Arc<Tokens>,
    lifetime: Duration,
    known: RwLock<HashMap<TokenHash, Arc<Session>>>,
}

impl Sessions {
    /// Reads what is still valid from the store. `lifetime`: how long a browser stays logged in.
    pub async fn load(store: Store, tokens: Arc<Tokens>, lifetime: Duration, now: Usec) -> Result<Self, StoreError> {
        let mut known = HashMap::new();
        for row in store.sessions(now).await? {
            let Ok(user) = UserName::parse(&row.user) else { continue };
            let session = Session {
                id: row.id,
                token: row.token,
                public_id: row.public_id,
                user,
                created: row.created,
                expires: row.expires,
                ended: CancellationToken::new(),
            };
            known.insert(row.token, Arc::new(session));
        }
        Ok(Self { store, tokens, lifetime, known: RwLock::new(known) })
    }

    /// How long a browser stays logged in.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The session of a cookie, if it has not ended.
    pub fn find(&self, cookie: &str, now: Usec) -> Option<Arc<Session>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&random::hash(cookie)).filter(|session| session.expires > now).cloned()
    }

    /// Starts a session; the cookie's value is returned once.
    pub async fn create(
        &self,
        user_id: i64,
        user: UserName,
        now: Usec,
    ) -> Result<(Zeroizing<String>, Arc<Session>), SessionError> {
        let (cookie, token) = random::random_token()?;
        let public_id = random::random_hex()?;
        let expires = now.saturating_add(i64::try_from(self.lifetime.as_micros()).unwrap_or(i64::MAX));
        let new = NewSession { user: user_id, token, public_id: public_id.clone(), created: now, expires };
        let id = self.store.add_session(new).await?;
        let ended = CancellationToken::new();
        let session = Arc::new(Session { id, token, public_id, user, created: now, expires, ended });
        self.write(|known| known.insert(token, Arc::clone(&session)));
        Ok((cookie, session))
    }

    /// Ends a session: cookies stop working and open connections close at once.
    pub async fn end(&self, session: &Session) -> Result<(), StoreError> {
        self.write(|known| known.remove(&session.token));
        session.ended.cancel();
        self.tokens.revoke(|token| token.session.as_deref() == Some(session.public_id.as_str())).await?;
        self.store.delete_session(session.id).await
    }

    /// Everybody with a session, each once.
    pub fn users(&self) -> BTreeSet<UserName> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().map(|session| session.user.clone()).collect()
    }

    /// Every session that has not ended, the newest first.
    pub fn all(&self, now: Usec) -> Vec<Arc<Session>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = known.values().filter(|session| session.expires > now).cloned().collect();
        drop(known);
        all.sort_by_key(|session| std::cmp::Reverse((session.created, session.id)));
        all
    }

    /// Ends every session of a person.
    pub async fn end_all_of(&self, user: &UserName) -> Result<(), StoreError> {
        let theirs: Vec<_> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.values().filter(|session| session.user == *user).cloned().collect()
        };
        for session in theirs {
            self.end(&session).await?;
        }
        Ok(())
    }

    fn write<T>(&self, change: impl FnOnce(&mut HashMap<TokenHash, Arc<Session>>) -> T) -> T {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::{Kind, NewToken, Owner};
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(60);

    async fn world(folder: &tempfile::TempDir) -> (Store, Arc<Tokens>, i64, UserName) {
        let store = Store::open(&folder.path().join("hub.sqlite")).unwrap();
        let alice = UserName::parse("alice").unwrap();
        let row = store.keep_user(alice.clone(), Some(false), 1).await.unwrap();
        let tokens = Arc::new(Tokens::load(store.clone(), 1).await.unwrap());
        (store, tokens, row.id, alice)
    }

    #[tokio::test]
    async fn sessions_survive_a_restart_and_end_with_their_tokens() {
        let folder = tempfile::tempdir().unwrap();
        let (store, tokens, id, alice) = world(&folder).await;
        let sessions = Sessions::load(store.clone(), Arc::clone(&tokens), LIFETIME, 1).await.unwrap();
        let (cookie, session) = sessions.create(id, alice.clone(), 1).await.unwrap();
        let new = |session: Option<&Session>| NewToken {
            owner: Owner::User(alice.clone()),
            kind: if session.is_some() { Kind::OAuth } else { Kind::Api },
            client: None,
            session: session.map(|session| session.public_id.clone()),
            scopes: vec!["inherit".into()],
            note: String::new(),
            created: 1,
            expires: None,
        };
        let (issued, held) = tokens.create(new(Some(&session))).await.unwrap();
        let (own, _) = tokens.create(new(None)).await.unwrap();

        let tokens = Arc::new(Tokens::load(store.clone(), 3).await.unwrap());
        let again = Sessions::load(store.clone(), Arc::clone(&tokens), LIFETIME, 3).await.unwrap();
        let session = again.find(&cookie, 3).unwrap();
        assert!(!held.ended.is_cancelled());
        assert!(tokens.find(&issued, 3).is_some());
        again.end(&session).await.unwrap();
        assert!(again.find(&cookie, 3).is_none());
        assert!(tokens.find(&issued, 3).is_none());
        assert!(tokens.find(&own, 3).is_some(), "a person's own tokens survive a logout");

        let last = Tokens::load(store, 4).await.unwrap();
        assert!(last.find(&issued, 4).is_none());
        assert!(last.find(&own, 4).is_some());
    }

    #[tokio::test]
    async fn an_expired_session_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (store, tokens, id, alice) = world(&folder).await;
        let sessions = Sessions::load(store, tokens, LIFETIME, 1).await.unwrap();
        let (cookie, session) = sessions.create(id, alice, 1).await.unwrap();
        assert!(sessions.find(&cookie, session.expires - 1).is_some());
        assert!(sessions.find(&cookie, session.expires).is_none());
    }
}
