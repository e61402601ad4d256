//! What a token that somebody asks for may be: the one rule of the API and of the token page (contract 1.9 and 3.5).
//!
//! Invariant: a token is never granted more than its owner holds at that moment. What is stored is what was asked for,
//! unexpanded, with `!user` and the like replaced by whom they mean.

use std::time::Duration;

use hubd_base::config::NEVER;

use super::scopes::{Catalog, Issuer, Membership, ScopeError, Scopes};
use super::tokens::Owner;
use crate::clock::Usec;

/// Why a token is not given these scopes. The texts are those of the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopesRefused {
    /// There is no such scope. The quotation marks are part of the contract's message.
    #[error("\"Scope '{0}' for token does not exist\"")]
    Unknown(String),
    /// The scope exists, its filter does not.
    #[error("\"Scope filter {filter} in scope '{scope}' for token does not exist\"")]
    Filter {
        /// The whole scope.
        scope: String,
        /// What stands behind the `!`.
        filter: String,
    },
    /// What `inherit` was called before the scopes were released.
    #[error("\"Draft scope 'all' is now called 'inherit'\"")]
    All,
    /// The owner does not hold all of it.
    #[error("Not assigning requested scopes {} not held by {kind} {owner}", missing.join(","))]
    NotHeld {
        /// What is missing, expanded, sorted.
        missing: Vec<String>,
        /// `User` or `Service`.
        kind: &'static str,
        /// The owner's name.
        owner: String,
    },
}

/// Why a token does not live that long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeRefused {
    /// It would never be good.
    #[error("expires_in must be a positive integer or null, not {0}")]
    NotPositive(i64),
    /// Longer than the configuration allows. Both in seconds.
    #[error("token expires_in: {0} must not exceed {1}")]
    TooLong(i64, u64),
}

/// From the scopes somebody asks for to those that are stored: each once, in the order asked.
///
/// `held`: what the owner may do now. `issuer`: the OAuth client, for `!server` and `!service`. A filter that means
/// nobody, such as `!server` without a server, takes its scope with it.
///
/// # Errors
/// See [`ScopesRefused`]; nothing is granted in part.
pub fn stored_scopes(
    catalog: &Catalog,
    owner: &Owner,
    held: &Scopes,
    members: &dyn Membership,
    issuer: Option<Issuer<'_>>,
    requested: &[String],
) -> Result<Vec<String>, ScopesRefused> {
    let mut stored: Vec<String> = Vec::new();
    for text in requested {
        let scope = catalog.parse(text).map_err(refused)?;
        if let Some(resolved) = scope.resolve(owner.scope_owner(), issuer) {
            let resolved = resolved.to_string();
            if !stored.contains(&resolved) {
                stored.push(resolved);
            }
        }
    }
    // `inherit` is never too much, and expands to nothing here.
    let meaning = catalog.expand_issued(stored.iter().map(String::as_str), owner.scope_owner(), issuer, None);
    let missing = held.missing(&meaning, members);
    if missing.is_empty() {
        return Ok(stored);
    }
    let kind = match owner {
        Owner::User(_) => "User",
        Owner::Service(_) => "Service",
    };
    Err(ScopesRefused::NotHeld { missing, kind, owner: owner.name().to_owned() })
}

/// When a token that is asked for now ends: after `seconds`, or, where nothing is said, as late as the configuration
/// allows. `longest` of [`NEVER`] is no limit.
///
/// # Errors
/// See [`LifetimeRefused`].
pub fn expiry(seconds: Option<i64>, longest: Duration, now: Usec) -> Result<Option<Usec>, LifetimeRefused> {
    let limited = longest != NEVER;
    let after = |seconds: u64| now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000));
    match seconds {
        None => Ok(limited.then(|| after(longest.as_secs()))),
        Some(seconds) => {
            let wanted = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
            let wanted = wanted.ok_or(LifetimeRefused::NotPositive(seconds))?;
            if limited && wanted > longest.as_secs() {
                return Err(LifetimeRefused::TooLong(seconds, longest.as_secs()));
            }
            Ok(Some(after(wanted)))
        }
    }
}

fn refused(error: ScopeError) -> ScopesRefused {
    match error {
        ScopeError::Unknown(scope) => ScopesRefused::Unknown(scope),
        ScopeError::Filter(scope) => {
            let filter = scope.split_once('!').map(|(_, filter)| filter.to_owned()).unwrap_or_default();
            ScopesRefused::Filter { scope, filter }
        }
        ScopeError::All => ScopesRefused::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubd_base::names::UserName;

    fn ask(requested: &[&str]) -> Result<Vec<String>, String> {
        let catalog = Catalog::default();
        let owner = Owner::User(UserName::parse("bob").unwrap());
        let held = catalog.expand(["self", "list:users!group=a"], owner.scope_owner(), None, None);
        let requested: Vec<String> = requested.iter().map(ToString::to_string).collect();
        let nobody = |_: &str, _: &str| false;
        stored_scopes(&catalog, &owner, &held, &nobody, None, &requested).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_held_is_stored_as_it_was_asked_for_with_its_owner_named() {
        assert_eq!(ask(&["self", "self"]).unwrap(), ["self"]);
        assert_eq!(ask(&["servers!user", "inherit"]).unwrap(), ["servers!user=bob", "inherit"]);
        assert_eq!(ask(&["access:servers!server"]).unwrap(), Vec::<String>::new());
        assert_eq!(ask(&[]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn every_refusal_has_the_words_of_the_contract() {
        for (asked, words) in [
            ("bogus", "\"Scope 'bogus' for token does not exist\""),
            ("users!bogus=x", "\"Scope filter bogus=x in scope 'users!bogus=x' for token does not exist\""),
            ("all", "\"Draft scope 'all' is now called 'inherit'\""),
            ("shutdown", "Not assigning requested scopes shutdown not held by User bob"),
            ("list:users", "Not assigning requested scopes list:users,read:users:name not held by User bob"),
        ] {
            assert_eq!(ask(&["self", asked]).unwrap_err(), words);
        }
    }

    #[test]
    fn a_token_lives_as_long_as_asked_and_no_longer_than_allowed() {
        let (day, none) = (Duration::from_secs(86_400), NEVER);
        assert_eq!(expiry(None, none, 5), Ok(None));
        assert_eq!(expiry(Some(1), none, 5), Ok(Some(1_000_005)));
        assert_eq!(expiry(None, day, 0), Ok(Some(86_400_000_000)));
        assert_eq!(expiry(Some(86_400), day, 0), Ok(Some(86_400_000_000)));
        let words = |asked| expiry(Some(asked), day, 0).unwrap_err().to_string();
        assert_eq!(words(86_401), "token expires_in: 86401 must not exceed 86400");
        assert_eq!(words(0), "expires_in must be a positive integer or null, not 0");
        assert_eq!(words(-1), "expires_in must be a positive integer or null, not -1");
    }
}
