//! What the server counts. Each server has a registry of its own; there are no globals.
//!
//! It must not know routes or subjects: what a request asked for is a word that the adapter gives,
//! one of a fixed set, and never a path.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

type Label = [(&'static str, &'static str); 1];

const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

/// In seconds: from a small answer out of memory to an upload of gigabytes.
const DURATIONS: [f64; 11] =
    [0.000_5, 0.001, 0.002_5, 0.01, 0.05, 0.1, 0.5, 2.5, 10.0, 60.0, 600.0];

/// What one server counts. Clones share it.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    pub(crate) connections_open: Gauge,
    pub(crate) connections: Counter,
    pub(crate) accept_errors: Counter,
    pub(crate) received: Counter,
    pub(crate) sent: Counter,
    pub(crate) panics: Counter,
    closed: Family<Label, Counter>,
    refused: Family<Label, Counter>,
    operations: Family<Label, Counter>,
    requests: [Counter; CLASSES.len()],
    durations: Histogram,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A registry with the server's own metrics, all zero.
    #[must_use]
    pub fn new() -> Self {
        let requests: Family<Label, Counter> = Family::default();
        let metrics = Self {
            connections_open: Gauge::default(),
            connections: Counter::default(),
            accept_errors: Counter::default(),
            received: Counter::default(),
            sent: Counter::default(),
            panics: Counter::default(),
            closed: Family::default(),
            refused: Family::default(),
            operations: Family::default(),
            requests: CLASSES.map(|class| requests.get_or_create_owned(&[("status", class)])),
            durations: Histogram::new(DURATIONS),
            registry: Arc::new(Mutex::new(Registry::with_prefix("packhouse"))),
        };
        metrics.register(|registry| metrics.describe(registry, requests));
        metrics
    }

    fn describe(&self, registry: &mut Registry, requests: Family<Label, Counter>) {
        let open = self.connections_open.clone();
        registry.register("connections_open", "Open connections", open);
        registry.register("connections", "Accepted connections", self.connections.clone());
        let closed = self.closed.clone();
        registry.register("connections_cut", "Connections cut short, by cause", closed);
        let refused = self.refused.clone();
        registry.register("messages_refused", "Messages refused for their form", refused);
        let errors = self.accept_errors.clone();
        registry.register("accept_errors", "Failed attempts to accept a connection", errors);
        registry.register("received_bytes", "Bytes read from clients", self.received.clone());
        registry.register("sent_bytes", "Bytes written to clients", self.sent.clone());
        registry.register("handler_panics", "Requests ended by a panic", self.panics.clone());
        registry.register("requests", "Finished requests by class of status", requests);
        let operations = self.operations.clone();
        registry.register("operations", "Finished requests by what was asked", operations);
        let durations = self.durations.clone();
        registry.register("request_duration_seconds", "From head to the answer's end", durations);
    }

    /// Adds metrics of another part of the server to the same registry.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// All metrics in the OpenMetrics text form.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a string fails only where a metric refuses to be written.
        match encode(&mut text, &registry) {
            Ok(()) => text,
            Err(fmt::Error) => "# EOF\n".to_owned(),
        }
    }

    /// Counts a request; `None` where its client left before the answer began.
    pub(crate) fn count_request(
        &self,
        operation: &'static str,
        status: Option<StatusCode>,
        took: Duration,
    ) {
        let class = match status.map(|status| status.as_u16() / 100) {
            Some(class @ 1..=5) => usize::from(class) - 1,
            _ => CLASSES.len() - 1,
        };
        self.requests[class].inc();
        self.operations.get_or_create(&[("operation", operation)]).inc();
        self.durations.observe(took.as_secs_f64());
    }

    /// Counts a message that was refused for its form, besides the request that it may be.
    pub(crate) fn count_refusal(&self, reason: &'static str) {
        self.refused.get_or_create(&[("reason", reason)]).inc();
    }

    pub(crate) fn count_cut(&self, cause: &'static str) {
        self.closed.get_or_create(&[("cause", cause)]).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_appear_in_the_text_and_two_servers_share_none() {
        let (one, other) = (Metrics::new(), Metrics::new());
        one.count_request("files.show", Some(StatusCode::CREATED), Duration::from_millis(3));
        one.count_request("none", None, Duration::ZERO);
        one.count_cut("header deadline");
        let text = one.render();
        for line in [
            "packhouse_requests_total{status=\"2xx\"} 1",
            "packhouse_requests_total{status=\"none\"} 1",
            "packhouse_operations_total{operation=\"files.show\"} 1",
            "packhouse_connections_cut_total{cause=\"header deadline\"} 1",
            "packhouse_request_duration_seconds_count 2",
            "packhouse_connections_open 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
        assert!(other.render().contains("packhouse_requests_total{status=\"2xx\"} 0"));
    }

    #[test]
    fn another_part_adds_its_own() {
        let metrics = Metrics::new();
        let uploads: Counter = Counter::default();
        metrics.register(|registry| registry.register("uploads", "Uploads", uploads.clone()));
        uploads.inc();
        assert!(metrics.render().contains("packhouse_uploads_total 1"));
    }
}
