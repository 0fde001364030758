//! A permit has private fields: only the policy's yes makes one.
use packhouse_core::access::{Caller, FilePlace, Permit, act, policy::Rule};

fn forge(caller: Caller, place: FilePlace) -> Permit<act::Read, FilePlace> {
    Permit { caller, place, rule: Rule::Public, act: std::marker::PhantomData }
}

fn main() {}
