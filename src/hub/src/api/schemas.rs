//! The JSON schemas of everything the API takes and gives (contract section 2), for the `OpenAPI` document.

use serde_json::{Map, Value, json};

/// All schemas by name.
pub fn all() -> Value {
    let mut schemas = Map::new();
    for part in [answers(), lists(), requests()] {
        if let Value::Object(part) = part {
            schemas.extend(part);
        }
    }
    schemas.into()
}

fn text() -> Value {
    json!({"type": "string"})
}

fn texts() -> Value {
    json!({"type": "array", "items": {"type": "string"}})
}

fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn nullable(mut schema: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("nullable".into(), true.into());
    }
    schema
}

fn flag() -> Value {
    json!({"type": "boolean"})
}

fn number() -> Value {
    json!({"type": "integer"})
}

fn object(required: &[&str], properties: Value) -> Value {
    let mut schema = json!({"type": "object", "properties": properties});
    // An empty list of required properties is no valid schema.
    if let (false, Some(object)) = (required.is_empty(), schema.as_object_mut()) {
        object.insert("required".into(), required.to_vec().into());
    }
    schema
}

fn map_of(schema: &str) -> Value {
    json!({"type": "object", "additionalProperties": {"$ref": format!("#/components/schemas/{schema}")}})
}

fn named() -> Value {
    object(&["name"], json!({"name": text()}))
}

fn answers() -> Value {
    let pending = json!({"type": "string", "nullable": true, "enum": ["spawn", "stop", "check", "rename", null]});
    let free = || json!({"type": "object"});
    let shared_server = object(
        &["user", "name", "url", "ready"],
        json!({
            "user": named(), "name": text(), "url": text(), "full_url": nullable(text()), "ready": flag(),
        }),
    );
    json!({
        "Error": object(&["status", "message"], json!({"status": number(), "message": text(), "incident": text()})),
        "Nothing": {"nullable": true},
        "Text": text(),
        "Events": text(),
        "Page": text(),
        "Version": object(&["version"], json!({"version": text()})),
        "Info": object(&["version", "python", "sys_executable", "spawner", "authenticator"], json!({
            "version": text(), "python": text(), "sys_executable": text(), "spawner": free(), "authenticator": free(),
        })),
        "User": object(&["kind", "name"], json!({
            "kind": {"type": "string", "enum": ["user"]},
            "name": text(), "admin": flag(), "roles": texts(), "groups": texts(),
            "user_info": nullable(free()), "auth_state": nullable(free()),
            "server": nullable(text()), "pending": pending.clone(),
            "created": moment(), "last_activity": nullable(moment()), "servers": map_of("Server"),
            "hubd": object(&[], json!({"password": text()})),
        })),
        "Identity": object(&["kind", "name", "scopes"], json!({
            "kind": {"type": "string", "enum": ["user", "service", "administrator"]},
            "name": text(), "admin": flag(), "scopes": texts(),
            "token_id": nullable(text()), "session_id": nullable(text()),
        })),
        "Owner": object(&["kind", "name"], json!({
            "kind": {"type": "string", "enum": ["user", "service"]}, "name": text(), "admin": flag(),
        })),
        "Server": object(&["name", "full_name", "ready", "stopped", "pending", "url", "progress_url"], json!({
            "name": text(), "display_name": text(), "full_name": text(), "unit": text(), "state_word": text(),
            "last_activity": nullable(moment()), "started": nullable(moment()), "pending": pending,
            "ready": flag(), "stopped": flag(), "url": text(), "user_options": free(), "progress_url": text(),
            "full_url": nullable(text()), "full_progress_url": nullable(text()), "state": nullable(free()),
        })),
        "Group": object(&["kind", "name"], json!({
            "kind": {"type": "string", "enum": ["group"]},
            "name": text(), "users": texts(), "properties": free(), "roles": texts(),
        })),
        "Service": object(&["kind", "name"], json!({
            "kind": {"type": "string", "enum": ["service"]},
            "name": text(), "admin": flag(), "url": text(), "prefix": text(), "command": texts(), "pid": number(),
            "info": free(), "display": flag(), "roles": texts(),
        })),
        "Token": object(&["id", "kind", "scopes", "created", "note"], json!({
            "id": text(), "kind": text(), "user": text(), "service": text(), "roles": texts(), "scopes": texts(),
            "created": moment(), "last_activity": nullable(moment()), "expires_at": nullable(moment()),
            "note": text(), "session_id": nullable(text()), "oauth_client": text(), "token": text(),
        })),
        "Tokens": object(&["api_tokens"], json!({
            "api_tokens": {"type": "array", "items": {"$ref": "#/components/schemas/Token"}},
        })),
        "Share": object(&["kind", "server", "scopes", "created_at"], json!({
            "kind": {"type": "string", "enum": ["user", "group"]},
            "user": nullable(named()), "group": nullable(named()), "server": shared_server.clone(),
            "scopes": texts(), "created_at": moment(),
        })),
        "ShareOrNothing": object(&[], json!({"kind": text(), "scopes": texts()})),
        "ShareCode": object(&["id", "server", "scopes", "created_at", "expires_at", "exchange_count"], json!({
            "id": text(), "server": shared_server, "scopes": texts(), "created_at": moment(), "expires_at": moment(),
            "exchange_count": number(), "last_exchanged_at": nullable(moment()), "code": text(), "accept_url": text(),
            "full_accept_url": nullable(text()),
        })),
        "Route": object(&["routespec", "target", "data"], json!({
            "routespec": text(), "target": text(), "data": free(),
        })),
        "AccountPassword": object(&["name", "password", "must_change"], json!({
            "name": text(), "password": text(), "must_change": flag(),
        })),
        "Shutdown": object(&["message"], json!({"message": text()})),
        "Status": object(&["version", "pid", "started", "users", "servers"], json!({
            "version": text(), "pid": number(), "started": moment(), "users": number(), "servers": free(),
            "connections": number(), "memory_bytes": nullable(number()), "logins": free(),
            "suspended_for_memory": nullable(object(&["servers", "last"], json!({"servers": number(), "last": moment()}))),
        })),
        "IdleServers": object(&["servers"], json!({"servers": {"type": "array", "items": free()}})),
        "Kept": object(&["keep_until"], json!({"keep_until": nullable(moment())})),
        "ServerExtension": object(&["state"], json!({
            "state": text(), "given_back": number(), "idle": free(), "lost_profile": text(), "out_of_memory": free(),
            "usage": free(), "failure": free(), "stopped_by": text(),
        })),
        "Profiles": object(&["profiles"], json!({
            "profiles": {"type": "array", "items": object(&["name", "description", "limits", "default"], json!({
                "name": text(), "description": free(), "limits": free(), "default": flag(),
            }))},
        })),
        "ServerLimits": object(&["unit", "running", "limits", "person", "all"], json!({
            "unit": text(), "running": flag(), "profile": nullable(text()), "limits": map_of("Limit"),
            "person": {"$ref": "#/components/schemas/UnitLimits"}, "all": {"$ref": "#/components/schemas/UnitLimits"},
        })),
        "UnitLimits": object(&["unit", "limits"], json!({"unit": text(), "limits": map_of("Limit")})),
        "Limit": object(&["amount", "live", "said"], json!({
            "amount": text(), "live": flag(), "said": {"type": "array", "items": free()},
        })),
        "Log": object(&["lines"], json!({"lines": {"type": "array", "items": free()}})),
        "OAuthToken": object(&["access_token", "token_type", "expires_in", "scope"], json!({
            "access_token": text(), "token_type": text(), "expires_in": number(), "scope": text(),
        })),
        "OAuthError": object(&["error"], json!({"error": text(), "error_description": text()})),
        "OpenApi": free(),
    })
}

