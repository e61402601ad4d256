//! The bodies of calls about servers (contract 1.8).

use serde_json::{Map, Value};

use crate::api::body::Body;
use crate::http::faults::Fault;
use crate::servers::naming;
use crate::servers::registry::Wanted;
use crate::servers::rows::Change;

fn wrong(text: impl Into<String>) -> Fault {
    Fault::BadRequest(text.into())
}

fn display_name(value: Value) -> Result<String, Fault> {
    let Value::String(text) = value else { return Err(wrong("display_name must be a string")) };
    naming::check_display_name(&text).map_err(|refusal| wrong(refusal.to_string()))?;
    Ok(text)
}

/// `{"display_name": str?, "user_options": object|null?}`; where neither key is there, the whole object is the options
/// (clients before 6.0).
pub fn wanted(body: Body) -> Result<Wanted, Fault> {
    let given = body.0.is_some();
    let mut fields = body.object("Body must be a JSON object")?;
    if !fields.contains_key("display_name") && !fields.contains_key("user_options") {
        return Ok(Wanted { display_name: None, user_options: given.then_some(fields) });
    }
    let user_options = match fields.remove("user_options") {
        None | Some(Value::Null) => None,
        Some(Value::Object(options)) => Some(options),
        Some(_) => return Err(wrong("user_options must be an object or null")),
    };
    Ok(Wanted { display_name: fields.remove("display_name").map(display_name).transpose()?, user_options })
}

/// `{"name": str?, "display_name": str?, "user_options": object?}`, at least one of them and nothing else. `own`: the
/// server's name, which may be given again.
pub fn change(body: Body, own: &str) -> Result<Change, Fault> {
    let mut fields = body.object("Body must be a JSON object")?;
    let mut take = |name: &str| fields.remove(name);
    let (name, display, options) = (take("name"), take("display_name"), take("user_options"));
    if !fields.is_empty() {
        let unexpected: Vec<_> = fields.keys().map(String::as_str).collect();
        return Err(wrong(format!("Unexpected fields: {}", unexpected.join(", "))));
    }
    if name.is_none() && display.is_none() && options.is_none() {
        return Err(wrong("Must specify at least one field to modify."));
    }
    let name = match name {
        None => None,
        Some(Value::String(text)) if text == own => None,
        Some(Value::String(text)) if text.is_empty() => return Err(wrong("Invalid server_name: ''")),
        Some(Value::String(text)) => Some(naming::parse(&text).map_err(|refusal| wrong(refusal.to_string()))?),
        Some(_) => return Err(wrong("name must be a string")),
    };
    let user_options = match options {
        None => None,
        Some(Value::Object(options)) => Some(options),
        Some(_) => return Err(wrong("user_options must be a dict")),
    };
    Ok(Change { name, display_name: display.map(display_name).transpose()?, user_options })
}

/// `{"remove": bool?}`: whether the server is to be removed once it is stopped.
pub fn remove(body: Body) -> Result<bool, Fault> {
    let mut fields: Map<String, Value> = body.object("Body must be a JSON object")?;
    match fields.remove("remove") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(remove)) => Ok(remove),
        Some(_) => Err(wrong("remove must be a boolean")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(fault: &Fault) -> &str {
        let Fault::BadRequest(text) = fault else { panic!("{fault:?}") };
        text
    }

    #[test]
    fn a_start_is_asked_for_in_the_new_form_or_the_old_one() {
        let options = |value: Option<Value>| wanted(Body(value)).unwrap().user_options.map(Value::Object);
        assert_eq!(options(None), None, "what is stored is used again");
        assert_eq!(options(Some(json!({}))), Some(json!({})));
        assert_eq!(options(Some(json!({"image": "x"}))), Some(json!({"image": "x"})), "before 6.0");
        assert_eq!(options(Some(json!({"user_options": null}))), None);
        assert_eq!(options(Some(json!({"user_options": {"a": 1}, "display_name": "x"}))), Some(json!({"a": 1})));
        for (body, text) in [
            (json!([]), "Body must be a JSON object"),
            (json!("x"), "Body must be a JSON object"),
            (json!({"display_name": null}), "display_name must be a string"),
            (json!({"display_name": " "}), "Invalid display_name: ' '"),
            (json!({"user_options": []}), "user_options must be an object or null"),
        ] {
            assert_eq!(message(&wanted(Body(Some(body))).unwrap_err()), text);
        }
    }

    #[test]
    fn a_change_names_what_changes_and_nothing_else() {
        let same = change(Body(Some(json!({"name": "gpu"}))), "gpu").unwrap();
        assert_eq!(same.name, None, "the same name is no change");
        for (body, text) in [
            (None, "Must specify at least one field to modify."),
            (Some(json!({})), "Must specify at least one field to modify."),
            (Some(json!(7)), "Body must be a JSON object"),
            (Some(json!({"name": 7})), "name must be a string"),
            (Some(json!({"name": ""})), "Invalid server_name: ''"),
            (Some(json!({"name": "A b"})), "Invalid server_name: 'A b'"),
            (Some(json!({"user_options": null})), "user_options must be a dict"),
            (Some(json!({"display_name": null})), "display_name must be a string"),
            (Some(json!({"name": "x", "state": {}, "ready": true})), "Unexpected fields: ready, state"),
        ] {
            assert_eq!(message(&change(Body(body), "gpu").unwrap_err()), text);
        }
    }
}
