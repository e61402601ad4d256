//! The text format of Prometheus.

use std::fmt::{Display, Write};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Family, Histogram};

/// Of the answer.
pub const CONTENT_TYPE: &str = "text/plain; version=1.0.0; charset=utf-8";
/// How names begin.
const PREFIX: &str = "jupyterhub";

/// The text under construction.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

impl Page {
    /// The text.
    pub fn finish(self) -> String {
        self.text
    }

    /// A number that goes up and down, for each value of its label. No label: one number with empty values.
    pub fn gauge(&mut self, name: &str, help: &str, label: &str, values: &[(&str, usize)]) {
        let name = self.head(name, help, "gauge");
        for (value, number) in values {
            let labels = if label.is_empty() { String::new() } else { braces(&[label], &[value]) };
            self.line(&format!("{name}{labels}"), number);
        }
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        let name = self.head(&format!("{name}_total"), help, "counter");
        self.line(&name, value);
    }

    pub(super) fn histograms<const N: usize>(&mut self, name: &str, help: &str, family: &Family<N>) {
        let name = self.head(name, help, "histogram");
        let known = family.known.read().unwrap_or_else(PoisonError::into_inner);
        for (values, histogram) in &*known {
            self.histogram(&name, &family.labels, values, histogram);
        }
        drop(known);
    }

    fn histogram(&mut self, name: &str, labels: &[&str], values: &[String], histogram: &Histogram) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let mut bounds: Vec<String> = histogram.bounds.iter().map(|bound| format!("{bound:?}")).collect();
        bounds.push("+Inf".to_owned());
        let mut count = 0;
        for (bound, bucket) in bounds.iter().zip(&histogram.buckets) {
            count += bucket.load(Ordering::Relaxed);
            let (labels, values) = ([labels, &["le"]].concat(), [&values[..], &[bound]].concat());
            self.line(&format!("{name}_bucket{}", braces(&labels, &values)), count);
        }
        let labels = braces(labels, &values);
        #[expect(clippy::cast_precision_loss, reason = "seconds with fifteen digits are enough")]
        let sum = histogram.sum_nanos.load(Ordering::Relaxed) as f64 / 1e9;
        self.line(&format!("{name}_sum{labels}"), sum);
        self.line(&format!("{name}_count{labels}"), count);
        self.line(&format!("{name}_created{labels}"), histogram.created);
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) -> String {
        let name = format!("{PREFIX}_{name}");
        self.describe(&name, help, kind);
        name
    }

    fn describe(&mut self, name: &str, help: &str, kind: &str) {
        // Writing into a string does not fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.text, "{name} {value}");
    }
}

/// `{method="GET",code="200"}`; nothing without labels.
fn braces(labels: &[&str], values: &[&str]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> =
        labels.iter().zip(values).map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// What every program tells of itself: `process_*`, from `/proc/self`. What cannot be read is left out.
pub fn process(page: &mut Page, started_seconds: f64) {
    use nix::unistd::{SysconfVar, sysconf};
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    let unit = |variable| sysconf(variable).ok().flatten().and_then(|value| u32::try_from(value).ok());
    let stat = read("stat");
    // Behind the program's name, which may hold blanks: field 3 and following of proc_pid_stat(5).
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u32>().ok());
    if let (Some(user), Some(system), Some(per_second)) = (ticks(11), ticks(12), unit(SysconfVar::CLK_TCK)) {
        let seconds = (f64::from(user) + f64::from(system)) / f64::from(per_second);
        page.describe("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", "counter");
        page.line("process_cpu_seconds_total", seconds);
    }
    if let Some(bytes) = fields.get(20).and_then(|field| field.parse::<u64>().ok()) {
        page.describe("process_virtual_memory_bytes", "Virtual memory size in bytes.", "gauge");
        page.line("process_virtual_memory_bytes", bytes);
    }
    page.describe("process_resident_memory_bytes", "Resident memory size in bytes.", "gauge");
    page.line("process_resident_memory_bytes", crate::observe::resident_bytes());
    page.describe("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", "gauge");
    page.line("process_start_time_seconds", started_seconds);
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        page.describe("process_open_fds", "Number of open file descriptors.", "gauge");
        page.line("process_open_fds", open.count());
    }
    let limits = read("limits");
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    if let Some(limit) = limit.and_then(|rest| rest.split_ascii_whitespace().next()) {
        page.describe("process_max_fds", "Maximum number of open file descriptors.", "gauge");
        page.line("process_max_fds", limit.replace("unlimited", "+Inf"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Metrics;
    use super::*;

    #[test]
    fn a_histogram_counts_upwards_and_ends_with_everything() {
        let metrics = Metrics::new();
        metrics.request("GET", "/hub/a\"b", 200, Duration::from_millis(5));
        metrics.request("GET", "/hub/a\"b", 200, Duration::from_millis(60));
        metrics.request("GET", "/hub/a\"b", 200, Duration::from_secs(11));
        let mut page = Page::default();
        metrics.write(&mut page);
        let text = page.finish();
        let line = |le: &str, count: u32| {
            format!(
                "jupyterhub_request_duration_seconds_bucket{{method=\"GET\",handler=\"/hub/a\\\"b\",code=\"200\",le=\"{le}\"}} {count}\n"
            )
        };
        for (le, count) in [("0.005", 1), ("0.05", 1), ("0.075", 2), ("1.0", 2), ("10.0", 2), ("+Inf", 3)] {
            assert!(text.contains(&line(le, count)), "{le} {count}\n{text}");
        }
        assert!(text.contains("_sum{method=\"GET\",handler=\"/hub/a\\\"b\",code=\"200\"} 11.065\n"), "{text}");
        assert!(text.contains("_count{method=\"GET\",handler=\"/hub/a\\\"b\",code=\"200\"} 3\n"), "{text}");
        assert!(
            text.contains("# TYPE jupyterhub_csp_reports_total counter\njupyterhub_csp_reports_total 0\n"),
            "{text}"
        );
        assert!(text.contains("jupyterhub_logout_duration_seconds_bucket{le=\"+Inf\"} 0\n"), "{text}");
    }

    #[test]
    fn the_process_tells_of_itself() {
        let mut page = Page::default();
        process(&mut page, 1.5);
        let text = page.finish();
        for name in ["cpu_seconds_total", "virtual_memory_bytes", "resident_memory_bytes", "open_fds", "max_fds"] {
            let value = text.lines().find_map(|line| line.strip_prefix(&format!("process_{name} ")));
            assert!(value.unwrap().parse::<f64>().unwrap() >= 0.0, "{text}");
        }
        assert!(text.contains("process_start_time_seconds 1.5\n"));
    }
}
