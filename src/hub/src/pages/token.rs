//! `/hub/token`: a person's API tokens and the applications they let in (contract 8.2).
//!
//! Invariant: a secret is shown once, in the answer to the form that asked for it; it never stands in an address.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hubd_base::config::NEVER;
use hubd_base::names::UserName;
use serde::Deserialize;

use super::form::{Fields, Form};
use super::home::to_login;
use super::locale::{Language, Text};
use super::oauth::client_name;
use super::text;
use super::view::{Frame, Moment, Notice, NoticeKind, Page};
use crate::app::App;
use crate::auth::clients::Client;
use crate::auth::scopes::{Cover, Resource};
use crate::auth::token_request::{LifetimeRefused, ScopesRefused, expiry, stored_scopes};
use crate::auth::tokens::{Kind, NewToken, Owner, Token};
use crate::clock::{Usec, now, system_time};
use crate::http::faults::Fault;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;

const DAY: u64 = 86_400;
/// How long a token may live, seconds, with the words for it.
const LIFETIMES: [(u64, &str); 5] = [
    (3600, "token.hour"),
    (DAY, "token.day"),
    (7 * DAY, "token.week"),
    (30 * DAY, "token.month"),
    (365 * DAY, "token.year"),
];
/// What is chosen when the page opens.
const USUAL: u64 = 30 * DAY;
/// Longest note, characters.
const NOTE_MAX: usize = 200;

/// The page.
#[derive(Template)]
#[template(path = "token.html")]
pub(super) struct TokenPage {
    /// Shared by all pages.
    pub frame: Frame,
    /// What the form holds.
    pub asked: Asked,
    /// What can be chosen: seconds (empty for as long as possible) and words.
    pub lifetimes: Vec<(String, String)>,
    /// What the person just made.
    pub secret: Option<String>,
    /// How the last action went.
    pub notice: Option<Notice>,
    /// Every scope that can be given away, and what it permits.
    pub meanings: Vec<(String, String)>,
    /// API tokens, the newest first.
    pub tokens: Vec<TokenRow>,
    /// Applications that hold tokens, by name.
    pub applications: Vec<ApplicationRow>,
}

/// What somebody typed into the form, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// What the token is for.
    pub note: String,
    /// Seconds, or nothing.
    pub expires_in: String,
    /// Scopes, blank separated.
    pub scopes: String,
    /// Why the note cannot be.
    pub note_error: Option<String>,
    /// Why the life cannot be.
    pub expires_error: Option<String>,
    /// Why the scopes cannot be.
    pub scopes_error: Option<String>,
}

/// One API token.
#[derive(Clone, Debug)]
pub(super) struct TokenRow {
    /// `a<N>`
    pub id: String,
    /// What it is for.
    pub note: String,
    /// What it may do, as stored.
    pub scopes: String,
    /// When it was made.
    pub created: Moment,
    /// When it was last used.
    pub used: Option<Moment>,
    /// When it ends.
    pub expires: Option<Moment>,
}

/// One OAuth client and the tokens it holds.
#[derive(Clone, Debug)]
pub(super) struct ApplicationRow {
    /// The client's id.
    pub client: String,
    /// Its name for people.
    pub name: String,
    /// When it was first let in.
    pub since: Moment,
    /// When one of its tokens was last used.
    pub used: Option<Moment>,
}

/// What may stand in the address.
#[derive(Deserialize)]
pub(super) struct Arrived {
    notice: Option<String>,
}

/// `GET /hub/token`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(arrived): Query<Arrived>,
) -> Result<Response, Fault> {
    let Some(user) = visitor.user() else { return Ok(to_login(&app, &visitor).into_response()) };
    require(&app, user, &["read:tokens"])?;
    let revoked = arrived.notice.as_deref() == Some("revoked");
    let text = visitor.text.get("token.revoked").to_owned();
    let notice = revoked.then_some(Notice { kind: NoticeKind::Success, text });
    Ok(draw(&app, &visitor, user, StatusCode::OK, Asked::fresh(&app), None, notice))
}

/// `POST /hub/token`: makes a token. Fields: `note`, `expires_in`, `scopes`.
pub(super) async fn create(State(app): State<Arc<App>>, visitor: Visitor, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let user = visitor.user().ok_or(Fault::NoCredentials)?;
    // A person sees the secret on the page itself; a script of another page of this host may not ask for it.
    if !visitor.navigates {
        return Err(Fault::Forbidden);
    }
    require(&app, user, &["tokens"])?;
    let now = now();
    let mut asked = Asked::read(&fields);
    let Some((scopes, expires)) = asked.judge(&app, user, visitor.text, now) else {
        let text = visitor.text.get("token.refused").to_owned();
        let notice = Some(Notice { kind: NoticeKind::Error, text });
        return Ok(draw(&app, &visitor, user, StatusCode::BAD_REQUEST, asked, None, notice));
    };
    let new = NewToken {
        owner: Owner::User(user.clone()),
        kind: Kind::Api,
        client: None,
        session: None,
        scopes,
        note: asked.note,
        created: now,
        expires,
    };
    let (secret, token) = app.tokens.create(new).await.map_err(Fault::internal)?;
    tracing::info!(hub_user = user.as_str(), "{user} made the token a{} on the token page", token.id);
    let secret = Some(secret.as_str().to_owned());
    Ok(draw(&app, &visitor, user, StatusCode::OK, Asked::fresh(&app), secret, None))
}

