//! What the wire contract says of scopes, fact by fact.

use super::super::*;

const ANN: Owner<'static> = Owner::User("ann");

/// The contract's table: name, filters by their letters (v: service), direct subscopes.
const TABLE: &str = "
    (no_scope) []
    self []
    inherit []
    admin-ui []
    admin:users [ug] admin:auth_state users read:roles:users delete:users
    admin:auth_state [ug]
    users [ug] read:users list:users users:activity
    delete:users [ug]
    list:users [ug] read:users:name
    read:users [ug] read:users:name read:users:groups read:users:activity
    read:users:name [ug]
    read:users:groups [ug]
    read:users:activity [ug]
    read:roles [ugv] read:roles:users read:roles:services read:roles:groups
    read:roles:users [ug]
    read:roles:services [v]
    read:roles:groups [g]
    users:activity [ug] read:users:activity
    admin:servers [ugs] admin:server_state servers
    admin:server_state [ugs]
    servers [ugs] read:servers start:servers delete:servers
    read:servers [ugs] read:users:name
    start:servers [ugs]
    delete:servers [ugs]
    tokens [ug] read:tokens
    read:tokens [ug]
    admin:groups [g] groups read:roles:groups delete:groups
    groups [g] read:groups list:groups
    list:groups [g] read:groups:name
    read:groups [g] read:groups:name
    read:groups:name [g]
    delete:groups [g]
    admin:services [v] list:services read:services read:roles:services
    list:services [v] read:services:name
    read:services [v] read:services:name
    read:services:name [v]
    read:hub []
    access:servers [ugs]
    access:services [v]
    users:shares [ug] read:users:shares
    read:users:shares [ug]
    groups:shares [g] read:groups:shares
    read:groups:shares [g]
    read:shares [ugs]
    shares [ugs] access:servers read:shares users:shares groups:shares
    proxy []
    shutdown []
    read:metrics []
";

/// Ann is in `lab`, nobody else is anywhere.
fn members(user: &str, group: &str) -> bool {
    (user, group) == ("ann", "lab")
}

fn expand(raw: &[&str]) -> Scopes {
    Catalog::default().expand(raw.iter().copied(), ANN, Some("ann/gpu"), None)
}

fn strings(raw: &[&str]) -> Vec<String> {
    expand(raw).to_strings()
}

fn custom(definitions: &[(&str, &str, &[&str])]) -> Result<Catalog, String> {
    Catalog::new(definitions.iter().map(|(name, description, subscopes)| {
        let subscopes = subscopes.iter().map(|subscope| (*subscope).to_owned()).collect();
        ((*name).to_owned(), Custom { description: (*description).to_owned(), subscopes })
    }))
}

#[test]
fn the_table_has_48_scopes_that_imply_each_other_by_name() {
    assert_eq!(definitions().len(), 48);
    let mut names: Vec<_> = definitions().iter().map(|definition| definition.name).collect();
    for definition in definitions() {
        for subscope in definition.subscopes {
            assert!(names.contains(subscope), "{} implies {subscope}", definition.name);
        }
        assert!(definition.description.ends_with('.'), "{}", definition.name);
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 48);
}

#[test]
fn the_table_is_the_contracts() {
    let letter = |kind: &Kind| match kind {
        Kind::User => 'u',
        Kind::Group => 'g',
        Kind::Server => 's',
        Kind::Service => 'v',
    };
    let rows = definitions().iter().map(|row| {
        let filters: String = row.filters.iter().map(letter).collect();
        format!("{} [{filters}] {}", row.name, row.subscopes.join(" ")).trim_end().to_owned()
    });
    let expected: Vec<&str> = TABLE.trim().lines().map(str::trim).collect();
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}

#[test]
fn subscopes_are_granted_all_the_way_down() {
    assert_eq!(
        strings(&["admin:users"]),
        [
            "admin:auth_state",
            "admin:users",
            "delete:users",
            "list:users",
            "read:roles:users",
            "read:users",
            "read:users:activity",
            "read:users:groups",
            "read:users:name",
            "users",
            "users:activity",
        ]
    );
}

