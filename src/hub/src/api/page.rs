//! Long lists in parts (contract 1.3).

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::App;
use crate::http::faults::Fault;
use crate::http::visitor::Visitor;

/// Most items in one answer: `api_page_max_limit`.
const LIMIT_MAX: usize = 200;
/// Items in one answer of the paginated form when nothing was asked for: `api_page_default_limit`.
const LIMIT: usize = 50;
/// What a client accepts that wants the paginated form.
const PAGINATED: &str = "application/jupyterhub-pagination+json";

/// Which part of a list was asked for.
#[derive(Clone, Debug)]
pub struct Page {
    /// Items to leave out.
    pub offset: usize,
    /// Items to show at most.
    pub limit: usize,
    /// Whether the client wants to know where it is in the list.
    pub paginated: bool,
    /// The address of this very request, without `offset` and `limit`, ending with `?` or `&`.
    address: String,
}

/// The arguments in the address.
pub type Arguments = Query<HashMap<String, String>>;

impl FromRequestParts<Arc<App>> for Page {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        // Routers inside others see the rest of the path only.
        let target = Visitor::from_request_parts(parts, app).await?.target;
        let path = target.split('?').next().unwrap_or_default();
        let accept = parts.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let paginated = accept.into_iter().any(|accept| accept.contains(PAGINATED));
        let query = parts.uri.query().unwrap_or_default();
        let mut kept = form_urlencoded::Serializer::new(String::new());
        let (mut offset, mut limit) = (0, if paginated { LIMIT } else { LIMIT_MAX });
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "offset" => offset = number(&value)?,
                "limit" => limit = number(&value)?,
                _ => {
                    kept.append_pair(&name, &value);
                }
            }
        }
        let kept = kept.finish();
        let and = if kept.is_empty() { "" } else { "&" };
        let address = format!("{}{path}?{kept}{and}", origin(parts, app));
        Ok(Self { offset, limit: limit.clamp(1, LIMIT_MAX), paginated, address })
    }
}

/// Scheme and host as the client used them.
fn origin(parts: &Parts, app: &App) -> String {
    if let Some(public) = &app.config.hub.public_url {
        return public.clone();
    }
    let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    host.map(|host| format!("http://{host}")).unwrap_or_default()
}

fn number(text: &str) -> Result<usize, Fault> {
    let wrong = |_| Fault::BadRequest("Invalid argument type, offset and limit must be integers".into());
    let number: i64 = text.trim().parse().map_err(wrong)?;
    Ok(usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX))
}

impl Page {
    /// The part that was asked for, out of everything.
    pub fn cut<T>(&self, all: Vec<T>) -> (Vec<T>, usize) {
        let total = all.len();
        (all.into_iter().skip(self.offset).take(self.limit).collect(), total)
    }

    /// The answer: `items` (a list or an object) as they are, or with the place in the list where that was asked for.
    pub fn answer(&self, items: Value, total: usize) -> Response {
        if self.paginated { self.object(items, total) } else { axum::Json(items).into_response() }
    }

    /// The answer that always tells the place in the list.
    pub fn object(&self, items: Value, total: usize) -> Response {
        let next = self.offset.saturating_add(self.limit);
        let next = (next < total).then(|| {
            json!({
                "offset": next,
                "limit": self.limit,
                "url": format!("{}offset={next}&limit={}", self.address, self.limit),
            })
        });
        let place = json!({"offset": self.offset, "limit": self.limit, "total": total, "next": next});
        axum::Json(json!({"items": items, "_pagination": place})).into_response()
    }
}

/// Whether `include_stopped_servers` was asked for.
pub fn include_stopped(arguments: &Arguments) -> bool {
    !matches!(arguments.get("include_stopped_servers").map(String::as_str), None | Some("0" | "false"))
}
