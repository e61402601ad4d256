//! What a server last answered to the reads that its open tabs repeat, so that it can sleep on while they ask.
//!
//! Invariants: bounded in number and bytes; who gets an answer asked the very same with the very same credentials
//! before; when the server falls asleep, what is older than [`FRESH`] is forgotten, as it may have changed since.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use hyper::body::Bytes;

/// Twice the longest pause between two reads of an open tab (61 s), and some more.
const FRESH: Duration = Duration::from_secs(150);
/// Answers of one server.
const ANSWERS_MAX: usize = 64;
/// Bytes of one answer.
pub const BYTES_MAX: usize = 256 << 10;
/// Bytes of all answers of one server.
const ALL_BYTES_MAX: usize = 1 << 20;

/// Who asked for what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The hub's number of the token that the visitor was let in with.
    pub token: i64,
    /// What else the server may tell visitors apart by, as they sent it.
    pub credentials: Vec<u8>,
    /// Path and query.
    pub target: String,
    /// Whether only the listing of a folder may be told again.
    pub folder: bool,
}

/// What the server said, with status 200.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Without those of one connection.
    pub headers: HeaderMap,
    /// All of it.
    pub body: Bytes,
}

#[derive(Debug)]
struct Kept {
    answer: Answer,
    when: Instant,
}

/// The last answers of one run of a server.
#[derive(Debug, Default)]
pub struct Answers(Mutex<HashMap<Question, Kept>>);

impl Answers {
    /// The last answer, if it is known.
    pub fn find(&self, question: &Question) -> Option<Answer> {
        self.kept().get(question).map(|kept| kept.answer.clone())
    }

    /// Keeps an answer of just now in place of the one before; the oldest ones go where there is no room.
    pub fn keep(&self, question: Question, answer: Answer) {
        self.keep_at(question, answer, Instant::now());
    }

    fn keep_at(&self, question: Question, answer: Answer, when: Instant) {
        let mut kept = self.kept();
        kept.remove(&question);
        let room = ALL_BYTES_MAX.saturating_sub(answer.body.len());
        if answer.body.len() > BYTES_MAX {
            return;
        }
        while kept.len() >= ANSWERS_MAX || kept.values().map(|kept| kept.answer.body.len()).sum::<usize>() > room {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.when).map(|(question, _)| question.clone());
            let Some(oldest) = oldest else { break };
            kept.remove(&oldest);
        }
        kept.insert(question, Kept { answer, when });
    }

    /// The server falls asleep: what nobody asked for lately is forgotten.
    pub(super) fn forget_old(&self) {
        self.forget_old_at(Instant::now());
    }

    fn forget_old_at(&self, now: Instant) {
        self.kept().retain(|_, kept| now.saturating_duration_since(kept.when) <= FRESH);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Question, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(target: &str) -> Question {
        Question { token: 1, credentials: b"_xsrf=a".to_vec(), target: target.into(), folder: false }
    }

    fn answer(bytes: usize) -> Answer {
        Answer { headers: HeaderMap::new(), body: vec![b'x'; bytes].into() }
    }

    #[test]
    fn the_last_answer_counts_for_the_same_visitor_with_the_same_credentials() {
        let answers = Answers::default();
        answers.keep(question("api/kernels"), answer(1));
        answers.keep(question("api/kernels"), answer(2));
        assert_eq!(answers.find(&question("api/kernels")).unwrap().body.len(), 2);
        assert!(answers.find(&question("api/sessions")).is_none());
        assert!(answers.find(&Question { token: 2, ..question("api/kernels") }).is_none());
        assert!(answers.find(&Question { credentials: Vec::new(), ..question("api/kernels") }).is_none());
    }

    #[test]
    fn neither_number_nor_bytes_grow_without_end() {
        let answers = Answers::default();
        let now = Instant::now();
        for number in 0..200 {
            answers.keep_at(question(&format!("{number}")), answer(10), now + Duration::from_secs(number));
        }
        assert_eq!(answers.kept().len(), ANSWERS_MAX);
        assert!(answers.find(&question("199")).is_some() && answers.find(&question("100")).is_none());
        for number in 0..20 {
            answers.keep_at(
                question(&format!("big {number}")),
                answer(BYTES_MAX),
                now + Duration::from_secs(300 + number),
            );
        }
        assert_eq!(answers.kept().len(), ALL_BYTES_MAX / BYTES_MAX);
        answers.keep(question("big 19"), answer(BYTES_MAX + 1));
        assert!(answers.find(&question("big 19")).is_none(), "what is too large replaces what was known by nothing");
    }

    #[test]
    fn what_nobody_asked_for_lately_is_forgotten_with_sleep() {
        let answers = Answers::default();
        let now = Instant::now();
        answers.keep_at(question("old"), answer(1), now);
        answers.keep_at(question("new"), answer(1), now + Duration::from_secs(100));
        answers.forget_old_at(now + Duration::from_secs(200));
        assert!(answers.find(&question("old")).is_none() && answers.find(&question("new")).is_some());
    }
}
