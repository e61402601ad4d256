//! Keys the hub made for itself, kept so that cookies survive a restart.

use rusqlite::{OptionalExtension, named_params};

use super::{Store, StoreError};

impl Store {
    /// The 32-byte key of that name; `fresh` is stored and returned when there is none yet.
    pub async fn key(&self, name: &'static str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        self.write(move |transaction| {
            let kept: Option<[u8; 32]> = transaction
                .query_row("SELECT value FROM secrets WHERE name = :name", named_params! {":name": name}, |row| {
                    row.get(0)
                })
                .optional()?;
            if let Some(key) = kept {
                return Ok(key);
            }
            transaction.execute(
                "INSERT INTO secrets (name, value) VALUES (:name, :value)",
                named_params! {":name": name, ":value": fresh},
            )?;
            Ok(fresh)
        })
        .await
    }
}
