//! The JSON form of every stored kind, each as a fixture that a change of the form breaks.
//!
//! When a form changes, its fixture stays as `<kind>.<form>.json`, the new one is written beside
//! it, and both must be read.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use packhouse_core::Timestamp;
use packhouse_core::blobs::BlobId;
use packhouse_core::model::access_keys::{AccessKey, ExistenceCheck};
use packhouse_core::model::attributes::{
    Attribute, AttributeType, AttributeValues, Attributes, GivenValue, Mixed, Number,
};
use packhouse_core::model::blobs::{Blob, BlobReference, Content};
use packhouse_core::model::calls::{Call, CallMethod};
use packhouse_core::model::debian::DebianCoordinates;
use packhouse_core::model::entitlements::{Access, EntitledKey, Entitlement, EntitlementScope};
use packhouse_core::model::files::{Contents, Digests, File};
use packhouse_core::model::followers::Follower;
use packhouse_core::model::gpg_keys::{GpgKeys, SealedPrivateKey};
use packhouse_core::model::grants::{Action, Anchor, Grant, GrantSet, Grantee, Scope};
use packhouse_core::model::jobs::{Doomed, ForgottenKey, Job, Task};
use packhouse_core::model::memberships::{Membership, Role};
use packhouse_core::model::packages::{Package, PackageSettings, Updated};
use packhouse_core::model::repositories::{
    Closing, Repository, RepositoryKind, RepositorySettings, Tomb,
};
use packhouse_core::model::subjects::{ApiKey, Plan, Subject, SubjectKind};
use packhouse_core::model::teams::Team;
use packhouse_core::model::url_keys::UrlKey;
use packhouse_core::model::versions::{Version, VersionSettings};
use packhouse_core::model::{
    AccessKeyId, Form, ProductId, RepositoryId, Stored, SubjectId, TeamId,
};
use packhouse_core::names::{
    AccessKeyName, AttributeName, EntitlementName, FileLocation, FilePath, MavenPath, PackageName,
    ProductName, RepoName, SubjectName, TeamName, VersionName,
};
use packhouse_core::networks::Network;
use packhouse_core::openpgp::KeyFacts;
use packhouse_core::store::Change;

use crate::golden;
use crate::state::KINDS;

/// What is written is the fixture, and the fixture is read as what was written.
#[track_caller]
pub(crate) fn keeps<T: Stored + PartialEq + Debug>(name: &str, value: &T) {
    let Change::Put { key, body, .. } = value.put() else { panic!("a put puts") };
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["form"], 1, "{name} says its form");
    let fixture = serde_json::json!({ "key": format!("{key:?}"), "body": body });
    let text = serde_json::to_string_pretty(&fixture).unwrap() + "\n";
    golden::compare(&format!("forms/{name}.json"), &text);
    let held = std::fs::read_to_string(golden::path_of(&format!("forms/{name}.json"))).unwrap();
    let held: serde_json::Value = serde_json::from_str(&held).unwrap();
    let read: T = serde_json::from_value(held["body"].clone()).unwrap();
    assert_eq!(&read, value, "{name}");
}

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::default().after(Duration::from_secs(1_700_000_000 + seconds))
}

pub(crate) fn anna() -> SubjectName {
    SubjectName::parse("Anna").unwrap()
}

pub(crate) fn repo() -> RepoName {
    RepoName::parse("Repo").unwrap()
}

pub(crate) fn tool() -> PackageName {
    PackageName::parse("Catch:tool").unwrap()
}

pub(crate) fn one() -> VersionName {
    VersionName::parse("1.0 рц").unwrap()
}

pub(crate) fn user_id() -> SubjectId {
    SubjectId::from_bytes([0x0a; 16])
}

fn blob_id() -> BlobId {
    BlobId::from_bytes([0x0b; 16])
}

#[test]
fn subjects_and_their_keys_keep_their_form() {
    keeps(
        "subject",
        &Subject {
            form: Form,
            id: user_id(),
            name: anna(),
            kind: SubjectKind::Organization,
            plan: Plan::Premium,
            full_name: Some("Anna A.".into()),
            email: None,
            created: at(0),
        },
    );
    keeps(
        "api_key",
        &ApiKey {
            form: Form,
            subject: anna(),
            subject_id: user_id(),
            hash: "00".repeat(32),
            sealed: Some("sealed".to_owned()),
            created: at(1),
        },
    );
}

