//! Whether the people who hold sessions or tokens may still come: looked at once, when the hub starts.
//!
//! The configuration is read at start, so this is where a person who was blocked, or is an administrator no
//! longer, loses what older sessions and tokens gave. `hub-login` and the broker ask the same policy at each login and
//! start.

use std::collections::BTreeSet;

use hubd_base::account;
use hubd_base::config::Config;
use hubd_base::names::UserName;
use hubd_base::policy::{self, Refusal};

use super::people::People;
use super::sessions::Sessions;
use super::tokens::{Owner, Tokens};
use crate::clock::now;

/// What the policy says of an account now; `None` where the name service does not know or cannot tell.
fn judge(config: &Config, user: &UserName) -> Option<Result<bool, Refusal>> {
    let account = account::find(user).ok()??;
    let groups = account::groups(&account).ok()?;
    Some(policy::check(config, &account, &groups).map(|standing| standing.admin))
}

/// Everybody who holds a session or a token.
fn holders(sessions: &Sessions, tokens: &Tokens) -> BTreeSet<UserName> {
    let mut users = sessions.users();
    for token in tokens.select(now(), |_| true) {
        if let Owner::User(user) = &token.owner {
            users.insert(user.clone());
        }
    }
    users
}

/// Ends the sessions of people who may not come any more, takes the force out of their tokens, and updates who is an
/// administrator by the policy.
///
/// A name service that does not answer changes nothing: nobody loses their work because a directory is away.
pub async fn review(config: &Config, people: &People, sessions: &Sessions, tokens: &Tokens) {
    for user in holders(sessions, tokens) {
        let (configuration, name) = (config.clone(), user.clone());
        let judged = tokio::task::spawn_blocking(move || judge(&configuration, &name)).await;
        match judged.ok().flatten() {
            None => {}
            Some(Ok(admin)) => {
                if people.find(&user).is_some_and(|person| person.admin.by_policy == admin) {
                    continue;
                }
                if let Err(error) = people.keep(user, Some(admin), now()).await {
                    tracing::warn!("cannot update who is an administrator, ignoring: {error}");
                }
            }
            Some(Err(refusal)) => {
                tracing::info!(hub_user = user.as_str(), "The sessions and tokens of {user} end: {refusal}");
                people.set_refused(&user, true);
                if let Err(error) = sessions.end_all_of(&user).await {
                    tracing::warn!("cannot end the sessions of {user} for good, ignoring: {error}");
                }
            }
        }
    }
}
