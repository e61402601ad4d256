//! `hubctl api`: any call of the REST API, as an administrator of the machine.
//!
//! The answer's body goes to standard output as it came, but for a line break at its end; its status goes to standard
//! error and decides the exit status.

use std::io::Read;

use crate::cli::Context;
use crate::client::Answer;
use crate::failure::{Failure, Status};
use crate::text::{Talk, Text};

/// A body of this name is read from standard input.
const STDIN: &str = "-";

pub(crate) fn run(context: &mut Context<'_>, method: &str, path: &str, body: Option<&str>) -> Result<(), Failure> {
    let path = below(context.talk, path)?;
    let body = match body {
        Some(STDIN) => {
            let mut body = Vec::new();
            std::io::stdin().lock().read_to_end(&mut body)?;
            body
        }
        body => body.unwrap_or_default().as_bytes().to_vec(),
    };
    let answer = context.client.send_bytes(&method.to_ascii_uppercase(), path, &body)?;
    print(context, &answer)?;
    eprintln!("HTTP {}", answer.status);
    match exit(answer.status) {
        None => Ok(()),
        Some(status) => Err(Failure::Quiet(status)),
    }
}

/// The path below the API's own. What would be more than one line of a request is refused.
fn below(talk: Talk, path: &str) -> Result<&str, Failure> {
    if path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(path.strip_prefix('/').unwrap_or(path));
    }
    Err(Failure::new(Status::Usage, talk.say(Text::BadPath, &[&path.escape_debug()]))
        .with_hint(talk.say(Text::BadPathHint, &[])))
}

fn print(context: &mut Context<'_>, answer: &Answer) -> Result<(), Failure> {
    context.out.write_all(&answer.body)?;
    if !matches!(answer.body.last(), None | Some(b'\n')) {
        writeln!(context.out)?;
    }
    Ok(context.out.flush()?)
}

/// The exit status by the status of HTTP; `None` is success.
fn exit(status: u16) -> Option<Status> {
    match status {
        200..=299 => None,
        401 | 403 => Some(Status::NotAuthorised),
        502..=504 => Some(Status::NotReachable),
        _ => Some(Status::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::cli::Context;
    use crate::client::tests::{FakeHub, respond, told};
    use crate::failure::{Failure, Status};
    use crate::text::{Language, Talk};

    fn call(hub: &FakeHub, method: &str, path: &str, body: Option<&str>) -> (Result<(), Failure>, String) {
        let mut out = Vec::new();
        let mut context =
            Context { talk: Talk::new(Language::English), out: &mut out, json: false, client: hub.client() };
        let result = run(&mut context, method, path, body);
        (result, String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn a_call_is_made_as_typed_and_its_answer_printed_as_it_came() {
        let hub = FakeHub::new(|_| respond(201, "[1,  2]"));
        let (result, printed) = call(&hub, "post", "/users?x=%20", Some(r#"{"usernames": ["a"]}"#));
        assert!(result.is_ok());
        assert_eq!(printed, "[1,  2]\n");
        assert_eq!(hub.heard(), ["POST users?x=%20", r#"{"usernames": ["a"]}"#]);
        let empty = FakeHub::new(|_| respond(204, ""));
        assert_eq!(call(&empty, "DELETE", "users/a", None).1, "");
    }

    #[test]
    fn the_exit_status_follows_the_status_of_the_answer() {
        for (status, exit) in [
            (302, Status::Failed),
            (400, Status::Failed),
            (403, Status::NotAuthorised),
            (404, Status::Failed),
            (429, Status::Failed),
            (500, Status::Failed),
            (503, Status::NotReachable),
        ] {
            let hub = FakeHub::new(move |_| respond(status, "{}"));
            let (result, printed) = call(&hub, "GET", "x", None);
            assert!(matches!(result, Err(Failure::Quiet(found)) if found == exit), "{status}: {result:?}");
            assert_eq!(printed, "{}\n", "what was answered is shown also when it is a refusal");
        }
    }

    #[test]
    fn a_path_that_could_be_more_than_a_path_is_not_sent() {
        let hub = FakeHub::new(|_| respond(200, ""));
        for path in ["users/a b", "x HTTP/1.0\r\nEvil: 1", "用户"] {
            assert_eq!(told(call(&hub, "GET", path, None).0).0, Status::Usage);
        }
        assert!(hub.heard().is_empty());
    }
}
