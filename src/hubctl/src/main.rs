//! hubctl: manages the hub from a shell.
//!
//! Data goes to standard output, talk to standard error. Exit status: 0 it worked, 1 it did not, 2 wrong command
//! line, 3 not authorised, 4 the hub cannot be reached. Must never hold a privilege of its own: the hub asks polkit
//! who is calling.

mod cli;
mod client;
mod commands;
mod events;
mod failure;
mod http;
mod model;
mod moments;
mod programs;
mod settings;
mod table;
mod text;

use std::process::ExitCode;

use failure::Failure;
use text::{Talk, Text};

fn main() -> ExitCode {
    let talk = Talk::from_environment();
    let matches = cli::command(talk).get_matches();
    match cli::run(talk, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Quiet(status)) => status.into(),
        Err(Failure::Told { status, text, hint }) => {
            eprintln!("hubctl: {text}");
            if let Some(hint) = hint {
                eprintln!("{}: {hint}", talk.say(Text::Hint, &[]));
            }
            status.into()
        }
    }
}
