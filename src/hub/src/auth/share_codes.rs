//! Codes that whoever is given one exchanges for a share, as often as they like until they end (contract 1.14).
//!
//! Invariant: a code by itself permits nothing, so it is looked up in the store when it is used, and nowhere else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hubd_base::names::{ServerId, UserName};
use zeroize::Zeroizing;

use super::random;
use super::shares::{Grantee, Share, Shares};
use crate::clock::Usec;
use crate::store::StoreError;
use crate::store::share_codes::{NewShareCode, ShareCodeRow, Which};

/// Codes of one server that may be good at the same time.
pub const CODES_MAX: usize = 1000;

/// Why there is no new code.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The server has no row.
    #[error("there is no such server")]
    NoServer,
    /// There are [`CODES_MAX`] already.
    #[error("there are {CODES_MAX} codes already")]
    Full,
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The kernel has no randomness.
    #[error(transparent)]
    Random(#[from] random::NoRandomness),
}

impl Shares {
    /// The codes for a person's servers that have not ended, oldest first.
    pub async fn codes_of(&self, owner: &UserName, now: Usec) -> Result<Vec<ShareCodeRow>, StoreError> {
        self.store.share_codes(owner.clone(), now).await
    }

    /// What a code that somebody shows stands for, if it has not ended.
    pub async fn find_code(&self, code: &str, now: Usec) -> Result<Option<ShareCodeRow>, StoreError> {
        self.store.find_share_code(random::hash(code), now).await
    }

    /// Makes a code; its text is returned once.
    pub async fn create_code(
        &self,
        server: &ServerId,
        scopes: BTreeSet<String>,
        lifetime: Duration,
        now: Usec,
    ) -> Result<(Zeroizing<String>, ShareCodeRow), CodeError> {
        let _turn = self.turn.lock().await;
        let known = self.codes_of(&server.user, now).await?;
        if known.iter().filter(|code| code.server == *server).count() >= CODES_MAX {
            return Err(CodeError::Full);
        }
        let (secret, hash) = random::random_token()?;
        let scopes: Vec<_> = scopes.into_iter().collect();
        let expires = now.saturating_add(Usec::try_from(lifetime.as_micros()).unwrap_or(Usec::MAX));
        let new = NewShareCode { hash, server: server.clone(), scopes: scopes.clone(), created: now, expires };
        let id = self.store.add_share_code(new).await?.ok_or(CodeError::NoServer)?;
        let (exchanges, last_exchange) = (0, None);
        let row = ShareCodeRow { id, server: server.clone(), scopes, created: now, expires, exchanges, last_exchange };
        Ok((secret, row))
    }

    /// Deletes all codes of a server; returns how many there were.
    pub async fn delete_codes(&self, server: &ServerId, now: Usec) -> Result<usize, StoreError> {
        self.store.delete_share_codes(server.clone(), Which::All, now).await
    }

    /// Deletes one code of a server by its number; returns whether there was one.
    pub async fn delete_code_by_id(&self, server: &ServerId, id: i64, now: Usec) -> Result<bool, StoreError> {
        Ok(self.store.delete_share_codes(server.clone(), Which::Id(id), now).await? > 0)
    }

    /// Deletes the code of this text, if it is one of the server; returns whether it was.
    pub async fn delete_code(&self, server: &ServerId, code: &str, now: Usec) -> Result<bool, StoreError> {
        let which = Which::Hash(random::hash(code));
        Ok(self.store.delete_share_codes(server.clone(), which, now).await? > 0)
    }

    /// Gives a person what the code stands for, and counts it. `None` when the code has ended in between.
    pub async fn exchange(
        &self,
        code: &ShareCodeRow,
        user: &UserName,
        now: Usec,
    ) -> Result<Option<Arc<Share>>, StoreError> {
        let scopes = code.scopes.iter().cloned().collect();
        self.give(&code.server, Grantee::User(user.clone()), scopes, Some(code.id), now).await
    }
}
