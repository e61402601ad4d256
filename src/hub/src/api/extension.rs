//! What the API says of a server beyond `JupyterHub`'s model: the object `hubd` in it. A field is there when there is
//! something to say.

use serde_json::{Map, Value};

use super::idle;
use crate::app::App;
use crate::clock::iso;
use crate::servers::oom::OutOfMemory;
use crate::servers::server::Server;
use crate::servers::state::Snapshot;

/// The object of one server.
pub fn of(app: &App, server: &Server, snapshot: &Snapshot) -> Value {
    let mut fields = Map::new();
    fields.insert("state".into(), snapshot.state.word().into());
    if let Some(bytes) = snapshot.given_back {
        fields.insert("given_back".into(), bytes.into());
    }
    if let Some(idle) = idle::of(app, server) {
        fields.insert("idle".into(), idle);
    }
    if let Some(name) = &snapshot.lost_profile {
        fields.insert("lost_profile".into(), name.as_str().into());
    }
    if let Some(news) = &snapshot.out_of_memory {
        fields.insert("out_of_memory".into(), out_of_memory(news));
    }
    fields.into()
}

/// How many processes the kernel killed, when the last one, and where it was the server's own limit, both amounts in
/// bytes. `when` is null where the hub was not there to see it.
fn out_of_memory(news: &OutOfMemory) -> Value {
    let mut fields = Map::new();
    fields.insert("killed".into(), news.kills.count.into());
    fields.insert("when".into(), news.when.map(iso).into());
    if let Some((used, limit)) = news.own_limit() {
        fields.insert("used".into(), used.into());
        fields.insert("limit".into(), limit.into());
    }
    fields.into()
}
