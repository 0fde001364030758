//! What commands carry: attributes, clauses, an archive, checksums.

use md5::Md5;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The network of [`ELSEWHERE`].
pub(crate) const ELSEWHERE_NETWORK: &str = "198.51.100.0/24";
/// An address that is not the usual one.
pub(crate) const ELSEWHERE: &str = "198.51.100.7";

/// Attributes to be set, by their place: name, type if one is named, and values.
pub(crate) const ATTRIBUTES: [(&str, Option<&str>, &str); 9] = [
    ("os", None, r#"["linux"]"#),
    ("os", None, r#"["mac", "linux"]"#),
    ("level", None, "[3]"),
    ("level", None, "[1, 2]"),
    ("_secret", None, r#"["x"]"#),
    ("when", Some("date"), r#"["2026-01-31"]"#),
    ("flag", None, "[true]"),
    ("rel", Some("version"), r#"["1.10"]"#),
    ("none", None, "null"),
];

/// Clauses to search by, by their place: name and what is asked of it.
pub(crate) const CLAUSES: [(&str, &str); 10] = [
    ("os", r#"["linux"]"#),
    ("os", r#"["mac", "linux"]"#),
    ("os", r#"["bsd", "mac"]"#),
    ("level", r#""[1,3]""#),
    ("level", r#""[,3[""#),
    ("_secret", r#"["x"]"#),
    ("when", r#""]2026-01-01,]""#),
    ("flag", "[true]"),
    ("rel", r#""[1.9,2.0]""#),
    ("level", "[3, 4]"),
];

/// A body that sets those attributes.
pub(crate) fn attributes(which: &[usize]) -> Value {
    let of = |at: &usize| {
        let (name, kind, values) = ATTRIBUTES[*at];
        let values: Value = serde_json::from_str(values).expect("a sample is JSON");
        let mut attribute = json!({"name": name, "values": values});
        if let Some(kind) = kind {
            attribute["type"] = json!(kind);
        }
        attribute
    };
    which.iter().map(of).collect()
}

/// What an archive holds: paths within it, and which of the contents.
pub(crate) const ARCHIVED: [(&str, usize); 2] = [("a.bin", 0), ("b.bin", 1)];

/// An archive of [`ARCHIVED`], or one that names a path outside.
pub(crate) fn archive(bad: bool) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in ARCHIVED {
        let text = super::world::CONTENTS[content];
        let path = if bad { format!("../{path}") } else { path.to_owned() };
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        // Past the builder's own checks: hostile names are wanted too.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, text.as_bytes()).expect("a tar in memory is written");
    }
    builder.into_inner().expect("a tar in memory is written")
}

/// The password of that number.
pub(crate) fn password(number: u8) -> String {
    format!("password number {number}")
}

/// The checksums of bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sums {
    pub(crate) sha1: String,
    pub(crate) sha256: String,
    pub(crate) md5: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn sums(bytes: &[u8]) -> Sums {
    Sums {
        sha1: hex(&Sha1::digest(bytes)),
        sha256: hex(&Sha256::digest(bytes)),
        md5: hex(&Md5::digest(bytes)),
    }
}
