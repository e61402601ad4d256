//! Where a connection comes from.

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hubd_base::names::UserName;
use tokio::sync::OnceCell;

/// Who is at the other end of the control socket, once the authority said yes.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The account's name, for the journal.
    pub name: String,
}

/// Decides about peers of the control socket; the broker does, because it sees real user ids.
pub trait Authority: Send + Sync + 'static {
    /// `None` means not authorised. The socket is connected to the peer in question.
    fn check(&self, socket: OwnedFd) -> BoxFuture<'_, Result<Option<Administrator>, String>>;
    /// The person behind the peer, for what is their own; `None` for one whom the configuration does not let in.
    fn person(&self, socket: OwnedFd) -> BoxFuture<'_, Result<Option<UserName>, String>>;
}

/// One connection of the control socket.
pub struct ControlPeer {
    socket: OwnedFd,
    verdict: OnceCell<Result<Option<Administrator>, String>>,
    person: OnceCell<Result<Option<UserName>, String>>,
}

impl ControlPeer {
    /// From a duplicate of the connection's descriptor.
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, verdict: OnceCell::new(), person: OnceCell::new() }
    }

    /// The authority's answer, asked once per connection.
    pub async fn administrator(&self, authority: &dyn Authority) -> Result<Option<Administrator>, String> {
        self.verdict.get_or_init(|| async { authority.check(self.socket()?).await }).await.clone()
    }

    /// The person behind the connection, asked once.
    pub async fn person(&self, authority: &dyn Authority) -> Result<Option<UserName>, String> {
        self.person.get_or_init(|| async { authority.person(self.socket()?).await }).await.clone()
    }

    fn socket(&self) -> Result<OwnedFd, String> {
        self.socket.try_clone().map_err(|error| format!("cannot duplicate the connection: {error}"))
    }
}

/// Where a request comes from.
#[derive(Clone)]
pub enum Origin {
    /// The network.
    Network {
        /// The peer's address; an IPv4 address in IPv6 clothes is shown as IPv4.
        address: IpAddr,
    },
    /// The control socket of this machine.
    Control(Arc<ControlPeer>),
}

impl Origin {
    /// The address for PAM, the journal and forwarded headers.
    pub fn address(&self) -> String {
        match self {
            Self::Network { address } => address.to_canonical().to_string(),
            Self::Control(_) => "localhost".into(),
        }
    }
}
