//! `hubctl start`: starts a person's server and shows how it goes.

use std::io::BufRead;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use hubd_base::names::UserName;
use serde_json::json;

use crate::cli::Context;
use crate::client::{self, Answer, Client};
use crate::commands::write_json;
use crate::events::{self, Progress};
use crate::failure::{Failure, Status};
use crate::model::{self, Log, User};
use crate::text::{Talk, Text};

/// Lines of the journal shown after a failed start.
const LINES: u32 = 20;
/// How long the request has before its progress is asked for.
const HEAD_START: Duration = Duration::from_millis(250);

pub(crate) fn run(context: &mut Context<'_>, user: &UserName) -> Result<(), Failure> {
    let talk = context.talk;
    let client = context.client.clone();
    let path = Client::user_path(user);
    eprintln!("{}", talk.say(Text::Starting, &[user]));

    // The hub may keep the request until the server is up; its progress is watched meanwhile.
    let (sender, request) = mpsc::channel();
    let (starter, start_path) = (client.clone(), format!("{path}/server"));
    thread::spawn(move || sender.send(starter.send("POST", &start_path)));

    let url = match watch(&client, &path, &request)? {
        Watched::Ready(url) => url,
        Watched::Failed(message) => return Err(failed(&client, talk, user, &path, &message)),
        Watched::Answered(answer) => match answer.status {
            201 => url_of(&client, &path)?,
            400 if url_of(&client, &path).is_ok_and(|url| url.is_some()) => {
                eprintln!("{}", talk.say(Text::RunsAlready, &[user]));
                return print(context, user, url_of(&client, &path)?);
            }
            404 => return Err(unknown(talk, user)),
            // Not for this caller, or, when the caller may look, not for this person.
            403 if url_of(&client, &path).is_ok() => {
                return Err(Failure::new(Status::Failed, talk.say(Text::StartFailed, &[user, &message_of(&answer)])));
            }
            500 => return Err(failed(&client, talk, user, &path, &message_of(&answer))),
            _ => return Err(client.refusal(&answer)),
        },
    };
    eprintln!("{}", talk.say(Text::Running, &[user]));
    print(context, user, url)
}

/// What to tell about a person the hub does not know.
pub(crate) fn unknown(talk: Talk, user: &UserName) -> Failure {
    Failure::new(Status::Failed, talk.say(Text::NoSuchUser, &[user])).with_hint(talk.say(Text::NoSuchUserHint, &[]))
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
    let progress = format!("{path}/server/progress");
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

fn failed(client: &Client, talk: Talk, user: &UserName, path: &str, message: &str) -> Failure {
    let failure = Failure::new(Status::Failed, talk.say(Text::StartFailed, &[user, &message]))
        .with_hint(talk.say(Text::LogsHint, &[user]));
    if let Ok(log) = client.get::<Log>(&format!("{path}/server/log?lines={LINES}")) {
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

fn message_of(answer: &Answer) -> String {
    let problem: model::Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
    problem.message.map_or_else(|| format!("HTTP {}", answer.status), |message| model::clean(&message))
}

/// The path of the person's server when it is ready.
fn url_of(client: &Client, path: &str) -> Result<Option<String>, Failure> {
    let user: User = client.get(path)?;
    Ok(user.servers.get("").filter(|server| server.ready).and_then(|server| server.url.clone()))
}

fn print(context: &mut Context<'_>, user: &UserName, url: Option<String>) -> Result<(), Failure> {
    let url = url.unwrap_or_default();
    if context.json {
        return Ok(write_json(context.out, &json!({"user": user.as_str(), "url": url}))?);
    }
    Ok(writeln!(context.out, "{url}")?)
}

#[cfg(test)]
mod tests;
