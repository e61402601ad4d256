//! `hubctl doctor`: looks at everything the hub needs.
//!
//! Each check gives one or more findings; nothing is changed. Asking the hub starts it if it sleeps.

mod hub;
mod lab;
mod services;
mod sockets;
mod system;

use std::fmt::Display;

use serde_json::{Value, json};

use crate::cli::Context;
use crate::commands::write_json;
use crate::failure::{Failure, Status};
use crate::programs::unit_state;
use crate::table;
use crate::text::{Talk, Text};

/// Columns of a terminal for the word in front.
const WORD_WIDTH: usize = 6;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    /// The hub works without it.
    Warn,
    /// The hub does not.
    Bad,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    /// Stable, for programs.
    check: &'static str,
    outcome: Outcome,
    message: String,
    /// What to do.
    advice: Option<String>,
}

impl Finding {
    fn good(check: &'static str, message: String) -> Self {
        Self { check, outcome: Outcome::Good, message, advice: None }
    }

    fn warn(check: &'static str, message: String, advice: String) -> Self {
        Self { check, outcome: Outcome::Warn, message, advice: Some(advice) }
    }

    fn bad(check: &'static str, message: String, advice: String) -> Self {
        Self { check, outcome: Outcome::Bad, message, advice: Some(advice) }
    }
}

pub(crate) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let talk = context.talk;
    let (configuration, config) = hub::configuration(talk);
    let socket = unit_state("hub.socket");
    let mut findings = vec![configuration, system::systemd(talk)];
    findings.push(system::controllers(talk, config.as_deref()));
    findings.extend([system::account(talk), system::pam(talk), system::polkit(talk), system::fragment(talk)]);
    findings.extend(sockets::folders(talk));
    findings.push(sockets::listens(talk, "hub.socket", &socket));
    findings.push(sockets::listens(talk, "hub-login.socket", &unit_state("hub-login.socket")));
    findings.push(sockets::enabled(talk));
    findings.extend(sockets::ports(talk, &socket));
    findings.push(hub::answers(talk, &context.client));
    findings.push(hub::broker(talk));
    // With a configuration that the caller may not see, nothing can be said about what it names.
    if let Some(config) = &config {
        findings.extend(lab::find(talk, config));
        findings.extend(services::programs(talk, config));
    }
    if context.json {
        write_json(context.out, &findings_json(&findings))?;
    } else {
        for finding in &findings {
            for line in lines(talk, finding) {
                writeln!(context.out, "{line}")?;
            }
        }
    }
    let count = |outcome| findings.iter().filter(|finding| finding.outcome == outcome).count();
    match (count(Outcome::Bad), count(Outcome::Warn)) {
        (0, 0) => eprintln!("{}", talk.say(Text::DoctorGood, &[])),
        (0, warned) => eprintln!("{}", talk.say(Text::DoctorWarned, &[&warned])),
        (bad, _) => return Err(Failure::new(Status::Failed, talk.say(Text::DoctorBad, &[&bad]))),
    }
    Ok(())
}

fn lines(talk: Talk, finding: &Finding) -> Vec<String> {
    let word = match finding.outcome {
        Outcome::Good => Text::DoctorOk,
        Outcome::Warn => Text::DoctorWarn,
        Outcome::Bad => Text::DoctorFail,
    };
    let mut lines = vec![format!("{}{}", table::pad(&talk.say(word, &[]), WORD_WIDTH), finding.message)];
    lines.extend(finding.advice.as_ref().map(|advice| format!("      {}: {advice}", talk.say(Text::Hint, &[]))));
    lines
}

/// `result` is one of `ok`, `warn`, `fail`.
fn findings_json(findings: &[Finding]) -> Value {
    let entry = |finding: &Finding| {
        let result = match finding.outcome {
            Outcome::Good => "ok",
            Outcome::Warn => "warn",
            Outcome::Bad => "fail",
        };
        json!({"check": finding.check, "result": result, "message": finding.message, "advice": finding.advice})
    };
    findings.iter().map(entry).collect()
}

fn join(items: &[impl Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Finding, findings_json, lines};
    use crate::text::{Language, Talk};

    #[test]
    fn findings_are_one_line_and_a_hint_in_the_same_column() {
        let bad = Finding::bad("lab", "Not found.".to_owned(), "Install it.".to_owned());
        assert_eq!(lines(Talk::new(Language::English), &bad), ["FAIL  Not found.", "      hint: Install it."]);
        let good = Finding::good("pam", "Fine.".to_owned());
        assert_eq!(lines(Talk::new(Language::English), &good), ["ok    Fine."]);
        assert_eq!(lines(Talk::new(Language::Chinese), &good), ["正常  Fine."]);
    }

    #[test]
    fn the_json_of_doctor_is_stable() {
        let findings = [
            Finding::good("pam", "Fine.".to_owned()),
            Finding::warn("enabled", "Not enabled.".to_owned(), "Enable it.".to_owned()),
            Finding::bad("lab", "Not found.".to_owned(), "Install it.".to_owned()),
        ];
        assert_eq!(
            findings_json(&findings),
            json!([
                {"check": "pam", "result": "ok", "message": "Fine.", "advice": null},
                {"check": "enabled", "result": "warn", "message": "Not enabled.", "advice": "Enable it."},
                {"check": "lab", "result": "fail", "message": "Not found.", "advice": "Install it."},
            ])
        );
    }
}
