//! Calls to addresses that users gave, for `packhouse_core::outbound`.
//!
//! Whoever may name an address could have this server call what only it reaches: its own ports,
//! the machines beside it, the metadata of its cloud. [`HttpOutbound`] therefore connects to public
//! addresses alone, and to the networks that the operator allows ([`AllowedNetworks`]). What is
//! judged is the address that is then connected to, not the name: a name is looked up once a call,
//! by a resolver of our own choice ([`Resolve`]), and nothing looks it up again.
//!
//! A call is one HTTP/1.1 request on a connection of its own. Redirects are an answer like any
//! other, proxies of the environment are not used, and certificates must lead to a root of the
//! bundled list. The head of the answer is at most 16 KiB; of its body at most 64 KiB are read, for
//! a quarter of a second, and thrown away.
//!
//! The methods must be polled within a tokio runtime with its timer and its I/O.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use packhouse_core::outbound::{Outbound, OutboundMethod, OutboundRequest};
//! use packhouse_outbound::{AllowedNetworks, CallLimits, HttpOutbound};
//!
//! # async fn call() -> Result<(), Box<dyn std::error::Error>> {
//! let allowed = AllowedNetworks::parse(["10.20.0.0/16"])?;
//! let outbound = HttpOutbound::new(allowed, CallLimits::default());
//! let request = OutboundRequest {
//!     method: OutboundMethod::Get,
//!     url: "https://example.org/exists".to_owned(),
//!     headers: Vec::new(),
//!     json: None,
//!     deadline: Duration::from_secs(5),
//! };
//! let status = outbound.call(&request).await?.status;
//! # Ok(())
//! # }
//! ```

mod address;
mod client;
mod connect;
mod errors;
mod exchange;
mod networks;
mod places;
mod resolver;
mod target;
mod tls;

pub use address::is_public;
pub use client::HttpOutbound;
pub use networks::AllowedNetworks;
pub use places::CallLimits;
pub use resolver::{Resolve, SystemResolver};
pub use tls::BadCertificate;
