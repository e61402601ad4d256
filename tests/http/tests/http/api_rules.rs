//! Random calls about people, groups and tokens, against a model of the rules that knows nothing of the hub.
//!
//! After each call the hub's lists are compared with the model's, so a refused call that changed something is found.

use std::collections::{BTreeMap, BTreeSet};

use hubd_base::names::esc;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::api_client::{Client, Told};
use crate::world::World;

/// Everything an administrator may do, for the group `crew` and its members only.
const CREW: [&str; 10] = [
    "admin:users!group=crew",
    "delete:users!group=crew",
    "list:users!group=crew",
    "tokens!group=crew",
    "read:tokens!group=crew",
    "groups!group=crew",
    "read:groups!group=crew",
    "admin:groups!group=crew",
    "delete:groups!group=crew",
    "list:groups!group=crew",
];

/// Who calls.
#[derive(Clone, Copy, Debug)]
enum Actor {
    /// `boss`, with all rights.
    Admin,
    /// `olive`, with her own.
    Ordinary,
    /// A token of `boss` with [`CREW`].
    Crew,
}

#[derive(Clone, Debug)]
enum Call {
    ListUsers { filter: &'static str },
    ShowUser(String),
    CreateUsers { names: Vec<String>, admin: bool },
    CreateUser { name: String, body: Value },
    ChangeUser { name: String, body: Value },
    DeleteUser(String),
    ListGroups,
    ShowGroup(String),
    CreateGroups { names: Vec<String>, users: Vec<String> },
    CreateGroup { name: String, users: Vec<String> },
    DeleteGroup(String),
    AddMembers { group: String, users: Vec<String> },
    RemoveMembers { group: String, users: Vec<String> },
    SetProperties { group: String, properties: Value },
    ListTokens(String),
    CreateToken { user: String, body: Value },
    DeleteToken { user: String, which: usize },
}

/// What the answer must be.
#[derive(Debug, PartialEq)]
enum Expected {
    Status(u16),
    /// 200, and these values of that field.
    Names(&'static str, Vec<String>),
}

use Expected::{Names, Status};

#[derive(Debug)]
struct Group {
    name: String,
    members: BTreeSet<String>,
    properties: Value,
}

/// The rules.
#[derive(Debug)]
struct Model {
    /// Name and flag, in the order of their coming.
    users: Vec<(String, bool)>,
    groups: Vec<Group>,
    /// Notes and ids of the tokens made here.
    tokens: BTreeMap<String, Vec<(String, String)>>,
    made: usize,
}

/// 404 for what is outside of a filter, 403 for what is not held at all.
type Refusal = Option<u16>;

/// What a name means.
enum Meant {
    Known(String),
    Account(String),
    Nobody,
    Impossible,
}

impl Model {
    fn new() -> Self {
        Self {
            users: vec![("boss".into(), true), ("olive".into(), false)],
            groups: Vec::new(),
            tokens: BTreeMap::new(),
            made: 0,
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.users.iter().any(|(known, _)| known == name)
    }

    fn group(&mut self, name: &str) -> Option<&mut Group> {
        self.groups.iter_mut().find(|group| group.name == name)
    }

    fn in_crew(&self, user: &str) -> bool {
        self.groups.iter().any(|group| group.name == "crew" && group.members.contains(user))
    }

    fn meaning(&self, name: &str) -> Meant {
        let lower = name.to_lowercase();
        if name.is_empty() || name.contains('/') {
            Meant::Impossible
        } else if self.knows(&lower) {
            Meant::Known(lower)
        } else if lower.starts_with("no-") {
            Meant::Nobody
        } else {
            Meant::Account(lower)
        }
    }

    /// `own`: whether everybody holds the scope for themselves.
    fn on_user(&self, actor: Actor, user: &str, own: bool) -> Refusal {
        match actor {
            Actor::Admin => None,
            Actor::Crew => (!self.in_crew(user)).then_some(404),
            Actor::Ordinary if !own => Some(403),
            Actor::Ordinary => (user != "olive").then_some(404),
        }
    }

    fn on_group(actor: Actor, group: &str) -> Refusal {
        match actor {
            Actor::Admin => None,
            Actor::Crew => (group != "crew").then_some(404),
            Actor::Ordinary => Some(403),
        }
    }

    fn on_all(actor: Actor) -> Refusal {
        if matches!(actor, Actor::Admin) { None } else { Some(403) }
    }

    fn expect(&mut self, actor: Actor, call: &Call) -> Expected {
        self.rule(actor, call).unwrap_or_else(Status)
    }

    fn rule(&mut self, actor: Actor, call: &Call) -> Result<Expected, u16> {
        let refuse = |refusal: Refusal| refusal.map_or(Ok(()), Err);
        match call {
            Call::ListUsers { filter } => {
                if matches!(actor, Actor::Ordinary) {
                    return Err(403);
                }
                let listed = |name: &str| matches!(actor, Actor::Admin) || self.in_crew(name);
                let names = self.users.iter().map(|(name, _)| name.clone());
                Ok(Names("name", names.filter(|name| listed(name) && name.contains(&filter.to_lowercase())).collect()))
            }
            Call::ShowUser(name) => {
                // Every token tells who its owner is.
                if !(matches!(actor, Actor::Crew) && name == "boss") {
                    refuse(self.on_user(actor, name, true))?;
                }
                Ok(Status(if self.knows(name) { 200 } else { 404 }))
            }
            Call::CreateUsers { names, admin } => {
                refuse(Self::on_all(actor))?;
                self.create_users(names, *admin).map(|()| Status(201))
            }
            Call::CreateUser { name, body } => {
                refuse(self.on_user(actor, name, false))?;
                if matches!(self.meaning(name), Meant::Known(_)) {
                    return Err(409);
                }
                let admin = flag(body)?;
                self.create_users(std::slice::from_ref(name), admin.unwrap_or(false)).map(|()| Status(201))
            }
            Call::ChangeUser { name, body } => {
                refuse(self.on_user(actor, name, false))?;
                if !self.knows(name) {
                    return Err(404);
                }
                self.change(actor, name, body).map(|()| Status(200))
            }
            Call::DeleteUser(name) => {
                refuse(self.on_user(actor, name, false))?;
                match name.as_str() {
                    unknown if !self.knows(unknown) => Err(404),
                    "boss" => Err(400),
                    _ => {
                        self.users.retain(|(known, _)| known != name);
                        self.tokens.remove(name);
                        for group in &mut self.groups {
                            group.members.remove(name);
                        }
                        Ok(Status(204))
                    }
                }
            }
            Call::ListGroups => match actor {
                Actor::Ordinary => Err(403),
                Actor::Admin => Ok(Names("name", self.groups.iter().map(|group| group.name.clone()).collect())),
                Actor::Crew => {
                    Ok(Names("name", self.group("crew").map(|group| group.name.clone()).into_iter().collect()))
                }
            },
            Call::ShowGroup(name) => {
                refuse(Self::on_group(actor, name))?;
                self.group(name).map(|_| Status(200)).ok_or(404)
            }
            Call::CreateGroups { names, users } => {
                refuse(Self::on_all(actor))?;
                if names.is_empty() || names.contains(&String::new()) {
                    return Err(400);
                }
                self.create_groups(names, users)
            }
            Call::CreateGroup { name, users } => {
                refuse(Self::on_group(actor, name))?;
                self.create_groups(std::slice::from_ref(name), users)
            }
            Call::DeleteGroup(name) => {
                refuse(Self::on_group(actor, name))?;
                self.group(name).ok_or(404_u16)?;
                self.groups.retain(|group| group.name != *name);
                Ok(Status(204))
            }
            Call::AddMembers { group, users } => {
                refuse(Self::on_group(actor, group))?;
                self.group(group).ok_or(404_u16)?;
                let users = self.people(users)?;
                self.group(group).unwrap().members.extend(users);
                Ok(Status(200))
            }
            Call::RemoveMembers { group, users } => {
                refuse(Self::on_group(actor, group))?;
                self.group(group).ok_or(404_u16)?;
                let users = self.people(users)?;
                self.group(group).unwrap().members.retain(|member| !users.contains(member));
                Ok(Status(200))
            }
            Call::SetProperties { group, properties } => {
                refuse(Self::on_group(actor, group))?;
                let group = self.group(group).ok_or(404_u16)?;
                if !properties.is_object() {
                    return Err(400);
                }
                group.properties = properties.clone();
                Ok(Status(200))
            }
            Call::ListTokens(user) => {
                refuse(self.on_user(actor, user, true))?;
                if !self.knows(user) {
                    return Err(404);
                }
                let notes = self.tokens.get(user).into_iter().flatten().map(|(note, _)| note.clone());
                Ok(Names("note", notes.collect()))
            }
            Call::CreateToken { user, body } => {
                if !body.is_object() {
                    return Err(400);
                }
                if self.on_user(actor, user, true).is_some() || !self.knows(user) {
                    return Err(403);
                }
                let admin = self.users.iter().any(|(name, admin)| name == user && *admin);
                let good = body["expires_in"] != 0
                    && match body["scopes"][0].as_str() {
                        Some("bogus") => false,
                        Some("read:hub") => admin,
                        _ => true,
                    };
                Ok(Status(if good { 201 } else { 400 }))
            }
            Call::DeleteToken { user, which } => {
                refuse(self.on_user(actor, user, true))?;
                let tokens = self.tokens.get_mut(user).filter(|tokens| *which < tokens.len()).ok_or(404_u16)?;
                tokens.remove(*which);
                Ok(Status(204))
            }
        }
    }

    fn create_users(&mut self, names: &[String], admin: bool) -> Result<(), u16> {
        let mut new: Vec<String> = Vec::new();
        let mut nobody = names.is_empty();
        for name in names {
            match self.meaning(name) {
                Meant::Impossible | Meant::Nobody => nobody = true,
                Meant::Account(name) if !new.contains(&name) => new.push(name),
                Meant::Account(_) | Meant::Known(_) => {}
            }
        }
        if nobody {
            return Err(400);
        }
        if new.is_empty() {
            return Err(409);
        }
        self.users.extend(new.into_iter().map(|name| (name, admin)));
        Ok(())
    }

    fn change(&mut self, actor: Actor, name: &str, body: &Value) -> Result<(), u16> {
        let admin = if body.is_null() { return Err(400) } else { flag(body)? };
        let before = name.to_owned();
        let mut after = before.clone();
        if let Some(wanted) = body["name"].as_str().filter(|wanted| *wanted != name) {
            match self.meaning(wanted) {
                Meant::Known(known) if known == name => {}
                Meant::Account(account) => after = account,
                Meant::Known(_) | Meant::Nobody | Meant::Impossible => return Err(400),
            }
        }
        if after != before {
            if let Some(refusal) = self.on_user(actor, &after, false) {
                return Err(refusal);
            }
            self.tokens.remove(&before);
            for group in &mut self.groups {
                if group.members.remove(&before) {
                    group.members.insert(after.clone());
                }
            }
        }
        let user = self.users.iter_mut().find(|(known, _)| *known == before).unwrap();
        *user = (after, admin.unwrap_or(user.1));
        Ok(())
    }

    fn create_groups(&mut self, names: &[String], users: &[String]) -> Result<Expected, u16> {
        if names.iter().any(|name| self.groups.iter().any(|group| group.name == *name)) {
            return Err(409);
        }
        let members: BTreeSet<String> = self.people(users)?.into_iter().collect();
        if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
            return Err(409);
        }
        for name in names {
            self.groups.push(Group { name: name.clone(), members: members.clone(), properties: json!({}) });
        }
        Ok(Status(201))
    }

