//! The administration's pages, filled so that everything a person can type is one text.

use super::accounts::{Choice, PasswordsPage};
use super::confirm::ConfirmPage;
use super::groups::{GroupPage, GroupsPage, Row as GroupRow, Typed as NewGroup};
use super::limits::{Field, LevelRows, LimitsPage, Row as LimitRow};
use super::live::{InState, Panel, PanelFigure, Uses};
use super::log::{Asked as LogChoice, Line, LogPage};
use super::logins::{LoginsPage, Row as LoginRow};
use super::people::{Asked, PeoplePage, Person, Row, Typed as NewPeople};
use super::services::{May, Row as ServiceRow, ServicesPage};
use super::sessions::{OpenRow, Row as SessionRow, SessionsPage};
use super::user::{Typed as Edited, UserPage};
use super::{Part, Place, Said, moment};
use hubd_base::names::{ServerId, UserName};

use crate::pages::view::{Actions, Frame, NoticeKind, Page};
use crate::servers::launcher::JournalLine;
use crate::servers::state::State as ServerState;
use crate::services::manager::{Condition, Life};

/// Every page, drawn.
pub(in crate::pages) fn all(frame: &Frame, typed: &str) -> Vec<String> {
    let text = || typed.to_owned();
    let said = || Some(Said { kind: NoticeKind::Error, text: text(), reason: Some(text()), list: vec![text()] });
    let part = || Part { first: 51, last: 100, total: 120, before: Some(text()), after: Some(text()) };
    let row = || Row {
        id: ServerId::default_of(UserName::parse("x").unwrap()),
        path: "d%5Cann/gpu".to_owned(),
        full_name: text(),
        name: text(),
        is_default: false,
        profile: Some("big".to_owned()),
        state: ServerState::Running,
        started: Some(moment(0)),
        failure: Some(text()),
        used: None,
        uses: Some(Uses { memory: text(), rest: text() }),
        url: text(),
        actions: Actions { open: true, start: true, stop: true },
        may_remove: true,
        may_read_log: true,
        limits: Some(text()),
        idle: Some(text()),
        choice: Some(text()),
    };
    let person = || Person {
        name: text(),
        admin: true,
        activity: Some(moment(0)),
        servers: vec![row(), row()],
        page: "admin/user/x".to_owned(),
        may_edit: true,
        may_delete: true,
    };
    let line = |priority| JournalLine { time_usec: 1, priority, identifier: text(), message: text(), message_id: None };
    let frame = || frame.clone();
    vec![
        PeoplePage {
            frame: frame(),
            here: Place::People,
            said: said(),
            asked: Asked { name_filter: text(), state: text(), sort: text(), offset: 0, notice: text() },
            part: part(),
            machine: Some(Panel {
                figures: vec![PanelFigure { kind: "memory", label: "Memory", text: text(), part: Some(0.5) }],
                servers: vec![InState { state: "running", label: "Running", count: 3 }],
                short: Some(text()),
            }),
            people: vec![person(), Person { servers: Vec::new(), activity: None, ..person() }],
            may_stop: true,
            may_add: true,
            may_make: true,
            typed: NewPeople { names: text(), admin: true, wrong: true, choice: Choice::default() },
        }
        .render_page(),
        UserPage {
            frame: frame(),
            here: Place::People,
            said: said(),
            person: person(),
            created: moment(0),
            tokens: Some(3),
            sessions: 1,
            groups: vec![(text(), true)],
            proposed: vec![text()],
            may_change: true,
            may_make: true,
            choice: Choice { chosen: true, must_change: false },
            typed: Edited { name: text(), admin: true },
        }
        .render_page(),
        ConfirmPage {
            frame: frame(),
            here: Place::Shutdown,
            said: said(),
            title: text(),
            about: vec![text()],
            items: vec![text()],
            fields: vec![(text(), text())],
            choices: vec![("servers", text())],
            action: text(),
            button: text(),
            cancel: text(),
            harmless: false,
        }
        .render_page(),
        PasswordsPage {
            frame: frame(),
            here: Place::People,
            said: None,
            rows: vec![(text(), text().into())],
            address: text(),
            must_change: true,
            back: text(),
        }
        .render_page(),
        GroupsPage {
            frame: frame(),
            here: Place::Groups,
            said: said(),
            part: part(),
            groups: vec![GroupRow { name: text(), page: text(), counts: Some((1, 2)) }],
            may_create: true,
            typed: NewGroup { name: text(), users: text() },
        }
        .render_page(),
        GroupPage {
            frame: frame(),
            here: Place::Groups,
            said: said(),
            name: text(),
            part: part(),
            members: vec![text()],
            properties: vec![(text(), text())],
            may_change: true,
            may_delete: true,
            typed: text(),
        }
        .render_page(),
        ServicesPage {
            frame: frame(),
            here: Place::Services,
            said: said(),
            services: vec![ServiceRow {
                name: text(),
                admin: true,
                page: text(),
                url: text(),
                condition: Some(Condition { state: Life::Failed, pid: 7, problem: Some(text()) }),
                may: Some(May { start: true, stop: true }),
            }],
        }
        .render_page(),
        SessionsPage {
            frame: frame(),
            here: Place::Sessions,
            said: said(),
            part: part(),
            sessions: vec![SessionRow {
                user: text(),
                page: text(),
                since: moment(0),
                until: moment(0),
                activity: Some(moment(0)),
                open: 2,
            }],
            connections: vec![OpenRow {
                visitor: Some(text()),
                target: text(),
                is_service: true,
                address: text(),
                count: 3,
                since: moment(0),
                used: Some(moment(0)),
            }],
        }
        .render_page(),
        LogPage {
            lines: [3, 4, 6].map(|priority| Line::of(&line(priority), frame().text)).into(),
            frame: frame(),
            here: Place::People,
            said: said(),
            title: text(),
            asked: LogChoice { priority: text(), span: text(), since: text(), until: text(), part: text() },
            parts: vec![("hub", "Web process")],
            events: text(),
            command: text(),
            back: (text(), "Back"),
        }
        .render_page(),
        LimitsPage {
            frame: frame(),
            here: Place::People,
            said: said(),
            server: text(),
            profile: Some(text()),
            levels: vec![LevelRows {
                label: "Level",
                unit: text(),
                rows: vec![LimitRow { name: "memory_max", amount: text(), said: vec![text()] }],
            }],
            action: text(),
            fields: vec![Field { name: "memory_max", now: text(), typed: text() }],
            back: text(),
        }
        .render_page(),
        LoginsPage {
            frame: frame(),
            here: Place::Logins,
            said: said(),
            span: "day",
            logins: vec![LoginRow {
                when: moment(0),
                user: Some((text(), Some(text()))),
                client: text(),
                why: "Why",
                message: text(),
            }],
            more: true,
        }
        .render_page(),
    ]
}