/// The forms that tell the place in a long list.
fn lists() -> Value {
    let next = object(&["offset", "limit", "url"], json!({"offset": number(), "limit": number(), "url": text()}));
    let place = object(
        &["offset", "limit", "total", "next"],
        json!({"offset": number(), "limit": number(), "total": number(), "next": nullable(next)}),
    );
    let paginated = |items: Value| object(&["items", "_pagination"], json!({"items": items, "_pagination": place}));
    let list = |item: &str| json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{item}")}});
    let either = |plain: Value| json!({"oneOf": [plain.clone(), paginated(plain)]});
    json!({
        "UserList": either(list("User")),
        "GroupList": either(list("Group")),
        "ServiceMap": map_of("Service"),
        "RouteMap": {"anyOf": [map_of("Route"), paginated(map_of("Route"))]},
        "ShareList": paginated(list("Share")),
        "ShareCodeList": paginated(list("ShareCode")),
    })
}

/// What is wanted of the account of a person; without a password one is generated.
fn password() -> Value {
    object(&[], json!({"password": nullable(text()), "must_change": flag()}))
}

/// `false`: who has no account is not added.
fn account() -> Value {
    json!({"anyOf": [password(), {"type": "boolean", "enum": [false]}]})
}

fn requests() -> Value {
    let free = || json!({"type": "object"});
    json!({
        "NewUsers": object(&["usernames"], json!({"usernames": texts(), "admin": flag(), "account": account()})),
        "NewUser": object(&[], json!({"admin": flag(), "account": account()})),
        "NewPassword": password(),
        "UserChange": object(&[], json!({"name": text(), "admin": flag()})),
        "ServerRequest": object(&[], json!({"display_name": text(), "user_options": nullable(free())})),
        "ServerChange": object(&[], json!({"name": text(), "display_name": text(), "user_options": free()})),
        "Keep": object(&[], json!({"until": moment(), "seconds": {"type": "integer", "minimum": 1}})),
        "LimitChange": free(),
        "ServerStop": object(&[], json!({"remove": flag()})),
        "NewToken": object(&[], json!({
            "note": text(), "expires_in": nullable(json!({"type": "integer", "minimum": 1})), "scopes": texts(),
            "roles": texts(), "auth": free(),
        })),
        "Activity": object(&[], json!({
            "last_activity": moment(),
            "servers": {"type": "object", "additionalProperties": object(&["last_activity"], json!({"last_activity": moment()}))},
        })),
        "NewGroups": object(&["groups"], json!({"groups": texts(), "users": texts()})),
        "NewGroup": object(&[], json!({"name": text(), "users": texts(), "roles": texts()})),
        "Members": object(&["users"], json!({"users": texts()})),
        "Properties": free(),
        "NewService": object(&[], json!({
            "name": text(), "admin": flag(), "url": text(), "oauth_client_allowed_scopes": texts(), "api_token": text(),
            "info": free(), "display": flag(), "oauth_no_confirm": flag(), "oauth_client_id": text(),
            "oauth_redirect_uri": text(),
        })),
        "ShareRequest": object(&[], json!({"user": text(), "group": text(), "scopes": texts()})),
        "NewShareCode": object(&[], json!({
            "scopes": texts(), "expires_in": {"type": "integer", "minimum": 60, "maximum": 31_536_000},
        })),
        "ProxyChange": object(&[], json!({"api_url": text(), "auth_token": text()})),
        "ShutdownRequest": object(&[], json!({"proxy": flag(), "servers": flag()})),
    })
}
