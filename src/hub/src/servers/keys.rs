//! A server's own token: made before each start, handed to the launcher, revoked when the server does not run.
//!
//! The token is also the server's secret as an OAuth client, so the tokens that the client was issued go with it
//! (contract 4.1 and 13.5).

use hubd_base::names::ServerId;
use hubd_base::secret::Secret;

use super::registry::Servers;
use super::server::Server;
use crate::auth::tokens::{Kind, NewToken, Owner, Token, TokenError};
use crate::clock::{Usec, now};

/// How long a lent token lasts at most, microseconds: 1 minute.
const LENT: Usec = 60_000_000;

/// A token that was just made.
pub(super) struct Issued {
    pub(super) secret: Secret,
    /// Which one it is.
    pub(super) id: i64,
}

/// Makes the token for a start.
pub(super) async fn issue(servers: &Servers, server: &Server) -> Result<Issued, TokenError> {
    let settings = &servers.0.settings;
    let new = NewToken {
        owner: Owner::User(server.id.user.clone()),
        kind: Kind::Server,
        client: Some(server.client.clone()),
        session: None,
        scopes: settings.token_scopes.clone(),
        note: format!("Server at {}", servers.path(&server.id)),
        created: now(),
        expires: None,
    };
    let (secret, token) = servers.0.tokens.create(new).await?;
    Ok(Issued { secret: Secret::from(secret.as_bytes().to_vec()), id: token.id })
}

/// A token that opens this one server for a minute, for the hub's own questions to it. To be withdrawn afterwards.
pub(super) async fn lend(servers: &Servers, server: &Server) -> Result<Issued, TokenError> {
    let begun = now();
    let new = NewToken {
        owner: Owner::User(server.id.user.clone()),
        kind: Kind::Server,
        client: Some(server.client.clone()),
        session: None,
        scopes: vec!["access:servers!server".to_owned()],
        note: format!("Look at {}", servers.path(&server.id)),
        created: begun,
        expires: Some(begun + LENT),
    };
    let (secret, token) = servers.0.tokens.create(new).await?;
    Ok(Issued { secret: Secret::from(secret.as_bytes().to_vec()), id: token.id })
}

/// The server runs with this token: former ones end, and what was issued with them.
pub(super) async fn succeed(servers: &Servers, server: &Server, issued: i64) {
    revoke(servers, server, |token| token.id < issued).await;
}

/// The server runs already, with a former token: this one is for nobody.
pub(super) async fn withdraw(servers: &Servers, server: &Server, issued: i64) {
    revoke(servers, server, |token| token.id == issued).await;
}

/// The server does not run: all its tokens end.
pub(super) async fn end(servers: &Servers, server: &Server) {
    revoke(servers, server, |_| true).await;
}

/// Ends the tokens of every server that is lost.
pub(super) async fn end_lost(servers: &Servers, is_lost: impl Fn(&ServerId) -> bool) {
    let lost = |token: &Token| {
        let client = token.client.as_deref().filter(|_| matches!(token.kind, Kind::Server | Kind::OAuth));
        client.and_then(ServerId::from_client_id).is_some_and(|id| is_lost(&id))
    };
    if let Err(error) = servers.0.tokens.revoke(lost).await {
        tracing::warn!("cannot revoke the tokens of servers that do not run for good, ignoring: {error}");
    }
}

async fn revoke(servers: &Servers, server: &Server, fits: impl Fn(&Token) -> bool) {
    let of_server = |token: &Token| {
        matches!(token.kind, Kind::Server | Kind::OAuth) && token.client.as_deref() == Some(server.client.as_str())
    };
    if let Err(error) = servers.0.tokens.revoke(|token| of_server(token) && fits(token)).await {
        tracing::warn!("cannot revoke the tokens of {} for good, ignoring: {error}", server.id);
    }
}
