//! The gate in front of a server of kind `lab`: it does the OAuth2 round on the server's behalf and
//! keeps the result in a cookie whose path is that server only.

use std::sync::Arc;

use axum::body::Body;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hubd_base::names::ServerId;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::auth::random;
use crate::auth::tokens::{Kind, Token};
use crate::clock::{Usec, now};
use crate::http::cookies::{self, Cookie, Script};
use crate::http::credentials;
use crate::http::faults::Fault;
use crate::http::next;
use crate::http::redirect::Redirect;
use crate::oauth;
use crate::oauth::codes::Presented;
use crate::oauth::pkce::Challenge;
use crate::servers::server::Server;

/// Seconds that one round to the hub and back may take.
const ROUND: u64 = 600;

/// What the gate says of a request.
#[derive(Debug)]
pub enum Pass {
    /// The bearer of this token may use the server.
    Granted(Arc<Token>),
    /// The bearer is known and may not (any more).
    Refused,
    /// Nobody is known.
    Unknown,
}

/// Checks the right to access; answered from memory. A token in the header comes first (contract 1.1), then the
/// cookie, which holds the token that the gate got for this browser.
pub fn check(app: &App, server: &Server, headers: &HeaderMap, now: Usec) -> Pass {
    let presented = credentials::token(headers).and_then(|secret| app.tokens.find(secret, now));
    let token = presented.or_else(|| {
        let name = server.client.as_str();
        let mut cookies = cookies::all(headers, name).filter_map(|cookie| app.tokens.find(cookie, now));
        cookies.find(|token| token.kind == Kind::OAuth && token.client.as_deref() == Some(name))
    });
    match token {
        Some(token) if app.access.may_enter(&app.access.of_token(&token), &server.id) => {
            app.tokens.touch(&token, now);
            Pass::Granted(token)
        }
        Some(_) => Pass::Refused,
        None => Pass::Unknown,
    }
}

/// Returns when the bearer of a token may use the server no longer: it was revoked, or a right was taken away.
pub async fn revoked(app: Arc<App>, token: Arc<Token>, id: ServerId) {
    let mut changes = app.access.changes().follow();
    loop {
        tokio::select! {
            () = token.ended.cancelled() => return,
            next = changes.changed() => if next.is_err() { return },
        }
        if !app.access.may_enter(&app.access.of_token(&token), &id) {
            return;
        }
    }
}

/// Whether a person's browser asks for a page, so that a redirect or an HTML page helps.
pub fn is_navigation<B>(request: &Request<B>) -> bool {
    if !matches!(*request.method(), Method::GET | Method::HEAD) || is_upgrade(request) {
        return false;
    }
    if let Some(mode) = request.headers().get("sec-fetch-mode") {
        return mode == "navigate";
    }
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Whether the request wants to leave HTTP, as WebSockets do.
pub fn is_upgrade<B>(request: &Request<B>) -> bool {
    request.headers().contains_key(header::UPGRADE)
}

fn round_cookie(id: &ServerId) -> String {
    format!("{}-round", id.client_id())
}

/// Sends the browser to the hub for a code. What comes back is bound to this browser by a cookie.
pub fn ask(app: &App, id: &ServerId, request: &Request<Incoming>) -> Response<Body> {
    let (Ok((state, _)), Ok((verifier, _))) = (random::random_token(), random::random_token()) else {
        return Fault::Internal("no randomness for a login round".into()).json();
    };
    let wanted = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let value = format!("{}.{}.{}", state.as_str(), verifier.as_str(), URL_SAFE_NO_PAD.encode(wanted));
    // The gate needs to know who somebody is and that they may enter; it does nothing in their name.
    let url = format!(
        "{}hub/api/oauth2/authorize?client_id={}&redirect_uri={}&response_type=code&scope=identify&state={}\
         &code_challenge={}&code_challenge_method=S256",
        app.base_url(),
        next::quote(&id.client_id()),
        next::quote(&oauth::callback(app, id)),
        state.as_str(),
        Challenge::digest(&verifier)
    );
    let mut response = Redirect::to(&url).into_response();
    set(app, id, &mut response, &round_cookie(id), &value, ROUND);
    response
}

/// Takes the code and lets the browser in.
pub async fn callback(app: &App, id: &ServerId, request: &Request<Incoming>) -> Result<Response<Body>, Fault> {
    let query = request.uri().query().unwrap_or_default();
    let find = |wanted: &str| {
        form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let name = round_cookie(id);
    let (Some(code), Some(state), Some(kept)) = (find("code"), find("state"), cookies::find(request.headers(), &name))
    else {
        // Old tab, back button or cookies off: begin again, which ends in the right place or at the login page.
        return Ok(Redirect::to(&app.server_url(id)).into_response());
    };
    let mut parts = kept.splitn(3, '.');
    let [expected, verifier, wanted] = [(); 3].map(|()| parts.next().unwrap_or_default());
    if !bool::from(expected.as_bytes().ct_eq(state.as_bytes())) {
        return Err(Fault::Xsrf("OAuth state does not match. Try logging in again.".into()));
    }
    let now = now();
    let refused = || Fault::Xsrf("OAuth code is invalid or expired".into());
    let (address, client) = (oauth::callback(app, id), oauth::client(app, &id.client_id()).ok_or_else(refused)?);
    let presented = Presented { client: &client.id, verifier: Some(verifier), redirect_uri: Some(&address) };
    let grant = app.codes.redeem(&code, presented, now).map_err(|_| refused())?;
    if !app.may_access(&grant.session.user, id) {
        return Err(Fault::NotYours);
    }
    let issued = oauth::issue(app, &grant, &client, now).await.map_err(Fault::internal)?;
    let oauth::Issued { secret, token: issued } = issued.ok_or_else(refused)?;
    // One browser holds one token for one server: the newest.
    let former = |token: &Token| {
        token.id != issued.id
            && token.kind == Kind::OAuth
            && token.client == issued.client
            && token.session == issued.session
    };
    app.tokens.revoke(former).await.map_err(Fault::internal)?;
    let wanted = URL_SAFE_NO_PAD.decode(wanted).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let wanted = wanted.and_then(|wanted| next::check(&wanted, &app.server_url(id)));
    let mut response = Redirect::to(&wanted.unwrap_or_else(|| app.server_url(id))).into_response();
    set(app, id, &mut response, &name, "", 0);
    set(app, id, &mut response, &id.client_id(), &secret, app.sessions.lifetime().as_secs());
    Ok(response)
}

fn set(app: &App, id: &ServerId, response: &mut Response<Body>, name: &str, value: &str, seconds: u64) {
    let path = app.server_url(id);
    let cookie = Cookie { name, value, path: &path, max_age: Some(seconds), script: Script::Hidden };
    if let Some(header) = cookie.header_over(app.cookies_sent()) {
        response.headers_mut().append(header::SET_COOKIE, header);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
