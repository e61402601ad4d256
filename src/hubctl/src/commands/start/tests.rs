//! Starts against a hub that behaves in each way the contract allows.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;
use std::sync::mpsc;

use hubd_base::names::{ServerId, ServerName, UserName};

use super::run;
use crate::cli::Context;
use crate::client::tests::{FakeHub, respond, told};
use crate::failure::{Failure, Status};
use crate::text::{Language, Talk};

const READY: &str =
    "data: {\"progress\": 100, \"ready\": true, \"message\": \"Server ready\", \"url\": \"/user/alice/\"}\n\n";
const FAILED: &str = "data: {\"progress\": 100, \"failed\": true, \"message\": \"Spawn failed: no\"}\n\n";
const MODEL: &str = r#"{"name": "alice", "servers": {"": {"ready": true, "url": "/user/alice/"}}}"#;

fn events(text: &str) -> String {
    format!("HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\n\n{text}")
}

fn start(hub: &FakeHub) -> Result<String, Failure> {
    start_named(hub, "")
}

fn start_named(hub: &FakeHub, server: &str) -> Result<String, Failure> {
    let mut out = Vec::new();
    let mut context = Context { talk: Talk::new(Language::English), out: &mut out, json: false, client: hub.client() };
    let id = ServerId::new(UserName::parse("alice").unwrap(), ServerName::parse(server).unwrap());
    run(&mut context, &id, None)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn a_pending_start_is_followed_until_it_is_ready() {
    let hub = FakeHub::new(|line| match line.split(' ').collect::<Vec<_>>().as_slice() {
        ["POST", "/jupyter/hub/api/users/alice/server", _] => respond(202, ""),
        ["GET", "/jupyter/hub/api/users/alice/server/progress", _] => events(READY),
        _ => respond(404, ""),
    });
    assert_eq!(start(&hub).unwrap(), "/user/alice/\n");
}

#[test]
fn a_start_that_was_quick_is_read_from_the_model() {
    let hub = FakeHub::new(|line| if line.starts_with("POST") { respond(201, "") } else { respond(200, MODEL) });
    assert_eq!(start(&hub).unwrap(), "/user/alice/\n");
}

#[test]
fn a_server_that_runs_already_is_success() {
    let hub = FakeHub::new(|line| match line {
        line if line.starts_with("POST") => respond(400, r#"{"message": "alice is already running"}"#),
        _ => respond(200, MODEL),
    });
    assert_eq!(start(&hub).unwrap(), "/user/alice/\n");
}

#[test]
fn a_failed_start_says_why_and_asks_for_the_log() {
    let hub = FakeHub::new(|line| match line {
        line if line.starts_with("POST") => respond(202, ""),
        line if line.contains("/server/log?lines=20 ") => respond(200, r#"{"lines": ["boom"]}"#),
        _ => events(FAILED),
    });
    let failure = told(start(&hub));
    assert_eq!(failure, (Status::Failed, "The server of alice did not start: Spawn failed: no".to_owned()));
    assert!(hub.seen.try_iter().any(|line| line.contains("/server/log?lines=20 ")));
}

#[test]
fn the_replayed_failure_of_an_earlier_start_does_not_count() {
    // The request is answered only after the stale event was read.
    let (told, wait) = mpsc::channel::<()>();
    let (told, wait) = (Mutex::new(told), Mutex::new(wait));
    let hub = FakeHub::new(move |line| match line {
        line if line.starts_with("POST") => {
            let _ = wait.lock().map(|wait| wait.recv());
            respond(201, "")
        }
        line if line.contains("/progress ") => {
            let _ = told.lock().map(|told| told.send(()));
            events(FAILED)
        }
        _ => respond(200, MODEL),
    });
    assert_eq!(start(&hub).unwrap(), "/user/alice/\n");
}

#[test]
fn somebody_unknown_and_somebody_refused_have_their_own_words() {
    let unknown = FakeHub::new(|_| respond(404, "{}"));
    assert_eq!(told(start(&unknown)), (Status::Failed, "The hub does not know alice.".to_owned()));
    let refused = FakeHub::new(|_| respond(403, "{}"));
    assert_eq!(told(start(&refused)).0, Status::NotAuthorised);
    let blocked = FakeHub::new(|line| match line {
        line if line.starts_with("POST") => respond(403, r#"{"message": "This account is blocked from the hub."}"#),
        _ => respond(200, r#"{"name": "alice"}"#),
    });
    let text = "The server of alice did not start: This account is blocked from the hub.".to_owned();
    assert_eq!(told(start(&blocked)), (Status::Failed, text));
}

#[test]
fn a_hub_that_goes_away_while_starting_is_told() {
    let hub = FakeHub::new(|line| if line.starts_with("POST") { respond(202, "") } else { events("") });
    let lost = "The hub went away before the server was ready.".to_owned();
    assert_eq!(told(start(&hub)), (Status::NotReachable, lost));
}

#[test]
fn a_server_with_a_name_has_addresses_of_its_own() {
    let hub = FakeHub::new(|line| match line.split(' ').collect::<Vec<_>>().as_slice() {
        ["POST", "/jupyter/hub/api/users/alice/servers/gpu", _] => respond(202, ""),
        ["GET", "/jupyter/hub/api/users/alice/servers/gpu/progress", _] => {
            events("data: {\"ready\": true, \"url\": \"/user/alice/gpu/\"}\n\n")
        }
        _ => respond(404, ""),
    });
    assert_eq!(start_named(&hub, "gpu").unwrap(), "/user/alice/gpu/\n");
    let disabled = r#"{"message": "Named servers are not enabled."}"#;
    let hub =
        FakeHub::new(move |line| if line.starts_with("POST") { respond(400, disabled) } else { respond(200, MODEL) });
    assert_eq!(told(start_named(&hub, "gpu")).1, "The hub said no: Named servers are not enabled.");
}
