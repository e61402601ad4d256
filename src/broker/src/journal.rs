//! The journal of a server, a service or the hub itself: its own lines, and systemd's about it.
//!
//! journalctl does the reading, as its format has no other reader here. Invariants: only the lines asked for come
//! out, whatever other programs wrote into their own fields ([`lines`]); lines, their length and the time are bounded; no
//! control characters reach a terminal.

pub mod choice;
mod entry;
mod follow;
pub mod lines;

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::errors::Error;
use choice::Choice;
use entry::Teller;
pub use follow::{FOLLOWS_MAX, follow};
use lines::Lines;

const JOURNALCTL: &str = "/usr/bin/journalctl";
/// Bytes that are read of journalctl. Older lines beyond are left out.
const BYTES_MAX: u64 = 8 * 1024 * 1024;
const DEADLINE: Duration = Duration::from_secs(15);

/// The newest lines that fit, as JSON objects, the newest last.
pub async fn read(lines: &Lines, choice: &Choice) -> Result<Vec<String>, Error> {
    ask(lines, choice, entry::line).await
}

/// The newest logins that failed, as JSON objects, the newest last.
pub async fn failed_logins(choice: &Choice) -> Result<Vec<String>, Error> {
    ask(&Lines::of_failed_logins(), choice, entry::login).await
}

async fn ask(lines: &Lines, choice: &Choice, tell: Teller) -> Result<Vec<String>, Error> {
    let output = timeout(DEADLINE, run(command(&choice.arguments(), lines)))
        .await
        .map_err(|_| Error::failed("Reading the journal", "journalctl took too long"))?
        .map_err(|error| Error::failed("Reading the journal", error))?;
    let mut entries = entry::parse(&output, tell);
    entries.reverse();
    Ok(entries)
}

/// journalctl with these options, writing JSON to its standard output.
fn command(options: &[String], lines: &Lines) -> Command {
    let mut command = Command::new(JOURNALCTL);
    command
        .args(["--output=json", "--no-pager", "--quiet"])
        .arg(format!("--output-fields={}", entry::FIELDS))
        .args(options)
        .args(lines.arguments())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    command
}

async fn run(mut command: Command) -> std::io::Result<Vec<u8>> {
    let mut child = command.spawn()?;
    let mut output = Vec::new();
    let stdout = child.stdout.take().ok_or_else(|| std::io::Error::other("no output of journalctl"))?;
    stdout.take(BYTES_MAX).read_to_end(&mut output).await?;
    if output.len() as u64 == BYTES_MAX {
        child.kill().await?;
        return Ok(output);
    }
    let status = child.wait().await?;
    // No entry at all is status 1 in some versions, and says nothing.
    if status.success() || output.is_empty() {
        return Ok(output);
    }
    Err(std::io::Error::other(format!("journalctl: {status}")))
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
