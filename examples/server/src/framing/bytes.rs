//! Which bytes may stand where, as one table.
//!
//! It must hold classes of single bytes only.

/// RFC 9110 `tchar`: methods and names of fields.
pub(super) const TOKEN: u8 = 1;
/// Values of fields: HTAB, SP, visible ASCII and what is beyond ASCII.
pub(super) const VALUE: u8 = 2;
/// What `http::Uri` takes in a path. A `#` is not among it: that would be cut off silently.
pub(super) const PATH: u8 = 4;
/// The same of a query.
pub(super) const QUERY: u8 = 8;
/// Names of hosts; what is beyond ASCII or escaped has several spellings.
pub(super) const HOST: u8 = 16;

const fn classes(byte: u8) -> u8 {
    let alphanumeric = byte.is_ascii_alphanumeric();
    let mut classes = 0;
    if alphanumeric
        || matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.')
        || matches!(byte, b'^' | b'_' | b'`' | b'|' | b'~')
    {
        classes |= TOKEN;
    }
    if matches!(byte, b'\t' | b' '..=0x7e | 0x80..) {
        classes |= VALUE;
    }
    if matches!(byte, b'!' | b'"' | b'$'..=b';' | b'=' | b'@'..=b'_' | b'a'..=b'~' | 0x80..) {
        classes |= PATH;
    }
    if matches!(byte, b'!' | b'$'..=b';' | b'=' | b'?'..=b'~' | 0x80..) {
        classes |= QUERY;
    }
    if alphanumeric || matches!(byte, b'-' | b'.' | b'_') {
        classes |= HOST;
    }
    classes
}

static CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = classes(byte as u8);
        byte += 1;
    }
    table
};

pub(super) fn is(class: u8, byte: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

pub(super) fn all(class: u8, bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| is(class, *byte))
}

#[cfg(test)]
mod tests {
    use http::uri::PathAndQuery;

    use super::*;

    #[test]
    fn what_is_taken_in_a_target_is_what_the_parser_takes() {
        for byte in (0x21..0x7f).filter(|byte| !b"?#".contains(byte)) {
            for (class, start) in [(PATH, "/a"), (QUERY, "/?a")] {
                let target = format!("{start}{}", char::from(byte));
                let parsed = PathAndQuery::try_from(target.as_str());
                assert_eq!(parsed.is_ok(), is(class, byte), "{target}");
            }
        }
        assert!(is(QUERY, b'?') && !is(PATH, b'?') && !is(PATH | QUERY, b'#'));
    }
}