#[test]
fn a_filter_passes_to_every_subscope() {
    assert_eq!(
        strings(&["groups!group=lab"]),
        ["groups!group=lab", "list:groups!group=lab", "read:groups!group=lab", "read:groups:name!group=lab"]
    );
}

#[test]
fn a_server_filter_does_not_reveal_the_user() {
    assert_eq!(strings(&["read:servers!server=bob/x"]), ["read:servers!server=bob/x"]);
    assert_eq!(strings(&["read:servers!user=bob"]), ["read:servers!user=bob", "read:users:name!user=bob"]);
    assert_eq!(
        strings(&["shares!server=bob/"]),
        [
            "access:servers!server=bob/",
            "groups:shares!server=bob/",
            "read:groups:shares!server=bob/",
            "read:shares!server=bob/",
            "shares!server=bob/",
            "users:shares!server=bob/",
        ]
    );
    assert!(expand(&["read:users!server=bob/x"]).is_empty());
}

#[test]
fn self_is_the_owners_resources_and_nothing_for_a_service() {
    let own = [
        "access:servers!user=ann",
        "delete:servers!user=ann",
        "read:servers!user=ann",
        "read:shares!user=ann",
        "read:tokens!user=ann",
        "read:users!user=ann",
        "read:users:activity!user=ann",
        "read:users:groups!user=ann",
        "read:users:name!user=ann",
        "read:users:shares!user=ann",
        "servers!user=ann",
        "start:servers!user=ann",
        "tokens!user=ann",
        "users:activity!user=ann",
        "users:shares!user=ann",
    ];
    assert_eq!(strings(USER_ROLE), own);
    let again: Vec<&str> = own.to_vec();
    assert_eq!(strings(&again), own, "the list is closed under subscopes");
    let service = Catalog::default().expand(USER_ROLE.iter().copied(), Owner::Service("cull"), None, None);
    assert!(service.is_empty());
}

#[test]
fn inherit_is_what_the_caller_says_and_never_stays() {
    let catalog = Catalog::default();
    let owners = expand(&["self", "read:hub"]);
    let token = catalog.expand(TOKEN_ROLE.iter().copied(), ANN, None, Some(&owners));
    assert_eq!(token, owners);
    let mixed = catalog.expand(["inherit", "proxy"], ANN, None, Some(&expand(&["read:hub"])));
    assert_eq!(mixed.to_strings(), ["proxy", "read:hub"]);
    assert!(expand(&["inherit", "(no_scope)"]).is_empty());
}

#[test]
fn filters_that_refer_to_oneself_are_resolved_or_dropped() {
    let catalog = Catalog::default();
    let expand = |raw: &str, owner, issuer| catalog.expand_issued([raw], owner, issuer, None).to_strings();
    let (cull, gpu, news) = (Owner::Service("cull"), Some(Issuer::Server("bob/gpu")), Some(Issuer::Service("news")));
    assert_eq!(expand("tokens!user", ANN, gpu), ["read:tokens!user=ann", "tokens!user=ann"]);
    assert_eq!(expand("tokens!user", cull, gpu), [""; 0]);
    assert_eq!(expand("access:servers!server", ANN, gpu), ["access:servers!server=bob/gpu"]);
    assert_eq!(expand("access:servers!server", ANN, None), [""; 0]);
    assert_eq!(expand("access:servers!server", ANN, Some(Issuer::Server("no-slash"))), [""; 0]);
    assert_eq!(expand("access:services!service", cull, None), ["access:services!service=cull"]);
    assert_eq!(expand("access:services!service", ANN, news), ["access:services!service=news"]);
    assert_eq!(expand("access:services!service", cull, news), ["access:services!service=news"]);
    assert_eq!(expand("access:services!service", ANN, None), [""; 0]);
}

