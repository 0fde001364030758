//! Answers as the strictest decoders of Bintray's clients take them: RS refuses keys that it does
//! not know, BINTRY and JAVA refuse a missing one or a null where they want a value.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::app::{Answer, App, OWNER, STRANGER};

/// What a value must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Text,
    Whole,
    Switch,
    Texts,
    /// A text or null.
    MaybeText,
    /// Whatever it is, it is there.
    Any,
}

use Kind::{Any, MaybeText, Switch, Text, Texts, Whole};

fn fits(value: &Value, kind: Kind) -> bool {
    let texts = |list: &Vec<Value>| list.iter().all(Value::is_string);
    match kind {
        Text => value.is_string(),
        Whole => value.is_u64(),
        Switch => value.is_boolean(),
        Texts => value.as_array().is_some_and(texts),
        MaybeText => value.is_null() || value.is_string(),
        Any => true,
    }
}

/// A decoder: every key that it knows, and what it demands.
struct Decoder {
    client: &'static str,
    /// All the keys that it takes; any if there are none.
    known: &'static str,
    demands: &'static [(&'static str, Kind)],
}

impl Decoder {
    #[track_caller]
    fn takes(&self, answer: &Answer) {
        let object = answer.value();
        let object = object.as_object().unwrap();
        let known: BTreeSet<&str> = self.known.split_whitespace().collect();
        let strange = object.keys().find(|key| !known.is_empty() && !known.contains(key.as_str()));
        assert_eq!(strange, None, "{} does not know it: {answer:?}", self.client);
        for (key, kind) in self.demands {
            let value = object.get(*key);
            let fits = value.is_some_and(|value| fits(value, *kind));
            assert!(fits, "{} wants '{key}' as {kind:?}: {answer:?}", self.client);
        }
    }
}

const REPOSITORY: [Decoder; 3] = [
    Decoder {
        client: "RS",
        known: "name owner type private premium desc labels created package_count business_unit \
                gpg_sign_metadata gpg_sign_files gpg_use_owner_key default_debian_architecture \
                default_debian_distribution default_debian_component yum_metadata_depth \
                yum_groups_file",
        demands: &[
            ("owner", Text),
            ("name", Text),
            ("type", Text),
            ("premium", Switch),
            ("package_count", Whole),
            ("private", Switch),
            ("gpg_sign_metadata", Switch),
            ("gpg_sign_files", Switch),
            ("gpg_use_owner_key", Switch),
        ],
    },
    Decoder {
        client: "BINTRY",
        known: "",
        demands: &[
            ("name", Text),
            ("owner", Text),
            ("desc", Text),
            ("labels", Texts),
            ("created", Text),
            ("package_count", Whole),
        ],
    },
    Decoder {
        client: "JAVA",
        known: "",
        demands: &[("name", Text), ("owner", Text), ("type", Text), ("labels", Texts)],
    },
];

/// RS has no place for `permissions`, which strangers see, and needs what they do not.
const PACKAGE_OF_PUBLISHERS: [Decoder; 2] = [
    Decoder {
        client: "RS",
        known: "name repo owner desc labels attribute_names licenses custom_licenses \
                followers_count created website_url issue_tracker_url github_repo \
                github_release_notes_file public_download_numbers public_stats linked_to_repos \
                versions latest_version updated rating_count rating system_ids vcs_url maturity \
                attributes",
        demands: &[
            ("name", Text),
            ("repo", Text),
            ("owner", Text),
            ("public_download_numbers", Switch),
            ("public_stats", Switch),
            ("versions", Texts),
            ("maturity", Text),
        ],
    },
    Decoder {
        client: "BINTRY",
        known: "",
        demands: &[
            ("desc", MaybeText),
            ("labels", Texts),
            ("attribute_names", Texts),
            ("followers_count", Whole),
            ("created", Text),
            ("website_url", MaybeText),
            ("issue_tracker_url", MaybeText),
            ("github_repo", Any),
            ("github_release_notes_file", Text),
            ("public_download_numbers", Switch),
            ("linked_to_repos", Texts),
            ("versions", Texts),
            ("latest_version", MaybeText),
            ("updated", Text),
            ("rating_count", Whole),
            ("system_ids", Texts),
            ("vcs_url", MaybeText),
        ],
    },
];

