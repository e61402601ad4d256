//! `hubctl idle`: which servers nobody uses, why that is thought, and what becomes of them when; `hubctl keep` leaves
//! one alone for a while.

use hubd_base::names::ServerId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::client::Client;
use crate::commands::{people, write_json};
use crate::failure::{Failure, Status};
use crate::text::{Talk, Text};
use crate::{moments, table};

/// A server that is ready, as `GET /idle` tells of it.
#[derive(Debug, Deserialize)]
struct Seen {
    user: String,
    #[serde(default)]
    server: String,
    #[serde(default)]
    state: String,
    idle: Verdict,
    done: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    since: Option<String>,
    #[serde(default)]
    certain: bool,
    suspend_at: Option<String>,
    stop_at: Option<String>,
    #[serde(default)]
    reasons: Vec<Reason>,
}

/// What was looked at. Fields that a sign does not have are empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reason {
    sign: String,
    at: Option<String>,
    until: Option<String>,
    last: Option<String>,
    count: u32,
    busy: u32,
    percent: f64,
}

/// `idle`: looks, and with `apply` does what is due.
pub(crate) fn run(context: &mut Context<'_>, apply: bool) -> Result<(), Failure> {
    let talk = context.talk;
    let answer = context.client.send(if apply { "POST" } else { "GET" }, "idle")?;
    let answer = context.client.expect(answer)?;
    let found: Value = context.client.read(&answer)?;
    let servers = found.get("servers").cloned().unwrap_or_default();
    let seen = Vec::<Seen>::deserialize(&servers)
        .map_err(|error| Failure::new(Status::Failed, talk.say(Text::Strange, &[&error])))?;
    if context.json {
        return Ok(write_json(context.out, &servers)?);
    }
    if seen.is_empty() {
        eprintln!("{}", talk.say(Text::NoServers, &[]));
    }
    let now = moments::now();
    let rows: Vec<Vec<String>> = seen.iter().map(|seen| row(talk, seen, now)).collect();
    let header = [Text::User, Text::State, Text::IdleSince, Text::IdleSuspend, Text::IdleStop, Text::IdleWhy];
    Ok(table::write(&mut context.out, &header.map(|text| talk.say(text, &[])), &rows)?)
}

fn row(talk: Talk, seen: &Seen, now: i64) -> Vec<String> {
    let Seen { user, server, state, idle, done } = seen;
    let who = if server.is_empty() { user.clone() } else { format!("{user}:{server}") };
    let state = match (done.as_deref(), state.as_str()) {
        (Some("stopped"), _) | (_, "stopping") => Text::StateStopping,
        (Some("suspended"), _) | (_, "suspended") => Text::StateSuspended,
        (_, "running") => Text::StateRunning,
        _ => Text::StateStopped,
    };
    let since = match &idle.since {
        None => talk.say(Text::IdleWorks, &[]),
        since => moments::ago(talk, since.as_deref(), now),
    };
    let due = |when: &Option<String>| match when {
        Some(when) if moments::parse(when).is_some_and(|when| when <= now) => {
            talk.say(if idle.certain { Text::IdleDue } else { Text::IdleOpen }, &[])
        }
        when => moments::until(talk, when.as_deref(), now),
    };
    let reasons: Vec<String> = idle.reasons.iter().filter_map(|reason| say(talk, reason, now)).collect();
    let joint = talk.say(Text::Comma, &[]);
    vec![who, talk.say(state, &[]), since, due(&idle.suspend_at), due(&idle.stop_at), reasons.join(&joint)]
}

/// One sign in words; `None` for signs of a newer hub.
fn say(talk: Talk, reason: &Reason, now: i64) -> Option<String> {
    let ago = |when: &Option<String>| moments::ago(talk, when.as_deref(), now);
    Some(match reason.sign.as_str() {
        "attended" => talk.say(Text::IdleAttended, &[&ago(&reason.at)]),
        "worked" => talk.say(Text::IdleWorked, &[&ago(&reason.at)]),
        "kernels" if reason.count == 0 => talk.say(Text::IdleNoKernels, &[]),
        "kernels" => talk.say(Text::IdleKernels, &[&reason.busy, &reason.count]),
        "terminals" => talk.say(Text::IdleTerminals, &[&reason.count, &ago(&reason.last)]),
        "silent" => talk.say(Text::IdleSilent, &[]),
        "cpu" => talk.say(Text::IdleCpu, &[&format!("{:.1}", reason.percent)]),
        "measuring" => talk.say(Text::IdleMeasuring, &[]),
        "kept" => talk.say(Text::IdleKept, &[&moments::until(talk, reason.until.as_deref(), now)]),
        _ => return None,
    })
}

