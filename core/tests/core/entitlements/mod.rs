//! Entitlements: what they open, to whom, and that a separately written evaluator says the same of
//! random worlds.

mod kept;
mod reference;

use std::cell::RefCell;
use std::collections::BTreeSet;

use packhouse_core::access::Caller;
use packhouse_core::access_keys::{self, AccessKeyChange};
use packhouse_core::entitlements::{self, EntitlementPatch, ListPatch, NewEntitlement};
use packhouse_core::model::entitlements::{Access, Entitlement, EntitlementPlace};
use packhouse_core::model::grants::{GrantSet, Grantee};
use packhouse_core::model::packages::Package;
use packhouse_core::model::products::{Product, ProductSettings};
use packhouse_core::model::repositories::Repository;
use packhouse_core::model::subjects::Subject;
use packhouse_core::model::versions::VersionSettings;
use packhouse_core::model::{Form, ProductId};
use packhouse_core::names::{EntitlementName, FileLocation, FilePath, ProductName};
use packhouse_core::{Error, ErrorKind, Result, downloads, files, packages, uploads, versions};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::access_keys::{key, made, sign_in, user};
use crate::world::{World, file, package, published, repo, run, subject, to, version};

use reference::{NEW, Reference, Said, Wish};

/// Every file: repository, package, version, path. Names that begin alike and paths that a careless
/// prefix would take for one another.
const FILES: [(&str, &str, &str, &str); 8] = [
    ("vault", "tool", "1.0", "a/b/c"),
    ("vault", "tool", "1.0", "a/bc"),
    ("vault", "tool", "1.0.1", "a/b.c"),
    ("vault", "tool", "1.0.1", "A/b/c"),
    ("vault", "tools", "1.0", "a/b/d/e"),
    ("vault", "tools", "1.0", "a"),
    ("vault", "tools", "2.0", "ab/c"),
    ("cellar", "tool", "1.0", "a/b/c"),
];

/// What entitlements are of, as text: `product`, `repo`, `repo/package`, `repo/package/version`.
const PLACES: [&str; 10] = [
    "suite",
    "bundle",
    "/vault",
    "/cellar",
    "/vault/tool",
    "/vault/tools",
    "/cellar/tool",
    "/vault/tool/1.0",
    "/vault/tool/1.0.1",
    "/cellar/tool/1.0",
];

const PATHS: [&str; 7] = ["a", "a/b", "a/b/c", "a/bc", "A", "ab", "a/b/d"];
const KEYS: [&str; 2] = ["key1", "key2"];
const PRODUCTS: [&str; 2] = ["suite", "bundle"];

fn place(text: &str) -> EntitlementPlace {
    let parts: Vec<&str> = text.split('/').collect();
    match parts[..] {
        [product] => {
            EntitlementPlace::Product(subject("anna"), ProductName::parse(product).unwrap())
        }
        [_, name] => EntitlementPlace::Repository(repo(&format!("anna/{name}"))),
        [_, _, _] => EntitlementPlace::Package(package(&format!("anna{text}"))),
        _ => EntitlementPlace::Version(version(&format!("anna{text}"))),
    }
}

const WISHES: [Wish; 3] = [Wish::Read, Wish::Write, Wish::Make];

