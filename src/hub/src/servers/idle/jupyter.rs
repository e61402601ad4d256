//! Asks a server itself for its kernels and terminals, by Jupyter Server's REST API over its socket.
//!
//! Must never be asked of a suspended server: it would not answer. The questions are no activity
//! (`no_track_activity`), so that what the server reports of its own use stays true.
//!
//! What Jupyter Server says of a kernel is what it heard the kernel publish. It begins to listen while the kernel comes
//! up, and `ZeroMQ` tries only every 100 to 200 ms to connect: what the kernel publishes before that is lost. So a first
//! cell that begins and ends in that time leaves the kernel "starting" for ever (seen with Jupyter Server 2.15, 3 times of
//! 12; not with 2.21, 0 of 10); and so does one that begins in that time and then waits, silent and without using the
//! processor, for an hour. A page that connects meanwhile turns "starting" into "idle", because the kernel's control
//! channel answers while it computes (seen). A kernel that nobody ever connected to is "starting" in both. Hence:
//!
//! - "busy" was heard, so it is true: the kernel computes.
//! - "starting" says nothing: the kernel itself is asked ([`kernel`]), and computes if it does not answer.
//! - "idle" is believed of a kernel that was seen computing or that answered once: Jupyter Server listens to it. One
//!   that did not answer is asked again until it does. Another is asked once, if a page is connected to it; if none is,
//!   Jupyter Server may be keeping output for a page that was cut off, which a question would lose, and it is believed.
//!
//! What is left: the first cell after a restart of a kernel that was believed before, if it begins in that time.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use http_body_util::{BodyExt, Empty, Limited};
use hubd_base::config::ServerKind;
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;

use super::kernel;
use super::watched::{Ears, Jupyter};
use crate::clock::timestamp;
use crate::servers::address::Address;
use crate::servers::keys;
use crate::servers::registry::Servers;
use crate::servers::server::Server;
use crate::servers::state::Backend;

/// For both lists.
const DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of an answer. A thousand kernels fit.
const ANSWER_MAX: usize = 1 << 20;
/// Kernels of a server that are asked at once.
const AT_ONCE: usize = 8;

#[derive(Deserialize)]
struct Kernel {
    #[serde(default)]
    id: String,
    #[serde(default)]
    execution_state: String,
    last_activity: Option<String>,
    #[serde(default)]
    connections: u32,
}

/// What follows from what Jupyter Server says of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Computes,
    Rests,
    /// It says nothing; the kernel has to be asked.
    Nothing,
}

#[derive(Deserialize)]
struct Terminal {
    last_activity: Option<String>,
}

/// What the server says; `None` when it does not answer, or not so that it can be understood. `before`: what is known of
/// its kernels from the looks before.
pub(super) async fn ask(servers: &Servers, server: &Server, backend: &Backend, before: &Jupyter) -> Option<Jupyter> {
    match backend.kind {
        ServerKind::Lab => questions(servers, server, backend, None, before).await,
        // It lets in whom the hub knows, so the hub makes itself known, for these questions.
        ServerKind::Singleuser => {
            let lent = tokio::time::timeout(DEADLINE, keys::lend(servers, server)).await.ok()?.ok()?;
            let secret = String::from_utf8_lossy(lent.secret.expose()).into_owned();
            let told = questions(servers, server, backend, Some(&secret), before).await;
            keys::withdraw(servers, server, lent.id).await;
            told
        }
    }
}

async fn questions(
    servers: &Servers,
    server: &Server,
    backend: &Backend,
    token: Option<&str>,
    before: &Jupyter,
) -> Option<Jupyter> {
    let address = Address::Socket(backend.socket.clone());
    let path = servers.path(&server.id);
    let lists = tokio::time::timeout(DEADLINE, lists(&address, &path, token)).await;
    let (kernels, terminals) = lists.ok()??;
    let asked = kernels.iter().filter(|kernel| word(kernel, before.ears.get(&kernel.id)) == Word::Nothing);
    let asked: Vec<String> = asked.map(|kernel| kernel.id.clone()).collect();
    let answers = stream::iter(asked).map(|id| {
        let (address, path) = (&address, format!("{path}api/kernels/{id}/channels"));
        async move { (id, kernel::answers(address, &path, token).await) }
    });
    let answers: BTreeMap<String, bool> = answers.buffer_unordered(AT_ONCE).collect().await;
    Some(summary(&kernels, &terminals, before, &answers))
}

async fn lists(address: &Address, server: &str, token: Option<&str>) -> Option<(Vec<Kernel>, Vec<Terminal>)> {
    let path = |what: &str| format!("{server}api/{what}?no_track_activity=1");
    let kernels: Vec<Kernel> = match get(address, &path("kernels"), token).await? {
        (StatusCode::OK, body) => serde_json::from_slice(&body).ok()?,
        _ => return None,
    };
    let terminals: Vec<Terminal> = match get(address, &path("terminals"), token).await? {
        (StatusCode::OK, body) => serde_json::from_slice(&body).ok()?,
        // It has none, and offers none.
        (StatusCode::NOT_FOUND, _) => Vec::new(),
        _ => return None,
    };
    Some((kernels, terminals))
}

fn word(kernel: &Kernel, ears: Option<&Ears>) -> Word {
    match (kernel.execution_state.as_str(), ears) {
        ("busy", _) => Word::Computes,
        ("starting" | "restarting" | "autorestarting", _) | ("idle", Some(Ears::Deaf)) => Word::Nothing,
        ("idle", None) if kernel.connections > 0 => Word::Nothing,
        _ => Word::Rests,
    }
}

