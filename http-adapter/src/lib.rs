//! HTTP dialects over the Packhouse engine: one folder a dialect.
//!
//! A dialect is a table of routes, wire types, and handlers that parse, call one use case and
//! render. The tables are data: the router, the coverage tests, the labels of metrics and the
//! `OpenAPI` document all come from them. No rule about who may do what is here, and no dialect
//! can name a store.

mod bintray;
mod call;
mod dispatch;
mod downloads;
mod failure;
mod management;
mod openapi;
mod origin;
mod public_url;
mod route;
#[doc(hidden)]
pub mod support;

/// What the fuzz targets ask.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::bintray::{clauses, given};
}

use std::sync::Arc;

use axum::Router;
use packhouse_core::Packhouse;
use packhouse_core::networks::Network;

pub use dispatch::Operation;
pub use public_url::{PublicUrl, PublicUrlError};
pub use route::{Gate, Matrix, Method, Right, Route};

/// Settings of the adapter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// The largest JSON body, in bytes.
    pub max_json_bytes: usize,
    /// The longest wait for a publication that asks for the longest, in seconds.
    pub max_publish_wait_secs: u64,
    /// What this server is called from outside: what signed URLs and the addresses of EULAs begin
    /// with. If `None`, `http://` and what the request says in its `Host`.
    pub public_url: Option<PublicUrl>,
    /// The proxies in front of this. What one of them says in `X-Forwarded-For` is believed, and
    /// what anyone else says there is not: without any, a request comes from its peer.
    pub trusted_proxies: Arc<[Network]>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_json_bytes: 1 << 20,
            max_publish_wait_secs: 60,
            public_url: None,
            trusted_proxies: Arc::default(),
        }
    }
}

/// Every dialect over one Packhouse. Requests should carry the peer's address as
/// `axum::extract::ConnectInfo<SocketAddr>`; responses carry the [`Operation`] that answered them
/// among their extensions, for logs and metrics.
pub fn router(packhouse: Packhouse, options: Options) -> Router {
    dispatch::router(packhouse, options)
}

/// The routes of every dialect, in the order in which they are tried.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    dispatch::DIALECTS.iter().flat_map(|dialect| dialect.routes)
}
