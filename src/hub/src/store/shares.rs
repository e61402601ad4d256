//! Who was given access to whose server. The scopes in a row are bare names: what they are restricted to is the row's
//! server, so a person's new name changes no row here.

use hubd_base::names::{ServerId, ServerName, UserName};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::tokens::{json, texts};
use super::{Store, StoreError};
use crate::clock::Usec;

/// Whom a server is shared with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantee {
    /// One person.
    User(UserName),
    /// Everybody who is in a group, as long as they are.
    Group(String),
}

/// A row of `shares`.
#[derive(Clone, Debug)]
pub struct ShareRow {
    /// The database's own number; never used twice.
    pub id: i64,
    /// The server.
    pub server: ServerId,
    /// Whom it is shared with.
    pub with: Grantee,
    /// What they may do with it: scopes without filters.
    pub scopes: Vec<String>,
    /// When it was first shared with them.
    pub created: Usec,
}

/// A share to be written; the one that is there already gets the new scopes.
#[derive(Clone, Debug)]
pub struct NewShare {
    /// The server.
    pub server: ServerId,
    /// Whom it is shared with.
    pub with: Grantee,
    /// All scopes it has from now on, without filters.
    pub scopes: Vec<String>,
    /// The code that was exchanged for it.
    pub code: Option<i64>,
}

/// A server's two columns as its identity.
pub(super) fn server(row: &Row<'_>, owner: usize, name: usize) -> rusqlite::Result<ServerId> {
    let (owner_text, name_text): (String, String) = (row.get(owner)?, row.get(name)?);
    let wrong = |column, error: hubd_base::names::NameError| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.to_string().into())
    };
    let user = UserName::parse(&owner_text).map_err(|error| wrong(owner, error))?;
    let server = ServerName::parse(&name_text).map_err(|error| wrong(name, error))?;
    Ok(ServerId { user, server })
}

fn read(row: &Row<'_>) -> rusqlite::Result<Option<ShareRow>> {
    let (user, group): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
    let with = match (user.map(|name| UserName::parse(&name)), group) {
        (Some(Ok(user)), _) => Grantee::User(user),
        (None, Some(group)) => Grantee::Group(group),
        _ => return Ok(None),
    };
    let scopes = texts(&row.get::<_, String>(5)?);
    Ok(Some(ShareRow { id: row.get(0)?, server: server(row, 1, 2)?, with, scopes, created: row.get(6)? }))
}

impl Store {
    /// Every share, oldest first.
    pub async fn shares(&self) -> Result<Vec<ShareRow>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare(
                "SELECT shares.id, owners.name, servers.name, users.name, groups.name, shares.scopes,
                        shares.created_usec
                 FROM shares
                 JOIN servers ON servers.id = shares.server_id
                 JOIN users AS owners ON owners.id = servers.user_id
                 LEFT JOIN users ON users.id = shares.user_id
                 LEFT JOIN groups ON groups.id = shares.group_id
                 ORDER BY shares.id",
            )?;
            let rows = statement.query_map([], read)?;
            rows.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// The number of a server's row, if it has one.
    pub async fn server_row(&self, id: ServerId) -> Result<Option<i64>, StoreError> {
        self.run(move |connection| row_of(connection, &id)).await
    }

    /// Writes a share, and counts the exchange of its code; returns its number and when it was first made.
    ///
    /// `None`, and nothing is changed, when the server, whom it is shared with, or the code is there no longer.
    pub async fn put_share(&self, share: NewShare, now: Usec) -> Result<Option<(i64, Usec)>, StoreError> {
        self.write(move |transaction| {
            let Some(server) = row_of(transaction, &share.server)? else { return Ok(None) };
            let Some((user, group)) = grantee(transaction, &share.with)? else { return Ok(None) };
            if let Some(code) = share.code {
                let counted = transaction.execute(
                    "UPDATE share_codes SET exchanges = exchanges + 1, last_exchange_usec = :now
                     WHERE id = :code AND server_id = :server AND expires_usec > :now",
                    named_params! {":code": code, ":server": server, ":now": now},
                )?;
                if counted == 0 {
                    return Ok(None);
                }
            }
            transaction.execute(
                "INSERT INTO shares (server_id, user_id, group_id, scopes, created_usec)
                 VALUES (:server, :user, :group, :scopes, :now)
                 ON CONFLICT (server_id, user_id) WHERE user_id IS NOT NULL DO UPDATE SET scopes = :scopes
                 ON CONFLICT (server_id, group_id) WHERE group_id IS NOT NULL DO UPDATE SET scopes = :scopes",
                named_params! {
                    ":server": server, ":user": user, ":group": group, ":scopes": json(&share.scopes), ":now": now,
                },
            )?;
            transaction
                .query_row(
                    "SELECT id, created_usec FROM shares
                     WHERE server_id = :server AND user_id IS :user AND group_id IS :group",
                    named_params! {":server": server, ":user": user, ":group": group},
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .map(Some)
        })
        .await
    }

    /// Leaves these scopes of a share.
    pub async fn narrow_share(&self, id: i64, scopes: Vec<String>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "UPDATE shares SET scopes = :scopes WHERE id = :id",
                named_params! {":id": id, ":scopes": json(&scopes)},
            )?;
            Ok(())
        })
        .await
    }

    /// Deletes shares by their numbers.
    pub async fn delete_shares(&self, ids: Vec<i64>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut statement = transaction.prepare("DELETE FROM shares WHERE id = :id")?;
            for id in ids {
                statement.execute(named_params! {":id": id})?;
            }
            Ok(())
        })
        .await
    }
}

/// The number of a server's row.
pub(super) fn row_of(connection: &rusqlite::Connection, id: &ServerId) -> rusqlite::Result<Option<i64>> {
    connection
        .query_row(
            "SELECT servers.id FROM servers JOIN users ON users.id = user_id
             WHERE users.name = :user AND servers.name = :server",
            named_params! {":user": id.user.as_str(), ":server": id.server.as_str()},
            |row| row.get(0),
        )
        .optional()
}

/// The two columns that name whom a share is for.
fn grantee(transaction: &Transaction<'_>, with: &Grantee) -> rusqlite::Result<Option<(Option<i64>, Option<i64>)>> {
    let find = |sql: &str, name: &str| {
        transaction.query_row(sql, named_params! {":name": name}, |row| row.get::<_, i64>(0)).optional()
    };
    Ok(match with {
        Grantee::User(name) => {
            find("SELECT id FROM users WHERE name = :name", name.as_str())?.map(|id| (Some(id), None))
        }
        Grantee::Group(name) => find("SELECT id FROM groups WHERE name = :name", name)?.map(|id| (None, Some(id))),
    })
}
