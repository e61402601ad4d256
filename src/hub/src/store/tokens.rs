//! API tokens, OAuth access tokens, and the tokens of servers and services: hashes only.

use rusqlite::{Row, named_params};

use super::{Store, StoreError, TokenHash};
use crate::clock::Usec;

/// A row of `tokens`.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// The database's own number; never used twice.
    pub id: i64,
    /// SHA-256 of the token.
    pub hash: TokenHash,
    /// `api`, `oauth`, `server` or `service`.
    pub kind: String,
    /// The person it acts for; `None` for a service's.
    pub user: Option<String>,
    /// The service it acts for.
    pub service: Option<String>,
    /// The OAuth client it was issued to, or whose secret it is.
    pub client: Option<String>,
    /// The browser session it was issued in.
    pub session: Option<String>,
    /// Scopes as they were granted.
    pub scopes: Vec<String>,
    /// What its maker wrote.
    pub note: String,
    /// When it was made.
    pub created: Usec,
    /// When it was last used.
    pub last_activity: Option<Usec>,
    /// When it ends by itself.
    pub expires: Option<Usec>,
}

/// A list of texts as it lies in a column.
pub(super) fn texts(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// The column's text of a list.
pub(super) fn json(texts: &[String]) -> String {
    serde_json::Value::from(texts.to_vec()).to_string()
}

fn read(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        id: row.get(0)?,
        hash: row.get(1)?,
        kind: row.get(2)?,
        user: row.get(3)?,
        service: row.get(4)?,
        client: row.get(5)?,
        session: row.get(6)?,
        scopes: texts(&row.get::<_, String>(7)?),
        note: row.get(8)?,
        created: row.get(9)?,
        last_activity: row.get(10)?,
        expires: row.get(11)?,
    })
}

impl Store {
    /// All tokens that have not ended; those that have are deleted.
    pub async fn tokens(&self, now: Usec) -> Result<Vec<TokenRow>, StoreError> {
        self.write(move |transaction| {
            transaction.execute("DELETE FROM tokens WHERE expires_usec <= :now", named_params! {":now": now})?;
            let mut statement = transaction.prepare(
                "SELECT tokens.id, hash, kind, users.name, service, client, session, scopes, note,
                        tokens.created_usec, tokens.last_activity_usec, expires_usec
                 FROM tokens LEFT JOIN users ON users.id = user_id ORDER BY tokens.id",
            )?;
            statement.query_map([], read)?.collect()
        })
        .await
    }

    /// Adds a token and returns its number; the row's own `id` is not looked at. Fails for an unknown person.
    pub async fn add_token(&self, row: TokenRow) -> Result<i64, StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "INSERT INTO tokens (hash, kind, user_id, service, client, session, scopes, note, created_usec, expires_usec)
                 VALUES (:hash, :kind, (SELECT id FROM users WHERE name = :user), :service, :client, :session,
                         :scopes, :note, :created, :expires)",
                named_params! {
                    ":hash": row.hash, ":kind": row.kind, ":user": row.user, ":service": row.service,
                    ":client": row.client, ":session": row.session, ":scopes": json(&row.scopes),
                    ":note": row.note, ":created": row.created, ":expires": row.expires,
                },
            )?;
            Ok(transaction.last_insert_rowid())
        })
        .await
    }

    /// Deletes tokens by their numbers.
    pub async fn delete_tokens(&self, ids: Vec<i64>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut statement = transaction.prepare("DELETE FROM tokens WHERE id = :id")?;
            for id in ids {
                statement.execute(named_params! {":id": id})?;
            }
            Ok(())
        })
        .await
    }

    /// Moves the last use of tokens forward, never back.
    pub async fn touch_tokens(&self, touched: Vec<(i64, Usec)>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut statement = transaction.prepare(
                "UPDATE tokens SET last_activity_usec = max(coalesce(last_activity_usec, 0), :when) WHERE id = :id",
            )?;
            for (id, when) in touched {
                statement.execute(named_params! {":id": id, ":when": when})?;
            }
            Ok(())
        })
        .await
    }
}
