//! What a caller gets to hear when a call fails: the errors `org.hubd.Error.*`.
//!
//! The texts are for people and say what to do. Invariant: the names are those of `hubd_proto::broker`.

use std::fmt::Display;

use zbus::DBusError;

use crate::systemd::JobError;

/// Why a call failed. Each variant is one D-Bus error name.
#[derive(Debug, DBusError)]
#[zbus(prefix = "org.hubd.Error")]
pub enum Error {
    /// zbus's own errors; never made here.
    #[zbus(error)]
    ZBus(zbus::Error),
    /// The configuration does not let this account in.
    NotAllowed(String),
    /// There is no such account.
    NoSuchUser(String),
    /// `JupyterLab` is not installed.
    NoLab(String),
    /// It runs already: adopt it.
    AlreadyRunning(String),
    /// The unit did not start.
    StartFailed(String),
    /// The unit did not stop.
    StopFailed(String),
    /// Nothing of that name runs.
    NotRunning(String),
    /// This kernel, systemd or unit cannot be frozen.
    CannotFreeze(String),
    /// The configuration has no such service, or nothing in it to start.
    NoSuchService(String),
    /// The configuration has no such profile for this person.
    NoSuchProfile(String),
    /// A token, a limit or an amount that cannot be taken.
    InvalidArgument(String),
    /// A name that cannot exist.
    InvalidName(String),
    /// The configuration has mistakes.
    BadConfiguration(String),
    /// An account that may not be made or touched.
    Refused(String),
    /// polkit said no to the caller.
    AccessDenied(String),
    /// systemd, the name service, the journal or polkit did not answer as it should.
    Failed(String),
}

impl Error {
    /// Something the broker leans on did not work.
    pub fn failed(what: &str, why: impl Display) -> Self {
        Self::Failed(format!("{what} failed: {why}."))
    }

    /// The sentence without the error's name.
    pub fn text(&self) -> &str {
        zbus::DBusError::description(self).unwrap_or_default()
    }

    /// systemd did not answer as it should.
    pub fn systemd(error: &zbus::Error) -> Self {
        Self::failed("Asking systemd", error)
    }
}

/// The end of a sentence about a job.
pub fn job(error: &JobError) -> String {
    match error {
        JobError::Call(error) => format!("systemd refused: {error}"),
        JobError::Result(result) => format!("systemd's job ended as \"{result}\""),
        JobError::Late => "systemd did not finish in time".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubd_proto::broker as names;

    #[test]
    fn every_error_has_the_name_callers_know_it_by() {
        let text = String::new;
        for (error, name) in [
            (Error::NotAllowed(text()), names::ERROR_NOT_ALLOWED),
            (Error::NoSuchUser(text()), names::ERROR_NO_SUCH_USER),
            (Error::NoLab(text()), names::ERROR_NO_LAB),
            (Error::AlreadyRunning(text()), names::ERROR_ALREADY_RUNNING),
            (Error::StartFailed(text()), names::ERROR_START_FAILED),
            (Error::StopFailed(text()), names::ERROR_STOP_FAILED),
            (Error::NotRunning(text()), names::ERROR_NOT_RUNNING),
            (Error::CannotFreeze(text()), names::ERROR_CANNOT_FREEZE),
            (Error::NoSuchService(text()), names::ERROR_NO_SUCH_SERVICE),
            (Error::NoSuchProfile(text()), names::ERROR_NO_SUCH_PROFILE),
            (Error::InvalidArgument(text()), names::ERROR_INVALID_ARGUMENT),
            (Error::InvalidName(text()), names::ERROR_INVALID_NAME),
            (Error::BadConfiguration(text()), names::ERROR_BAD_CONFIGURATION),
            (Error::Refused(text()), hubd_proto::accounts::ERROR_REFUSED),
            (Error::AccessDenied(text()), names::ERROR_ACCESS_DENIED),
            (Error::Failed(text()), names::ERROR_FAILED),
        ] {
            assert_eq!(error.name().as_str(), name);
        }
    }
}
