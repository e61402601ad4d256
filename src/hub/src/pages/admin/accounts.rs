//! Passwords of accounts that the hub made: shown once, right after they were set.
//!
//! Invariant: a password stands on the one page that answers the form that asked for it, never in an address.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hubd_base::names::esc;
use hubd_base::secret::Secret;
use zeroize::Zeroizing;

use super::super::form::{Fields, Form};
use super::super::locale::Language;
use super::super::view::{Frame, NoticeKind};
use super::{Admin, Place, Said, html};
use crate::api::accounts::reset;
use crate::api::user_changes::Added;
use crate::auth::keeper::NewPassword;
use crate::auth::scopes::Resource;
use crate::http::faults::Fault;
use crate::http::public;

/// The page.
#[derive(Template)]
#[template(path = "admin/passwords.html")]
pub(in crate::pages) struct PasswordsPage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    /// Names and passwords.
    pub rows: Vec<(String, Zeroizing<String>)>,
    /// Where these people log in.
    pub address: String,
    /// Must they choose another one then?
    pub must_change: bool,
    /// Where one came from.
    pub back: String,
}

/// What the part of a form about a password holds; the password itself is not shown again.
#[derive(Clone, Copy, Debug)]
pub(in crate::pages) struct Choice {
    /// Did somebody choose one?
    pub chosen: bool,
    pub must_change: bool,
}

impl Default for Choice {
    fn default() -> Self {
        Self { chosen: false, must_change: true }
    }
}

/// May the hub make accounts here, and may this person have it do so?
pub(super) fn may_make(admin: &Admin) -> bool {
    admin.app.config.login.create_system_users && admin.may(&["admin:users"], Resource::Any)
}

/// The fields `how` (`choose` or anything else), `password` and `must_change`.
pub(super) fn wanted(fields: &mut Fields) -> (NewPassword, Choice) {
    let choice =
        Choice { chosen: fields.find("how") == Some("choose"), must_change: fields.find("must_change").is_some() };
    let typed = fields.take("password").map(Secret::from);
    (NewPassword { chosen: typed.filter(|_| choice.chosen), must_change: choice.must_change }, choice)
}

/// What is wrong with a chosen password that is not there: an empty one would have another one generated.
pub(super) fn missing(admin: &Admin, password: &NewPassword) -> Option<Said> {
    let empty = password.chosen.as_ref().is_some_and(Secret::is_empty);
    empty.then(|| Said::wrong(admin.text().get("account.password-missing"), Vec::new()))
}

/// The page after people were added; `None` when no account was made.
pub(super) fn made(admin: &Admin, headers: &HeaderMap, added: &[Added], must_change: bool) -> Option<Response> {
    let with = |added: &Added| Some((added.person.name.as_str().to_owned(), readable(added.password.as_ref()?)));
    let rows: Vec<_> = added.iter().filter_map(with).collect();
    (!rows.is_empty()).then(|| shown(admin, headers, rows, must_change, admin.address("")))
}

fn shown(
    admin: &Admin,
    headers: &HeaderMap,
    rows: Vec<(String, Zeroizing<String>)>,
    must_change: bool,
    back: String,
) -> Response {
    let address = format!("{}{}", public::origin(&admin.app, headers), admin.app.base_url());
    let frame = admin.frame(back.clone());
    html(StatusCode::OK, &PasswordsPage { frame, here: Place::People, said: None, rows, address, must_change, back })
}

fn readable(password: &Secret) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(password.expose()).into_owned())
}

/// `POST /hub/admin/user/{user}/password`. Fields: `how`, `password`, `must_change`.
pub(super) async fn set(
    admin: Admin,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Fault> {
    let mut fields = form.open()?;
    let (password, choice) = wanted(&mut fields);
    let page = admin.address(&format!("/user/{}", esc(&name)));
    let fault = match missing(&admin, &password) {
        Some(said) => return super::user::with(&admin, &name, StatusCode::BAD_REQUEST, said).await,
        None => reset(&Arc::clone(&admin.app), &admin.caller, &name, &password).await,
    };
    match fault {
        Ok(set) => Ok(shown(&admin, &headers, vec![(name, readable(&set))], choice.must_change, page)),
        Err(fault) => super::people::redraw(&admin, &page, fault).await,
    }
}
