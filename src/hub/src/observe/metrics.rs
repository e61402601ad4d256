//! Counters for Prometheus (contract 10): what this process did since it began.
//!
//! Counting is a few atomic additions; the text is made when somebody asks for it. No label ever names a person.

mod text;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use text::{CONTENT_TYPE, Page, process};

/// Upper bounds in seconds where nothing else is said; one without bound follows.
const BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Of a start.
const START_BUCKETS: &[f64] = &[0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0];
/// Of the loop of a single-threaded hub.
const LOOP_BUCKETS: &[f64] = &[0.05, 0.055, 0.06, 0.065, 0.07, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often something took how long.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, each counting what lies between it and the one before; the last one what lies beyond.
    buckets: Box<[AtomicU64]>,
    sum_nanos: AtomicU64,
    /// Seconds since 1970.
    created: f64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, sum_nanos: AtomicU64::new(0), created }
    }

    /// Counts one more.
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let index = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.buckets.get(index) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Histograms of one name, told apart by the values of their labels.
#[derive(Debug)]
pub struct Family<const N: usize> {
    labels: [&'static str; N],
    bounds: &'static [f64],
    known: RwLock<BTreeMap<[String; N], Arc<Histogram>>>,
}

impl<const N: usize> Family<N> {
    fn new(labels: [&'static str; N], bounds: &'static [f64], known: &[[&str; N]]) -> Self {
        let family = Self { labels, bounds, known: RwLock::default() };
        for values in known {
            family.of(*values);
        }
        family
    }

    /// The histogram of these values. There must be few of them: each stays in memory.
    pub fn of(&self, values: [&str; N]) -> Arc<Histogram> {
        let values = values.map(str::to_owned);
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&values) {
            return Arc::clone(known);
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(values).or_insert_with(|| Arc::new(Histogram::new(self.bounds))))
    }
}

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    /// Answers of pages and API by method, route and status. What goes on to servers and services is not counted.
    pub requests: Family<3>,
    /// Starts of servers by status (`success`, `failure`, `error`) and reason.
    pub starts: Family<2>,
    /// Stops of servers by status (`success`, `failure`).
    pub stops: Family<1>,
    /// Waking suspended servers.
    pub wakes: Family<0>,
    /// Logins by status (`success`, `failure`).
    pub logins: Family<1>,
    /// Logouts.
    pub logouts: Family<0>,
    /// From the start of this process until it serves.
    pub startup: Family<0>,
    /// From the start of this process until all running servers are known.
    pub first_look: Family<0>,
    /// Reports of pages that broke their policy.
    pub csp_reports: Counter,
}

impl Metrics {
    fn new() -> Self {
        let by_status = &[["success"], ["failure"]];
        Self {
            requests: Family::new(["method", "handler", "code"], BUCKETS, &[]),
            starts: Family::new(
                ["status", "reason"],
                START_BUCKETS,
                &[["success", ""], ["failure", ""], ["failure", "exited"], ["error", ""]],
            ),
            stops: Family::new(["status"], BUCKETS, by_status),
            wakes: Family::new([], BUCKETS, &[[]]),
            logins: Family::new(["status"], BUCKETS, by_status),
            logouts: Family::new([], BUCKETS, &[[]]),
            startup: Family::new([], BUCKETS, &[[]]),
            first_look: Family::new([], BUCKETS, &[[]]),
            csp_reports: Counter::default(),
        }
    }

    /// Counts an answer of pages or API. `route` is the pattern, not the path.
    pub fn request(&self, method: &str, route: &str, code: u16, took: Duration) {
        self.requests.of([method, route, &code.to_string()]).observe(took);
    }

    /// Writes everything that is counted, under the names of the contract.
    pub fn write(&self, page: &mut Page) {
        page.histograms("request_duration_seconds", "Time to answer pages and API calls", &self.requests);
        page.histograms("server_spawn_duration_seconds", "Time to start a server", &self.starts);
        page.histograms("server_stop_seconds", "Time to stop a server", &self.stops);
        page.histograms("server_wake_seconds", "Time to wake a suspended server", &self.wakes);
        page.histograms("login_duration_seconds", "Time of a login attempt", &self.logins);
        page.histograms("logout_duration_seconds", "Time of a logout", &self.logouts);
        page.histograms("hub_startup_duration_seconds", "Time until the hub served", &self.startup);
        page.histograms("init_spawners_duration_seconds", "Time until running servers were known", &self.first_look);
        page.counter("csp_reports", "Reports of pages that broke their content policy", self.csp_reports.get());
        // Of a proxy that is another program, a spawner that is asked again and again, and a single-threaded loop: this
        // hub has none of them, and dashboards find the names they know.
        for name in ["check_routes_duration_seconds", "proxy_poll_duration_seconds"] {
            page.histograms(name, "Nothing takes this time here", &Family::new([], BUCKETS, &[[]]));
        }
        let by_status = [["success"], ["failure"]];
        for name in ["proxy_add_duration_seconds", "proxy_delete_duration_seconds"] {
            page.histograms(name, "Nothing takes this time here", &Family::new(["status"], BUCKETS, &by_status));
        }
        let polls = Family::new(["status"], BUCKETS, &[["running"], ["stopped"]]);
        page.histograms("server_poll_duration_seconds", "Nothing takes this time here", &polls);
        let turns = Family::new([], LOOP_BUCKETS, &[[]]);
        page.histograms("event_loop_interval_seconds", "Nothing takes this time here", &turns);
    }
}

/// The metrics of this process.
pub fn metrics() -> &'static Metrics {
    static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
    &METRICS
}