#[test]
fn grants_keep_their_form() {
    let grant = |id: &str, scope| Grant {
        id: id.into(),
        actions: Action::ALL.to_vec(),
        scope,
        not_after: Some(at(9)),
    };
    let grants = vec![
        Grant { not_after: None, ..grant("1", Scope::Anchor) },
        grant("2", Scope::Path(FilePath::parse("a/b").unwrap())),
        grant("3", Scope::Package(tool())),
        grant("4", Scope::Version(tool(), one())),
    ];
    let grantee = Grantee::User(user_id());
    let repository = RepositoryId::from_bytes([0x0c; 16]);
    for (name, anchor) in [
        ("grants.platform", Anchor::Platform),
        ("grants.subject", Anchor::Subject(anna(), user_id())),
        ("grants.repository", Anchor::Repository(anna(), repo(), repository)),
    ] {
        keeps(name, &GrantSet { form: Form, grantee, anchor, grants: grants.clone() });
    }
}

#[test]
fn repositories_and_tombs_keep_their_form() {
    let closing = [
        Closing { package: tool(), version: None },
        Closing { package: tool(), version: Some(one()) },
    ];
    keeps(
        "repository",
        &Repository {
            form: Form,
            id: RepositoryId::from_bytes([0x0c; 16]),
            subject: anna(),
            owner: user_id(),
            name: repo(),
            kind: RepositoryKind::Debian,
            private: true,
            restrictions: Default::default(),
            created: at(2),
            settings: RepositorySettings {
                desc: "things".into(),
                labels: vec!["a".into()],
                business_unit: Some("unit".into()),
                gpg_sign_metadata: true,
                version_update_max_days: Some(3),
                default_debian_component: Some("main".into()),
                yum_metadata_depth: Some(1),
                ..RepositorySettings::default()
            },
            has_products: false,
            closing: BTreeSet::from(closing),
        },
    );
    keeps("tomb.subject", &Tomb { form: Form, subject: anna(), repo: None });
    keeps("tomb.repository", &Tomb { form: Form, subject: anna(), repo: Some(repo()) });
}

#[test]
fn packages_and_versions_keep_their_form() {
    let package = Package {
        form: Form,
        subject: anna(),
        repo: repo(),
        name: tool(),
        created: at(3),
        updated: at(4),
        settings: PackageSettings {
            desc: Some("a tool".into()),
            labels: vec!["z".into(), "a".into()],
            licenses: vec!["MIT".into()],
            vcs_url: Some("https://example.com/tool.git".into()),
            github_repo: "anna/tool".into(),
            public_stats: Some(false),
            maturity: "Stable".into(),
            ..PackageSettings::default()
        },
        attributes: Attributes::default(),
        products: BTreeSet::new(),
        system_ids: BTreeSet::new(),
    };
    keeps("package", &package);
    keeps("package.described", &Package { attributes: attributes(), ..package.clone() });
    let jar = FilePath::parse("org/acme/tool/1.0/tool-1.0.jar").unwrap();
    let Some(MavenPath::Artifact { system_id, .. }) = MavenPath::of(&jar) else {
        panic!("it is in the layout")
    };
    keeps("package.maven", &Package { system_ids: system_id.into_iter().collect(), ..package });
    let version = Version {
        form: Form,
        subject: anna(),
        repo: repo(),
        package: tool(),
        name: one(),
        ordinal: 7,
        created: at(5),
        published: Some(at(5)),
        updated: at(6),
        settings: VersionSettings {
            released: Some(at(7)),
            vcs_tag: Some("v1".into()),
            ..VersionSettings::default()
        },
        attributes: Attributes::default(),
    };
    keeps("version", &version);
    keeps("version.described", &Version { attributes: attributes(), ..version });
}

/// One of each type, and one without values.
fn attributes() -> Attributes {
    let number = |text: &str| GivenValue::Number(Number::parse(text).unwrap());
    let text = |text: &str| GivenValue::String(text.to_owned());
    let list = [
        ("os", AttributeType::String, vec![text("linux"), text("darwin")]),
        ("size", AttributeType::Number, vec![number("9007199254740993"), number("2.20")]),
        ("built", AttributeType::Date, vec![text("2011-07-14T19:43:37+0100")]),
        ("signed", AttributeType::Boolean, vec![GivenValue::Boolean(true)]),
        ("release", AttributeType::Version, vec![text("1.10")]),
        ("_empty", AttributeType::String, vec![]),
    ];
    let list = list.map(|(name, kind, given)| Attribute {
        name: AttributeName::parse(name).unwrap(),
        values: AttributeValues::of(Some(kind), &given, Mixed::Refused).unwrap(),
    });
    Attributes::new(list.to_vec()).unwrap()
}

