//! `/hub/login` and `/hub/logout`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use hubd_base::names::UserName;
use hubd_base::secret::Secret;
use hubd_proto::login::Outcome;
use serde::Deserialize;

use super::form::Form;
use super::view::{LoginNotice, LoginPage, Page};
use crate::app::App;
use crate::auth::login::{FIELD_MAX, LoginError, Verdict};
use crate::auth::sessions::Session;
use crate::auth::xsrf::Identity;
use crate::clock::now;
use crate::http::cookies::{self, Cookie, Script, Sent};
use crate::http::faults::Fault;
use crate::http::next;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;
use crate::observe;
use crate::observe::metrics::metrics;

/// Seconds after which to come back when all places are taken.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("10");

/// What may stand in the address of the login page.
#[derive(Deserialize)]
pub struct Asked {
    next: Option<String>,
    notice: Option<String>,
}

/// `GET /hub/login`
pub async fn show(State(app): State<Arc<App>>, visitor: Visitor, Query(asked): Query<Asked>) -> Response<Body> {
    let next = asked.next.as_deref().and_then(|next| visitor.next(&app, next));
    if let Some(session) = &visitor.session {
        let mut response = Redirect::to(&next.unwrap_or_else(|| home(&app))).into_response();
        append(&app, response.headers_mut(), shared(&app, session));
        renew_xsrf(&app, &visitor, response.headers_mut());
        return response;
    }
    let notice = match asked.notice.as_deref() {
        Some("signed-out") => Some(LoginNotice::SignedOut),
        _ => None,
    };
    page(&app, &visitor, StatusCode::OK, next.unwrap_or_default(), String::new(), notice)
}

fn home(app: &App) -> String {
    format!("{}hub/home", app.base_url())
}

fn page(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    next: String,
    username: String,
    notice: Option<LoginNotice>,
) -> Response<Body> {
    let mut frame = visitor.frame(app);
    // A change of language comes back to the form, not to its submission.
    frame.path = format!("{}hub/login", app.base_url());
    if !next.is_empty() {
        frame.path.push_str("?next=");
        frame.path.push_str(&next::quote(&next));
    }
    let notice = notice.map(|notice| notice.notice(visitor.text));
    let html = LoginPage { frame, next, username, notice }.render_page();
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    renew_xsrf(app, visitor, response.headers_mut());
    response
}

