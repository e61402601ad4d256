//! Browser sessions, and the grants made from them: who may use which server from that browser.

use hubd_base::names::{ServerId, ServerName, UserName};
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
    /// Whose session it is.
    pub user: String,
    /// When it ends by itself.
    pub expires: Usec,
}

/// A row of `grants`.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// SHA-256 of the server cookie's value.
    pub token: TokenHash,
    /// The session it was made from; the grant ends with it.
    pub session: i64,
    /// The server it opens.
    pub server: ServerId,
}

impl Store {
    /// All sessions that have not ended; those that have are deleted.
    pub async fn sessions(&self, now: Usec) -> Result<Vec<SessionRow>, StoreError> {
        self.write(move |transaction| {
            transaction.execute("DELETE FROM sessions WHERE expires_usec <= :now", named_params! {":now": now})?;
            let mut statement = transaction.prepare(
                "SELECT sessions.id, token_hash, users.name, expires_usec
                 FROM sessions JOIN users ON users.id = user_id",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(SessionRow { id: row.get(0)?, token: row.get(1)?, user: row.get(2)?, expires: row.get(3)? })
            })?;
            rows.collect()
        })
        .await
    }

    /// All grants; rows whose names are no longer valid are left out.
    pub async fn grants(&self) -> Result<Vec<GrantRow>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare("SELECT token_hash, session_id, owner, server FROM grants")?;
            let rows = statement.query_map([], |row| {
                let (token, session) = (row.get(0)?, row.get(1)?);
                let (owner, server): (String, String) = (row.get(2)?, row.get(3)?);
                Ok(UserName::parse(&owner).ok().zip(ServerName::parse(&server).ok()).map(|(user, server)| GrantRow {
                    token,
                    session,
                    server: ServerId { user, server },
                }))
            })?;
            rows.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// Adds a session of the user and returns its number.
    pub async fn add_session(&self, user: i64, token: TokenHash, now: Usec, expires: Usec) -> Result<i64, StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "INSERT INTO sessions (token_hash, user_id, created_usec, expires_usec)
                 VALUES (:token, :user, :now, :expires)",
                named_params! {":token": token, ":user": user, ":now": now, ":expires": expires},
            )?;
            Ok(transaction.last_insert_rowid())
        })
        .await
    }

    /// Ends a session and every grant made from it.
    pub async fn delete_session(&self, id: i64) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute("DELETE FROM sessions WHERE id = :id", named_params! {":id": id})?;
            Ok(())
        })
        .await
    }

    /// Adds a grant; one session has at most one per server, the newest.
    pub async fn add_grant(&self, grant: GrantRow, now: Usec) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let (owner, server) = (grant.server.user.as_str(), grant.server.server.as_str());
            transaction.execute(
                "DELETE FROM grants WHERE session_id = :session AND owner = :owner AND server = :server",
                named_params! {":session": grant.session, ":owner": owner, ":server": server},
            )?;
            transaction.execute(
                "INSERT INTO grants (token_hash, session_id, owner, server, created_usec)
                 VALUES (:token, :session, :owner, :server, :now)",
                named_params! {
                    ":token": grant.token, ":session": grant.session,
                    ":owner": owner, ":server": server, ":now": now,
                },
            )?;
            Ok(())
        })
        .await
    }
}
