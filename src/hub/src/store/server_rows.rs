//! The servers people asked for. What runs is systemd's to say; these rows hold what it cannot know.

use hubd_base::names::{ServerId, ServerName, UserName};
use rusqlite::{Row, named_params};
use serde_json::{Map, Value};

use super::{Store, StoreError};
use crate::clock::Usec;

/// A row of `servers`.
#[derive(Clone, Debug)]
pub struct ServerRow {
    /// Whose server, and which.
    pub id: ServerId,
    /// Its name for people.
    pub display_name: String,
    /// What it was last asked to start with.
    pub user_options: Map<String, Value>,
    /// When a start was asked for that has not come to its end.
    pub pending: Option<Usec>,
    /// When the running server became ready.
    pub started: Option<Usec>,
    /// The last thing somebody did with it.
    pub last_activity: Option<Usec>,
    /// How it came to its end, JSON; gone with the next start.
    pub outcome: Option<String>,
}

/// What to write down of a server.
#[derive(Clone, Copy, Debug)]
pub enum ServerMark {
    /// It is ready.
    Ready,
    /// It was found running.
    Adopted,
    /// It does not run any more.
    Stopped,
    /// It never came to run.
    Failed,
}

/// What becomes of a row.
#[derive(Clone, Debug)]
pub struct ServerChange {
    /// The server's name from now on.
    pub name: ServerName,
    /// Its name for people.
    pub display_name: String,
    /// What it is to start with.
    pub user_options: Map<String, Value>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Option<ServerRow>> {
    let (owner, server, options): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
    let Some((user, server)) = UserName::parse(&owner).ok().zip(ServerName::parse(&server).ok()) else {
        return Ok(None);
    };
    Ok(Some(ServerRow {
        id: ServerId { user, server },
        display_name: row.get(2)?,
        user_options: serde_json::from_str(&options).unwrap_or_default(),
        pending: row.get(4)?,
        started: row.get(5)?,
        last_activity: row.get(6)?,
        outcome: row.get(7)?,
    }))
}

impl Store {
    /// Every server row.
    pub async fn server_rows(&self) -> Result<Vec<ServerRow>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare(
                "SELECT users.name, servers.name, display_name, options, pending_usec, started_usec,
                        servers.last_activity_usec, outcome
                 FROM servers JOIN users ON users.id = user_id",
            )?;
            let rows = statement.query_map([], read)?;
            rows.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// Makes or overwrites a server's row. `pending`: since when a start of it is under way. Fails for an unknown person.
    pub async fn keep_server(
        &self,
        id: ServerId,
        display_name: String,
        user_options: Map<String, Value>,
        pending: Option<Usec>,
    ) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "INSERT INTO servers (user_id, name, display_name, options, pending_usec)
                 VALUES ((SELECT id FROM users WHERE name = :user), :server, :display, :options, :pending)
                 ON CONFLICT (user_id, name) DO UPDATE
                 SET display_name = :display, options = :options, pending_usec = :pending, started_usec = NULL,
                     outcome = NULL",
                named_params! {
                    ":user": id.user.as_str(), ":server": id.server.as_str(), ":display": display_name,
                    ":options": Value::Object(user_options).to_string(), ":pending": pending,
                },
            )?;
            Ok(())
        })
        .await
    }

    /// Changes a server's row; a name that the person's servers have already is an error.
    pub async fn change_server(&self, id: ServerId, change: ServerChange) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "UPDATE servers SET name = :name, display_name = :display, options = :options
                 WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)",
                named_params! {
                    ":name": change.name.as_str(), ":display": change.display_name,
                    ":options": Value::Object(change.user_options).to_string(),
                    ":server": id.server.as_str(), ":user": id.user.as_str(),
                },
            )?;
            Ok(())
        })
        .await
    }

    /// Deletes a server's row, and with it its shares.
    pub async fn delete_server(&self, id: ServerId) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "DELETE FROM servers WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)",
                named_params! {":server": id.server.as_str(), ":user": id.user.as_str()},
            )?;
            Ok(())
        })
        .await
    }

    /// Writes down what happened to a server; a server without a row stays without.
    pub async fn mark_server(&self, id: ServerId, mark: ServerMark, now: Usec) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let (started, used) = match mark {
                ServerMark::Ready => (Some(now), Some(now)),
                ServerMark::Adopted => (Some(now), None),
                ServerMark::Stopped => (None, Some(now)),
                ServerMark::Failed => (None, None),
            };
            transaction.execute(
                "UPDATE servers SET pending_usec = NULL, started_usec = :started,
                        last_activity_usec = max(coalesce(last_activity_usec, :used), coalesce(:used, last_activity_usec))
                 WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)",
                named_params! {
                    ":started": started, ":used": used, ":server": id.server.as_str(), ":user": id.user.as_str(),
                },
            )?;
            Ok(())
        })
        .await
    }

    /// Writes down how a server came to its end, JSON; `None` is nothing to say.
    pub async fn set_outcome(&self, id: ServerId, outcome: Option<String>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "UPDATE servers SET outcome = :outcome
                 WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)",
                named_params! {":outcome": outcome, ":server": id.server.as_str(), ":user": id.user.as_str()},
            )?;
            Ok(())
        })
        .await
    }

    /// Writes down that servers do not run; since when, nobody knows.
    pub async fn close_servers(&self, ids: Vec<ServerId>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut statement = transaction.prepare(
                "UPDATE servers SET pending_usec = NULL, started_usec = NULL
                 WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)
                       AND (pending_usec IS NOT NULL OR started_usec IS NOT NULL)",
            )?;
            for id in ids {
                statement.execute(named_params! {":server": id.server.as_str(), ":user": id.user.as_str()})?;
            }
            Ok(())
        })
        .await
    }

    /// Moves the last activity of servers forward, never back.
    pub async fn touch_servers(&self, touched: Vec<(ServerId, Usec)>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut statement = transaction.prepare(
                "UPDATE servers SET last_activity_usec = max(coalesce(last_activity_usec, 0), :when)
                 WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)",
            )?;
            for (id, when) in touched {
                let (user, server) = (id.user.as_str(), id.server.as_str());
                statement.execute(named_params! {":when": when, ":server": server, ":user": user})?;
            }
            Ok(())
        })
        .await
    }
}
