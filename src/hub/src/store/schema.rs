//! The tables, and how an older file becomes today's.
//!
//! Invariant: migrations only go forward; a file of a newer version is refused untouched.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// One entry per version, in order; entry N brings the file from version N to N + 1.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE secrets (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT;
    CREATE TABLE users (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        admin_by_policy INTEGER NOT NULL,
        admin_appointed INTEGER NOT NULL,
        created_usec INTEGER NOT NULL,
        last_activity_usec INTEGER
    ) STRICT;
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        token_hash BLOB NOT NULL UNIQUE,
        public_id TEXT NOT NULL UNIQUE,
        user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        created_usec INTEGER NOT NULL,
        expires_usec INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        hash BLOB NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
        service TEXT,
        client TEXT,
        session TEXT,
        scopes TEXT NOT NULL,
        note TEXT NOT NULL,
        created_usec INTEGER NOT NULL,
        last_activity_usec INTEGER,
        expires_usec INTEGER,
        CHECK ((user_id IS NULL) <> (service IS NULL))
    ) STRICT;
    CREATE INDEX tokens_user ON tokens (user_id);
    CREATE TABLE groups (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        properties TEXT NOT NULL
    ) STRICT;
    CREATE TABLE members (
        group_id INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
        user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        PRIMARY KEY (group_id, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX members_user ON members (user_id);
    CREATE TABLE servers (
        id INTEGER PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        display_name TEXT NOT NULL,
        options TEXT NOT NULL,
        pending_usec INTEGER,
        started_usec INTEGER,
        last_activity_usec INTEGER,
        UNIQUE (user_id, name)
    ) STRICT;
    CREATE TABLE services (
        name TEXT PRIMARY KEY,
        spec TEXT NOT NULL,
        created_usec INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE shares (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        server_id INTEGER NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
        user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
        group_id INTEGER REFERENCES groups (id) ON DELETE CASCADE,
        scopes TEXT NOT NULL,
        created_usec INTEGER NOT NULL,
        CHECK ((user_id IS NULL) <> (group_id IS NULL))
    ) STRICT;
    CREATE UNIQUE INDEX shares_user ON shares (server_id, user_id) WHERE user_id IS NOT NULL;
    CREATE UNIQUE INDEX shares_group ON shares (server_id, group_id) WHERE group_id IS NOT NULL;
    CREATE TABLE share_codes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        hash BLOB NOT NULL UNIQUE,
        server_id INTEGER NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
        scopes TEXT NOT NULL,
        created_usec INTEGER NOT NULL,
        expires_usec INTEGER NOT NULL,
        exchanges INTEGER NOT NULL,
        last_exchange_usec INTEGER
    ) STRICT;
",
    "
    ALTER TABLE servers ADD COLUMN attended_usec INTEGER;
    ALTER TABLE servers ADD COLUMN keep_until_usec INTEGER;
    ALTER TABLE servers ADD COLUMN ended TEXT;
    ALTER TABLE servers ADD COLUMN ended_usec INTEGER;
    ALTER TABLE servers ADD COLUMN watched TEXT;
",
    "
    ALTER TABLE servers ADD COLUMN outcome TEXT;
",
];

/// Sets the connection up and brings the file to today's version.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(open)?;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             PRAGMA foreign_keys = ON;
             PRAGMA busy_timeout = 5000;
             PRAGMA trusted_schema = OFF;",
        )
        .map_err(open)?;
    let transaction = connection.transaction().map_err(open)?;
    let done = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration).map_err(open)?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(open)?;
    transaction.commit().map_err(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_newer_version_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.sqlite");
        let mut connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
        let error = prepare(&mut connection, &path).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 999, .. }));
        assert!(error.to_string().contains("install the newer hubd"));
        let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "delete");
    }

    /// Every version a hub was ever delivered with, with a server in it.
    #[test]
    fn a_file_of_any_earlier_version_becomes_todays_and_keeps_its_rows() {
        for version in 1..MIGRATIONS.len() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("hub.sqlite");
            let mut connection = Connection::open(&path).unwrap();
            for migration in &MIGRATIONS[..version] {
                connection.execute_batch(migration).unwrap();
            }
            connection.pragma_update(None, "user_version", i64::try_from(version).unwrap()).unwrap();
            connection
                .execute_batch(
                    "INSERT INTO users (id, name, admin_by_policy, admin_appointed, created_usec)
                     VALUES (1, 'alice', 0, 0, 5);
                     INSERT INTO servers (user_id, name, display_name, options, last_activity_usec)
                     VALUES (1, 'gpu', 'GPU', '{}', 7);",
                )
                .unwrap();
            prepare(&mut connection, &path).unwrap();
            let (display, active, attended): (String, i64, Option<i64>) = connection
                .query_row("SELECT display_name, last_activity_usec, attended_usec FROM servers", [], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .unwrap();
            assert_eq!((display.as_str(), active, attended), ("GPU", 7, None));
            let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
            assert_eq!(found, i64::try_from(MIGRATIONS.len()).unwrap());
        }
    }

    #[test]
    fn preparing_twice_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.sqlite");
        let mut connection = Connection::open(&path).unwrap();
        prepare(&mut connection, &path).unwrap();
        prepare(&mut connection, &path).unwrap();
        let tables: i64 = connection
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(tables, 10);
    }
}
