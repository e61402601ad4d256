//! What can be typed.

use clap::builder::{NonEmptyStringValueParser, PathBufValueParser};
use clap::{Arg, ArgAction, Command, value_parser};
use hubd_base::config;

use crate::client::SOCKET;
use crate::commands::environment;
use crate::text::{Talk, Text};

/// The whole command line.
pub(crate) fn command(talk: Talk) -> Command {
    Command::new("hubctl")
        .version(env!("CARGO_PKG_VERSION"))
        .about(talk.template(Text::About))
        .after_help(talk.template(Text::ExitStatuses))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .arg(flag(talk, "json", Text::OptionJson).global(true))
        .arg(path(talk, "socket", "PATH", Text::OptionSocket).global(true).default_value(SOCKET))
        .subcommand(about(talk, "status", Text::AboutStatus))
        .subcommand(about(talk, "users", Text::AboutUsers))
        .subcommand(user(talk))
        .subcommand(about(talk, "servers", Text::AboutServers))
        .subcommand(about(talk, "profiles", Text::AboutProfiles).arg(word(talk, "user", "USER", Text::OptionUser)))
        .subcommand(start(talk))
        .subcommand(about(talk, "stop", Text::AboutStop).arg(server(talk)).arg(flag(
            talk,
            "remove",
            Text::OptionRemove,
        )))
        .subcommand(about(talk, "idle", Text::AboutIdle).arg(flag(talk, "apply", Text::OptionApply)))
        .subcommand(about(talk, "keep", Text::AboutKeep).arg(server(talk)).arg(word(
            talk,
            "time",
            "TIME",
            Text::OptionKeep,
        )))
        .subcommand(about(talk, "suspend", Text::AboutSuspend).arg(server(talk)))
        .subcommand(about(talk, "wake", Text::AboutWake).arg(server(talk)))
        .subcommand(limits(talk))
        .subcommand(logs(talk))
        .subcommand(token(talk))
        .subcommand(about(talk, "groups", Text::AboutGroups))
        .subcommand(group(talk))
        .subcommand(about(talk, "services", Text::AboutServices).arg(flag(talk, "managed", Text::OptionManaged)))
        .subcommand(api(talk))
        .subcommand(configuration(talk))
        .subcommand(about(talk, "doctor", Text::AboutDoctor))
        .subcommand(environment(talk))
}

fn user(talk: Talk) -> Command {
    let add = about(talk, "add", Text::AboutUserAdd)
        .arg(many(word(talk, "names", "USER", Text::OptionUser)))
        .arg(flag(talk, "admin", Text::OptionAdmin))
        .arg(flag(talk, "create-account", Text::OptionCreateAccount));
    let add = with_password(talk, add, Some("create-account"));
    let set = about(talk, "password", Text::AboutUserPassword).arg(word(talk, "user", "USER", Text::OptionUser));
    let remove = about(talk, "remove", Text::AboutUserRemove)
        .arg(word(talk, "user", "USER", Text::OptionUser))
        .arg(flag(talk, "delete-account", Text::OptionDeleteAccount))
        .arg(flag(talk, "delete-home", Text::OptionDeleteHome).requires("delete-account"));
    family(talk, "user", Text::AboutUser).subcommand(add).subcommand(with_password(talk, set, None)).subcommand(remove)
}

/// How a password is chosen. `only`: the flag without which there is none.
fn with_password(talk: Talk, command: Command, only: Option<&'static str>) -> Command {
    [("password-stdin", Text::OptionPasswordStdin), ("keep-password", Text::OptionKeepPassword)].into_iter().fold(
        command,
        |command, (name, text)| {
            let flag = flag(talk, name, text);
            command.arg(only.map_or_else(|| flag.clone(), |only| flag.clone().requires(only)))
        },
    )
}

fn start(talk: Talk) -> Command {
    let profile = word(talk, "profile", "NAME", Text::OptionProfile).long("profile").required(false);
    about(talk, "start", Text::AboutStart).arg(server(talk)).arg(profile)
}

fn limits(talk: Talk) -> Command {
    let amounts = many(word(talk, "limits", "LIMIT=AMOUNT", Text::OptionLimit));
    family(talk, "limits", Text::AboutLimits)
        .subcommand(about(talk, "show", Text::AboutLimitsShow).arg(server(talk)))
        .subcommand(about(talk, "set", Text::AboutLimitsSet).arg(server(talk)).arg(amounts))
}

