//! A hub that says what the test wants, on a socket of its own.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use serde_json::{Value, json};

use super::{Answer, Base, Client};
use crate::failure::{Failure, Status};
use crate::text::{Language, Talk};

/// Answers each request by a function of its first line; remembers the lines, and each body behind its line.
pub(crate) struct FakeHub {
    folder: PathBuf,
    /// Request lines, as they came.
    pub(crate) seen: Receiver<String>,
}

impl FakeHub {
    pub(crate) fn new(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("hubctl-hub-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let listener = UnixListener::bind(folder.join("s")).unwrap();
        let (sender, seen) = mpsc::channel();
        let answer = std::sync::Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, sender) = (answer.clone(), sender.clone());
                thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    let mut lines = stream.by_ref().lines().map_while(Result::ok);
                    let first = lines.next().unwrap_or_default();
                    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                    let length = headers.iter().find_map(|line| line.strip_prefix("Content-Length: "));
                    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
                    stream.read_exact(&mut body).unwrap();
                    let own = headers.iter().any(|line| line == "X-Hub-As: self");
                    let first = if own { format!("{first} (own)") } else { first };
                    let _ = sender.send(first.clone());
                    if !body.is_empty() {
                        let _ = sender.send(String::from_utf8(body).unwrap());
                    }
                    let stream = stream.get_ref();
                    let _ = (&*stream).write_all(answer(&first).as_bytes());
                });
            }
        });
        Self { folder, seen }
    }

    pub(crate) fn client(&self) -> Client {
        self.client_at(Base::Known("/jupyter/".to_owned()))
    }

    pub(crate) fn client_at(&self, base: Base) -> Client {
        Client::new(Talk::new(Language::English), &self.folder.join("s"), base)
    }

    /// What the hub has heard so far.
    pub(crate) fn heard(&self) -> Vec<String> {
        let lines = self.seen.try_iter();
        lines.map(|line| line.trim_end_matches(" HTTP/1.0").replace("/jupyter/hub/api/", "")).collect()
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn respond(status: u16, body: &str) -> String {
    format!("HTTP/1.0 {status} x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Status and text of a failure.
pub(crate) fn told<T>(result: Result<T, Failure>) -> (Status, String) {
    match result.err() {
        Some(Failure::Told { status, text, .. }) => (status, text),
        _ => unreachable!("no failure that was told"),
    }
}

#[test]
fn a_call_goes_below_the_base_url_and_gives_the_json() {
    let hub = FakeHub::new(|_| respond(200, r#"{"version": "1"}"#));
    assert_eq!(hub.client().get::<Value>("status").unwrap(), json!({"version": "1"}));
    assert_eq!(hub.seen.recv().unwrap(), "GET /jupyter/hub/api/status HTTP/1.0");
}

#[test]
fn a_person_asks_for_what_is_their_own_as_themself_and_then_as_who_manages_the_hub() {
    let hub = FakeHub::new(|line| match line {
        line if line.contains("log") && line.ends_with("(own)") => respond(200, r#"{"lines": []}"#),
        line if line.ends_with("(own)") => respond(403, "{}"),
        _ => respond(200, "{}"),
    });
    let client = hub.client().of(hubd_base::names::UserName::parse("al").ok());
    for path in ["users/al/server/log", "users/al/tokens", "users/alice/server/log", "status"] {
        assert!(client.get::<Value>(path).is_ok(), "{path}");
    }
    let heard: Vec<String> = hub.seen.try_iter().map(|line| line.replace(" HTTP/1.0", "")).collect();
    let asked = ["users/al/server/log (own)", "users/al/tokens (own)", "users/al/tokens", "users/alice/server/log"];
    let asked = asked.into_iter().chain(["status"]).map(|path| format!("GET /jupyter/hub/api/{path}"));
    assert_eq!(heard, asked.collect::<Vec<_>>());
}

#[test]
fn each_refusal_has_its_exit_status_and_words() {
    for (answer, status, text) in [
        (respond(403, r#"{"message": "x"}"#), Status::NotAuthorised, "You are not allowed to manage the hub."),
        (respond(400, r#"{"message": "No."}"#), Status::Failed, "The hub said no: No."),
        (respond(404, r#"{"status": 404, "message": null}"#), Status::Failed, "The hub said no: HTTP 404"),
        // before it can start, the hub answers in plain text
        (
            respond(503, "/etc/hub/hub.toml:2: login.alow: unknown key\n"),
            Status::NotReachable,
            "The hub cannot answer: /etc/hub/hub.toml:2: login.alow: unknown key",
        ),
        (respond(200, "<html>"), Status::Failed, "The hub's answer makes no sense: expected value at line 1 column 1."),
        ("SSH-2.0\r\n\r\n".to_owned(), Status::Failed, "The hub's answer makes no sense: invalid HTTP version."),
    ] {
        let hub = FakeHub::new(move |_| answer.clone());
        assert_eq!(told(hub.client().get::<Value>("status")), (status, text.to_owned()));
    }
}

#[test]
fn an_incident_is_something_to_look_up() {
    let hub = FakeHub::new(|_| respond(500, r#"{"message": "Internal Server Error", "incident": "ab12"}"#));
    let Err(Failure::Told { status, hint, .. }) = hub.client().get::<Value>("status") else {
        unreachable!("no failure")
    };
    assert_eq!((status, hint.as_deref()), (Status::Failed, Some("`journalctl HUB_REQUEST=ab12` says more.")));
}

#[test]
fn a_hub_that_is_not_there_or_hangs_up_is_not_reachable() {
    let nowhere = Client::new(Talk::new(Language::English), &PathBuf::from("/nowhere/s"), Base::Known("/".to_owned()));
    let (status, text) = told(nowhere.get::<Value>("status"));
    assert_eq!(status, Status::NotReachable);
    assert!(text.starts_with("The hub cannot be reached at /nowhere/s: "), "{text}");
    for cut in ["", "HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n{}"] {
        let hub = FakeHub::new(move |_| cut.to_owned());
        assert_eq!(told(hub.client().get::<Value>("status")).0, Status::NotReachable);
    }
}

#[test]
fn an_event_stream_that_is_refused_gives_the_answer() {
    let hub = FakeHub::new(|_| respond(400, "{}"));
    let refused = hub.client().events("users/alice/server/progress").unwrap();
    assert_eq!(refused.err(), Some(Answer { status: 400, body: b"{}".to_vec() }));
}
