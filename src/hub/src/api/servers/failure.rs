//! A failed start in the contract's words (13.3).

use axum::http::StatusCode;
use hubd_base::names::ServerId;

use crate::servers::state::{Cause, Failure};

/// The status of a call that waited for the start.
pub fn status(failure: &Failure) -> StatusCode {
    match failure.cause {
        Cause::NotAllowed => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What happened, for programs and the journal's readers.
pub fn sentence(failure: &Failure, id: &ServerId) -> String {
    match failure.cause {
        Cause::Exited => format!(
            "Spawner failed to start [status={}]. The logs for {id} may contain details.",
            exit_status(&failure.text)
        ),
        _ => failure.text.clone(),
    }
}

/// systemd's `exit-code (3)` as the number alone; `success` is 0.
fn exit_status(result: &str) -> &str {
    let number = result.rsplit_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    number.unwrap_or(if result == "success" { "0" } else { result })
}

#[cfg(test)]
mod tests {
    use super::exit_status;

    #[test]
    fn the_exit_status_is_the_number_in_systemds_result() {
        assert_eq!(exit_status("exit-code (3)"), "3");
        assert_eq!(exit_status("oom-kill (9)"), "9");
        assert_eq!(exit_status("success"), "0");
        assert_eq!(exit_status("resources"), "resources");
    }
}
