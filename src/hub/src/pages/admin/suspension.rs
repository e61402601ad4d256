//! `/hub/admin/suspend` and `wake`: somebody else's server is frozen as it is, or let go on.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::super::form::Form;
use super::servers::{answer, begun};
use super::{Admin, Done};
use crate::api::servers::{Address, suspension};
use crate::http::faults::Fault;

/// `POST /hub/admin/suspend/{user}[/{server}]`
pub(super) async fn suspend(admin: Admin, address: Address, form: Form) -> Result<Response, Fault> {
    let back = admin.back(&form.open()?);
    let work = suspension::suspend(State(Arc::clone(&admin.app)), admin.caller.clone(), address);
    let result = begun(work).await;
    answer(&admin, &back, result, Done::Suspended).await
}

/// `POST /hub/admin/wake/{user}[/{server}]`
pub(super) async fn wake(admin: Admin, address: Address, form: Form) -> Result<Response, Fault> {
    let back = admin.back(&form.open()?);
    let work = suspension::wake(State(Arc::clone(&admin.app)), admin.caller.clone(), address);
    let result = begun(work).await;
    answer(&admin, &back, result, Done::Woken).await
}
