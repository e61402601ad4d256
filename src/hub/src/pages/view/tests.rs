//! Facts about the pages, drawn with sample data in both languages.

use std::time::{Duration, UNIX_EPOCH};

use hubd_proto::login::TextKind;

use super::moment::civil;
use super::{
    Actions, ErrorKind, ErrorPage, Failure, FailureKind, Frame, HomePage, Notice, NoticeKind, Page, ServerView,
    SpawnPendingPage, StoppedPage,
};
use crate::auth::login::Said;
use crate::auth::login::conversation::Question;
use crate::pages::admin::samples;
use crate::pages::choice::{Card, ChoicePage};
use crate::pages::figures;
use crate::pages::home::Named;
use crate::pages::locale::{Language, Text};
use crate::pages::login_view::{LoginNotice, LoginPage, LoginStepPage};
use crate::pages::menu::ServiceLink;
use crate::pages::oauth::ConsentPage;
use crate::pages::theme::Theme;
use crate::pages::token::TokenPage;
use crate::servers::state::State as ServerState;
use crate::servers::usage::Machine;

const STATES: [ServerState; 6] = [
    ServerState::Stopped,
    ServerState::Starting,
    ServerState::Running,
    ServerState::Suspended,
    ServerState::Stopping,
    ServerState::Failed,
];

fn frame(language: Language, user: Option<&str>) -> Frame {
    Frame {
        text: Text::of(language),
        theme: Theme::default(),
        base_url: "/jupyter/".to_owned(),
        user: user.map(str::to_owned),
        admin: true,
        admin_ui: true,
        services: vec![ServiceLink { name: "grades<1>".to_owned(), url: "/jupyter/services/grades/".to_owned() }],
        xsrf: "token<1>".to_owned(),
        path: "/jupyter/hub/home?a=1&b=2".to_owned(),
        version: "1.2.3",
    }
}

fn server(state: ServerState) -> ServerView {
    ServerView {
        user: "d\\ann<b>".to_owned(),
        name: String::new(),
        display_name: String::new(),
        restarting: false,
        state,
        url: "/jupyter/user/ann/".to_owned(),
        since: Some(UNIX_EPOCH + Duration::from_secs(1_709_164_805)),
        message: Some("<script>alert(1)</script>".to_owned()),
        killed: 0,
        idle: None,
        keep: None,
        kept: None,
        planned: false,
    }
}

fn home(language: Language, state: ServerState) -> String {
    let actions = Actions::of(state);
    let frame = frame(language, Some("d\\ann<b>"));
    let mut gpu = server(state);
    "gpu".clone_into(&mut gpu.name);
    "<b>GPU</b>".clone_into(&mut gpu.display_name);
    let used = || figures::of(None, &Machine::default(), Text::of(language));
    let (named, figures) = (vec![Named { server: gpu, actions, figures: used() }], used());
    let groups = vec!["<b>staff".to_owned(), "gpu".to_owned()];
    HomePage {
        frame,
        server: server(state),
        actions,
        figures,
        notice: None,
        named,
        may_add: true,
        groups,
        choice: false,
    }
    .render_page()
}

fn pending(language: Language, failed: Option<Failure>) -> String {
    let frame = frame(language, Some("root"));
    SpawnPendingPage {
        frame,
        server: server(ServerState::Starting),
        events: vec!["<b>one</b>".to_owned()],
        progress: 40,
        progress_url: "/jupyter/hub/api/users/ann/server/progress?_xsrf=a&b".to_owned(),
        log_url: "/jupyter/hub/log-events/ann?since=1".to_owned(),
        failed,
        next: String::new(),
        choice: Some("/jupyter/hub/spawn/ann".to_owned()),
    }
    .render_page()
}

fn login(language: Language, notice: Option<Notice>) -> String {
    let frame = frame(language, None);
    let (next, username) = ("\"><script>".to_owned(), "<i>ann".to_owned());
    LoginPage { frame, next, username, notice, said: Vec::new() }.render_page()
}

fn login_step(language: Language, changing: bool) -> String {
    let said = Said { kind: TextKind::Error, text: "<b>careful".to_owned() };
    let question =
        Question { step: 1, echo: false, text: "<i>code: ".to_owned(), said: vec![said], changing, until: 0 };
    let (next, username) = ("\"><script>".to_owned(), "<i>ann".to_owned());
    let (frame, conversation) = (frame(language, None), "c0ffee".to_owned());
    LoginStepPage { frame, next, username, conversation, question, now: 0 }.render_page()
}

fn all(language: Language) -> Vec<String> {
    let text = Text::of(language);
    let failure = FailureKind::Exited.failure(text, None, vec!["<script>".to_owned(); 2]);
    let mut pages = vec![
        login(language, None),
        login(language, Some(LoginNotice::Denied { reason: "<b>no".to_owned() }.notice(text))),
        login_step(language, false),
        login_step(language, true),
        pending(language, None),
        pending(language, Some(failure)),
        StoppedPage {
            frame: frame(language, Some("root")),
            server: server(ServerState::Stopped),
            next: "\"><script>".to_owned(),
            choice: Some("/jupyter/hub/spawn/ann?next=%2F".to_owned()),
        }
        .render_page(),
        ErrorPage::of(ErrorKind::NotFound, frame(language, None), "<7>".to_owned()).render_page(),
    ];
    pages.extend(others(language));
    pages.extend(STATES.map(|state| home(language, state)));
    pages
}

