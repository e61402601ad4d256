//! `[idle]`: when a server counts as idle, and what becomes of it then.
//!
//! Which rule wins, key by key: the person's own, then the profile's, then the groups', then the one for everybody. Of
//! several groups the most patient one wins. Pure.

use std::time::Duration;

use toml::de::DeValue;

use super::schema::SLIPS;
use super::{NEVER, near, value};
use crate::names::UserName;

/// `[idle]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle {
    /// For everybody whom nothing else names.
    pub everybody: IdlePolicy,
    /// Percent of one CPU: a server that uses less is idle.
    pub cpu_below: u32,
    /// Over how long that is measured.
    pub cpu_window: Duration,
    /// Whether idle servers are suspended before their time when the machine is short of memory.
    pub suspend_for_memory: bool,
    /// Of Unix groups, sorted by name.
    pub groups: Vec<(String, IdleRule)>,
    /// Of people, sorted by name.
    pub users: Vec<(UserName, IdleRule)>,
}

/// What becomes of an idle server; [`NEVER`] where it is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdlePolicy {
    /// How long it is idle before it is suspended.
    pub suspend_after: Duration,
    /// How long it is idle before it is stopped.
    pub stop_after: Duration,
    /// How long after its start it is stopped, idle or not.
    pub max_age: Duration,
    /// How long its person may ask for it to be kept as it is; zero is not at all.
    pub keep_max: Duration,
}

/// A rule that says some of that; what is `None`, others say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IdleRule {
    /// As [`IdlePolicy::suspend_after`].
    pub suspend_after: Option<Duration>,
    /// As [`IdlePolicy::stop_after`].
    pub stop_after: Option<Duration>,
    /// As [`IdlePolicy::max_age`].
    pub max_age: Option<Duration>,
    /// As [`IdlePolicy::keep_max`].
    pub keep_max: Option<Duration>,
}

/// The keys of a rule.
const RULE: [&str; 4] = ["suspend_after", "stop_after", "max_age", "keep_max"];

