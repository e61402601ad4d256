//! What becomes of an idle server, and why, in one sentence for its person; and `/hub/keep/{user}[/{server}]`, by which
//! they have it left alone for a while.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::form::Form;
use super::locale::Text;
use super::spawn::{allowed, to_home};
use crate::api::idle::kept;
use crate::api::servers::Address;
use crate::app::App;
use crate::clock::{Usec, now};
use crate::http::faults::Fault;
use crate::http::visitor::Visitor;
use crate::servers::idle::{Reason, Verdict, Why};
use crate::servers::server::Server;

/// Microseconds in a minute.
const MINUTE: Usec = 60_000_000;
/// For how long the button has a server left alone, where as much is allowed.
const KEEP: Duration = Duration::from_secs(8 * 3600);

/// The button below the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// What it says.
    pub label: String,
    /// Whether the server is left alone now: then the button ends that.
    pub kept: bool,
}

/// The button by which a person has a server left alone, or ends that; `None` where it would make no difference.
pub fn button(app: &App, server: &Server, text: Text) -> Option<Keep> {
    let now = now();
    let verdict = app.idle.verdict(server, now)?;
    if server.kept_until(now).is_some() {
        return Some(Keep { label: text.get("idle.release").to_owned(), kept: true });
    }
    let most = app.idle.policy_known(server).keep_max.min(KEEP);
    let threatened = verdict.suspend_at.is_some() || verdict.stop.is_some();
    (threatened && most.as_secs() >= 60).then(|| {
        let time = span(micros(most), text);
        Keep { label: text.fill("idle.keep", &[("time", &time)]), kept: false }
    })
}

/// `POST /hub/keep/{user}` and `/hub/keep/{user}/{server}`; the field `release` ends it.
pub async fn keep(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    address: Address,
    form: Form,
) -> Result<Response, Fault> {
    let fields = form.open()?;
    let id = match allowed(&app, &visitor, &address) {
        Ok(id) => id,
        Err(denied) => return denied.answer(&app, &visitor).await,
    };
    let server = app.servers.find(&id).filter(|server| server.exists()).ok_or(Fault::NotFound)?;
    let until = match fields.find("release") {
        Some(_) => None,
        None => Some(now().saturating_add(micros(app.idle.policy(&server).await.keep_max.min(KEEP)))),
    };
    let _ = kept(&app, &server, until).await?;
    Ok(to_home(&app).into_response())
}

fn micros(span: Duration) -> Usec {
    Usec::try_from(span.as_micros()).unwrap_or(Usec::MAX)
}

/// What is to be said of a server: when it will be suspended or stopped and why, or why the hub stopped it. `None` where
/// nothing is going to happen to it.
pub fn sentence(app: &App, server: &Server, text: Text) -> Option<String> {
    let now = now();
    match app.idle.verdict(server, now) {
        Some(verdict) => to_come(&verdict, now, text),
        None if server.snapshot().is_active() => None,
        None => server.ended().map(|(why, _)| text.get(ended(why)).to_owned()).or_else(|| stopped(server, text)),
    }
}

/// That somebody else than its person stopped it.
fn stopped(server: &Server, text: Text) -> Option<String> {
    let by = server.snapshot().stopped_by.filter(|by| by != server.id.user.as_str())?;
    Some(text.fill("idle.stopped-by", &[("name", &by)]))
}

/// What becomes of a server that is ready, in a few words: for lists of many.
pub fn short(app: &App, server: &Server, text: Text) -> Option<String> {
    let now = now();
    let verdict = app.idle.verdict(server, now)?;
    let (key, at) = match (server.kept_until(now), verdict.suspend_at, verdict.stop_at()) {
        (Some(until), ..) => ("idle.short-kept", until),
        (None, Some(suspend), stop) if stop.is_none_or(|stop| suspend < stop) => ("idle.short-suspend", suspend),
        (None, _, Some(stop)) => ("idle.short-stop", stop),
        (None, _, None) => return None,
    };
    Some(text.fill(key, &[("time", &span(at - now, text))]))
}

fn ended(why: Why) -> &'static str {
    match why {
        Why::Idle => "idle.ended",
        Why::MaxAge => "idle.ended-age",
    }
}

