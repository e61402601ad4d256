//! Redirects with the statuses that the contract names (5.4, 8.1, 8.5): 302, 303 and 301.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;

use super::faults::Fault;

/// An answer that leads elsewhere.
#[derive(Clone, Debug)]
pub struct Redirect {
    status: StatusCode,
    target: String,
}

impl Redirect {
    /// 302: to that address, this time.
    pub fn to(target: &str) -> Self {
        Self { status: StatusCode::FOUND, target: target.to_owned() }
    }

    /// 303: to that address, with a GET.
    pub fn see_other(target: &str) -> Self {
        Self { status: StatusCode::SEE_OTHER, target: target.to_owned() }
    }

    /// 301: the address is always written that way.
    pub fn permanent(target: &str) -> Self {
        Self { status: StatusCode::MOVED_PERMANENTLY, target: target.to_owned() }
    }
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response<Body> {
        let Ok(location) = HeaderValue::from_str(&self.target) else {
            return Fault::BadRequest("this address cannot be led to".into()).into_response();
        };
        (self.status, [(header::LOCATION, location)]).into_response()
    }
}
