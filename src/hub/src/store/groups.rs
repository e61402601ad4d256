//! Groups of people, as the hub's administrators make them.

use hubd_base::names::UserName;
use rusqlite::{Connection, named_params};

use super::{Store, StoreError};

/// A row of `groups` with its members.
#[derive(Clone, Debug)]
pub struct GroupRow {
    /// The database's own number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// A JSON object of the administrators' own.
    pub properties: serde_json::Map<String, serde_json::Value>,
    /// Who is in it, in the order of their rows.
    pub members: Vec<UserName>,
}

impl Store {
    /// Every group, oldest first.
    pub async fn groups(&self) -> Result<Vec<GroupRow>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare("SELECT id, name, properties FROM groups ORDER BY id")?;
            let mut groups = statement
                .query_map([], |row| {
                    let properties: String = row.get(2)?;
                    Ok(GroupRow {
                        id: row.get(0)?,
                        name: row.get(1)?,
                        properties: serde_json::from_str(&properties).unwrap_or_default(),
                        members: Vec::new(),
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            for group in &mut groups {
                group.members = members_of(connection, group.id)?;
            }
            Ok(groups)
        })
        .await
    }

    /// Adds groups with the same members, all or none; returns their numbers and those of the members who are known
    /// people.
    pub async fn add_groups(
        &self,
        names: Vec<String>,
        members: Vec<UserName>,
    ) -> Result<Vec<(i64, Vec<UserName>)>, StoreError> {
        self.write(move |transaction| {
            let mut made = Vec::with_capacity(names.len());
            for name in names {
                transaction.execute(
                    "INSERT INTO groups (name, properties) VALUES (:name, '{}')",
                    named_params! {":name": name},
                )?;
                let id = transaction.last_insert_rowid();
                add(transaction, id, &members)?;
                made.push((id, members_of(transaction, id)?));
            }
            Ok(made)
        })
        .await
    }

    /// Deletes a group.
    pub async fn delete_group(&self, id: i64) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute("DELETE FROM groups WHERE id = :id", named_params! {":id": id})?;
            Ok(())
        })
        .await
    }

    /// Puts people into a group and takes others out; returns who is in it then.
    pub async fn change_members(
        &self,
        id: i64,
        added: Vec<UserName>,
        removed: Vec<UserName>,
    ) -> Result<Vec<UserName>, StoreError> {
        self.write(move |transaction| {
            add(transaction, id, &added)?;
            for user in &removed {
                transaction.execute(
                    "DELETE FROM members WHERE group_id = :id AND user_id = (SELECT id FROM users WHERE name = :user)",
                    named_params! {":id": id, ":user": user.as_str()},
                )?;
            }
            members_of(transaction, id)
        })
        .await
    }

    /// Replaces a group's properties.
    pub async fn set_properties(
        &self,
        id: i64,
        properties: serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let properties = serde_json::Value::Object(properties).to_string();
            transaction.execute(
                "UPDATE groups SET properties = :properties WHERE id = :id",
                named_params! {":id": id, ":properties": properties},
            )?;
            Ok(())
        })
        .await
    }
}

fn members_of(connection: &Connection, id: i64) -> rusqlite::Result<Vec<UserName>> {
    let mut statement = connection.prepare(
        "SELECT users.name FROM members JOIN users ON users.id = user_id WHERE group_id = :group ORDER BY users.id",
    )?;
    let names = statement.query_map(named_params! {":group": id}, |row| {
        let name: String = row.get(0)?;
        Ok(UserName::parse(&name).ok())
    })?;
    names.filter_map(Result::transpose).collect()
}

fn add(transaction: &rusqlite::Transaction<'_>, id: i64, members: &[UserName]) -> rusqlite::Result<()> {
    for user in members {
        transaction.execute(
            "INSERT INTO members (group_id, user_id) SELECT :id, id FROM users WHERE name = :user
             ON CONFLICT DO NOTHING",
            named_params! {":id": id, ":user": user.as_str()},
        )?;
    }
    Ok(())
}
