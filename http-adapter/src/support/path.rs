//! What a spelling of a path means: decided here, once, before routing, and nowhere else.
//!
//! [`canonicalise`] is total and pure. It must not know routes or names: which segments a route
//! has and which characters a name may have are rules of others. What leaves here is decoded once
//! and is never decoded again.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use unicode_normalization::is_nfc;

/// The longest path, as it is sent.
pub const MAX_PATH_BYTES: usize = 4096;
/// The longest segment, decoded.
pub const MAX_SEGMENT_BYTES: usize = 255;
/// The most segments.
pub const MAX_SEGMENTS: usize = 64;

/// What is written as it is by [`CanonicalPath::encoded`]: the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path that has one meaning.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CanonicalPath {
    /// The decoded segments: none is empty, `.` or `..`, and none has a separator or a control
    /// character.
    pub segments: Vec<String>,
    /// The matrix parameters of the last segment in their order, repeated ones too; a parameter
    /// without `=` has the value "". A value may have a `/`, sent as `%2F`. Those of a segment that
    /// is nothing but parameters come before them.
    pub matrix: Vec<(String, String)>,
    /// One segment before the last was nothing but parameters, as in `/p/;publish=1/org/x`: how
    /// many segments stand before it. Only a route that is known for it takes that.
    pub matrix_folder: Option<usize>,
    /// A slash follows the last segment. Never so without any segment.
    pub trailing_slash: bool,
    /// There were empty segments besides the one after a trailing slash, as in `//repos/x`: how
    /// many segments stand before the last of them. Where that matters (paths of files), the
    /// dialect refuses.
    pub doubled: Option<usize>,
}

impl CanonicalPath {
    /// The path as it is best sent: canonicalised again it gives the same, but for `doubled` and
    /// `matrix_folder`.
    #[must_use]
    pub fn encoded(&self) -> String {
        let mut raw = String::new();
        for segment in &self.segments {
            raw.push('/');
            raw.extend(utf8_percent_encode(segment, ENCODED));
        }
        if self.trailing_slash || self.segments.is_empty() {
            raw.push('/');
        }
        for (key, value) in &self.matrix {
            raw.push(';');
            raw.extend(utf8_percent_encode(key, ENCODED));
            raw.push('=');
            raw.extend(utf8_percent_encode(value, ENCODED));
        }
        raw
    }
}

/// Why a path is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum BadPathKind {
    /// It does not start with `/`.
    NotAbsolute,
    /// It is longer than [`MAX_PATH_BYTES`] (414).
    TooLong,
    /// It has more than [`MAX_SEGMENTS`].
    TooDeep,
    /// A segment is longer than [`MAX_SEGMENT_BYTES`].
    SegmentTooLong,
    /// A `%` without two hexadecimal digits.
    BadEscape,
    /// The decoded bytes are not UTF-8.
    NotUtf8,
    /// The text is not in Unicode normalisation form C.
    NotNormalised,
    /// A control character, or a line or paragraph separator.
    ControlCharacter,
    /// A `.` or `..` segment.
    DotSegment,
    /// A slash or backslash within a segment, or a raw `?` or `#`.
    Separator,
    /// Matrix parameters on a segment that is not the last, or one without a name.
    Matrix,
}

/// A path that is refused, and what to change about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadPath {
    /// Why.
    pub kind: BadPathKind,
    /// What the caller should change. Has no text of the path but single characters.
    pub message: String,
}

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BadPath {}

impl BadPathKind {
    fn because(self, message: impl Into<String>) -> BadPath {
        BadPath { kind: self, message: message.into() }
    }
}

