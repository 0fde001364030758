//! Why a name was refused.

use std::fmt;

/// A name that breaks a rule. Its text is for the caller: it says what to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameError {
    noun: &'static str,
    name: String,
    rule: BrokenRule,
}

/// The rule that is broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum BrokenRule {
    Empty,
    TooLong { bytes: usize, most: usize },
    TooDeep { segments: usize, most: usize },
    Starts { with: char, instead: &'static str },
    Has { character: char, instead: &'static str },
    Segment { segment: String, why: &'static str },
    Composed,
    Reserved,
}

impl NameError {
    pub(super) fn new(noun: &'static str, name: &str, rule: BrokenRule) -> Self {
        // The text of a refused name comes back to the caller; not all of a megabyte of it.
        let name = name.chars().take(100).collect();
        Self { noun, name, rule }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { noun, name, rule } = self;
        let name = name.escape_debug();
        match rule {
            BrokenRule::Empty => write!(f, "the {noun} is empty"),
            BrokenRule::TooLong { bytes, most } => {
                write!(f, "the {noun} '{name}' has {bytes} bytes: at most {most} are allowed")
            }
            BrokenRule::TooDeep { segments, most } => {
                write!(f, "the {noun} '{name}' has {segments} segments: at most {most} are allowed")
            }
            BrokenRule::Starts { with, instead } => {
                write!(f, "the {noun} '{name}' starts with '{}': {instead}", with.escape_debug())
            }
            BrokenRule::Has { character, instead } => {
                write!(f, "the {noun} '{name}' has '{}': {instead}", character.escape_debug())
            }
            BrokenRule::Segment { segment, why } => {
                write!(f, "the {noun} '{name}' has the segment '{}': {why}", segment.escape_debug())
            }
            BrokenRule::Composed => {
                write!(f, "the {noun} '{name}' has decomposed characters: normalise it to NFC")
            }
            BrokenRule::Reserved => write!(f, "the {noun} '{name}' is reserved: choose another"),
        }
    }
}

impl std::error::Error for NameError {}
