//! The algebra of scopes, against a model that enumerates a small world and decides by definition.
//!
//! The model knows raw scopes as (name, filter) and answers for one resource at a time; it shares the table of
//! definitions with the code and nothing else.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::*;

const OWNER: &str = "ann";
const SERVER: &str = "bob/lab";
const USERS: [&str; 3] = ["ann", "bob", "cy"];
const GROUPS: [&str; 3] = ["crew", "lab", "void"];
const SERVERS: [&str; 2] = ["", "lab"];
const SERVICES: [&str; 2] = ["ann", "news"];
const OWN: [&str; 15] = [
    "read:users",
    "read:users:name",
    "read:users:groups",
    "read:users:activity",
    "users:activity",
    "servers",
    "read:servers",
    "start:servers",
    "delete:servers",
    "tokens",
    "read:tokens",
    "access:servers",
    "users:shares",
    "read:users:shares",
    "read:shares",
];

/// Which of [`USERS`] are in which of [`GROUPS`]; nobody is in the last one.
type Groups = [[bool; 3]; 2];

/// A raw scope as the model sees it: `None` is no filter, otherwise kind and value.
type Rule = (String, Option<(&'static str, String)>);

fn catalog() -> Catalog {
    let custom = |subscopes: &[&str]| Custom {
        description: "Something.".to_owned(),
        subscopes: subscopes.iter().map(|name| (*name).to_owned()).collect(),
    };
    Catalog::new([
        ("custom:jobs".to_owned(), custom(&["custom:jobs:read"])),
        ("custom:jobs:read".to_owned(), custom(&[])),
    ])
    .unwrap()
}

fn names() -> Vec<&'static str> {
    definitions().iter().map(|row| row.name).chain(["custom:jobs", "custom:jobs:read"]).collect()
}

/// Names close to each other, so that two random lists often meet.
fn raw_scope() -> impl Strategy<Value = String> {
    let near =
        vec!["access:servers", "servers", "read:servers", "shares", "self", "admin:users", "groups", "custom:jobs"];
    let mut filters = vec![String::new(), "!user".to_owned(), "!server".to_owned(), "!service".to_owned()];
    filters.extend(USERS.iter().map(|user| format!("!user={user}")));
    filters.extend(GROUPS.iter().map(|group| format!("!group={group}")));
    filters.extend(SERVICES.iter().map(|service| format!("!service={service}")));
    filters.extend(USERS.iter().flat_map(|user| SERVERS.iter().map(move |server| format!("!server={user}/{server}"))));
    let name = prop_oneof![3 => select(near), 1 => select(names())];
    (name, select(filters)).prop_map(|(name, filter)| format!("{name}{filter}"))
}

fn raw() -> impl Strategy<Value = Vec<String>> {
    vec(raw_scope(), 0..6)
}

fn expand(raw: &[String]) -> Scopes {
    catalog().expand(raw.iter().map(String::as_str), Owner::User(OWNER), Some(SERVER), None)
}

fn is_in(groups: Groups, user: &str, group: &str) -> bool {
    let user = USERS.iter().position(|name| *name == user);
    let group = GROUPS.iter().position(|name| *name == group);
    matches!((user, group), (Some(user), Some(group)) if group < 2 && groups[group][user])
}

/// Every question that can be asked in this world.
fn questions() -> Vec<(&'static str, Resource<'static>)> {
    let mut resources = vec![Resource::Any];
    resources.extend(USERS.map(Resource::User));
    resources.extend(GROUPS.map(Resource::Group));
    resources.extend(SERVICES.map(Resource::Service));
    resources.extend(USERS.iter().flat_map(|user| SERVERS.map(|server| Resource::Server { user, server })));
    names().into_iter().flat_map(|name| resources.iter().map(move |resource| (name, *resource))).collect()
}

/// The rules of a raw scope by definition: metascopes replaced, references resolved, nothing for what means nothing.
fn rules(raw: &[String]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for text in raw {
        let (name, filter) = text.split_once('!').map_or((text.as_str(), None), |(name, filter)| (name, Some(filter)));
        let filter = match filter {
            None => None,
            Some("user") => Some(("user", OWNER.to_owned())),
            Some("server") => Some(("server", SERVER.to_owned())),
            Some("service") => continue,
            Some(filter) => {
                let (kind, value) = filter.split_once('=').unwrap();
                let kind = ["user", "group", "server", "service"].into_iter().find(|known| *known == kind).unwrap();
                Some((kind, value.to_owned()))
            }
        };
        match (name, &filter) {
            ("self", None) => {
                rules.extend(OWN.iter().map(|name| ((*name).to_owned(), Some(("user", OWNER.to_owned())))));
            }
            ("self" | "inherit" | "(no_scope)", _) => {}
            _ => rules.push((name.to_owned(), filter)),
        }
    }
    rules
}

fn implies(scope: &str, wanted: &str) -> bool {
    scope == wanted
        || (scope, wanted) == ("custom:jobs", "custom:jobs:read")
        || definitions()
            .iter()
            .find(|row| row.name == scope)
            .is_some_and(|row| row.subscopes.iter().any(|subscope| implies(subscope, wanted)))
}

fn rule_permits(rule: &Rule, scope: &str, resource: Resource<'_>, groups: Groups) -> bool {
    let (name, filter) = rule;
    if !implies(name, scope) {
        return false;
    }
    let Some((kind, value)) = filter else { return true };
    if *kind == "server" && scope.starts_with("read:user") {
        return false;
    }
    match (*kind, resource) {
        ("user", Resource::User(user) | Resource::Server { user, .. }) => value == user,
        ("group", Resource::User(user) | Resource::Server { user, .. }) => is_in(groups, user, value),
        ("group", Resource::Group(group)) => value == group,
        ("server", Resource::Server { user, server }) => *value == format!("{user}/{server}"),
        ("service", Resource::Service(service)) => value == service,
        _ => false,
    }
}

fn permits(rules: &[Rule], scope: &str, resource: Resource<'_>, groups: Groups) -> bool {
    rules.iter().any(|rule| rule_permits(rule, scope, resource, groups))
}

/// The one intersection that no scope can express: through two different groups.
fn expressible(one: &Rule, other: &Rule) -> bool {
    !matches!((&one.1, &other.1), (Some(("group", one)), Some(("group", other))) if one != other)
}

fn covers(scopes: &Scopes, scope: &str, resource: Resource<'_>, groups: Groups) -> bool {
    scopes.covers(scope, resource, &|user: &str, group: &str| is_in(groups, user, group)) == Cover::Covered
}

fn respell(scopes: &Scopes) -> Scopes {
    expand(&scopes.to_strings())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_expansion_permits_what_its_scopes_permit(a in raw(), groups: Groups) {
        let (rules, scopes) = (rules(&a), expand(&a));
        for (scope, resource) in questions() {
            prop_assert_eq!(
                covers(&scopes, scope, resource, groups), permits(&rules, scope, resource, groups),
                "{} for {:?}", scope, resource
            );
        }
    }

    #[test]
    fn a_scope_is_held_if_it_covers_something(a in raw()) {
        let scopes = expand(&a);
        // Everybody is in the groups, so each filter of this world has something to cover.
        let everybody = [[true; 3]; 2];
        for name in names() {
            let something = questions().iter().any(|(scope, resource)| {
                *scope == name && covers(&scopes, scope, *resource, everybody)
            });
            prop_assert_eq!(scopes.holding(name).is_some(), something, "{}", name);
        }
    }

    #[test]
    fn a_union_permits_what_either_permits(a in raw(), b in raw(), groups: Groups) {
        let mut union = expand(&a);
        union.add(&expand(&b));
        let (a, b) = (rules(&a), rules(&b));
        for (scope, resource) in questions() {
            let either = permits(&a, scope, resource, groups) || permits(&b, scope, resource, groups);
            prop_assert_eq!(covers(&union, scope, resource, groups), either, "{} for {:?}", scope, resource);
        }
    }

    #[test]
    fn an_intersection_permits_what_both_permit_and_never_more(a in raw(), b in raw(), groups: Groups) {
        let members = |user: &str, group: &str| is_in(groups, user, group);
        let common = expand(&a).intersect(&expand(&b), &members);
        let (a, b) = (rules(&a), rules(&b));
        for (scope, resource) in questions() {
            let found = covers(&common, scope, resource, groups);
            let both = permits(&a, scope, resource, groups) && permits(&b, scope, resource, groups);
            prop_assert!(both || !found, "wider: {} for {:?}", scope, resource);
            let due = a.iter().any(|one| b.iter().any(|other| {
                expressible(one, other)
                    && rule_permits(one, scope, resource, groups)
                    && rule_permits(other, scope, resource, groups)
            }));
            prop_assert!(found || !due, "narrower: {} for {:?}", scope, resource);
        }
    }

    #[test]
    fn an_intersection_has_no_sides_and_lies_within_both(a in raw(), b in raw(), groups: Groups) {
        let members = |user: &str, group: &str| is_in(groups, user, group);
        let (a, b) = (expand(&a), expand(&b));
        let common = a.intersect(&b, &members);
        prop_assert_eq!(&common, &b.intersect(&a, &members));
        prop_assert!(a.contains(&common, &members) && b.contains(&common, &members));
        prop_assert_eq!(&a.intersect(&a, &members), &a);
    }

    #[test]
    fn containing_is_permitting_at_least_as_much(a in raw(), b in raw(), groups: Groups) {
        let members = |user: &str, group: &str| is_in(groups, user, group);
        let (wide, narrow) = (expand(&a), expand(&b));
        let (a, b) = (rules(&a), rules(&b));
        let by_definition = questions().iter().all(|(scope, resource)| {
            permits(&a, scope, *resource, groups) || !permits(&b, scope, *resource, groups)
        });
        prop_assert_eq!(wide.contains(&narrow, &members), by_definition);
    }

    #[test]
    fn what_is_missing_makes_the_difference(a in raw(), b in raw(), groups: Groups) {
        let members = |user: &str, group: &str| is_in(groups, user, group);
        let (mut wide, narrow) = (expand(&a), expand(&b));
        let missing = wide.missing(&narrow, &members);
        prop_assert_eq!(missing.is_empty(), wide.contains(&narrow, &members));
        let (a, all) = (rules(&a), narrow.to_strings());
        prop_assert!(missing.is_sorted() && missing.iter().all(|scope| all.contains(scope)));
        for text in &all {
            let one = rules(std::slice::from_ref(text));
            let name = one[0].0.as_str();
            let covered = questions().iter().filter(|(scope, _)| *scope == name).all(|(scope, resource)| {
                permits(&a, scope, *resource, groups) || !permits(&one, scope, *resource, groups)
            });
            prop_assert_eq!(!covered, missing.contains(text), "{}", text);
        }
        wide.add(&expand(&missing));
        prop_assert!(wide.contains(&narrow, &members));
    }

    #[test]
    fn what_is_written_is_read_back(a in raw(), b in raw(), groups: Groups) {
        let (a, b) = (expand(&a), expand(&b));
        prop_assert_eq!(&respell(&a), &a);
        let mut union = a.clone();
        union.add(&b);
        prop_assert_eq!(&respell(&union), &union);
        let members = |user: &str, group: &str| is_in(groups, user, group);
        let common = a.intersect(&b, &members);
        let again = respell(&common);
        prop_assert!(again.contains(&common, &members) && common.contains(&again, &members));
        prop_assert!(a.to_strings().is_sorted());
    }

    #[test]
    fn sentences_leave_nothing_out_and_say_nothing_twice(a in raw()) {
        let catalog = catalog();
        let sentences = catalog.sentences(a.iter().map(String::as_str), Owner::User(OWNER), Some(Issuer::Server(SERVER)));
        let said: Vec<String> = sentences.iter().map(|sentence| sentence.scope.to_string()).collect();
        if said == ["inherit"] {
            return Ok(());
        }
        let nobody = |_: &str, _: &str| false;
        let (all, rest) = (expand(&a), expand(&said));
        prop_assert!(all.contains(&rest, &nobody) && rest.contains(&all, &nobody));
        for (place, scope) in said.iter().enumerate() {
            for (other_place, other) in said.iter().enumerate() {
                let others = expand(std::slice::from_ref(other));
                prop_assert!(place == other_place || !others.contains(&expand(std::slice::from_ref(scope)), &nobody));
            }
        }
    }
}
