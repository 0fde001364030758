//! What the operator asks, on a listener of its own: `/metrics`, `/health` and `/ready`.
//!
//! It must not be reachable from the public listener, whose first path segments are names of
//! subjects.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use futures::future::BoxFuture;
use http::{StatusCode, header};

use crate::metrics::Metrics;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Asks whether the server can do its work now, by trying what a request needs. Its error says
/// what is wrong, for the operator.
#[derive(Clone)]
pub struct Readiness(Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>);

impl Readiness {
    /// Readiness by this question, asked anew for each request.
    pub fn new(
        ask: impl Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(ask))
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readiness(…)")
    }
}

/// The operator's routes. `/health` says that the process answers, and nothing more; `/ready`
/// asks, and answers 503 with the reason where something is wrong.
pub fn router(metrics: Metrics, readiness: Readiness) -> Router {
    let metrics = get(move || {
        let text = metrics.render();
        async move { ([(header::CONTENT_TYPE, OPENMETRICS)], text) }
    });
    let ready = get(move || {
        let asked = (readiness.0)();
        async move {
            match asked.await {
                Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
                Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
            }
        }
    });
    Router::new()
        .route("/metrics", metrics)
        .route("/health", get(async || "ok\n"))
        .route("/ready", ready)
}
