//! Asking the policy where the answer is no refusal but a fact.

use crate::access::{Act, Permit};
use crate::{ErrorKind, Result};

/// Whether a permit was given.
pub(super) fn is_given<A: Act, P>(permit: Result<Permit<A, P>>) -> Result<bool> {
    match permit {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::NotFound(_) | ErrorKind::Forbidden | ErrorKind::Unauthenticated => Ok(false),
            _ => Err(error),
        },
    }
}