/// The one meaning of the path of a request target: percent-encoded as it was sent, without the
/// query.
///
/// # Errors
/// Every spelling that two readers could take for two paths.
pub fn canonicalise(raw_path: &str) -> Result<CanonicalPath, BadPath> {
    let rest = check_whole(raw_path)?;
    let (folders, last) = match rest.rsplit_once('/') {
        Some((folders, last)) => (Some(folders), last),
        None => (None, rest),
    };
    let mut path = CanonicalPath::default();
    for raw in folders.into_iter().flat_map(|folders| folders.split('/')) {
        if raw.contains(';') {
            push_folder_of_parameters(&mut path, raw)?;
            continue;
        }
        if raw.is_empty() {
            path.doubled = Some(path.segments.len());
        }
        push_segment(&mut path.segments, raw)?;
    }
    let mut parts = last.split(';');
    let name = parts.next().unwrap_or_default();
    path.trailing_slash = name.is_empty() && !path.segments.is_empty();
    push_segment(&mut path.segments, name)?;
    // `a;` and `a;;x=1` have parameters that are not there: ignored, as clients that join
    // an empty list send them.
    for raw in parts.filter(|raw| !raw.is_empty()) {
        path.matrix.push(parameter(raw)?);
    }
    Ok(path)
}

/// Takes a segment that has parameters before the last one: at most one, of nothing else.
fn push_folder_of_parameters(path: &mut CanonicalPath, raw: &str) -> Result<(), BadPath> {
    let parameters = raw.strip_prefix(';').filter(|parameters| !parameters.is_empty());
    let (Some(parameters), None) = (parameters, path.matrix_folder) else {
        return Err(BadPathKind::Matrix.because(
            "parameters (';') may follow the last segment of the path only; \
             write a ';' that is part of a name as %3B",
        ));
    };
    path.matrix_folder = Some(path.segments.len());
    for raw in parameters.split(';').filter(|raw| !raw.is_empty()) {
        path.matrix.push(parameter(raw)?);
    }
    Ok(())
}

/// What is asked of the path as it was sent. Gives what follows the first slash.
fn check_whole(raw_path: &str) -> Result<&str, BadPath> {
    if raw_path.len() > MAX_PATH_BYTES {
        return Err(BadPathKind::TooLong.because(format!(
            "the path is {} bytes long; at most {MAX_PATH_BYTES} are accepted",
            raw_path.len()
        )));
    }
    let rest = raw_path.strip_prefix('/').ok_or_else(|| {
        BadPathKind::NotAbsolute.because("the path does not start with '/'; begin it with one")
    })?;
    for (separator, escape) in [('\\', None), ('?', Some("%3F")), ('#', Some("%23"))] {
        if rest.contains(separator) {
            let instead = escape.map_or("use '/' between segments".into(), |escape| {
                format!("write one that is part of a name as {escape}")
            });
            return Err(BadPathKind::Separator
                .because(format!("the path has a raw '{separator}'; {instead}")));
        }
    }
    Ok(rest)
}

/// Decodes a segment onto the others; an empty one is none.
fn push_segment(segments: &mut Vec<String>, raw: &str) -> Result<(), BadPath> {
    if raw.is_empty() {
        return Ok(());
    }
    let segment = decode(raw)?;
    if segment == "." || segment == ".." {
        return Err(BadPathKind::DotSegment
            .because(format!("the path has a '{segment}' segment; write the path without it")));
    }
    if let Some(separator) = segment.chars().find(|c| matches!(c, '/' | '\\')) {
        return Err(BadPathKind::Separator.because(format!(
            "the path has an encoded '{separator}' within a segment; names cannot have one, and \
             segments are separated by a plain '/'"
        )));
    }
    if segment.len() > MAX_SEGMENT_BYTES {
        return Err(BadPathKind::SegmentTooLong.because(format!(
            "a segment of the path is {} bytes long; at most {MAX_SEGMENT_BYTES} are accepted",
            segment.len()
        )));
    }
    if segments.len() == MAX_SEGMENTS {
        return Err(BadPathKind::TooDeep.because(format!(
            "the path has more than {MAX_SEGMENTS} segments; use fewer folders"
        )));
    }
    segments.push(segment);
    Ok(())
}

