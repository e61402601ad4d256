//! Which function answers what was typed.

mod grammar;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use hubd_base::config;
use hubd_base::names::{NameError, ServerId, ServerName, UserName};

pub(crate) use grammar::command;

use crate::client::{Base, Client};
use crate::commands::{
    accounts, api, configuration, doctor, environment, groups, idle, limits, logs, people, profiles, servers, services,
    start, status, stop, suspension, tokens, users,
};
use crate::failure::{Failure, Status};
use crate::text::{Talk, Text};

/// What every command has at hand.
pub(crate) struct Context<'a> {
    /// The language.
    pub(crate) talk: Talk,
    /// Standard output.
    pub(crate) out: &'a mut dyn Write,
    /// JSON instead of tables?
    pub(crate) json: bool,
    /// The hub.
    pub(crate) client: Client,
}

/// Does what was asked.
pub(crate) fn run(talk: Talk, matches: &ArgMatches) -> Result<(), Failure> {
    let base = Base::read(talk, Path::new(config::DIR));
    let mut out = BufWriter::new(io::stdout().lock());
    let mut context = Context {
        talk,
        out: &mut out,
        json: matches.get_flag("json"),
        client: Client::new(talk, &path_of(matches, "socket"), base).of(people::caller()),
    };
    let result = dispatch(&mut context, matches);
    // What was found is shown even when the command fails.
    out.flush()?;
    result
}

fn dispatch(context: &mut Context<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let talk = context.talk;
    match matches.subcommand() {
        Some(("status", _)) => status::run(context),
        Some(("users", _)) => users::run(context),
        Some(("user", found)) => user(context, found),
        Some(("servers", _)) => servers::run(context),
        Some(("profiles", found)) => profiles::run(context, &user_of(talk, found)?),
        Some(("start", found)) => {
            let profile = found.get_one::<String>("profile").map(String::as_str);
            start::run(context, &server_of(talk, found)?, profile)
        }
        Some(("stop", found)) => stop::run(context, &server_of(talk, found)?, found.get_flag("remove")),
        Some(("idle", found)) => idle::run(context, found.get_flag("apply")),
        Some(("keep", found)) => {
            let span = tokens::span(talk, text_of(found, "time"))?;
            idle::keep(context, &server_of(talk, found)?, span)
        }
        Some(("suspend", found)) => suspension::suspend(context, &server_of(talk, found)?),
        Some(("wake", found)) => suspension::wake(context, &server_of(talk, found)?),
        Some(("limits", found)) => limit(context, found),
        Some(("logs", found)) => {
            let lines = found.get_one("lines").copied().unwrap_or(100);
            logs::run(context, &server_of(talk, found)?, lines, found.get_flag("follow"))
        }
        Some(("token", found)) => token(context, found),
        Some(("groups", _)) => groups::run(context),
        Some(("group", found)) => group(context, found),
        Some(("services", found)) if found.get_flag("managed") => services::managed(context, Path::new(config::DIR)),
        Some(("services", _)) => services::run(context),
        Some(("api", found)) => {
            let body = found.get_one::<String>("body").map(String::as_str);
            api::run(context, text_of(found, "method"), text_of(found, "path"), body)
        }
        Some(("config", found)) => match found.subcommand() {
            Some(("check", found)) => configuration::check(context, &path_of(found, "dir")),
            Some(("show", found)) => configuration::show(context, &path_of(found, "dir")),
            _ => Err(Failure::Quiet(Status::Usage)),
        },
        Some(("doctor", _)) => doctor::run(context),
        Some(("env", found)) => match found.subcommand() {
            Some(("create", found)) => {
                let language = found.get_one::<String>("language").map(String::as_str);
                environment::run(context, language, &path_of(found, "python"))
            }
            _ => Err(Failure::Quiet(Status::Usage)),
        },
        _ => Err(Failure::Quiet(Status::Usage)),
    }
}

fn user(context: &mut Context<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("add", found)) => {
            let account = if found.get_flag("create-account") { Some(password_of(found)) } else { None };
            people::add(context, &users_of(context.talk, found)?, found.get_flag("admin"), account)
        }
        Some(("password", found)) => {
            accounts::set_password(context, &user_of(context.talk, found)?, password_of(found))
        }
        Some(("remove", found)) => {
            let fate = match (found.get_flag("delete-account"), found.get_flag("delete-home")) {
                (false, _) => people::Fate::Keep,
                (true, false) => people::Fate::Account,
                (true, true) => people::Fate::AccountAndHome,
            };
            people::remove(context, &user_of(context.talk, found)?, fate)
        }
        _ => Err(Failure::Quiet(Status::Usage)),
    }
}

fn password_of(matches: &ArgMatches) -> accounts::Wanted {
    accounts::Wanted { chosen: matches.get_flag("password-stdin"), keep: matches.get_flag("keep-password") }
}

fn limit(context: &mut Context<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("show", found)) => limits::show(context, &server_of(context.talk, found)?),
        Some(("set", found)) => limits::set(context, &server_of(context.talk, found)?, &texts_of(found, "limits")),
        _ => Err(Failure::Quiet(Status::Usage)),
    }
}

fn token(context: &mut Context<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let talk = context.talk;
    match matches.subcommand() {
        Some(("create", found)) => {
            let wanted = tokens::Wanted {
                note: found.get_one::<String>("note").cloned(),
                expires_in: found.get_one("expires").map_or(Ok(None), |text: &String| tokens::lifetime(talk, text))?,
                scopes: texts_of(found, "scope"),
            };
            tokens::create(context, &user_of(talk, found)?, &wanted)
        }
        Some(("list", found)) => tokens::list(context, &user_of(talk, found)?),
        Some(("revoke", found)) => tokens::revoke(context, &user_of(talk, found)?, text_of(found, "id")),
        _ => Err(Failure::Quiet(Status::Usage)),
    }
}