/// `answers`: of the kernels that were asked, whether they answered.
fn summary(kernels: &[Kernel], terminals: &[Terminal], before: &Jupyter, answers: &BTreeMap<String, bool>) -> Jupyter {
    let moment = |text: &Option<String>| text.as_deref().and_then(timestamp::parse);
    let last = kernels.iter().map(|kernel| &kernel.last_activity);
    let last = last.chain(terminals.iter().map(|terminal| &terminal.last_activity)).filter_map(moment).max();
    let mut ears = BTreeMap::new();
    let mut busy = 0;
    for kernel in kernels {
        let known = before.ears.get(&kernel.id);
        let (computes, known) = match (word(kernel, known), answers.get(&kernel.id)) {
            (Word::Computes, _) => (true, Some(Ears::Open)),
            (Word::Rests, _) => (false, known.copied()),
            (Word::Nothing, Some(true)) => (false, Some(Ears::Open)),
            (Word::Nothing, _) => (true, Some(Ears::Deaf)),
        };
        busy += u32::from(computes);
        ears.extend(known.map(|known| (kernel.id.clone(), known)));
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Jupyter { kernels: count(kernels.len()), busy, terminals: count(terminals.len()), last, ears }
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
    use crate::clock::Usec;

    const NOW: Usec = 1_769_860_800_000_000;

    /// What is made of that, with what is known of kernel `k` and what it answers.
    fn told(kernels: &str, terminals: &str, known: Option<Ears>, answer: Option<bool>) -> Jupyter {
        let kernels: Vec<Kernel> = serde_json::from_str(kernels).unwrap();
        let before = Jupyter { ears: known.map(|ears| ("k".to_owned(), ears)).into_iter().collect(), ..<_>::default() };
        let asked = kernels.iter().any(|kernel| word(kernel, known.as_ref()) == Word::Nothing);
        assert_eq!(asked, answer.is_some(), "whether it is asked");
        let answers = answer.map(|answer| ("k".to_owned(), answer)).into_iter().collect();
        summary(&kernels, &serde_json::from_str::<Vec<_>>(terminals).unwrap(), &before, &answers)
    }

    fn kernel(state: &str, connections: u32) -> String {
        format!(r#"[{{"id": "k", "execution_state": "{state}", "last_activity": null, "connections": {connections}}}]"#)
    }

    #[test]
    fn busy_kernels_are_counted_and_the_last_sign_of_life_is_found() {
        let kernels = r#"[
            {"id": "a", "execution_state": "idle", "last_activity": "2026-01-31T11:00:00.000000Z", "connections": 0},
            {"id": "b", "execution_state": "busy", "last_activity": "2026-01-31T10:00:00.000000Z", "connections": 0}]"#;
        let terminals = r#"[{"name": "1", "last_activity": "2026-01-31T11:30:00.000000Z"}]"#;
        let jupyter = told(kernels, terminals, None, None);
        assert_eq!((jupyter.kernels, jupyter.busy, jupyter.terminals), (2, 1, 1));
        assert_eq!(jupyter.last, Some(NOW - 30 * 60_000_000));
        assert_eq!(told("[]", "[]", None, None), Jupyter::default());
        assert_eq!(told(&kernel("dead", 0), "[]", None, None).busy, 0);
    }

    #[test]
    fn a_kernel_that_is_said_to_start_computes_unless_it_answers() {
        for known in [None, Some(Ears::Open), Some(Ears::Deaf)] {
            assert_eq!(told(&kernel("starting", 0), "[]", known, Some(true)).busy, 0);
            assert_eq!(told(&kernel("starting", 0), "[]", known, Some(false)).busy, 1);
        }
    }

    #[test]
    fn a_kernel_that_did_not_answer_is_asked_until_it_does_whatever_is_said_of_it() {
        let silent = told(&kernel("starting", 0), "[]", None, Some(false));
        assert_eq!(silent.ears["k"], Ears::Deaf);
        let again = told(&kernel("idle", 0), "[]", Some(Ears::Deaf), Some(false));
        assert_eq!((again.busy, again.ears["k"]), (1, Ears::Deaf));
        let answered = told(&kernel("idle", 0), "[]", Some(Ears::Deaf), Some(true));
        assert_eq!((answered.busy, answered.ears["k"]), (0, Ears::Open));
        assert_eq!(told(&kernel("idle", 1), "[]", Some(Ears::Open), None).busy, 0);
    }

    #[test]
    fn a_kernel_that_was_seen_computing_is_believed_to_rest_and_one_without_a_page_is_not_disturbed() {
        assert_eq!(told(&kernel("busy", 1), "[]", None, None).ears["k"], Ears::Open);
        assert_eq!(told(&kernel("busy", 1), "[]", Some(Ears::Deaf), None).ears["k"], Ears::Open);
        assert_eq!(told(&kernel("idle", 0), "[]", None, None), Jupyter { kernels: 1, ..Jupyter::default() });
        assert_eq!(told(&kernel("idle", 2), "[]", None, Some(false)).busy, 1);
    }

    #[test]
    fn kernels_that_are_gone_are_forgotten() {
        assert!(told("[]", "[]", Some(Ears::Deaf), None).ears.is_empty());
    }
}
