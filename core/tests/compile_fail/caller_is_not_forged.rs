//! A caller is made by `authenticate` alone.
use packhouse_core::access::{Caller, Identity, Origin, SystemCaller};

fn constructor() -> Caller {
    Caller::new(Identity::System(SystemCaller::Janitor), Origin::default())
}

fn system() -> Caller {
    Caller::system(SystemCaller::Setup)
}

fn main() {}
