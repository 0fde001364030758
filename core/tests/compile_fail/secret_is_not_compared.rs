//! A secret has no `==`, whose time would tell where it differs.
use packhouse_core::access::Secret;

fn same(one: &Secret, other: &Secret) -> bool {
    one == other
}

fn main() {}
