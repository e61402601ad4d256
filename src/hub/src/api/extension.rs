//! What the API says of a server beyond `JupyterHub`'s model: the object `hubd` in it. A field is there when there is
//! something to say.

use serde_json::{Map, Value};

use crate::servers::state::Snapshot;

/// The object of one server.
pub fn of(snapshot: &Snapshot) -> Value {
    let mut fields = Map::new();
    fields.insert("state".into(), snapshot.state.word().into());
    if let Some(bytes) = snapshot.given_back {
        fields.insert("given_back".into(), bytes.into());
    }
    fields.into()
}