/// `POST /hub/token/revoke`: the field `token` names one token, or `client` an application, which loses all of its.
pub(super) async fn revoke(State(app): State<Arc<App>>, visitor: Visitor, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let user = visitor.user().ok_or(Fault::NoCredentials)?;
    require(&app, user, &["tokens"])?;
    let id = fields.find("token").and_then(|id| id.strip_prefix('a')?.parse::<i64>().ok());
    let client = fields.find("client");
    let named = |token: &Token| match token.kind {
        Kind::Api => Some(token.id) == id,
        Kind::OAuth => client == Some(token.client.as_deref().unwrap_or_default()),
        Kind::Server | Kind::Service => false,
    };
    let count = app.tokens.revoke(|token| is_of(token, user) && named(token)).await.map_err(Fault::internal)?;
    tracing::info!(hub_user = user.as_str(), "{user} revoked {count} tokens on the token page");
    Ok(Redirect::to(&format!("{}hub/token?notice=revoked", app.base_url())).into_response())
}

fn require(app: &App, user: &UserName, any: &'static [&'static str]) -> Result<(), Fault> {
    let scopes = app.access.of_user(user);
    let cover = scopes.covers_any(any, Resource::User(user.as_str()), app.access.groups());
    if cover == Cover::Covered { Ok(()) } else { Err(Fault::Scopes(any)) }
}

fn is_of(token: &Token, user: &UserName) -> bool {
    matches!(&token.owner, Owner::User(owner) if owner == user)
}

fn draw(
    app: &App,
    visitor: &Visitor,
    user: &UserName,
    status: StatusCode,
    asked: Asked,
    secret: Option<String>,
    notice: Option<Notice>,
) -> Response {
    let mut frame = visitor.frame(app);
    // A change of language comes back to the page, not to a form's submission.
    frame.path = frame.hub("token");
    let page = TokenPage {
        lifetimes: lifetimes(app.config.hub.token_lifetime_max, visitor.text),
        meanings: meanings(app, user, visitor.text),
        tokens: tokens(app, user),
        applications: applications(app, user, visitor.text),
        frame,
        asked,
        secret,
        notice,
    };
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.render_page()).into_response()
}

/// What can be chosen; the last is as long as possible.
fn lifetimes(longest: Duration, text: Text) -> Vec<(String, String)> {
    let fixed = LIFETIMES.iter().filter(|(seconds, _)| *seconds <= longest.as_secs());
    let fixed = fixed.map(|(seconds, key)| (seconds.to_string(), text.get(key).to_owned()));
    let most = if longest == NEVER {
        text.get("token.never").to_owned()
    } else {
        let hours = longest.as_secs().div_ceil(3600);
        text.fill("token.longest", &[("hours", &hours.to_string())])
    };
    fixed.chain([(String::new(), most)]).collect()
}

fn meanings(app: &App, user: &UserName, text: Text) -> Vec<(String, String)> {
    let held = app.access.of_user(user);
    let told = |scope: &str| Some((scope.to_owned(), text::meaning(scope, app, text)?));
    let mut meanings: Vec<_> = held.iter().filter_map(|(scope, _)| told(scope)).collect();
    meanings.sort();
    meanings
}

fn tokens(app: &App, user: &UserName) -> Vec<TokenRow> {
    let mut tokens = app.tokens.select(now(), |token| token.kind == Kind::Api && is_of(token, user));
    tokens.reverse();
    let row = |token: &Arc<Token>| TokenRow {
        id: format!("a{}", token.id),
        note: token.note.clone(),
        scopes: token.scopes.join(" "),
        created: moment(token.created),
        used: token.last_activity().map(moment),
        expires: token.expires.map(moment),
    };
    tokens.iter().map(row).collect()
}

