//! Asks a server itself for its kernels and terminals, by Jupyter Server's REST API over its socket.
//!
//! Must never be asked of a suspended server: it would not answer. The questions are no activity
//! (`no_track_activity`), so that what the server reports of its own use stays true.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hubd_base::config::ServerKind;
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;

use super::watched::Jupyter;
use crate::clock::{Usec, timestamp};
use crate::servers::address::Address;
use crate::servers::keys;
use crate::servers::registry::Servers;
use crate::servers::server::Server;
use crate::servers::state::Backend;

/// For both questions together.
const DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of an answer. A thousand kernels fit.
const ANSWER_MAX: usize = 1 << 20;
/// A kernel that never came up is not being started any more, microseconds: 5 minutes.
const STARTING_MAX: Usec = 300_000_000;

#[derive(Deserialize)]
struct Kernel {
    #[serde(default)]
    execution_state: String,
    last_activity: Option<String>,
}

#[derive(Deserialize)]
struct Terminal {
    last_activity: Option<String>,
}

/// What the server says; `None` when it does not answer, or not so that it can be understood.
pub(super) async fn ask(servers: &Servers, server: &Server, backend: &Backend, now: Usec) -> Option<Jupyter> {
    let asked = async {
        match backend.kind {
            ServerKind::Lab => questions(servers, server, backend, None, now).await,
            // It lets in whom the hub knows, so the hub makes itself known, for these two questions.
            ServerKind::Singleuser => {
                let lent = keys::lend(servers, server).await.ok()?;
                let secret = String::from_utf8_lossy(lent.secret.expose()).into_owned();
                let told = questions(servers, server, backend, Some(&secret), now).await;
                keys::withdraw(servers, server, lent.id).await;
                told
            }
        }
    };
    tokio::time::timeout(DEADLINE, asked).await.ok().flatten()
}

async fn questions(
    servers: &Servers,
    server: &Server,
    backend: &Backend,
    token: Option<&str>,
    now: Usec,
) -> Option<Jupyter> {
    let address = Address::Socket(backend.socket.clone());
    let path = |what: &str| format!("{}api/{what}?no_track_activity=1", servers.path(&server.id));
    let kernels: Vec<Kernel> = match get(&address, &path("kernels"), token).await? {
        (StatusCode::OK, body) => serde_json::from_slice(&body).ok()?,
        _ => return None,
    };
    let terminals: Vec<Terminal> = match get(&address, &path("terminals"), token).await? {
        (StatusCode::OK, body) => serde_json::from_slice(&body).ok()?,
        // It has none, and offers none.
        (StatusCode::NOT_FOUND, _) => Vec::new(),
        _ => return None,
    };
    Some(summary(&kernels, &terminals, now))
}

fn summary(kernels: &[Kernel], terminals: &[Terminal], now: Usec) -> Jupyter {
    let moment = |text: &Option<String>| text.as_deref().and_then(timestamp::parse);
    let busy = |kernel: &&Kernel| match kernel.execution_state.as_str() {
        "busy" => true,
        // Jupyter Server calls a kernel that nobody ever connected to "starting" for ever.
        "starting" | "restarting" | "autorestarting" => {
            moment(&kernel.last_activity).is_some_and(|last| last > now - STARTING_MAX)
        }
        _ => false,
    };
    let last = kernels.iter().map(|kernel| &kernel.last_activity);
    let last = last.chain(terminals.iter().map(|terminal| &terminal.last_activity)).filter_map(moment).max();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Jupyter {
        kernels: count(kernels.len()),
        busy: count(kernels.iter().filter(busy).count()),
        terminals: count(terminals.len()),
        last,
    }
}

async fn get(address: &Address, path: &str, token: Option<&str>) -> Option<(StatusCode, Bytes)> {
    let stream = address.connect().await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let mut request = Request::get(path).header("host", "localhost");
    if let Some(token) = token {
        request = request.header("authorization", format!("token {token}"));
    }
    let request = request.body(Empty::<Bytes>::new()).ok()?;
    let exchange = async {
        let response = sender.send_request(request).await.ok()?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await.ok()?;
        Some((status, body.to_bytes()))
    };
    // The connection's future moves the bytes; it is dropped with this function.
    tokio::pin!(exchange);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        told = &mut exchange => told,
        // It may end with the last byte, before that was looked at.
        _ = &mut connection => exchange.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Usec = 1_769_860_800_000_000;

    fn told(kernels: &str, terminals: &str) -> Jupyter {
        summary(
            &serde_json::from_str::<Vec<Kernel>>(kernels).unwrap(),
            &serde_json::from_str::<Vec<_>>(terminals).unwrap(),
            NOW,
        )
    }

    #[test]
    fn busy_kernels_are_counted_and_the_last_sign_of_life_is_found() {
        let kernels = r#"[
            {"id": "a", "execution_state": "idle", "last_activity": "2026-01-31T11:00:00.000000Z", "connections": 1},
            {"id": "b", "execution_state": "busy", "last_activity": "2026-01-31T10:00:00.000000Z", "connections": 0}]"#;
        let terminals = r#"[{"name": "1", "last_activity": "2026-01-31T11:30:00.000000Z"}]"#;
        let jupyter = told(kernels, terminals);
        assert_eq!((jupyter.kernels, jupyter.busy, jupyter.terminals), (2, 1, 1));
        assert_eq!(jupyter.last, Some(NOW - 30 * 60_000_000));
        assert_eq!(told("[]", "[]"), Jupyter::default());
    }

    #[test]
    fn a_kernel_that_never_came_up_is_busy_for_a_while_only() {
        let kernel = |minute: u32| {
            format!(r#"[{{"execution_state": "starting", "last_activity": "2026-01-31T11:{minute}:00Z"}}]"#)
        };
        assert_eq!(told(&kernel(58), "[]").busy, 1);
        assert_eq!(told(&kernel(50), "[]").busy, 0);
        assert_eq!(told(r#"[{"execution_state": "dead", "last_activity": null}]"#, "[]").busy, 0);
    }
}
