//! The variables that programs written for `JupyterHub` read, for people's servers and for services. None is secret:
//! tokens go the way of [`crate::secrets`].
//!
//! Invariant: two kinds of server differ in what is left out, never in what a variable means. Pure.

use hubd_base::config::{Config, Service};
use hubd_base::limits::{Limit, Limits};
use hubd_base::names::ServerId;

/// Name and value.
pub type Variable = (&'static str, String);

/// What the variables say about the hub itself.
#[derive(Clone, Copy)]
pub struct Hub<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Where the API is for programs on this machine, without a slash at its end; `None` when it is not on TCP.
    pub api_url: Option<&'a str>,
}

impl Hub<'_> {
    /// The path of a server: `/user/alice/gpu/`.
    pub fn server_prefix(&self, id: &ServerId) -> String {
        format!("{}user/{}/", self.config.hub.base_url, id.url_segment())
    }

    fn service_prefix(&self, service: &Service) -> String {
        format!("{}services/{}/", self.config.hub.base_url, service.name)
    }

    /// A path as people's browsers reach it; empty when the hub does not know its own address.
    fn public(&self, path: &str) -> String {
        self.config.hub.public_url.as_ref().map(|public| format!("{public}{path}")).unwrap_or_default()
    }

    /// For everybody. `prefix` is the path that the program is responsible for.
    fn common(&self, prefix: Option<String>) -> Vec<Variable> {
        let base_url = &self.config.hub.base_url;
        let mut all = vec![
            ("JUPYTERHUB_BASE_URL", base_url.clone()),
            // Empty: servers and hub are on one host.
            ("JUPYTERHUB_HOST", String::new()),
            ("JUPYTERHUB_PUBLIC_HUB_URL", self.public(&format!("{base_url}hub/"))),
            ("JUPYTERHUB_PUBLIC_URL", prefix.as_ref().map(|prefix| self.public(prefix)).unwrap_or_default()),
        ];
        all.extend(self.api_url.map(|url| ("JUPYTERHUB_API_URL", url.to_owned())));
        all.extend(prefix.map(|prefix| ("JUPYTERHUB_SERVICE_PREFIX", prefix)));
        all
    }

    /// For a server of any kind: who it is, and how its programs find the hub.
    ///
    /// `JupyterLab` itself reads none of these. What is missing here would make it, or an extension, believe that it
    /// has to do the login itself. `allowed`: what it may use.
    pub fn server(&self, id: &ServerId, allowed: &Limits) -> Vec<Variable> {
        let mut all = self.common(Some(self.server_prefix(id)));
        all.push(("JUPYTERHUB_USER", id.user.as_str().to_owned()));
        all.push(("JUPYTERHUB_SERVER_NAME", id.server.as_str().to_owned()));
        let activity = |url| format!("{url}/users/{}/activity", id.user.url_segment());
        all.extend(self.api_url.map(|url| ("JUPYTERHUB_ACTIVITY_URL", activity(url))));
        all.extend(limits(allowed));
        all
    }

    /// Beyond [`Hub::server`], for `jupyterhub-singleuser`: it is its own door, and asks the hub who comes.
    pub fn singleuser(&self, id: &ServerId, socket: &str, root_dir: &str) -> Vec<Variable> {
        let prefix = self.server_prefix(id);
        let server = &self.config.server;
        let access =
            [format!("access:servers!server={}/{}", id.user, id.server), format!("access:servers!user={}", id.user)];
        let mut all = vec![
            // A path in place of host and port. A port here would be refused beside --ServerApp.sock.
            ("JUPYTERHUB_SERVICE_URL", format!("http+unix://{}{prefix}", socket.replace('/', "%2F"))),
            ("JUPYTERHUB_ROOT_DIR", root_dir.to_owned()),
            ("JUPYTERHUB_DEFAULT_URL", server.default_url.clone()),
        ];
        all.extend(oauth(
            id.client_id(),
            format!("{prefix}oauth_callback"),
            &access,
            &server.oauth_client_allowed_scopes,
        ));
        all
    }

    /// For a service that the hub starts.
    pub fn service(&self, service: &Service) -> Vec<Variable> {
        let prefix = service.url.as_ref().map(|_| self.service_prefix(service));
        let callback = match (&service.oauth_redirect_uri, &prefix) {
            (Some(configured), _) => configured.clone(),
            (None, Some(prefix)) => format!("{prefix}oauth_callback"),
            (None, None) => "oauth_callback".to_owned(),
        };
        let access = ["access:services".to_owned(), format!("access:services!service={}", service.name)];
        let url = service.url.as_ref().map_or("http://127.0.0.1:0/", |url| url.text.as_str());
        let mut all = self.common(prefix);
        all.extend([
            ("JUPYTERHUB_SERVICE_NAME", service.name.to_string()),
            ("JUPYTERHUB_SERVICE_URL", url.to_owned()),
            ("JUPYTERHUB_USER", String::new()),
            ("JUPYTERHUB_SERVER_NAME", String::new()),
        ]);
        all.extend(oauth(service.client_id(), callback, &access, &service.oauth_client_allowed_scopes));
        all.extend(limits(&service.limits));
        all
    }
}

fn oauth(client_id: String, callback: String, access: &[String], allowed: &[String]) -> [Variable; 6] {
    let access = json(access);
    [
        ("JUPYTERHUB_CLIENT_ID", client_id),
        ("JUPYTERHUB_OAUTH_CALLBACK_URL", callback),
        ("JUPYTERHUB_OAUTH_ACCESS_SCOPES", access.clone()),
        ("JUPYTERHUB_OAUTH_SCOPES", access),
        ("JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES", json(allowed)),
        ("JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED", "0".to_owned()),
    ]
}

/// What extensions that show the use of memory and CPU compare it with: bytes, and a number of CPUs.
fn limits(limits: &Limits) -> impl Iterator<Item = Variable> {
    let memory = limits.number(Limit::MemoryMax).map(|bytes| ("MEM_LIMIT", bytes.to_string()));
    let percent = limits.number(Limit::CpuQuota).and_then(|percent| u32::try_from(percent).ok());
    let cpu = percent.map(|percent| ("CPU_LIMIT", (f64::from(percent) / 100.0).to_string()));
    memory.into_iter().chain(cpu)
}

fn json(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}
