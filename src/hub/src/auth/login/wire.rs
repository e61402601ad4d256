//! One connection to a `hub-login` process: requests go out, replies come in.

use std::path::Path;

use hubd_proto::login::{FrameError, HEADER, Reply, Request, body_length};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::LoginError;

pub(super) struct Wire(UnixStream);

impl Wire {
    /// Begins a login.
    pub(super) async fn begin(
        path: &Path,
        user: &str,
        remote_host: &str,
        change_expired: bool,
        language: &str,
    ) -> Result<Self, LoginError> {
        let stream =
            UnixStream::connect(path).await.map_err(|source| LoginError::Connect { path: path.to_owned(), source })?;
        let mut wire = Self(stream);
        let (user, remote_host, language) = (user.as_bytes().to_vec(), remote_host.to_owned(), language.to_owned());
        wire.send(&Request::Begin { user, remote_host, change_expired, language }).await?;
        Ok(wire)
    }

    pub(super) async fn send(&mut self, request: &Request) -> Result<(), LoginError> {
        let frame = request.encode().map_err(|error| LoginError::Broken(error.to_string()))?;
        self.0.write_all(&frame).await.map_err(|error| LoginError::Broken(error.to_string()))
    }

    pub(super) async fn receive(&mut self) -> Result<Reply, LoginError> {
        let broken = |error: std::io::Error| LoginError::Broken(error.to_string());
        let nonsense = |error: FrameError| LoginError::Broken(error.to_string());
        let mut header = [0; HEADER];
        self.0.read_exact(&mut header).await.map_err(broken)?;
        let mut frame = vec![0; body_length(header).map_err(nonsense)?];
        self.0.read_exact(&mut frame).await.map_err(broken)?;
        Reply::decode(&frame).map_err(nonsense)
    }
}
