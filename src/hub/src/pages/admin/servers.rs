//! `/hub/admin/start`, `stop`, `remove`, `start-all` and `stop-all`: what is done with other people's servers.

use std::future::Future;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::join_all;
use serde_json::json;

use super::super::form::{Fields, Form};
use super::super::home::PATIENCE;
use super::super::locale::Text;
use super::confirm::ConfirmPage;
use super::people::{Asked, Person, Typed, draw, redraw};
use super::{Admin, Done, Place, Said, body, html};
use crate::api::body::Body;
use crate::api::servers::{self, Address};
use crate::http::faults::Fault;

/// What a page does not wait for goes on by itself.
pub(super) async fn begun<T: Send + 'static>(
    work: impl Future<Output = Result<T, Fault>> + Send + 'static,
) -> Result<(), Fault> {
    match tokio::time::timeout(PATIENCE, tokio::spawn(work)).await {
        Err(_) => Ok(()),
        Ok(Ok(done)) => done.map(drop),
        Ok(Err(error)) => Err(Fault::internal(error)),
    }
}

pub(super) async fn answer(
    admin: &Admin,
    back: &str,
    result: Result<(), Fault>,
    done: Done,
) -> Result<Response, Fault> {
    match result {
        Ok(()) => Ok(Admin::done(back, done)),
        Err(fault) => redraw(admin, back, fault).await,
    }
}

/// `POST /hub/admin/start/{user}[/{server}]`
pub(super) async fn start(admin: Admin, address: Address, form: Form) -> Result<Response, Fault> {
    let back = admin.back(&form.open()?);
    let work = servers::start(State(Arc::clone(&admin.app)), admin.caller.clone(), address, Body(None));
    let result = begun(work).await;
    answer(&admin, &back, result, Done::Started).await
}

/// `POST /hub/admin/stop/{user}[/{server}]`
pub(super) async fn stop(admin: Admin, address: Address, form: Form) -> Result<Response, Fault> {
    let back = admin.back(&form.open()?);
    let work = servers::stop(State(Arc::clone(&admin.app)), admin.caller.clone(), address, Body(None));
    let result = begun(work).await;
    answer(&admin, &back, result, Done::Stopped).await
}

