//! Where a connection comes from.

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use futures_util::future::BoxFuture;
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
}

/// One connection of the control socket.
pub struct ControlPeer {
    socket: Option<OwnedFd>,
    verdict: OnceCell<Result<Option<Administrator>, String>>,
}

impl ControlPeer {
    /// From a duplicate of the connection's descriptor.
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket: Some(socket), verdict: OnceCell::new() }
    }

    /// The authority's answer, asked once per connection.
    pub async fn administrator(&self, authority: &dyn Authority) -> Result<Option<Administrator>, String> {
        let ask = || async {
            match self.socket.as_ref().map(OwnedFd::try_clone) {
                Some(Ok(socket)) => authority.check(socket).await,
                Some(Err(error)) => Err(format!("cannot duplicate the connection: {error}")),
                None => Err("the connection is gone".into()),
            }
        };
        self.verdict.get_or_init(ask).await.clone()
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
