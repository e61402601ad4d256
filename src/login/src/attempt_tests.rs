//! The order of a login, with a PAM that does as it is told.

use std::os::unix::net::UnixStream;

use super::*;
use crate::pam::{Conversation, Tone};

/// What PAM does in one call, and its code.
type Step = (fn(&mut Peer), Code);

struct Fake {
    authenticate: Step,
    account: Step,
    changes: Vec<Step>,
    user: &'static str,
    peer: Peer,
}

impl Fake {
    fn take(&mut self, (act, code): Step) -> Code {
        act(&mut self.peer);
        code
    }
}

impl Stack for Fake {
    fn authenticate(&mut self) -> Code {
        self.take(self.authenticate)
    }

    fn account(&mut self) -> Code {
        self.take(self.account)
    }

    fn change(&mut self) -> Code {
        let step = self.changes.remove(0);
        self.take(step)
    }

    fn user(&self) -> Option<CString> {
        CString::new(self.user).ok()
    }

    fn peer(&mut self) -> &mut Peer {
        &mut self.peer
    }
}

fn quiet(_: &mut Peer) {}

fn expired(peer: &mut Peer) {
    peer.tell(Tone::Error, "Your account has expired.");
}

fn asks(peer: &mut Peer) {
    peer.ask(false, "Password: ");
}

fn fake(authenticate: Code, account: Code) -> (Fake, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let fake = Fake {
        authenticate: (quiet, authenticate),
        account: (quiet, account),
        changes: Vec::new(),
        user: "alice",
        peer: Peer::new(ours),
    };
    (fake, theirs)
}

fn welcome(name: &UserName) -> Outcome {
    Outcome::Accepted { user: name.clone(), uid: 1000, admin: false }
}

fn outcome(fake: &mut Fake, change_expired: bool) -> Outcome {
    run(fake, change_expired, || {}, welcome).unwrap().outcome
}

#[test]
fn the_account_is_the_one_pam_names_in_the_end() {
    let (mut stack, _hub) = fake(Code::SUCCESS, Code::SUCCESS);
    stack.user = "EX\\alice";
    let user = UserName::parse("EX\\alice").unwrap();
    assert_eq!(outcome(&mut stack, false), welcome(&user));
}

#[test]
fn a_name_the_hub_cannot_take_is_denied_although_pam_likes_it() {
    let (mut stack, _hub) = fake(Code::SUCCESS, Code::SUCCESS);
    stack.user = "a:b";
    let reason = NO_NAME.to_owned();
    assert_eq!(outcome(&mut stack, false), Outcome::Denied { reason });
}

#[test]
fn given_a_refusal_by_pam_the_hub_is_never_asked() {
    for code in
        [Code::AUTHENTICATION, Code::USER_UNKNOWN, Code::ACCOUNT_EXPIRED, Code::PERMISSION_DENIED, Code::CONVERSATION]
    {
        let (mut stack, _hub) = fake(code, Code::SUCCESS);
        assert_eq!(outcome(&mut stack, true), Outcome::Refused, "{code}");
    }
    let (mut stack, _hub) = fake(Code::TOO_MANY_TRIES, Code::SUCCESS);
    assert_eq!(outcome(&mut stack, true), Outcome::TooManyTries);
    let (mut stack, _hub) = fake(Code::SYSTEM, Code::SUCCESS);
    assert_eq!(outcome(&mut stack, true), Outcome::Unavailable);
}

#[test]
fn an_account_that_is_refused_after_the_right_password_says_why_in_pams_words() {
    let (mut stack, _hub) = fake(Code::SUCCESS, Code::AUTHENTICATION);
    stack.account.0 = expired;
    let reason = "Your account has expired.".to_owned();
    assert_eq!(outcome(&mut stack, false), Outcome::Denied { reason });
}

#[test]
fn texts_of_an_earlier_stage_are_not_the_reason_of_a_later_one() {
    let (mut stack, _hub) = fake(Code::SUCCESS, Code::AUTHENTICATION);
    stack.authenticate.0 = expired;
    let reason = NO_REASON.to_owned();
    assert_eq!(outcome(&mut stack, false), Outcome::Denied { reason });
}

#[test]
fn an_account_stage_that_fails_without_a_word_is_unavailable() {
    let (mut stack, _hub) = fake(Code::SUCCESS, Code::SYSTEM);
    assert_eq!(outcome(&mut stack, false), Outcome::Unavailable);
}

#[test]
fn an_expired_password_ends_the_login_unless_its_change_was_asked_for() {
    let (mut stack, hub) = fake(Code::SUCCESS, Code::CHANGE_REQUIRED);
    assert_eq!(outcome(&mut stack, false), Outcome::PasswordExpired);
    drop(stack);
    let mut hub = hub;
    assert_eq!(Reply::read_from(&mut hub).unwrap(), None);
}

#[test]
fn an_expired_password_may_be_changed_at_the_third_try() {
    let (mut stack, mut hub) = fake(Code::SUCCESS, Code::CHANGE_REQUIRED);
    stack.changes = vec![(quiet, Code::TOKEN), (quiet, Code::AUTHENTICATION), (quiet, Code::SUCCESS)];
    let mut held = false;
    let end = run(&mut stack, true, || held = true, welcome).unwrap();
    assert_eq!(end.outcome, welcome(&UserName::parse("alice").unwrap()));
    assert!(held);
    assert_eq!(Reply::read_from(&mut hub).unwrap(), Some(Reply::PasswordExpired));
}

#[test]
fn the_third_change_in_vain_is_the_last() {
    let (mut stack, _hub) = fake(Code::SUCCESS, Code::CHANGE_REQUIRED);
    stack.changes = vec![(quiet, Code::TOKEN); 3];
    assert_eq!(outcome(&mut stack, true), Outcome::TooManyTries);
    let (mut stack, _hub) = fake(Code::SUCCESS, Code::CHANGE_REQUIRED);
    stack.changes = vec![(quiet, Code::TOKEN_LOCK_BUSY)];
    assert_eq!(outcome(&mut stack, true), Outcome::Unavailable);
}

#[test]
fn a_hub_that_left_ends_the_login_whatever_pam_makes_of_it() {
    let (mut stack, hub) = fake(Code::SUCCESS, Code::SUCCESS);
    drop(hub);
    stack.authenticate.0 = asks;
    assert!(matches!(run(&mut stack, false, || {}, welcome), Err(Gone::Closed)));
}