#[test]
fn the_server_role_is_for_one_server() {
    assert_eq!(
        strings(SERVER_ROLE),
        ["access:servers!server=ann/gpu", "read:users:activity!user=ann", "users:activity!user=ann"]
    );
}

#[test]
fn the_admin_role_is_everything_but_the_metascopes() {
    let admin = expand(ADMIN_ROLE);
    let held: Vec<&str> = admin.iter().map(|(scope, _)| scope).collect();
    let missing: Vec<&str> = definitions().iter().map(|row| row.name).filter(|name| !held.contains(name)).collect();
    assert_eq!(missing, ["(no_scope)", "self", "inherit"]);
    assert!(admin.iter().all(|(_, holding)| *holding == Holding::All));
    assert!(admin.contains(&expand(USER_ROLE), &members));
}

#[test]
fn what_cannot_be_read_is_refused_with_its_reason() {
    let catalog = Catalog::default();
    let unknown = |text: &str| Err(ScopeError::Unknown(text.to_owned()));
    let filter = |text: &str| Err(ScopeError::Filter(text.to_owned()));
    for text in ["", "bogus", "bogus!user=ann", "read:user", "READ:USERS", " read:users", "custom:none", "!user=ann"] {
        assert_eq!(catalog.parse(text), unknown(text), "{text}");
    }
    for text in [
        "read:users!",
        "read:users!users=ann",
        "read:users!user=",
        "read:users!group",
        "read:users!=ann",
        "read:users!User=ann",
        "read:users!user=ann!group=lab",
        "servers!server=ann",
        "servers!server=/x",
        "self!user=bob",
        "inherit!user",
        "(no_scope)!user",
    ] {
        assert_eq!(catalog.parse(text), filter(text), "{text}");
        assert!(expand(&[text]).is_empty(), "{text}");
    }
    for text in ["all", "all!user"] {
        assert_eq!(catalog.parse(text), Err(ScopeError::All));
    }
    assert!(ScopeError::All.to_string().contains("inherit"));
}

#[test]
fn names_stand_in_scopes_raw() {
    for text in [
        "read:users",
        "read:users!user",
        "access:servers!server",
        "access:services!service=a b",
        "access:servers!server=zoë@example.org/lab",
        "access:servers!server=ann/",
        "access:servers!user=a%2Fb=c!d",
        "read:groups!group=DOMAIN\\domain users",
    ] {
        let parsed = Catalog::default().parse(text);
        assert_eq!(parsed.map(|scope| scope.to_string()), Ok(text.to_owned()));
    }
    assert_eq!(strings(&["access:servers!user=a!b"]), ["access:servers!user=a!b"]);
}

#[test]
fn an_unfiltered_scope_covers_everything_and_stands_alone() {
    let scopes = expand(&["access:servers!user=bob", "access:servers", "access:servers!server=ann/x"]);
    assert_eq!(scopes.to_strings(), ["access:servers"]);
    assert_eq!(scopes.covers("access:servers", Resource::Any, &members), Cover::Covered);
}

#[test]
fn a_filter_covers_what_lies_within_it() {
    use Cover::{Covered, NotHeld, Outside};
    let server = |user, server| Resource::Server { user, server };
    for (raw, resource, expected) in [
        ("servers!user=bob", Resource::User("bob"), Covered),
        ("servers!user=bob", server("bob", ""), Covered),
        ("servers!user=bob", server("ann", ""), Outside),
        ("servers!user=bob", Resource::Any, Outside),
        ("servers!server=bob/x", server("bob", "x"), Covered),
        ("servers!server=bob/x", server("bob", ""), Outside),
        ("servers!server=bob/", server("bob", ""), Covered),
        ("servers!server=bob/x", server("ann", "x"), Outside),
        ("servers!server=bob/x", Resource::User("bob"), Outside),
        ("servers!group=lab", Resource::User("ann"), Covered),
        ("servers!group=lab", server("ann", "x"), Covered),
        ("servers!group=lab", Resource::User("bob"), Outside),
        ("servers!group=lab", Resource::Group("lab"), Covered),
        ("servers!user=ann", Resource::Group("lab"), Outside),
        ("servers!group=lab", Resource::Group("bob"), Outside),
        ("servers!service=ann", Resource::User("ann"), Outside),
        ("servers!service=ann", Resource::Service("ann"), Covered),
        ("servers", server("bob", "x"), Covered),
        ("tokens", server("bob", "x"), NotHeld),
    ] {
        assert_eq!(expand(&[raw]).covers("servers", resource, &members), expected, "{raw} {resource:?}");
    }
}

