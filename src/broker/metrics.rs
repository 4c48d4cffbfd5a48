//! Counters in Prometheus' text format
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>). Written by hand:
//! prometheus-client produces the same text, but makes the binary 1.2 % larger and brings seven crates to save some
//! twenty lines.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 7] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// All counters.
#[derive(Default)]
pub struct Metrics {
    /// Requests by status; the commonest without a lock, as every request counts.
    served: AtomicU64,
    others: Mutex<Counters>,
}

#[derive(Default)]
struct Counters {
    requests: BTreeMap<u16, u64>,
    mints: BTreeMap<&'static str, u64>,
    limited: u64,
    failures_limited: u64,
    durations: [u64; BUCKETS.len()],
    slow: u64,
    seconds: f64,
}

/// Gauges of the pool.
pub struct Gauges {
    /// Valid tokens in memory.
    pub alive: usize,
    /// Seconds until the next one is renewed.
    pub next_renewal: Option<i64>,
    /// Mints waiting for their turn.
    pub waiting: usize,
    /// Installations with a rate limit of GitHub in force.
    pub paused: usize,
}

/// Gauges of the other parts.
pub struct Outside {
    /// The pool's gauges.
    pub pool: Gauges,
    /// Lines that the log has dropped.
    pub lines_dropped: u64,
    /// Open connections.
    pub connections: usize,
    /// Connections closed to make room for others.
    pub evicted: u64,
    /// Connections refused because none was idle to make room.
    pub refused: u64,
    /// The age of each issuer's keys, in seconds; `None`: there are none.
    pub keys: Vec<(String, Option<u64>)>,
    /// Lines that the audit log could not write, if there is one.
    pub audit_failures: Option<u64>,
}

impl Metrics {
    fn change(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.others.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Counts an answered request.
    pub fn request(&self, status: u16) {
        if status == 200 {
            self.served.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.change(|counters| *counters.requests.entry(status).or_default() += 1);
    }

    /// Counts a request refused by its identity's limit.
    pub fn limited(&self) {
        self.change(|counters| counters.limited += 1);
    }

    /// Counts a failed authentication refused by its address's limit.
    pub fn failure_limited(&self) {
        self.change(|counters| counters.failures_limited += 1);
    }

    /// Counts a mint; `outcome` is `ok`, `refused`, `temporary` or `failed`.
    pub fn mint(&self, outcome: &'static str, took: Duration) {
        self.change(|counters| {
            *counters.mints.entry(outcome).or_default() += 1;
            let seconds = took.as_secs_f64();
            counters.seconds += seconds;
            match BUCKETS.iter().position(|end| seconds <= *end) {
                Some(bucket) => counters.durations[bucket] += 1,
                None => counters.slow += 1,
            }
        });
    }

    /// Everything as text.
    pub fn to_text(&self, outside: &Outside) -> String {
        let mut text = String::new();
        let served = self.served.load(Ordering::Relaxed);
        self.change(|counters| {
            if served > 0 {
                counters.requests.insert(200, served);
            }
            // Writing to a String cannot fail.
            let _ = counters.write(&mut text);
        });
        let _ = outside.write(&mut text);
        text
    }
}

/// One metric without labels, with its help and type.
fn single(text: &mut String, name: &str, kind: &str, help: &str, value: impl Display) -> std::fmt::Result {
    writeln!(
        text,
        "# HELP github_app_{name} {help}\n# TYPE github_app_{name} {kind}\ngithub_app_{name} {value}"
    )
}

impl Counters {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "# HELP github_app_requests_total Requests answered, by status.")?;
        writeln!(text, "# TYPE github_app_requests_total counter")?;
        for (status, count) in &self.requests {
            writeln!(text, "github_app_requests_total{{status=\"{status}\"}} {count}")?;
        }
        writeln!(text, "# HELP github_app_mints_total Mints at GitHub, by outcome.")?;
        writeln!(text, "# TYPE github_app_mints_total counter")?;
        for (outcome, count) in &self.mints {
            writeln!(text, "github_app_mints_total{{outcome=\"{outcome}\"}} {count}")?;
        }
        let help = "Requests refused by the limit of their identity.";
        single(text, "rate_limited_total", "counter", help, self.limited)?;
        let help = "Unauthenticated requests refused by the limit of their address.";
        single(text, "failures_limited_total", "counter", help, self.failures_limited)?;
        writeln!(text, "# HELP github_app_mint_duration_seconds How long mints took.")?;
        writeln!(text, "# TYPE github_app_mint_duration_seconds histogram")?;
        let mut sum = 0;
        for (end, count) in BUCKETS.iter().zip(self.durations) {
            sum += count;
            writeln!(text, "github_app_mint_duration_seconds_bucket{{le=\"{end}\"}} {sum}")?;
        }
        let all = sum + self.slow;
        writeln!(text, "github_app_mint_duration_seconds_bucket{{le=\"+Inf\"}} {all}")?;
        writeln!(text, "github_app_mint_duration_seconds_sum {}", self.seconds)?;
        writeln!(text, "github_app_mint_duration_seconds_count {all}")
    }
}