const VERSION: [Decoder; 3] = [
    Decoder {
        client: "RS",
        known: "name desc package repo owner labels published attribute_names created updated \
                released ordinal github_release_notes_file github_use_tag_release_notes vcs_tag \
                rating_count attributes",
        demands: &[
            ("name", Text),
            ("package", Text),
            ("repo", Text),
            ("owner", Text),
            ("published", Switch),
            ("ordinal", Whole),
        ],
    },
    Decoder {
        client: "BINTRY",
        known: "",
        demands: &[
            ("desc", MaybeText),
            ("labels", Texts),
            ("attribute_names", Texts),
            ("created", Text),
            ("updated", Text),
            ("released", Text),
            ("ordinal", Whole),
        ],
    },
    Decoder { client: "SBT", known: "", demands: &[("created", Text), ("updated", Text)] },
];

/// What BINTRY and JAVA read of a version for publishers only.
const VERSION_OF_PUBLISHERS: [(&str, Kind); 3] = [
    ("vcs_tag", MaybeText),
    ("github_release_notes_file", MaybeText),
    ("github_use_tag_release_notes", Switch),
];

async fn app() -> App {
    let app = App::new().await;
    app.user(OWNER, "enterprise").await;
    app.user(STRANGER, "enterprise").await;
    app
}

#[track_caller]
fn all_take(decoders: &[Decoder], answer: &Answer) {
    assert!([200, 201].contains(&answer.status), "{answer:?}");
    decoders.iter().for_each(|decoder| decoder.takes(answer));
}

#[tokio::test]
async fn repositories_are_taken_when_fresh_full_and_cleared() {
    let app = app().await;
    let full = json!({
        "desc": "d", "labels": ["b", "a"], "business_unit": "unit", "gpg_sign_files": true,
        "gpg_sign_metadata": true, "default_debian_architecture": "amd64",
        "default_debian_distribution": "sid", "default_debian_component": "contrib",
        "yum_metadata_depth": 2, "yum_groups_file": "groups.xml",
    });
    // RS cannot read a repository of conan's kind; its maker never met one.
    for kind in ["maven", "debian", "rpm", "docker", "npm", "opkg", "nuget", "vagrant", "generic"] {
        for (name, body) in [("fresh", json!({})), ("full", full.clone())] {
            let (path, mut body) = (format!("/repos/acme/{kind}-{name}"), body);
            body["type"] = json!(kind);
            all_take(&REPOSITORY, &app.post(&path).by(OWNER).json(&body).await);
            for caller in [OWNER, STRANGER, ""] {
                all_take(&REPOSITORY, &app.get(&path).by(caller).await);
            }
            let clear = json!({"desc": "", "labels": [], "business_unit": "",
                "default_debian_architecture": "", "yum_groups_file": ""});
            app.patch(&path).by(OWNER).json(&clear).await.is_success(200);
            all_take(&REPOSITORY, &app.get(&path).by(OWNER).await);
        }
    }
}

