//! Whose scopes they are, and on whose behalf a token was issued.

/// Who holds the scopes: what `self` and `!user` mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// A person, by name.
    User(&'a str),
    /// A service, by name.
    Service(&'a str),
}

/// The OAuth client that issued a token: what `!server` and `!service` mean in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuer<'a> {
    /// A single-user server, as `user/name` (`user/` for the default server).
    Server(&'a str),
    /// A service, by name.
    Service(&'a str),
}

/// The raw scopes that only tell who the owner is: every token carries them.
pub fn identify(owner: Owner<'_>) -> Vec<String> {
    match owner {
        Owner::User(name) => vec![format!("read:users:groups!user={name}"), format!("read:users:name!user={name}")],
        Owner::Service(name) => vec![format!("read:services:name!service={name}")],
    }
}