    fn people(&self, names: &[String]) -> Result<Vec<String>, u16> {
        let person = |name: &String| match self.meaning(name) {
            Meant::Known(name) => Ok(name),
            _ => Err(400),
        };
        names.iter().map(person).collect()
    }
}

/// The flag of a body; 400 for one that is no model of a person.
fn flag(body: &Value) -> Result<Option<bool>, u16> {
    let Some(fields) = body.as_object() else { return if body.is_null() { Ok(None) } else { Err(400) } };
    if fields.keys().any(|key| !matches!(key.as_str(), "name" | "admin")) {
        return Err(400);
    }
    match fields.get("admin") {
        None => Ok(None),
        Some(admin) => admin.as_bool().map(Some).ok_or(400),
    }
}

fn user() -> impl Strategy<Value = String> {
    select(vec!["ann", "ann", "bob", "bob", "cy", "dan", "ANN", "Cy", "no-one", "a/b"]).prop_map(str::to_owned)
}

/// Somebody to ask about; the two whom the actors are, too.
fn anybody() -> impl Strategy<Value = String> {
    prop_oneof![3 => user(), 1 => select(vec!["boss", "olive"]).prop_map(str::to_owned)]
}

fn group() -> impl Strategy<Value = String> {
    select(vec!["crew", "crew", "lab", "x y/ü"]).prop_map(str::to_owned)
}

fn body() -> impl Strategy<Value = Value> {
    let fixed = vec![
        Value::Null,
        json!({}),
        json!({"admin": true}),
        json!({"admin": false}),
        json!({"admin": "yes"}),
        json!({"nonsense": 1}),
        json!([1]),
    ];
    prop_oneof![select(fixed), anybody().prop_map(|name| json!({"name": name}))]
}

fn call() -> impl Strategy<Value = Call> {
    let users = || vec(user(), 0..3);
    let token = select(vec![
        json!({}),
        json!({"expires_in": 60}),
        json!({"expires_in": 0}),
        json!({"scopes": ["servers!user"]}),
        json!({"scopes": ["read:hub"]}),
        json!({"scopes": ["bogus"]}),
        json!([]),
    ]);
    let properties = select(vec![json!({}), json!({"a": [1]}), json!([]), json!("x"), Value::Null]);
    prop_oneof![
        2 => select(vec!["", "n", "BO", "%", "_"]).prop_map(|filter| Call::ListUsers { filter }),
        1 => anybody().prop_map(Call::ShowUser),
        4 => (users(), any::<bool>()).prop_map(|(names, admin)| Call::CreateUsers { names, admin }),
        2 => (anybody(), body()).prop_map(|(name, body)| Call::CreateUser { name, body }),
        4 => (user(), body()).prop_map(|(name, body)| Call::ChangeUser { name, body }),
        1 => user().prop_map(Call::DeleteUser),
        1 => Just(Call::DeleteUser("boss".into())),
        1 => Just(Call::ListGroups),
        1 => group().prop_map(Call::ShowGroup),
        2 => (vec(prop_oneof![group(), Just(String::new())], 0..3), users())
            .prop_map(|(names, users)| Call::CreateGroups { names, users }),
        3 => (group(), users()).prop_map(|(name, users)| Call::CreateGroup { name, users }),
        1 => group().prop_map(Call::DeleteGroup),
        4 => (group(), users()).prop_map(|(group, users)| Call::AddMembers { group, users }),
        2 => (group(), users()).prop_map(|(group, users)| Call::RemoveMembers { group, users }),
        1 => (group(), properties).prop_map(|(group, properties)| Call::SetProperties { group, properties }),
        2 => user().prop_map(Call::ListTokens),
        4 => (user(), token).prop_map(|(user, body)| Call::CreateToken { user, body }),
        2 => (user(), 0..3_usize).prop_map(|(user, which)| Call::DeleteToken { user, which }),
    ]
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![3 => Just(Actor::Admin), 1 => Just(Actor::Ordinary), 2 => Just(Actor::Crew)]
}

/// Makes the call. `token`: what stands for the token it is about; `note`: what a new one is called.
async fn make(client: &mut Client, call: &Call, token: &str, note: &str) -> Told {
    match call {
        Call::ListUsers { filter } => client.get(&format!("/users?name_filter={}", esc(filter))).await,
        Call::ShowUser(name) => client.get(&format!("/users/{}", esc(name))).await,
        Call::CreateUsers { names, admin } => {
            client.call("POST", "/users", json!({"usernames": names, "admin": admin})).await
        }
        Call::CreateUser { name, body } => client.call("POST", &format!("/users/{}", esc(name)), body.clone()).await,
        Call::ChangeUser { name, body } => client.call("PATCH", &format!("/users/{}", esc(name)), body.clone()).await,
        Call::DeleteUser(name) => client.bare("DELETE", &format!("/users/{}", esc(name))).await,
        Call::ListGroups => client.get("/groups").await,
        Call::ShowGroup(name) => client.get(&format!("/groups/{}", esc(name))).await,
        Call::CreateGroups { names, users } => {
            client.call("POST", "/groups", json!({"groups": names, "users": users})).await
        }
        Call::CreateGroup { name, users } => {
            client.call("POST", &format!("/groups/{}", esc(name)), json!({"users": users})).await
        }
        Call::DeleteGroup(name) => client.bare("DELETE", &format!("/groups/{}", esc(name))).await,
        Call::AddMembers { group, users } => {
            client.call("POST", &format!("/groups/{}/users", esc(group)), json!({"users": users})).await
        }
        Call::RemoveMembers { group, users } => {
            client.call("DELETE", &format!("/groups/{}/users", esc(group)), json!({"users": users})).await
        }
        Call::SetProperties { group, properties } => {
            client.call("PUT", &format!("/groups/{}/properties", esc(group)), properties.clone()).await
        }
        Call::ListTokens(user) => {
            let mut told = client.get(&format!("/users/{}/tokens", esc(user))).await;
            if told.status == 200 {
                told.json = told.json["api_tokens"].take();
            }
            told
        }
        Call::CreateToken { user, body } => {
            let mut body = body.clone();
            if let Some(fields) = body.as_object_mut() {
                fields.insert("note".into(), note.into());
            }
            client.call("POST", &format!("/users/{}/tokens", esc(user)), body).await
        }
        Call::DeleteToken { user, .. } => client.bare("DELETE", &format!("/users/{}/tokens/{token}", esc(user))).await,
    }
}

async fn run(calls: &[(Actor, Call)]) {
    let world = World::new("").await;
    let mut admin = world.client("boss", &["inherit"]).await;
    let mut ordinary = world.client("olive", &["inherit"]).await;
    let mut crew = world.client("boss", &CREW).await;
    let mut model = Model::new();
    // So that the third actor has somebody to act upon.
    let names = || vec!["ann".to_owned(), "bob".to_owned()];
    let begin = [
        (Actor::Admin, Call::CreateUsers { names: names(), admin: false }),
        (Actor::Admin, Call::CreateGroup { name: "crew".into(), users: names() }),
    ];
    for (actor, call) in begin.iter().chain(calls) {
        let token = match call {
            Call::DeleteToken { user, which } => model.tokens.get(user).and_then(|tokens| tokens.get(*which)).cloned(),
            _ => None,
        };
        let token = token.map_or_else(|| "a999999".into(), |(_, id)| id);
        let note = format!("number {}", model.made);
        let client = match actor {
            Actor::Admin => &mut admin,
            Actor::Ordinary => &mut ordinary,
            Actor::Crew => &mut crew,
        };
        let told = make(client, call, &token, &note).await;
        match model.expect(*actor, call) {
            Status(status) => assert_eq!(told.status, status, "{actor:?} {call:?}: {}\n{model:#?}", told.json),
            Names(field, names) => {
                assert_eq!((told.status, told.all(field)), (200, names), "{actor:?} {call:?}\n{model:#?}");
            }
        }
        if let (Call::CreateToken { user, .. }, 201) = (call, told.status) {
            let id = told.json["id"].as_str().unwrap().to_owned();
            model.tokens.entry(user.clone()).or_default().push((note, id));
            model.made += 1;
        }
        compare(&mut admin, &model).await;
    }
}

async fn compare(admin: &mut Client, model: &Model) {
    let users = admin.get("/users").await.json;
    let users: Vec<_> = users.as_array().unwrap().iter().map(|user| (&user["name"], &user["admin"])).collect();
    let wanted: Vec<_> = model.users.iter().map(|(name, admin)| (json!(name), json!(admin))).collect();
    assert_eq!(users, wanted.iter().map(|(name, admin)| (name, admin)).collect::<Vec<_>>());
    let groups = admin.get("/groups").await.json;
    let groups: Vec<_> =
        groups.as_array().unwrap().iter().map(|g| (&g["name"], &g["users"], &g["properties"])).collect();
    let wanted: Vec<_> =
        model.groups.iter().map(|group| (json!(group.name), json!(group.members), &group.properties)).collect();
    assert_eq!(groups, wanted.iter().map(|(name, users, own)| (name, users, *own)).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(Config { cases: 12, max_shrink_iters: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_call_is_answered_by_the_rules(calls in vec((actor(), call()), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&calls));
    }
}