fn group(context: &mut Context<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let Some((verb, found)) = matches.subcommand() else { return Err(Failure::Quiet(Status::Usage)) };
    let group = text_of(found, "group");
    match verb {
        "create" => groups::create(context, group),
        "delete" => groups::delete(context, group),
        "add" => groups::change(context, group, groups::Change::Add, &users_of(context.talk, found)?),
        "remove" => groups::change(context, group, groups::Change::Remove, &users_of(context.talk, found)?),
        _ => Err(Failure::Quiet(Status::Usage)),
    }
}

fn user_of(talk: Talk, matches: &ArgMatches) -> Result<UserName, Failure> {
    parse_user(talk, text_of(matches, "user"))
}

fn users_of(talk: Talk, matches: &ArgMatches) -> Result<Vec<UserName>, Failure> {
    texts_of(matches, "names").iter().map(|text| parse_user(talk, text)).collect()
}

fn server_of(talk: Talk, matches: &ArgMatches) -> Result<ServerId, Failure> {
    parse_server(talk, text_of(matches, "server"))
}

fn parse_user(talk: Talk, text: &str) -> Result<UserName, Failure> {
    UserName::parse(text).map_err(|error| bad_name(talk, Text::BadUser, text, error))
}

/// `alice`, `alice:gpu` or, as `JupyterHub` writes it, `alice/gpu`; no account's name has a colon or a slash.
fn parse_server(talk: Talk, text: &str) -> Result<ServerId, Failure> {
    let Some((user, server)) = text.split_once([':', '/']) else {
        return Ok(ServerId::default_of(parse_user(talk, text)?));
    };
    let user = parse_user(talk, user)?;
    let name = if server.is_empty() { Err(NameError::Empty) } else { ServerName::parse(server) };
    name.map(|server| ServerId::new(user, server)).map_err(|error| bad_name(talk, Text::BadServer, server, error))
}

fn bad_name(talk: Talk, sentence: Text, text: &str, error: NameError) -> Failure {
    Failure::new(Status::Usage, talk.say(sentence, &[&text.escape_debug(), &error]))
}

fn text_of<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map(String::as_str).unwrap_or_default()
}

fn texts_of(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.get_many::<String>(name).into_iter().flatten().cloned().collect()
}

fn path_of(matches: &ArgMatches, name: &str) -> PathBuf {
    matches.get_one::<PathBuf>(name).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{command, dispatch, parse_server};
    use crate::cli::Context;
    use crate::client::tests::{FakeHub, respond, told};
    use crate::failure::Status;
    use crate::text::{Language, Talk};

    const TALK: Talk = Talk::new(Language::English);

    #[test]
    fn a_server_is_a_person_and_perhaps_a_name() {
        let parsed = |text| parse_server(TALK, text).map(|id| (id.to_string(), id.server.is_default())).ok();
        assert_eq!(parsed("alice"), Some(("alice".to_owned(), true)));
        assert_eq!(parsed("alice:gpu"), Some(("alice:gpu".to_owned(), false)));
        assert_eq!(parsed("alice/gpu"), parsed("alice:gpu"));
        for (wrong, reason) in [
            ("alice:", "\"\" is not the name of a server: the name is empty."),
            (":gpu", "\"\" is not the name of an account: the name is empty."),
            ("1234", "\"1234\" is not the name of an account: the name has only digits."),
        ] {
            assert_eq!(told(parse_server(TALK, wrong)), (Status::Usage, reason.to_owned()));
        }
        assert!(told(parse_server(TALK, "alice:GPU")).1.starts_with("\"GPU\" is not the name of a server: "));
    }

    #[test]
    fn every_command_reaches_the_address_that_it_is_for() {
        for (line, heard) in [
            ("stop alice", vec!["DELETE users/alice/server"]),
            ("stop alice:gpu", vec!["DELETE users/alice/servers/gpu"]),
            ("stop alice:gpu --remove", vec!["DELETE users/alice/servers/gpu", r#"{"remove":true}"#]),
            ("profiles alice", vec!["GET users/alice/profiles"]),
            ("keep alice 2h", vec!["PUT users/alice/server/keep", r#"{"seconds":7200}"#]),
            ("keep alice:gpu none", vec!["DELETE users/alice/servers/gpu/keep"]),
            ("user remove alice", vec!["DELETE users/alice"]),
            ("user remove alice --delete-account", vec!["DELETE users/alice?account=delete"]),
            ("user remove alice --delete-account --delete-home", vec!["DELETE users/alice?account=delete&home=delete"]),
            ("token revoke alice a7", vec!["DELETE users/alice/tokens/a7"]),
            ("group create a/b", vec!["POST groups/a%2Fb"]),
            ("group delete teachers", vec!["DELETE groups/teachers"]),
            ("group add teachers alice bob", vec!["POST groups/teachers/users", r#"{"users":["alice","bob"]}"#]),
            ("group remove teachers alice", vec!["DELETE groups/teachers/users", r#"{"users":["alice"]}"#]),
            ("api post /proxy", vec!["POST proxy"]),
        ] {
            let hub = FakeHub::new(|_| respond(200, "{}"));
            let words = ["hubctl"].into_iter().chain(line.split(' '));
            let matches = command(TALK).try_get_matches_from(words);
            let matches = matches.unwrap_or_else(|error| unreachable!("{error}"));
            let mut out = Vec::new();
            let mut context = Context { talk: TALK, out: &mut out, json: false, client: hub.client() };
            let done = dispatch(&mut context, &matches);
            assert!(done.is_ok(), "{line}: {done:?}");
            assert_eq!(hub.heard(), heard, "{line}");
        }
    }
}
