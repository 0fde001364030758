//! The value of `Content-Disposition` (RFC 6266): under which name a file is saved.
//!
//! Names hold no control characters, but nearly everything else: nothing of one may end the
//! parameter that it stands in.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::content_type::Shown;

/// All but the characters that RFC 8187 calls `attr-char`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The value for a file of this name: the plain name for old clients, and the exact one.
pub(crate) fn of(name: &str, shown: Shown) -> String {
    let kind = if shown == Shown::Never { "attachment" } else { "inline" };
    let plain: String = name.chars().map(plain).collect();
    let exact = utf8_percent_encode(name, ENCODED);
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

/// A character as it may stand between quotes, for readers who know no escapes, take `%41` for
/// an `A`, or part the header at each `;`.
fn plain(c: char) -> char {
    let odd = matches!(c, '"' | '\\' | '%' | ';' | '/');
    if (c.is_ascii_graphic() || c == ' ') && !odd { c } else { '_' }
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_names_are_given() {
        let of = |name| of(name, Shown::Never);
        let expected = "attachment; filename=\"a.tgz\"; filename*=UTF-8''a.tgz";
        assert_eq!(of("a.tgz"), expected);
        let expected = "attachment; filename=\"_ 1_.txt\"; filename*=UTF-8''%C3%A9%201%22.txt";
        assert_eq!(of("é 1\".txt"), expected);
        assert!(super::of("a", Shown::Plainly).starts_with("inline; "));
        assert!(super::of("a", Shown::AsPage).starts_with("inline; "));
    }

    proptest! {
        #[test]
        fn no_name_ends_its_parameter(name in ".{1,40}|[\"\\\\;%=\r\n'*, a-c]{1,40}") {
            let value = of(&name, Shown::Never);
            prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{value}");
            let rest = value.strip_prefix("attachment; filename=\"").unwrap();
            let (plain, rest) = rest.split_once('"').unwrap();
            prop_assert_eq!(plain.chars().count(), name.chars().count());
            prop_assert!(!plain.contains(['\\', '%', ';', '/']));
            let exact = rest.strip_prefix("; filename*=UTF-8''").unwrap();
            prop_assert!(!exact.contains(['"', ';', '\'', '*', ' ', ',', '=']), "{exact}");
            prop_assert_eq!(percent_decode_str(exact).decode_utf8().unwrap(), name);
        }
    }
}
