//! Browser sessions.

use rusqlite::named_params;

use super::{Store, StoreError, TokenHash};
use crate::clock::Usec;

/// A row of `sessions` with the name of its user.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// The database's own number for the session.
    pub id: i64,
    /// SHA-256 of the cookie's value.
    pub token: TokenHash,
    /// The value of `jupyterhub-session-id`: what tokens issued in this browser are tied to.
    pub public_id: String,
    /// Whose session it is.
    pub user: String,
    /// When it began.
    pub created: Usec,
    /// When it ends by itself.
    pub expires: Usec,
}

/// A session to write down.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The person's row.
    pub user: i64,
    /// SHA-256 of the cookie's value.
    pub token: TokenHash,
    /// The value of `jupyterhub-session-id`.
    pub public_id: String,
    /// When it began.
    pub created: Usec,
    /// When it ends by itself.
    pub expires: Usec,
}

impl Store {
    /// All sessions that have not ended; those that have are deleted.
    pub async fn sessions(&self, now: Usec) -> Result<Vec<SessionRow>, StoreError> {
        self.write(move |transaction| {
            transaction.execute("DELETE FROM sessions WHERE expires_usec <= :now", named_params! {":now": now})?;
            let mut statement = transaction.prepare(
                "SELECT sessions.id, token_hash, public_id, users.name, sessions.created_usec, expires_usec
                 FROM sessions JOIN users ON users.id = user_id",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(SessionRow {
                    id: row.get(0)?,
                    token: row.get(1)?,
                    public_id: row.get(2)?,
                    user: row.get(3)?,
                    created: row.get(4)?,
                    expires: row.get(5)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// Adds a session and returns its number.
    pub async fn add_session(&self, new: NewSession) -> Result<i64, StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "INSERT INTO sessions (token_hash, public_id, user_id, created_usec, expires_usec)
                 VALUES (:token, :public_id, :user, :created, :expires)",
                named_params! {
                    ":token": new.token, ":public_id": new.public_id, ":user": new.user,
                    ":created": new.created, ":expires": new.expires,
                },
            )?;
            Ok(transaction.last_insert_rowid())
        })
        .await
    }

    /// Ends a session.
    pub async fn delete_session(&self, id: i64) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute("DELETE FROM sessions WHERE id = :id", named_params! {":id": id})?;
            Ok(())
        })
        .await
    }
}