impl Default for IdlePolicy {
    fn default() -> Self {
        Self {
            suspend_after: Duration::from_secs(30 * 60),
            stop_after: NEVER,
            max_age: NEVER,
            keep_max: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl Default for Idle {
    fn default() -> Self {
        Self {
            everybody: IdlePolicy::default(),
            cpu_below: 5,
            cpu_window: Duration::from_secs(5 * 60),
            suspend_for_memory: true,
            groups: Vec::new(),
            users: Vec::new(),
        }
    }
}

impl Idle {
    /// What holds for a person's server. `groups`: the names of the person's Unix groups; `profile`: the rule of the
    /// profile that the server was started with.
    pub fn policy(&self, user: &UserName, groups: &[String], profile: Option<&IdleRule>) -> IdlePolicy {
        let theirs = self.users.iter().find(|(name, _)| name == user).map(|(_, rule)| *rule);
        let theirs = theirs.unwrap_or_default();
        let profile = profile.copied().unwrap_or_default();
        let of_groups = self.groups.iter().filter(|(name, _)| groups.contains(name)).map(|(_, rule)| *rule);
        let groups = of_groups.fold(IdleRule::default(), IdleRule::patient);
        let winner = theirs.or(profile).or(groups);
        let IdlePolicy { suspend_after, stop_after, max_age, keep_max } = self.everybody;
        IdlePolicy {
            suspend_after: winner.suspend_after.unwrap_or(suspend_after),
            stop_after: winner.stop_after.unwrap_or(stop_after),
            max_age: winner.max_age.unwrap_or(max_age),
            keep_max: winner.keep_max.unwrap_or(keep_max),
        }
    }

    /// Does the answer of [`Idle::policy`] depend on the groups of people?
    pub fn asks_for_groups(&self) -> bool {
        !self.groups.is_empty()
    }
}

impl IdleRule {
    /// What this says, and where it says nothing, what the other does.
    fn or(self, other: Self) -> Self {
        Self {
            suspend_after: self.suspend_after.or(other.suspend_after),
            stop_after: self.stop_after.or(other.stop_after),
            max_age: self.max_age.or(other.max_age),
            keep_max: self.keep_max.or(other.keep_max),
        }
    }

    /// The longer time of each key that one of the two says.
    fn patient(self, other: Self) -> Self {
        Self {
            suspend_after: self.suspend_after.max(other.suspend_after),
            stop_after: self.stop_after.max(other.stop_after),
            max_age: self.max_age.max(other.max_age),
            keep_max: self.keep_max.max(other.keep_max),
        }
    }

    fn set(&mut self, key: &str, v: &DeValue<'_>) -> Result<(), String> {
        let place = match key {
            "suspend_after" => &mut self.suspend_after,
            "stop_after" => &mut self.stop_after,
            "max_age" => &mut self.max_age,
            "keep_max" => {
                self.keep_max = Some(keep(v)?);
                return Ok(());
            }
            _ => return Err(near::unknown("key", near::nearest(key, RULE.into_iter(), SLIPS))),
        };
        *place = Some(value::time(v)?);
        Ok(())
    }
}

/// What a table such as `{ suspend_after = "10min" }` says over a rule.
pub(super) fn rule(rule: &mut IdleRule, v: &DeValue<'_>) -> Result<(), String> {
    let wanted = "a table such as { suspend_after = \"10min\", stop_after = \"24h\" }";
    let table = v.as_table().ok_or_else(|| value::expected(wanted, v))?;
    for (key, item) in table {
        let word: &str = key.get_ref();
        rule.set(word, item.get_ref()).map_err(|message| format!("{word}: {message}"))?;
    }
    Ok(())
}

pub(super) fn group(idle: &mut Idle, name: &str, v: &DeValue<'_>) -> Result<(), String> {
    if name.starts_with('@') {
        return Err("expected the name of a group without the @".to_owned());
    }
    value::unix_group(name)?;
    rule(entry(&mut idle.groups, name.to_owned()), v)
}

pub(super) fn user(idle: &mut Idle, name: &str, v: &DeValue<'_>) -> Result<(), String> {
    let name = UserName::parse(name).map_err(|error| format!("this is not the name of a user: {error}"))?;
    rule(entry(&mut idle.users, name), v)
}

/// The rule of that name, made if there is none; the list stays sorted.
fn entry<N: Ord + Clone>(list: &mut Vec<(N, IdleRule)>, name: N) -> &mut IdleRule {
    let at = match list.binary_search_by(|(known, _)| known.cmp(&name)) {
        Ok(at) => at,
        Err(at) => {
            list.insert(at, (name, IdleRule::default()));
            at
        }
    };
    // The place was just found or made.
    #[expect(clippy::indexing_slicing, reason = "the index comes from the search above")]
    &mut list[at].1
}

/// `"24h"`, `"infinity"` for as long as one likes, `"none"` for not at all.
pub(super) fn keep(v: &DeValue<'_>) -> Result<Duration, String> {
    if v.as_str() == Some("none") { Ok(Duration::ZERO) } else { value::time(v) }
}

/// A share of one CPU that an idle server stays below.
pub(super) fn cpu(v: &DeValue<'_>) -> Result<u32, String> {
    value::cpu(v)?.ok_or_else(|| value::expected("a share of one CPU such as \"5%\"", v))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn suspend(minutes: u32) -> IdleRule {
        IdleRule { suspend_after: Some(MINUTE * minutes), ..IdleRule::default() }
    }

    #[test]
    fn the_most_specific_rule_wins_key_by_key() {
        let alice = UserName::parse("alice").unwrap();
        let bob = UserName::parse("bob").unwrap();
        let stop = IdleRule { stop_after: Some(MINUTE * 90), ..suspend(20) };
        let idle = Idle {
            groups: vec![("gpu".into(), suspend(10)), ("staff".into(), stop)],
            users: vec![(alice.clone(), suspend(5))],
            ..Idle::default()
        };
        let groups = ["users", "staff", "gpu"].map(str::to_owned);
        let profile = suspend(15);
        let minutes = |policy: IdlePolicy| policy.suspend_after.as_secs() / 60;
        assert_eq!(minutes(idle.policy(&bob, &[], None)), 30, "everybody's");
        assert_eq!(minutes(idle.policy(&bob, &groups[2..], None)), 10, "one group's");
        assert_eq!(minutes(idle.policy(&bob, &groups, None)), 20, "the more patient group's");
        assert_eq!(minutes(idle.policy(&bob, &groups, Some(&profile))), 15, "the profile's");
        assert_eq!(minutes(idle.policy(&alice, &groups, Some(&profile))), 5, "the person's");
        let policy = idle.policy(&alice, &groups, Some(&profile));
        assert_eq!(policy.stop_after, MINUTE * 90, "what the person's rule leaves open, the group's says");
        assert_eq!(policy.max_age, NEVER, "and what that leaves open, the one for everybody");
    }

    #[test]
    fn never_is_the_most_patient() {
        let never = IdleRule { suspend_after: Some(NEVER), ..IdleRule::default() };
        assert_eq!(suspend(10).patient(never), never);
        assert_eq!(IdleRule::default().patient(suspend(10)), suspend(10));
    }
}