/// `keep`: neither suspended nor stopped for so long; `None` ends that.
pub(crate) fn keep(context: &mut Context<'_>, id: &ServerId, seconds: Option<u64>) -> Result<(), Failure> {
    let talk = context.talk;
    let path = format!("{}/keep", Client::server_path(id));
    let answer = match seconds {
        Some(seconds) => context.client.send_json("PUT", &path, &json!({"seconds": seconds}))?,
        None => context.client.send("DELETE", &path)?,
    };
    let answer = people::expect(&context.client, talk, &id.user, answer)?;
    let kept: Value = context.client.read(&answer)?;
    let until = kept.get("keep_until").and_then(Value::as_str);
    match until {
        Some(_) => eprintln!("{}", talk.say(Text::Kept, &[id, &moments::until(talk, until, moments::now())])),
        None => eprintln!("{}", talk.say(Text::NotKept, &[id])),
    }
    if context.json {
        let (user, server) = (id.user.as_str(), id.server.as_str());
        write_json(context.out, &json!({"user": user, "server": server, "keep_until": until}))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hubd_base::names::{ServerId, UserName};
    use serde_json::Value;

    use super::{keep, run};
    use crate::cli::Context;
    use crate::client::tests::{FakeHub, respond};
    use crate::failure::Failure;
    use crate::text::{Language, Talk};

    const ANSWER: &str = r#"{"servers": [
        {"user": "alice", "server": "gpu", "state": "running", "done": null, "idle": {
            "since": "1970-01-01T00:00:00Z", "certain": true, "suspend_at": "1970-01-01T00:30:00Z", "stop_at": null,
            "reasons": [{"sign": "attended", "at": "1970-01-01T00:00:00Z"}, {"sign": "kernels", "count": 2, "busy": 0},
                {"sign": "cpu", "percent": 0.14}, {"sign": "something-new"}]}},
        {"user": "bob", "server": "", "state": "running", "done": null, "idle": {
            "since": null, "certain": false, "suspend_at": null, "stop_at": "9999-01-01T00:00:00Z",
            "reasons": [{"sign": "kernels", "count": 1, "busy": 1}]}}]}"#;

    fn output(hub: &FakeHub, json: bool, ask: impl FnOnce(&mut Context<'_>) -> Result<(), Failure>) -> String {
        let mut out = Vec::new();
        let mut context = Context { talk: Talk::new(Language::English), out: &mut out, json, client: hub.client() };
        assert!(ask(&mut context).is_ok());
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn verdicts_are_told_with_their_reasons() {
        let hub = FakeHub::new(|_| respond(200, ANSWER));
        let printed = output(&hub, false, |context| run(context, false));
        let lines: Vec<&str> = printed.lines().collect();
        assert!(lines[1].starts_with("alice:gpu  running") && lines[1].contains("now"), "{printed}");
        assert!(lines[1].contains("0 of 2 kernels compute, processor 0.1%"), "{printed}");
        assert!(lines[2].starts_with("bob") && lines[2].contains("working"), "{printed}");
        assert_eq!(hub.heard(), ["GET idle"]);
    }

    #[test]
    fn what_is_due_is_done_when_asked_and_json_is_the_hubs_own() {
        let hub = FakeHub::new(|_| respond(200, ANSWER));
        let printed = output(&hub, true, |context| run(context, true));
        assert_eq!(hub.heard(), ["POST idle"]);
        let list: Value = serde_json::from_str(&printed).unwrap_or_default();
        assert_eq!(list.as_array().map(Vec::len), Some(2));
        assert_eq!(list[0]["idle"]["reasons"][1]["count"], 2);
    }

    #[test]
    fn a_server_is_kept_for_a_time_and_let_go() {
        let hub = FakeHub::new(|_| respond(200, r#"{"keep_until": null}"#));
        let alice = UserName::parse("alice").map(ServerId::default_of);
        let alice = alice.unwrap_or_else(|error| unreachable!("{error}"));
        output(&hub, false, |context| keep(context, &alice, Some(3600)));
        output(&hub, false, |context| keep(context, &alice, None));
        let heard = ["PUT users/alice/server/keep", r#"{"seconds":3600}"#, "DELETE users/alice/server/keep"];
        assert_eq!(hub.heard(), heard);
    }
}
