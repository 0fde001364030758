//! The client through its port, against listeners on this machine that behave in many ways.

// Clippy knows test functions, not the helpers that they share.
#![allow(clippy::unwrap_used)]

#[path = "outbound/addresses.rs"]
mod addresses;
#[path = "outbound/answers.rs"]
mod answers;
#[path = "outbound/names.rs"]
mod names;
#[path = "outbound/places.rs"]
mod places;
#[path = "outbound/requests.rs"]
mod requests;
#[path = "outbound/support.rs"]
mod support;
#[path = "outbound/tls.rs"]
mod tls;
#[path = "outbound/urls.rs"]
mod urls;