#[test]
fn files_and_blobs_keep_their_form() {
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
    let digests = Digests {
        sha1: "a9993e364706816aba3e25717850c26c9cd0d89d".into(),
        sha256: sha256.clone(),
        md5: "900150983cd24fb0d6963f7d28e17f72".into(),
    };
    let file = File {
        form: Form,
        subject: anna(),
        repo: repo(),
        path: FilePath::parse("a b/ü.jar").unwrap(),
        package: tool(),
        version: one(),
        ordinal: 4,
        contents: Contents {
            size: 3,
            digests,
            blob: blob_id(),
            uploader: user_id(),
            created: at(7),
            debian: None,
            box_provider: None,
        },
        published: Some(at(8)),
        list_in_downloads: false,
        attributes: Attributes::default(),
        replacement: None,
    };
    keeps("file", &file);
    let debian = DebianCoordinates {
        distributions: vec!["bookworm".to_owned()],
        components: vec!["main".to_owned()],
        architectures: vec!["amd64".to_owned(), "i386".to_owned()],
    };
    let replacement = Contents {
        created: at(9),
        debian: Some(debian),
        box_provider: Some("virtualbox".to_owned()),
        ..file.contents.clone()
    };
    keeps("file.listed", &File { list_in_downloads: true, ..file.clone() });
    keeps("file.described", &File { attributes: attributes(), ..file.clone() });
    keeps("file.replaced", &File { replacement: Some(Box::new(replacement)), ..file.clone() });
    keeps("file.unpublished", &File { published: None, ..file.clone() });
    let blob = Blob { form: Form, id: blob_id(), sha256: sha256.clone(), size: 3, condemned: None };
    keeps("blob", &blob);
    keeps("blob.condemned", &Blob { condemned: Some(at(9)), ..blob });
    let sha1 = file.contents.digests.sha1.clone();
    keeps("content", &Content { form: Form, sha256, sha1, blob: blob_id() });
    let FileLocation { .. } = file.location();
    let reference = BlobReference::key_of(blob_id(), &file.location());
    assert_eq!(
        format!("{reference:?}"),
        "blob_reference/0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b/anna/repo/a b/ü.jar"
    );
    let version = file.version_path();
    assert_eq!(
        format!("{:?}", Version::ordinals_of(&version.package)),
        "ordinals/anna/repo/Catch:tool"
    );
    assert_eq!(
        Updated::ALL.map(|updated| format!("{:?}", updated.key_of(&version.package))),
        ["updated/anna/repo/Catch:tool", "updated_for_publishers/anna/repo/Catch:tool"]
    );
}

#[test]
fn jobs_keep_their_form() {
    let doomed =
        Doomed { subject: anna(), repo: Some(repo()), package: Some(tool()), version: Some(one()) };
    let forgotten = ForgottenKey {
        subject: anna(),
        name: access_key_name("key.1"),
        id: AccessKeyId::from_bytes([0x0f; 16]),
    };
    let call = Call {
        subject: anna(),
        subject_id: user_id(),
        url: "https://example.org/told".to_owned(),
        method: CallMethod::Put,
        json: r#"{"callback_id":"malcolm"}"#.to_owned(),
        signed_text: "Anna/Repo/a/b.bin".to_owned(),
    };
    for (name, task) in [
        ("job.finish_deletion", Task::FinishDeletion(doomed)),
        ("job.condemn_blobs", Task::CondemnBlobs(vec![blob_id()])),
        ("job.remove_blobs", Task::RemoveBlobs(vec![blob_id()])),
        ("job.sweep_blobs", Task::SweepBlobs),
        ("job.forget_access_key", Task::ForgetAccessKey(forgotten)),
        ("job.call", Task::Call(Box::new(call))),
    ] {
        keeps(name, &Job { form: Form, id: "0d".repeat(16), task, due: at(10), attempts: 2 });
    }
}

#[test]
fn url_keys_keep_their_form() {
    let key = UrlKey {
        form: Form,
        subject: anna(),
        subject_id: user_id(),
        generation: "0e".repeat(16),
        created: at(11),
    };
    keeps("url_key", &key);
}

#[test]
fn gpg_keys_keep_their_form() {
    let facts = KeyFacts {
        fingerprint: "0123456789ABCDEF0123456789ABCDEF01234567".to_owned(),
        key_id: "89ABCDEF01234567".to_owned(),
        user_ids: vec!["Anna <anna@example.com>".to_owned()],
        created: at(1),
        expires: Some(at(12)),
        algorithm: "ed25519".to_owned(),
    };
    let private_key = SealedPrivateKey { sealed: "sealed".to_owned(), protected: true };
    let keys = GpgKeys {
        form: Form,
        subject: anna(),
        subject_id: user_id(),
        public_key: "armoured".to_owned(),
        facts,
        private_key: Some(private_key),
    };
    keeps("gpg_keys", &keys);
}

fn access_key_name(text: &str) -> AccessKeyName {
    AccessKeyName::parse(text).unwrap()
}

