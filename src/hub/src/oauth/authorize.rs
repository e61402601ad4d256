//! `/hub/api/oauth2/authorize`: a logged-in browser gets a code for a server it may use (contract 4.2).

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use hubd_base::names::ServerId;
use serde::Deserialize;

use super::callback;
use crate::app::App;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::http::next::quote;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;

/// The parameters of the contract that a server's gate sends.
#[derive(Deserialize)]
pub struct Asked {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    response_type: Option<String>,
    state: Option<String>,
}

/// `GET`
pub async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let wrong = |text: &str| Fault::BadRequest(text.to_owned());
    let client_id = asked.client_id.ok_or_else(|| wrong("Missing client_id parameter."))?;
    let server = ServerId::from_client_id(&client_id).ok_or_else(|| wrong("Invalid client_id parameter value."))?;
    let callback = callback(&app, &server);
    if asked.redirect_uri.is_some_and(|uri| uri != callback) {
        return Err(wrong("Mismatching redirect URI."));
    }
    let state = asked.state.map(|state| format!("&state={}", quote(&state))).unwrap_or_default();
    match asked.response_type.as_deref() {
        Some("code") => {}
        Some(_) => {
            return Ok(Redirect::to(&format!("{callback}?error=unsupported_response_type{state}")).into_response());
        }
        None => {
            let error = "error=invalid_request&error_description=Missing+response_type+parameter.";
            return Ok(Redirect::to(&format!("{callback}?{error}{state}")).into_response());
        }
    }
    let Some(session) = visitor.session.clone() else {
        let login = format!("{}hub/login?next={}", app.base_url(), quote(&visitor.target));
        return Ok(Redirect::to(&login).into_response());
    };
    if !app.may_access(&session.user, &server) {
        return Err(Fault::NotYours);
    }
    let code = app.codes.issue(session, server, now()).map_err(Fault::internal)?;
    Ok(Redirect::to(&format!("{callback}?code={}{state}", code.as_str())).into_response())
}