/// One change of a world.
#[derive(Clone, Debug)]
enum Step {
    Entitle { slot: usize, place: usize, path: Option<usize>, write: bool, keys: BTreeSet<usize> },
    Change { slot: usize, write: Option<bool>, lists: [Option<BTreeSet<usize>>; 3] },
    Withdraw { slot: usize },
    RemakeKey { key: usize },
    RemakeVersion { file: usize },
    RemakePackage { file: usize },
    Join { product: usize, file: usize },
    Leave { product: usize, file: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let keys = || btree_set(0..KEYS.len(), 0..=KEYS.len());
    let slot = || 0..5usize;
    let some = |strategy| proptest::option::of(strategy);
    prop_oneof![
        12 => (slot(), 0..PLACES.len(), some(0..PATHS.len()), any::<bool>(), keys()).prop_map(
            |(slot, place, path, write, keys)| Step::Entitle { slot, place, path, write, keys }
        ),
        6 => (slot(), proptest::option::of(any::<bool>()), [some_keys(), some_keys(), some_keys()])
            .prop_map(|(slot, write, lists)| Step::Change { slot, write, lists }),
        3 => slot().prop_map(|slot| Step::Withdraw { slot }),
        1 => (0..KEYS.len()).prop_map(|key| Step::RemakeKey { key }),
        1 => (0..FILES.len()).prop_map(|file| Step::RemakeVersion { file }),
        1 => (0..FILES.len()).prop_map(|file| Step::RemakePackage { file }),
        2 => (0..PRODUCTS.len(), 0..FILES.len())
            .prop_map(|(product, file)| Step::Join { product, file }),
        1 => (0..PRODUCTS.len(), 0..FILES.len())
            .prop_map(|(product, file)| Step::Leave { product, file }),
    ]
}

fn some_keys() -> impl Strategy<Value = Option<BTreeSet<usize>>> {
    proptest::option::of(btree_set(0..KEYS.len(), 0..=KEYS.len()))
}

/// A furnished installation in which worlds come and go.
struct Bench {
    world: World,
    anna: Caller,
    callers: RefCell<Vec<Caller>>,
}

impl Bench {
    fn new() -> Self {
        let world = World::new();
        let anna = world.user("anna");
        for name in ["vault", "cellar"] {
            world.repo(&anna, &repo(&format!("anna/{name}")), true);
            let path = repo(&format!("anna/{name}"));
            let held: Repository = world.read(Repository::key_of(&path));
            world.put(&Repository { has_products: true, ..held });
        }
        for (index, name) in PRODUCTS.iter().enumerate() {
            let owner: Subject = world.read(Subject::key_of(&subject("anna")));
            world.put(&Product {
                form: Form,
                id: ProductId::from_bytes([40 + index as u8; 16]),
                subject: owner.name,
                subject_id: owner.id,
                name: ProductName::parse(name).unwrap(),
                settings: ProductSettings::default(),
                packages: Vec::new(),
                created: owner.created,
            });
        }
        let bench = Self { world, anna, callers: RefCell::default() };
        bench.fill("");
        for name in KEYS {
            let caller = bench.make_key(name);
            bench.callers.borrow_mut().push(caller);
        }
        bench
    }

    /// Makes every package, version and file at or below a place, none of which is there.
    fn fill(&self, at: &str) {
        let (engine, anna) = (&self.world.sound, &self.anna);
        let is_below = |place: &str| format!("{place}/").starts_with(&format!("{at}/"));
        for (repo_name, name, number, file_path) in FILES {
            let package_at = format!("/{repo_name}/{name}");
            let version_at = format!("{package_at}/{number}");
            if is_below(&package_at) {
                let path = package(&format!("anna{package_at}"));
                let _ = run(packages::create(engine, anna, &path, &Default::default()));
            }
            if is_below(&version_at) {
                let path = version(&format!("anna{version_at}"));
                let _ = run(versions::create(engine, anna, &path, &VersionSettings::default()));
                let target = published(&format!("anna{version_at}"), file_path);
                self.world.upload(anna, target, "x").unwrap();
            }
        }
    }

    fn make_key(&self, name: &str) -> Caller {
        let password = made(&self.world, &self.anna, name, &AccessKeyChange::default());
        sign_in(&self.world.sound, &format!("{name}@anna"), &password).unwrap()
    }

    fn location(file_of: usize) -> FileLocation {
        let (repo_name, _, _, path) = FILES[file_of];
        file(&format!("anna/{repo_name}"), path)
    }

    /// What each key may do with each file, as the engine says.
    fn allowed(&self) -> BTreeSet<(usize, usize, Wish)> {
        let mut allowed = BTreeSet::new();
        for (key, caller) in self.callers.borrow().iter().enumerate() {
            for (file_of, (_, name, _, path)) in FILES.into_iter().enumerate() {
                let (engine, location) = (&self.world.sound, Self::location(file_of));
                let reads = run(downloads::find(engine, caller, &location)).is_ok();
                let writes =
                    run(files::list_in_downloads(engine, caller, &location, false)).is_ok();
                let new = to(&format!("anna/{}/{name}/{NEW}", location.repo.repo), path);
                let told = run(uploads::begin(engine, caller, new)).err();
                // That the path is of another version is told to those who may make one.
                let exists = |error: &Error| *error.kind() == ErrorKind::AlreadyExists;
                let makes = told.as_ref().is_none_or(exists);
                allowed.extend(reads.then_some((key, file_of, Wish::Read)));
                allowed.extend(writes.then_some((key, file_of, Wish::Write)));
                allowed.extend(makes.then_some((key, file_of, Wish::Make)));
            }
        }
        allowed
    }

