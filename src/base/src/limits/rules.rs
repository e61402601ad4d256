//! Which rule wins.
//!
//! Limit by limit: what is said of the person beats what the chosen profile says, that beats what is said of the
//! person's groups, and that beats what is said of everybody. Of several groups the most generous one counts. A rule
//! that says nothing of a limit leaves it to the next one.

use std::collections::BTreeMap;
use std::fmt;

use super::{Amount, Limit, Limits};
use crate::names::UserName;

/// What is said of some people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Of each of their servers.
    pub server: Limits,
    /// Of all servers of one person together: the person's slice.
    pub per_person: Limits,
}

/// Every rule of the configuration but those of profiles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// `[limits]`
    pub everybody: Rule,
    /// `[limits.group.NAME]`, by the names of Unix groups.
    pub groups: BTreeMap<String, Rule>,
    /// `[limits.user.NAME]`
    pub users: BTreeMap<UserName, Rule>,
    /// `[limits.all-together]`: all servers of all people, `jupyter.slice`.
    pub all_together: Limits,
}

/// Whose server.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The account.
    pub name: &'a UserName,
    /// The names of all its Unix groups.
    pub groups: &'a [String],
}

/// Where an amount was said, in the words of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `[limits]`
    Everybody,
    /// `[limits.group.NAME]`
    Group(String),
    /// `limits` of the `[[profile]]` of that name.
    Profile(String),
    /// `[limits.user.NAME]`
    User(UserName),
    /// `[limits.all-together]`
    AllTogether,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("limits"),
            Self::Group(name) => write!(f, "limits.group.{name}"),
            Self::Profile(name) => write!(f, "profile[{name}].limits"),
            Self::User(name) => write!(f, "limits.user.{name}"),
            Self::AllTogether => f.write_str("limits.all-together"),
        }
    }
}

/// The amount that counts, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Never a share: those are numbers by now.
    pub amount: Amount,
    /// The rule that won.
    pub source: Source,
}

/// What counts for one server or slice.
pub type Effective = BTreeMap<Limit, Decided>;

impl Rules {
    /// What counts for a server. `profile`: the chosen one's name and limits; `memory`: the machine's, bytes.
    pub fn of_server(&self, person: Person<'_>, profile: Option<(&str, &Limits)>, memory: u64) -> Effective {
        self.decide(person, profile, memory, |rule| &rule.server)
    }

    /// What counts for all servers of one person together.
    pub fn of_person(&self, person: Person<'_>, memory: u64) -> Effective {
        self.decide(person, None, memory, |rule| &rule.per_person)
    }

    /// What counts for all servers of all people.
    pub fn of_all(&self, memory: u64) -> Effective {
        let mut effective = Effective::new();
        lay(&mut effective, &self.all_together, memory, &Source::AllTogether);
        effective
    }

    /// Does any rule say something of this limit?
    pub fn speak_of(&self, limit: Limit) -> bool {
        let rules = std::iter::once(&self.everybody).chain(self.groups.values()).chain(self.users.values());
        let mut all = rules.flat_map(|rule| [&rule.server, &rule.per_person]).chain([&self.all_together]);
        all.any(|limits| limits.get(limit).is_some())
    }

    fn decide(
        &self,
        person: Person<'_>,
        profile: Option<(&str, &Limits)>,
        memory: u64,
        part: impl Fn(&Rule) -> &Limits,
    ) -> Effective {
        let mut effective = Effective::new();
        lay(&mut effective, part(&self.everybody), memory, &Source::Everybody);
        effective.extend(self.of_groups(person.groups, memory, &part));
        if let Some((name, limits)) = profile {
            lay(&mut effective, limits, memory, &Source::Profile(name.to_owned()));
        }
        if let Some(rule) = self.users.get(person.name) {
            lay(&mut effective, part(rule), memory, &Source::User(person.name.clone()));
        }
        effective
    }

    /// The most generous amounts of all groups that are named, in the order of their names.
    fn of_groups(&self, groups: &[String], memory: u64, part: impl Fn(&Rule) -> &Limits) -> Effective {
        let mut best = Effective::new();
        for (name, rule) in self.groups.iter().filter(|(name, _)| groups.contains(name)) {
            for (limit, amount) in part(rule).iter() {
                let amount = amount.on(memory);
                let source = Source::Group(name.clone());
                match best.get_mut(&limit) {
                    None => drop(best.insert(limit, Decided { amount, source })),
                    Some(known) => {
                        let generous = known.amount.clone().generous(amount);
                        if generous != known.amount {
                            *known = Decided { amount: generous, source };
                        }
                    }
                }
            }
        }
        best
    }
}

/// Puts one rule over those below it.
fn lay(effective: &mut Effective, limits: &Limits, memory: u64, source: &Source) {
    for (limit, amount) in limits.iter() {
        effective.insert(limit, Decided { amount: amount.on(memory), source: source.clone() });
    }
}
