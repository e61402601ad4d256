//! Services that the API added, and what is remembered of those of the configuration.

use rusqlite::named_params;

use super::{Store, StoreError};
use crate::clock::Usec;

/// A row of `services`.
#[derive(Clone, Debug)]
pub struct ServiceRow {
    /// Its name.
    pub name: String,
    /// What is kept of it: a JSON object.
    pub spec: String,
    /// When the row was made.
    pub created: Usec,
}

impl Store {
    /// Every row, in the order of the names.
    pub async fn services(&self) -> Result<Vec<ServiceRow>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare("SELECT name, spec, created_usec FROM services ORDER BY name")?;
            let read =
                |row: &rusqlite::Row<'_>| Ok(ServiceRow { name: row.get(0)?, spec: row.get(1)?, created: row.get(2)? });
            statement.query_map([], read)?.collect()
        })
        .await
    }

    /// Writes a row, in the place of the one of that name.
    pub async fn put_service(&self, row: ServiceRow) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute(
                "INSERT INTO services (name, spec, created_usec) VALUES (:name, :spec, :created)
                 ON CONFLICT (name) DO UPDATE SET spec = :spec",
                named_params! {":name": row.name, ":spec": row.spec, ":created": row.created},
            )?;
            Ok(())
        })
        .await
    }

    /// Deletes rows by their names.
    pub async fn delete_services(&self, names: Vec<String>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut statement = transaction.prepare("DELETE FROM services WHERE name = :name")?;
            for name in names {
                statement.execute(named_params! {":name": name})?;
            }
            Ok(())
        })
        .await
    }
}
