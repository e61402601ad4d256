//! `/hub/api/oauth2/authorize`: a person in a browser lets a client act for them (contract 4.2).
//!
//! Only the hub's own cookie counts here. Whatever the page said before, all is checked again when the person agrees.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hubd_base::names::UserName;

use super::request::{Request, Wrong};
use super::scopes::Wanted;
use crate::app::App;
use crate::auth::clients::{Client, Registered};
use crate::auth::scopes::{Cover, Resource};
use crate::auth::sessions::Session;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;
use crate::pages::form::Form;
use crate::pages::home::to_login;
use crate::pages::oauth as page;

/// `GET`: a code at once where the person need not be asked, the page that asks otherwise.
pub async fn show(State(app): State<Arc<App>>, visitor: Visitor, method: Method, uri: Uri) -> Result<Response, Fault> {
    if method == Method::HEAD {
        return Err(Fault::Method);
    }
    let Some(session) = visitor.session.clone() else { return Ok(to_login(&app, &visitor).into_response()) };
    let asked = || {
        let request = Request::read(&app, uri.query().unwrap_or_default())?;
        let wanted = Wanted::new(&app, &request.client, &session.user);
        let scopes = match &request.scope {
            None => wanted.allowed(),
            Some(names) => {
                wanted.read(names.split_ascii_whitespace()).map_err(|refused| request.refuse_scopes(refused))?
            }
        };
        check_access(&app, &request.client, &session.user)?;
        let scopes = wanted.held(scopes);
        if wanted.is_settled(&scopes) {
            return Ok(give(&app, &request, session.clone(), scopes)?.into_response());
        }
        Ok(page::ask(&app, &visitor, &request.client.client, &scopes, &wanted.always()))
    };
    asked().or_else(tell)
}

/// `POST`: the person agreed. Fields: `scopes`, once for each.
pub async fn agree(State(app): State<Arc<App>>, visitor: Visitor, uri: Uri, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let session = visitor.session.clone().ok_or(Fault::NoCredentials)?;
    // A person agrees on the page itself; a script of another page of this host may not do it for them.
    if !visitor.navigates {
        return Err(Fault::Forbidden);
    }
    let agreed = || {
        let request = Request::read(&app, uri.query().unwrap_or_default())?;
        let wanted = Wanted::new(&app, &request.client, &session.user);
        let scopes = wanted.read(fields.all("scopes")).map_err(|refused| request.refuse_scopes(refused))?;
        check_access(&app, &request.client, &session.user)?;
        let scopes = wanted.held(scopes);
        Ok(give(&app, &request, session.clone(), scopes)?.into_response())
    };
    agreed().or_else(tell)
}

fn tell(wrong: Wrong) -> Result<Response, Fault> {
    match wrong {
        Wrong::Here(fault) => Err(fault),
        Wrong::Back(address) => Ok(Redirect::to(&address).into_response()),
    }
}

fn check_access(app: &App, client: &Registered, user: &UserName) -> Result<(), Fault> {
    let may = match &client.client {
        Client::Server(id) => app.may_access(user, id),
        Client::Service(name) => {
            let scopes = app.access.of_user(user);
            scopes.covers("access:services", Resource::Service(name), app.access.groups()) == Cover::Covered
        }
    };
    let refused = || match &client.client {
        Client::Server(_) => Fault::NotYours,
        Client::Service(_) => {
            let text = format!("You do not have permission to access {}", client.description);
            Fault::Told(StatusCode::FORBIDDEN, text)
        }
    };
    if may { Ok(()) } else { Err(refused()) }
}

fn give(app: &App, request: &Request, session: Arc<Session>, scopes: BTreeSet<String>) -> Result<Redirect, Fault> {
    let grant = request.grant(session, scopes.into_iter().collect());
    let code = app.codes.issue(grant, now()).map_err(Fault::internal)?;
    Ok(Redirect::to(&request.answer(&code)))
}
