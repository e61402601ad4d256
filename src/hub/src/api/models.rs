//! The JSON models of people and servers (contract 2.1 and 2.2): a field is there only if the caller's scopes show it.

use hubd_base::names::ServerId;
use serde_json::{Map, Value, json};

use super::extension;
use crate::app::App;
use crate::auth::groups::Group;
use crate::auth::scopes::{Cover, Resource, Scopes};
use crate::clock::iso;
use crate::servers::server::Server;
use crate::servers::state::Snapshot;
use crate::store::users::UserRow;

/// Which of a person's servers a model shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Pending or ready ones.
    Active,
    /// Stopped ones too.
    All,
}

/// What somebody may see.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The hub.
    pub app: &'a App,
    /// Whose eyes.
    pub scopes: &'a Scopes,
    /// Which servers.
    pub shown: Shown,
}

impl View<'_> {
    pub(super) fn sees(&self, any: &[&str], resource: Resource<'_>) -> bool {
        let covers = |scope: &&str| self.scopes.covers(scope, resource, self.app.access.groups()) == Cover::Covered;
        any.iter().any(covers)
    }

    /// A person; `None` if nothing of them may be seen.
    pub fn user(&self, row: &UserRow) -> Option<Map<String, Value>> {
        let app = self.app;
        let name = row.name.as_str();
        let on = |any: &[&str]| self.sees(any, Resource::User(name));
        let all = on(&["read:users"]);
        let (named, roles) = (all || on(&["read:users:name"]), on(&["read:roles:users"]));
        let (groups, activity) = (all || on(&["read:users:groups"]), all || on(&["read:users:activity"]));
        let mut model = Map::new();
        let mut put = |field: &str, value: Value| model.insert(field.to_owned(), value);
        if named {
            put("user_info", Value::Null);
        }
        if named || roles {
            put("admin", row.admin.holds().into());
        }
        if all || roles {
            put("roles", app.access.roles.of_user(&row.name, row.admin.holds()).into());
        }
        if groups {
            put("groups", app.groups.of(&row.name).into());
        }
        if all {
            let id = ServerId::default_of(row.name.clone());
            let snapshot = app.servers.find(&id).as_deref().map(Server::snapshot);
            let ready = snapshot.as_ref().is_some_and(|snapshot| snapshot.state.is_ready());
            put("server", ready.then(|| app.server_url(&id)).into());
            put("pending", snapshot.as_ref().and_then(Snapshot::pending).into());
            put("created", iso(row.created).into());
        }
        if activity {
            put("last_activity", row.last_activity.map(iso).into());
        }
        // Scopes for some of a person's servers show those, even where nothing of the person is shown.
        let reads_all = on(&["read:servers"]);
        if self.scopes.holding("read:servers").is_some() {
            let servers = self.servers(row);
            if reads_all || !servers.is_empty() {
                put("servers", servers.into());
            }
        }
        if on(&["admin:auth_state"]) {
            put("auth_state", Value::Null);
        }
        if model.is_empty() {
            return None;
        }
        model.insert("kind".into(), "user".into());
        model.insert("name".into(), name.into());
        Some(model)
    }

    /// A group; `None` if nothing of it may be seen.
    pub fn group(&self, group: &Group) -> Option<Map<String, Value>> {
        let name = group.name.as_str();
        let on = |any: &[&str]| self.sees(any, Resource::Group(name));
        let (all, roles) = (on(&["read:groups"]), on(&["read:roles:groups"]));
        if !(all || roles || on(&["read:groups:name"])) {
            return None;
        }
        let mut model = Map::new();
        model.insert("kind".into(), "group".into());
        model.insert("name".into(), name.into());
        if all {
            let members = group.members.iter().map(|member| Value::from(member.as_str()));
            model.insert("users".into(), members.collect());
            model.insert("properties".into(), group.properties.clone().into());
        }
        if roles {
            model.insert("roles".into(), self.app.access.roles.of_group(name).into());
        }
        Some(model)
    }

    /// The servers of a person that may be seen, by name.
    fn servers(&self, row: &UserRow) -> Map<String, Value> {
        let mut servers = Map::new();
        for server in self.app.servers.of(&row.name) {
            let snapshot = server.snapshot();
            if self.shown == Shown::Active && !snapshot.is_active() {
                continue;
            }
            let name = server.id.server.as_str();
            if self.sees(&["read:servers"], Resource::Server { user: row.name.as_str(), server: name }) {
                servers.insert(name.to_owned(), self.server(&server, &snapshot));
            }
        }
        servers
    }

    /// A server. `state_word` is the hub's own word, which tells suspended from running and failed from stopped.
    pub fn server(&self, server: &Server, snapshot: &Snapshot) -> Value {
        let app = self.app;
        let (user, name) = (server.id.user.as_str(), server.id.server.as_str());
        let details = server.details().unwrap_or_default();
        let url = app.server_url(&server.id);
        let progress = app.progress_url(&server.id);
        let full = |path: &str| app.config.hub.public_url.as_ref().map(|origin| format!("{origin}{path}"));
        let mut model = json!({
            "name": name,
            "display_name": details.display_name,
            "full_name": format!("{user}/{name}"),
            "last_activity": server.last_activity().map(iso),
            "started": snapshot.started.filter(|_| snapshot.state.is_ready()).map(iso),
            "pending": snapshot.pending(),
            "ready": snapshot.state.is_ready(),
            "stopped": !snapshot.is_active(),
            "full_url": full(&url),
            "full_progress_url": full(&progress),
            "url": url,
            "user_options": details.user_options,
            "progress_url": progress,
            "state_word": snapshot.state.word(),
            "unit": server.id.unit_name(),
            "hubd": extension::of(app, server, snapshot),
        });
        if self.sees(&["admin:server_state"], Resource::Server { user, server: name }) {
            if let Some(model) = model.as_object_mut() {
                let active = snapshot.state.is_active();
                let state = if active { json!({"unit": server.id.unit_name()}) } else { json!({}) };
                model.insert("state".into(), state);
            }
        }
        model
    }
}
