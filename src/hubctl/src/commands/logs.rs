//! `hubctl logs`: the journal of a person's server.
//!
//! For people: who may read the journal gets journalctl itself, everybody else the lines from the hub, which has those of
//! one's own servers for everybody. For programs (`--json`): always the hub's answer, so that the form is the same for
//! every caller.

use std::os::unix::process::CommandExt;
use std::process::Command;

use hubd_base::names::ServerId;
use nix::unistd::{Group, getegid, geteuid, getgroups};
use serde::de::DeserializeOwned;

use crate::cli::Context;
use crate::client::Client;
use crate::commands::{people, write_json};
use crate::failure::{Failure, Status, words};
use crate::model::Log;
use crate::text::{Talk, Text};

const JOURNALCTL: &str = "journalctl";
/// Groups that may read the whole journal: systemd-journald.service(8).
const READERS: [&str; 2] = ["systemd-journal", "adm"];

pub(crate) fn run(context: &mut Context<'_>, id: &ServerId, lines: u32, follow: bool) -> Result<(), Failure> {
    let talk = context.talk;
    if context.json {
        return if follow { Err(no_json(talk, id)) } else { print_json(context, id, lines) };
    }
    // What a person's own programs write, journald lets the person read; what systemd says of the unit, it does not.
    if may_read_journal() || follow && context.client.is_own(&id.user) {
        let mut command = Command::new(JOURNALCTL);
        command.args(arguments(id, lines, follow));
        let error = command.exec();
        return Err(Failure::new(Status::Failed, talk.say(Text::CannotRun, &[&JOURNALCTL, &words(&error)])));
    }
    if follow {
        return Err(Failure::new(Status::NotAuthorised, talk.say(Text::NoFollow, &[]))
            .with_hint(talk.say(Text::NoFollowHint, &[])));
    }
    let log: Log = ask(&context.client, talk, id, lines)?;
    for line in log.text() {
        writeln!(context.out, "{line}")?;
    }
    Ok(())
}

/// The API's answer as it is: `{"lines": [{"time_usec", "priority", "identifier", "message"}]}`, the newest last.
fn print_json(context: &mut Context<'_>, id: &ServerId, lines: u32) -> Result<(), Failure> {
    let answer: serde_json::Value = ask(&context.client, context.talk, id, lines)?;
    Ok(write_json(context.out, &answer)?)
}

/// Asks the hub, which gives 1000 lines at most.
fn ask<T: DeserializeOwned>(client: &Client, talk: Talk, id: &ServerId, lines: u32) -> Result<T, Failure> {
    let answer = client.send("GET", &format!("{}/log?lines={lines}", Client::server_path(id)))?;
    client.read(&people::expect(client, talk, &id.user, answer)?)
}

fn no_json(talk: Talk, id: &ServerId) -> Failure {
    let unit = id.unit_name();
    // As a word for the shell.
    let unit = if unit.contains('\\') { format!("'{unit}'") } else { unit };
    Failure::new(Status::Usage, talk.say(Text::NoFollowJson, &[])).with_hint(talk.say(Text::NoFollowJsonHint, &[&unit]))
}

fn arguments(id: &ServerId, lines: u32, follow: bool) -> Vec<String> {
    let unit = id.unit_name();
    let mut arguments = vec![format!("--unit={unit}"), format!("--lines={lines}"), "--no-hostname".to_owned()];
    arguments.push(if follow { "--follow" } else { "--no-pager" }.to_owned());
    arguments
}

fn may_read_journal() -> bool {
    if geteuid().is_root() {
        return true;
    }
    let mine = getgroups().unwrap_or_default();
    READERS.iter().any(|name| match Group::from_name(name) {
        Ok(Some(group)) => group.gid == getegid() || mine.contains(&group.gid),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use hubd_base::names::{ServerId, ServerName, UserName};
    use serde_json::{Value, json};

    use super::{arguments, run};
    use crate::cli::Context;
    use crate::client::tests::{FakeHub, respond, told};
    use crate::failure::{Failure, Status};
    use crate::text::{Language, Talk};

    const TALK: Talk = Talk::new(Language::English);

    fn logs(hub: &FakeHub, lines: u32, follow: bool) -> Result<Value, Failure> {
        let mut out = Vec::new();
        let mut context = Context { talk: TALK, out: &mut out, json: true, client: hub.client() };
        let user = UserName::parse("alice").unwrap_or_else(|error| unreachable!("{error}"));
        run(&mut context, &ServerId::default_of(user), lines, follow)?;
        Ok(serde_json::from_slice(&out).unwrap_or_else(|error| unreachable!("{error}")))
    }

    #[test]
    fn json_is_one_document_from_the_hub_whoever_asks() {
        let log = r#"{"lines": [{"time_usec": 1, "priority": 6, "identifier": "jupyter-lab", "message": "up"}]}"#;
        let hub = FakeHub::new(move |_| respond(200, log));
        let printed = logs(&hub, 5, false).ok();
        let line = json!({"time_usec": 1, "priority": 6, "identifier": "jupyter-lab", "message": "up"});
        assert_eq!(printed, Some(json!({"lines": [line]})));
        let asked = hub.seen.recv();
        assert_eq!(asked.as_deref(), Ok("GET /jupyter/hub/api/users/alice/server/log?lines=5 HTTP/1.0"));
    }

    #[test]
    fn json_that_never_ends_is_refused_before_the_hub_is_asked() {
        let hub = FakeHub::new(|_| respond(200, r#"{"lines": []}"#));
        let (status, text) = told(logs(&hub, 5, true));
        assert_eq!(status, Status::Usage);
        assert_eq!(text, "--follow and --json do not go together: the JSON is one document, which has to end.");
        assert!(hub.seen.try_recv().is_err());
    }

    #[test]
    fn a_person_the_hub_does_not_know_is_told_as_such() {
        let hub = FakeHub::new(|_| respond(404, r#"{"message": "Not Found"}"#));
        assert_eq!(told(logs(&hub, 5, false)), (Status::Failed, "The hub does not know alice.".to_owned()));
    }

    #[test]
    fn journalctl_gets_the_unit_as_one_word() {
        let user = UserName::parse(r"DOM\user").map(|user| arguments(&ServerId::default_of(user), 5, false));
        let words = [r"--unit=jupyter@DOM\x5cuser.service", "--lines=5", "--no-hostname", "--no-pager"];
        assert_eq!(user, Ok(words.map(str::to_owned).to_vec()));
        let followed = UserName::parse("alice").and_then(|user| {
            let id = ServerId::new(user, ServerName::parse("gpu")?);
            Ok(arguments(&id, 5, true))
        });
        let words = ["--unit=jupyter@alice:gpu.service", "--lines=5", "--no-hostname", "--follow"];
        assert_eq!(followed, Ok(words.map(str::to_owned).to_vec()));
    }
}
