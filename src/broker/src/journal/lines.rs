//! Which lines are meant: the terms of journalctl(1), of which one must fit.
//!
//! Invariant: every term holds a field that begins with an underscore, which the journal itself writes
//! (systemd.journal-fields(7)): no program can put a line of its own among those of another.

use crate::errors::Error;

/// The slice in which systemd puts every `hub-login@` instance, systemd.slice(5).
const LOGINS: &str = r"system-hub\x2dlogin.slice";
/// A login that was refused, and one that could not be decided; as in hub-login's own `journal.rs`.
const FAILED_LOGINS: [&str; 2] = ["0157170db77441feab17b2901fb75686", "f76757768ff54640967f0ef9b4a90c45"];

/// One run of a unit: 32 hexadecimal digits.
pub struct Invocation(String);

impl Invocation {
    /// The empty string stands for all runs.
    pub fn parse(text: &str) -> Result<Option<Self>, Error> {
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f')) {
            return Ok(Some(Self(text.to_owned())));
        }
        Err(Error::InvalidName("An invocation id has 32 lower-case hexadecimal digits.".to_owned()))
    }
}

/// Terms, each a list of matches that must all fit.
pub struct Lines(Vec<Vec<String>>);

impl Lines {
    /// These units' own lines, and systemd's about them.
    pub fn of_units(units: &[String], invocation: Option<&Invocation>) -> Self {
        let terms = units.iter().flat_map(|unit| {
            let mut own = vec![format!("_SYSTEMD_UNIT={unit}")];
            own.extend(invocation.map(|Invocation(id)| format!("_SYSTEMD_INVOCATION_ID={id}")));
            // `UNIT=` counts only from root's processes, of which systemd is one.
            let mut about = vec![format!("UNIT={unit}"), "_UID=0".to_owned()];
            about.extend(invocation.map(|Invocation(id)| format!("INVOCATION_ID={id}")));
            [own, about]
        });
        Self(terms.collect())
    }

    /// The hub's own lines: `hub` (the web process), `broker` (with the service that looks for idle servers),
    /// `login`, or nothing for all three.
    pub fn of_hub(part: &str) -> Result<Self, Error> {
        let (web, broker, login) = match part {
            "" => (true, true, true),
            "hub" => (true, false, false),
            "broker" => (false, true, false),
            "login" => (false, false, true),
            _ => {
                return Err(Error::InvalidArgument(
                    "The parts of the hub are hub, broker and login; an empty word means all of them.".to_owned(),
                ));
            }
        };
        let wanted = [(web, "hub.service"), (broker, "hub-broker.service"), (broker, "hub-cull.service")];
        let units: Vec<String> =
            wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, unit)| unit.to_owned()).collect();
        let Self(mut terms) = Self::of_units(&units, None);
        if login {
            terms.push(vec![format!("_SYSTEMD_SLICE={LOGINS}")]);
        }
        Ok(Self(terms))
    }

    /// hub-login's entries about logins that failed.
    pub fn of_failed_logins() -> Self {
        let ids = FAILED_LOGINS.iter().map(|id| format!("MESSAGE_ID={id}"));
        Self(vec![[format!("_SYSTEMD_SLICE={LOGINS}"), "_UID=0".to_owned()].into_iter().chain(ids).collect()])
    }

    /// The arguments; `+` stands between two terms.
    pub fn arguments(&self) -> Vec<String> {
        let Self(terms) = self;
        terms.join(&"+".to_owned())
    }
}
