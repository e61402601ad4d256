//! The JSON model of a token (contract 2.3). Never here: a token's secret or its hash.

use serde_json::{Map, Value};

use crate::app::App;
use crate::auth::clients::Registered;
use crate::auth::tokens::{Kind, Owner, Token};
use crate::clock::iso;

/// What stands for a token's client when it has none.
const NO_CLIENT: &str = "JupyterHub";

/// The id of a token in the API.
pub fn id(token: &Token) -> String {
    format!("a{}", token.id)
}

/// The number behind an id; `None` for any other spelling of it.
pub fn parse_id(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('a')?;
    let number: i64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

/// A token, with what it may do right now.
pub fn model(app: &App, token: &Token) -> Map<String, Value> {
    let mut model = Map::new();
    let mut put = |field: &str, value: Value| model.insert(field.to_owned(), value);
    match &token.owner {
        Owner::User(user) => put("user", user.as_str().into()),
        Owner::Service(name) => put("service", name.as_str().into()),
    };
    put("id", id(token).into());
    put("kind", "api_token".into());
    put("roles", Value::Array(Vec::new()));
    put("scopes", app.access.of_token(token).to_strings().into());
    put("created", iso(token.created).into());
    put("last_activity", token.last_activity().map(iso).into());
    put("expires_at", token.expires.map(iso).into());
    put("note", token.note.as_str().into());
    put("session_id", token.session.as_deref().into());
    put("oauth_client", client(app, token).into());
    model
}

/// Whom the token was issued to, in words.
fn client(app: &App, token: &Token) -> String {
    let id = token.client.as_deref().filter(|_| token.kind == Kind::OAuth);
    let client = id.and_then(|id| Registered::find(id, &app.config, &app.people, &app.services));
    client.map_or_else(|| NO_CLIENT.into(), |client| client.description)
}

#[cfg(test)]
mod tests {
    use super::parse_id;

    #[test]
    fn a_token_has_one_id() {
        assert_eq!(parse_id("a12"), Some(12));
        for other in ["", "a", "12", "b12", "a012", "a+12", "a 12", "a1x", "A12", "a99999999999999999999"] {
            assert_eq!(parse_id(other), None, "{other:?}");
        }
    }
}