/// One matrix parameter, `key=value` or `key`. An escaped `;` or `=` is data.
fn parameter(raw: &str) -> Result<(String, String), BadPath> {
    let (key, value) = raw.split_once('=').unwrap_or((raw, ""));
    if key.is_empty() {
        return Err(BadPathKind::Matrix
            .because("a parameter after ';' has no name; write it as ';name=value'"));
    }
    Ok((decode(key)?, decode(value)?))
}

/// Decodes once; the outcome is text that looks like no other.
fn decode(raw: &str) -> Result<String, BadPath> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let (byte, after) = escaped(after).ok_or_else(|| {
            BadPathKind::BadEscape.because(
                "the path has a '%' without two hexadecimal digits after it; \
                 write a plain '%' as %25",
            )
        })?;
        bytes.push(byte);
        rest = after;
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        BadPathKind::NotUtf8.because("the path is not UTF-8 when decoded; encode names as UTF-8")
    })?;
    check_text(&text)?;
    Ok(text)
}

/// The byte that two hexadecimal digits denote, and what follows them.
fn escaped(after_percent: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match after_percent {
        [high, low, rest @ ..] => Some((digit(*high)? << 4 | digit(*low)?, rest)),
        _ => None,
    }
}

fn check_text(text: &str) -> Result<(), BadPath> {
    // `is_control` is C0, DEL and C1.
    let unprintable = |c: &char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if let Some(c) = text.chars().find(unprintable) {
        return Err(BadPathKind::ControlCharacter.because(format!(
            "the path has the control character U+{:04X}; remove it",
            u32::from(c)
        )));
    }
    if !is_nfc(text) {
        return Err(BadPathKind::NotNormalised.because(
            "the path is not in Unicode normalisation form C; send the name composed (NFC)",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ok(raw: &str) -> CanonicalPath {
        canonicalise(raw).unwrap_or_else(|bad| panic!("{raw:?} is refused: {bad}"))
    }

    fn segments(raw: &str) -> Vec<String> {
        ok(raw).segments
    }

    #[track_caller]
    fn refused(raw: &str, kind: BadPathKind) {
        match canonicalise(raw) {
            Err(bad) => assert_eq!(bad.kind, kind, "{raw:?}: {bad}"),
            Ok(path) => panic!("{raw:?} passes as {path:?}"),
        }
    }

    fn matrix(raw: &str) -> Vec<(String, String)> {
        ok(raw).matrix
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn segments_are_decoded_once() {
        assert_eq!(segments("/repos/acme/tools"), ["repos", "acme", "tools"]);
        assert_eq!(segments("/a%20b/%41%c3%a9"), ["a b", "Aé"]);
        assert_eq!(segments("/é"), ["é"]);
        assert_eq!(segments("/%25"), ["%"]);
        assert_eq!(segments("/%252e%252e/x"), ["%2e%2e", "x"]);
        assert_eq!(segments("/..%255c..%255c"), ["..%5c..%5c"]);
    }

    #[test]
    fn characters_of_real_names_pass() {
        assert_eq!(segments("/Catch:bincrafters"), ["Catch:bincrafters"]);
        assert_eq!(segments("/Catch%3Abincrafters"), ["Catch:bincrafters"]);
        let plain = "a+b@c,d=e!f$g&h'i(j)k*l~m_n-o.p";
        assert_eq!(segments(&format!("/{plain}")), [plain]);
        assert_eq!(segments("/libstdc++.so"), ["libstdc++.so"], "a plus is no space");
        assert_eq!(segments("/.../..a/.b/c.."), ["...", "..a", ".b", "c.."]);
        assert_eq!(segments("/%3Fx%23y"), ["?x#y"]);
    }

    #[test]
    fn a_trailing_slash_and_doubled_slashes_are_told() {
        let told =
            |raw: &str| (ok(raw).segments.join("|"), ok(raw).trailing_slash, ok(raw).doubled);
        assert_eq!(told("/"), (String::new(), false, None));
        assert_eq!(told("//"), (String::new(), false, Some(0)));
        assert_eq!(told("/a"), ("a".into(), false, None));
        assert_eq!(told("/a/"), ("a".into(), true, None));
        assert_eq!(told("/a//"), ("a".into(), true, Some(1)));
        assert_eq!(told("//a/b"), ("a|b".into(), false, Some(0)));
        assert_eq!(told("/a//b"), ("a|b".into(), false, Some(1)));
    }

    #[test]
    fn matrix_parameters_are_those_of_the_last_segment() {
        assert_eq!(
            matrix("/c/f.deb;deb_distribution=a,b;publish=1;override"),
            pairs(&[("deb_distribution", "a,b"), ("publish", "1"), ("override", "")])
        );
        assert_eq!(segments("/c/f.deb;publish=1"), ["c", "f.deb"]);
        assert_eq!(matrix("/f;a%3Db=c%3Bd=e%2Ff"), pairs(&[("a=b", "c;d=e/f")]));
        assert_eq!(matrix("/f;a=1;a=2"), pairs(&[("a", "1"), ("a", "2")]));
        assert_eq!(matrix("/f;a=b=c"), pairs(&[("a", "b=c")]));
        assert_eq!(matrix("/f;;a=1;"), pairs(&[("a", "1")]));
        assert_eq!(matrix("/f;"), pairs(&[]));
        assert_eq!(matrix("/f;a=%252e"), pairs(&[("a", "%2e")]));
    }

    #[test]
    fn a_last_segment_of_parameters_only_is_a_trailing_slash() {
        let path = ok("/a/;x=1");
        assert_eq!((path.segments.as_slice(), path.trailing_slash), (&["a".to_owned()][..], true));
        assert_eq!(path.matrix, pairs(&[("x", "1")]));
        assert!(!ok("/;x=1").trailing_slash);
    }

    #[test]
    fn parameters_elsewhere_are_refused() {
        refused("/a;x=1/b", BadPathKind::Matrix);
        refused("/a;x=1/", BadPathKind::Matrix);
        refused("/;/a", BadPathKind::Matrix);
        refused("/a;=1", BadPathKind::Matrix);
        refused("/a/;=1/b", BadPathKind::Matrix);
        refused("/a/;x=1/;y=2/b", BadPathKind::Matrix);
        assert_eq!(segments("/a%3Bx=1/b"), ["a;x=1", "b"], "an escaped ';' is data");
        assert_eq!(matrix("/a%3Bx=1"), pairs(&[]));
    }

    #[test]
    fn a_segment_of_nothing_but_parameters_is_told() {
        let path = ok("/maven/p/;publish=1;x/org/a.jar;y=2");
        assert_eq!(path.segments, ["maven", "p", "org", "a.jar"]);
        assert_eq!(path.matrix_folder, Some(2));
        assert_eq!(path.matrix, pairs(&[("publish", "1"), ("x", ""), ("y", "2")]));
        assert_eq!(ok("/a/;x=1").matrix_folder, None, "the last one is a trailing slash");
    }

    #[test]
    fn a_bad_escape_is_refused() {
        for raw in ["/%", "/%2", "/a%zz", "/%2g", "/%%41", "/%u002e", "/%+1", "/f;a=%", "/f;%=a"] {
            refused(raw, BadPathKind::BadEscape);
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        for raw in [
            "/%c0%ae%c0%ae/x",
            "/%e0%80%ae",
            "/%f0%80%80%ae",
            "/%ff",
            "/%ed%a0%80",
            "/%c3",
            "/f;a=%ff",
            "/%f4%90%80%80",
        ] {
            refused(raw, BadPathKind::NotUtf8);
        }
    }

    #[test]
    fn every_control_character_below_a0_is_refused() {
        for byte in (0..=0x1f_u32).chain(0x7f..=0x9f).chain([0x2028, 0x2029]) {
            let c = char::from_u32(byte).unwrap();
            let escaped: String = c.to_string().bytes().map(|b| format!("%{b:02X}")).collect();
            refused(&format!("/a{escaped}b"), BadPathKind::ControlCharacter);
            refused(&format!("/a/{c}"), BadPathKind::ControlCharacter);
            refused(&format!("/a;k=x{escaped}"), BadPathKind::ControlCharacter);
        }
        assert_eq!(segments("/%20/%c2%a0"), [" ", "\u{a0}"]);
    }

    #[test]
    fn a_decomposed_name_is_refused() {
        refused("/e%CC%81", BadPathKind::NotNormalised);
        refused("/f;k=e\u{301}", BadPathKind::NotNormalised);
        refused("/%E2%84%AB", BadPathKind::NotNormalised); // the angstrom sign
        assert_eq!(segments("/%C3%A9"), ["é"]);
    }

    #[test]
    fn the_limits_are_exact() {
        let long = |bytes| format!("/{}", "a/".repeat(50) + &"b".repeat(bytes));
        let name = MAX_SEGMENT_BYTES;
        assert_eq!(segments(&long(name)).len(), 51);
        refused(&long(name + 1), BadPathKind::SegmentTooLong);
        assert_eq!(segments(&format!("/{}", "%41".repeat(name)))[0].len(), name);

        let deep = |segments| "/a".repeat(segments);
        assert_eq!(segments(&(deep(MAX_SEGMENTS) + "/")).len(), MAX_SEGMENTS);
        refused(&deep(MAX_SEGMENTS + 1), BadPathKind::TooDeep);

        let slashes = |bytes| "/".repeat(bytes);
        assert!(ok(&slashes(MAX_PATH_BYTES)).doubled.is_some());
        refused(&slashes(MAX_PATH_BYTES + 1), BadPathKind::TooLong);
    }

    #[test]
    fn what_is_not_a_path_is_refused() {
        refused("", BadPathKind::NotAbsolute);
        refused("*", BadPathKind::NotAbsolute);
        refused("repos/x", BadPathKind::NotAbsolute);
        refused("http://host/x", BadPathKind::NotAbsolute);
        refused("/a?b=c", BadPathKind::Separator);
        refused("/a#b", BadPathKind::Separator);
        refused("/a;k=b\\c", BadPathKind::Separator);
    }

    /// Every spelling of `.` and `..`, joined in every way that some reader takes for a slash, in
    /// every place of a path.
    #[test]
    fn no_spelling_of_a_dot_segment_passes() {
        let dot = [".", "%2e", "%2E"];
        let twice = dot.iter().flat_map(|a| dot.iter().map(move |b| format!("{a}{b}")));
        let dots: Vec<String> = dot.iter().map(|dot| (*dot).to_owned()).chain(twice).collect();
        let mut tried = 0;
        for dots in &dots {
            for slash in ["/", "%2f", "%2F", "\\", "%5c", "%5C", ";/", "/;x/", "//"] {
                for raw in [
                    format!("/{dots}{slash}etc"),
                    format!("/a/{dots}{slash}{dots}{slash}etc/passwd"),
                    format!("/a{slash}{dots}"),
                    format!("/a{slash}{dots}{slash}"),
                    format!("/a{slash}{dots};x=1"),
                ] {
                    assert!(canonicalise(&raw).is_err(), "{raw} passes");
                    tried += 1;
                }
            }
            refused(&format!("/a/{dots}"), BadPathKind::DotSegment);
            refused(&format!("/{dots};x=1"), BadPathKind::DotSegment);
        }
        assert_eq!(tried, 12 * 9 * 5);
    }

    #[test]
    fn paths_of_known_attacks_are_refused() {
        use BadPathKind::{ControlCharacter, DotSegment, Matrix, NotUtf8, Separator};
        for (raw, kind) in [
            ("/%2F%2F..%2F..%2F..%2Fetc/passwd", Separator),
            ("/%2F%2F%2F%2F..%2F..%2F..%2F..%2F..%2Fetc%2Fpasswd", Separator),
            ("/..%2f..%2fetc/passwd", Separator),
            ("/api/..;/admin", Matrix),
            ("/..;/manager/html", Matrix),
            ("/a/;x/../b", DotSegment),
            ("/a/..;x=1", DotSegment),
            ("/access/api/v1/tokens;/", Matrix),
            ("/static/%5c..%5c..%5cwindows", Separator),
            ("/static\\..\\..", Separator),
            ("/a/..%00/b", ControlCharacter),
            ("/f.deb%00.txt", ControlCharacter),
            ("/%c0%ae%c0%ae/%c0%af", NotUtf8),
            ("/x%0d%0aSet-Cookie:a", ControlCharacter),
            ("/./admin", DotSegment),
            ("/admin/.", DotSegment),
            ("/.%2e/.%2e/etc", DotSegment),
        ] {
            refused(raw, kind);
        }
    }

    #[test]
    fn a_message_says_what_to_change() {
        let message = canonicalise("/a/%2e%2e").unwrap_err().to_string();
        assert_eq!(message, "the path has a '..' segment; write the path without it");
        let message = canonicalise("/a%09").unwrap_err().to_string();
        assert_eq!(message, "the path has the control character U+0009; remove it");
    }

    /// Pieces that matter to the rules, so that random paths meet them often.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = proptest::sample::select(vec![
            "/",
            "/",
            "/",
            "a",
            "b",
            ".",
            "..",
            "%2e",
            "%2E",
            "%2f",
            "%5C",
            "\\",
            ";",
            "=",
            "%",
            "%3B",
            "%25",
            "25",
            "2e",
            "é",
            "e\u{301}",
            "%c3%a9",
            "%cc%81",
            "%c0%ae",
            "%00",
            "\u{85}",
            "+",
            ":",
            "%F0%9F%98%80",
            " ",
            "?",
            "#",
            "ab",
            "%E2%80%A8",
        ]);
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    fn check_properties(raw: &str) -> Result<(), TestCaseError> {
        let Ok(path) = canonicalise(raw) else { return Ok(()) };
        for segment in &path.segments {
            prop_assert!(!matches!(segment.as_str(), "" | "." | ".."), "{segment:?}");
            prop_assert!(!segment.contains(['/', '\\']), "{segment:?}");
            prop_assert!(!segment.chars().any(char::is_control), "{segment:?}");
            prop_assert!(segment.len() <= MAX_SEGMENT_BYTES && is_nfc(segment));
        }
        prop_assert!(path.segments.len() <= MAX_SEGMENTS);
        prop_assert!(!(path.trailing_slash && path.segments.is_empty()));
        let encoded = path.encoded();
        // Three times the length at most: the only way in which the encoded form may fail.
        if encoded.len() <= MAX_PATH_BYTES {
            let again = canonicalise(&encoded).map_err(|bad| TestCaseError::fail(bad.message))?;
            let CanonicalPath { doubled, matrix_folder, .. } = path;
            prop_assert_eq!(CanonicalPath { doubled, matrix_folder, ..again }, path);
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn any_text_is_refused_or_canonical(raw in "\\PC*") {
            check_properties(&raw)?;
            check_properties(&format!("/{raw}"))?;
        }

        #[test]
        fn any_bytes_are_refused_or_canonical(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            check_properties(&String::from_utf8_lossy(&raw))?;
            let escaped: String = raw.iter().map(|byte| format!("%{byte:02x}")).collect();
            check_properties(&format!("/{escaped}"))?;
        }

        #[test]
        fn pieces_that_matter_are_refused_or_canonical(raw in pieces()) {
            check_properties(&raw)?;
        }
    }
}
