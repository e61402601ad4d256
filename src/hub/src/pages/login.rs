//! `/hub/login` and `/hub/logout`.
//!
//! A login begins with a form for name and password. What PAM asks beyond that comes as further forms of the same
//! address, each carrying the id of its conversation, which is good in the same browser only. Invariant: a form that
//! is sent twice, late or from the history never does harm: it leads to where the login is, or back to its beginning.

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

use super::form::{Fields, Form};
use super::login_view::{LoginNotice, LoginPage, LoginStepPage, notices};
use super::view::Page;
use crate::app::App;
use crate::auth::login::conversation::{Conversation, Now, Opening, Question, Taken};
use crate::auth::login::{FIELD_MAX, LoginError, Said, Verdict};
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
    conversation: Option<String>,
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
    let next = next.unwrap_or_default();
    // The page of a question again: after a change of language, or when it was reloaded.
    if let Some(found) = asked.conversation.and_then(|id| app.door.find(&id, &visitor.xsrf)) {
        if let Now::Asked(question) = found.settled().await {
            return step(&app, &visitor, &found, question, next);
        }
    }
    let notice = match asked.notice.as_deref() {
        Some("signed-out") => Some(LoginNotice::SignedOut),
        _ => None,
    };
    page(&app, &visitor, StatusCode::OK, Shown { next, notice, ..Shown::default() })
}

fn home(app: &App) -> String {
    format!("{}hub/home", app.base_url())
}

/// The login page with these parameters, the empty ones left out.
pub(super) fn address(base_url: &str, parameters: &[(&str, &str)]) -> String {
    let mut address = format!("{base_url}hub/login");
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str(name);
        address.push('=');
        address.push_str(&next::quote(value));
    }
    address
}

/// What the first page holds.
#[derive(Default)]
struct Shown {
    next: String,
    username: String,
    notice: Option<LoginNotice>,
    said: Vec<Said>,
}

fn page(app: &App, visitor: &Visitor, status: StatusCode, shown: Shown) -> Response<Body> {
    let Shown { next, username, notice, said } = shown;
    let mut frame = visitor.frame(app);
    // A change of language comes back to the form, not to its submission.
    frame.path = address(app.base_url(), &[("next", &next)]);
    let notice = notice.map(|notice| notice.notice(visitor.text));
    let html = LoginPage { frame, next, username, notice, said: notices(&said) }.render_page();
    answer_with(app, visitor, status, html)
}

/// The page of a question.
fn step(app: &App, visitor: &Visitor, conversation: &Conversation, question: Question, next: String) -> Response<Body> {
    let mut frame = visitor.frame(app);
    let (id, username) = (conversation.id.clone(), conversation.user.clone());
    frame.path = address(app.base_url(), &[("next", &next), ("conversation", &id)]);
    let html = LoginStepPage { frame, next, username, conversation: id, question, now: now() }.render_page();
    answer_with(app, visitor, StatusCode::OK, html)
}

fn answer_with(app: &App, visitor: &Visitor, status: StatusCode, html: String) -> Response<Body> {
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
            return Ok(page(&app, &visitor, StatusCode::FORBIDDEN, Shown { next, notice, ..Shown::default() }));
        }
        Err(other) => return Err(other),
    };
    let over = |next| {
        let notice = Some(LoginNotice::Over);
        Ok(page(&app, &visitor, StatusCode::FORBIDDEN, Shown { next, notice, ..Shown::default() }))
    };
    let (conversation, taken) = match fields.take("conversation") {
        Some(id) => {
            let (step, answer) = answer_of(&mut fields)?;
            let Some(found) = app.door.find(&id, &visitor.xsrf) else { return over(next) };
            let taken = found.answer(step, answer);
            (found, taken)
        }
        None => (begun(&app, &visitor, &mut fields)?, Taken::Yes),
    };
    let ending = match conversation.settled().await {
        // Whoever has not said the last word is not told the ending.
        Now::Over(_) if taken == Taken::Late => return over(next),
        Now::Over(ending) => ending,
        Now::Asked(question) => {
            app.door.keep(&conversation);
            return Ok(step(&app, &visitor, &conversation, question, next));
        }
        Now::Working => return Err(Fault::Internal("a login is settled and works".into())),
    };
    let judged = judge(&ending);
    if conversation.tell() {
        let outcome = if judged.is_ok() { "success" } else { "failure" };
        metrics().logins.of([outcome]).observe(conversation.begun.elapsed());
        if let Err(error) = ending.as_ref() {
            error.report(&visitor.address);
        }
    }
    let Refusal { status, notice, said } = match judged {
        Ok(welcomed) => return welcome(&app, &visitor, welcomed, &next).await,
        Err(refused) => refused,
    };
    let username = conversation.user.clone();
    let mut response = page(&app, &visitor, status, Shown { next, username, notice: Some(notice), said });
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    Ok(response)
}

