//! The people the hub knows.

use hubd_base::names::UserName;
use rusqlite::{Row, named_params};

use super::{Store, StoreError};
use crate::clock::Usec;

/// A row of `users`.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// The database's own number for the person.
    pub id: i64,
    /// The system account's name.
    pub name: UserName,
    /// Whether the policy called them an administrator when they last logged in.
    pub admin: bool,
    /// When the row was made.
    pub created: Usec,
    /// The last thing the person did, if anything yet.
    pub last_activity: Option<Usec>,
}

const COLUMNS: &str = "id, name, admin, created_usec, last_activity_usec";

fn read(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    let name: String = row.get(1)?;
    let name = UserName::parse(&name).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.to_string().into())
    })?;
    Ok(UserRow { id: row.get(0)?, name, admin: row.get(2)?, created: row.get(3)?, last_activity: row.get(4)? })
}

impl Store {
    /// Everybody, oldest row first.
    pub async fn users(&self) -> Result<Vec<UserRow>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM users ORDER BY id"))?;
            statement.query_map([], read)?.collect()
        })
        .await
    }

    /// Adds the person if unknown. `admin`: `Some` also updates the flag of a known person.
    pub async fn keep_user(&self, name: UserName, admin: Option<bool>, now: Usec) -> Result<UserRow, StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "INSERT INTO users (name, admin, created_usec) VALUES (:name, coalesce(:admin, 0), :now)
                 ON CONFLICT (name) DO UPDATE SET admin = coalesce(:admin, admin)",
                named_params! {":name": name.as_str(), ":admin": admin, ":now": now},
            )?;
            transaction.query_row(
                &format!("SELECT {COLUMNS} FROM users WHERE name = :name"),
                named_params! {":name": name.as_str()},
                read,
            )
        })
        .await
    }

    /// Moves the person's last activity forward, never back.
    pub async fn touch_user(&self, id: i64, now: Usec) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "UPDATE users SET last_activity_usec = max(coalesce(last_activity_usec, 0), :now) WHERE id = :id",
                named_params! {":id": id, ":now": now},
            )?;
            Ok(())
        })
        .await
    }

    /// Adds people, all or none; returns their rows in the same order. A row that a server made before its owner was
    /// known becomes theirs.
    pub async fn add_users(&self, names: Vec<UserName>, admin: bool, now: Usec) -> Result<Vec<UserRow>, StoreError> {
        self.write(move |transaction| {
            let mut statement = transaction.prepare(&format!(
                "INSERT INTO users (name, admin, created_usec) VALUES (:name, :admin, :now)
                 ON CONFLICT (name) DO UPDATE SET admin = :admin RETURNING {COLUMNS}"
            ))?;
            let mut rows = Vec::with_capacity(names.len());
            for name in names {
                let parameters = named_params! {":name": name.as_str(), ":admin": admin, ":now": now};
                rows.push(statement.query_row(parameters, read)?);
            }
            Ok(rows)
        })
        .await
    }

    /// Changes whether a person is an administrator.
    pub async fn set_admin(&self, id: i64, admin: bool) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "UPDATE users SET admin = :admin WHERE id = :id",
                named_params! {":id": id, ":admin": admin},
            )?;
            Ok(())
        })
        .await
    }

    /// Gives a person another name and flag, and ends their sessions and tokens, in one step. `false`, and nothing
    /// done, when the name is somebody else's.
    pub async fn rename_user(&self, id: i64, name: UserName, admin: bool) -> Result<bool, StoreError> {
        self.write(move |transaction| {
            let taken: bool = transaction.query_row(
                "SELECT EXISTS (SELECT 1 FROM users WHERE name = :name AND id <> :id)",
                named_params! {":name": name.as_str(), ":id": id},
                |row| row.get(0),
            )?;
            if taken {
                return Ok(false);
            }
            transaction.execute(
                "UPDATE users SET name = :name, admin = :admin WHERE id = :id",
                named_params! {":id": id, ":name": name.as_str(), ":admin": admin},
            )?;
            transaction.execute("DELETE FROM sessions WHERE user_id = :id", named_params! {":id": id})?;
            transaction.execute("DELETE FROM tokens WHERE user_id = :id", named_params! {":id": id})?;
            Ok(true)
        })
        .await
    }

    /// Deletes a person with all that hangs on them: sessions, tokens, servers' rows, memberships, shares.
    pub async fn delete_user(&self, id: i64) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute("DELETE FROM users WHERE id = :id", named_params! {":id": id})?;
            Ok(())
        })
        .await
    }
}