fn applications(app: &App, user: &UserName, text: Text) -> Vec<ApplicationRow> {
    let held = app.tokens.select(now(), |token| token.kind == Kind::OAuth && is_of(token, user));
    let mut clients: BTreeMap<&str, Vec<&Arc<Token>>> = BTreeMap::new();
    for token in &held {
        clients.entry(token.client.as_deref().unwrap_or_default()).or_default().push(token);
    }
    let row = |(client, tokens): (&str, Vec<&Arc<Token>>)| {
        let first = tokens.first()?;
        let known = Client::find(client, &app.services);
        Some(ApplicationRow {
            client: client.to_owned(),
            name: known.map_or_else(|| first.note.clone(), |known| client_name(app, &known, text)),
            since: moment(tokens.iter().map(|token| token.created).min()?),
            used: tokens.iter().filter_map(|token| token.last_activity()).max().map(moment),
        })
    };
    let mut rows: Vec<_> = clients.into_iter().filter_map(row).collect();
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    rows
}

fn moment(when: Usec) -> Moment {
    Moment::of(system_time(when))
}

impl Asked {
    /// The form as it opens.
    fn fresh(app: &App) -> Self {
        let usual = app.config.hub.token_lifetime_max.as_secs() >= USUAL;
        Self { expires_in: if usual { USUAL.to_string() } else { String::new() }, ..Self::default() }
    }

    fn read(fields: &Fields) -> Self {
        let find = |name| fields.find(name).unwrap_or_default().trim().to_owned();
        let (note, expires_in, scopes) = (find("note"), find("expires_in"), find("scopes"));
        Self { note, expires_in, scopes, ..Self::default() }
    }

    /// The scopes to store and when the token ends; `None` after noting at the fields what is wrong.
    fn judge(&mut self, app: &App, user: &UserName, text: Text, now: Usec) -> Option<(Vec<String>, Option<Usec>)> {
        if self.note.chars().count() > NOTE_MAX {
            self.note_error = Some(text.fill("token.note-long", &[("most", &NOTE_MAX.to_string())]));
        }
        let longest = app.config.hub.token_lifetime_max;
        let seconds = Some(self.expires_in.as_str()).filter(|seconds| !seconds.is_empty());
        let expires = match seconds.map(str::parse::<i64>).transpose() {
            Ok(seconds) => expiry(seconds, longest, now).map_err(|error| told_lifetime(error, text)),
            Err(_) => Err(text.get("token.expires-wrong").to_owned()),
        };
        let scopes = self.stored(app, user).map_err(|error| told_scopes(error, text));
        self.expires_error = expires.as_ref().err().cloned();
        self.scopes_error = scopes.as_ref().err().cloned();
        if self.note_error.is_some() { None } else { scopes.ok().zip(expires.ok()) }
    }

    fn stored(&self, app: &App, user: &UserName) -> Result<Vec<String>, ScopesRefused> {
        let split = |c: char| c.is_whitespace() || c == ',';
        let mut names: Vec<String> =
            self.scopes.split(split).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if names.is_empty() {
            names.extend(app.access.roles.scopes(["token"]).map(str::to_owned));
        }
        let (owner, held) = (Owner::User(user.clone()), app.access.of_user(user));
        stored_scopes(&app.access.catalog, &owner, &held, app.access.groups(), None, &names)
    }
}

fn told_lifetime(error: LifetimeRefused, text: Text) -> String {
    match error {
        LifetimeRefused::NotPositive(_) => text.get("token.expires-wrong").to_owned(),
        LifetimeRefused::TooLong(_, most) => {
            text.fill("token.expires-long", &[("hours", &most.div_ceil(3600).to_string())])
        }
    }
}

fn told_scopes(error: ScopesRefused, text: Text) -> String {
    match error {
        ScopesRefused::Unknown(scope) => text.fill("token.scope-unknown", &[("scope", &scope)]),
        ScopesRefused::Filter { scope, .. } => text.fill("token.scope-filter", &[("scope", &scope)]),
        ScopesRefused::All => text.fill("token.scope-unknown", &[("scope", "all")]),
        ScopesRefused::NotHeld { missing, .. } => text.fill("token.scope-missing", &[("scopes", &missing.join(", "))]),
    }
}

#[cfg(test)]
impl TokenPage {
    /// A page on which everything a person can type is this text.
    pub(super) fn sample(frame: Frame, typed: &str) -> Self {
        let (typed, when) = (typed.to_owned(), moment(0));
        let error = Some(typed.clone());
        let (client, name) = (typed.clone(), typed.clone());
        Self {
            lifetimes: lifetimes(NEVER, frame.text),
            asked: Asked {
                note: typed.clone(),
                expires_in: typed.clone(),
                scopes: typed.clone(),
                note_error: error.clone(),
                expires_error: error.clone(),
                scopes_error: error,
            },
            secret: None,
            notice: None,
            meanings: vec![(typed.clone(), typed.clone())],
            tokens: vec![TokenRow {
                id: "a1".to_owned(),
                note: typed.clone(),
                scopes: typed,
                created: when.clone(),
                used: None,
                expires: Some(when.clone()),
            }],
            applications: vec![ApplicationRow { client, name, since: when.clone(), used: Some(when) }],
            frame,
        }
    }
}
