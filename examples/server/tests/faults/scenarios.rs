//! The main job, step by step: what each needs before it, and what it asks.

use bytes::Bytes;
use packhouse_tests::content::tar;

use crate::installation::Ask;

/// One step: what must be there before, and what is asked.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) before: Vec<Ask>,
    pub(crate) step: Doing,
}

/// What a step is.
pub(crate) enum Doing {
    Request(Ask),
    /// Jobs are run until none is due, then the grace of blobs passes, and they are run again.
    Collecting,
}

impl Scenario {
    fn new(name: &'static str, before: impl IntoIterator<Item = Ask>, step: Ask) -> Self {
        Self { name, before: before.into_iter().collect(), step: Doing::Request(step) }
    }

    /// Whether anybody sees a difference.
    pub(crate) fn is_seen(&self) -> bool {
        !self.reads() && !matches!(self.step, Doing::Collecting)
    }

    /// Whether it changes nothing.
    pub(crate) fn reads(&self) -> bool {
        matches!(&self.step, Doing::Request(ask) if ask.method == "GET")
    }
}

/// Larger than what is read at once.
pub(crate) const LARGE: usize = 600_000;

fn put(path: &str, body: impl Into<Bytes>) -> Ask {
    Ask::new("PUT", &format!("/content/{{u}}/repo/tool/{path}")).body(body)
}

fn post(path: &str, body: &'static str) -> Ask {
    Ask::new("POST", path).body(body)
}

fn get(path: &str) -> Ask {
    Ask::new("GET", path)
}

fn delete(path: &str) -> Ask {
    Ask::new("DELETE", path)
}

/// A published file and one that waits.
fn two_files() -> [Ask; 2] {
    [put("1.0/kept?publish=1", "kept"), put("1.0/waiting", "waiting")]
}

/// Uploads, publications and what replaces them.
pub(crate) fn writing() -> Vec<Scenario> {
    let archive = tar(&[("d/one", "one"), ("d/two", "kept"), ("three", "three")]);
    let publish = "/content/{u}/repo/tool/1.0/publish";
    let replaced = put("1.0/kept?override=1", "corrected");
    vec![
        Scenario::new("upload", two_files(), put("1.0/new", "new")),
        Scenario::new("upload of known content", two_files(), put("1.0/new", "kept")),
        Scenario::new("large upload", two_files(), put("1.0/new", vec![7; LARGE])),
        Scenario::new("upload with publish", two_files(), put("2.0/new?publish=1", "new")),
        Scenario::new("override", two_files(), put("1.0/kept?publish=1&override=1", "corrected")),
        Scenario::new("override that waits", two_files(), replaced.clone()),
        Scenario::new("explode", two_files(), put("1.0/?explode=1&publish=1", archive)),
        Scenario::new("publish", two_files(), post(publish, "{}")),
        Scenario::new(
            "publish of an override",
            [two_files()[0].clone(), replaced],
            post(publish, "{}"),
        ),
        Scenario::new("discard", two_files(), post(publish, "{\"discard\":true}")),
    ]
}

/// What is made besides files, and changed.
pub(crate) fn making() -> Vec<Scenario> {
    let key = post("/users/{u}/access_keys", "{\"id\":\"k\"}");
    let patch = Ask::new("PATCH", "/packages/{u}/repo/tool").body("{\"desc\":\"changed\"}");
    vec![
        Scenario::new("user made", [], Ask::new("PUT", "/management/v1/users/{u}x").body("{}")),
        Scenario::new("repository made", [], post("/repos/{u}/more", "{}")),
        Scenario::new("package made", [], post("/packages/{u}/repo", "{\"name\":\"more\"}")),
        Scenario::new("package changed", [], patch),
        Scenario::new(
            "version made",
            [],
            post("/packages/{u}/repo/tool/versions", "{\"name\":\"3\"}"),
        ),
        Scenario::new("access key made", [], key.clone()),
        Scenario::new("access key revoked", [key], delete("/users/{u}/access_keys/k")),
    ]
}

pub(crate) fn deleting() -> Vec<Scenario> {
    vec![
        Scenario::new("file deleted", two_files(), delete("/content/{u}/repo/kept")),
        Scenario::new(
            "version deleted",
            two_files(),
            delete("/packages/{u}/repo/tool/versions/1.0"),
        ),
        Scenario::new("package deleted", two_files(), delete("/packages/{u}/repo/tool")),
        Scenario::new("repository deleted", two_files(), delete("/repos/{u}/repo")),
        Scenario::new("user deleted", two_files(), delete("/management/v1/users/{u}")),
        Scenario {
            name: "collecting",
            before: vec![
                put("1.0/kept?publish=1", "collected {u}"),
                put("1.0/other?publish=1", "kept"),
                delete("/content/{u}/repo/kept"),
            ],
            step: Doing::Collecting,
        },
    ]
}

pub(crate) fn reading() -> Vec<Scenario> {
    let large = || [put("1.0/kept?publish=1", vec![b'x'; LARGE])];
    let files = "/packages/{u}/repo/tool/files?include_unpublished=1";
    vec![
        Scenario::new("download", two_files(), get("/{u}/repo/kept")),
        Scenario::new("download of a part", two_files(), get("/{u}/repo/kept").range("bytes=1-2")),
        Scenario::new("large download", large(), get("/{u}/repo/kept")),
        Scenario::new("large part", large(), get("/{u}/repo/kept").range("bytes=5-590000")),
        Scenario::new("list of files", two_files(), get(files)),
        Scenario::new("list of repositories", [], get("/repos/{u}")),
        Scenario::new("folder", two_files(), get("/{u}/repo/")),
    ]
}

/// Every step.
pub(crate) fn all() -> Vec<Scenario> {
    [writing(), making(), deleting(), reading()].into_iter().flatten().collect()
}
