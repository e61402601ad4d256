//! From a grant to the token that the client holds for the person's browser.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::codes::Grant;
use crate::app::App;
use crate::auth::clients::Registered;
use crate::auth::tokens::{Kind, NewToken, Owner, Token, TokenError};
use crate::clock::Usec;

/// A token with its secret.
pub struct Issued {
    /// For the client, once.
    pub secret: Zeroizing<String>,
    /// The token.
    pub token: Arc<Token>,
}

/// Makes the token of a grant; `None` when the browser has logged out meanwhile.
pub async fn issue(app: &App, grant: &Grant, client: &Registered, now: Usec) -> Result<Option<Issued>, TokenError> {
    let lifetime = i64::try_from(app.sessions.lifetime().as_micros()).unwrap_or(i64::MAX);
    let new = NewToken {
        owner: Owner::User(grant.session.user.clone()),
        kind: Kind::OAuth,
        client: Some(client.id.clone()),
        session: Some(grant.session.public_id.clone()),
        scopes: grant.scopes.clone(),
        note: client.description.clone(),
        created: now,
        expires: Some(now.saturating_add(lifetime)),
    };
    let (secret, token) = app.tokens.create(new).await?;
    // The session may have ended while the token was written: it ends what it finds, and this was not there yet.
    if grant.session.ended.is_cancelled() {
        app.tokens.revoke(|other| other.id == token.id).await?;
        return Ok(None);
    }
    Ok(Some(Issued { secret, token }))
}
