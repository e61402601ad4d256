//! The body of a call: JSON whatever its `Content-Type` says (contract 1.1).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde_json::{Map, Value};

use crate::app::App;
use crate::http::faults::Fault;

/// What was sent; `None` for an empty body.
#[derive(Clone, Debug)]
pub struct Body(pub Option<Value>);

impl FromRequest<Arc<App>> for Body {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Fault> {
        let bytes = Bytes::from_request(request, app).await.map_err(|_| Fault::TooLarge)?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        let text = String::from_utf8_lossy(&bytes);
        let invalid = |_| Fault::BadRequest("Invalid JSON in body of request".into());
        let value: Value = serde_json::from_str(&text).map_err(invalid)?;
        Ok(Self((!value.is_null()).then_some(value)))
    }
}

impl Body {
    /// The object that was sent, if anything was. `wrong`: what to say of anything else.
    pub fn model(self, wrong: impl FnOnce(&Value) -> String) -> Result<Option<Map<String, Value>>, Fault> {
        match self.0 {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(Fault::BadRequest(wrong(&other))),
        }
    }

    /// The object that was sent; an empty one for an empty body. `message`: what to say of anything else.
    pub fn object(self, message: &str) -> Result<Map<String, Value>, Fault> {
        match self.0 {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map),
            Some(_) => Err(Fault::BadRequest(message.into())),
        }
    }
}

/// How Python writes a value into a message: what clients and people know from `JupyterHub`.
pub fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("{}: {}", quoted(name), python(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Text as Python quotes it: in double quotes only where that saves escaping.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote || c == '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        for (json, written) in [
            ("null", "None"),
            ("[true, false, 1, 2.5]", "[True, False, 1, 2.5]"),
            (r#"{"a": {"b": []}}"#, "{'a': {'b': []}}"),
            (r#""it's""#, r#""it's""#),
            (r#""it's \"so\"""#, r#"'it\'s "so"'"#),
            (r#""a\nb\\""#, r"'a\nb\\'"),
        ] {
            assert_eq!(python(&serde_json::from_str(json).unwrap()), written);
        }
    }
}
