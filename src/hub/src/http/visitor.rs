//! Who sent a request, as far as its head tells: session, language, address, form protection.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use hubd_base::names::UserName;

use super::cookies::{self, Cookie, Script};
use super::faults::Fault;
use super::next;
use super::origin::Origin;
use super::public;
use crate::app::{App, VERSION};
use crate::auth::sessions::Session;
use crate::auth::xsrf::{Identity, Xsrf};
use crate::clock::now;
use crate::pages::locale::{Language, Text};
use crate::pages::menu;
use crate::pages::theme::Theme;
use crate::pages::view::Frame;

/// Seconds that an anonymous visitor's form protection is kept (contract 5.1).
const ANONYMOUS_XSRF_AGE: u64 = 3600;
/// How a browser says what a request is for (Fetch Metadata).
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The sender of a request.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The logged-in browser, if it is one.
    pub session: Option<Arc<Session>>,
    /// Address of the peer, for PAM and the journal.
    pub address: String,
    /// The words to use.
    pub text: Text,
    /// The colours to use.
    pub theme: Theme,
    /// `_xsrf` for forms: the browser's own valid one, or a fresh one.
    pub xsrf: String,
    /// Path and query of the request.
    pub target: String,
    /// Whether this is a page's own request, not one of its scripts (or the client does not say): `Sec-Fetch-Mode`.
    pub navigates: bool,
    admin: bool,
    /// Scheme and host of the hub, as the browser wrote them or as they are configured.
    origin: String,
    /// The browser's own `_xsrf`, if valid for this identity.
    held: Option<String>,
}

impl Visitor {
    /// Reads the head of a request.
    pub fn of(app: &App, origin: &Origin, headers: &HeaderMap, uri: &Uri) -> Self {
        let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let now = now();
        let session = cookies::all(headers, cookies::LOGIN).find_map(|cookie| app.sessions.find(cookie, now));
        let (address, agent) = (origin.address(), header(header::USER_AGENT).unwrap_or_default());
        let identity = match &session {
            Some(session) => Identity::Session(session),
            None => Identity::Anonymous { address: &address, agent },
        };
        let held = cookies::all(headers, cookies::XSRF).find(|value| app.xsrf.is_valid(value, identity, now));
        let held = held.map(str::to_owned);
        let language = Language::choose(cookies::find(headers, cookies::LANGUAGE), header(header::ACCEPT_LANGUAGE));
        Self {
            xsrf: held.clone().unwrap_or_else(|| app.xsrf.issue(identity, now)),
            admin: session.as_ref().is_some_and(|session| app.is_admin(&session.user)),
            text: Text::of(language),
            theme: cookies::find(headers, cookies::THEME).and_then(Theme::find).unwrap_or_default(),
            target: uri.path_and_query().map_or_else(|| uri.path().to_owned(), |target| target.as_str().to_owned()),
            origin: public::origin(app, headers),
            navigates: header(SEC_FETCH_MODE).is_none_or(|mode| mode == "navigate"),
            session,
            address,
            held,
        }
    }

    /// Where to go afterwards, if that is at this hub (contract 8.6).
    pub fn next(&self, app: &App, next: &str) -> Option<String> {
        next::check_here(next, &self.origin, app.config.hub.public_url.is_some())
    }

    /// Who is logged in.
    pub fn user(&self) -> Option<&UserName> {
        self.session.as_ref().map(|session| &session.user)
    }

    /// What every page needs.
    pub fn frame(&self, app: &App) -> Frame {
        Frame {
            text: self.text,
            theme: self.theme,
            base_url: app.base_url().to_owned(),
            user: self.user().map(ToString::to_string),
            admin: self.admin,
            admin_ui: self.user().is_some_and(|user| app.may_administer(user)),
            services: self.user().map(|user| menu::services(app, user)).unwrap_or_default(),
            xsrf: self.xsrf.clone(),
            path: self.target.clone(),
            version: VERSION,
        }
    }

    /// The cookie to send along with a page so that its forms work; `None` when the browser has a good one, and for
    /// what a script fetches (contract 5.3).
    pub fn xsrf_cookie(&self, app: &App) -> Option<HeaderValue> {
        if self.held.is_some() || !self.navigates { None } else { self.renewed_xsrf_cookie(app) }
    }

    /// The cookie in any case: it lives on from now.
    pub fn renewed_xsrf_cookie(&self, app: &App) -> Option<HeaderValue> {
        let path = format!("{}hub/", app.base_url());
        let max_age = self.session.is_none().then_some(ANONYMOUS_XSRF_AGE);
        Cookie { name: cookies::XSRF, value: &self.xsrf, path: &path, max_age, script: Script::Readable }.header()
    }

    /// Checks what a form or call submitted against the cookie.
    pub fn check_xsrf(&self, method: &Method, submitted: Option<&str>) -> Result<(), Fault> {
        let Some(submitted) = submitted else {
            return Err(Fault::Xsrf(format!("'_xsrf' argument missing from {method}").into()));
        };
        match &self.held {
            Some(held) if Xsrf::matches(held, submitted) => Ok(()),
            _ => Err(Fault::Xsrf(format!("XSRF cookie does not match {method} argument").into())),
        }
    }
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Fault;

    /// The layers put the visitor into the request before any handler runs.
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        if let Some(visitor) = parts.extensions.get::<Self>() {
            return Ok(visitor.clone());
        }
        let origin =
            parts.extensions.get::<Origin>().ok_or_else(|| Fault::Internal("a request without origin".into()))?;
        Ok(Self::of(app, origin, &parts.headers, &parts.uri))
    }
}
