//! The profiles that a person chooses from when they start a server, and what they chose.
//!
//! The broker decides anew at each start; what is offered here is what the configuration said when the hub started.

use hubd_base::config::{Config, Localised};
use hubd_base::limits::{Effective, Limits, Person, machine_memory};
use hubd_base::names::UserName;
use hubd_base::profiles;
use serde_json::{Map, Value};

use crate::auth::accounts::Accounts;

/// Where the choice stands among a server's options, as clients of `KubeSpawner` write it.
pub const OPTION: &str = "profile";

/// One profile that a person may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it is called; empty for a server without a profile, which is there when no profile is the usual one.
    pub name: String,
    /// What is said of it.
    pub description: Localised,
    /// What a server of this person started with it may use.
    pub limits: Limits,
    /// Is it taken when nobody chooses?
    pub usual: bool,
}

/// The name of the profile that a server's options ask for: one text, or a list of one as forms send it.
pub fn chosen(options: &Map<String, Value>) -> Option<&str> {
    let text = match options.get(OPTION)? {
        Value::Array(values) => match values.as_slice() {
            [Value::String(only)] => only,
            _ => return None,
        },
        Value::String(text) => text,
        _ => return None,
    };
    Some(text.as_str()).filter(|name| !name.is_empty())
}

/// Everything a person may choose, in the order of the configuration. Empty where there are no profiles for them: then
/// nobody is asked.
///
/// # Errors
/// A sentence: the name service does not answer.
pub async fn offers(config: &Config, accounts: &dyn Accounts, user: &UserName) -> Result<Vec<Offer>, String> {
    if config.profiles.is_empty() {
        return Ok(Vec::new());
    }
    let groups = accounts.groups(user.clone()).await?;
    Ok(offered(config, Person { name: user, groups: &groups }, machine_memory()))
}

fn offered(config: &Config, person: Person<'_>, memory: u64) -> Vec<Offer> {
    let limits = |effective: &Effective| Limits::from(effective);
    let usual = profiles::usual(config, person).map(|profile| profile.name.as_str());
    let mut offers: Vec<Offer> = profiles::usable(config, person)
        .map(|profile| Offer {
            name: profile.name.clone(),
            description: profile.description.clone(),
            limits: limits(&config.limits.of_server(person, Some((&profile.name, &profile.limits)), memory)),
            usual: usual == Some(profile.name.as_str()),
        })
        .collect();
    if usual.is_none() && !offers.is_empty() {
        let plain = limits(&config.limits.of_server(person, None, memory));
        offers.insert(0, Offer { name: String::new(), description: Localised::default(), limits: plain, usual: true });
    }
    offers
}

/// What came of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It can be, or there is none; the options say it as one text from now on.
    Good,
    /// It cannot; the sentence names those that can.
    Refused(String),
}

/// Whether a person may start a server with these options.
///
/// # Errors
/// A sentence: the name service does not answer.
pub async fn check(
    config: &Config,
    accounts: &dyn Accounts,
    user: &UserName,
    options: &mut Map<String, Value>,
) -> Result<Choice, String> {
    // Where there are no profiles, the word is free for programs that mean something else by it.
    let Some(value) = options.get(OPTION).filter(|_| !config.profiles.is_empty()) else { return Ok(Choice::Good) };
    let Some(name) = chosen(options).map(str::to_owned) else {
        let none = value.is_null() || value == "" || *value == serde_json::json!([""]);
        if !none {
            return Ok(Choice::Refused("profile must be the name of a profile".to_owned()));
        }
        options.remove(OPTION);
        return Ok(Choice::Good);
    };
    let groups = accounts.groups(user.clone()).await?;
    if let Err(refused) = profiles::choose(config, Person { name: user, groups: &groups }, &name) {
        return Ok(Choice::Refused(refused.to_string()));
    }
    options.insert(OPTION.to_owned(), name.into());
    Ok(Choice::Good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubd_base::config::{Allow, Principal, Profile};
    use hubd_base::limits::{Amount, Limit};
    use serde_json::json;

    fn options(value: Value) -> Map<String, Value> {
        Map::from_iter([(OPTION.to_owned(), value)])
    }

    #[test]
    fn a_choice_is_a_text_or_the_only_one_of_a_list() {
        assert_eq!(chosen(&options(json!("big"))), Some("big"));
        assert_eq!(chosen(&options(json!(["big"]))), Some("big"));
        for other in [json!(""), json!([""]), json!([]), json!(["a", "b"]), json!(7), json!(null)] {
            assert_eq!(chosen(&options(other.clone())), None, "{other}");
        }
        assert_eq!(chosen(&Map::new()), None);
    }

    #[test]
    fn cards_show_what_this_person_would_have() {
        let alice = UserName::parse("alice").unwrap();
        let mut config = Config::default();
        let number = |number| Some(Amount::Number(number));
        config.limits.everybody.server.set(Limit::TasksMax, number(100));
        let mut big = Profile::new("big");
        big.limits.set(Limit::MemoryMax, Some(Amount::Share(50)));
        let mut staff = Profile::new("staff");
        staff.allow = Allow::Only(vec![Principal::Group("staff".into())]);
        config.profiles = vec![big, staff];
        let names = |groups: &[String], config: &Config| {
            let offers = offered(config, Person { name: &alice, groups }, 8 << 30);
            offers.into_iter().map(|offer| (offer.name, offer.usual)).collect::<Vec<_>>()
        };
        let owned = |offers: &[(&str, bool)]| offers.iter().map(|(n, u)| ((*n).to_owned(), *u)).collect::<Vec<_>>();
        assert_eq!(names(&[], &config), owned(&[("", true), ("big", false)]), "without a usual one there is none");
        let offers = offered(&config, Person { name: &alice, groups: &[] }, 8 << 30);
        assert_eq!(offers[1].limits.number(Limit::MemoryMax), Some(4 << 30));
        assert_eq!(offers[1].limits.number(Limit::TasksMax), Some(100));
        config.profiles[1].default = true;
        let staff = ["staff".to_owned()];
        assert_eq!(names(&staff, &config), owned(&[("big", false), ("staff", true)]));
        config.profiles.remove(0);
        assert_eq!(names(&[], &config), [], "nobody is asked who has no choice");
    }
}
