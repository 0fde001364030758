//! What lies in a folder, as a page: for a person on any screen, and for the programs that read
//! Bintray's listings, which look for `onclick="navi(event)"` and take the colon off the `href`
//! (facts, 1.9). It must not hold a name that is not escaped, nor refer to anything else.

use std::fmt::Write;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use packhouse_core::folders::{Entry, EntryKind, Folder};
use packhouse_core::names::{FilePath, RepoPath};

use super::view::{View, encoded};
use crate::support::serving::{FOR_ALL, FOR_ONE};

const STYLE: &str = include_str!("listing.css");
const SCRIPT: &str = include_str!("listing.js");

/// The page runs its own script, and of handlers `navi(event)`; nothing else, whatever a name may
/// hold. The hashes are those of `listing.js`, of `navi(event)` and of `listing.css`: a test
/// computes them.
const POLICY: &str = "default-src 'none'; \
    script-src 'sha256-FbHqHDnn1N5oqUG9Z9o+d1mGS8CPbRiebuUIG23OZMI=' 'unsafe-hashes' 'sha256-8rvBg6n+UGy5puazDRr1XCReN8RJIoEueifY9unr5KM='; style-src 'sha256-P3i5FOatQGobCQTywDSMYq7CEOpRBf6RV+ZTJBdqiZI='; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) const RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// The page of a folder.
pub(super) fn page(
    repo: &RepoPath,
    folder: Option<&FilePath>,
    listed: &Folder,
    view: View<'_>,
) -> Response {
    let mut response = Response::new(Body::from(html(repo, folder, listed, view)));
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, if listed.public { FOR_ALL } else { FOR_ONE }),
        (VARY, "Authorization"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn html(repo: &RepoPath, folder: Option<&FilePath>, listed: &Folder, view: View<'_>) -> String {
    let path = folder.map_or(String::new(), |folder| format!("{folder}/"));
    let title = escaped(&format!("{repo}/{path}"));
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<script>{SCRIPT}</script>\n</head>\n\
         <body>\n<h1>{}</h1>\n",
        way_up(repo, folder, view)
    );
    if listed.entries.is_empty() {
        html.push_str("<p>There is nothing here.</p>\n");
    } else {
        html.push_str("<table>\n<tr><th>Name</th><th>Size</th><th>Date (UTC)</th></tr>\n");
        listed.entries.iter().for_each(|entry| row(&mut html, entry));
        html.push_str("</table>\n");
    }
    if let Some(next) = &listed.next {
        let query = escaped(&view.next(next));
        put(&mut html, format_args!("<p><a class=\"next\" href=\"{query}\">More</a></p>\n"));
    }
    html.push_str("</body>\n</html>\n");
    html
}

/// The path, each folder of it a link. Relative, so that it holds under every prefix.
fn way_up(repo: &RepoPath, folder: Option<&FilePath>, view: View<'_>) -> String {
    let folders = folder.map_or("", FilePath::as_str).split('/').filter(|name| !name.is_empty());
    let names: Vec<&str> = std::iter::once(repo.repo.as_str()).chain(folders).collect();
    let query = escaped(&view.of_another());
    let mut html = format!("{}/", escaped(repo.subject.as_str()));
    for (place, name) in names.iter().enumerate() {
        let up = match names.len() - 1 - place {
            0 => "./".to_owned(),
            up => "../".repeat(up),
        };
        put(&mut html, format_args!("<a href=\"{up}{query}\">{}</a>/", escaped(name)));
    }
    html
}

fn row(html: &mut String, entry: &Entry) {
    let slash = if entry.kind == EntryKind::Folder { "/" } else { "" };
    let name = entry.name.strip_suffix('/').unwrap_or(&entry.name);
    let href = format!(":{}{slash}", encoded(name));
    put(
        html,
        format_args!(
            "<tr><td><a onclick=\"navi(event)\" href=\"{href}\" rel=\"nofollow\">{}</a>",
            escaped(&entry.name)
        ),
    );
    match entry.kind {
        EntryKind::Folder => html.push_str("</td><td></td><td></td></tr>\n"),
        EntryKind::File { size, modified, published } => {
            let mark = if published { "" } else { " <small>unpublished</small>" };
            let (size_text, date) = (readable(size), modified.to_string());
            let minute = date.get(..16).unwrap_or(&date).replace('T', " ");
            put(
                html,
                format_args!(
                    "{mark}</td><td title=\"{size} bytes\">{size_text}</td>\
                     <td><time datetime=\"{date}\">{minute}</time></td></tr>\n"
                ),
            );
        }
    }
}

/// A size as people read it: `999 B`, `1.5 KiB`, `12.0 GiB`.
fn readable(size: u64) -> String {
    let (mut unit, mut tenths) = ("B", u128::from(size) * 10);
    for larger in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        if tenths < 10_240 {
            break;
        }
        (unit, tenths) = (larger, tenths / 1_024);
    }
    match unit {
        "B" => format!("{size} B"),
        unit => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

/// Text as it may stand between tags and in quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

fn put(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text).expect("a text takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        for (size, expected) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (1_536, "1.5 KiB"),
            (1_048_575, "1023.9 KiB"),
            (1_048_576, "1.0 MiB"),
            (5_000_000_000, "4.6 GiB"),
            (u64::MAX, "16383.9 PiB"),
        ] {
            assert_eq!(readable(size), expected);
        }
    }

    #[test]
    fn nothing_that_is_markup_passes() {
        let expected = "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;lt;é";
        assert_eq!(escaped("<a href=\"x\" id='y'>&lt;é"), expected);
    }
}
