//! What people said: users, sessions, server rows. One SQLite file, one thread that owns it.
//!
//! Invariant: every statement runs on the store's own thread, every write inside a transaction.
//! Never here: HTTP, clocks (times are passed in), secrets in clear (only SHA-256 of tokens).

pub mod groups;
pub mod idle_rows;
mod schema;
pub mod secrets;
pub mod server_rows;
pub mod services;
pub mod sessions;
pub mod share_codes;
pub mod shares;
pub mod tokens;
pub mod users;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

/// SHA-256 of a token: what the database knows of it.
pub type TokenHash = [u8; 32];

/// Jobs that may wait for the store's thread; callers wait beyond that.
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A handle to the store; clones share the one thread.
#[derive(Clone, Debug)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
}

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or prepared.
    #[error("cannot open {path}: {source}")]
    Open {
        /// The database file.
        path: PathBuf,
        /// SQLite's own words.
        source: rusqlite::Error,
    },
    /// The file was written by a newer hubd; it is left untouched.
    #[error(
        "{path} has schema version {found}, this hubd knows versions up to {known}: \
         install the newer hubd again, or restore the database of this version"
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// `PRAGMA user_version` of the file.
        found: i64,
        /// The newest version this program can read.
        known: i64,
    },
    /// A statement failed.
    #[error("database: {0}")]
    Statement(#[from] rusqlite::Error),
    /// The store's thread has ended.
    #[error("the database thread has ended")]
    Closed,
}

impl Store {
    /// Opens (and creates or migrates) the database file and starts its thread.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let mut connection = Connection::open(path).map_err(open)?;
        schema::prepare(&mut connection, path)?;
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    job(&mut connection);
                }
            })
            .map_err(|_| StoreError::Closed)?;
        Ok(Self { jobs })
    }

    /// Runs `work` inside one immediate transaction, committed when it returns `Ok`.
    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.run(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
        .await
    }

    /// Runs `work` on the store's thread.
    async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // The caller may have gone away; the work was done all the same.
            let _ = answer.send(work(connection));
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        Ok(wait.await.map_err(|_| StoreError::Closed)??)
    }
}
