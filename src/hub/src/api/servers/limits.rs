//! `GET` and `PATCH .../server/limits`: what a server may use, who says so, and changes of one that runs; no part of
//! `JupyterHub`'s API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hubd_base::limits::{Effective, Person, machine_memory};
use hubd_base::names::{ServerId, UserName};
use hubd_base::profiles;
use serde_json::{Map, Value, json};

use super::Address;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::app::App;
use crate::http::faults::Fault;
use crate::servers::launcher::LaunchError;
use crate::servers::limits::{Held, InForce, Level, LimitChange, Voice};
use crate::servers::profiles::chosen;
use crate::servers::server::Server;

/// What the configuration says of one server.
struct Said {
    profile: Option<String>,
    server: Effective,
    person: Effective,
    all: Effective,
}

/// `GET`: of a server that runs, what is in force; of one that rests, what its next start would have.
pub async fn show(State(app): State<Arc<App>>, caller: Caller, address: Address) -> Result<Json<Value>, Fault> {
    let user = address.allowed(&caller, &["read:servers"])?;
    let server = address.existing(&app, &user).ok_or(Fault::NoAccess)?;
    model(&app, &server).await
}

/// `PATCH`: changes a server that runs, at once and until it stops.
pub async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    address: Address,
    body: Body,
) -> Result<Json<Value>, Fault> {
    let user = address.allowed(&caller, &["admin:servers"])?;
    let server = address.existing(&app, &user).ok_or(Fault::NoAccess)?;
    let change = parse(body)?;
    app.servers.set_limits(&server.id, &change).await.map_err(|error| not_changed(&server.id, error))?;
    tracing::info!(
        hub_user = user.as_str(),
        hub_server = server.id.server.as_str(),
        hub_unit = server.id.unit_name(),
        "{} changed the limits of the server of {}",
        caller.name(),
        server.id
    );
    model(&app, &server).await
}

fn parse(body: Body) -> Result<LimitChange, Fault> {
    let fields = body.object("Body must be a JSON object")?;
    let mut said = Vec::new();
    for (name, value) in fields {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(Fault::BadRequest(format!("{name} must be a string or a number"))),
        };
        said.push((name, text));
    }
    let said = said.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    LimitChange::parse(said).map_err(Fault::BadRequest)
}

/// The fault of limits that were not changed.
pub fn not_changed(id: &ServerId, error: LaunchError) -> Fault {
    match error {
        LaunchError::NotRunning(_) => Fault::BadRequest(format!("{id} is not running")),
        LaunchError::NotAllowed(text) => Fault::BadRequest(text),
        error @ LaunchError::Unreachable(_) => Fault::Internal(error.to_string().into()),
        error => Fault::Told(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

async fn model(app: &App, server: &Server) -> Result<Json<Value>, Fault> {
    let (id, running) = (&server.id, server.snapshot().state.is_ready());
    let in_force = if running { read(app, id).await? } else { None };
    let options = server.details().unwrap_or_default();
    let profile = match &in_force {
        Some(in_force) => in_force.profile.clone(),
        None => chosen(&options.user_options).map(str::to_owned),
    };
    let said = configured(app, &id.user, profile.as_deref()).await.map_err(|text| Fault::Internal(text.into()))?;
    Ok(Json(match in_force {
        Some(in_force) => running_model(&in_force, &said),
        None => resting_model(id, &said),
    }))
}

/// What systemd has in force; `None` where the server ended in between.
async fn read(app: &App, id: &ServerId) -> Result<Option<InForce>, Fault> {
    match app.servers.limits(id).await {
        Ok(in_force) => Ok(Some(in_force)),
        Err(LaunchError::NotRunning(_)) => Ok(None),
        Err(error) => Err(Fault::Internal(error.to_string().into())),
    }
}

/// What the configuration, as it was when the hub started, says of a person's server.
async fn configured(app: &App, user: &UserName, profile: Option<&str>) -> Result<Said, String> {
    let groups = app.accounts.groups(user.clone()).await?;
    let (config, memory) = (&app.config, machine_memory());
    let person = Person { name: user, groups: &groups };
    // One that is gone is replaced by the usual one, as a start does.
    let profile = profiles::choose(config, person, profile.unwrap_or_default());
    let profile = profile.unwrap_or_else(|_| profiles::usual(config, person));
    let chosen = profile.map(|profile| (profile.name.as_str(), &profile.limits));
    Ok(Said {
        profile: profile.map(|profile| profile.name.clone()),
        server: config.limits.of_server(person, chosen, memory),
        person: config.limits.of_person(person, memory),
        all: config.limits.of_all(memory),
    })
}

fn running_model(in_force: &InForce, said: &Said) -> Value {
    json!({
        "unit": in_force.server.unit,
        "running": true,
        "profile": in_force.profile,
        "limits": held(&in_force.server, &said.server),
        "person": {"unit": in_force.person.unit, "limits": held(&in_force.person, &said.person)},
        "all": {"unit": in_force.all.unit, "limits": held(&in_force.all, &said.all)},
    })
}

fn resting_model(id: &ServerId, said: &Said) -> Value {
    json!({
        "unit": id.unit_name(),
        "running": false,
        "profile": said.profile,
        "limits": expected(&said.server),
        "person": {"unit": id.slice_name(), "limits": expected(&said.person)},
        "all": {"unit": "jupyter.slice", "limits": expected(&said.all)},
    })
}

/// What will be in force, as far as the configuration tells.
fn expected(effective: &Effective) -> Map<String, Value> {
    let one = |(limit, decided): (&hubd_base::limits::Limit, &hubd_base::limits::Decided)| {
        let said = json!([{"by": "hub.toml", "rule": decided.source.to_string()}]);
        let model = json!({"amount": decided.amount.show(*limit), "live": limit.is_live(), "said": said});
        (limit.name().to_owned(), model)
    };
    effective.iter().map(one).collect()
}

fn held(level: &Level, said: &Effective) -> Map<String, Value> {
    let mut model = Map::new();
    for (limit, Held { amount, said: voices }) in &level.limits {
        let voice = |voice: &Voice| match voice {
            Voice::Live => json!({"by": "live"}),
            Voice::File(path) => json!({"by": path}),
            Voice::Configuration => {
                // Where nobody else speaks, the rule must be the one that set the amount; it may have changed since.
                let decided = said.get(limit).filter(|decided| voices.len() > 1 || decided.amount == *amount);
                json!({"by": "hub.toml", "rule": decided.map(|decided| decided.source.to_string())})
            }
        };
        let voices: Vec<Value> = voices.iter().map(voice).collect();
        let one = json!({"amount": amount.show(*limit), "live": limit.is_live(), "said": voices});
        model.insert(limit.name().to_owned(), one);
    }
    model
}