#[test]
fn the_best_of_the_accepted_scopes_counts() {
    let scopes = expand(&["read:users!user=ann", "read:servers!user=bob"]);
    let any = |accepted: &[&str], user| scopes.covers_any(accepted, Resource::User(user), &members);
    assert_eq!(any(&["read:users", "read:servers"], "bob"), Cover::Covered);
    assert_eq!(any(&["read:servers", "read:users"], "cy"), Cover::Outside);
    assert_eq!(any(&["proxy", "read:users"], "cy"), Cover::Outside);
    assert_eq!(any(&["proxy"], "ann"), Cover::NotHeld);
    assert_eq!(any(&[], "ann"), Cover::NotHeld);
}

#[test]
fn an_intersection_is_the_narrower_filter() {
    for (one, other, common) in [
        ("proxy", "proxy", &["proxy"][..]),
        ("proxy", "shutdown", &[]),
        ("access:servers", "access:servers!user=bob", &["access:servers!user=bob"]),
        ("access:servers!user=bob", "access:servers!server=bob/x", &["access:servers!server=bob/x"]),
        ("access:servers!user=bob", "access:servers!server=ann/x", &[]),
        ("access:servers!server=bob/", "access:servers!server=bob/x", &[]),
        ("access:servers!group=lab", "access:servers!user=ann", &["access:servers!user=ann"]),
        ("access:servers!group=lab", "access:servers!user=bob", &[]),
        ("access:servers!group=lab", "access:servers!server=ann/x", &["access:servers!server=ann/x"]),
        ("access:servers!group=lab", "access:servers!group=lab", &["access:servers!group=lab"]),
        ("access:servers!group=lab", "access:servers!group=crew", &[]),
        ("access:services!service=a", "access:services!service=a", &["access:services!service=a"]),
        ("access:services!service=a", "access:services!user=a", &[]),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            let found = expand(&[one]).intersect(&expand(&[other]), &members);
            assert_eq!(found.to_strings(), common, "{one} and {other}");
            assert_eq!(found.is_empty(), common.is_empty());
        }
    }
}

#[test]
fn a_token_shrinks_when_its_owner_loses_a_role() {
    let token = expand(&["access:servers", "read:hub", "tokens!user"]);
    let admin = expand(ADMIN_ROLE);
    assert!(admin.contains(&token, &members));
    assert_eq!(token.intersect(&admin, &members), token);
    let user = expand(USER_ROLE);
    assert_eq!(
        token.intersect(&user, &members).to_strings(),
        ["access:servers!user=ann", "read:tokens!user=ann", "tokens!user=ann"]
    );
    assert_eq!(user.missing(&token, &members), ["access:servers", "read:hub"]);
}

#[test]
fn a_membership_may_be_a_closure_or_a_type() {
    struct Nobody;
    impl Membership for Nobody {
        fn is_member(&self, _: &str, _: &str) -> bool {
            false
        }
    }
    let scopes = expand(&["tokens!group=lab"]);
    assert_eq!(scopes.covers("tokens", Resource::User("ann"), &Nobody), Cover::Outside);
    assert_eq!(scopes.covers("tokens", Resource::User("ann"), &|_: &str, _: &str| true), Cover::Covered);
}