#[test]
fn access_keys_keep_their_form() {
    let plain = AccessKey {
        form: Form,
        id: AccessKeyId::from_bytes([0x0f; 16]),
        subject: anna(),
        subject_id: user_id(),
        name: access_key_name("key.1"),
        hash: "00".repeat(32),
        created: at(12),
        expiry: None,
        existence_check: None,
        white: Vec::new(),
        black: Vec::new(),
        api_only: true,
        closing: false,
    };
    let network = |text: &str| Network::parse(text).unwrap();
    let check = ExistenceCheck { url: "http://a/:username".to_owned(), cache_for_secs: 60 };
    let described = AccessKey {
        expiry: Some(at(13)),
        existence_check: Some(check),
        white: vec![network("127.0.0.1/22"), network("193.5.0.1/92")],
        black: vec![network("2001:db8::/32")],
        api_only: false,
        closing: true,
        ..plain.clone()
    };
    keeps("access_key", &plain);
    keeps("access_key.described", &described);
}

#[test]
fn entitlements_keep_their_form() {
    let entitled =
        |name| EntitledKey { name: access_key_name(name), id: AccessKeyId::from_bytes([0x0f; 16]) };
    let repository = RepositoryId::from_bytes([0x0c; 16]);
    let product = ProductName::parse("Suite").unwrap();
    let path = Some(FilePath::parse("a/b").unwrap());
    for (name, scope, access) in [
        (
            "entitlement.product",
            EntitlementScope::Product(product, ProductId::from_bytes([0x10; 16])),
            Access::Read,
        ),
        (
            "entitlement.repository",
            EntitlementScope::Repository(repo(), repository, path),
            Access::ReadWrite,
        ),
        (
            "entitlement.package",
            EntitlementScope::Package(repo(), repository, tool()),
            Access::ReadWrite,
        ),
        (
            "entitlement.version",
            EntitlementScope::Version(repo(), repository, tool(), one()),
            Access::Read,
        ),
    ] {
        let entitlement = Entitlement {
            form: Form,
            subject: anna(),
            subject_id: user_id(),
            scope,
            name: EntitlementName::parse("e.1").unwrap(),
            access,
            access_keys: vec![entitled("key.1"), entitled("key.2")],
            tags: vec!["z".to_owned(), "a".to_owned()],
            created: at(14),
        };
        keeps(name, &entitlement);
    }
}

#[test]
fn every_kind_has_a_fixture_or_no_body() {
    let without_body =
        ["ordinals", "updated", "updated_for_publishers", "used_bytes", "blob_reference", "probe"];
    let fixtures: BTreeSet<String> = std::fs::read_dir(golden::path_of("forms"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.split('.').next().unwrap().to_owned())
        .collect();
    for kind in KINDS.map(packhouse_core::store::Kind::as_str) {
        assert_ne!(fixtures.contains(kind), without_body.contains(&kind), "{kind}");
    }
}

#[test]
fn a_record_of_a_later_form_is_refused_and_never_misread() {
    let held = std::fs::read_to_string(golden::path_of("forms/content.json")).unwrap();
    let mut held: serde_json::Value = serde_json::from_str(&held).unwrap();
    held["body"]["form"] = 2.into();
    let read: Result<Content, _> = serde_json::from_value(held["body"].take());
    assert_eq!(read.unwrap_err().to_string(), "form 2 of a record, known up to 1");
}

#[test]
fn a_record_without_what_was_added_later_is_read() {
    // What settings gain has a default, so that records from before are read.
    let body = r#"{"form":1,"id":"0c","subject":"a","owner":"0a","name":"r","kind":"maven",
        "private":false,"created":0,"unknown to this program":1}"#;
    let read: Repository = serde_json::from_str(body).unwrap();
    assert_eq!((read.settings, read.closing.len()), (RepositorySettings::default(), 0));
}

#[test]
fn memberships_teams_and_followers_keep_their_form() {
    let team = |byte| TeamId::from_bytes([byte; 16]);
    let membership = Membership {
        form: Form,
        subject: anna(),
        subject_id: user_id(),
        user: SubjectId::from_bytes([0x1a; 16]),
        user_name: SubjectName::parse("Bert").unwrap(),
        role: Some(Role::Owner),
        teams: BTreeSet::from([team(1), team(2)]),
    };
    keeps("membership", &membership);
    keeps("membership.of_a_team", &Membership { role: None, ..membership.clone() });
    let plain = Team {
        form: Form,
        id: team(1),
        subject: anna(),
        subject_id: user_id(),
        name: TeamName::parse("a team").unwrap(),
        members: [(membership.user, membership.user_name.clone())].into(),
        allow_repo_creation: false,
        business_unit: None,
        created: at(15),
    };
    keeps("team", &plain);
    let business_unit = Some("unit".to_owned());
    keeps("team.of_makers", &Team { allow_repo_creation: true, business_unit, ..plain });
    let follower = Follower {
        form: Form,
        subject: anna(),
        subject_id: user_id(),
        user: membership.user_name,
        user_id: membership.user,
        since: at(16),
    };
    keeps("follower", &follower);
}