    fn apply(&self, step: &Step, reference: &mut Reference) -> Result<()> {
        let (engine, anna) = (&self.world.sound, &self.anna);
        match step {
            Step::Entitle { slot, place: at, path, write, keys } => {
                self.withdraw(*slot, reference)?;
                let of_repo = PLACES[*at].matches('/').count() == 1;
                let path = path.filter(|_| of_repo).map(|path| PATHS[path]);
                let write = *write && PLACES[*at].starts_with('/');
                let new = NewEntitlement {
                    name: Some(name_of(*slot)),
                    access: access(write),
                    access_keys: names(keys),
                    path: path.map(|path| FilePath::parse(path).unwrap()),
                    tags: Vec::new(),
                };
                run(entitlements::create(engine, anna, &place(PLACES[*at]), &new))?;
                let (place, path) = (PLACES[*at].to_owned(), path.map(str::to_owned));
                let keys = keys.clone();
                reference.said.insert(*slot, Said { place, path, write, keys });
            }
            Step::Change { slot, write, lists: [replace, add, remove] } => {
                let Some(said) = reference.said.get_mut(slot) else { return Ok(()) };
                let write = write.map(|write| write && said.place.starts_with('/'));
                let list = |keys: &Option<BTreeSet<usize>>| keys.as_ref().map(names);
                let patch = EntitlementPatch {
                    access: write.map(access),
                    access_keys: ListPatch {
                        replace: list(replace),
                        add: list(add).unwrap_or_default(),
                        remove: list(remove).unwrap_or_default(),
                    },
                    ..EntitlementPatch::default()
                };
                let at = place(&said.place);
                run(entitlements::update(engine, anna, &at, &name_of(*slot), &patch))?;
                said.write = write.unwrap_or(said.write);
                if let Some(replace) = replace {
                    said.keys.clone_from(replace);
                }
                said.keys.extend(add.iter().flatten());
                said.keys.retain(|key| !remove.iter().flatten().any(|gone| gone == key));
            }
            Step::Withdraw { slot } => self.withdraw(*slot, reference)?,
            Step::RemakeKey { key: gone } => {
                let stale = self.callers.borrow()[*gone].clone();
                run(access_keys::delete(engine, anna, &user("anna"), &key(KEYS[*gone])))?;
                for file_of in 0..FILES.len() {
                    let found = run(downloads::find(engine, &stale, &Self::location(file_of)));
                    assert!(found.is_err(), "a key that is gone");
                }
                self.callers.borrow_mut()[*gone] = self.make_key(KEYS[*gone]);
                for said in reference.said.values_mut() {
                    said.keys.remove(gone);
                }
            }
            Step::RemakeVersion { file: file_of } => {
                let (repo_name, name, number, _) = FILES[*file_of];
                let path = format!("{repo_name}/{name}/{number}");
                run(versions::delete(engine, anna, &version(&format!("anna/{path}"))))?;
                self.fill(&format!("/{path}"));
                reference.forget(&format!("/{path}"));
            }
            Step::RemakePackage { file: file_of } => {
                let (repo_name, name, ..) = FILES[*file_of];
                let path = format!("/{repo_name}/{name}");
                self.leave_all(*file_of, reference);
                run(packages::delete(engine, anna, &package(&format!("anna{path}"))))?;
                self.fill(&path);
                reference.forget(&path);
            }
            Step::Join { product, file } => self.belongs(*product, *file, true, reference),
            Step::Leave { product, file } => self.belongs(*product, *file, false, reference),
        }
        Ok(())
    }

    fn withdraw(&self, slot: usize, reference: &mut Reference) -> Result<()> {
        let Some(said) = reference.said.remove(&slot) else { return Ok(()) };
        let at = place(&said.place);
        run(entitlements::delete(&self.world.sound, &self.anna, &at, &name_of(slot)))
    }

    fn leave_all(&self, file_of: usize, reference: &mut Reference) {
        for product in 0..PRODUCTS.len() {
            self.belongs(product, file_of, false, reference);
        }
    }

