//! Browser sessions and the grants made from them, in memory, written through to the store.
//!
//! Invariant: what the gate needs per request is answered from memory, and a session that ends takes
//! its grants, its WebSockets and its open downloads with it at once.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hubd_base::names::{ServerId, UserName};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::tokens;
use crate::clock::Usec;
use crate::store::sessions::GrantRow;
use crate::store::{Store, StoreError, TokenHash};

/// How long a browser stays logged in: JupyterHub's `cookie_max_age_days`, 14 days.
pub const LIFETIME: Duration = Duration::from_secs(14 * 24 * 3600);

/// One logged-in browser.
#[derive(Debug)]
pub struct Session {
    /// The store's number.
    pub id: i64,
    /// Hash of the cookie: also the identity that forms are protected with.
    pub token: TokenHash,
    /// Who logged in.
    pub user: UserName,
    /// When it ends by itself, microseconds.
    pub expires: Usec,
    /// Cancelled when the session ends; tunnels and streams watch it.
    pub ended: CancellationToken,
}

/// The right of one browser to use one server, behind the server's own cookie.
#[derive(Debug)]
pub struct Grant {
    /// The browser's session.
    pub session: Arc<Session>,
    /// The server it opens.
    pub server: ServerId,
}

/// What may go wrong when a session or grant is made.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The kernel has no randomness.
    #[error(transparent)]
    Random(#[from] tokens::NoRandomness),
}

#[derive(Debug, Default)]
struct Known {
    sessions: HashMap<TokenHash, Arc<Session>>,
    grants: HashMap<TokenHash, Arc<Grant>>,
}

/// All sessions and grants.
#[derive(Debug)]
pub struct Sessions {
    store: Store,
    known: RwLock<Known>,
}

impl Sessions {
    /// Reads what is still valid from the store.
    pub async fn load(store: Store, now: Usec) -> Result<Self, StoreError> {
        let mut known = Known::default();
        let mut by_id = HashMap::new();
        for row in store.sessions(now).await? {
            let Ok(user) = UserName::parse(&row.user) else { continue };
            let session = Arc::new(Session {
                id: row.id,
                token: row.token,
                user,
                expires: row.expires,
                ended: CancellationToken::new(),
            });
            by_id.insert(row.id, Arc::clone(&session));
            known.sessions.insert(row.token, session);
        }
        for row in store.grants().await? {
            if let Some(session) = by_id.get(&row.session) {
                let grant = Grant { session: Arc::clone(session), server: row.server };
                known.grants.insert(row.token, Arc::new(grant));
            }
        }
        Ok(Self { store, known: RwLock::new(known) })
    }

    /// The session of a cookie, if it has not ended.
    pub fn find(&self, cookie: &str, now: Usec) -> Option<Arc<Session>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.sessions.get(&tokens::hash(cookie)).filter(|session| session.expires > now).cloned()
    }

    /// The grant of a server's cookie, if its session has not ended.
    pub fn find_grant(&self, cookie: &str, now: Usec) -> Option<Arc<Grant>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.grants.get(&tokens::hash(cookie)).filter(|grant| grant.session.expires > now).cloned()
    }

    /// Starts a session; the cookie's value is returned once.
    pub async fn create(
        &self,
        user_id: i64,
        user: UserName,
        now: Usec,
    ) -> Result<(Zeroizing<String>, Arc<Session>), SessionError> {
        let (cookie, token) = tokens::random_token()?;
        let expires = now.saturating_add(i64::try_from(LIFETIME.as_micros()).unwrap_or(i64::MAX));
        let id = self.store.add_session(user_id, token, now, expires).await?;
        let session = Arc::new(Session { id, token, user, expires, ended: CancellationToken::new() });
        self.write(|known| known.sessions.insert(token, Arc::clone(&session)));
        Ok((cookie, session))
    }

    /// Makes the cookie that opens one server from this session's browser.
    pub async fn grant(
        &self,
        session: Arc<Session>,
        server: ServerId,
        now: Usec,
    ) -> Result<Zeroizing<String>, SessionError> {
        let (cookie, token) = tokens::random_token()?;
        let row = GrantRow { token, session: session.id, server: server.clone() };
        self.store.add_grant(row, now).await?;
        self.write(|known| {
            known.grants.retain(|_, grant| grant.session.id != session.id || grant.server != server);
            // The session may have ended while the row was written.
            if known.sessions.contains_key(&session.token) {
                known.grants.insert(token, Arc::new(Grant { session, server }));
            }
        });
        Ok(cookie)
    }

    /// Ends a session: cookies stop working and open connections close at once.
    pub async fn end(&self, session: &Session) -> Result<(), StoreError> {
        self.write(|known| {
            known.sessions.remove(&session.token);
            known.grants.retain(|_, grant| grant.session.id != session.id);
        });
        session.ended.cancel();
        self.store.delete_session(session.id).await
    }

    /// Everybody with a session, each once.
    pub fn users(&self) -> BTreeSet<UserName> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.sessions.values().map(|session| session.user.clone()).collect()
    }

    /// Ends every session of a person.
    pub async fn end_all_of(&self, user: &UserName) -> Result<(), StoreError> {
        let theirs: Vec<_> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.sessions.values().filter(|session| session.user == *user).cloned().collect()
        };
        for session in theirs {
            self.end(&session).await?;
        }
        Ok(())
    }

    fn write<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubd_base::names::ServerName;

    async fn world(folder: &tempfile::TempDir) -> (Store, i64, UserName) {
        let store = Store::open(&folder.path().join("hub.sqlite")).unwrap();
        let alice = UserName::parse("alice").unwrap();
        let row = store.keep_user(alice.clone(), Some(false), 1).await.unwrap();
        (store, row.id, alice)
    }

    #[tokio::test]
    async fn sessions_and_grants_survive_a_restart_and_end_together() {
        let folder = tempfile::tempdir().unwrap();
        let (store, id, alice) = world(&folder).await;
        let sessions = Sessions::load(store.clone(), 1).await.unwrap();
        let (cookie, session) = sessions.create(id, alice.clone(), 1).await.unwrap();
        let server = ServerId { user: alice, server: ServerName::default_server() };
        let grant = sessions.grant(session, server, 2).await.unwrap();

        let again = Sessions::load(store.clone(), 3).await.unwrap();
        let session = again.find(&cookie, 3).unwrap();
        let held = again.find_grant(&grant, 3).unwrap();
        assert!(!held.session.ended.is_cancelled());
        again.end(&session).await.unwrap();
        assert!(again.find(&cookie, 3).is_none());
        assert!(again.find_grant(&grant, 3).is_none());
        assert!(held.session.ended.is_cancelled());

        let last = Sessions::load(store, 4).await.unwrap();
        assert!(last.find_grant(&grant, 4).is_none());
    }

    #[tokio::test]
    async fn an_expired_session_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (store, id, alice) = world(&folder).await;
        let sessions = Sessions::load(store, 1).await.unwrap();
        let (cookie, session) = sessions.create(id, alice, 1).await.unwrap();
        assert!(sessions.find(&cookie, session.expires - 1).is_some());
        assert!(sessions.find(&cookie, session.expires).is_none());
    }
}
