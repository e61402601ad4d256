//! What an open JupyterLab asks the hub about its own server: whether it is about to be stopped, and that it should not
//! be. JupyterLab's extension in `src/labextension` asks, under the server's own address, where the gate knows who it is.
//!
//! Invariant: the server hears nothing of it. The question wakes no server and is no use of one; the wish to stay is.

use axum::Json;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;

use crate::app::App;
use crate::clock::{Usec, iso, now};
use crate::http::faults::Fault;
use crate::http::origin::Origin;
use crate::http::visitor::Visitor;
use crate::pages::idle;
use crate::servers::server::Server;

/// What is asked here, behind the server's address; nothing of Jupyter's is there.
pub const BELOW: &str = "hubd/";
/// A page asks again after so many seconds at least, at most, and while there is something to show.
const LEAST: Usec = 5;
const MOST: Usec = 60;
const SHOWN: Usec = 20;
/// Microseconds in a second.
const SECOND: Usec = 1_000_000;

/// The answer: what to show, and when to ask again.
#[derive(Serialize)]
struct Told {
    /// What is going to happen; `null` where nothing is announced.
    notice: Option<Notice>,
    /// Seconds until the next question.
    again: Usec,
}

/// A stop that was announced.
#[derive(Serialize)]
struct Notice {
    /// A sentence in the language of the browser.
    message: String,
    /// When.
    stop_at: String,
    /// What the button says by which a person has it go on; absent where that does not help.
    #[serde(skip_serializing_if = "Option::is_none")]
    stay: Option<&'static str>,
    /// What the button says that closes it.
    close: &'static str,
}

/// Answers `GET hubd/notice` and `POST hubd/stay`, for somebody who may use the server.
pub fn answer(app: &App, origin: &Origin, server: &Server, path: &str, request: &Request<Incoming>) -> Response<Body> {
    let mut response = match (request.method(), path.strip_prefix(BELOW)) {
        (&Method::GET, Some("notice")) => {
            let visitor = Visitor::of(app, origin, request.headers(), request.uri());
            Json(told(app, server, &visitor)).into_response()
        }
        (&Method::POST, Some("stay")) => {
            app.idle.stay(server, now());
            StatusCode::NO_CONTENT.into_response()
        }
        (_, Some("notice" | "stay")) => Fault::Method.json(),
        _ => Fault::NotFound.json(),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn told(app: &App, server: &Server, visitor: &Visitor) -> Told {
    let now = now();
    let stop = app.idle.verdict(server, now).and_then(|verdict| verdict.stop);
    let planned = server.snapshot().stop_planned;
    let again = match (planned, stop) {
        (Some(_), _) => SHOWN,
        // Until it is announced there is nothing to show, and soon after it there is.
        (None, Some(stop)) => ((stop.notice - now) / SECOND).clamp(LEAST, MOST),
        (None, None) => MOST,
    };
    let notice = planned.zip(stop).map(|(at, stop)| Notice {
        message: idle::announced(stop.why, at, now, visitor.text),
        stop_at: iso(at),
        stay: idle::stay(stop.why, visitor.text),
        close: visitor.text.get("idle.close"),
    });
    Told { notice, again }
}
