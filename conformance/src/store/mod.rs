//! Cases for implementors of `Store`.
