//! The tokens that services show (contract 3.6 and 7.1): told by the configuration, or made at a start.
//!
//! Invariant: once the hub has begun, every token of a service belongs to a service that is there, and the
//! configuration's own are all good.

use hubd_base::config::{self, Config};
use hubd_base::names::ServerId;
use zeroize::Zeroizing;

use crate::auth::services::{Service, Services};
use crate::auth::tokens::{Kind, NewToken, Owner, Token, TokenError, Tokens};
use crate::clock::Usec;
use crate::store::StoreError;

/// A token of a service, to be made: it may do what the service may.
pub fn new_token(service: &Service, now: Usec) -> NewToken {
    NewToken {
        owner: Owner::Service(service.name.clone()),
        kind: Kind::Service,
        client: service.client_id.clone(),
        session: None,
        scopes: vec!["inherit".to_owned()],
        note: format!("Service {}", service.name),
        created: now,
        expires: None,
    }
}

/// Whether it is a service's own token.
pub fn is_own(token: &Token, name: &str) -> bool {
    token.kind == Kind::Service && matches!(&token.owner, Owner::Service(owner) if owner == name)
}

/// Brings the tokens in line with the configuration, before anybody can show one.
pub async fn settle(config: &Config, services: &Services, tokens: &Tokens, now: Usec) -> Result<(), StoreError> {
    tokens.revoke(|token| is_orphan(token, services)).await?;
    for configured in &config.services {
        let Some(service) = services.find(configured.name.as_str()) else { continue };
        match secret(configured) {
            Some(secret) => keep(&service, secret, tokens, now).await?,
            // What runs may still show the one it was started with.
            None if service.is_managed() => {}
            None => drop(tokens.revoke(|token| is_own(token, &service.name)).await?),
        }
    }
    Ok(())
}

/// The token in the configuration: visible ASCII characters.
pub fn secret(service: &config::Service) -> Option<&str> {
    service.api_token.as_ref().and_then(|token| std::str::from_utf8(token.expose()).ok())
}

/// A token of a service that is gone, or that a client got which is gone.
fn is_orphan(token: &Token, services: &Services) -> bool {
    let owner_gone = matches!(&token.owner, Owner::Service(name) if services.find(name).is_none());
    let client_gone = |id: &String| ServerId::from_client_id(id).is_none() && services.by_client(id).is_none();
    owner_gone || token.kind == Kind::OAuth && token.client.as_ref().is_some_and(client_gone)
}

/// Sees to it that the token of the configuration is good, and no former one.
async fn keep(service: &Service, secret: &str, tokens: &Tokens, now: Usec) -> Result<(), StoreError> {
    let found = tokens.find(secret, now);
    let good = found.as_ref().filter(|token| is_own(token, &service.name) && token.client == service.client_id);
    let (good, found) = (good.map(|token| token.id), found.as_ref().map(|token| token.id));
    let former = |token: &Token| Some(token.id) != good && (is_own(token, &service.name) || Some(token.id) == found);
    tokens.revoke(former).await?;
    if good.is_none() {
        tokens.create_with(secret, new_token(service, now)).await?;
    }
    Ok(())
}

/// A fresh token for a start; former ones end.
pub async fn renew(service: &Service, tokens: &Tokens, now: Usec) -> Result<Zeroizing<String>, TokenError> {
    tokens.revoke(|token| is_own(token, &service.name)).await?;
    let (secret, _) = tokens.create(new_token(service, now)).await?;
    Ok(secret)
}
