//! What the API says of a server beyond `JupyterHub`'s model: the object `hubd` in it. A field is there when there is
//! something to say.

use serde_json::{Map, Value, json};

use super::idle;
use crate::app::App;
use crate::clock::iso;
use crate::servers::oom::OutOfMemory;
use crate::servers::server::Server;
use crate::servers::state::{Failure, Snapshot};
use crate::servers::usage::{Reading, Usage};

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
    if let Some(reading) = app.servers.usage_known(server) {
        fields.insert("usage".into(), usage(&reading));
    }
    if let Some(failure) = &snapshot.failure {
        let Failure { cause, text, out_of_memory, .. } = failure.as_ref();
        let at = iso(snapshot.since);
        let said = json!({"cause": cause, "text": text, "out_of_memory": out_of_memory, "at": at});
        fields.insert("failure".into(), said);
    }
    if let Some(name) = snapshot.stopped_by.as_deref().filter(|_| !snapshot.is_active()) {
        fields.insert("stopped_by".into(), name.into());
    }
    fields.into()
}

/// What it uses and may use: bytes, microseconds of processor time since its start, per cent of one processor. What is
/// not measured, and what has no limit, is not there.
fn usage(reading: &Reading<Usage>) -> Value {
    let Usage { memory, memory_high, memory_max, swap, cpu_usec, cpu_quota, tasks, tasks_max } = reading.usage;
    let percent = reading.cpu_percent.map(|percent| json!((percent * 10.0).round() / 10.0));
    let all = [
        ("memory", memory.map(Value::from)),
        ("memory_high", memory_high.map(Value::from)),
        ("memory_max", memory_max.map(Value::from)),
        ("swap", swap.map(Value::from)),
        ("cpu_usec", cpu_usec.map(Value::from)),
        ("cpu_percent", percent),
        ("cpu_quota", cpu_quota.map(Value::from)),
        ("tasks", tasks.map(Value::from)),
        ("tasks_max", tasks_max.map(Value::from)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>().into()
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
