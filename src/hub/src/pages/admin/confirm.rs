//! What is asked before something that cannot be undone; and the end of the hub.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::super::form::Form;
use super::super::locale::Language;
use super::super::view::{Frame, NoticeKind};
use super::{Admin, Place, Said, body, html};
use crate::api::shutdown::end;
use crate::auth::scopes::Resource;
use crate::http::faults::Fault;

/// A question with a button that does it and a link that does not.
#[derive(Template)]
#[template(path = "admin/confirm.html")]
pub(in crate::pages) struct ConfirmPage {
    pub frame: Frame,
    pub here: Place,
    pub said: Option<Said>,
    /// The question.
    pub title: String,
    /// What happens, a paragraph each.
    pub about: Vec<String>,
    /// What it is done to.
    pub items: Vec<String>,
    /// Hidden fields of the form.
    pub fields: Vec<(String, String)>,
    /// What may be ticked: the field's name and its label.
    pub choices: Vec<(&'static str, String)>,
    /// Where the form goes.
    pub action: String,
    /// What the button says; without it there is nothing to agree to any more.
    pub button: String,
    /// Where it is left.
    pub cancel: String,
    /// Whether nothing can be lost by it.
    pub harmless: bool,
}

impl ConfirmPage {
    /// A page whose form goes to its own address, `path`.
    pub(super) fn new(admin: &Admin, here: Place, path: String) -> Self {
        Self {
            action: path.clone(),
            frame: admin.frame(path),
            here,
            said: None,
            title: String::new(),
            about: Vec::new(),
            items: Vec::new(),
            fields: Vec::new(),
            choices: Vec::new(),
            button: String::new(),
            cancel: admin.address(""),
            harmless: false,
        }
    }
}

/// `GET /hub/admin/shutdown`
pub(super) async fn ask_shutdown(admin: Admin) -> Result<Response, Fault> {
    admin.caller.require(&["shutdown"], Resource::Any)?;
    let text = admin.text();
    let running = admin.app.servers.all().iter().filter(|server| server.snapshot().state.is_active()).count();
    let running = text.fill("admin.shutdown-servers", &[("count", &running.to_string())]);
    let page = ConfirmPage {
        title: text.get("admin.shutdown-title").to_owned(),
        about: vec![text.get("admin.shutdown-about").to_owned(), text.get("admin.shutdown-back").to_owned(), running],
        choices: vec![("servers", text.get("admin.shutdown-too").to_owned())],
        button: text.get("admin.shutdown").to_owned(),
        ..ConfirmPage::new(&admin, Place::Shutdown, admin.address("/shutdown"))
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /hub/admin/shutdown`
pub(super) async fn shutdown(admin: Admin, form: Form) -> Result<Response, Fault> {
    let servers = form.open()?.find("servers").is_some();
    let wanted = body(json!({ "servers": servers }));
    let (status, _) = end(State(Arc::clone(&admin.app)), admin.caller.clone(), wanted).await?;
    let text = admin.text();
    let page = ConfirmPage {
        title: text.get("admin.shutdown-done").to_owned(),
        about: vec![text.get("admin.shutdown-back").to_owned()],
        ..ConfirmPage::new(&admin, Place::Shutdown, admin.address("/shutdown"))
    };
    Ok(html(status, &page))
}
