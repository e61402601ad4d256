//! `hubctl stop`: stops a person's server.

use hubd_base::names::UserName;
use serde_json::json;

use crate::cli::Context;
use crate::client::Client;
use crate::commands::{start, write_json};
use crate::failure::Failure;
use crate::text::Text;

pub(crate) fn run(context: &mut Context<'_>, user: &UserName) -> Result<(), Failure> {
    let talk = context.talk;
    let answer = context.client.send("DELETE", &format!("{}/server", Client::user_path(user)))?;
    let stopped = match answer.status {
        202 => false,
        404 => return Err(start::unknown(talk, user)),
        _ => {
            context.client.expect(answer)?;
            true
        }
    };
    let text = if stopped { Text::Stopped } else { Text::StillStopping };
    eprintln!("{}", talk.say(text, &[user]));
    if context.json {
        write_json(context.out, &json!({"user": user.as_str(), "stopped": stopped}))?;
    }
    Ok(())
}