#[tokio::test]
async fn packages_are_taken_when_fresh_full_and_cleared() {
    let app = app().await;
    app.repo("acme/tools", json!({})).await;
    let full = json!({
        "name": "full", "desc": "d", "labels": ["b"], "licenses": ["MIT"],
        "custom_licenses": ["own"], "website_url": "http://w.test", "vcs_url": "http://v.test/x",
        "issue_tracker_url": "http://i.test", "github_repo": "x/y", "maturity": "Official",
        "github_release_notes_file": "N", "public_download_numbers": true, "public_stats": false,
    });
    let cleared = json!({
        "desc": "", "labels": [], "licenses": [], "custom_licenses": [], "website_url": "",
        "vcs_url": "", "issue_tracker_url": "", "github_repo": "", "maturity": "",
        "github_release_notes_file": "",
    });
    for body in [json!({"name": "fresh"}), full] {
        let made = app.post("/packages/acme/tools").by(OWNER).json(&body).await;
        all_take(&PACKAGE_OF_PUBLISHERS, &made);
        let name = body["name"].as_str().unwrap();
        let path = format!("/packages/acme/tools/{name}");
        app.upload(&format!("acme/tools/{name}/1.0/{name}?publish=1"), "x").await;
        all_take(&PACKAGE_OF_PUBLISHERS, &app.get(&path).by(OWNER).await);
        app.patch(&path).by(OWNER).json(&cleared).await.is_success(200);
        all_take(&PACKAGE_OF_PUBLISHERS, &app.get(&path).by(OWNER).await);
        let of_file = app.get(&format!("/file_package/acme/tools/{name}")).by(OWNER).await;
        all_take(&PACKAGE_OF_PUBLISHERS, &of_file);
        for caller in ["", STRANGER] {
            let seen = app.get(&path).by(caller).await.value();
            let seen: BTreeSet<&str> =
                seen.as_object().unwrap().keys().map(String::as_str).collect();
            let mut expected: BTreeSet<&str> =
                PACKAGE_OF_PUBLISHERS[0].known.split_whitespace().collect();
            for key in [
                "github_repo",
                "github_release_notes_file",
                "public_download_numbers",
                "public_stats",
                "rating",
                "attributes",
            ] {
                expected.remove(key);
            }
            expected.insert("permissions");
            assert_eq!(seen, expected);
        }
    }
}

#[tokio::test]
async fn versions_are_taken_when_fresh_full_and_cleared() {
    let app = app().await;
    app.repo("acme/tools", json!({})).await;
    app.package("acme/tools", json!({"name": "p", "labels": ["l"]})).await;
    let full = json!({
        "name": "full", "desc": "d", "released": "2015-01-04", "vcs_tag": "v1",
        "github_release_notes_file": "N", "github_use_tag_release_notes": true,
    });
    let cleared = json!({
        "desc": "", "released": "", "vcs_tag": "", "github_release_notes_file": "",
        "github_use_tag_release_notes": false,
    });
    app.upload("acme/tools/p/made-by-upload/x?publish=1", "x").await;
    for body in [json!({"name": "fresh"}), full, json!({"name": "made-by-upload"})] {
        let name = body["name"].as_str().unwrap();
        let path = format!("/packages/acme/tools/p/versions/{name}");
        if name != "made-by-upload" {
            let made = app.post("/packages/acme/tools/p/versions").by(OWNER).json(&body).await;
            all_take(&VERSION, &made);
        }
        for caller in [OWNER, STRANGER, ""] {
            all_take(&VERSION, &app.get(&path).by(caller).await);
        }
        let as_publisher = Decoder { client: "JAVA", known: "", demands: &VERSION_OF_PUBLISHERS };
        as_publisher.takes(&app.get(&path).by(OWNER).await);
        app.patch(&path).by(OWNER).json(&cleared).await.is_success(200);
        let shown = app.get(&path).by(OWNER).await;
        all_take(&VERSION, &shown);
        as_publisher.takes(&shown);
        let stranger = app.get(&path).by(STRANGER).await.value();
        for (key, _) in VERSION_OF_PUBLISHERS {
            assert_eq!(stranger.get(key), None);
        }
    }
    all_take(&VERSION, &app.get("/file_version/acme/tools/x").by(OWNER).await);
    all_take(&VERSION, &app.get("/packages/acme/tools/p/versions/_latest").by(OWNER).await);
}

/// The test of the test: a strange key and a null are seen.
#[tokio::test]
async fn what_a_decoder_would_refuse_is_seen() {
    let app = app().await;
    app.repo("acme/days", json!({"version_update_max_days": 3})).await;
    let shown = app.get("/repos/acme/days").by(OWNER).await;
    // RS never met an Enterprise repository with days; the documents have them.
    let refused = std::panic::catch_unwind(|| REPOSITORY[0].takes(&shown));
    assert!(refused.is_err());
    assert!(!fits(&Value::Null, Text) && !fits(&json!([1]), Texts) && !fits(&json!(3.0), Whole));
}
