//! polkit: may this caller, or the process at the other end of a socket, do this?
//!
//! polkit(8), org.freedesktop.PolicyKit1.Authority. Root is asked about like everybody else: that polkit always says
//! yes there is polkit's business. Invariant: what polkit does not clearly allow is refused.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname, getsockopt, sockopt};
use tokio::time::timeout;
use zbus::proxy::CacheProperties;
use zbus::zvariant::Value;
use zbus::{Connection, proxy};

use crate::errors::Error;

/// How long a person may take to type a password into polkit's window or terminal.
const PERSON: Duration = Duration::from_secs(60);
/// How long polkit itself may take.
const MACHINE: Duration = Duration::from_secs(20);
const ALLOW_INTERACTION: u32 = 1;

type Subject<'a> = (&'a str, HashMap<&'a str, Value<'a>>);

#[proxy(
    interface = "org.freedesktop.PolicyKit1.Authority",
    default_service = "org.freedesktop.PolicyKit1",
    default_path = "/org/freedesktop/PolicyKit1/Authority",
    gen_blocking = false
)]
trait Polkit {
    fn check_authorization(
        &self,
        subject: &Subject<'_>,
        action_id: &str,
        details: &HashMap<&str, &str>,
        flags: u32,
        cancellation_id: &str,
    ) -> zbus::Result<(bool, bool, HashMap<String, String>)>;
    fn cancel_check_authorization(&self, cancellation_id: &str) -> zbus::Result<()>;
}

/// The process that connected a socket, as the kernel noted it then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its process id.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// When the process of that id started, in clock ticks since boot: the id alone may have been used again.
    start: u64,
}

/// Asks polkit.
#[derive(Clone)]
pub struct Authority(PolkitProxy<'static>);

impl Authority {
    /// Nothing is sent yet: polkit is started by its first question.
    pub async fn new(connection: &Connection) -> zbus::Result<Self> {
        Ok(Self(PolkitProxy::builder(connection).cache_properties(CacheProperties::No).build().await?))
    }

    /// May this caller on the bus do this? Rules can look the details up: `user` and `server`, or `service`.
    pub async fn check_caller(&self, sender: &str, action: &str, details: &HashMap<&str, &str>) -> Result<(), Error> {
        let subject: Subject<'_> = ("system-bus-name", HashMap::from([("name", Value::from(sender))]));
        let answer = timeout(MACHINE, self.0.check_authorization(&subject, action, details, 0, "")).await;
        match answer {
            Ok(Ok((true, _, _))) => Ok(()),
            Ok(Ok((false, _, _))) => Err(Error::AccessDenied(format!(
                "polkit does not let you do this: the action is {action}, and pkaction(1) shows who may."
            ))),
            Ok(Err(error)) => Err(Error::failed("Asking polkit", error)),
            Err(_) => Err(Error::failed("Asking polkit", "it did not answer")),
        }
    }

    /// May this process do this? A person with a polkit agent is asked for a password.
    pub async fn check_peer(&self, peer: Peer, action: &str) -> Result<bool, Error> {
        // The uid is the kernel's word. Without it polkit would ask /proc, where another program may be by now.
        let uid = i32::try_from(peer.uid).map_err(|error| Error::failed("Asking polkit", error))?;
        let subject: Subject<'_> = (
            "unix-process",
            HashMap::from([
                ("pid", Value::from(peer.pid)),
                ("start-time", Value::from(peer.start)),
                ("uid", Value::from(uid)),
            ]),
        );
        let cancellation = format!("hub-{}-{}-{action}", peer.pid, peer.start);
        let details = HashMap::new();
        let asked = self.0.check_authorization(&subject, action, &details, ALLOW_INTERACTION, &cancellation);
        match timeout(PERSON, asked).await {
            Ok(Ok((authorized, _, _))) => Ok(authorized),
            // The same process may ask twice at once; polkit takes one question of a name at a time.
            Ok(Err(error)) => Err(Error::failed("Asking polkit", error)),
            Err(_) => {
                if let Err(error) = self.0.cancel_check_authorization(&cancellation).await {
                    tracing::debug!("polkit did not cancel a question: {error}");
                }
                Ok(false)
            }
        }
    }
}

/// Who connected this Unix socket. `None` when nobody did, or when that process is gone.
pub fn peer(socket: impl AsFd) -> Option<Peer> {
    let address: SockaddrStorage = getsockname(socket.as_fd().as_raw_fd()).ok()?;
    if address.family() != Some(AddressFamily::Unix) {
        return None;
    }
    let credentials = getsockopt(&socket, sockopt::PeerCredentials).ok()?;
    // An unconnected socket, or a process of another pid namespace, has pid 0.
    let pid = u32::try_from(credentials.pid()).ok().filter(|pid| *pid > 0)?;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(Peer { pid, uid: credentials.uid(), start: start_time(&stat)? })
}

/// `proc_pid_stat(5)`, field 22. The name in field 2 may hold anything, also parentheses.
fn start_time(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    // What follows the name starts with field 3.
    rest.split(' ').nth(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::unix::net::{UnixDatagram, UnixStream};

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 7700 20";
        assert_eq!(start_time(&format!("42 (a) S 9 (b c) {rest}")), Some(7700));
        assert_eq!(start_time("42 (short) S 1"), None);
        assert_eq!(start_time(""), None);
    }

    #[test]
    fn the_peer_of_a_connected_socket_is_the_process_that_connected_it() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = peer(&ours).unwrap();
        assert_eq!(peer.pid, std::process::id());
        assert_eq!(peer.uid, nix::unistd::getuid().as_raw());
        assert!(peer.start > 0);
    }

    #[test]
    fn sockets_without_a_peer_have_none() {
        assert_eq!(peer(UnixDatagram::unbound().unwrap()), None);
        assert_eq!(peer(TcpListener::bind("127.0.0.1:0").unwrap()), None);
        assert_eq!(peer(std::fs::File::open("/dev/null").unwrap()), None);
    }
}
