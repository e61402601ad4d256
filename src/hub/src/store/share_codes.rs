//! Codes that can be exchanged for a share: hashes only.

use hubd_base::names::{ServerId, UserName};
use rusqlite::{OptionalExtension, Row, named_params};

use super::shares::{row_of, server};
use super::tokens::{json, texts};
use super::{Store, StoreError, TokenHash};
use crate::clock::Usec;

/// A row of `share_codes`.
#[derive(Clone, Debug)]
pub struct ShareCodeRow {
    /// The database's own number; never used twice.
    pub id: i64,
    /// The server it gives access to.
    pub server: ServerId,
    /// What it gives: scopes without filters.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created: Usec,
    /// When it ends.
    pub expires: Usec,
    /// How often it was exchanged.
    pub exchanges: i64,
    /// When it was last exchanged.
    pub last_exchange: Option<Usec>,
}

/// A code to be written.
#[derive(Clone, Debug)]
pub struct NewShareCode {
    /// SHA-256 of the code.
    pub hash: TokenHash,
    /// The server it gives access to.
    pub server: ServerId,
    /// What it gives: scopes without filters.
    pub scopes: Vec<String>,
    /// When it is made.
    pub created: Usec,
    /// When it ends.
    pub expires: Usec,
}

/// Which codes of a server are meant.
#[derive(Clone, Debug)]
pub enum Which {
    /// All of them.
    All,
    /// The one with this number.
    Id(i64),
    /// The one with this hash.
    Hash(TokenHash),
}

const SELECT: &str = "SELECT share_codes.id, users.name, servers.name, share_codes.scopes, share_codes.created_usec,
        expires_usec, exchanges, last_exchange_usec
     FROM share_codes JOIN servers ON servers.id = server_id JOIN users ON users.id = servers.user_id";

fn read(row: &Row<'_>) -> rusqlite::Result<ShareCodeRow> {
    Ok(ShareCodeRow {
        id: row.get(0)?,
        server: server(row, 1, 2)?,
        scopes: texts(&row.get::<_, String>(3)?),
        created: row.get(4)?,
        expires: row.get(5)?,
        exchanges: row.get(6)?,
        last_exchange: row.get(7)?,
    })
}

impl Store {
    /// The codes for a person's servers that have not ended, oldest first.
    pub async fn share_codes(&self, owner: UserName, now: Usec) -> Result<Vec<ShareCodeRow>, StoreError> {
        self.run(move |connection| {
            let mut statement = connection.prepare(&format!(
                "{SELECT} WHERE users.name = :owner AND expires_usec > :now ORDER BY share_codes.id"
            ))?;
            statement.query_map(named_params! {":owner": owner.as_str(), ":now": now}, read)?.collect()
        })
        .await
    }

    /// The code of a hash, if it has not ended.
    pub async fn find_share_code(&self, hash: TokenHash, now: Usec) -> Result<Option<ShareCodeRow>, StoreError> {
        self.run(move |connection| {
            let sql = format!("{SELECT} WHERE hash = :hash AND expires_usec > :now");
            connection.query_row(&sql, named_params! {":hash": hash, ":now": now}, read).optional()
        })
        .await
    }

    /// Adds a code, and deletes those that have ended. `None` when the server has no row.
    pub async fn add_share_code(&self, code: NewShareCode) -> Result<Option<i64>, StoreError> {
        self.write(move |transaction| {
            let Some(server) = row_of(transaction, &code.server)? else { return Ok(None) };
            transaction
                .execute("DELETE FROM share_codes WHERE expires_usec <= :now", named_params! {":now": code.created})?;
            transaction.execute(
                "INSERT INTO share_codes (hash, server_id, scopes, created_usec, expires_usec, exchanges)
                 VALUES (:hash, :server, :scopes, :created, :expires, 0)",
                named_params! {
                    ":hash": code.hash, ":server": server, ":scopes": json(&code.scopes),
                    ":created": code.created, ":expires": code.expires,
                },
            )?;
            Ok(Some(transaction.last_insert_rowid()))
        })
        .await
    }

    /// Deletes codes of a server; returns how many had not ended.
    pub async fn delete_share_codes(&self, server: ServerId, which: Which, now: Usec) -> Result<usize, StoreError> {
        self.write(move |transaction| {
            transaction.execute("DELETE FROM share_codes WHERE expires_usec <= :now", named_params! {":now": now})?;
            let Some(server) = row_of(transaction, &server)? else { return Ok(0) };
            let (id, hash) = match which {
                Which::All => (None, None),
                Which::Id(id) => (Some(id), None),
                Which::Hash(hash) => (None, Some(hash)),
            };
            transaction.execute(
                "DELETE FROM share_codes
                 WHERE server_id = :server AND id = coalesce(:id, id) AND hash = coalesce(:hash, hash)",
                named_params! {":server": server, ":id": id, ":hash": hash},
            )
        })
        .await
    }
}
