//! Where each HTTP/1.1 message of a connection ends, decided from its raw bytes before the parser
//! of `hyper` sees them. What two readers could frame in two ways is refused (RFC 9112, and more
//! strictly): `docs/decisions/0008-raw-http.md` says why and how.
//!
//! It must not read or write, and must not know what a request is about.

mod bytes;
mod chunks;
mod head;
mod messages;
mod refusal;
mod target;

pub use messages::{Messages, Step};
pub use refusal::Refusal;
