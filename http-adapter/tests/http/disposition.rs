//! What a browser does with a served file (T151, T154): its type, its name, and that nothing of it
//! acts on this origin.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::app::App;
use crate::downloading::FILE_POLICY;

/// Pages show text, pictures and styles, and run nothing.
const PAGE_POLICY: &str = "sandbox; default-src 'none'; img-src 'self' data:; \
                           style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
                           media-src 'self'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";
const OCTETS: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";

/// Endings of what browsers run, of what they may find something to run in, and of what they
/// guess about.
const ACTIVE: [(&str, &str); 62] = [
    ("svg", "image/svg+xml"),
    ("svgz", OCTETS),
    ("xml", "application/xml"),
    ("xhtml", OCTETS),
    ("xht", OCTETS),
    ("shtml", OCTETS),
    ("stm", OCTETS),
    ("xsl", OCTETS),
    ("xslt", OCTETS),
    ("xbl", OCTETS),
    ("xul", OCTETS),
    ("rdf", OCTETS),
    ("rss", OCTETS),
    ("atom", OCTETS),
    ("mathml", OCTETS),
    ("mml", OCTETS),
    ("vml", OCTETS),
    ("wsdl", "application/xml"),
    ("xsd", "application/xml"),
    ("pom", "application/xml"),
    ("nuspec", "application/xml"),
    ("plist", "application/xml"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("cjs", "text/javascript; charset=utf-8"),
    ("jsx", OCTETS),
    ("vbs", OCTETS),
    ("wsf", OCTETS),
    ("hta", OCTETS),
    ("htc", OCTETS),
    ("html5", OCTETS),
    ("htmls", OCTETS),
    ("mht", OCTETS),
    ("mhtml", OCTETS),
    ("eml", OCTETS),
    ("webarchive", OCTETS),
    ("swf", OCTETS),
    ("xap", OCTETS),
    ("pdf", "application/pdf"),
    ("fdf", OCTETS),
    ("xfdf", OCTETS),
    ("vtt", OCTETS),
    ("ttml", OCTETS),
    ("wasm", "application/wasm"),
    ("webmanifest", OCTETS),
    ("appcache", OCTETS),
    ("crx", OCTETS),
    ("xpi", "application/zip"),
    ("jar", "application/java-archive"),
    ("jnlp", OCTETS),
    ("url", OCTETS),
    ("desktop", OCTETS),
    ("lnk", OCTETS),
    ("php", OCTETS),
    ("jsp", OCTETS),
    ("asp", OCTETS),
    ("cer", "application/x-x509-ca-cert"),
    ("ics", OCTETS),
    ("dtd", OCTETS),
    ("bin", OCTETS),
    ("unknown", OCTETS),
    ("", OCTETS),
];

/// Endings of what is shown, of packages and of what goes with them.
const OTHERS: [(&str, &str, bool); 60] = [
    ("txt", TEXT, true),
    ("md", TEXT, true),
    ("sha1", TEXT, true),
    ("sha256", TEXT, true),
    ("md5", TEXT, true),
    ("log", TEXT, true),
    ("yml", TEXT, true),
    ("csv", TEXT, true),
    ("json", "application/json", true),
    ("module", "application/json", true),
    ("map", "application/json", true),
    ("css", "text/css; charset=utf-8", true),
    ("png", "image/png", true),
    ("jpg", "image/jpeg", true),
    ("jpeg", "image/jpeg", true),
    ("gif", "image/gif", true),
    ("webp", "image/webp", true),
    ("avif", "image/avif", true),
    ("ico", "image/vnd.microsoft.icon", true),
    ("woff", "font/woff", true),
    ("woff2", "font/woff2", true),
    ("ttf", "font/ttf", true),
    ("mp4", "video/mp4", true),
    ("webm", "video/webm", true),
    ("mp3", "audio/mpeg", true),
    ("ogg", "audio/ogg", true),
    ("zip", "application/zip", false),
    ("whl", "application/zip", false),
    ("nupkg", "application/zip", false),
    ("gz", "application/gzip", false),
    ("tgz", "application/gzip", false),
    ("tar.gz", "application/gzip", false),
    ("crate", "application/gzip", false),
    ("tar", "application/x-tar", false),
    ("gem", "application/x-tar", false),
    ("tar.zst", "application/zstd", false),
    ("zst", "application/zstd", false),
    ("tar.xz", "application/x-xz", false),
    ("tar.bz2", "application/x-bzip2", false),
    ("lzma", "application/x-lzma", false),
    ("7z", "application/x-7z-compressed", false),
    ("war", "application/java-archive", false),
    ("aar", "application/java-archive", false),
    ("apk", "application/vnd.android.package-archive", false),
    ("deb", "application/vnd.debian.binary-package", false),
    ("rpm", "application/x-rpm", false),
    ("msi", "application/x-msi", false),
    ("exe", "application/vnd.microsoft.portable-executable", false),
    ("dmg", "application/x-apple-diskimage", false),
    ("iso", "application/x-iso9660-image", false),
    ("snap", "application/vnd.snap", false),
    ("flatpak", "application/vnd.flatpak", false),
    ("sh", "application/x-sh", false),
    ("asc", "application/pgp-signature", false),
    ("sig", "application/pgp-signature", false),
    ("jar.asc", "application/pgp-signature", false),
    ("gpg", "application/pgp-keys", false),
    ("pem", "application/x-pem-file", false),
    ("box", OCTETS, false),
    ("pom.sha1", TEXT, true),
];

const BYTES: &str = "<html><script>alert(1)</script>";

async fn check(app: &App, name: &str, kind: &str, disposition: &str, policy: &str) {
    app.upload(&format!("acme/tools/app/1.0/t/{name}?publish=1"), BYTES).await;
    // Whatever is said to be accepted, and for parts too.
    for (header, value) in
        [("accept", "text/html"), ("range", "bytes=0-3"), ("range", "bytes=0-1,4-5")]
    {
        let got = app.get(&format!("/acme/tools/t/{name}")).header(header, value).await;
        let expected = format!("{disposition}; filename=\"{name}\"; filename*=UTF-8''{name}");
        assert_eq!(got.header("content-disposition"), Some(expected.as_str()), "{name}");
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"), "{name}");
        assert_eq!(got.header("content-security-policy"), Some(policy), "{name}");
        if value.contains(',') {
            let part = format!("Content-Type: {kind}\r\n");
            assert!(String::from_utf8_lossy(&got.body).contains(&part), "{got:?}");
        } else {
            assert_eq!(got.header("content-type"), Some(kind), "{name}");
        }
    }
}

#[tokio::test]
async fn what_could_run_is_saved_and_not_shown() {
    let app = App::furnished().await;
    for (ending, kind) in ACTIVE {
        for name in [format!("a.{ending}"), format!("A.html.{}", ending.to_uppercase())] {
            let name = name.trim_end_matches('.');
            // Without its last ending the second of these is a page.
            if !name.to_lowercase().ends_with(".html") {
                check(&app, name, kind, "attachment", FILE_POLICY).await;
            }
        }
    }
    for name in ["html", "svg", "index", ".html."] {
        app.upload(&format!("acme/tools/app/1.0/t/{name}?publish=1"), BYTES).await;
        let got = app.get(&format!("/acme/tools/t/{name}")).await;
        assert_eq!(got.header("content-type"), Some(OCTETS), "{got:?}");
        assert!(got.header("content-disposition").unwrap().starts_with("attachment; "), "{got:?}");
    }
}

#[tokio::test]
async fn what_cannot_run_is_said_to_be_what_it_is() {
    let app = App::furnished().await;
    for (ending, kind, shown) in OTHERS {
        for name in [format!("a.{ending}"), format!("A.html.{}", ending.to_uppercase())] {
            let disposition = if shown { "inline" } else { "attachment" };
            check(&app, &name, kind, disposition, FILE_POLICY).await;
        }
    }
}

#[tokio::test]
async fn a_page_is_shown_and_runs_nothing() {
    let app = App::furnished().await;
    for name in ["index.html", "a.HTM", "a.b.Html"] {
        check(&app, name, "text/html; charset=utf-8", "inline", PAGE_POLICY).await;
        let got = app.get(&format!("/acme/tools/t/{name}")).await;
        assert_eq!(got.header("referrer-policy"), Some("no-referrer"));
    }
    for policy in [PAGE_POLICY, FILE_POLICY] {
        let lets = ["allow-", "script", "'unsafe-eval'", "*", "http", "connect", "frame-src"];
        assert!(policy.starts_with("sandbox; default-src 'none';"));
        assert!(!lets.iter().any(|word| policy.contains(word)), "{policy}");
    }
}

/// T154: no name ends the parameter it stands in, or the header.
#[tokio::test]
async fn a_name_stays_within_its_parameter() {
    let app = App::furnished().await;
    for (name, plain) in [
        ("a\"b.txt", "a_b.txt"),
        ("a\"; filename=\"evil.exe", "a__ filename=_evil.exe"),
        ("a;b;filename=c.txt", "a_b_filename=c.txt"),
        ("100%.txt", "100_.txt"),
        ("a%0d%0aSet-Cookie: x=1.txt", "a_0d_0aSet-Cookie: x=1.txt"),
        ("a%22b.txt", "a_22b.txt"),
        ("it's (1) *.txt", "it's (1) *.txt"),
        ("naïve.txt", "na_ve.txt"),
        ("日本語.zip", "___.zip"),
        ("📦🚀.tar.gz", "__.tar.gz"),
        ("a b,c=d.txt", "a b,c=d.txt"),
        ("UTF-8''x", "UTF-8''x"),
    ] {
        let path = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
        app.upload(&format!("acme/tools/app/1.0/n/{path}?publish=1"), "x").await;
        let got = app.get(&format!("/acme/tools/n/{path}")).await;
        let value = got.header("content-disposition").unwrap();
        let (_, rest) = value.split_once("; ").unwrap();
        let rest = rest.strip_prefix("filename=\"").unwrap();
        let (told, exact) = rest.split_once("\"; filename*=UTF-8''").unwrap();
        assert_eq!(told, plain, "{value}");
        assert!(!exact.contains(['"', ';', '\'', ' ', ',', '=', '(', '*']), "{value}");
        assert_eq!(percent_decode_str(exact).decode_utf8().unwrap(), name);
        assert_eq!(value.matches("filename").count() - name.matches("filename").count() * 2, 2);
        assert_eq!(got.header("set-cookie"), None);
    }
    for refused in ["a%0d%0aSet-Cookie:x", "a%00", "a%5cb", "a%7f", "%e2%80%aeexe.txt"] {
        let put = app.put(&format!("/content/acme/tools/app/1.0/{refused}")).by("acme").await;
        assert_eq!(put.status, 400, "{refused}");
    }
}
