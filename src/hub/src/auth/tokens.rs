//! Every token: people's own, those that OAuth issued, and the ones that servers and services hold.
//!
//! Invariant: a token is looked up in memory, by its hash; a token that is revoked takes what is open with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hubd_base::names::UserName;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::random;
use super::scopes::{self, Scopes};
use crate::clock::Usec;
use crate::store::tokens::TokenRow;
use crate::store::{Store, StoreError, TokenHash};

/// How often the last use of a token is noted, microseconds (contract 3.6).
const RESOLUTION: Usec = 30 * 1_000_000;

/// Whom a token acts for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A person.
    User(UserName),
    /// A service.
    Service(String),
}

impl Owner {
    /// The name alone.
    pub fn name(&self) -> &str {
        match self {
            Self::User(user) => user.as_str(),
            Self::Service(name) => name,
        }
    }

    /// For the scope engine.
    pub fn scope_owner(&self) -> scopes::Owner<'_> {
        match self {
            Self::User(user) => scopes::Owner::User(user.as_str()),
            Self::Service(name) => scopes::Owner::Service(name),
        }
    }
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person or an administrator asked for it.
    Api,
    /// An OAuth client got it for a person's browser.
    OAuth,
    /// A server's own: its secret as OAuth client too.
    Server,
    /// A service's own: its secret as OAuth client too.
    Service,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Api, Self::OAuth, Self::Server, Self::Service];

    fn word(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::OAuth => "oauth",
            Self::Server => "server",
            Self::Service => "service",
        }
    }
}

/// One token, without its secret.
#[derive(Debug)]
pub struct Token {
    /// The store's number: `a<N>` in the API.
    pub id: i64,
    hash: TokenHash,
    /// Whom it acts for.
    pub owner: Owner,
    /// What it is for.
    pub kind: Kind,
    /// The OAuth client it was issued to ([`Kind::OAuth`]), or whose secret it is.
    pub client: Option<String>,
    /// The browser session it was issued in.
    pub session: Option<String>,
    /// Scopes as they were granted.
    pub scopes: Vec<String>,
    /// What its maker wrote.
    pub note: String,
    /// When it was made.
    pub created: Usec,
    /// When it ends by itself.
    pub expires: Option<Usec>,
    /// Cancelled when it is revoked; tunnels and streams watch it.
    pub ended: CancellationToken,
    last_activity: AtomicI64,
    /// What it may do, and the count of changes at which that was worked out.
    pub(super) effective: RwLock<Option<(u64, Arc<Scopes>)>>,
}

impl Token {
    /// When it was last used.
    pub fn last_activity(&self) -> Option<Usec> {
        Some(self.last_activity.load(Ordering::Relaxed)).filter(|when| *when > 0)
    }

    /// Whether it has ended by itself or was revoked.
    pub fn has_ended(&self, now: Usec) -> bool {
        self.ended.is_cancelled() || self.expires.is_some_and(|expires| expires <= now)
    }

    fn of(row: TokenRow) -> Option<Self> {
        let owner = match (row.user, row.service) {
            (Some(user), None) => Owner::User(UserName::parse(&user).ok()?),
            (None, Some(service)) => Owner::Service(service),
            _ => return None,
        };
        Some(Self {
            id: row.id,
            hash: row.hash,
            owner,
            kind: Kind::ALL.into_iter().find(|kind| kind.word() == row.kind)?,
            client: row.client,
            session: row.session,
            scopes: row.scopes,
            note: row.note,
            created: row.created,
            expires: row.expires,
            ended: CancellationToken::new(),
            last_activity: AtomicI64::new(row.last_activity.unwrap_or(0)),
            effective: RwLock::new(None),
        })
    }
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whom it acts for.
    pub owner: Owner,
    /// What it is for.
    pub kind: Kind,
    /// The OAuth client.
    pub client: Option<String>,
    /// The browser session it is issued in.
    pub session: Option<String>,
    /// Scopes, checked by the caller.
    pub scopes: Vec<String>,
    /// What its maker wrote.
    pub note: String,
    /// When it is made.
    pub created: Usec,
    /// When it ends by itself.
    pub expires: Option<Usec>,
}

/// Why there is no new token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The kernel has no randomness.
    #[error(transparent)]
    Random(#[from] random::NoRandomness),
}

#[derive(Debug, Default)]
struct Known {
    by_hash: HashMap<TokenHash, Arc<Token>>,
    by_id: BTreeMap<i64, Arc<Token>>,
}

