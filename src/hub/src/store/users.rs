//! The people the hub knows.

use hubd_base::names::UserName;
use rusqlite::{Row, named_params};

use super::{Store, StoreError};
use crate::clock::Usec;

/// Who says that a person is an administrator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admin {
    /// Whether the policy did, when the person last logged in or the hub started.
    pub by_policy: bool,
    /// Whether an administrator appointed them through the hub, which lasts until one takes it back.
    pub appointed: bool,
}

impl Admin {
    /// Whether anybody does.
    pub fn holds(self) -> bool {
        self.by_policy || self.appointed
    }

    /// After an administrator wanted it to be so. Who is no administrator any more is one again when the policy says so
    /// the next time.
    #[must_use]
    pub fn wanted(self, admin: bool) -> Self {
        match (admin, self.holds()) {
            (true, true) => self,
            (true, false) => Self { appointed: true, ..self },
            (false, _) => Self::default(),
        }
    }
}

/// A row of `users`.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// The database's own number for the person.
    pub id: i64,
    /// The system account's name.
    pub name: UserName,
    /// Whether they are an administrator.
    pub admin: Admin,
    /// When the row was made.
    pub created: Usec,
    /// The last thing the person did, if anything yet.
    pub last_activity: Option<Usec>,
}

const COLUMNS: &str = "id, name, admin_by_policy, admin_appointed, created_usec, last_activity_usec";

fn read(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    let name: String = row.get(1)?;
    let name = UserName::parse(&name).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.to_string().into())
    })?;
    let admin = Admin { by_policy: row.get(2)?, appointed: row.get(3)? };
    Ok(UserRow { id: row.get(0)?, name, admin, created: row.get(4)?, last_activity: row.get(5)? })
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

    /// Adds the person if unknown. `by_policy`: what the policy says of them now, if it was asked.
    pub async fn keep_user(&self, name: UserName, by_policy: Option<bool>, now: Usec) -> Result<UserRow, StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "INSERT INTO users (name, admin_by_policy, admin_appointed, created_usec)
                 VALUES (:name, coalesce(:by_policy, 0), 0, :now)
                 ON CONFLICT (name) DO UPDATE SET admin_by_policy = coalesce(:by_policy, admin_by_policy)",
                named_params! {":name": name.as_str(), ":by_policy": by_policy, ":now": now},
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
    pub async fn add_users(
        &self,
        names: Vec<UserName>,
        appointed: bool,
        now: Usec,
    ) -> Result<Vec<UserRow>, StoreError> {
        self.write(move |transaction| {
            let mut statement = transaction.prepare(&format!(
                "INSERT INTO users (name, admin_by_policy, admin_appointed, created_usec)
                 VALUES (:name, 0, :appointed, :now)
                 ON CONFLICT (name) DO UPDATE SET admin_appointed = :appointed RETURNING {COLUMNS}"
            ))?;
            let mut rows = Vec::with_capacity(names.len());
            for name in names {
                let parameters = named_params! {":name": name.as_str(), ":appointed": appointed, ":now": now};
                rows.push(statement.query_row(parameters, read)?);
            }
            Ok(rows)
        })
        .await
    }

    /// Changes whether a person is an administrator.
    pub async fn set_admin(&self, id: i64, admin: Admin) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "UPDATE users SET admin_by_policy = :by_policy, admin_appointed = :appointed WHERE id = :id",
                named_params! {":id": id, ":by_policy": admin.by_policy, ":appointed": admin.appointed},
            )?;
            Ok(())
        })
        .await
    }

    /// Gives a person another name and standing, and ends their sessions and tokens, in one step. `false`, and nothing
    /// done, when the name is somebody else's.
    pub async fn rename_user(&self, id: i64, name: UserName, admin: Admin) -> Result<bool, StoreError> {
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
                "UPDATE users SET name = :name, admin_by_policy = :by_policy, admin_appointed = :appointed
                 WHERE id = :id",
                named_params! {
                    ":id": id, ":name": name.as_str(), ":by_policy": admin.by_policy, ":appointed": admin.appointed
                },
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