    /// Puts a package into a product or takes it out, past the use cases of products.
    fn belongs(&self, product: usize, file_of: usize, is_in: bool, reference: &mut Reference) {
        let (repo_name, name, ..) = FILES[file_of];
        let path = format!("/{repo_name}/{name}");
        let key = Package::key_of(&package(&format!("anna{path}")));
        let mut held: Package = self.world.read(key);
        let (id, member) = (ProductId::from_bytes([40 + product as u8; 16]), PRODUCTS[product]);
        let pair = (member.to_owned(), path);
        if is_in {
            held.products.insert(id);
            reference.products.insert(pair);
        } else {
            held.products.remove(&id);
            reference.products.remove(&pair);
        }
        self.world.put(&held);
    }

    /// Takes everything back that a world said; nothing of it may be left.
    fn clear(&self, reference: &mut Reference) {
        for (file_of, (repo_name, name, ..)) in FILES.into_iter().enumerate() {
            let path = format!("/{repo_name}/{name}");
            if reference.products.iter().any(|(_, member)| *member == path) {
                self.leave_all(file_of, reference);
            }
        }
        for slot in 0..5 {
            self.withdraw(slot, reference).unwrap();
        }
        assert!(self.world.all::<Entitlement>().is_empty());
        let of_key = |set: &GrantSet| matches!(set.grantee, Grantee::AccessKey(_));
        assert!(!self.world.all::<GrantSet>().iter().any(of_key));
    }
}

fn access(write: bool) -> Access {
    if write { Access::ReadWrite } else { Access::Read }
}

fn names(keys: &BTreeSet<usize>) -> Vec<packhouse_core::names::AccessKeyName> {
    keys.iter().map(|index| key(KEYS[*index])).collect()
}

fn name_of(slot: usize) -> EntitlementName {
    EntitlementName::parse(&format!("slot{slot}")).unwrap()
}

/// More entitlements open more, fewer less.
fn check_monotonic(
    step: &Step,
    before: &BTreeSet<(usize, usize, Wish)>,
    after: &BTreeSet<(usize, usize, Wish)>,
    was_free: bool,
) {
    match step {
        Step::Entitle { .. } if was_free => assert!(before.is_subset(after), "{step:?}"),
        Step::Join { .. } => assert!(before.is_subset(after), "{step:?}"),
        Step::Change { write: None | Some(true), lists: [None, _, None], .. } => {
            assert!(before.is_subset(after), "{step:?}");
        }
        Step::Change { write: None | Some(false), lists: [None, None, _], .. }
        | Step::Withdraw { .. }
        | Step::RemakeKey { .. }
        | Step::RemakeVersion { .. }
        | Step::RemakePackage { .. }
        | Step::Leave { .. } => assert!(after.is_subset(before), "{step:?}"),
        Step::Entitle { .. } | Step::Change { .. } => {}
    }
}

/// T071, T072, T075. `PACKHOUSE_WORLDS` sets how many worlds.
#[test]
#[allow(clippy::disallowed_methods, reason = "the engine reads no environment; its tests may")]
fn the_engine_and_the_reference_agree_about_random_worlds() {
    // Unoptimised, a world takes ten times as long.
    let few = if cfg!(debug_assertions) { 500 } else { 2_000 };
    let worlds = std::env::var("PACKHOUSE_WORLDS").ok().map_or(few, |text| text.parse().unwrap());
    let config = Config { cases: worlds, failure_persistence: None, ..Config::default() };
    let bench = Bench::new();
    let opened = RefCell::new(0);
    let outcome = TestRunner::new(config).run(&vec(step(), 1..10), |steps| {
        let mut reference = Reference::default();
        let (last, first) = steps.split_last().unwrap();
        for step in first {
            bench.apply(step, &mut reference).unwrap();
        }
        let before = bench.allowed();
        let was_free =
            !matches!(last, Step::Entitle { slot, .. } if reference.said.contains_key(slot));
        bench.apply(last, &mut reference).unwrap();
        let after = bench.allowed();
        check_monotonic(last, &before, &after, was_free);
        let mut expected = BTreeSet::new();
        for key in 0..KEYS.len() {
            for (index, file) in FILES.into_iter().enumerate() {
                for wish in WISHES {
                    let allows = reference.allows(key, wish, file);
                    expected.extend(allows.then_some((key, index, wish)));
                }
            }
        }
        *opened.borrow_mut() += expected.len();
        bench.clear(&mut reference);
        prop_assert_eq!(after, expected);
        Ok(())
    });
    outcome.unwrap();
    // The test of the test: enough is open, and not all.
    let (opened, most) = (*opened.borrow(), worlds as usize * KEYS.len() * FILES.len() * 3);
    assert!(opened > most / 50 && opened < most / 2, "{opened} of {most}");
}
