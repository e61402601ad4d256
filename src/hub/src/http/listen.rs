//! The listening sockets, taken from systemd by their name.
//!
//! Invariant: the hub opens no listening socket itself; `hub.socket` says where it listens.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use listenfd::ListenFd;

/// `FileDescriptorName=` of `hub.socket`.
const NAME: &str = "hub";

/// What systemd handed over.
#[derive(Debug)]
pub struct Listeners {
    /// For browsers and API clients.
    pub network: Vec<TcpListener>,
    /// For `hubctl`, with the peer's credentials.
    pub control: Vec<UnixListener>,
}

/// Why the sockets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Not started by systemd.
    #[error(
        "hubd takes its listening sockets from systemd and found none.\n\
         Start it with: systemctl start hub.socket\n\
         Then open http://127.0.0.1:8000 - the first connection starts hub.service."
    )]
    None,
    /// A socket unit handed over something unknown.
    #[error(
        "socket {index} handed over by systemd is named \"{name}\"; expected \"{NAME}\" (FileDescriptorName= in hub.socket)"
    )]
    Name {
        /// Position, from 0.
        index: usize,
        /// Its name.
        name: String,
    },
    /// Not a listening stream socket.
    #[error("socket {index} handed over by systemd is neither a TCP nor a Unix stream listener: {source}")]
    Kind {
        /// Position, from 0.
        index: usize,
        /// The system's words.
        source: std::io::Error,
    },
}

/// Takes every socket that systemd handed over.
pub fn take() -> Result<Listeners, ListenError> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let names: Vec<&str> = names.split(':').collect();
    let mut handed = ListenFd::from_env();
    if handed.len() == 0 {
        return Err(ListenError::None);
    }
    let mut listeners = Listeners { network: Vec::new(), control: Vec::new() };
    for index in 0..handed.len() {
        let name = names.get(index).copied().unwrap_or_default();
        if name != NAME {
            return Err(ListenError::Name { index, name: name.to_owned() });
        }
        let kind = |source| ListenError::Kind { index, source };
        // A descriptor of the other family is refused and stays where it is.
        if let Ok(Some(listener)) = handed.take_tcp_listener(index) {
            listener.set_nonblocking(true).map_err(kind)?;
            listeners.network.push(listener);
        } else if let Some(listener) = handed.take_unix_listener(index).map_err(kind)? {
            listener.set_nonblocking(true).map_err(kind)?;
            listeners.control.push(listener);
        }
    }
    Ok(listeners)
}

/// Answers whoever is waiting that the hub cannot start, so that systemd does not start it again and again
/// for the same connection until the socket's trigger limit closes the door.
pub fn turn_away(listeners: &Listeners, sentence: &str) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Retry-After: 30\r\nConnection: close\r\n\r\n{sentence}",
        sentence.len()
    );
    for listener in &listeners.network {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.set_read_timeout(Some(TURN_AWAY_PATIENCE));
            say(&mut stream, &answer);
        }
    }
    for listener in &listeners.control {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.set_read_timeout(Some(TURN_AWAY_PATIENCE));
            say(&mut stream, &answer);
        }
    }
}

/// A visitor that is gone already is no trouble, so errors are not looked at.
fn say(stream: &mut (impl Read + Write), answer: &str) {
    let _ = stream.write_all(answer.as_bytes());
    // Take what was sent, so that closing does not reset the connection before the answer is read.
    let _ = stream.read(&mut [0; 4096]);
}

/// How long [`turn_away`] waits for one visitor's request.
const TURN_AWAY_PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);
