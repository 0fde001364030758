//! Settings of longer runs, from the environment.

/// A number; `None` where it is not set.
///
/// # Panics
/// When what is set is no whole number: a run of another length than was asked for would go
/// unnoticed.
#[must_use]
pub fn number(name: &str) -> Option<u64> {
    let text = std::env::var_os(name)?;
    let number = text.to_str().and_then(|text| text.parse().ok());
    Some(number.unwrap_or_else(|| panic!("{name} is {text:?}: set a whole number, as {name}=100")))
}
