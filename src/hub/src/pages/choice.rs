//! The page on which a person chooses what their server starts with: one card for each profile.

use askama::Template;
use hubd_base::limits::{Limit, Limits};
use hubd_base::names::ServerId;

use super::amounts;
use super::locale::{Language, Text};
use super::text;
use super::view::{Frame, Notice, NoticeKind, ServerView};
use crate::app::App;
use crate::http::faults::Fault;
use crate::http::next;
use crate::http::visitor::Visitor;
use crate::servers::profiles::{Offer, chosen};

/// The page.
#[derive(Template)]
#[template(path = "spawn.html")]
pub struct ChoicePage {
    /// Shared by all pages.
    pub frame: Frame,
    /// What is to be started.
    pub server: ServerView,
    /// What can be chosen, in the order of the configuration.
    pub cards: Vec<Card>,
    /// Why the last choice was not taken.
    pub notice: Option<Notice>,
    /// Where to go when it is ready, to be sent along with the choice.
    pub next: String,
    /// The name for people that was asked for, to be sent along too.
    pub display_name: String,
}

/// One profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// What is sent: its name, or nothing for a server without a profile.
    pub value: String,
    /// What people call it.
    pub title: String,
    /// What the operator says of it, in the language of the page; may be empty.
    pub description: String,
    /// What a server may use, in words.
    pub amounts: String,
    /// Whether it is the one that is taken unless another is chosen.
    pub chosen: bool,
}

/// The page for a server at rest, or nothing where there is nothing to choose. `along`: where to go when it is ready, and
/// its name for people. `notice`: why the last choice was not taken.
pub(super) async fn page(
    app: &App,
    visitor: &Visitor,
    id: &ServerId,
    (next, display_name): (Option<&str>, Option<&str>),
    notice: Option<&str>,
) -> Result<Option<ChoicePage>, Fault> {
    let offers = app.profiles(&id.user).await.map_err(|away| Fault::Internal(away.into()))?;
    if offers.len() < 2 {
        return Ok(None);
    }
    let server = app.servers.find(id);
    let snapshot = app.snapshot(id);
    let details = server.and_then(|server| server.details());
    let last = details.as_ref().and_then(|details| chosen(&details.user_options));
    Ok(Some(ChoicePage {
        frame: visitor.frame(app),
        server: text::server(app, id, &snapshot, visitor.text),
        cards: cards(&offers, last, visitor.text),
        notice: notice.map(|text| Notice { kind: NoticeKind::Error, text: text.to_owned() }),
        next: next.unwrap_or_default().to_owned(),
        display_name: display_name.unwrap_or_default().to_owned(),
    }))
}

/// Where a person chooses before a start; `None` where nobody has anything to choose.
pub(super) fn address(app: &App, id: &ServerId, next: Option<&str>) -> Option<String> {
    let query = next.map(|next| format!("?next={}", next::quote(next))).unwrap_or_default();
    let address = || format!("{}hub/spawn/{}{query}", app.base_url(), id.url_segment());
    (!app.config.profiles.is_empty()).then(address)
}

/// `last`: what the person chose last time.
fn cards(offers: &[Offer], last: Option<&str>, text: Text) -> Vec<Card> {
    let last = last.filter(|last| offers.iter().any(|offer| offer.name == *last));
    let is_chosen = |offer: &Offer| last.map_or(offer.usual, |last| offer.name == last);
    let card = |offer: &Offer| Card {
        value: offer.name.clone(),
        title: if offer.name.is_empty() { text.get("spawn.plain").to_owned() } else { offer.name.clone() },
        description: offer.description.get(text.language().code()).to_owned(),
        amounts: amounts(&offer.limits, text),
        chosen: is_chosen(offer),
    };
    offers.iter().map(card).collect()
}

/// What a server may use: "8 GB memory, 4 processors, runs for 12 hours at most".
fn amounts(limits: &Limits, text: Text) -> String {
    let memory = limits.number(Limit::MemoryMax).or(limits.number(Limit::MemoryHigh)).map(amounts::bytes);
    let processors = limits.number(Limit::CpuQuota).and_then(|percent| u32::try_from(percent).ok());
    let processors = processors.map(|percent| amounts::processors(f64::from(percent)));
    let hours = limits.number(Limit::RuntimeMax).map(|usec| usec.div_ceil(3_600_000_000).to_string());
    let parts = [
        memory.map(|amount| text.fill("spawn.memory", &[("amount", &amount)])),
        processors.map(|count| match count.as_str() {
            "1" => text.get("spawn.processor").to_owned(),
            count => text.fill("spawn.processors", &[("count", count)]),
        }),
        hours.map(|hours| text.fill("spawn.hours", &[("hours", &hours)])),
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    if said.is_empty() { text.get("spawn.unlimited").to_owned() } else { said.join(text.get("spawn.between")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubd_base::config::Localised;
    use hubd_base::limits::Amount;

    fn offer(name: &str, usual: bool) -> Offer {
        let limits = Limits::from_iter([
            (Limit::MemoryMax, Amount::Number(8 << 30)),
            (Limit::CpuQuota, Amount::Number(400)),
            (Limit::RuntimeMax, Amount::Number(12 * 3_600_000_000)),
        ]);
        Offer { name: name.to_owned(), description: Localised::from("for large data"), limits, usual }
    }

    #[test]
    fn amounts_are_told_in_the_language_of_the_page() {
        for (language, said) in [
            (Language::En, "8 GB memory, 4 processors, stops after 12 hours"),
            (Language::ZhCn, "8 GB 内存，4 个处理器，运行 12 小时后停止"),
        ] {
            assert_eq!(amounts(&offer("big", true).limits, Text::of(language)), said);
        }
        let text = Text::of(Language::En);
        let one = Limits::from_iter([(Limit::CpuQuota, Amount::Number(100))]);
        assert_eq!(amounts(&one, text), "1 processor");
        assert_eq!(amounts(&Limits::default(), text), "no limits of its own");
    }

    #[test]
    fn the_choice_of_last_time_is_chosen_while_it_is_offered() {
        let offers = [offer("", true), offer("big", false)];
        let chosen = |last| {
            let cards = cards(&offers, last, Text::of(Language::En));
            cards.into_iter().filter(|card| card.chosen).map(|card| card.value).collect::<Vec<_>>()
        };
        assert_eq!(chosen(None), [""]);
        assert_eq!(chosen(Some("big")), ["big"]);
        assert_eq!(chosen(Some("gone")), [""]);
    }
}