fn to_come(verdict: &Verdict, now: Usec, text: Text) -> Option<String> {
    let (key, at) = match (verdict.suspend_at, verdict.stop) {
        (Some(suspend), Some(stop)) if stop.at <= suspend => (stopping(stop.why), stop.at),
        (Some(suspend), _) => ("idle.suspend", suspend),
        (None, Some(stop)) => (stopping(stop.why), stop.at),
        (None, None) => return None,
    };
    let time = span(at - now, text);
    let is_fresh = |reason: &Reason| matches!(*reason, Reason::Attended(at) if now - at < MINUTE);
    if verdict.reasons.iter().any(is_fresh) {
        // In use until a moment ago: nothing to give as a reason yet.
        let unless = match key {
            "idle.suspend" => Some("idle.suspend-unless"),
            "idle.stop" => Some("idle.stop-unless"),
            _ => None,
        };
        if let Some(unless) = unless {
            return Some(text.fill(unless, &[("time", &time)]));
        }
    }
    let reasons: Vec<String> = verdict.reasons.iter().filter_map(|reason| said(reason, now, text)).collect();
    let reasons = reasons.join(text.get("idle.comma"));
    Some(text.fill(key, &[("time", &time), ("reasons", &reasons)]))
}

/// What an open page of the server is told of a stop that was announced for `at`.
pub fn announced(why: Why, at: Usec, now: Usec, text: Text) -> String {
    let key = match why {
        Why::Idle => "idle.announced",
        Why::MaxAge => "idle.announced-age",
    };
    text.fill(key, &[("time", &span(at - now, text))])
}

/// What the button says that ends a stop; age is not to be talked with.
pub fn stay(why: Why, text: Text) -> Option<&'static str> {
    (why == Why::Idle).then(|| text.get("idle.stay"))
}

fn stopping(why: Why) -> &'static str {
    match why {
        Why::Idle => "idle.stop",
        Why::MaxAge => "idle.stop-age",
    }
}

/// What matters to a person of what was looked at.
fn said(reason: &Reason, now: Usec, text: Text) -> Option<String> {
    Some(match *reason {
        Reason::Attended(at) => text.fill("idle.attended", &[("time", &span(now - at, text))]),
        Reason::Kernels { busy: 0, .. } => text.get("idle.kernels").to_owned(),
        Reason::Cpu(percent) => text.fill("idle.cpu", &[("percent", &format!("{percent:.1}"))]),
        Reason::Kept(_) => text.get("idle.kept").to_owned(),
        Reason::Worked(_) | Reason::Kernels { .. } | Reason::Terminals { .. } | Reason::Silent | Reason::Measuring => {
            return None;
        }
    })
}

/// A span in the largest unit that says something; what is over is a moment.
pub fn span(span: Usec, text: Text) -> String {
    let (key, count) = match span.max(0) / MINUTE {
        0 => return text.get("idle.moment").to_owned(),
        minutes @ 1..120 => ("idle.minutes", minutes),
        minutes @ 120..2880 => ("idle.hours", minutes / 60),
        minutes => ("idle.days", minutes / 1440),
    };
    text.fill(key, &[("count", &count.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::locale::Language;
    use crate::servers::idle::verdict::Stop;

    fn verdict(suspend_at: Option<Usec>, stop_at: Option<Usec>) -> Verdict {
        let reasons = vec![Reason::Attended(82 * MINUTE), Reason::Kernels { count: 2, busy: 0 }, Reason::Cpu(0.14)];
        let stop = stop_at.map(|at| Stop { at, why: Why::Idle, notice: at, grace: 0 });
        Verdict { idle_since: Some(82 * MINUTE), certain: true, reasons, suspend_at, stop, looked: None }
    }

    #[test]
    fn what_comes_first_is_said_with_its_reasons() {
        let say = |verdict: &Verdict, language| to_come(verdict, 100 * MINUTE, Text::of(language));
        let asleep = verdict(Some(112 * MINUTE), Some(900 * MINUTE));
        assert_eq!(
            say(&asleep, Language::En).as_deref(),
            Some("Will be suspended in 12 min: not used for 18 min, kernels idle, processor 0.1%.")
        );
        assert_eq!(
            say(&asleep, Language::ZhCn).as_deref(),
            Some("12 分钟后休眠：18 分钟没有使用，内核空闲，处理器 0.1%。")
        );
        let stopped = verdict(None, Some(400 * MINUTE));
        assert!(say(&stopped, Language::En).unwrap().starts_with("Will be stopped in 5 h: "));
        assert_eq!(say(&verdict(None, None), Language::En), None);
        let used = Verdict { reasons: vec![Reason::Attended(100 * MINUTE - 1)], ..asleep };
        assert_eq!(say(&used, Language::En).as_deref(), Some("Will be suspended in 12 min unless it is used."));
        assert_eq!(say(&used, Language::ZhCn).as_deref(), Some("12 分钟内不使用就会休眠。"));
    }
}
