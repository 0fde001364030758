//! The rule's tests: a table for the decision, and scenarios over the in-memory backends.

use futures::executor::block_on;
use packhouse_core::access::{Credentials, Origin, authenticate};
use packhouse_core::memory::SetClock;
use packhouse_core::model::packages::PackageSettings;
use packhouse_core::names::{FilePath, PackageName, RepoPath, VersionName};
use packhouse_core::repositories::NewRepository;
use packhouse_core::uploads::Target;
use packhouse_core::{Limits, Ports, packages, repositories, uploads, users};

use super::*;

const RULE: ReleaseRule = ReleaseRule { rest: Duration::from_secs(3600) };
/// The SHA-256 of `abc`.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// An engine in memory, its admin, and the version `1.0` that nothing was uploaded to.
struct Bench {
    clock: SetClock,
    packhouse: Packhouse,
    admin: Caller,
    version: VersionPath,
}

impl Bench {
    fn new() -> Self {
        let clock = SetClock::new();
        let packhouse = Packhouse::new(Ports::in_memory(&clock), Limits::default());
        let repo = RepoPath::parse("admin", "repo").unwrap();
        let package = repo.package(PackageName::parse("tool").unwrap());
        let admin = block_on(async {
            let key = users::set_up(&packhouse, None).await?.made().unwrap();
            let credentials = Credentials::Basic { user: "admin".into(), secret: key };
            let admin = authenticate(&packhouse, &credentials, Origin::default()).await?;
            repositories::create(&packhouse, &admin, &repo, &NewRepository::default()).await?;
            packages::create(&packhouse, &admin, &package, &PackageSettings::default()).await?;
            Result::<Caller>::Ok(admin)
        });
        let version = package.version(VersionName::parse("1.0").unwrap());
        Self { clock, packhouse, admin: admin.unwrap(), version }
    }

    fn upload(&self, path: &str, bytes: &'static str) {
        let target = Target::new(self.version.clone(), FilePath::parse(path).unwrap());
        block_on(uploads::put(&self.packhouse, &self.admin, target, bytes.into())).unwrap();
    }

    fn publish(&self, caller: &Caller) -> Result<u64> {
        block_on(RULE.publish(&self.packhouse, &self.clock, caller, &self.version))
    }

    fn told(&self) -> String {
        self.publish(&self.admin).unwrap_err().to_string()
    }
}

#[test]
fn the_decision_case_by_case() {
    let at = |seconds| Timestamp::default().after(Duration::from_secs(seconds));
    let file = |path: &str, says: Option<&str>| Pending {
        path: path.into(),
        sha256: ABC.into(),
        uploaded: at(100),
        says: says.map(str::to_owned),
    };
    let checksum = format!("{}  a\n", ABC.to_uppercase());
    let (a, good) = (file("a", None), file("a.sha256", Some(&checksum)));
    for (name, pending, now, expected) in [
        ("nothing waits", vec![], 0, None),
        ("no checksum", vec![a.clone()], 9_999, Some(Objection::NoChecksum("a".into()))),
        (
            "an empty checksum file",
            vec![a.clone(), file("a.sha256", Some(""))],
            9_999,
            Some(Objection::WrongChecksum("a".into())),
        ),
        (
            "another checksum",
            vec![a.clone(), file("a.sha256", Some("00"))],
            9_999,
            Some(Objection::WrongChecksum("a".into())),
        ),
        (
            "an endless checksum file",
            vec![a.clone(), file("a.sha256", None)],
            9_999,
            Some(Objection::WrongChecksum("a".into())),
        ),
        (
            "just not rested",
            vec![a.clone(), good.clone()],
            3_699,
            Some(Objection::TooFresh(at(3_700))),
        ),
        ("just rested", vec![a, good.clone()], 3_700, None),
        ("a checksum alone", vec![good], 3_700, None),
    ] {
        assert_eq!(decide(&RULE, &pending, at(now)), expected, "{name}");
    }
}

#[test]
fn a_version_is_published_with_its_checksums_after_its_rest() {
    let bench = Bench::new();
    bench.upload("tool.tgz", "abc");
    assert_eq!(bench.told(), "Upload tool.tgz.sha256 first");
    bench.upload("tool.tgz.sha256", "0000  tool.tgz\n");
    assert_eq!(bench.told(), "tool.tgz.sha256 says another checksum");
    // What is not published may be uploaded again.
    bench.clock.advance(Duration::from_secs(600));
    let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  tool.tgz\n";
    bench.upload("tool.tgz.sha256", right);
    assert_eq!(bench.told(), "The version rests until 2026-01-01T01:10:00.000Z");
    bench.clock.advance(RULE.rest);
    assert_eq!(bench.publish(&bench.admin).unwrap(), 2);
    assert_eq!(bench.publish(&bench.admin).unwrap(), 0, "nothing waits any more");
}

#[test]
fn the_rule_gives_nobody_a_right() {
    let bench = Bench::new();
    bench.upload("tool.tgz", "abc");
    let anonymous = authenticate(&bench.packhouse, &Credentials::Anonymous, Origin::default());
    let anonymous = block_on(anonymous).unwrap();
    let refused = bench.publish(&anonymous).unwrap_err();
    // It does not even learn what objects: to it nothing waits, and the engine refuses.
    assert_eq!(*refused.kind(), ErrorKind::Unauthenticated);
}
