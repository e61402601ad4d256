//! Programs of the system, and what they say.

use std::process::Command;

use crate::failure::words;

/// Runs a program and gives its standard output, or why there is none.
pub(crate) fn ask(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").output();
    let output = output.map_err(|error| format!("{program}: {}", words(&error)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.trim().lines().next_back().unwrap_or(program).to_owned())
}

/// What systemd says of a unit: `active`, `inactive`, `failed`, or why it says nothing.
pub(crate) fn unit_state(unit: &str) -> String {
    ask("systemctl", &["show", "--property=ActiveState", "--value", unit]).unwrap_or_else(|error| error)
}

#[cfg(test)]
mod tests {
    use super::ask;

    #[test]
    fn a_program_that_fails_is_told_by_its_last_words() {
        assert_eq!(ask("sh", &["-c", "echo ' yes '"]), Ok("yes".to_owned()));
        assert_eq!(ask("sh", &["-c", "echo a >&2; echo b >&2; exit 1"]), Err("b".to_owned()));
        assert!(ask("no-such-program-here", &[]).is_err_and(|text| text.starts_with("no-such-program-here: ")));
    }
}
