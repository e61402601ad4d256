//! A hub on a loopback port, and a browser that talks to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hubd::app::{App, Parts};
use hubd::auth::accounts::Accounts;
use hubd::auth::login;
use hubd::auth::sessions::Session;
use hubd::auth::tokens::{Kind, NewToken, Owner};
use hubd::http::listen::Listeners;
use hubd::http::origin::{Administrator, Authority};
use hubd::http::serve::{self, End};
use hubd::servers::watch;
use hubd::store::Store;
use hubd_base::config::{self, Config};
use hubd_base::names::{ServerId, UserName};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::fake_pam;
use crate::journals::FakeJournals;
use crate::keeper::FakeKeeper;
use crate::launcher::{DEADLINE, FakeLauncher};
use crate::service_launcher::FakeServices;

pub struct World {
    pub app: Arc<App>,
    pub launcher: Arc<FakeLauncher>,
    pub services: Arc<FakeServices>,
    pub journals: Arc<FakeJournals>,
    pub keeper: Arc<FakeKeeper>,
    pub address: SocketAddr,
    pub authorized: Arc<AtomicBool>,
    pub folder: TempDir,
    /// Why it serves no longer, once that is so.
    pub served: JoinHandle<std::io::Result<End>>,
    stop: DropGuard,
}

struct Yes(Arc<AtomicBool>);

impl Authority for Yes {
    fn check(&self, _: OwnedFd) -> BoxFuture<'_, Result<Option<Administrator>, String>> {
        let yes = self.0.load(Ordering::Relaxed);
        Box::pin(async move { Ok(yes.then(|| Administrator { name: "root".into() })) })
    }

    fn person(&self, _: OwnedFd) -> BoxFuture<'_, Result<Option<UserName>, String>> {
        Box::pin(async { Ok(UserName::parse("alice").ok()) })
    }
}

/// Every account exists but those that begin with `no-`, or have upper-case letters. For `lost-` the name service is
/// away. `staff-ann` is in the group `staff`, and everybody in `users`.
struct Everybody;

impl Accounts for Everybody {
    fn find(&self, names: Vec<UserName>) -> BoxFuture<'_, Result<Vec<Option<UserName>>, String>> {
        let find = |name: UserName| {
            let unknown = name.as_str().starts_with("no-") || name.as_str().contains(char::is_uppercase);
            (!unknown).then_some(name)
        };
        let lost = names.iter().any(|name| name.as_str().starts_with("lost-"));
        Box::pin(async move { if lost { Err("away".into()) } else { Ok(names.into_iter().map(find).collect()) } })
    }

    fn groups(&self, name: UserName) -> BoxFuture<'_, Result<Vec<String>, String>> {
        let named = name.as_str().split_once('-').map(|(group, _)| group.to_owned());
        Box::pin(async move { Ok(named.into_iter().chain(["users".to_owned()]).collect()) })
    }
}

impl World {
    /// What the round at the hub leaves, by which a server of kind `singleuser` lets its own person's newest session in.
    pub async fn let_in_by_the_server(&self, user: &str) -> Arc<Session> {
        let server = self.app.servers.get(&id(user));
        let session = self.app.sessions.all(hubd::clock::now()).pop().unwrap();
        let new = NewToken {
            owner: Owner::User(session.user.clone()),
            kind: Kind::OAuth,
            client: Some(server.client.clone()),
            session: Some(session.public_id.clone()),
            scopes: vec!["inherit".into()],
            note: String::new(),
            created: hubd::clock::now(),
            expires: None,
        };
        self.app.tokens.create(new).await.unwrap();
        session
    }

    pub async fn new(configuration: &str) -> Self {
        Self::with(configuration, |_| {}).await
    }

    /// With a configuration that is changed once it was read.
    pub async fn with(configuration: &str, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hub.toml"), configuration).unwrap();
        let mut config = config::load(folder.path()).map_err(|errors| format!("{errors:?}")).unwrap().config;
        change(&mut config);
        Self::start(folder, config).await
    }

    /// With a configuration that no file says.
    pub async fn of(config: Config) -> Self {
        Self::start(tempfile::tempdir().unwrap(), config).await
    }

