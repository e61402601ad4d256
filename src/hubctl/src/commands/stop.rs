//! `hubctl stop`: stops a person's server; one with a name can be removed as well.

use hubd_base::names::ServerId;
use serde_json::json;

use crate::cli::Context;
use crate::client::Client;
use crate::commands::{people, write_json};
use crate::failure::{Failure, Status};
use crate::text::Text;

pub(crate) fn run(context: &mut Context<'_>, id: &ServerId, remove: bool) -> Result<(), Failure> {
    let talk = context.talk;
    let path = Client::server_path(id);
    let answer = if remove {
        if id.server.is_default() {
            return Err(Failure::new(Status::Usage, talk.say(Text::CannotRemove, &[])));
        }
        context.client.send_json("DELETE", &path, &json!({"remove": true}))?
    } else {
        context.client.send("DELETE", &path)?
    };
    let answer = people::expect(&context.client, talk, &id.user, answer)?;
    let stopped = answer.status != 202;
    let text = match (stopped, remove) {
        (true, false) => Text::Stopped,
        (true, true) => Text::Removed,
        (false, _) => Text::StillStopping,
    };
    eprintln!("{}", talk.say(text, &[id]));
    if context.json {
        let (user, server) = (id.user.as_str(), id.server.as_str());
        write_json(context.out, &json!({"user": user, "server": server, "stopped": stopped}))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hubd_base::names::{ServerId, ServerName, UserName};

    use super::run;
    use crate::cli::Context;
    use crate::client::tests::{FakeHub, respond, told};
    use crate::failure::{Failure, Status};
    use crate::text::{Language, Talk};

    fn stop(hub: &FakeHub, server: &str, remove: bool) -> Result<String, Failure> {
        let mut out = Vec::new();
        let mut context =
            Context { talk: Talk::new(Language::English), out: &mut out, json: true, client: hub.client() };
        let names = UserName::parse("alice").and_then(|user| Ok(ServerId::new(user, ServerName::parse(server)?)));
        run(&mut context, &names.unwrap_or_else(|error| unreachable!("{error}")), remove)?;
        Ok(String::from_utf8_lossy(&out).replace(['\n', ' '], ""))
    }

    #[test]
    fn a_stop_that_goes_on_is_told_from_one_that_is_done() {
        for (status, stopped) in [(204, true), (202, false)] {
            let hub = FakeHub::new(move |_| respond(status, ""));
            let printed = format!(r#"{{"server":"gpu","stopped":{stopped},"user":"alice"}}"#);
            assert_eq!(stop(&hub, "gpu", false).ok(), Some(printed));
        }
    }

    #[test]
    fn the_default_server_cannot_be_removed() {
        let hub = FakeHub::new(|_| respond(204, ""));
        assert_eq!(told(stop(&hub, "", true)).0, Status::Usage);
        assert!(hub.heard().is_empty());
        assert!(stop(&hub, "gpu", true).is_ok());
        assert_eq!(hub.heard(), ["DELETE users/alice/servers/gpu", r#"{"remove":true}"#]);
    }

    #[test]
    fn a_server_that_is_not_there_is_no_unknown_person() {
        let hub = FakeHub::new(|line| match line {
            line if line.starts_with("GET") => respond(200, r#"{"name": "alice"}"#),
            _ => respond(404, r#"{"message": "alice has no server named 'gpu'"}"#),
        });
        assert_eq!(told(stop(&hub, "gpu", false)).1, "The hub said no: alice has no server named 'gpu'");
        let nobody = FakeHub::new(|_| respond(404, "{}"));
        assert_eq!(told(stop(&nobody, "", false)).1, "The hub does not know alice.");
    }
}
