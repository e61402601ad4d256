//! The profile among a server's options: one that its person may use.

use hubd_base::names::UserName;
use serde_json::{Map, Value};

use crate::app::App;
use crate::http::faults::Fault;
use crate::servers::profiles::{self, Choice};

/// Refuses options with a profile that is not there or not for this person, naming those that are.
pub async fn check(app: &App, user: &UserName, options: Option<&mut Map<String, Value>>) -> Result<(), Fault> {
    let Some(options) = options else { return Ok(()) };
    match profiles::check(&app.config, app.accounts.as_ref(), user, options).await {
        Ok(Choice::Good) => Ok(()),
        Ok(Choice::Refused(sentence)) => Err(Fault::BadRequest(sentence)),
        Err(away) => Err(Fault::Internal(away.into())),
    }
}