impl Outside {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Self { pool, lines_dropped, connections, evicted, refused, keys, audit_failures } = self;
        single(text, "tokens_alive", "gauge", "Valid tokens in memory.", pool.alive)?;
        if let Some(seconds) = pool.next_renewal {
            let help = "Time until the next token is renewed.";
            single(text, "next_renewal_seconds", "gauge", help, seconds)?;
        }
        single(text, "mints_waiting", "gauge", "Mints waiting for their turn.", pool.waiting)?;
        let help = "Installations that GitHub rate limits, for which nothing is minted now.";
        single(text, "installations_paused", "gauge", help, pool.paused)?;
        let help = "Log lines dropped because the reader was too slow.";
        single(text, "log_lines_dropped_total", "counter", help, lines_dropped)?;
        single(text, "connections", "gauge", "Open connections.", connections)?;
        let help = "Idle connections that were closed to make room for others.";
        single(text, "connections_evicted_total", "counter", help, evicted)?;
        let help = "Connections refused because all places were busy.";
        single(text, "connections_refused_total", "counter", help, refused)?;
        if let Some(failures) = audit_failures {
            let help = "Lines that could not be written to the audit log.";
            single(text, "audit_failures_total", "counter", help, failures)?;
        }
        if !keys.is_empty() {
            writeln!(
                text,
                "# HELP github_app_issuer_keys_age_seconds Age of an issuer's keys; an issuer without keys has no line."
            )?;
            writeln!(text, "# TYPE github_app_issuer_keys_age_seconds gauge")?;
        }
        for (issuer, age) in keys {
            if let Some(age) = age {
                writeln!(text, "github_app_issuer_keys_age_seconds{{issuer=\"{issuer}\"}} {age}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up_and_each_metric_has_its_type() {
        let metrics = Metrics::default();
        metrics.request(200);
        metrics.request(429);
        metrics.limited();
        for millis in [50, 300, 60_000] {
            metrics.mint("ok", Duration::from_millis(millis));
        }
        let pool = Gauges { alive: 2, next_renewal: Some(30), waiting: 3, paused: 1 };
        let keys = vec![("ci".to_owned(), Some(8)), ("down".to_owned(), None)];
        let outside = Outside {
            pool,
            lines_dropped: 4,
            connections: 5,
            evicted: 6,
            refused: 7,
            keys,
            audit_failures: Some(9),
        };
        let text = metrics.to_text(&outside);
        for line in [
            "github_app_requests_total{status=\"200\"} 1",
            "github_app_rate_limited_total 1",
            "github_app_mints_total{outcome=\"ok\"} 3",
            "github_app_tokens_alive 2",
            "github_app_mints_waiting 3",
            "github_app_installations_paused 1",
            "github_app_log_lines_dropped_total 4",
            "github_app_connections 5",
            "github_app_connections_evicted_total 6",
            "github_app_connections_refused_total 7",
            "github_app_audit_failures_total 9",
            "github_app_issuer_keys_age_seconds{issuer=\"ci\"} 8",
            "github_app_failures_limited_total 0",
            "github_app_next_renewal_seconds 30",
            "github_app_mint_duration_seconds_bucket{le=\"0.1\"} 1",
            "github_app_mint_duration_seconds_bucket{le=\"0.5\"} 2",
            "github_app_mint_duration_seconds_bucket{le=\"10\"} 2",
            "github_app_mint_duration_seconds_bucket{le=\"+Inf\"} 3",
            "github_app_mint_duration_seconds_count 3",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
        }
        let named = text.lines().filter(|line| line.starts_with("# TYPE")).count();
        assert_eq!(named, 15);
    }
}
