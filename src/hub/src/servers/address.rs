//! Where something listens that the hub speaks HTTP with, and the connection to it.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A place that can be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Socket(PathBuf),
    /// A host (IPv6 without brackets) and a port. Needs a network, which the hub does not have as it is shipped.
    Tcp {
        /// Name or address.
        host: String,
        /// Never 0.
        port: u16,
    },
}

impl Address {
    /// Connects.
    pub async fn connect(&self) -> io::Result<Stream> {
        match self {
            Self::Socket(path) => Ok(Stream::Unix(UnixStream::connect(path).await?)),
            Self::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                // Small requests must not wait for acknowledgements.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
        }
    }

    /// The address as the authority of a URL, which [`Address::from_authority`] turns back: a socket's path in
    /// hexadecimal digits, or host and port.
    pub fn authority(&self) -> String {
        match self {
            Self::Socket(path) => {
                let bytes = path.as_os_str().as_encoded_bytes();
                bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut name, byte| {
                    use std::fmt::Write;
                    // Writing into a string does not fail.
                    let _ = write!(name, "{byte:02x}");
                    name
                })
            }
            Self::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Tcp { host, port } => format!("{host}:{port}"),
        }
    }

    /// The exact inverse of [`Address::authority`], from a URL's host and port.
    pub fn from_authority(host: &str, port: Option<u16>) -> Option<Self> {
        let Some(port) = port else {
            let pairs = host.as_bytes().chunks(2);
            let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            let bytes: Option<Vec<u8>> = pairs.map(digits).collect();
            return Some(Self::Socket(PathBuf::from(String::from_utf8(bytes?).ok()?)));
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self::Tcp { host, port })
    }
}

/// An open connection.
#[derive(Debug)]
pub enum Stream {
    /// To a Unix socket.
    Unix(UnixStream),
    /// Over TCP.
    Tcp(TcpStream),
}

/// What the pool of connections wants to know.
impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Tcp(stream) => stream.is_write_vectored(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_leads_back_to_its_address() {
        let socket = Address::Socket("/run/hub/servers/first.last/s".into());
        assert_eq!(Address::from_authority(&socket.authority(), None), Some(socket));
        let tcp = Address::Tcp { host: "::1".into(), port: 9000 };
        assert_eq!(tcp.authority(), "[::1]:9000");
        assert_eq!(Address::from_authority("[::1]", Some(9000)), Some(tcp));
        let tcp = Address::Tcp { host: "grades.example.org".into(), port: 80 };
        assert_eq!(tcp.authority(), "grades.example.org:80");
        assert_eq!(Address::from_authority("grades.example.org", Some(80)), Some(tcp));
    }
}
