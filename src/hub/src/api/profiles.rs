//! `GET /users/{user}/profiles`: what a person may start a server with; no part of `JupyterHub`'s API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::caller::Caller;
use crate::app::App;
use crate::http::faults::Fault;
use crate::servers::profiles::Offer;

/// In the order of the configuration; empty where nobody has anything to choose. Whoever may start the person's servers,
/// or see what they were started with, may know.
pub async fn list(State(app): State<Arc<App>>, caller: Caller, Path(name): Path<String>) -> Result<Json<Value>, Fault> {
    caller.on_user(&["start:servers", "read:servers"], &name)?;
    let person = app.people.named(&name).ok_or(Fault::NoAccess)?;
    let offers = app.profiles(&person.name).await.map_err(|away| Fault::Internal(away.into()))?;
    Ok(Json(json!({"profiles": offers.iter().map(model).collect::<Vec<_>>()})))
}

/// The name is empty for a server without a profile.
fn model(offer: &Offer) -> Value {
    let limits = offer.limits.iter().map(|(limit, amount)| (limit.name().to_owned(), amount.show(limit).into()));
    let description = offer.description.iter().map(|(tag, text)| (tag.to_owned(), text.into()));
    json!({
        "name": offer.name,
        "description": description.collect::<Map<String, Value>>(),
        "limits": limits.collect::<Map<String, Value>>(),
        "default": offer.usual,
    })
}