fn logs(talk: Talk) -> Command {
    let lines = Arg::new("lines")
        .short('n')
        .long("lines")
        .value_name("N")
        .value_parser(value_parser!(u32).range(1..=10_000))
        .default_value("100")
        .help(talk.template(Text::OptionLines));
    let follow = flag(talk, "follow", Text::OptionFollow).short('f');
    about(talk, "logs", Text::AboutLogs).arg(server(talk)).arg(lines).arg(follow)
}

fn token(talk: Talk) -> Command {
    let user = || word(talk, "user", "USER", Text::OptionUser);
    let option = |name, value, text| word(talk, name, value, text).long(name).required(false);
    let create = about(talk, "create", Text::AboutTokenCreate)
        .arg(user())
        .arg(option("note", "TEXT", Text::OptionNote))
        .arg(option("expires", "TIME", Text::OptionExpires))
        .arg(option("scope", "SCOPE", Text::OptionScope).action(ArgAction::Append));
    let revoke =
        about(talk, "revoke", Text::AboutTokenRevoke).arg(user()).arg(word(talk, "id", "ID", Text::OptionTokenId));
    family(talk, "token", Text::AboutToken)
        .subcommand(create)
        .subcommand(about(talk, "list", Text::AboutTokenList).arg(user()))
        .subcommand(revoke)
}

fn group(talk: Talk) -> Command {
    let one = |name, text| about(talk, name, text).arg(word(talk, "group", "GROUP", Text::OptionGroup));
    let members = |name, text| one(name, text).arg(many(word(talk, "names", "USER", Text::OptionUser)));
    family(talk, "group", Text::AboutGroup)
        .subcommand(one("create", Text::AboutGroupCreate))
        .subcommand(one("delete", Text::AboutGroupDelete))
        .subcommand(members("add", Text::AboutGroupAdd))
        .subcommand(members("remove", Text::AboutGroupRemove))
}

fn api(talk: Talk) -> Command {
    about(talk, "api", Text::AboutApi)
        .arg(
            word(talk, "method", "METHOD", Text::OptionMethod)
                .value_parser(["GET", "POST", "PUT", "PATCH", "DELETE"])
                .ignore_case(true),
        )
        .arg(word(talk, "path", "PATH", Text::OptionApiPath))
        .arg(Arg::new("body").value_name("BODY").allow_hyphen_values(true).help(talk.template(Text::OptionBody)))
}

fn configuration(talk: Talk) -> Command {
    let dir = || path(talk, "dir", "DIR", Text::OptionDir).default_value(config::DIR);
    family(talk, "config", Text::AboutConfig)
        .subcommand(about(talk, "check", Text::AboutConfigCheck).arg(dir()))
        .subcommand(about(talk, "show", Text::AboutConfigShow).arg(dir()))
}

fn environment(talk: Talk) -> Command {
    let language =
        Arg::new("language").long("language").value_name("LANGUAGE").help(talk.template(Text::OptionLanguage));
    let python = path(talk, "python", "PATH", Text::OptionPython).default_value(environment::PYTHON);
    family(talk, "env", Text::AboutEnv)
        .subcommand(about(talk, "create", Text::AboutEnvCreate).arg(language).arg(python))
}

fn about(talk: Talk, name: &'static str, text: Text) -> Command {
    Command::new(name).about(talk.template(text))
}

/// A command that does nothing without one of its own.
fn family(talk: Talk, name: &'static str, text: Text) -> Command {
    about(talk, name, text).subcommand_required(true).arg_required_else_help(true).disable_help_subcommand(true)
}

fn server(talk: Talk) -> Arg {
    word(talk, "server", "USER[:SERVER]", Text::OptionServer)
}

fn word(talk: Talk, name: &'static str, value: &'static str, text: Text) -> Arg {
    let parser = NonEmptyStringValueParser::new();
    Arg::new(name).value_name(value).value_parser(parser).required(true).help(talk.template(text))
}

fn many(argument: Arg) -> Arg {
    argument.action(ArgAction::Append).num_args(1..)
}

fn flag(talk: Talk, name: &'static str, text: Text) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(talk.template(text))
}

fn path(talk: Talk, name: &'static str, value: &'static str, text: Text) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(PathBufValueParser::new()).help(talk.template(text))
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
        for line in [
            "hubctl stop",
            "hubctl logs alice -n 0",
            "hubctl user add",
            "hubctl group add teachers",
            "hubctl token revoke alice",
            "hubctl token",
            "hubctl api FETCH users",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_body_may_be_a_dash_or_a_negative_number() {
        for line in ["hubctl api post users -", "hubctl api POST users -1", "hubctl api GET /users?limit=2"] {
            assert!(parse(line).is_ok(), "{line}");
        }
    }
}
