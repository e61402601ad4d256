//! `/hub/language`: the language switch of every page.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::form::{Fields, Form};
use super::locale::Language;
use crate::app::App;
use crate::http::cookies::{self, Cookie, Script};
use crate::http::faults::Fault;
use crate::http::redirect::Redirect;
use crate::http::visitor::Visitor;

/// Seconds that a choice is kept: a year.
const KEPT: u64 = 365 * 24 * 3600;

/// `POST /hub/language`: fields `language` (`en`, `zh-CN` or `auto`) and `next`.
pub async fn choose(State(app): State<Arc<App>>, visitor: Visitor, form: Form) -> Result<Response, Fault> {
    let fields = form.open_harmless()?;
    let kept = match fields.find("language") {
        Some("auto") => None,
        Some(code) => match Language::find(code) {
            Some(language) => Some(language.code()),
            None => return Err(Fault::BadRequest("language is en, zh-CN or auto".into())),
        },
        None => return Err(Fault::BadRequest("language is missing".into())),
    };
    Ok(keep(&app, &visitor, &fields, cookies::LANGUAGE, kept))
}

/// Has the browser keep a choice about how pages look, or forget it, and leads back to the page.
pub(super) fn keep(app: &App, visitor: &Visitor, fields: &Fields, name: &str, value: Option<&str>) -> Response {
    let target = fields.find("next").and_then(|next| visitor.next(app, next));
    let mut response = Redirect::to(&target.unwrap_or_else(|| format!("{}hub/", app.base_url()))).into_response();
    let max_age = Some(if value.is_some() { KEPT } else { 0 });
    // The whole hub's, so that the pages shown in front of people's servers look the same.
    let cookie =
        Cookie { name, value: value.unwrap_or_default(), path: app.base_url(), max_age, script: Script::Hidden };
    if let Some(cookie) = cookie.header() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
