//! What is kept of servers that nobody uses: when a person last did something, what the last look at them saw, how long
//! they are to be kept, and why they were stopped. Columns of the table of servers.

use hubd_base::names::{ServerId, ServerName, UserName};
use rusqlite::{Row, named_params};

use super::{Store, StoreError};
use crate::clock::Usec;

/// These columns of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleRow {
    /// Whose server, and which.
    pub id: ServerId,
    /// When a person last did something with it.
    pub attended: Option<Usec>,
    /// Until when it is to be left as it is.
    pub keep_until: Option<Usec>,
    /// Why it was stopped, in the hub's own words, and when.
    pub ended: Option<(String, Usec)>,
    /// What the last look saw, JSON.
    pub watched: Option<String>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Option<IdleRow>> {
    let (owner, server): (String, String) = (row.get(0)?, row.get(1)?);
    let Some((user, server)) = UserName::parse(&owner).ok().zip(ServerName::parse(&server).ok()) else {
        return Ok(None);
    };
    let (ended, when): (Option<String>, Option<Usec>) = (row.get(4)?, row.get(5)?);
    Ok(Some(IdleRow {
        id: ServerId { user, server },
        attended: row.get(2)?,
        keep_until: row.get(3)?,
        ended: ended.zip(when),
        watched: row.get(6)?,
    }))
}

impl Store {
    /// Of every server.
    pub async fn idle_rows(&self) -> Result<Vec<IdleRow>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare(
                "SELECT users.name, servers.name, attended_usec, keep_until_usec, ended, ended_usec, watched
                 FROM servers JOIN users ON users.id = user_id",
            )?;
            let rows = statement.query_map([], read)?;
            rows.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// Moves forward when people last did something with servers, never back.
    pub async fn attend_servers(&self, attended: Vec<(ServerId, Usec)>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut statement = transaction.prepare(
                "UPDATE servers SET attended_usec = max(coalesce(attended_usec, 0), :when)
                 WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)",
            )?;
            for (id, when) in attended {
                let (user, server) = (id.user.as_str(), id.server.as_str());
                statement.execute(named_params! {":when": when, ":server": server, ":user": user})?;
            }
            Ok(())
        })
        .await
    }

    /// Writes down until when a server is to be left as it is.
    pub async fn keep_until(&self, id: ServerId, until: Option<Usec>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "UPDATE servers SET keep_until_usec = :until
                 WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)",
                named_params! {":until": until, ":server": id.server.as_str(), ":user": id.user.as_str()},
            )?;
            Ok(())
        })
        .await
    }

    /// Writes down why a server was stopped, and when; `None` when it starts again.
    pub async fn end_server(&self, id: ServerId, ended: Option<(String, Usec)>) -> Result<(), StoreError> {
        let (why, when) = ended.unzip();
        self.write(move |transaction| {
            transaction.execute(
                "UPDATE servers SET ended = :why, ended_usec = :when
                 WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)",
                named_params! {
                    ":why": why, ":when": when, ":server": id.server.as_str(), ":user": id.user.as_str(),
                },
            )?;
            Ok(())
        })
        .await
    }

    /// Writes down what was seen of servers.
    pub async fn watch_servers(&self, watched: Vec<(ServerId, String)>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut statement = transaction.prepare(
                "UPDATE servers SET watched = :watched
                 WHERE name = :server AND user_id = (SELECT id FROM users WHERE name = :user)",
            )?;
            for (id, watched) in watched {
                let (user, server) = (id.user.as_str(), id.server.as_str());
                statement.execute(named_params! {":watched": watched, ":server": server, ":user": user})?;
            }
            Ok(())
        })
        .await
    }
}
