//! `hubctl profiles`: what a person may start a server with.

use std::collections::BTreeMap;

use hubd_base::names::UserName;
use serde::Deserialize;
use serde_json::Value;

use crate::cli::Context;
use crate::commands::{people, write_json};
use crate::failure::{Failure, Status};
use crate::model::clean;
use crate::table;
use crate::text::Text;

/// One of them, as the API tells of it.
#[derive(Debug, Deserialize)]
struct Offer {
    name: String,
    #[serde(default)]
    description: BTreeMap<String, String>,
    #[serde(default)]
    limits: BTreeMap<String, String>,
    #[serde(default)]
    default: bool,
}

/// `profiles`: those of a person.
pub(crate) fn run(context: &mut Context<'_>, user: &UserName) -> Result<(), Failure> {
    let talk = context.talk;
    let answer = context.client.send("GET", &format!("users/{}/profiles", user.url_segment()))?;
    let answer = people::expect(&context.client, talk, user, answer)?;
    let found: Value = context.client.read(&answer)?;
    let offers = found.get("profiles").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
    let read = Vec::<Offer>::deserialize(&offers)
        .map_err(|error| Failure::new(Status::Failed, talk.say(Text::Strange, &[&error])))?;
    if context.json {
        return Ok(write_json(context.out, &offers)?);
    }
    if read.is_empty() {
        eprintln!("{}", talk.say(Text::NoProfiles, &[user]));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = read
        .iter()
        .map(|offer| {
            let name = if offer.name.is_empty() { talk.say(Text::ProfileNone, &[]) } else { clean(&offer.name) };
            let usual = if offer.default { talk.say(Text::ProfileUsual, &[]) } else { String::new() };
            let limits: Vec<String> = offer.limits.iter().map(|(limit, amount)| format!("{limit}={amount}")).collect();
            let said = |language: &str| offer.description.get(language);
            let said = said(talk.tag()).or_else(|| said("en")).or_else(|| offer.description.values().next());
            vec![name, usual, clean(&limits.join(" ")), said.map(|text| clean(text)).unwrap_or_default()]
        })
        .collect();
    let header = [Text::Profile, Text::ProfileUsually, Text::ProfileLimits, Text::ProfileAbout];
    Ok(table::write(&mut context.out, &header.map(|text| talk.say(text, &[])), &rows)?)
}
