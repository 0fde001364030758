//! The rules of names, each a plain function of the text.

use unicode_normalization::is_nfc;

use super::error::BrokenRule;
use super::reserved::{RESERVED_SUBJECTS, RESERVED_VERSIONS};

const SLUG_BYTES: usize = 64;
const FREE_BYTES: usize = 128;
pub(super) const SEGMENT_BYTES: usize = 255;

pub(super) fn subject(text: &str) -> Result<(), BrokenRule> {
    slug(text)?;
    refuse_reserved(text, RESERVED_SUBJECTS)
}

pub(super) fn version(text: &str) -> Result<(), BrokenRule> {
    free(text)?;
    refuse_reserved(text, RESERVED_VERSIONS)
}

pub(super) fn slug(text: &str) -> Result<(), BrokenRule> {
    length(text, SLUG_BYTES)?;
    let instead = "use ASCII letters, digits, '.', '_' and '-'";
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if let Some(character) = text.chars().find(|c| !plain(*c)) {
        return Err(BrokenRule::Has { character, instead });
    }
    match text.chars().next() {
        Some(with) if !with.is_ascii_alphanumeric() => {
            Err(BrokenRule::Starts { with, instead: "start with an ASCII letter or a digit" })
        }
        _ => Ok(()),
    }
}

/// Requests name several attributes with commas between them.
pub(super) fn attribute(text: &str) -> Result<(), BrokenRule> {
    free(text)?;
    match text.find(',') {
        Some(_) => Err(BrokenRule::Has { character: ',', instead: "leave it out" }),
        None => Ok(()),
    }
}

pub(super) fn free(text: &str) -> Result<(), BrokenRule> {
    length(text, FREE_BYTES)?;
    if is_plain(text) {
        return Ok(());
    }
    if text.contains('/') {
        return Err(BrokenRule::Has { character: '/', instead: "leave it out" });
    }
    segment(text)
}

/// What holds for each segment of a path, and for names that stand in one.
pub(super) fn segment(text: &str) -> Result<(), BrokenRule> {
    length(text, SEGMENT_BYTES)?;
    if is_plain(text) {
        return Ok(());
    }
    if is_dots(text) {
        let why = "it would mean another folder; write the path without it";
        return Err(BrokenRule::Segment { segment: text.to_owned(), why });
    }
    if let Some(character) = text.chars().find(|c| is_refused(*c)) {
        return Err(BrokenRule::Has { character, instead: "leave it out" });
    }
    if let Some(character) = edge(text).filter(|c| c.is_whitespace()) {
        return Err(BrokenRule::Has { character, instead: "do not start or end with a space" });
    }
    if !is_nfc(text) {
        return Err(BrokenRule::Composed);
    }
    Ok(())
}

/// Whether no byte needs a closer look: so with most names.
fn is_plain(text: &str) -> bool {
    are_all(text, is_plain_byte) && !is_dots(text)
}

/// Whether [`free`] allows every byte in names that stand in one text, each with a zero after it.
pub(super) fn is_plain_list(text: &str) -> bool {
    are_all(text, |byte| is_plain_byte(byte) | (byte == 0))
}

/// Whether [`free`] allows a name of a plain list.
pub(super) fn is_free_in_plain_list(name: &str) -> bool {
    length(name, FREE_BYTES).is_ok() && !is_dots(name)
}

/// All bytes are looked at, which needs no branch for each.
fn are_all(text: &str, holds: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, byte| all & holds(byte))
}

fn is_plain_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() & (byte != b'\\') & (byte != b'/')
}

fn is_dots(text: &str) -> bool {
    matches!(text, "." | "..")
}

fn length(text: &str, most: usize) -> Result<(), BrokenRule> {
    match text.len() {
        0 => Err(BrokenRule::Empty),
        bytes if bytes > most => Err(BrokenRule::TooLong { bytes, most }),
        _ => Ok(()),
    }
}

fn refuse_reserved(text: &str, reserved: &[&str]) -> Result<(), BrokenRule> {
    let taken = reserved.iter().any(|name| name.eq_ignore_ascii_case(text));
    if taken { Err(BrokenRule::Reserved) } else { Ok(()) }
}

fn edge(text: &str) -> Option<char> {
    let first = text.chars().next().filter(|c| c.is_whitespace());
    first.or_else(|| text.chars().next_back())
}

/// Control characters, separators of lines, and what changes how a name looks without being seen.
fn is_refused(c: char) -> bool {
    c.is_control()
        || c == '\\'
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffd}' | '\u{e0000}'..='\u{e007f}')
}