    /// Another hub with the same configuration and a copy of the database as it is now.
    pub async fn restarted(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap) {
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
            }
        }
        Self::start(folder, self.app.config.clone()).await
    }

    /// One that gives a login up after that long.
    pub async fn patient(patience: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let launcher = FakeLauncher::new(folder.path().to_owned());
        let services = FakeServices::new(folder.path().to_owned());
        Self::begin(folder, Config::default(), launcher, services, patience).await
    }

    async fn start(folder: TempDir, config: Config) -> Self {
        let launcher = FakeLauncher::new(folder.path().to_owned());
        let services = FakeServices::new(folder.path().to_owned());
        Self::begin(folder, config, launcher, services, login::DEADLINE).await
    }

    /// The hub ends and begins again; what systemd runs and the database stay.
    pub async fn again(self, change: impl FnOnce(&mut Config)) -> Self {
        let Self { app, launcher, services, folder, stop, .. } = self;
        drop(stop);
        let mut config = app.config.clone();
        change(&mut config);
        Self::begin(folder, config, launcher, services, login::DEADLINE).await
    }

    async fn begin(
        folder: TempDir,
        config: Config,
        launcher: Arc<FakeLauncher>,
        services: Arc<FakeServices>,
        patience: Duration,
    ) -> Self {
        let authorized = Arc::new(AtomicBool::new(true));
        let keeper = FakeKeeper::new();
        let login_socket = folder.path().join("login.sock");
        let control_socket = folder.path().join("control.sock");
        for socket in [&login_socket, &control_socket] {
            let _ = std::fs::remove_file(socket);
        }
        tokio::spawn(fake_pam::run(UnixListener::bind(&login_socket).unwrap()));
        let journals = Arc::<FakeJournals>::default();
        let parts = Parts {
            config,
            database: folder.path().join("hub.sqlite"),
            login_socket,
            login_deadline: patience,
            launcher: Arc::clone(&launcher) as Arc<_>,
            service_launcher: Arc::clone(&services) as Arc<_>,
            journals: Arc::clone(&journals) as Arc<_>,
            authority: Arc::new(Yes(Arc::clone(&authorized))),
            accounts: Arc::new(Everybody),
            keeper: Arc::clone(&keeper) as Arc<_>,
        };
        let stop = CancellationToken::new();
        let app = App::new(parts, stop.clone()).await.unwrap();
        let network = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        network.set_nonblocking(true).unwrap();
        let address = network.local_addr().unwrap();
        let control = std::os::unix::net::UnixListener::bind(control_socket).unwrap();
        control.set_nonblocking(true).unwrap();
        let listeners = Listeners { network: vec![network], control: vec![control] };
        let (looked, ready) = tokio::sync::oneshot::channel();
        tokio::spawn(watch::run(app.servers.clone(), stop.clone(), move || looked.send(()).unwrap()));
        timeout(DEADLINE, ready).await.unwrap().unwrap();
        let (settled, ready) = tokio::sync::oneshot::channel();
        tokio::spawn(app.manager.clone().run(stop.clone(), move || settled.send(()).unwrap()));
        timeout(DEADLINE, ready).await.unwrap().unwrap();
        let served = tokio::spawn(serve::run(Arc::clone(&app), listeners, stop.clone()));
        Self { app, launcher, services, journals, keeper, address, authorized, folder, served, stop: stop.drop_guard() }
    }

    /// A second look at the database.
    pub fn store(&self) -> Store {
        Store::open(&self.folder.path().join("hub.sqlite")).unwrap()
    }

    /// Waits for what is told by no event.
    pub async fn until<F: Future<Output = bool>>(&self, mut holds: impl FnMut() -> F) {
        let wait = async {
            while !holds().await {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, wait).await.expect("it never came true");
    }

    pub fn browser(&self) -> Browser {
        Browser { address: self.address, cookies: BTreeMap::new() }
    }

    /// A browser of that person, logged in.
    pub async fn browser_of(&self, user: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.login(user, "right").await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        browser
    }

    /// The same, with the person's server running and the gate passed.
    pub async fn browser_in_server_of(&self, user: &str) -> Browser {
        let mut browser = self.browser_of(user).await;
        self.app.servers.start(&id(user)).unwrap();
        self.wait_for(user, "running").await;
        let answer = browser.follow(&format!("/user/{user}/show")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        browser
    }

    pub async fn wait_for(&self, user: &str, state: &str) {
        let mut changes = self.app.servers.get(&id(user)).follow();
        let reached = changes.wait_for(|snapshot| snapshot.state.word() == state);
        assert!(timeout(DEADLINE, reached).await.is_ok(), "the server of {user} never was {state}");
    }
}

pub fn id(user: &str) -> ServerId {
    ServerId::default_of(UserName::parse(user).unwrap())
}

/// A browser: one connection per request, cookies by path, no redirects by itself.
pub struct Browser {
    address: SocketAddr,
    /// (path, name) -> value
    pub cookies: BTreeMap<(String, String), String>,
}

pub struct Answer {
    pub status: u16,
    pub headers: hyper::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The scopes that a consent page asks for.
    pub fn scopes(&self) -> Vec<String> {
        let text = self.text();
        let inputs = text.split("name=\"scopes\" value=\"").skip(1);
        inputs.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    }

    /// Where the form of a consent page goes, and what it sends.
    pub fn consent(&self) -> (String, String) {
        let text = self.text();
        let (_, rest) = text.split_once("id=\"authorize\" method=\"post\" action=\"").expect("a consent page");
        let action = rest.split('"').next().unwrap().replace("&#38;", "&");
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("_xsrf", &self.field("_xsrf"));
        form.extend_pairs(self.scopes().iter().map(|scope| ("scopes", scope)));
        (action, form.finish())
    }

    /// The value of the last hidden field of that name in the page's content; the frame has forms before and after.
    pub fn field(&self, name: &str) -> String {
        let mut text = self.text();
        if let Some(end) = text.find("</main>") {
            text.truncate(end);
        }
        let (_, rest) = text.rsplit_once(&format!("name=\"{name}\" value=\"")).expect("the form has the field");
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl Browser {
    /// The hub is at another port from now on.
    pub fn move_to(&mut self, world: &World) {
        self.address = world.address;
    }

    pub fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        let mut builder = Request::builder().method(method).uri(path).header("host", "hub.example.org");
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|((scope, _), _)| path.starts_with(scope.as_str()))
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            builder = builder.header("cookie", cookies.join("; "));
        }
        builder
    }

    pub async fn open(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        timeout(DEADLINE, sender.send_request(request)).await.unwrap().unwrap()
    }

    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let response = self.open(request).await;
        let (head, body) = response.into_parts();
        let body = timeout(DEADLINE, body.collect()).await.unwrap().unwrap().to_bytes();
        for cookie in head.headers.get_all("set-cookie") {
            self.keep(cookie.to_str().unwrap());
        }
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    fn keep(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let path = attributes.split("Path=").nth(1).unwrap().split(';').next().unwrap();
        let key = (path.to_owned(), name.to_owned());
        if attributes.contains("Max-Age=0") {
            self.cookies.remove(&key);
        } else {
            self.cookies.insert(key, value.to_owned());
        }
    }

    /// A navigation.
    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.request("GET", path).header("accept", "text/html,*/*").header("sec-fetch-mode", "navigate");
        self.send(request.body(Full::default()).unwrap()).await
    }

    /// A navigation with its redirects.
    pub async fn follow(&mut self, path: &str) -> Answer {
        let mut path = path.to_owned();
        for _ in 0..10 {
            let answer = self.get(&path).await;
            if !StatusCode::from_u16(answer.status).unwrap().is_redirection() {
                return answer;
            }
            answer.header("location").clone_into(&mut path);
        }
        panic!("redirected without end, last to {path}");
    }

    /// As [`Browser::follow`], agreeing where the hub asks first.
    pub async fn enter(&mut self, path: &str) -> Answer {
        let page = self.follow(path).await;
        if !page.text().contains("id=\"agree\"") {
            return page;
        }
        let (action, form) = page.consent();
        let location = self.post(&action, &form).await.header("location").to_owned();
        self.follow(&location).await
    }

    pub async fn post(&mut self, path: &str, form: &str) -> Answer {
        let request = self.request("POST", path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Full::from(form.to_owned())).unwrap()).await
    }

    pub async fn login(&mut self, user: &str, password: &str) -> Answer {
        let xsrf = self.get("/hub/login").await.field("_xsrf");
        self.post("/hub/login", &format!("_xsrf={xsrf}&username={user}&password={password}&next=")).await
    }
}

/// A call on the control socket.
pub async fn control(folder: &Path, method: &str, path: &str) -> Answer {
    control_as(folder, method, path, "").await
}

/// A call on the control socket that says as whom.
pub async fn control_as(folder: &Path, method: &str, path: &str, whom: &str) -> Answer {
    let stream = UnixStream::connect(folder.join("control.sock")).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", "localhost").header("x-hub-as", whom);
    let response = sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    Answer { status: head.status.as_u16(), headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
}
