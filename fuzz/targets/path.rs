//! Any path is refused or canonical.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packhouse_http::support::path::{
    CanonicalPath, MAX_PATH_BYTES, MAX_SEGMENT_BYTES, MAX_SEGMENTS, canonicalise,
};

fuzz_target!(|raw: &str| {
    let Ok(path) = canonicalise(raw) else { return };
    assert!(path.segments.len() <= MAX_SEGMENTS);
    for segment in &path.segments {
        assert!(!matches!(segment.as_str(), "" | "." | ".."));
        assert!(segment.len() <= MAX_SEGMENT_BYTES);
        assert!(!segment.chars().any(|c| c.is_control() || c == '/' || c == '\\'));
    }
    assert!(!(path.trailing_slash && path.segments.is_empty()));
    // An encoded path is up to three times as long.
    let encoded = path.encoded();
    if encoded.len() <= MAX_PATH_BYTES {
        let again = canonicalise(&encoded).expect("the canonical form is accepted");
        let CanonicalPath { doubled, matrix_folder, .. } = path;
        assert_eq!(CanonicalPath { doubled, matrix_folder, ..again }, path);
    }
});
