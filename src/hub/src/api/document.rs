//! The API's routes together with what is said of them: one call registers a handler and its description, so that
//! the router and the `OpenAPI` document cannot drift apart.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::{Map, Value, json};

use crate::app::{API_VERSION, App};

/// What is said of one method of one path.
#[derive(Clone, Copy, Debug)]
pub struct Doc {
    /// One line.
    pub summary: &'static str,
    /// Any of these scopes; empty when none is needed.
    pub scopes: &'static [&'static str],
    /// Arguments in the address: name, JSON schema type, meaning.
    pub query: &'static [(&'static str, &'static str, &'static str)],
    /// The body's schema, by its name in [`super::schemas`].
    pub body: Option<&'static str>,
    /// Every status that is an answer of this call alone, with the schema of its body (`""`: no body). What all calls
    /// may answer ([`COMMON`]) is added.
    pub answers: &'static [(u16, &'static str)],
}

impl Doc {
    /// To be completed with `..Doc::NONE`.
    pub const NONE: Self = Self { summary: "", scopes: &[], query: &[], body: None, answers: &[] };
}

/// What every call that needs somebody to be known may answer.
const COMMON: &[(u16, &str)] = &[(400, "Error"), (403, "Error"), (404, "Error"), (413, "Error")];

/// One method of one path with its description.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Lower case, as `OpenAPI` writes it.
    pub method: &'static str,
    /// The path below `hub/api`, its parameters in braces.
    pub path: &'static str,
    /// What is said of it.
    pub doc: Doc,
}

/// Routes under construction.
#[derive(Default)]
pub struct Routes {
    paths: BTreeMap<&'static str, MethodRouter<Arc<App>>>,
    operations: Vec<Operation>,
}

macro_rules! methods {
    ($($name:ident $filter:ident),*) => {
        $(
            #[doc = concat!("Registers a handler of `", stringify!($filter), "` for the path.")]
            #[must_use]
            pub fn $name<H, T>(self, path: &'static str, handler: H, doc: Doc) -> Self
            where
                H: Handler<T, Arc<App>>,
                T: 'static,
            {
                self.add(stringify!($name), path, on(MethodFilter::$filter, handler), doc)
            }
        )*
    };
}

impl Routes {
    methods!(get GET, post POST, put PUT, patch PATCH, delete DELETE);

    fn add(mut self, method: &'static str, path: &'static str, handler: MethodRouter<Arc<App>>, doc: Doc) -> Self {
        let merged = match self.paths.remove(path) {
            Some(others) => others.merge(handler),
            None => handler,
        };
        self.paths.insert(path, merged);
        self.operations.push(Operation { method, path, doc });
        self
    }

    /// Adds the routes of another part of the API.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.paths.extend(other.paths);
        self.operations.extend(other.operations);
        self
    }

    /// The router, and the description of everything in it.
    pub fn finish(self) -> (Router<Arc<App>>, Vec<Operation>) {
        let router = self.paths.into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
        (router, self.operations)
    }
}

/// The `OpenAPI` 3.0 document of these operations. `base_url`: of the hub.
pub fn openapi(operations: &[Operation], base_url: &str, schemas: Value) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations {
        paths.entry(operation.path).or_default().insert(operation.method.to_owned(), describe(operation));
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "hubd",
            "description": "The REST API of JupyterHub, as hubd speaks it.",
            "license": {"name": "MIT"},
            "version": API_VERSION,
        },
        "servers": [{"url": format!("{base_url}hub/api")}],
        "components": {
            "securitySchemes": {
                "token": {"type": "apiKey", "name": "Authorization", "in": "header",
                    "description": "`token <token>` or `Bearer <token>`"},
            },
            "schemas": schemas,
        },
        "security": [{"token": []}],
        "paths": paths,
    })
}

fn describe(operation: &Operation) -> Value {
    let doc = &operation.doc;
    let mut parameters: Vec<Value> = names(operation.path)
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    parameters.extend(doc.query.iter().map(|(name, kind, meaning)| {
        json!({"name": name, "in": "query", "required": false, "description": meaning, "schema": {"type": kind}})
    }));
    let known = doc.answers.iter().map(|(status, _)| *status).collect::<Vec<_>>();
    let common = COMMON.iter().filter(|(status, _)| !doc.scopes.is_empty() && !known.contains(status));
    let answers: Map<String, Value> = doc
        .answers
        .iter()
        .chain(common)
        .map(|(status, schema)| (status.to_string(), answer(*status, schema)))
        .collect();
    let mut described = json!({"summary": doc.summary, "parameters": parameters, "responses": answers});
    if let Some(object) = described.as_object_mut() {
        if let Some(schema) = doc.body {
            let content = json!({"application/json": {"schema": reference(schema)}});
            object.insert("requestBody".into(), json!({"required": false, "content": content}));
        }
        if doc.scopes.is_empty() {
            object.insert("security".into(), json!([]));
        } else {
            let any = doc.scopes.join("`, `");
            object.insert("description".into(), format!("Needs any of the scopes `{any}`.").into());
        }
    }
    described
}

/// The parameters of a path.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn answer(status: u16, schema: &str) -> Value {
    let reason = axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut answer = json!({"description": reason.unwrap_or("")});
    let kind = match schema {
        "" => return answer,
        "Events" => "text/event-stream",
        "Text" => "text/plain",
        _ => "application/json",
    };
    if let Some(object) = answer.as_object_mut() {
        object.insert("content".into(), json!({kind: {"schema": reference(schema)}}));
    }
    answer
}

/// `User` is one, `User[]` a list of them.
fn reference(schema: &str) -> Value {
    match schema.strip_suffix("[]") {
        Some(item) => json!({"type": "array", "items": reference(item)}),
        None => json!({"$ref": format!("#/components/schemas/{schema}")}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_is_described() {
        let doc = Doc { summary: "One", scopes: &["read:users"], answers: &[(200, "User")], ..Doc::NONE };
        let routes =
            Routes::default().get("/users/{user}", || async {}, doc).delete("/users/{user}", || async {}, Doc::NONE);
        let (_, operations) = routes.finish();
        let document = openapi(&operations, "/x/", json!({}));
        let one = &document["paths"]["/users/{user}"];
        assert_eq!(one["get"]["parameters"][0]["name"], "user");
        assert_eq!(
            one["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"],
            "#/components/schemas/User"
        );
        assert_eq!(one["get"]["responses"]["403"]["description"], "Forbidden");
        assert!(one["delete"]["responses"].as_object().unwrap().is_empty());
        assert_eq!(document["servers"][0]["url"], "/x/hub/api");
    }
}
