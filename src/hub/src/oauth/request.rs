//! A client's request for a code, checked in the order of the contract (4.2).

use std::sync::Arc;

use form_urlencoded::Serializer;

use super::codes::Grant;
use super::pkce::Challenge;
use super::scopes::NotAllowed;
use crate::app::App;
use crate::auth::clients::Registered;
use crate::auth::sessions::Session;
use crate::http::faults::Fault;

/// Parameters that may come once.
const ONCE: [&str; 7] =
    ["client_id", "response_type", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"];

/// What is wrong with a request. As long as it is not known where to send the browser, it is told right here.
pub enum Wrong {
    /// The browser stays.
    Here(Fault),
    /// The browser is led back to the client, with an error in this address.
    Back(String),
}

impl From<Fault> for Wrong {
    fn from(fault: Fault) -> Self {
        Self::Here(fault)
    }
}

/// A request with everything in order but its scopes.
pub struct Request {
    /// Who asks.
    pub client: Registered,
    /// Where the browser goes afterwards.
    pub redirect_uri: String,
    /// Names of scopes or roles; `None` for all that the client may have.
    pub scope: Option<String>,
    named_redirect: bool,
    state: Option<String>,
    challenge: Option<Challenge>,
}

impl Request {
    /// Reads the query of an address.
    pub fn read(app: &App, query: &str) -> Result<Self, Wrong> {
        let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        for name in ONCE {
            if fields.iter().filter(|(found, _)| found == name).count() > 1 {
                return Err(Fault::BadRequest(format!("Duplicate {name} parameter.")).into());
            }
        }
        // An empty parameter is as good as none (RFC 6749 3.1).
        let find = |name: &str| {
            let field = fields.iter().find(|(found, value)| found == name && !value.is_empty());
            field.map(|(_, value)| value.clone())
        };
        let wrong = |text: &str| Wrong::Here(Fault::BadRequest(text.to_owned()));
        let id = find("client_id").ok_or_else(|| wrong("Missing client_id parameter."))?;
        let client = super::client(app, &id).ok_or_else(|| wrong("Invalid client_id parameter value."))?;
        let named = find("redirect_uri");
        let registered = client.redirect_uris.first().cloned().unwrap_or_default();
        let redirect_uri = named.clone().unwrap_or(registered);
        if !client.redirect_uris.contains(&redirect_uri) {
            return Err(wrong("Mismatching redirect URI."));
        }
        let named_redirect = named.is_some();
        let mut request =
            Self { client, redirect_uri, scope: find("scope"), named_redirect, state: find("state"), challenge: None };
        match find("response_type").as_deref() {
            Some("code") => {}
            Some(_) => return Err(request.refuse("unsupported_response_type", "")),
            None => return Err(request.refuse("invalid_request", "Missing response_type parameter.")),
        }
        match find("code_challenge") {
            Some(challenge) => {
                let challenge = Challenge::new(challenge, find("code_challenge_method").as_deref());
                let unknown = || request.refuse("invalid_request", "Transform algorithm not supported.");
                request.challenge = Some(challenge.ok_or_else(unknown)?);
            }
            None if app.config.hub.oauth_require_pkce => {
                return Err(request.refuse("invalid_request", "Code challenge required."));
            }
            None => {}
        }
        Ok(request)
    }

    /// What the client gets when the person agrees.
    pub fn grant(&self, session: Arc<Session>, scopes: Vec<String>) -> Grant {
        let redirect_uri = self.named_redirect.then(|| self.redirect_uri.clone());
        Grant { session, client: self.client.id.clone(), scopes, redirect_uri, challenge: self.challenge.clone() }
    }

    /// The address that brings the code to the client.
    pub fn answer(&self, code: &str) -> String {
        self.address(&[("code", code)])
    }

    /// The scopes are not for this client.
    pub fn refuse_scopes(&self, _: NotAllowed) -> Wrong {
        self.refuse("invalid_scope", "")
    }

    fn refuse(&self, error: &str, description: &str) -> Wrong {
        let described = [("error", error), ("error_description", description)];
        let fields = if description.is_empty() { described.get(..1) } else { described.get(..) };
        Wrong::Back(self.address(fields.unwrap_or_default()))
    }

    /// The redirect URI with these parameters, and the state as it came.
    fn address(&self, fields: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(fields);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        let mark = if self.redirect_uri.contains('?') { '&' } else { '?' };
        format!("{}{mark}{}", self.redirect_uri, query.finish())
    }
}