/// The login page always comes with a form that can be sent, for as long as a fresh one (contract 5.3).
fn renew_xsrf(app: &App, visitor: &Visitor, headers: &mut HeaderMap) {
    if let Some(cookie) = visitor.renewed_xsrf_cookie(app) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// `POST /hub/login`
pub async fn submit(State(app): State<Arc<App>>, visitor: Visitor, form: Form) -> Result<Response<Body>, Fault> {
    let next = form.next().and_then(|next| visitor.next(&app, next)).unwrap_or_default();
    let mut fields = match form.open() {
        Ok(fields) => fields,
        Err(Fault::Xsrf(_)) => {
            let notice = Some(LoginNotice::FormExpired);
            return Ok(page(&app, &visitor, StatusCode::FORBIDDEN, next, String::new(), notice));
        }
        Err(other) => return Err(other),
    };
    let (Some(username), Some(password)) = (fields.take("username"), fields.take("password")) else {
        return Err(Fault::BadRequest("username and password are needed".into()));
    };
    let username = username.trim().to_owned();
    let password = Secret::from(password);
    if username.len() > FIELD_MAX || password.expose().len() > FIELD_MAX {
        return Err(Fault::BadRequest(format!("names and passwords have at most {FIELD_MAX} bytes")));
    }
    let begun = Instant::now();
    let verdict = app.door.attempt(&username, password, &visitor.address).await;
    let judged = judge(&verdict);
    let outcome = if judged.is_ok() { "success" } else { "failure" };
    metrics().logins.of([outcome]).observe(begun.elapsed());
    let (status, notice) = match judged {
        Ok((user, admin)) => return welcome(&app, &visitor, user, admin, &next).await,
        Err(refused) => refused,
    };
    if let Err(error) = &verdict {
        error.report(&visitor.address);
    }
    let mut response = page(&app, &visitor, status, next, username, Some(notice));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    Ok(response)
}

type Judged = Result<(UserName, bool), (StatusCode, LoginNotice)>;

/// From PAM's answer to status and sentence.
fn judge(verdict: &Result<Verdict, LoginError>) -> Judged {
    let refuse = |notice| Err((StatusCode::FORBIDDEN, notice));
    match verdict {
        Ok(Verdict { outcome, texts }) => match outcome {
            Outcome::Accepted { user, admin, .. } => Ok((user.clone(), *admin)),
            Outcome::Refused => refuse(LoginNotice::Refused),
            Outcome::Denied { reason } => {
                let mut said = texts.clone();
                if !reason.is_empty() && !said.contains(reason) {
                    said.push(reason.clone());
                }
                refuse(LoginNotice::Denied { reason: said.join(" ") })
            }
            Outcome::PasswordExpired => refuse(LoginNotice::PasswordExpired),
            Outcome::TooManyTries => refuse(LoginNotice::TooManyTries),
            Outcome::Unavailable => Err((StatusCode::SERVICE_UNAVAILABLE, LoginNotice::Unavailable)),
        },
        Err(LoginError::Busy) => Err((StatusCode::SERVICE_UNAVAILABLE, LoginNotice::Busy)),
        Err(_) => Err((StatusCode::SERVICE_UNAVAILABLE, LoginNotice::Unavailable)),
    }
}

async fn welcome(
    app: &App,
    visitor: &Visitor,
    user: UserName,
    admin: bool,
    next: &str,
) -> Result<Response<Body>, Fault> {
    let now = now();
    let person = app.people.keep(user.clone(), Some(admin), now).await.map_err(Fault::internal)?;
    app.people.touch(&user, now).await.map_err(Fault::internal)?;
    if let Some(former) = &visitor.session {
        end(app, former).await?;
    }
    let (cookie, session) = app.sessions.create(person.id, user.clone(), now).await.map_err(Fault::internal)?;
    tracing::info!(
        message_id = observe::SESSION_STARTED,
        hub_user = user.as_str(),
        hub_client = visitor.address.as_str(),
        "A session of {user} began, from {}",
        visitor.address
    );
    let path = format!("{}hub/", app.base_url());
    let target = if next.is_empty() { home(app) } else { next.to_owned() };
    let mut response = Redirect::to(&target).into_response();
    let set = Cookie {
        name: cookies::LOGIN,
        value: &cookie,
        path: &path,
        max_age: Some(app.sessions.lifetime().as_secs()),
        script: Script::Hidden,
    };
    append(app, response.headers_mut(), set);
    append(app, response.headers_mut(), shared(app, &session));
    // The form protection of the anonymous browser is no longer good (contract 5.4).
    let value = app.xsrf.issue(Identity::Session(&session), now);
    let xsrf = Cookie { name: cookies::XSRF, value: &value, path: &path, max_age: None, script: Script::Readable };
    append(app, response.headers_mut(), xsrf);
    Ok(response)
}

/// Servers and services read it to notice a log-out (contract 5.1).
fn shared<'a>(app: &'a App, session: &'a Session) -> Cookie<'a> {
    let (path, value) = (app.base_url(), session.public_id.as_str());
    Cookie { name: cookies::SESSION_ID, value, path, max_age: None, script: Script::Hidden }
}

async fn end(app: &App, session: &Session) -> Result<(), Fault> {
    app.sessions.end(session).await.map_err(Fault::internal)
}

/// Sets a cookie. What pages' scripts may read is no secret, and is sent over any connection.
fn append(app: &App, headers: &mut HeaderMap, cookie: Cookie<'_>) {
    let sent = if cookie.script == Script::Hidden { app.cookies_sent() } else { Sent::Anywhere };
    if let Some(value) = cookie.header_over(sent) {
        headers.append(header::SET_COOKIE, value);
    }
}

/// `GET|POST /hub/logout`: ends the session everywhere at once. Harmless when nobody is logged in.
pub async fn leave(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Response<Body>, Fault> {
    let begun = Instant::now();
    let mut target = format!("{}hub/login", app.base_url());
    if let Some(session) = &visitor.session {
        end(&app, session).await?;
        tracing::info!(
            message_id = observe::SESSION_ENDED,
            hub_user = session.user.as_str(),
            hub_client = visitor.address.as_str(),
            "{} logged out; the session is over",
            session.user
        );
        target.push_str("?notice=signed-out");
        metrics().logouts.of([]).observe(begun.elapsed());
    }
    let path = format!("{}hub/", app.base_url());
    let mut response = Redirect::to(&target).into_response();
    for (name, script) in [(cookies::LOGIN, Script::Hidden), (cookies::XSRF, Script::Readable)] {
        append(&app, response.headers_mut(), Cookie { name, value: "", path: &path, max_age: Some(0), script });
    }
    let (name, path, script) = (cookies::SESSION_ID, app.base_url(), Script::Hidden);
    append(&app, response.headers_mut(), Cookie { name, value: "", path, max_age: Some(0), script });
    Ok(response)
}
