//! One login from its first question to its outcome.
//!
//! authenticate, account, change of an expired password, then the hub's own judgement. Invariant: the difference
//! between a wrong name, a wrong password and a locked account never leaves this file. PAM itself stands behind
//! [`Stack`], so that the order can be tested without it.

use std::ffi::CString;

use hubd_base::names::UserName;
use hubd_proto::login::{Outcome, Reply};

use crate::pam::{Code, Transaction};
use crate::peer::{Gone, Peer};

/// How often an expired password may be changed in vain.
const CHANGES: usize = 3;
const NO_REASON: &str = "This account cannot be used now. Ask the administrator of this machine.";
const NO_CHANGE: &str = "The password has expired and cannot be changed here. Ask the administrator of this machine.";
const NO_NAME: &str = "The hub cannot take the name of this account.";

/// What a login needs of PAM.
pub trait Stack {
    /// Is this the person?
    fn authenticate(&mut self) -> Code;
    /// May the account be used now?
    fn account(&mut self) -> Code;
    /// Changes an expired password.
    fn change(&mut self) -> Code;
    /// Who it is in the end.
    fn user(&self) -> Option<CString>;
    /// Whom PAM talks to.
    fn peer(&mut self) -> &mut Peer;
}

impl Stack for Transaction<Peer> {
    fn authenticate(&mut self) -> Code {
        self.authenticate()
    }

    fn account(&mut self) -> Code {
        self.account()
    }

    fn change(&mut self) -> Code {
        self.change()
    }

    fn user(&self) -> Option<CString> {
        self.user()
    }

    fn peer(&mut self) -> &mut Peer {
        self.conversation()
    }
}

/// How a login ended, and what the journal should know beside it.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    /// For the hub.
    pub outcome: Outcome,
    /// PAM's last code, where it is the reason.
    pub code: Option<Code>,
}

impl From<Outcome> for End {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, code: None }
    }
}

/// Runs a login. `judge` decides about the account once PAM is content; `before_change` is called before a password is
/// changed, which must not be broken off midway.
pub fn run(
    stack: &mut impl Stack,
    change_expired: bool,
    before_change: impl FnOnce(),
    judge: impl FnOnce(&UserName) -> Outcome,
) -> Result<End, Gone> {
    let code = call(stack, Stack::authenticate)?;
    if !matches!(code, Code::SUCCESS | Code::CHANGE_REQUIRED) {
        return Ok(ended(refusal(code), code));
    }
    let code = call(stack, Stack::account)?;
    match code {
        Code::SUCCESS => {}
        Code::CHANGE_REQUIRED if !change_expired => return Ok(Outcome::PasswordExpired.into()),
        Code::CHANGE_REQUIRED => {
            before_change();
            stack.peer().send(&Reply::PasswordExpired)?;
            if let Some(end) = change(stack)? {
                return Ok(end);
            }
        }
        code => return Ok(ended(denial(stack, code, NO_REASON), code)),
    }
    let user = stack.user().unwrap_or_default();
    Ok(match UserName::parse_bytes(user.as_bytes()) {
        Ok(name) => judge(&name).into(),
        Err(_) => Outcome::Denied { reason: NO_NAME.to_owned() }.into(),
    })
}

/// `None` once the password was changed.
fn change(stack: &mut impl Stack) -> Result<Option<End>, Gone> {
    for _ in 0..CHANGES {
        match call(stack, Stack::change)? {
            Code::SUCCESS => return Ok(None),
            Code::TOKEN | Code::TOKEN_RECOVERY | Code::TRY_AGAIN | Code::AUTHENTICATION | Code::CONVERSATION => {}
            code @ Code::TOO_MANY_TRIES => return Ok(Some(ended(Outcome::TooManyTries, code))),
            code @ Code::TOKEN_LOCK_BUSY => return Ok(Some(ended(Outcome::Unavailable, code))),
            code => return Ok(Some(ended(denial(stack, code, NO_CHANGE), code))),
        }
    }
    Ok(Some(Outcome::TooManyTries.into()))
}

/// One call of PAM, unless the hub left in it.
fn call<S: Stack>(stack: &mut S, function: impl FnOnce(&mut S) -> Code) -> Result<Code, Gone> {
    stack.peer().take_errors();
    let code = function(stack);
    match stack.peer().take_gone() {
        Some(gone) => Err(gone),
        None => Ok(code),
    }
}

fn ended(outcome: Outcome, code: Code) -> End {
    End { outcome, code: Some(code) }
}

/// What an authentication that failed means. `CONVERSATION` is here an answer that no password can be.
fn refusal(code: Code) -> Outcome {
    match code {
        Code::AUTHENTICATION
        | Code::USER_UNKNOWN
        | Code::PERMISSION_DENIED
        | Code::CREDENTIALS_INSUFFICIENT
        | Code::CREDENTIALS_EXPIRED
        | Code::ACCOUNT_EXPIRED
        | Code::TOKEN_EXPIRED
        | Code::CONVERSATION => Outcome::Refused,
        Code::TOO_MANY_TRIES => Outcome::TooManyTries,
        _ => Outcome::Unavailable,
    }
}

/// What a refusal after the right password means: the reason is PAM's own text, since Debian's stacks turn every
/// code of the account stage into `PAM_AUTH_ERR`.
fn denial(stack: &mut impl Stack, code: Code, otherwise: &str) -> Outcome {
    let text = stack.peer().take_errors();
    let about_the_account = matches!(
        code,
        Code::AUTHENTICATION
            | Code::PERMISSION_DENIED
            | Code::USER_UNKNOWN
            | Code::ACCOUNT_EXPIRED
            | Code::CREDENTIALS_EXPIRED
            | Code::TOKEN_EXPIRED
            | Code::TOKEN_AGING_DISABLED
            | Code::TOO_MANY_TRIES
    );
    match (text.is_empty(), about_the_account) {
        (true, false) => Outcome::Unavailable,
        (true, true) => Outcome::Denied { reason: otherwise.to_owned() },
        (false, _) => Outcome::Denied { reason: text },
    }
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
