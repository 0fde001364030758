//! A caller's fields are private, so that its identity was checked.
use packhouse_core::access::{Caller, Identity, Origin, SystemCaller};

fn literal() -> Caller {
    Caller { identity: Identity::System(SystemCaller::Janitor), origin: Origin::default() }
}

fn main() {}
