//! Forms that people send. A form whose XSRF check failed does not yield its fields.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::Method;

use crate::app::App;
use crate::http::faults::Fault;
use crate::http::layers::BODY_MAX;
use crate::http::visitor::Visitor;
use crate::http::xsrf;

/// A form as it came, its check not yet made.
pub struct Form {
    fields: Vec<(String, String)>,
    visitor: Visitor,
    /// `_xsrf` of the address or of a header; the field comes first.
    submitted: Option<String>,
    same_origin: bool,
}

impl Form {
    /// The fields of a form that does nothing a stranger would want done. A browser that says that the form stands on
    /// this very site is believed: the hub's error pages below `/user/` cannot know the hub's token.
    pub fn open_harmless(self) -> Result<Fields, Fault> {
        if self.same_origin { Ok(Fields(self.fields)) } else { self.open() }
    }

    /// `next` may be read before the check: it only says where to go and is checked by itself.
    pub fn next(&self) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == "next").map(|(_, value)| value.as_str())
    }
}

/// The fields of a form that passed its check.
pub struct Fields(Vec<(String, String)>);

impl Form {
    /// The fields, if the form was made for this browser.
    pub fn open(self) -> Result<Fields, Fault> {
        let fields = Fields(self.fields);
        self.visitor.check_xsrf(&Method::POST, fields.find("_xsrf").or(self.submitted.as_deref()))?;
        Ok(fields)
    }
}

impl Fields {
    /// The value of the first field of that name.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Every field, in order.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The values of all fields of that name, in the order sent.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Takes the value out, so that it is not kept anywhere else.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let (_, value) = self.0.iter_mut().find(|(found, _)| found == name)?;
        Some(std::mem::take(value))
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Fault> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await?;
        let same_origin = parts.headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
        let body = zeroize::Zeroizing::new(to_bytes(body, BODY_MAX).await.map_err(|_| Fault::TooLarge)?.to_vec());
        let fields = form_urlencoded::parse(&body).into_owned().collect();
        Ok(Self { fields, submitted: xsrf::submitted(&parts.uri, &parts.headers), visitor, same_origin })
    }
}
