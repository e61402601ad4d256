//! From the states of servers to what the pages show.

use std::time::Duration;

use hubd_base::names::ServerId;

use super::amounts::bytes;
use super::idle;
use super::locale::Text;
use super::view::{self, FailureKind, ServerView, Stage};
use crate::app::App;
use crate::auth::scopes::{Kind, Sentence};
use crate::clock::{now, system_time};
use crate::servers::naming::Refusal;
use crate::servers::oom::OutOfMemory;
use crate::servers::registry::Busy;
use crate::servers::space::{self, NoSpace};
use crate::servers::state::{Cause, Failure, Phase, Snapshot};

/// A server as the pages show it.
pub fn server(app: &App, id: &ServerId, snapshot: &Snapshot, text: Text) -> ServerView {
    let found = app.servers.find(id);
    let details = found.as_ref().and_then(|server| server.details());
    let display_name = details.map(|details| details.display_name.clone()).filter(|name| !name.is_empty());
    ServerView {
        user: id.user.to_string(),
        name: id.server.as_str().to_owned(),
        display_name: display_name.unwrap_or_else(|| id.server.as_str().to_owned()),
        restarting: snapshot.restart,
        state: snapshot.state,
        url: app.server_url(id),
        since: Some(system_time(snapshot.started.filter(|_| snapshot.state.is_ready()).unwrap_or(snapshot.since))),
        message: trouble(app, snapshot, text),
        killed: snapshot.killed(),
        idle: found.as_deref().and_then(|server| idle::sentence(app, server, text)),
        keep: found.as_deref().and_then(|server| idle::button(app, server, text)),
        kept: found
            .as_deref()
            .and_then(|server| server.kept_until(now()))
            .filter(|_| snapshot.state.is_ready())
            .map(system_time),
        planned: snapshot.stop_planned.is_some(),
    }
}

/// Why it is in this state, or what happened to it in there.
fn trouble(app: &App, snapshot: &Snapshot, text: Text) -> Option<String> {
    if let Some(failure) = &snapshot.failure {
        return Some(kind(app, failure).message(text));
    }
    if let Some(news) = &snapshot.out_of_memory {
        return Some(out_of_memory(news, text));
    }
    snapshot.lost_profile.as_ref().map(|lost| text.fill("spawn.lost", &[("profile", lost)]))
}

/// What the kernel killed, and whose limit it was.
fn out_of_memory(news: &OutOfMemory, text: Text) -> String {
    match news.own_limit() {
        Some((used, limit)) => text.fill("memory.limit", &[("used", &bytes(used)), ("limit", &bytes(limit))]),
        None => text.get("memory.machine").to_owned(),
    }
}

/// Why a start was not begun.
pub fn busy(busy: &Busy, text: Text) -> String {
    match busy {
        Busy::Running => text.get("refused.running").to_owned(),
        Busy::Stopping | Busy::Held(_) => text.get("refused.pending").to_owned(),
        Busy::TooManyStarts(seconds) => {
            let about = (seconds.div_ceil(10) * 10).to_string();
            text.fill("refused.starts", &[("seconds", &about)])
        }
        Busy::TooManyServers => text.get("refused.servers").to_owned(),
        Busy::Refused(refusal) => match refusal {
            Refusal::NotEnabled => text.get("refused.named").to_owned(),
            Refusal::Limit { limit, .. } => text.fill("refused.limit", &[("limit", &limit.to_string())]),
            Refusal::Name(name) | Refusal::DisplayName(name) => text.fill("refused.name", &[("name", name)]),
        },
    }
}

/// A failure in the words of the page.
pub fn failure(app: &App, failure: &Failure, text: Text) -> view::Failure {
    let detail = match failure.cause {
        Cause::Timeout => None,
        _ => Some(failure.text.clone()),
    };
    kind(app, failure).failure(text, detail, failure.journal.clone())
}

fn kind(app: &App, failure: &Failure) -> FailureKind {
    if failure.out_of_memory {
        return FailureKind::OutOfMemory;
    }
    match space::used_up(failure) {
        Some(NoSpace::Disk) => FailureKind::NoSpace,
        Some(NoSpace::Quota) => FailureKind::Quota,
        None => by_cause(failure.cause, app.config.server.start_timeout),
    }
}