#[test]
fn custom_scopes_imply_custom_scopes_with_their_filter() {
    let catalog = custom(&[
        ("custom:jobs:write", "Queue jobs.", &["custom:jobs:read", "custom:jobs:*"]),
        ("custom:jobs:read", "See jobs.", &[]),
        ("custom:jobs:*", "Anything with jobs.", &["custom:jobs:read"]),
    ])
    .unwrap();
    let scopes = catalog.expand(["custom:jobs:write!user", "custom:unknown"], ANN, None, None);
    assert_eq!(
        scopes.to_strings(),
        ["custom:jobs:*!user=ann", "custom:jobs:read!user=ann", "custom:jobs:write!user=ann"]
    );
    assert_eq!(catalog.description("custom:jobs:read!user=ann"), Some("See jobs."));
    assert_eq!(catalog.description("custom:jobs"), None);
    assert_eq!(Catalog::default().description("custom:jobs:read"), None);
}

#[test]
fn a_wrong_definition_of_a_custom_scope_is_an_error() {
    for name in ["custom:ab0", "custom:0-*", "custom:a:_", "custom:a**"] {
        assert!(custom(&[(name, "Something.", &[])]).is_ok(), "{name}");
    }
    for name in ["jobs", "read:users", "custom:", "custom:ab", "custom:Abc", "custom:-ab", "custom:ab-", "custom:ab:"] {
        let error = custom(&[(name, "Something.", &[])]).unwrap_err();
        assert!(error.contains(&format!("'{name}'")), "{error}");
    }
    for (definitions, why) in [
        (&[("custom:one", " ", &[][..])][..], "no description"),
        (&[("custom:one", "One.", &[]), ("custom:one", "Two.", &[])], "twice"),
        (&[("custom:one", "One.", &["custom:two"])], "'custom:two' is not"),
        (&[("custom:one", "One.", &["read:users"])], "'read:users' is not"),
        (&[("custom:one", "One.", &["custom:two!user"]), ("custom:two", "Two.", &[])], "'custom:two!user' is not"),
        (&[("custom:one", "One.", &["custom:one"])], "implies itself"),
        (&[("custom:one", "One.", &["custom:two"]), ("custom:two", "Two.", &["custom:one"])], "implies itself"),
    ] {
        let error = custom(definitions).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn who_the_owner_is_may_always_be_told() {
    assert_eq!(identify(ANN), ["read:users:groups!user=ann", "read:users:name!user=ann"]);
    assert_eq!(identify(Owner::Service("cull")), ["read:services:name!service=cull"]);
    let identity = identify(ANN);
    let identity = Catalog::default().expand(identity.iter().map(String::as_str), ANN, None, None);
    assert!(expand(USER_ROLE).contains(&identity, &members));
}

#[test]
fn a_person_reads_each_thing_once() {
    let catalog = Catalog::default();
    let said = |raw: &[&str]| -> Vec<String> {
        let sentences = catalog.sentences(raw.iter().copied(), ANN, Some(Issuer::Server("ann/gpu")));
        sentences.into_iter().map(|sentence| sentence.scope.to_string()).collect()
    };
    assert_eq!(said(&["read:users:name!user", "self", "tokens!user=ann", "proxy"]), ["self", "proxy"]);
    assert_eq!(said(&["read:servers", "servers", "start:servers", "servers"]), ["servers"]);
    assert_eq!(said(&["access:servers!server", "access:servers!user"]), ["access:servers!user=ann"]);
    assert_eq!(said(&["access:servers!server=bob/", "access:servers!user"]).len(), 2);
    assert_eq!(said(&["access:servers!group=lab", "access:servers!user"]).len(), 2);
    assert_eq!(said(&["proxy", "inherit", "self"]), ["inherit"]);
    assert_eq!(said(&["bogus", "(no_scope)", "access:services!service"]), [""; 0]);
    let sentences = catalog.sentences(["tokens!user"], ANN, None);
    assert_eq!(sentences[0].text, "Create, see and revoke API tokens.");
}
