//! What a server uses, in words and as parts of what it may use.

use serde::Serialize;

use super::amounts;
use super::locale::Text;
use crate::servers::usage::{Machine, Reading, Usage};

/// One figure of a server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// Which: `memory`, `processors` or `tasks`.
    pub kind: &'static str,
    /// What it is, in the language of the page.
    #[serde(skip)]
    pub label: &'static str,
    /// How much, and of how much.
    pub text: String,
    /// From 0 to 1; `None` where there is no limit, or nothing is known.
    pub part: Option<f64>,
}

/// The figures of a server that runs. Where it has no limit of its own, the machine is its limit.
pub fn of(reading: Option<&Reading<Usage>>, machine: &Machine, text: Text) -> Vec<Figure> {
    let usage = reading.map(|reading| reading.usage).unwrap_or_default();
    let rate = reading.and_then(|reading| reading.cpu_percent);
    #[allow(clippy::cast_precision_loss, reason = "a part of a whole")]
    let number = |count: u64| count as f64;
    let memory_max = [usage.memory_max, usage.memory_high, machine.memory_total].into_iter().flatten().min();
    let percent_max = usage.cpu_quota.or_else(|| machine.cpus.map(|cpus| cpus.saturating_mul(100)));
    let said = |used: Option<String>, most: Option<String>| match (used, most) {
        (Some(used), Some(most)) => text.fill("usage.of", &[("used", &used), ("most", &most)]),
        (Some(used), None) => used,
        (None, _) => text.get("usage.unknown").to_owned(),
    };
    // The first reading has no rate yet; the next one comes soon.
    let processors = match (rate, usage.cpu_usec) {
        (None, Some(_)) => text.get("usage.soon").to_owned(),
        (rate, _) => said(rate.map(amounts::processors), percent_max.map(|most| amounts::processors(f64::from(most)))),
    };
    vec![
        Figure {
            kind: "memory",
            label: text.get("usage.memory"),
            text: said(usage.memory.map(amounts::bytes), memory_max.map(amounts::bytes)),
            part: part(usage.memory.map(number), memory_max.map(number)),
        },
        Figure {
            kind: "processors",
            label: text.get("usage.processors"),
            text: processors,
            part: part(rate, percent_max.map(f64::from)),
        },
        Figure {
            kind: "tasks",
            label: text.get("usage.tasks"),
            text: said(usage.tasks.map(|count| count.to_string()), usage.tasks_max.map(|most| most.to_string())),
            part: part(usage.tasks.map(number), usage.tasks_max.map(number)),
        },
    ]
}

/// In thousandths: pages are not the place for more.
fn part(used: Option<f64>, most: Option<f64>) -> Option<f64> {
    let most = most.filter(|most| *most > 0.0)?;
    Some(((used? / most).clamp(0.0, 1.0) * 1000.0).round() / 1000.0)
}

impl Figure {
    /// The value of the meter.
    pub(super) fn value(&self) -> f64 {
        self.part.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::locale::Language;

    fn shown(usage: Usage, machine: Machine, cpu_percent: Option<f64>) -> Vec<(String, Option<f64>)> {
        let reading = Reading::sample(usage, cpu_percent);
        let figures = of(Some(&reading), &machine, Text::of(Language::En));
        figures.into_iter().map(|figure| (figure.text, figure.part)).collect()
    }

    #[test]
    fn figures_are_told_with_their_limits() {
        let usage = Usage {
            memory: Some(512 << 20),
            memory_max: Some(2 << 30),
            cpu_usec: Some(1),
            cpu_quota: Some(200),
            tasks: Some(12),
            tasks_max: Some(500),
            ..Usage::default()
        };
        let machine = Machine { memory_total: Some(16 << 30), cpus: Some(8), ..Machine::default() };
        let wanted = [("512 MB of 2 GB", 0.25), ("0.5 of 2", 0.25), ("12 of 500", 0.024)];
        assert_eq!(shown(usage, machine, Some(50.0)), wanted.map(|(text, part)| (text.to_owned(), Some(part))));
    }

    #[test]
    fn without_a_limit_the_machine_is_the_limit() {
        let usage = Usage { memory: Some(4 << 30), cpu_usec: Some(1), tasks: Some(3), ..Usage::default() };
        let machine = Machine { memory_total: Some(16 << 30), cpus: Some(4), ..Machine::default() };
        let wanted = [("4 GB of 16 GB", Some(0.25)), ("1 of 4", Some(0.25)), ("3", None)];
        assert_eq!(shown(usage, machine, Some(100.0)), wanted.map(|(text, part)| (text.to_owned(), part)));
    }

    #[test]
    fn what_is_not_measured_is_said_and_the_first_rate_is_awaited() {
        let not = || ("not measured here".to_owned(), None);
        let machine = Machine { memory_total: Some(1), cpus: Some(4), ..Machine::default() };
        assert_eq!(shown(Usage::default(), machine, None), [not(), not(), not()]);
        let usage = Usage { cpu_usec: Some(1), ..Usage::default() };
        assert_eq!(shown(usage, machine, None)[1].0, "in a moment");
    }
}
