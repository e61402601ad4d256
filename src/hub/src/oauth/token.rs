//! `/hub/api/oauth2/token`: a client turns its code into a token (contract 4.3).
//!
//! No cookie counts here, and no form protection is needed. Answers have the form of RFC 6749, not that of the API.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::codes::{CodeError, Presented};
use super::issue::issue;
use crate::app::App;
use crate::auth::clients::Registered;
use crate::clock::now;
use crate::http::faults::Fault;

/// Why there is no token.
enum Refused {
    /// 400 with this error, and a sentence or none.
    Bad(&'static str, String),
    /// 401: nobody knows this client, or its secret is wrong.
    Client,
    /// The hub's own fault.
    Fault(Fault),
}

impl From<CodeError> for Refused {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Invalid => Self::bad("invalid_grant", ""),
            CodeError::NoVerifier | CodeError::Redirect => Self::bad("invalid_request", &error.to_string()),
        }
    }
}

impl Refused {
    fn bad(error: &'static str, description: &str) -> Self {
        Self::Bad(error, description.to_owned())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Bad(error, description) => {
                let body = if description.is_empty() {
                    json!({ "error": error })
                } else {
                    json!({ "error": error, "error_description": description })
                };
                (StatusCode::BAD_REQUEST, Json(body)).into_response()
            }
            Self::Client => {
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_client\"");
                let body = Json(json!({ "error": "invalid_client" }));
                (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], body).into_response()
            }
            Self::Fault(fault) => fault.into_response(),
        }
    }
}

/// `POST`
pub async fn give(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let answer = redeem(&app, uri.query(), &headers, &body).await;
    let fixed = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (fixed, answer).into_response()
}

async fn redeem(app: &App, query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refused> {
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Refused::bad("invalid_request", "URL query parameters are not allowed"));
    }
    let fields = if is_form(headers) { read(body)? } else { HashMap::new() };
    let find = |name: &str| fields.get(name).map(String::as_str);
    if find("grant_type") != Some("authorization_code") {
        return Err(Refused::bad("unsupported_grant_type", ""));
    }
    let code = find("code").ok_or_else(|| Refused::bad("invalid_request", "Missing code parameter."))?;
    let client = authenticate(app, headers, find("client_id"), find("client_secret"))?;
    let redirect_uri = find("redirect_uri");
    let presented = Presented { client: &client.id, verifier: find("code_verifier"), redirect_uri };
    if redirect_uri.is_some_and(|uri| !client.redirect_uris.iter().any(|known| known == uri)) {
        // What is wrong with the code itself is told first.
        app.codes.look(code, presented, now())?;
        return Err(CodeError::Redirect.into());
    }
    let now = now();
    let grant = app.codes.redeem(code, presented, now)?;
    let issued = issue(app, &grant, &client, now).await.map_err(|error| Refused::Fault(Fault::internal(error)))?;
    let issued = issued.ok_or(CodeError::Invalid)?;
    tracing::info!(
        hub_user = grant.session.user.as_str(),
        "{} got a token that acts for {}",
        client.description,
        grant.session.user
    );
    let answer = json!({
        "access_token": issued.secret.as_str(),
        "expires_in": app.sessions.lifetime().as_secs(),
        "token_type": "Bearer",
        "scope": grant.scopes.join(" "),
    });
    Ok(Json(answer).into_response())
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = kind.split(';').next().unwrap_or_default().trim();
    name.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The fields of the form, each at most once; an empty one is as good as none (RFC 6749 3.2).
fn read(body: &[u8]) -> Result<HashMap<String, String>, Refused> {
    let mut fields = HashMap::new();
    for (name, value) in form_urlencoded::parse(body).into_owned() {
        if fields.contains_key(&name) {
            return Err(Refused::bad("invalid_request", &format!("Duplicate {name} parameter.")));
        }
        fields.insert(name, value);
    }
    fields.retain(|_, value| !value.is_empty());
    Ok(fields)
}

/// The client whose id and secret these are: in the form, or by HTTP Basic (RFC 6749 2.3.1), not both.
fn authenticate(app: &App, headers: &HeaderMap, id: Option<&str>, secret: Option<&str>) -> Result<Registered, Refused> {
    let Some(basic) = basic(headers) else {
        return known(app, id.unwrap_or_default(), secret.unwrap_or_default()).ok_or(Refused::Client);
    };
    let text = STANDARD.decode(basic).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(Refused::Client)?;
    let (name, password) = text.split_once(':').ok_or(Refused::Client)?;
    if secret.is_some() {
        return Err(Refused::bad("invalid_request", "Multiple client credentials."));
    }
    // The RFC wants both encoded as in forms; many clients send them as they are.
    let decoded = percent_decode_str(name).decode_utf8_lossy();
    let named = |client: &Registered| id.is_none_or(|id| id == client.id);
    let found = known(app, name, password).or_else(|| known(app, &decoded, password));
    found.filter(named).ok_or(Refused::Client)
}

/// What stands behind `Authorization: Basic`. Any other word there means nothing here.
fn basic(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("basic").then_some(rest.trim())
}

fn known(app: &App, id: &str, secret: &str) -> Option<Registered> {
    // The secret is looked up whether the client exists or not, so that the time it takes tells nothing.
    let token = app.tokens.find(secret, now());
    super::client(app, id).zip(token).filter(|(client, token)| client.is_secret(token)).map(|(client, _)| client)
}
