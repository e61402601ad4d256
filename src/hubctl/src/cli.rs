//! The command line: what can be typed, and which function answers.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::builder::PathBufValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use hubd_base::config;
use hubd_base::names::UserName;

use crate::client::{Client, SOCKET};
use crate::commands::{configuration, doctor, environment, logs, servers, start, status, stop, users};
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

/// The whole command line.
pub(crate) fn command(talk: Talk) -> Command {
    let about = |name: &'static str, text| Command::new(name).about(talk.template(text));
    let user = || Arg::new("user").value_name("USER").required(true).help(talk.template(Text::OptionUser));
    let path = |name: &'static str, value: &'static str, text| {
        Arg::new(name).long(name).value_name(value).value_parser(PathBufValueParser::new()).help(talk.template(text))
    };
    let dir = || path("dir", "DIR", Text::OptionDir).default_value(config::DIR);
    let lines = Arg::new("lines")
        .short('n')
        .long("lines")
        .value_name("N")
        .value_parser(value_parser!(u32).range(1..=10_000))
        .default_value("100")
        .help(talk.template(Text::OptionLines));
    let follow =
        Arg::new("follow").short('f').long("follow").action(ArgAction::SetTrue).help(talk.template(Text::OptionFollow));
    Command::new("hubctl")
        .version(env!("CARGO_PKG_VERSION"))
        .about(talk.template(Text::About))
        .after_help(talk.template(Text::ExitStatuses))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("json").long("json").global(true).action(ArgAction::SetTrue).help(talk.template(Text::OptionJson)),
        )
        .arg(path("socket", "PATH", Text::OptionSocket).global(true).default_value(SOCKET))
        .subcommand(about("status", Text::AboutStatus))
        .subcommand(about("users", Text::AboutUsers))
        .subcommand(about("servers", Text::AboutServers))
        .subcommand(about("start", Text::AboutStart).arg(user()))
        .subcommand(about("stop", Text::AboutStop).arg(user()))
        .subcommand(about("logs", Text::AboutLogs).arg(user()).arg(lines).arg(follow))
        .subcommand(
            about("config", Text::AboutConfig)
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(about("check", Text::AboutConfigCheck).arg(dir()))
                .subcommand(about("show", Text::AboutConfigShow).arg(dir())),
        )
        .subcommand(about("doctor", Text::AboutDoctor))
        .subcommand(
            about("env", Text::AboutEnv).subcommand_required(true).arg_required_else_help(true).subcommand(
                about("create", Text::AboutEnvCreate)
                    .arg(
                        Arg::new("language")
                            .long("language")
                            .value_name("LANGUAGE")
                            .help(talk.template(Text::OptionLanguage)),
                    )
                    .arg(path("python", "PATH", Text::OptionPython).default_value(environment::PYTHON)),
            ),
        )
}

/// Does what was asked.
pub(crate) fn run(talk: Talk, matches: &ArgMatches) -> Result<(), Failure> {
    let socket = path_of(matches, "socket");
    let mut out = BufWriter::new(io::stdout().lock());
    let mut context = Context {
        talk,
        out: &mut out,
        json: matches.get_flag("json"),
        client: Client::new(talk, &socket, &base_url()),
    };
    let result = dispatch(&mut context, matches);
    // What was found is shown even when the command fails.
    out.flush()?;
    result
}

fn dispatch(context: &mut Context<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("status", _)) => status::run(context),
        Some(("users", _)) => users::run(context),
        Some(("servers", _)) => servers::run(context),
        Some(("start", found)) => start::run(context, &user_of(context.talk, found)?),
        Some(("stop", found)) => stop::run(context, &user_of(context.talk, found)?),
        Some(("logs", found)) => {
            let lines = found.get_one("lines").copied().unwrap_or(100);
            logs::run(context, &user_of(context.talk, found)?, lines, found.get_flag("follow"))
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

/// Where the hub's paths begin. With a broken configuration the hub does not run, and any value will do.
fn base_url() -> String {
    config::load(Path::new(config::DIR)).map(|loaded| loaded.config).unwrap_or_default().hub.base_url
}

fn user_of(talk: Talk, matches: &ArgMatches) -> Result<UserName, Failure> {
    let text = matches.get_one::<String>("user").map(String::as_str).unwrap_or_default();
    UserName::parse(text)
        .map_err(|error| Failure::new(Status::Usage, talk.say(Text::BadUser, &[&text.escape_debug(), &error])))
}

fn path_of(matches: &ArgMatches, name: &str) -> PathBuf {
    matches.get_one::<PathBuf>(name).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::command;
    use crate::text::{Language, Talk};

    fn parse(line: &str) -> Result<clap::ArgMatches, clap::Error> {
        command(Talk::new(Language::English)).try_get_matches_from(line.split(' '))
    }

    #[test]
    fn the_command_line_is_sound_in_both_languages() {
        command(Talk::new(Language::English)).debug_assert();
        command(Talk::new(Language::Chinese)).debug_assert();
    }

    #[test]
    fn json_may_stand_before_and_after_the_command() {
        for line in ["hubctl --json users", "hubctl users --json", "hubctl config show --json"] {
            assert!(parse(line).is_ok_and(|matches| matches.get_flag("json")), "{line}");
        }
        assert!(parse("hubctl users").is_ok_and(|matches| !matches.get_flag("json")));
    }

    #[test]
    fn a_slip_gets_a_suggestion() {
        let error = parse("hubctl sevrers").err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|text| text.contains("'servers'")), "{error:?}");
        assert!(parse("hubctl stop").is_err());
        assert!(parse("hubctl logs alice -n 0").is_err());
    }
}