/// Pages that stand in files of their own.
fn others(language: Language) -> Vec<String> {
    let frame = || frame(language, Some("root"));
    let mut refused = ErrorPage::of(ErrorKind::BadRequest, frame(), "7".to_owned());
    refused.detail = "<b>no".to_owned();
    let consent = ConsentPage {
        frame: frame(),
        client: "<b>service".to_owned(),
        scopes: vec!["\"><script>".to_owned()],
        sentences: vec!["<i>all".to_owned()],
    };
    let chosen = ChoicePage {
        frame: frame(),
        server: server(ServerState::Stopped),
        cards: vec![Card {
            value: "\"><script>".to_owned(),
            title: "<b>big".to_owned(),
            description: "<i>large".to_owned(),
            amounts: "8 GB".to_owned(),
            chosen: true,
        }],
        notice: Some(Notice { kind: NoticeKind::Error, text: "<b>no".to_owned() }),
        next: "\"><script>".to_owned(),
        display_name: "<b>GPU".to_owned(),
    };
    let token = TokenPage::sample(frame(), "<script>");
    let mut pages = vec![refused.render_page(), consent.render_page(), chosen.render_page(), token.render_page()];
    pages.extend(samples::all(&frame(), "\"><script><b>"));
    pages
}

#[test]
fn nothing_a_person_typed_becomes_markup() {
    for page in Language::ALL.into_iter().flat_map(all) {
        for markup in ["<script>", "<i>", "<b>", "<7>", "token<1"] {
            assert!(!page.contains(markup), "{markup} in {page}");
        }
    }
}

#[test]
fn the_content_security_policy_needs_no_exception() {
    for page in Language::ALL.into_iter().flat_map(all) {
        for inline in [" style=", "<style", " onclick=", " onload=", " onsubmit=", "javascript:"] {
            assert!(!page.contains(inline), "{inline} in {page}");
        }
        assert_eq!(page.matches("<script").count(), page.matches("<script src=\"/jupyter/").count());
    }
}

#[test]
fn every_form_carries_the_xsrf_token() {
    for page in Language::ALL.into_iter().flat_map(all) {
        assert!(page.contains("<form"));
        for form in page.split("<form").skip(1).filter_map(|rest| rest.split("</form>").next()) {
            // What only reads stands in the address, and a secret does not belong there.
            if form.split('>').next().unwrap().contains("method=\"get\"") {
                assert!(!form.contains("_xsrf"), "{form}");
                continue;
            }
            assert!(form.contains("method=\"post\"") && form.contains("name=\"_xsrf\" value=\"token&#"), "{form}");
        }
    }
}

#[test]
fn every_page_says_its_language_and_offers_the_others() {
    for language in Language::ALL {
        for page in all(language) {
            assert!(page.contains(&format!("<html lang=\"{}\"", language.code())));
            assert!(page.contains("data-language=\"zh-CN\"") && page.contains("data-language=\"en\""));
            assert!(!page.contains('…'), "a text is missing in {page}");
        }
    }
}

#[test]
fn home_offers_what_the_state_allows() {
    for (state, open, start, stop) in [
        (ServerState::Stopped, false, true, false),
        (ServerState::Starting, false, false, true),
        (ServerState::Running, true, false, true),
        (ServerState::Suspended, true, false, true),
        (ServerState::Stopping, false, false, false),
        (ServerState::Failed, false, true, false),
    ] {
        let page = home(Language::En, state);
        assert!(page.contains(&format!("id=\"server-state\" data-state=\"{}\"", state.word())));
        for (id, there) in
            [("open-server", open), ("start-server", start), ("stop-server", stop), ("restart-server", open)]
        {
            assert_eq!(page.contains(&format!("id=\"{id}\"")), there, "{id} when {state:?}");
        }
    }
}

#[test]
fn forms_lead_to_the_percent_encoded_user() {
    let page = home(Language::En, ServerState::Stopped);
    assert!(page.contains("action=\"/jupyter/hub/spawn/d%5Cann%3Cb%3E\""), "{page}");
}

#[test]
fn a_failed_start_shows_its_reason_and_journal_and_no_bar() {
    let text = Text::of(Language::En);
    let lines = vec!["first".to_owned(), "last".to_owned()];
    let page = pending(Language::En, Some(FailureKind::Exited.failure(text, None, lines)));
    for id in ["spawn-error", "journal", "retry"] {
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
    assert!(page.contains("first\nlast"));
    assert!(!page.contains("id=\"progress\"") && !page.contains("spawn.js"));
}

#[test]
fn times_are_utc_and_right_on_a_leap_day() {
    let page = home(Language::En, ServerState::Running);
    assert!(page.contains("datetime=\"2024-02-29T00:00:05Z\">2024-02-29 00:00 UTC<"), "{page}");
    assert_eq!(civil(0), (1970, 1, 1));
    assert_eq!(civil(19_722), (2023, 12, 31));
}

#[test]
fn only_a_refusal_is_an_alert() {
    let text = Text::of(Language::En);
    let refused = login(Language::En, Some(LoginNotice::Refused.notice(text)));
    assert!(refused.contains("id=\"login-error\" role=\"alert\""), "{refused}");
    let out = login(Language::En, Some(LoginNotice::SignedOut.notice(text)));
    assert!(!out.contains("login-error") && out.contains("role=\"status\""));
}
