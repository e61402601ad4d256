//! `/hub/api/oauth2/authorize` as a page: asks a person whether a client may act for them (contract 4.2).

use std::collections::BTreeSet;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use super::locale::{Language, Text};
use super::text;
use super::view::{Frame, Page};
use crate::app::App;
use crate::auth::clients::Client;
use crate::auth::scopes::Owner;
use crate::http::visitor::Visitor;

/// What a person reads before they agree.
#[derive(Template)]
#[template(path = "oauth.html")]
pub struct ConsentPage {
    /// Shared by all pages.
    pub frame: Frame,
    /// Who asks, in the language of the page.
    pub client: String,
    /// The scopes to agree to, as the form sends them.
    pub scopes: Vec<String>,
    /// What they permit, one sentence each, in the language of the page.
    pub sentences: Vec<String>,
}

/// The page. `scopes`: what is to be granted; of these `always` goes without saying.
pub fn ask(
    app: &App,
    visitor: &Visitor,
    client: &Client,
    scopes: &BTreeSet<String>,
    always: &BTreeSet<String>,
) -> Response {
    let user = visitor.user().map(ToString::to_string).unwrap_or_default();
    let told: Vec<&str> = scopes.difference(always).map(String::as_str).collect();
    let catalog = &app.access.catalog;
    let said = client.as_issuer(|issuer| catalog.sentences(told, Owner::User(&user), Some(issuer)));
    let mut sentences: Vec<String> = said.iter().map(|said| text::scope(said, &user, visitor.text)).collect();
    if sentences.is_empty() {
        sentences.extend(visitor.text.find("scope.no_scope").map(str::to_owned));
    }
    let page = ConsentPage {
        frame: visitor.frame(app),
        client: client_name(app, client, visitor.text),
        scopes: if scopes.contains("inherit") { vec!["inherit".into()] } else { scopes.iter().cloned().collect() },
        sentences,
    };
    Html(page.render_page()).into_response()
}

/// A client in the language of the page.
pub fn client_name(app: &App, client: &Client, text: Text) -> String {
    match client {
        Client::Server(id) => text.fill("oauth.server", &[("url", &app.server_url(id))]),
        Client::Service(name) => text.fill("oauth.service", &[("name", name)]),
    }
}
