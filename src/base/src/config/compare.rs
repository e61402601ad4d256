//! What can only be seen when all keys of all files are known.

use super::tables::{Table, label};
use super::{Config, ConfigError, CustomScope, Origin, Profile, Role, Service, Value, value};
use crate::limits::{Amount, Limit, Limits, Rule};

/// Every mistake, each at the place of the key that has to change.
pub(super) fn compare(config: &Config, set: &[Value]) -> Vec<ConfigError> {
    let mut judge = Judge { set, errors: Vec::new() };
    judge.rule("limits", &config.limits.everybody);
    for (name, rule) in &config.limits.groups {
        judge.rule(&format!("limits.group.{name}"), rule);
    }
    for (name, rule) in &config.limits.users {
        judge.rule(&format!("limits.user.{name}"), rule);
    }
    judge.limits("limits.all-together", &config.limits.all_together);
    for profile in &config.profiles {
        judge.limits(&format!("{}.limits", label::<Profile>(profile.name())), &profile.limits);
    }
    for (at, service) in config.services.iter().enumerate() {
        let before = config.services.get(..at).unwrap_or_default();
        judge.limits(&format!("{}.limits", label::<Service>(service.name())), &service.limits);
        judge.oauth(service);
        judge.twins(service, before);
    }
    for role in &config.roles {
        judge.services(role, &config.services);
    }
    for scope in &config.custom_scopes {
        judge.custom_scope(scope, &config.custom_scopes);
    }
    judge.errors
}

struct Judge<'a> {
    set: &'a [Value],
    errors: Vec<ConfigError>,
}

impl Judge<'_> {
    fn error(&mut self, key: &str, message: &str) {
        self.error_at(key, key, message);
    }

    /// Where `place` is set, `key` is missing.
    fn error_at(&mut self, place: &str, key: &str, message: &str) {
        let set = self.set.iter().find(|value| value.key == place);
        if let Some(Value { origin: Origin::File { path, line }, .. }) = set {
            let (path, line) = (path.clone(), Some(*line));
            self.errors.push(ConfigError { path, line, key: Some(key.to_owned()), message: message.to_owned() });
        }
    }

    fn rule(&mut self, prefix: &str, rule: &Rule) {
        self.limits(prefix, &rule.server);
        self.limits(&format!("{prefix}.per-person"), &rule.per_person);
    }

    fn limits(&mut self, prefix: &str, limits: &Limits) {
        let above = match (limits.get(Limit::MemoryHigh), limits.get(Limit::MemoryMax)) {
            (Some(Amount::Number(high)), Some(Amount::Number(max))) => high > max,
            (Some(Amount::Share(high)), Some(Amount::Share(max))) => high > max,
            _ => false,
        };
        if above {
            let message = format!("expected at most {prefix}.memory_max, as it would never be reached");
            self.error(&format!("{prefix}.memory_high"), &message);
        }
    }

    /// A client that no login can lead back to is a mistake.
    fn oauth(&mut self, service: &Service) {
        if service.has_oauth() {
            return;
        }
        let given = [
            ("oauth_client_id", service.oauth_client_id.is_some()),
            ("oauth_client_allowed_scopes", !service.oauth_client_allowed_scopes.is_empty()),
            ("oauth_no_confirm", service.oauth_no_confirm),
        ];
        if let Some((key, _)) = given.iter().find(|(_, given)| *given) {
            let key = format!("{}.{key}", label::<Service>(service.name()));
            self.error(&key, "a service without url needs oauth_redirect_uri, too");
        }
    }

    /// A token or a client that two services share would not tell which one speaks.
    fn twins(&mut self, service: &Service, before: &[Service]) {
        let own = label::<Service>(service.name());
        for other in before {
            let other_label = label::<Service>(other.name());
            if service.api_token.is_some() && service.api_token == other.api_token {
                self.error(&format!("{own}.api_token"), &format!("{other_label} has the same token"));
            }
            if service.client_id() == other.client_id() {
                // One of the two may have it from its name.
                let (named, rest) =
                    if service.oauth_client_id.is_some() { (&own, &other_label) } else { (&other_label, &own) };
                self.error(&format!("{named}.oauth_client_id"), &format!("{rest} has the same one"));
            }
        }
    }

    fn services(&mut self, role: &Role, services: &[Service]) {
        for name in &role.services {
            if !services.iter().any(|service| service.name == *name) {
                let message = format!("no [[service]] has the name {}", value::quote(name.as_str()));
                self.error(&format!("{}.services", label::<Role>(role.name())), &message);
            }
        }
    }

    fn custom_scope(&mut self, scope: &CustomScope, all: &[CustomScope]) {
        let own = label::<CustomScope>(scope.name());
        if scope.description.is_empty() {
            let key = format!("{own}.description");
            self.error_at(&format!("{own}.name"), &key, "expected one sentence, which people are shown");
        }
        let key = format!("{own}.subscopes");
        for name in &scope.subscopes {
            if !all.iter().any(|other| other.name == *name) {
                self.error(&key, &format!("no [[custom_scope]] has the name {}", value::quote(name)));
            }
        }
        if reaches_itself(scope, all) {
            self.error(&key, "one of them leads back to this scope");
        }
    }
}

fn reaches_itself(scope: &CustomScope, all: &[CustomScope]) -> bool {
    let mut reached: Vec<&str> = scope.subscopes.iter().map(String::as_str).collect();
    let mut at = 0;
    while let Some(name) = reached.get(at) {
        let found = all.iter().filter(|other| other.name == *name).flat_map(|other| &other.subscopes);
        let new: Vec<&str> = found.map(String::as_str).filter(|name| !reached.contains(name)).collect();
        reached.extend(new);
        at += 1;
    }
    reached.contains(&scope.name.as_str())
}
