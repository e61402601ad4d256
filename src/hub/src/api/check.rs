//! Whether the body of a call has the fields and types of a model, in `JupyterHub`'s words (contract 1.6, 1.7, 1.11).

use serde_json::{Map, Value};

use super::body::python;
use crate::http::faults::Fault;

/// What a field must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A list of anything.
    List,
    /// An object.
    Object,
}

/// The fields that a kind of thing may have.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    name: &'static str,
    fields: &'static [(&'static str, Type)],
}

/// A person.
pub const USER: Shape = Shape {
    name: "user",
    fields: &[
        ("name", Type::Text),
        ("admin", Type::Flag),
        ("groups", Type::List),
        ("roles", Type::List),
        ("auth_state", Type::Object),
    ],
};
/// A group.
pub const GROUP: Shape =
    Shape { name: "group", fields: &[("name", Type::Text), ("users", Type::List), ("roles", Type::List)] };

impl Type {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Flag => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Text => "<class 'str'>",
            Self::Flag => "<class 'bool'>",
            Self::List => "<class 'list'>",
            Self::Object => "<class 'dict'>",
        }
    }
}

impl Shape {
    /// Whether every field of a model is known and has its type.
    pub fn check(&self, model: &Map<String, Value>) -> Result<(), Fault> {
        let known = |name: &String| self.fields.iter().any(|(known, _)| known == name);
        if !model.keys().all(known) {
            let model = python(&Value::Object(model.clone()));
            return Err(Fault::BadRequest(format!("Invalid JSON keys: {model}")));
        }
        for (field, wanted) in self.fields {
            let Some(value) = model.get(*field).filter(|value| !wanted.fits(value)) else { continue };
            let (name, wanted, class) = (self.name, wanted.class(), class(value));
            return Err(Fault::BadRequest(format!("{name}.{field} must be {wanted}, not: {class}")));
        }
        Ok(())
    }
}

/// The words for a body that is no model at all.
pub fn no_model(value: &Value) -> String {
    format!("Invalid JSON data: {}", python(value))
}

/// A list of names; `what` names them in the refusal.
pub fn names(list: Option<&Value>, what: &str) -> Result<Vec<String>, Fault> {
    let items = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let name = |item: &Value| match item {
        Value::String(name) => Ok(name.clone()),
        other => Err(Fault::BadRequest(format!("{what} must be str, not {}", class(other)))),
    };
    items.iter().map(name).collect()
}

/// What Python calls the type of a value.
fn class(value: &Value) -> &'static str {
    match value {
        Value::Null => "<class 'NoneType'>",
        Value::Bool(_) => Type::Flag.class(),
        Value::Number(number) if number.is_f64() => "<class 'float'>",
        Value::Number(_) => "<class 'int'>",
        Value::String(_) => Type::Text.class(),
        Value::Array(_) => Type::List.class(),
        Value::Object(_) => Type::Object.class(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        let model: Value = serde_json::from_str(json).unwrap();
        match USER.check(model.as_object().unwrap()) {
            Err(Fault::BadRequest(text)) => text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn refusals_are_in_the_words_of_the_contract() {
        assert_eq!(refusal(r#"{"nmae": "x"}"#), "Invalid JSON keys: {'nmae': 'x'}");
        assert_eq!(refusal(r#"{"admin": 1}"#), "user.admin must be <class 'bool'>, not: <class 'int'>");
        assert_eq!(refusal(r#"{"name": null}"#), "user.name must be <class 'str'>, not: <class 'NoneType'>");
        assert_eq!(refusal(r#"{"groups": "g"}"#), "user.groups must be <class 'list'>, not: <class 'str'>");
        assert_eq!(refusal(r#"{"auth_state": 1.5}"#), "user.auth_state must be <class 'dict'>, not: <class 'float'>");
        assert_eq!(refusal(r#"{"name": "x", "admin": true, "roles": [], "auth_state": {}}"#), "Ok(())");
    }
}