/// All tokens.
#[derive(Debug)]
pub struct Tokens {
    store: Store,
    known: RwLock<Known>,
}

impl Tokens {
    /// Reads what has not ended from the store.
    pub async fn load(store: Store, now: Usec) -> Result<Self, StoreError> {
        let mut known = Known::default();
        for token in store.tokens(now).await?.into_iter().filter_map(Token::of) {
            known.put(Arc::new(token));
        }
        Ok(Self { store, known: RwLock::new(known) })
    }

    /// The token of a presented secret, if it has not ended.
    pub fn find(&self, secret: &str, now: Usec) -> Option<Arc<Token>> {
        let hash = random::hash(secret);
        self.read(|known| known.by_hash.get(&hash).cloned()).filter(|token| !token.has_ended(now))
    }

    /// The token of a number, if it has not ended.
    pub fn by_id(&self, id: i64, now: Usec) -> Option<Arc<Token>> {
        self.read(|known| known.by_id.get(&id).cloned()).filter(|token| !token.has_ended(now))
    }

    /// All tokens that fit and have not ended, oldest first.
    pub fn select(&self, now: Usec, fits: impl Fn(&Token) -> bool) -> Vec<Arc<Token>> {
        self.read(|known| known.by_id.values().filter(|token| !token.has_ended(now) && fits(token)).cloned().collect())
    }

    /// Makes a token; the secret is returned once.
    pub async fn create(&self, new: NewToken) -> Result<(Zeroizing<String>, Arc<Token>), TokenError> {
        let (secret, _) = random::random_token()?;
        let token = self.create_with(&secret, new).await?;
        Ok((secret, token))
    }

    /// Makes a token of a secret that somebody else chose (a service's, from the configuration).
    pub async fn create_with(&self, secret: &str, new: NewToken) -> Result<Arc<Token>, StoreError> {
        let mut row = TokenRow {
            id: 0,
            hash: random::hash(secret),
            kind: new.kind.word().to_owned(),
            user: None,
            service: None,
            client: new.client,
            session: new.session,
            scopes: new.scopes,
            note: new.note,
            created: new.created,
            last_activity: None,
            expires: new.expires,
        };
        match &new.owner {
            Owner::User(user) => row.user = Some(user.to_string()),
            Owner::Service(service) => row.service = Some(service.clone()),
        }
        row.id = self.store.add_token(row.clone()).await?;
        let token = Token::of(row).map(Arc::new).ok_or(StoreError::Closed)?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).put(Arc::clone(&token));
        Ok(token)
    }

    /// Revokes all tokens that fit; what is open with them ends at once. Returns how many there were.
    pub async fn revoke(&self, fits: impl Fn(&Token) -> bool) -> Result<usize, StoreError> {
        let ids: Vec<i64> = {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            let gone: Vec<_> = known.by_id.values().filter(|token| fits(token)).cloned().collect();
            for token in &gone {
                known.by_id.remove(&token.id);
                known.by_hash.remove(&token.hash);
                token.ended.cancel();
            }
            gone.iter().map(|token| token.id).collect()
        };
        let count = ids.len();
        if count > 0 {
            self.store.delete_tokens(ids).await?;
        }
        Ok(count)
    }

    /// Notes that a token was used; written to the store in batches by [`Tokens::save_activity`]. Returns whether this
    /// is news (30 seconds or more after the last time).
    pub fn touch(&self, token: &Token, now: Usec) -> bool {
        let last = token.last_activity.load(Ordering::Relaxed);
        let news = now >= last.saturating_add(RESOLUTION);
        if news {
            token.last_activity.store(now, Ordering::Relaxed);
        }
        news
    }

    /// Writes the last use of every token used since then to the store, and forgets those that ended by themselves.
    pub async fn save_activity(&self, since: Usec, now: Usec) -> Result<(), StoreError> {
        self.revoke(|token| token.expires.is_some_and(|expires| expires <= now)).await?;
        let touched = self.select(now, |token| token.last_activity().is_some_and(|when| when > since));
        let touched: Vec<_> = touched.iter().filter_map(|token| Some((token.id, token.last_activity()?))).collect();
        if touched.is_empty() { Ok(()) } else { self.store.touch_tokens(touched).await }
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    fn put(&mut self, token: Arc<Token>) {
        self.by_hash.insert(token.hash, Arc::clone(&token));
        self.by_id.insert(token.id, token);
    }
}
