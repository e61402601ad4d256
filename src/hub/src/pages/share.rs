//! `/hub/accept-share`: what a share code gives, and taking it (contract 8.2).
//!
//! Invariant: a code is used up by a form of this very browser only; whoever opens the link is asked first.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use hubd_base::names::UserName;
use serde::Deserialize;

use super::form::Form;
use super::home::to_login;
use super::locale::{Language, Text};
use super::view::{ErrorPage, Frame, Page};
use crate::app::App;
use crate::auth::random;
use crate::auth::scopes::{Owner, Sentence};
use crate::auth::shares::restricted;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::http::next;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;
use crate::store::share_codes::ShareCodeRow;

/// What may stand in the address.
#[derive(Deserialize)]
pub struct Asked {
    code: Option<String>,
    next: Option<String>,
}

/// What somebody shares with whoever has the code.
#[derive(Template)]
#[template(path = "share.html")]
pub struct SharePage {
    /// Shared by all pages.
    pub frame: Frame,
    /// Whose server it is.
    pub owner: String,
    /// The server's name; empty for the default one.
    pub server: String,
    /// What is permitted, a sentence each, in the language of the page where the hub knows the scope.
    pub permits: Vec<String>,
    /// The code, for the form.
    pub code: String,
    /// Where to go afterwards: a checked path of this hub, or empty.
    pub next: String,
}

impl SharePage {
    fn offer(&self) -> String {
        self.frame.text.fill("share.offer", &[("user", &self.owner)])
    }

    fn named(&self) -> String {
        self.frame.text.fill("server.named", &[("name", &self.server)])
    }
}

/// Why a code gives nothing.
#[derive(Clone, Copy)]
enum Trouble {
    /// There is no such code, or it has ended.
    Gone,
    /// It is for a server of the person's own.
    Own,
}

impl Trouble {
    fn page(self, app: &App, visitor: &Visitor, status: StatusCode) -> Response {
        let [title, message, hint] = match self {
            Self::Gone => ["share.gone", "share.gone-message", "share.gone-hint"],
            Self::Own => ["share.own", "share.own-message", "share.own-hint"],
        }
        .map(|key| visitor.text.get(key).to_owned());
        let incident = random::incident();
        tracing::info!(
            hub_request = incident.as_str(),
            hub_outcome = status.as_u16(),
            "Request {incident} was refused: a share code that gives nothing"
        );
        let page = ErrorPage {
            frame: visitor.frame(app),
            status: status.as_u16(),
            title,
            message,
            hint,
            detail: String::new(),
            incident,
        };
        (status, Html(page.render_page())).into_response()
    }
}

/// What the code gives this person.
async fn offered(app: &App, user: &UserName, code: Option<&str>) -> Result<Result<ShareCodeRow, Trouble>, Fault> {
    let missing = || Fault::BadRequest("Missing argument code".into());
    let code = code.filter(|code| !code.is_empty()).ok_or_else(missing)?;
    Ok(match app.shares.find_code(code, now()).await.map_err(Fault::internal)? {
        None => Err(Trouble::Gone),
        Some(row) if row.server.user == *user => Err(Trouble::Own),
        Some(row) => Ok(row),
    })
}

/// `GET /hub/accept-share?code=[&next=]`
pub async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let Some(user) = visitor.user() else { return Ok(to_login(&app, &visitor).into_response()) };
    let row = match offered(&app, user, asked.code.as_deref()).await? {
        Ok(row) => row,
        Err(trouble @ Trouble::Gone) => return Ok(trouble.page(&app, &visitor, StatusCode::NOT_FOUND)),
        Err(trouble @ Trouble::Own) => return Ok(trouble.page(&app, &visitor, StatusCode::FORBIDDEN)),
    };
    let scopes = restricted(&row.scopes, &row.server);
    let scopes = scopes.iter().map(String::as_str);
    let sentences = app.access.catalog.sentences(scopes, Owner::User(user.as_str()), None);
    let page = SharePage {
        frame: visitor.frame(&app),
        owner: row.server.user.to_string(),
        server: row.server.server.to_string(),
        permits: sentences.iter().map(|sentence| in_words(sentence, visitor.text)).collect(),
        code: asked.code.unwrap_or_default(),
        next: asked.next.and_then(|next| next::check(&next, app.base_url())).unwrap_or_default(),
    };
    Ok(Html(page.render_page()).into_response())
}

/// `POST /hub/accept-share`
pub async fn accept(State(app): State<Arc<App>>, visitor: Visitor, form: Form) -> Result<Response, Fault> {
    let user = visitor.user().ok_or(Fault::NoCredentials)?;
    let fields = form.open()?;
    let row = match offered(&app, user, fields.find("code")).await? {
        Ok(row) => row,
        Err(trouble) => return Ok(trouble.page(&app, &visitor, StatusCode::BAD_REQUEST)),
    };
    let Some(share) = app.shares.exchange(&row, user, now()).await.map_err(Fault::internal)? else {
        return Ok(Trouble::Gone.page(&app, &visitor, StatusCode::BAD_REQUEST));
    };
    tracing::info!(
        hub_user = row.server.user.as_str(),
        hub_unit = row.server.unit_name(),
        "{user} accepted the share code sc_{} for the server of {}",
        row.id,
        row.server
    );
    let next = fields.find("next").and_then(|next| next::check(next, app.base_url()));
    Ok(Redirect::to(&next.unwrap_or_else(|| app.server_url(&share.server))).into_response())
}

/// The scopes that are shared in practice have words in every language; an operator's own have the operator's.
fn in_words(sentence: &Sentence<'_>, text: Text) -> String {
    let key = match sentence.scope.name.as_str() {
        "access:servers" => "share.access",
        "read:servers" => "share.read",
        "start:servers" => "share.start",
        "delete:servers" => "share.delete",
        "servers" | "admin:servers" => "share.manage",
        "admin:server_state" => "share.state",
        "read:shares" => "share.read-shares",
        "shares" => "share.shares",
        _ => return sentence.text.to_owned(),
    };
    text.get(key).to_owned()
}
