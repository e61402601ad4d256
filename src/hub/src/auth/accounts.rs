//! The accounts of this machine, as the name service knows them.

use futures_util::future::BoxFuture;
use hubd_base::account;
use hubd_base::names::UserName;

/// Looks accounts up.
pub trait Accounts: Send + Sync + 'static {
    /// The names as the accounts themselves spell them, in the order asked; `None` for one that does not exist.
    /// The error is a sentence: the name service does not answer.
    fn find(&self, names: Vec<UserName>) -> BoxFuture<'_, Result<Vec<Option<UserName>>, String>>;
}

/// The name service switch.
#[derive(Clone, Copy, Debug, Default)]
pub struct NameService;

impl Accounts for NameService {
    fn find(&self, names: Vec<UserName>) -> BoxFuture<'_, Result<Vec<Option<UserName>>, String>> {
        // It may have to ask a directory far away, so it has a thread of its own.
        let looked = tokio::task::spawn_blocking(move || {
            let find = |name: &UserName| match account::find(name) {
                Ok(found) => Ok(found.map(|account| account.name)),
                Err(error) => Err(error.to_string()),
            };
            names.iter().map(find).collect()
        });
        Box::pin(async move { looked.await.map_err(|error| error.to_string())? })
    }
}
