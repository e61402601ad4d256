//! From a path to the server it belongs to.

use std::borrow::Cow;
use std::sync::Arc;

use hubd_base::names::{ServerId, UserName};
use hyper::Request;
use percent_encoding::percent_decode_str;

use crate::app::App;
use crate::servers::registry::Servers;
use crate::servers::server::Server;

/// Where a path below `<base>user/` leads.
pub struct Target<'a> {
    user: Cow<'a, str>,
    /// The server, if it was ever seen; otherwise it is a person's default one.
    pub server: Option<Arc<Server>>,
    /// What follows the server's prefix, undecoded, without query.
    pub path: &'a str,
    /// Whether the slash after the name is there.
    pub complete: bool,
}

impl Target<'_> {
    /// Which server; `None` if there can be none of that name.
    pub fn id(&self) -> Option<ServerId> {
        match &self.server {
            Some(server) => Some(server.id.clone()),
            None => UserName::parse(&self.user).ok().map(ServerId::default_of),
        }
    }
}

/// What follows `<base>user/`, if the path begins so.
pub fn user_path<'p>(app: &App, path: &'p str) -> Option<&'p str> {
    path.strip_prefix(app.base_url())?.strip_prefix("user/")
}

/// The server of a path below `<base>user/`: the person's of that name, if the segment after theirs names one, else
/// their default one (contract 6.3, 9.1). `None` when a segment is no text.
///
/// Every request comes through here: nothing is allocated unless a name is percent-encoded.
pub fn find<'a>(servers: &Servers, rest: &'a str) -> Option<Target<'a>> {
    let (user, after) = split(rest);
    let user = decode(user)?;
    let Some(after) = after else {
        let (server, _) = servers.route(&user, None);
        return Some(Target { user, server, path: "", complete: false });
    };
    let (first, behind) = split(after);
    let (server, named) = servers.route(&user, decode(first).as_deref());
    let (path, complete) = if named { (behind.unwrap_or_default(), behind.is_some()) } else { (after, true) };
    Some(Target { user, server, path, complete })
}

/// The first segment, and what follows its slash.
fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('/').map_or((path, None), |(segment, rest)| (segment, Some(rest)))
}

fn decode(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok()
}

/// The query of a request with its question mark, or nothing.
pub fn query<B>(request: &Request<B>) -> String {
    request.uri().query().map(|query| format!("?{query}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::changes::Changes;
    use crate::auth::people::People;
    use crate::auth::shares::Shares;
    use crate::auth::tokens::Tokens;
    use crate::servers::registry::{Settings, Ties, Wanted};
    use crate::servers::systemd::Systemd;
    use crate::store::Store;
    use hubd_base::config::Config;
    use hubd_base::names::ServerName;

    /// Alice has a default server and one named `gpu`; the API asked for `lab` too, which nobody made.
    async fn servers(folder: &tempfile::TempDir) -> Servers {
        let store = Store::open(&folder.path().join("hub.sqlite")).unwrap();
        let people = Arc::new(People::load(store.clone(), Changes::default()).await.unwrap());
        let alice = UserName::parse("alice").unwrap();
        people.keep(alice.clone(), None, 1).await.unwrap();
        let tokens = Arc::new(Tokens::load(store.clone(), 1).await.unwrap());
        let shares = Arc::new(Shares::load(store.clone(), crate::auth::changes::Changes::default()).await.unwrap());
        let settings = Settings { named_limit: None, ..Settings::of(&Config::default()) };
        let ties = Ties { people, tokens, shares };
        let servers = Servers::load(Arc::new(Systemd::default()), store, settings, ties).await.unwrap();
        let named = |name| ServerId::new(alice.clone(), ServerName::parse(name).unwrap());
        servers.create(named("gpu"), Wanted::default()).await.unwrap();
        servers.get(&named(""));
        servers.get(&named("lab"));
        servers
    }

    #[tokio::test]
    async fn the_longest_name_of_a_server_that_exists_wins() {
        let folder = tempfile::tempdir().unwrap();
        let servers = servers(&folder).await;
        let of = |rest| {
            let target = find(&servers, rest)?;
            Some((target.id()?.to_string(), target.path.to_owned(), target.complete))
        };
        for (rest, id, path, complete) in [
            ("alice/lab/tree/x%2Fy", "alice", "lab/tree/x%2Fy", true),
            ("alice", "alice", "", false),
            ("alice/", "alice", "", true),
            ("alic%65/", "alice", "", true),
            ("alice/gpu", "alice:gpu", "", false),
            ("alice/gpu/", "alice:gpu", "", true),
            ("alice/g%70u/api/x%2Fy", "alice:gpu", "api/x%2Fy", true),
            ("alice/gpus/", "alice", "gpus/", true),
            ("alice/x/gpu/", "alice", "x/gpu/", true),
            ("alice//gpu/", "alice", "/gpu/", true),
            ("%C3%BCser/", "üser", "", true),
            ("bob/gpu/", "bob", "gpu/", true),
        ] {
            assert_eq!(of(rest), Some((id.to_owned(), path.to_owned(), complete)), "{rest}");
        }
    }

    #[tokio::test]
    async fn impossible_names_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let servers = servers(&folder).await;
        for rest in ["", "/", "a%2Fb/", "../", "%2e%2e/", "a%00/", "a%0a/", "%FF/", "a b/"] {
            assert!(find(&servers, rest).and_then(|target| target.id()).is_none(), "{rest}");
        }
    }
}
