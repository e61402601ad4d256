//! What operators see: the journal. Field names and message ids are an interface, see `docs/journal.md`.

pub mod metrics;

use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// A browser session began; the login itself is told by `hub-login`.
pub const SESSION_STARTED: &str = "9a7d2f5b6c1e4f0e8d3a5b7c9e1f2a34";
/// A person logged out.
pub const SESSION_ENDED: &str = "5b1c8e0f7a2d4c6b9e3f1a5d7c8b2e46";
/// A server is ready for its user.
pub const SERVER_READY: &str = "c3e9a1d57b4f42d0a8c6e2f1b5d7093e";
/// A server stopped.
pub const SERVER_STOPPED: &str = "1f6b8d2c4e0a49c7b3d5f7a9e1c2b480";
/// A server could not be started, or ended by itself with a failure.
pub const SERVER_FAILED: &str = "e08f4b7a9d1c4e63a5b2c7d9f0e1a368";
/// A server was suspended because nobody used it.
pub const SERVER_IDLE: &str = "4c1f0a9be6d84d1c9a72f35e08bd61c7";
/// The hub stops a server: nobody used it, or it has run as long as it may.
pub const SERVER_CULLED: &str = "d27a6c58f0e34b9bb1c4e9703a5f82d6";
/// A server was suspended, by whomever.
pub const SERVER_SUSPENDED: &str = "9eec37997e6947e987789898bc7ddf66";
/// A suspended server runs again.
pub const SERVER_WOKEN: &str = "08cce7e249f34bf7a1a2ca26feb08038";
/// A process of a server was killed because memory ran out.
pub const SERVER_OUT_OF_MEMORY: &str = "2d5e9c81f04b4a7b9c36e1d8a7f25b60";
/// The machine is short of memory, and an idle server was suspended before its time.
pub const MEMORY_SHORT: &str = "0de255fbb4c34a1b9022a201ef216543";
/// A service could not be started, or ended badly and is not started again.
pub const SERVICE_FAILED: &str = "b7c24f0e5d9a4a1c8e63f1d20a7b95c4";
/// Nobody needed the hub for as long as `hub.exit_when_idle` says, so it ended.
pub const HUB_IDLE: &str = "4c0d9e7a51b84f36a2f18b6e3d7c9055";
/// A request ended in an error of the hub's own; the page shows the same `HUB_REQUEST`.
pub const REQUEST_FAILED: &str = "74d0c2e9b8a1463f9e5d7b3c1a2f6e08";

/// Starts logging: to journald under systemd, to standard error otherwise.
pub fn start() {
    let registry = tracing_subscriber::registry().with(tracing_subscriber::filter::LevelFilter::INFO);
    let under_systemd = std::env::var_os("JOURNAL_STREAM").is_some();
    match tracing_journald::layer() {
        Ok(journal) if under_systemd => {
            // Of itself it would write "info" as the journal's notice.
            let priorities = PriorityMappings { info: Priority::Informational, ..PriorityMappings::new() };
            let journal = journal.with_field_prefix(None).with_syslog_identifier("hubd".into());
            registry.with(journal.with_priority_mappings(priorities)).init();
        }
        _ => registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).init(),
    }
}

/// This process's resident memory in bytes, from `/proc/self/statm`; 0 where it cannot be read.
pub fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_ascii_whitespace().nth(1).and_then(|field| field.parse::<u64>().ok()));
    let page_size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    pages.unwrap_or(0) * page_size.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}
