//! What a file is said to be, by the ending of its name, and whether a browser may show it.
//!
//! Whoever may upload chooses the names and the bytes: what is said here must not make the
//! server's origin act for them. A type that a browser runs, or in which it finds something to run,
//! is never shown; a page is, in a sandbox (`docs/decisions/0003-wire-choices.md`).

/// What a file is said to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ContentType {
    /// The value of `Content-Type`.
    pub(crate) name: &'static str,
    /// What a browser is to do with it.
    pub(crate) shown: Shown,
}

/// What a browser is to do with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shown {
    /// To show it as a page of its own, which runs nothing.
    AsPage,
    /// To show it: there is nothing in it that could run.
    Plainly,
    /// To save it.
    Never,
}

/// The type of a file of this name.
pub(crate) fn of(name: &str) -> ContentType {
    let name = name.to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let found = |(table, shown): &(Table, Shown)| {
        let (name, _) = table.iter().find(|(_, endings)| endings.contains(&ending))?;
        Some(ContentType { name, shown: *shown })
    };
    let tables = [(PAGES, Shown::AsPage), (PLAIN, Shown::Plainly), (SAVED, Shown::Never)];
    let unknown = ContentType { name: "application/octet-stream", shown: Shown::Never };
    tables.iter().find_map(found).unwrap_or(unknown)
}

/// Types, and the endings that have them.
type Table = &'static [(&'static str, &'static [&'static str])];

const PAGES: Table = &[("text/html; charset=utf-8", &["html", "htm"])];

const PLAIN: Table = &[
    (
        "text/plain; charset=utf-8",
        &[
            "txt",
            "text",
            "md",
            "log",
            "sha1",
            "sha224",
            "sha256",
            "sha384",
            "sha512",
            "sha256sum",
            "sha512sum",
            "md5",
            "md5sum",
            "blake2b",
            "csv",
            "tsv",
            "toml",
            "yml",
            "yaml",
            "ini",
            "conf",
            "cfg",
            "properties",
            "gradle",
            "kts",
            "sbt",
            "cabal",
            "gemspec",
            "podspec",
            "nfo",
            "diff",
            "patch",
            "changes",
            "dsc",
            "rst",
            "adoc",
        ],
    ),
    ("application/json", &["json", "module", "map", "jsonl"]),
    ("text/css; charset=utf-8", &["css"]),
    ("image/png", &["png", "apng"]),
    ("image/jpeg", &["jpg", "jpeg"]),
    ("image/gif", &["gif"]),
    ("image/webp", &["webp"]),
    ("image/avif", &["avif"]),
    ("image/vnd.microsoft.icon", &["ico"]),
    ("font/woff", &["woff"]),
    ("font/woff2", &["woff2"]),
    ("font/ttf", &["ttf"]),
    ("font/otf", &["otf"]),
    ("video/mp4", &["mp4", "m4v"]),
    ("video/webm", &["webm"]),
    ("audio/mpeg", &["mp3"]),
    ("audio/ogg", &["ogg", "oga", "opus"]),
    ("audio/wav", &["wav"]),
    ("audio/flac", &["flac"]),
];

const SAVED: Table = &[
    // What runs, or may hold what runs, under its own type: clients other than browsers ask.
    ("text/javascript; charset=utf-8", &["js", "mjs", "cjs"]),
    ("application/wasm", &["wasm"]),
    ("image/svg+xml", &["svg"]),
    ("application/xml", &["xml", "xsd", "pom", "nuspec", "plist", "rng", "wsdl"]),
    ("application/pdf", &["pdf"]),
    // Archives.
    ("application/zip", &["zip"]),
    ("application/gzip", &["gz", "tgz", "crate"]),
    ("application/x-bzip2", &["bz2", "tbz2", "tbz"]),
    ("application/x-xz", &["xz", "txz"]),
    ("application/x-lzma", &["lzma"]),
    ("application/x-lzip", &["lz"]),
    ("application/x-lz4", &["lz4"]),
    ("application/zstd", &["zst", "tzst"]),
    ("application/x-compress", &["z"]),
    ("application/x-7z-compressed", &["7z"]),
    ("application/vnd.rar", &["rar"]),
    ("application/x-tar", &["tar", "gem", "ova"]),
    ("application/x-cpio", &["cpio"]),
    // Packages.
    ("application/java-archive", &["jar", "war", "ear", "aar", "klib", "nar", "hpi", "jpi"]),
    ("application/vnd.android.package-archive", &["apk", "aab"]),
    ("application/vnd.debian.binary-package", &["deb", "udeb", "ddeb"]),
    ("application/x-rpm", &["rpm", "srpm", "drpm"]),
    ("application/zip", &["whl", "conda", "egg", "nupkg", "snupkg", "vsix", "xpi", "phar", "ipa"]),
    ("application/x-msi", &["msi", "msix", "msp"]),
    ("application/vnd.microsoft.portable-executable", &["exe", "dll"]),
    ("application/x-apple-diskimage", &["dmg"]),
    ("application/x-iso9660-image", &["iso"]),
    ("application/vnd.flatpak", &["flatpak"]),
    ("application/vnd.snap", &["snap"]),
    ("application/vnd.appimage", &["appimage"]),
    ("application/x-sh", &["sh", "run"]),
    // Signatures and certificates.
    ("application/pgp-signature", &["asc", "sig"]),
    ("application/pgp-keys", &["gpg", "pgp"]),
    ("application/x-x509-ca-cert", &["crt", "cer", "der"]),
    ("application/x-pem-file", &["pem"]),
];