fn by_cause(cause: Cause, limit: Duration) -> FailureKind {
    match cause {
        Cause::NotAllowed => FailureKind::NotAllowed,
        Cause::NoLab => FailureKind::NoLab,
        Cause::Configuration => FailureKind::Configuration,
        Cause::Unreachable => FailureKind::Unavailable,
        Cause::Launch | Cause::Exited => FailureKind::Exited,
        Cause::Timeout => FailureKind::Timeout(limit),
        Cause::Died => FailureKind::Died,
    }
}

/// The page's step for a phase of a start.
pub fn stage(phase: &Phase) -> Stage {
    match phase {
        Phase::Requested => Stage::Requested,
        Phase::Launching => Stage::Unit,
        Phase::Waiting { .. } => Stage::Waiting,
    }
}

/// What a scope permits, and whom it is about, in the language of the page. Operators' own scopes are told in the
/// operator's words.
pub fn scope(said: &Sentence<'_>, user: &str, text: Text) -> String {
    let sentence = text.find(&scope_key(&said.scope.name)).unwrap_or(said.text);
    let Some((kind, name)) = said.scope.filter.as_ref().and_then(|filter| Some((filter.kind, filter.value.as_ref()?)))
    else {
        return sentence.to_owned();
    };
    let about = match kind {
        Kind::User if name == user => text.get("oauth.about-you").to_owned(),
        Kind::User => text.fill("oauth.about-user", &[("name", name)]),
        Kind::Group => text.fill("oauth.about-group", &[("name", name)]),
        Kind::Server => text.fill("oauth.about-server", &[("name", name.trim_end_matches('/'))]),
        Kind::Service => text.fill("oauth.about-service", &[("name", name)]),
    };
    text.fill("oauth.about", &[("sentence", sentence), ("about", &about)])
}

/// What a scope permits, whomever it is about, in the language of the page; in the operator's words for their own scopes.
pub fn meaning(scope: &str, app: &App, text: Text) -> Option<String> {
    let known = text.find(&scope_key(scope)).map(str::to_owned);
    known.or_else(|| app.access.catalog.description(scope).map(str::to_owned))
}

/// `admin:users` is `scope.admin-users` in the locale files: their keys have no colons and brackets.
fn scope_key(name: &str) -> String {
    format!("scope.{}", name.trim_matches(['(', ')']).replace(':', "-"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::auth::scopes::{Catalog, Owner, definitions};
    use crate::pages::locale::{Language, keys};

    #[test]
    fn every_scope_has_its_sentence_in_every_language_and_no_other_is_there() {
        let scopes: BTreeSet<String> = definitions().iter().map(|scope| scope_key(scope.name)).collect();
        assert_eq!(scopes.len(), 48);
        for language in Language::ALL {
            let told: BTreeSet<String> = keys(language).filter(|key| key.starts_with("scope.")).collect();
            assert_eq!(told, scopes, "{language:?}");
        }
        let (english, chinese) = (Text::of(Language::En), Text::of(Language::ZhCn));
        for scope in definitions() {
            let key = scope_key(scope.name);
            assert_eq!(english.get(&key), scope.description, "{key}");
            assert_ne!(chinese.get(&key), scope.description, "{key}");
        }
    }

    #[test]
    fn a_sentence_tells_whom_it_is_about() {
        let catalog = Catalog::default();
        let say = |scope: &str| {
            let said = catalog.sentences([scope], Owner::User("ann"), None);
            super::scope(said.first().unwrap(), "ann", Text::of(Language::En))
        };
        assert_eq!(say("read:hub"), "See which software the hub runs.");
        assert_eq!(say("start:servers!user"), "Start servers. (Only you.)");
        assert_eq!(say("start:servers!server=bob/"), "Start servers. (Only the server bob.)");
        assert_eq!(say("groups!group=a"), "Change who is in a group and the group's properties. (Only the group a.)");
    }
}
