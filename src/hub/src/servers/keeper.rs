//! The keeper of this machine's accounts: the broker, by its interface `org.hubd.Accounts1`.
//!
//! Invariant: a password goes and comes through a pipe, never as a string on the bus.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hubd_base::names::UserName;
use hubd_base::secret::Secret;
use hubd_proto::accounts;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use tokio::time::timeout;
use zbus::zvariant;
use zeroize::Zeroizing;

use super::launcher::LaunchError;
use super::systemd::{Bus, read};
use crate::auth::keeper::{Home, Keeper, KeeperError, NewPassword};

/// Longer than the broker takes for the slowest of these, the removal of a large home.
const DEADLINE: Duration = Duration::from_secs(100);

/// The broker.
#[derive(Debug)]
pub struct Broker {
    /// The bus, shared with whoever else needs the broker.
    pub bus: Arc<Bus>,
}

impl Broker {
    async fn set(&self, method: &str, user: &UserName, password: &NewPassword) -> Result<Secret, KeeperError> {
        let chosen = password.chosen.as_ref().map(Secret::expose).unwrap_or_default();
        let pipe = zvariant::OwnedFd::from(piped(chosen).map_err(|error| failed(&error))?);
        let asked = (user.as_str(), pipe, password.must_change);
        let call = self.bus.accounts(method, &asked);
        let reply = timeout(DEADLINE, call).await.map_err(|_| late())?.map_err(told)?;
        let answer: zvariant::OwnedFd = read(&reply).map_err(told)?;
        // The broker has written all of it, and nobody holds the other end any more.
        let mut bytes = Zeroizing::new(Vec::with_capacity(accounts::PASSWORD_MAX));
        let limited = File::from(OwnedFd::from(answer)).take(accounts::PASSWORD_MAX as u64);
        { limited }.read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        Ok(Secret::from(bytes.to_vec()))
    }
}

impl Keeper for Broker {
    fn create<'a>(
        &'a self,
        user: &'a UserName,
        password: &'a NewPassword,
    ) -> BoxFuture<'a, Result<Secret, KeeperError>> {
        Box::pin(self.set(accounts::METHOD_CREATE, user, password))
    }

    fn set_password<'a>(
        &'a self,
        user: &'a UserName,
        password: &'a NewPassword,
    ) -> BoxFuture<'a, Result<Secret, KeeperError>> {
        Box::pin(self.set(accounts::METHOD_SET_PASSWORD, user, password))
    }

    fn delete<'a>(&'a self, user: &'a UserName, home: Home) -> BoxFuture<'a, Result<(), KeeperError>> {
        Box::pin(async move {
            let asked = (user.as_str(), home == Home::Remove);
            let call = self.bus.accounts(accounts::METHOD_DELETE, &asked);
            timeout(DEADLINE, call).await.map_err(|_| late())?.map_err(told)?;
            Ok(())
        })
    }
}

/// A pipe that holds these bytes, which are fewer than it takes without a reader (pipe(7)), and whose end is written.
fn piped(bytes: &[u8]) -> io::Result<OwnedFd> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    File::from(writer).write_all(bytes)?;
    Ok(reader)
}

fn failed(error: &io::Error) -> KeeperError {
    KeeperError::Failed(format!("The password could not be passed on: {error}."))
}

fn late() -> KeeperError {
    KeeperError::Failed("The broker did not answer in time.".to_owned())
}

fn told(error: LaunchError) -> KeeperError {
    match error {
        LaunchError::NotAllowed(text) => KeeperError::Refused(text),
        other => KeeperError::Failed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gives_back_what_was_put_into_it_and_ends() {
        for bytes in [b"".as_slice(), b"correct horse", &[b'x'; 256]] {
            let mut found = Vec::new();
            File::from(piped(bytes).unwrap()).read_to_end(&mut found).unwrap();
            assert_eq!(found, bytes);
        }
    }
}