/// The first form: a new login.
fn begun(app: &App, visitor: &Visitor, fields: &mut Fields) -> Result<Arc<Conversation>, Fault> {
    let (Some(username), Some(password)) = (fields.take("username"), fields.take("password")) else {
        return Err(Fault::BadRequest("username and password are needed".into()));
    };
    let user = username.trim().to_owned();
    let password = bounded(password)?;
    if user.len() > FIELD_MAX {
        return Err(too_long());
    }
    // The page has no such field; scripts that know of a second question may send its answer along (contract 8.3).
    let code = fields.take("otp").filter(|code| !code.is_empty()).map(bounded).transpose()?;
    let language = visitor.text.language().gettext();
    let opening = Opening { user, password, code, remote_host: visitor.address.clone(), language };
    app.door.begin(opening, &visitor.xsrf).map_err(Fault::internal)
}

/// A further form: which question is answered, and how.
fn answer_of(fields: &mut Fields) -> Result<(u32, Secret), Fault> {
    let answer = bounded(fields.take("answer").unwrap_or_default())?;
    let step = fields.find("step").and_then(|step| step.parse().ok()).unwrap_or_default();
    Ok((step, answer))
}

fn bounded(secret: String) -> Result<Secret, Fault> {
    if secret.len() > FIELD_MAX { Err(too_long()) } else { Ok(Secret::from(secret)) }
}

fn too_long() -> Fault {
    Fault::BadRequest(format!("names, passwords and answers have at most {FIELD_MAX} bytes"))
}

/// Who is let in, and what PAM says to it.
struct Welcomed {
    user: UserName,
    admin: bool,
    said: Vec<Said>,
}

/// Why nobody is let in, and what PAM says to it.
struct Refusal {
    status: StatusCode,
    notice: LoginNotice,
    said: Vec<Said>,
}

/// From PAM's answer to status and sentence.
fn judge(ending: &Result<Verdict, LoginError>) -> Result<Welcomed, Refusal> {
    let refuse = |status, notice, said: &[Said]| Err(Refusal { status, notice, said: said.to_vec() });
    let (forbidden, unavailable) = (StatusCode::FORBIDDEN, StatusCode::SERVICE_UNAVAILABLE);
    match ending {
        Ok(Verdict { outcome, said }) => match outcome {
            Outcome::Accepted { user, admin, .. } => {
                Ok(Welcomed { user: user.clone(), admin: *admin, said: said.clone() })
            }
            Outcome::Refused => refuse(forbidden, LoginNotice::Refused, said),
            Outcome::Denied { reason } => {
                let mut texts: Vec<&str> = said.iter().map(|said| said.text.as_str()).collect();
                if !reason.is_empty() && !texts.contains(&reason.as_str()) {
                    texts.push(reason);
                }
                refuse(forbidden, LoginNotice::Denied { reason: texts.join(" ") }, &[])
            }
            Outcome::PasswordExpired => refuse(forbidden, LoginNotice::PasswordExpired, said),
            Outcome::TooManyTries => refuse(forbidden, LoginNotice::TooManyTries, said),
            Outcome::Unavailable => refuse(unavailable, LoginNotice::Unavailable, said),
        },
        Err(LoginError::Busy) => refuse(unavailable, LoginNotice::Busy, &[]),
        Err(LoginError::Late) => refuse(forbidden, LoginNotice::Over, &[]),
        Err(_) => refuse(unavailable, LoginNotice::Unavailable, &[]),
    }
}

async fn welcome(app: &App, visitor: &Visitor, welcomed: Welcomed, next: &str) -> Result<Response<Body>, Fault> {
    let Welcomed { user, admin, said } = welcomed;
    let now = now();
    let person = app.people.keep(user.clone(), Some(admin), now).await.map_err(Fault::internal)?;
    app.people.touch(&user, now).await.map_err(Fault::internal)?;
    if let Some(former) = &visitor.session {
        end(app, former).await?;
    }
    let (cookie, session) = app.sessions.create(person.id, user.clone(), now).await.map_err(Fault::internal)?;
    app.door.leave_words(&session.public_id, &said);
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