/// `GET /hub/admin/remove/{user}/{server}`: asks first.
pub(super) async fn ask_remove(admin: Admin, address: Address) -> Result<Response, Fault> {
    let id = admin.caller.on_server(&["delete:servers"], &address.user, &address.server)?;
    admin.app.servers.find(&id).filter(|server| server.exists()).ok_or(Fault::NotFound)?;
    let text = admin.text();
    let path = admin.address(&format!("/remove/{}", id.url_segment()));
    let page = ConfirmPage {
        title: text.fill("admin.remove-title", &[("name", &id.to_string())]),
        about: vec![text.get("admin.remove-about").to_owned()],
        button: text.get("admin.remove").to_owned(),
        cancel: admin.address(&format!("/user/{}", id.user.url_segment())),
        ..ConfirmPage::new(&admin, Place::People, path)
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /hub/admin/remove/{user}/{server}`
pub(super) async fn remove(admin: Admin, address: Address, form: Form) -> Result<Response, Fault> {
    form.open()?;
    let back = admin.address(&format!("/user/{}", hubd_base::names::esc(&address.user)));
    let wanted = body(json!({"remove": true}));
    let work = servers::stop(State(Arc::clone(&admin.app)), admin.caller.clone(), address, wanted);
    let result = begun(work).await;
    answer(&admin, &back, result, Done::Removed).await
}

/// `GET /hub/admin/start-all`: the default servers of the people on one page of the list, to be agreed to.
pub(super) async fn ask_start_all(admin: Admin, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let (rows, _) = asked.part(&admin)?;
    let people: Vec<Person> = rows.iter().map(|row| Person::of(&admin, row)).collect();
    let defaults = people.iter().filter_map(|person| person.servers.first());
    let resting = defaults.filter(|server| server.actions.start && server.is_default);
    let items: Vec<_> = resting.map(|server| (server.full_name.clone(), server.path.clone())).collect();
    if items.is_empty() {
        let said = Said::wrong(admin.text().get("bulk.start-none"), Vec::new());
        return draw(&admin, StatusCode::OK, asked, Some(said), Typed::default()).await;
    }
    let text = admin.text();
    let page = ConfirmPage {
        title: counted(text, ["bulk.start-title", "bulk.start-one"], items.len()),
        about: vec![text.get("bulk.start-about").to_owned()],
        button: counted(text, ["bulk.start", "admin.start"], items.len()),
        harmless: true,
        ..of_many(&admin, &asked, "/start-all", items)
    };
    Ok(html(StatusCode::OK, &page))
}

/// The sentence for many with their number, or the one for a single one.
fn counted(text: Text, [many, one]: [&str; 2], count: usize) -> String {
    if count == 1 { text.get(one).to_owned() } else { text.fill(many, &[("count", &count.to_string())]) }
}

/// The question about several servers, by name and path.
fn of_many(admin: &Admin, asked: &Asked, action: &str, servers: Vec<(String, String)>) -> ConfirmPage {
    let cancel = admin.address(&asked.query());
    let (items, fields): (Vec<_>, Vec<_>) =
        servers.into_iter().map(|(name, path)| (name, ("server".to_owned(), path))).unzip();
    ConfirmPage {
        items,
        fields: fields.into_iter().chain([("back".to_owned(), cancel.clone())]).collect(),
        action: admin.address(action),
        cancel,
        ..ConfirmPage::new(admin, Place::People, admin.address(&format!("{action}{}", asked.query())))
    }
}

/// `POST /hub/admin/start-all`: exactly the servers that were shown, as far as that can be.
pub(super) async fn start_all(admin: Admin, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let work = |address| servers::start(State(Arc::clone(&admin.app)), admin.caller.clone(), address, Body(None));
    let wrong = each(&admin, &fields, work).await?;
    told(&admin, &fields, wrong, Done::AllStarted, "bulk.start-wrong").await
}

/// `GET /hub/admin/stop-all`: the servers of the people on one page of the list, to be agreed to.
pub(super) async fn ask_stop_all(admin: Admin, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let (rows, _) = asked.part(&admin)?;
    let people: Vec<Person> = rows.iter().map(|row| Person::of(&admin, row)).collect();
    let running = people.iter().flat_map(|person| &person.servers).filter(|server| server.actions.stop);
    let items: Vec<_> = running.map(|server| (server.full_name.clone(), server.path.clone())).collect();
    if items.is_empty() {
        let said = Said::wrong(admin.text().get("admin.stop-all-none"), Vec::new());
        return draw(&admin, StatusCode::OK, asked, Some(said), Typed::default()).await;
    }
    let text = admin.text();
    let page = ConfirmPage {
        title: counted(text, ["admin.stop-all-title", "admin.stop-all-one"], items.len()),
        about: vec![text.get("admin.stop-all-about").to_owned()],
        button: counted(text, ["admin.stop-all", "admin.stop"], items.len()),
        ..of_many(&admin, &asked, "/stop-all", items)
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /hub/admin/stop-all`: exactly the servers that were shown, as far as that can be.
pub(super) async fn stop_all(admin: Admin, form: Form) -> Result<Response, Fault> {
    let fields = form.open()?;
    let work = |address| servers::stop(State(Arc::clone(&admin.app)), admin.caller.clone(), address, Body(None));
    let wrong = each(&admin, &fields, work).await?;
    told(&admin, &fields, wrong, Done::Stopped, "admin.stop-all-wrong").await
}

/// Does something with each server that a form names; returns what could not be done and why.
async fn each<T, W>(admin: &Admin, fields: &Fields, work: impl Fn(Address) -> W) -> Result<Vec<String>, Fault>
where
    T: Send + 'static,
    W: Future<Output = Result<T, Fault>> + Send + 'static,
{
    let all = fields.all("server").map(|path| {
        let (user, server) = path.split_once('/').unwrap_or((path, ""));
        let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        let address = Address { user: decoded(user), server: decoded(server) };
        let name = if server.is_empty() { address.user.clone() } else { format!("{}:{server}", address.user) };
        let work = work(address);
        async move { (name, begun(work).await) }
    });
    let mut wrong = Vec::new();
    for (name, result) in join_all(all).await {
        if let Err(fault) = result {
            let (_, said) = Said::refused(fault, admin.text())?;
            wrong.push(format!("{name}: {}", said.reason.unwrap_or_default()));
        }
    }
    Ok(wrong)
}

/// Back to the list, with what could not be done.
async fn told(
    admin: &Admin,
    fields: &Fields,
    wrong: Vec<String>,
    done: Done,
    sentence: &'static str,
) -> Result<Response, Fault> {
    let back = admin.back(fields);
    if wrong.is_empty() {
        return Ok(Admin::done(&back, done));
    }
    let said = Said::wrong(admin.text().get(sentence), wrong);
    let (_, query) = back.split_once('?').unwrap_or_default();
    draw(admin, StatusCode::CONFLICT, Asked::of(query), Some(said), Typed::default()).await
}
