//! `hubctl suspend` and `hubctl wake`: freezing a person's server and letting it run again.

use hubd_base::names::ServerId;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::client::Client;
use crate::commands::{people, write_json};
use crate::failure::Failure;
use crate::text::Text;

pub(crate) fn suspend(context: &mut Context<'_>, id: &ServerId) -> Result<(), Failure> {
    let model = send(context, id, "suspend")?;
    let talk = context.talk;
    match model.get("given_back").and_then(Value::as_u64).map(|bytes| bytes >> 20) {
        None | Some(0) => eprintln!("{}", talk.say(Text::Suspended, &[id])),
        Some(mebibytes) => eprintln!("{}", talk.say(Text::SuspendedGaveBack, &[id, &mebibytes])),
    }
    print(context, id, &model)
}

pub(crate) fn wake(context: &mut Context<'_>, id: &ServerId) -> Result<(), Failure> {
    let model = send(context, id, "wake")?;
    eprintln!("{}", context.talk.say(Text::Woken, &[id]));
    print(context, id, &model)
}

fn send(context: &Context<'_>, id: &ServerId, verb: &str) -> Result<Value, Failure> {
    let answer = context.client.send("POST", &format!("{}/{verb}", Client::server_path(id)))?;
    let answer = people::expect(&context.client, context.talk, &id.user, answer)?;
    context.client.read(&answer)
}

fn print(context: &mut Context<'_>, id: &ServerId, model: &Value) -> Result<(), Failure> {
    if context.json {
        let mut printed = json!({"user": id.user.as_str(), "server": id.server.as_str()});
        if let (Some(printed), Some(model)) = (printed.as_object_mut(), model.as_object()) {
            printed.extend(model.clone());
        }
        write_json(context.out, &printed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hubd_base::names::{ServerId, UserName};

    use super::{suspend, wake};
    use crate::cli::Context;
    use crate::client::tests::{FakeHub, respond, told};
    use crate::failure::Failure;
    use crate::text::{Language, Talk};

    type Verb = fn(&mut Context<'_>, &ServerId) -> Result<(), Failure>;

    fn ask(hub: &FakeHub, verb: Verb) -> Result<String, Failure> {
        let mut out = Vec::new();
        let mut context =
            Context { talk: Talk::new(Language::English), out: &mut out, json: true, client: hub.client() };
        let alice = UserName::parse("alice").map(ServerId::default_of);
        verb(&mut context, &alice.unwrap_or_else(|error| unreachable!("{error}")))?;
        Ok(String::from_utf8_lossy(&out).replace(['\n', ' '], ""))
    }

    #[test]
    fn what_the_hub_says_of_the_server_is_printed() {
        let hub = FakeHub::new(|_| respond(200, r#"{"state": "suspended", "given_back": 134217728}"#));
        let printed = r#"{"given_back":134217728,"server":"","state":"suspended","user":"alice"}"#;
        assert_eq!(ask(&hub, suspend).ok().as_deref(), Some(printed));
        assert_eq!(hub.heard(), ["POST users/alice/server/suspend"]);
        let hub = FakeHub::new(|_| respond(200, r#"{"state": "running"}"#));
        assert_eq!(ask(&hub, wake).ok().as_deref(), Some(r#"{"server":"","state":"running","user":"alice"}"#));
        assert_eq!(hub.heard(), ["POST users/alice/server/wake"]);
    }

    #[test]
    fn the_hubs_reason_is_told() {
        let hub = FakeHub::new(|_| respond(409, r#"{"message": "alice is in use right now and was not suspended"}"#));
        let (_, text) = told(ask(&hub, suspend));
        assert!(text.contains("alice is in use right now"), "{text}");
    }
}
