//! Where programs on this machine reach the hub's API: the first TCP address of `hub.socket`.
//!
//! systemd is asked, as an administrator's drop-in is the one place where the port is set. Pure but for that question.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::errors::Error;
use crate::systemd::{Listening, Systemd};

/// The unit that holds the hub's listening sockets.
const SOCKET_UNIT: &str = "hub.socket";

/// `http://127.0.0.1:8000/hub/api`, the value of `JUPYTERHUB_API_URL`. `None` when the hub has no TCP address.
pub async fn url(systemd: &Systemd, base_url: &str) -> Result<Option<String>, Error> {
    let listening = systemd.listening(SOCKET_UNIT).await.map_err(|error| Error::systemd(&error))?;
    Ok(address(&listening).map(|address| format!("http://{address}{base_url}hub/api")))
}

/// The first TCP address, as a program on this machine connects to it.
fn address(listening: &Listening) -> Option<SocketAddr> {
    let mut streams = listening.addresses.iter().filter(|(kind, _)| kind == "Stream");
    // Paths, abstract names and vsock addresses are no such addresses.
    let mut address = streams.find_map(|(_, address)| address.parse::<SocketAddr>().ok())?;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V6(_) if listening.ipv6_only => Ipv6Addr::LOCALHOST.into(),
            _ => Ipv4Addr::LOCALHOST.into(),
        });
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(addresses: &[(&str, &str)], ipv6_only: bool) -> Option<String> {
        let addresses = addresses.iter().map(|(kind, address)| ((*kind).to_owned(), (*address).to_owned())).collect();
        address(&Listening { addresses, ipv6_only }).map(|address| address.to_string())
    }

    #[test]
    fn a_socket_for_all_addresses_is_reached_on_the_loopback() {
        let shipped = [("Stream", "[::]:8000"), ("Stream", "/run/hub/control.sock")];
        assert_eq!(found(&shipped, false).as_deref(), Some("127.0.0.1:8000"));
        assert_eq!(found(&shipped, true).as_deref(), Some("[::1]:8000"));
        assert_eq!(found(&[("Stream", "0.0.0.0:80")], true).as_deref(), Some("127.0.0.1:80"));
    }

    #[test]
    fn a_socket_for_one_address_is_reached_there() {
        assert_eq!(found(&[("Stream", "127.0.0.1:81")], false).as_deref(), Some("127.0.0.1:81"));
        assert_eq!(found(&[("Stream", "[::1]:81")], false).as_deref(), Some("[::1]:81"));
        assert_eq!(found(&[("Stream", "192.0.2.7:81"), ("Stream", "[::]:82")], false).as_deref(), Some("192.0.2.7:81"));
    }

    #[test]
    fn what_is_no_tcp_address_is_passed_over() {
        let others = [("Stream", "/run/x"), ("Stream", "@x"), ("Stream", "vsock::80"), ("Datagram", "[::]:80")];
        assert_eq!(found(&others, false), None);
        let last = [others.as_slice(), &[("Stream", "[::]:80")]].concat();
        assert_eq!(found(&last, false).as_deref(), Some("127.0.0.1:80"));
    }
}
