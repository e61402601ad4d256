//! The servers people asked for. What runs is systemd's to say; these rows hold what it cannot know.

use hubd_base::names::{ServerId, ServerName, UserName};
use rusqlite::named_params;

use super::{Store, StoreError};
use crate::clock::Usec;

/// A row of `servers`.
#[derive(Clone, Debug)]
pub struct ServerRow {
    /// Whose server, and which.
    pub id: ServerId,
    /// When a start was asked for that has not come to its end.
    pub pending: Option<Usec>,
    /// When the running server became ready.
    pub started: Option<Usec>,
    /// The last thing somebody did with it.
    pub last_activity: Option<Usec>,
}

/// What to write down of a server.
#[derive(Clone, Copy, Debug)]
pub enum ServerMark {
    /// A start was asked for.
    Pending,
    /// It is ready.
    Ready,
    /// It does not run.
    Stopped,
}

impl Store {
    /// Every server row.
    pub async fn server_rows(&self) -> Result<Vec<ServerRow>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare(
                "SELECT users.name, servers.name, pending_usec, started_usec, servers.last_activity_usec
                 FROM servers JOIN users ON users.id = user_id",
            )?;
            let rows = statement.query_map([], |row| {
                let (owner, server): (String, String) = (row.get(0)?, row.get(1)?);
                let names = UserName::parse(&owner).ok().zip(ServerName::parse(&server).ok());
                let (pending, started, last_activity) = (row.get(2)?, row.get(3)?, row.get(4)?);
                Ok(names.map(|(user, server)| ServerRow {
                    id: ServerId { user, server },
                    pending,
                    started,
                    last_activity,
                }))
            })?;
            rows.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// Writes down what happened to a server; makes its row, and its user's, where there is none.
    pub async fn mark_server(&self, id: ServerId, mark: ServerMark, now: Usec) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let (user, server) = (id.user.as_str(), id.server.as_str());
            transaction.execute(
                "INSERT INTO users (name, admin, created_usec) VALUES (:user, 0, :now) ON CONFLICT (name) DO NOTHING",
                named_params! {":user": user, ":now": now},
            )?;
            transaction.execute(
                "INSERT INTO servers (user_id, name, display_name, options)
                 SELECT id, :server, :server, '{}' FROM users WHERE name = :user
                 ON CONFLICT (user_id, name) DO NOTHING",
                named_params! {":user": user, ":server": server},
            )?;
            let (pending, started) = match mark {
                ServerMark::Pending => (Some(now), None),
                ServerMark::Ready => (None, Some(now)),
                ServerMark::Stopped => (None, None),
            };
            transaction.execute(
                "UPDATE servers SET pending_usec = :pending, started_usec = :started, last_activity_usec = :now
                 WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)",
                named_params! {
                    ":pending": pending, ":started": started, ":now": now, ":server": server, ":user": user,
                },
            )?;
            Ok(())
        })
        .await
    }

    /// Moves last activity of a server and its user forward, never back.
    pub async fn touch_servers(&self, touched: Vec<(ServerId, Usec)>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            for (id, when) in touched {
                let (user, server) = (id.user.as_str(), id.server.as_str());
                transaction.execute(
                    "UPDATE servers SET last_activity_usec = max(coalesce(last_activity_usec, 0), :when)
                     WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)",
                    named_params! {":when": when, ":server": server, ":user": user},
                )?;
                transaction.execute(
                    "UPDATE users SET last_activity_usec = max(coalesce(last_activity_usec, 0), :when)
                     WHERE name = :user",
                    named_params! {":when": when, ":user": user},
                )?;
            }
            Ok(())
        })
        .await
    }
}
