//! `hubctl start`: starts a person's server and shows how it goes.

use std::io::BufRead;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use hubd_base::names::ServerId;
use serde_json::json;

use crate::cli::Context;
use crate::client::{self, Answer, Client};
use crate::commands::people::{message_of, unknown};
use crate::commands::write_json;
use crate::events::{self, Progress};
use crate::failure::{Failure, Status};
use crate::model::{self, Log, User};
use crate::text::{Talk, Text};

/// Lines of the journal shown after a failed start.
const LINES: u32 = 20;
/// How long the request has before its progress is asked for.
const HEAD_START: Duration = Duration::from_millis(250);

pub(crate) fn run(context: &mut Context<'_>, id: &ServerId, profile: Option<&str>) -> Result<(), Failure> {
    let talk = context.talk;
    let client = context.client.clone();
    let path = Client::server_path(id);
    eprintln!("{}", talk.say(Text::Starting, &[id]));

    // The hub may keep the request until the server is up; its progress is watched meanwhile.
    let (sender, request) = mpsc::channel();
    let (starter, start_path) = (client.clone(), path.clone());
    let options = profile.map(|name| json!({"user_options": {"profile": name}}));
    thread::spawn(move || {
        sender.send(match options {
            Some(options) => starter.send_json("POST", &start_path, &options),
            None => starter.send("POST", &start_path),
        })
    });

    let url = match watch(&client, &path, &request)? {
        Watched::Ready(url) => url,
        Watched::Failed(message) => return Err(failed(&client, talk, id, &message)),
        Watched::Answered(answer) => match answer.status {
            201 => url_of(&client, id)?,
            400 if url_of(&client, id).is_ok_and(|url| url.is_some()) => {
                eprintln!("{}", talk.say(Text::RunsAlready, &[id]));
                return print(context, id, url_of(&client, id)?);
            }
            404 => return Err(unknown(talk, &id.user)),
            // Not for this caller, or, when the caller may look, not for this person.
            403 if url_of(&client, id).is_ok() => {
                return Err(Failure::new(Status::Failed, talk.say(Text::StartFailed, &[id, &message_of(&answer)])));
            }
            500 => return Err(failed(&client, talk, id, &message_of(&answer))),
            _ => return Err(client.refusal(&answer)),
        },
    };
    eprintln!("{}", talk.say(Text::Running, &[id]));
    print(context, id, url)
}

enum Watched {
    /// It runs, at this path.
    Ready(Option<String>),
    /// It does not.
    Failed(String),
    /// The request was answered with something else than "wait".
    Answered(Answer),
}

fn watch(client: &Client, path: &str, request: &Receiver<Result<Answer, Failure>>) -> Result<Watched, Failure> {
    let progress = format!("{path}/progress");
    let mut patience = HEAD_START;
    loop {
        let accepted = match request.recv_timeout(patience) {
            Ok(answer) => match answer? {
                Answer { status: 202, .. } => true,
                answer => return Ok(Watched::Answered(answer)),
            },
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return Err(client.lost()),
        };
        match client.events(&progress)? {
            Ok(mut stream) => match follow(client, &mut stream)? {
                // Perhaps the end of the last start, told again: the request's own answer decides.
                Watched::Failed(_) if !accepted => patience = client::ANSWER,
                watched => return Ok(watched),
            },
            Err(refused) if accepted => return Ok(Watched::Answered(refused)),
            // "not starting": the request has not come so far.
            Err(_) => {}
        }
    }
}

fn follow(client: &Client, stream: &mut impl BufRead) -> Result<Watched, Failure> {
    while let Some(event) = events::next(stream).map_err(|error| client.broken(&error))? {
        let Progress { percent, message, ready, failed, url } = event;
        let message = model::clean(&message);
        if failed {
            return Ok(Watched::Failed(message));
        }
        eprintln!("[{percent:>3}%] {message}");
        if ready {
            return Ok(Watched::Ready(url));
        }
    }
    Err(client.lost())
}

fn failed(client: &Client, talk: Talk, id: &ServerId, message: &str) -> Failure {
    let failure = Failure::new(Status::Failed, talk.say(Text::StartFailed, &[id, &message]))
        .with_hint(talk.say(Text::LogsHint, &[id]));
    if let Ok(log) = client.get::<Log>(&format!("{}/log?lines={LINES}", Client::server_path(id))) {
        let lines = log.text();
        if !lines.is_empty() {
            eprintln!("{}", talk.say(Text::StartLog, &[]));
        }
        for line in lines {
            eprintln!("  {line}");
        }
    }
    failure
}

/// The path of the server when it is ready.
fn url_of(client: &Client, id: &ServerId) -> Result<Option<String>, Failure> {
    let user: User = client.get(&Client::user_path(&id.user))?;
    Ok(user.servers.get(id.server.as_str()).filter(|server| server.ready).and_then(|server| server.url.clone()))
}

fn print(context: &mut Context<'_>, id: &ServerId, url: Option<String>) -> Result<(), Failure> {
    let url = url.unwrap_or_default();
    if context.json {
        return Ok(write_json(
            context.out,
            &json!({"user": id.user.as_str(), "server": id.server.as_str(), "url": url}),
        )?);
    }
    Ok(writeln!(context.out, "{url}")?)
}

#[cfg(test)]
mod tests;
