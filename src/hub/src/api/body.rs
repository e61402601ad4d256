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
        Value::String(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}
