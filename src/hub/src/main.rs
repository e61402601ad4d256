//! hubd: started by `hub.socket`, serves until told to stop.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hubd::app::{App, Parts, VERSION};
use hubd::auth::accounts::NameService;
use hubd::auth::{login, standing};
use hubd::clock::{Usec, now};
use hubd::http::listen::{self, Listeners};
use hubd::http::origin::{Administrator, Authority};
use hubd::http::serve::{self, End};
use hubd::journals;
use hubd::observe::metrics::metrics;
use hubd::servers::keeper::Broker;
use hubd::servers::systemd::{Bus, Systemd};
use hubd::services::systemd::Systemd as SystemdServices;
use hubd::{observe, servers};
use hubd_base::config;
use hubd_base::names::UserName;
use hubd_proto::broker;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// `EX_CONFIG` of sysexits.h: `hub.service` does not restart after it.
const BAD_CONFIGURATION: u8 = 78;
/// Where `hub-login.socket` listens.
const LOGIN_SOCKET: &str = "/run/hub/login.sock";
/// `StateDirectory=hub`, unless systemd names another.
const STATE_DIRECTORY: &str = "/var/lib/hub";
/// Between two writes of the servers' last activity.
const ACTIVITY_INTERVAL: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("--version") => {
            println!("hubd {VERSION}");
            return ExitCode::SUCCESS;
        }
        Some(_) => {
            eprintln!("hubd takes no arguments but --version. It is started by systemd: systemctl start hub.socket");
            return ExitCode::from(2);
        }
    }
    observe::start();
    let listeners = match listen::take() {
        Ok(listeners) => listeners,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let loaded = match config::load(Path::new(config::DIR)) {
        Ok(loaded) => loaded,
        Err(errors) => {
            // Not by the journal's own socket: this process ends before the journal could tell whose line it is.
            let priority = if std::env::var_os("JOURNAL_STREAM").is_some() { "<3>" } else { "" };
            for error in &errors {
                eprintln!("{priority}{error}");
            }
            listen::turn_away(
                &listeners,
                "The hub's configuration has a mistake. Administrators: run `hubctl config check`.\n\
                 配置文件有误。管理员请运行 `hubctl config check`。\n",
            );
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("cannot start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(run(loaded.config, listeners))
}

async fn run(config: config::Config, listeners: Listeners) -> ExitCode {
    let stop = CancellationToken::new();
    let state = std::env::var_os("STATE_DIRECTORY").map_or_else(|| PathBuf::from(STATE_DIRECTORY), PathBuf::from);
    let bus = Arc::new(Bus::default());
    let keeper = Arc::new(Broker { bus: Arc::clone(&bus) });
    let parts = Parts {
        config,
        database: state.join("hub.sqlite"),
        login_socket: LOGIN_SOCKET.into(),
        login_deadline: login::DEADLINE,
        launcher: Arc::new(Systemd { bus: Arc::clone(&bus), ..Systemd::default() }),
        service_launcher: Arc::new(SystemdServices { bus: Arc::clone(&bus) }),
        journals: Arc::new(journals::Broker { bus: Arc::clone(&bus) }),
        authority: Arc::new(Polkit(bus)),
        accounts: Arc::new(NameService),
        keeper,
    };
    let app = match App::new(parts, stop.clone()).await {
        Ok(app) => app,
        Err(error) => {
            tracing::error!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = stop_on_signals(stop.clone()) {
        tracing::error!("cannot follow signals: {error}");
        return ExitCode::FAILURE;
    }
    let (looked, ready) = tokio::sync::oneshot::channel();
    let watching = servers::watch::run(app.servers.clone(), stop.clone(), move || {
        let _ = looked.send(());
    });
    let watching = tokio::spawn(watching);
    // Not waited for: services may take their time, and they ask this very hub.
    let managing = tokio::spawn(app.manager.clone().run(stop.clone(), || {}));
    // Not waited for: a directory far away must not delay the first answer.
    let reviewed = Arc::clone(&app);
    tokio::spawn(async move {
        let App { config, people, sessions, tokens, .. } = &*reviewed;
        standing::review(config, people, sessions, tokens).await;
    });
    let (relieved, end) = (Arc::clone(&app), stop.clone());
    tokio::spawn(async move { relieved.idle.watch_memory(end, || relieved.stays.enter()).await });
    let keeping = tokio::spawn(keep_activity(Arc::clone(&app), stop.clone()));
    // Ready means that running servers are known; without a bus the hub serves all the same, and says so.
    let looked_for = tokio::time::timeout(Duration::from_secs(5), ready).await;
    let took = since(app.started);
    if looked_for.is_ok() {
        metrics().first_look.of([]).observe(took);
    }
    metrics().startup.of([]).observe(took);
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status("Serving")]);
    let served = serve::run(Arc::clone(&app), listeners, stop.clone()).await;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    stop.cancel();
    let _ = tokio::join!(watching, managing, keeping);
    match served {
        Ok(End::Told) => ExitCode::SUCCESS,
        Ok(End::Idle) => {
            tracing::info!(
                message_id = observe::HUB_IDLE,
                "Nobody needs the hub; it ends, and the next connection starts it again"
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("cannot serve: {error}");
            ExitCode::FAILURE
        }
    }
}

fn stop_on_signals(stop: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
    Ok(())
}

/// The time that has passed since a moment of this process.
fn since(moment: Usec) -> Duration {
    Duration::from_micros(u64::try_from(now().saturating_sub(moment)).unwrap_or(0))
}

/// Writes who was active every now and then, and once more at the end.
async fn keep_activity(app: Arc<App>, stop: CancellationToken) {
    let mut saved = now();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(ACTIVITY_INTERVAL) => {}
        }
        let before = now();
        app.servers.save_activity().await;
        if let Err(error) = app.tokens.save_activity(saved, before).await {
            tracing::warn!("cannot write the last use of tokens, retrying with the next batch: {error}");
        }
        saved = before;
    }
}

/// Asks the broker, which sees real user ids and asks polkit.
struct Polkit(Arc<Bus>);

impl Authority for Polkit {
    fn check(&self, socket: std::os::fd::OwnedFd) -> BoxFuture<'_, Result<Option<Administrator>, String>> {
        Box::pin(async move { Ok(self.peer(socket, broker::ACTION_MANAGE).await?.map(|name| Administrator { name })) })
    }

    fn person(&self, socket: std::os::fd::OwnedFd) -> BoxFuture<'_, Result<Option<UserName>, String>> {
        Box::pin(async move {
            let name = self.peer(socket, broker::ACTION_USE_OWN).await?;
            name.map(|name| UserName::parse(&name).map_err(|error| error.to_string())).transpose()
        })
    }
}

impl Polkit {
    /// The peer's name, if it may do this.
    async fn peer(&self, socket: std::os::fd::OwnedFd, action: &str) -> Result<Option<String>, String> {
        let asked = (zbus::zvariant::OwnedFd::from(socket), action);
        let reply = self.0.broker(broker::METHOD_CHECK_PEER, &asked).await.map_err(|error| error.to_string())?;
        let (authorized, name, _uid): (bool, String, u32) =
            reply.body().deserialize().map_err(|error| error.to_string())?;
        Ok(authorized.then_some(name))
    }
}
