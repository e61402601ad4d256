//! `/hub/api/share-codes/{owner}[/{server}]`: codes to give away (contract 1.14). They are used at `/hub/accept-share`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::body::Body;
use super::caller::Caller;
use super::page::{Arguments, Page};
use super::shares::{Addressed, fields, server_model, visible, wrong_type};
use crate::app::App;
use crate::auth::share_codes::{CODES_MAX, CodeError};
use crate::auth::shares::restricted;
use crate::clock::{iso, now};
use crate::http::faults::Fault;
use crate::store::share_codes::ShareCodeRow;

/// Seconds that a code is good: at least, at most, and when nothing is said.
const SECONDS: (u64, u64, u64) = (60, 525_600 * 60, 86_400);

fn model(app: &App, code: &ShareCodeRow) -> Map<String, Value> {
    let model = json!({
        "id": format!("sc_{}", code.id),
        "server": server_model(app, &code.server),
        "scopes": restricted(&code.scopes, &code.server),
        "created_at": iso(code.created),
        "expires_at": iso(code.expires),
        "exchange_count": code.exchanges,
        "last_exchanged_at": code.last_exchange.map(iso),
    });
    model.as_object().cloned().unwrap_or_default()
}

fn answer(app: &App, page: &Page, codes: Vec<ShareCodeRow>) -> Response {
    let (part, total) = page.cut(codes);
    page.object(part.iter().map(|code| Value::Object(model(app, code))).collect(), total)
}

fn lifetime(fields: &Map<String, Value>) -> Result<Duration, Fault> {
    let (least, most, usual) = SECONDS;
    let Some(value) = fields.get("expires_in") else { return Ok(Duration::from_secs(usual)) };
    // JSON has one sort of number: `60.0` is a whole one too.
    let lifetime = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let fits = |time: &Duration| time.subsec_nanos() == 0 && (least..=most).contains(&time.as_secs());
    lifetime
        .filter(fits)
        .ok_or_else(|| wrong_type("expires_in", &format!("a whole number of seconds from {least} to {most}"), value))
}

/// `GET /hub/api/share-codes/{owner}`
pub async fn of_owner(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(owner): Path<String>,
    page: Page,
) -> Result<Response, Fault> {
    let visible = visible(&app, &caller, &owner)?;
    let person = app.people.named(&owner).ok_or(Fault::NoAccess)?;
    let mut codes = app.shares.codes_of(&person.name, now()).await.map_err(Fault::internal)?;
    codes.retain(|code| visible(&code.server));
    Ok(answer(&app, &page, codes))
}

/// `GET /hub/api/share-codes/{owner}/{server}`
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(address): Path<Addressed>,
    page: Page,
) -> Result<Response, Fault> {
    caller.require(&["read:shares"], address.resource())?;
    let id = address.existing(&app).await?;
    let mut codes = app.shares.codes_of(&id.user, now()).await.map_err(Fault::internal)?;
    codes.retain(|code| code.server == id);
    Ok(answer(&app, &page, codes))
}

/// `POST /hub/api/share-codes/{owner}/{server}`
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(address): Path<Addressed>,
    body: Body,
) -> Result<Json<Value>, Fault> {
    caller.require(&["shares"], address.resource())?;
    let fields = fields(body, &["scopes", "expires_in"])?;
    let lifetime = lifetime(&fields)?;
    let scopes = address.scopes_to_grant(&app, &fields)?;
    let id = address.existing(&app).await?;
    address.check_grant(&caller, &scopes)?;
    let (code, row) = app.shares.create_code(&id, scopes, lifetime, now()).await.map_err(|error| match error {
        CodeError::NoServer => address.unknown(),
        CodeError::Full => {
            Fault::BadRequest(format!("{} has {CODES_MAX} share codes already, delete some first", address.name()))
        }
        CodeError::Store(_) | CodeError::Random(_) => Fault::internal(error),
    })?;
    tracing::info!(
        hub_user = id.user.as_str(),
        hub_unit = id.unit_name(),
        "{} made the share code sc_{} for the server of {id}",
        caller.name(),
        row.id
    );
    let accept = format!("{}hub/accept-share?code={}", app.base_url(), code.as_str());
    let full = app.config.hub.public_url.as_ref().map(|public| format!("{public}{accept}"));
    let mut model = model(&app, &row);
    model.insert("code".into(), code.as_str().into());
    model.insert("accept_url".into(), accept.into());
    model.insert("full_accept_url".into(), full.into());
    Ok(Json(model.into()))
}

/// `DELETE /hub/api/share-codes/{owner}/{server}`: one by `?code=` or `?id=`, or all.
pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(address): Path<Addressed>,
    arguments: Arguments,
) -> Result<StatusCode, Fault> {
    caller.require(&["shares"], address.resource())?;
    let id = address.existing(&app).await?;
    let argument = |name: &str| arguments.get(name).filter(|value| !value.is_empty());
    let missing = |text: String| Fault::Told(StatusCode::NOT_FOUND, text);
    if let Some(code) = argument("code") {
        if !app.shares.delete_code(&id, code, now()).await.map_err(Fault::internal)? {
            return Err(missing("No matching code found".into()));
        }
    } else if let Some(number) = argument("id") {
        let none = || missing(format!("No code found matching id={number}"));
        let digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = number.strip_prefix("sc_").filter(digits).and_then(|digits| digits.parse().ok());
        let parsed = parsed.ok_or_else(none)?;
        if !app.shares.delete_code_by_id(&id, parsed, now()).await.map_err(Fault::internal)? {
            return Err(none());
        }
    } else {
        app.shares.delete_codes(&id, now()).await.map_err(Fault::internal)?;
    }
    tracing::info!(
        hub_user = id.user.as_str(),
        hub_unit = id.unit_name(),
        "{} deleted share codes of the server of {id}",
        caller.name()
    );
    Ok(StatusCode::NO_CONTENT)
}
