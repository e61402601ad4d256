//! Names of servers as OAuth clients, and back.
//!
//! Invariant: two servers never share an id. `JupyterHub` joins both names by a dash, so that server `b` of `a` is also
//! `a-b`; here a slash stands between them, encoded.

use super::{ServerId, ServerName, UserName};

const CLIENT_PREFIX: &str = "jupyterhub-user-";

impl ServerId {
    /// The server's id as an OAuth client, and the name of the cookie that the client sets: `jupyterhub-user-alice` or
    /// `jupyterhub-user-alice%2Fgpu`. `@` is no character of such a name (RFC 6265), so it is encoded here although
    /// URLs keep it.
    pub fn client_id(&self) -> String {
        format!("{CLIENT_PREFIX}{}", self.url_segment().replace('@', "%40").replace('/', "%2F"))
    }

    /// The exact inverse of [`ServerId::client_id`].
    pub fn from_client_id(client_id: &str) -> Option<Self> {
        let decoded = percent_decode(client_id.strip_prefix(CLIENT_PREFIX)?)?;
        let decoded = std::str::from_utf8(&decoded).ok()?;
        let (user, server) = decoded.split_once('/').unwrap_or((decoded, ""));
        let id = Self { user: UserName::parse(user).ok()?, server: ServerName::parse(server).ok()? };
        (id.client_id() == client_id).then_some(id)
    }
}

/// `None` for a `%` without two digits behind it.
fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
