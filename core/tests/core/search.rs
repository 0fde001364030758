//! Searches across repositories: what they find, and what they tell nobody of.

use std::time::Duration;

use packhouse_core::access::Caller;
use packhouse_core::model::blobs::Content;
use packhouse_core::model::files::File;
use packhouse_core::model::packages::Package;
use packhouse_core::model::repositories::RepositoryKind;
use packhouse_core::names::RepoName;
use packhouse_core::packages::PackagePatch;
use packhouse_core::repositories::{NewRepository, RepositoryPatch};
use packhouse_core::search::{self, Coordinates, Texts, Wanted, Within};
use packhouse_core::{
    ErrorKind, Paging, Timestamp, files, packages, publishing, repositories, versions,
};

use crate::world::{
    FIRST, World, anonymous, file, needs_credentials, package, published, refusal, refused,
    replacing, repo, run, subject, to, version,
};

fn everywhere() -> Within {
    Within::default()
}

fn within(subject_name: &str, repo_name: &str) -> Within {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Within {
        subject: given(subject_name).map(|name| subject(&name)),
        repo: given(repo_name).map(|name| RepoName::parse(&name).unwrap()),
    }
}

fn named(text: &str) -> Texts {
    Texts { name: Some(text.to_owned()), desc: None }
}

fn described(text: &str) -> Texts {
    Texts { name: None, desc: Some(text.to_owned()) }
}

fn shown(package: &Package) -> String {
    format!("{}/{}/{}", package.subject, package.repo, package.name)
}

/// The paths of what was found, after a look at the total.
fn packages_of(world: &World, caller: &Caller, texts: &Texts, within: &Within) -> Vec<String> {
    let found = run(search::packages(&world.sound, caller, texts, within, FIRST)).unwrap();
    assert_eq!(found.total, Some(found.items.len() as u64));
    found.items.iter().map(|view| shown(&view.package)).collect()
}

fn files_of(world: &World, caller: &Caller, wanted: &Wanted, within: &Within) -> Vec<String> {
    let found = run(search::files(&world.sound, caller, wanted, None, within, FIRST)).unwrap();
    assert_eq!(found.total, Some(found.items.len() as u64));
    found.items.iter().map(|file| file.location().to_string()).collect()
}

fn repos_of(world: &World, caller: &Caller, texts: &Texts) -> Vec<String> {
    let found = run(search::repositories(&world.sound, caller, texts, FIRST)).unwrap();
    assert_eq!(found.total, Some(found.items.len() as u64));
    found.items.iter().map(|view| view.repo.path().to_string()).collect()
}

fn name(text: &str) -> Wanted {
    Wanted::Name(text.to_owned())
}

/// `anna/open` and `anna/closed`, `bert/open`, each with a package `tool` and a file of its own.
fn world() -> (World, Caller, Caller) {
    let world = World::new();
    let (anna, bert) = (world.user("anna"), world.user("bert"));
    for (caller, path, private) in
        [(&anna, "anna/open", false), (&anna, "anna/closed", true), (&bert, "bert/open", false)]
    {
        world.repo(caller, &repo(path), private);
        world.package(caller, &package(&format!("{path}/tool")));
        let parent = format!("{path}/tool/1.0");
        world.upload(caller, published(&parent, "lib/Tool-1.0.jar"), path.to_owned()).unwrap();
        world.upload(caller, to(&parent, "lib/tool-1.1.jar"), "unpublished").unwrap();
    }
    (world, anna, bert)
}

#[test]
fn private_things_are_found_by_those_who_may_see_them_and_counted_for_nobody_else() {
    let (world, anna, bert) = world();
    let open = ["anna/open", "bert/open"].map(str::to_owned).to_vec();
    let all = ["anna/closed", "anna/open", "bert/open"].map(str::to_owned).to_vec();
    let below = |repos: &[String], rest: &str| -> Vec<String> {
        repos.iter().map(|repo| format!("{repo}/{rest}")).collect()
    };
    for (caller, repos) in
        [(&anna, &all), (&world.admin, &all), (&bert, &open), (anonymous(), &open)]
    {
        let found = packages_of(&world, caller, &named("tool"), &everywhere());
        assert_eq!(found, below(repos, "tool"));
        let found = files_of(&world, caller, &name("tool-*"), &everywhere());
        assert_eq!(found, below(repos, "lib/Tool-1.0.jar"));
        if !caller.is_anonymous() {
            let mut found = repos_of(&world, caller, &named("open"));
            found.extend(repos_of(&world, caller, &named("closed")));
            found.sort();
            assert_eq!(&found, repos);
        }
    }
    let texts = named("open");
    let nobodys = run(search::repositories(&world.sound, anonymous(), &texts, FIRST));
    assert_eq!(refused(nobodys), needs_credentials());
}

#[test]
fn a_search_needs_something_to_search_for() {
    let (world, anna, _) = world();
    let (engine, none) = (&world.sound, Texts::default());
    let repos = run(search::repositories(engine, &anna, &none, FIRST));
    assert_eq!(
        refused(repos),
        refusal(ErrorKind::Invalid, "Nothing to search for: give at least one of name, desc")
    );
    let packages = run(search::packages(engine, &anna, &none, &everywhere(), FIRST));
    let message = "Nothing to search for: give at least one of name, desc, subject, repo";
    assert_eq!(refused(packages), refusal(ErrorKind::Invalid, message));
    for (wanted, message) in [
        (Wanted::Sha1("12".into()), "what is given is no SHA-1: it has 40 hexadecimal digits"),
        (
            Wanted::Sha256("z".repeat(64)),
            "what is given is no SHA-256: it has 64 hexadecimal digits",
        ),
        (name(&"a".repeat(1025)), "the text to look for is over 1024 bytes"),
    ] {
        let found = run(search::files(engine, &anna, &wanted, None, &everywhere(), FIRST));
        assert_eq!(refused(found), refusal(ErrorKind::Invalid, message));
    }
}

#[test]
fn names_are_matched_whole_with_wildcards_in_any_case() {
    let world = World::new();
    let anna = world.anna();
    for path in ["a/lib-1.jar", "b/LIB-22.jar", "lib-1.jar.sha1x", "lib", "x/ü.bin"] {
        world.upload(&anna, published("anna/repo/tool/1.0", path), path.to_owned()).unwrap();
    }
    for (pattern, expected) in [
        ("lib-1.jar", &["a/lib-1.jar"][..]),
        ("LIB-1.JAR", &["a/lib-1.jar"]),
        ("lib-?.jar", &["a/lib-1.jar"]),
        ("lib-*.jar", &["a/lib-1.jar", "b/LIB-22.jar"]),
        ("*.jar*", &["a/lib-1.jar", "b/LIB-22.jar", "lib-1.jar.sha1x"]),
        ("lib", &["lib"]),
        ("li?", &["lib"]),
        ("?.bin", &["x/ü.bin"]),
        ("ü*", &["x/ü.bin"]),
        ("a/lib-1.jar", &[]),
        ("*/lib-1.jar", &[]),
        ("ib-1.jar", &[]),
        ("", &[]),
        ("*", &["a/lib-1.jar", "b/LIB-22.jar", "lib", "lib-1.jar.sha1x", "x/ü.bin"]),
    ] {
        let expected: Vec<String> =
            expected.iter().map(|path| format!("anna/repo/{path}")).collect();
        assert_eq!(files_of(&world, &anna, &name(pattern), &everywhere()), expected, "{pattern}");
    }
}

#[test]
fn names_and_descriptions_are_searched_for_a_part_of_them() {
    let world = World::new();
    let anna = world.anna();
    let long = format!("{} The END of it", "All about it. ".repeat(200));
    let other = package("anna/repo/Other.Tool");
    world.package(&anna, &other);
    let patch = PackagePatch { desc: Some(Some(long.clone())), ..PackagePatch::default() };
    run(packages::update(&world.sound, &anna, &other, &patch)).unwrap();
    let patch = RepositoryPatch { desc: Some(long), ..RepositoryPatch::default() };
    run(repositories::update(&world.sound, &anna, &repo("anna/repo"), None, &patch)).unwrap();
    let (one, both) =
        (vec!["anna/repo/Other.Tool"], vec!["anna/repo/Other.Tool", "anna/repo/tool"]);
    for (texts, expected) in [
        (named("tool"), &both),
        (named("OTHER"), &one),
        (named("o*l"), &both),
        (named("r.t"), &one),
        (described("the end of"), &one),
        (described("about it. all"), &one),
        (described("the end*never"), &vec![]),
        (Texts { name: Some("other".into()), desc: Some("end".into()) }, &one),
        (Texts { name: Some("tool.".into()), desc: Some("end".into()) }, &vec![]),
    ] {
        assert_eq!(&packages_of(&world, anonymous(), &texts, &everywhere()), expected, "{texts:?}");
    }
    assert_eq!(repos_of(&world, &anna, &described("the end of it")), ["anna/repo"]);
    assert_eq!(repos_of(&world, &anna, &named("EPO")), ["anna/repo"]);
    assert_eq!(repos_of(&world, &anna, &named("none")), Vec::<String>::new());
    // What is no longer said is no longer found.
    let patch = PackagePatch { desc: Some(Some(String::new())), ..PackagePatch::default() };
    run(packages::update(&world.sound, &anna, &other, &patch)).unwrap();
    let found = packages_of(&world, anonymous(), &described("end"), &everywhere());
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_search_stays_within_a_subject_and_a_repository() {
    let (world, anna, _) = world();
    for (place, expected) in [
        (within("anna", ""), &["anna/closed", "anna/open"][..]),
        (within("ANNA", ""), &["anna/closed", "anna/open"]),
        (within("", "open"), &["anna/open", "bert/open"]),
        (within("", "OPEN"), &["anna/open", "bert/open"]),
        (within("anna", "open"), &["anna/open"]),
        (within("bert", "closed"), &[]),
        (within("nobody", "open"), &[]),
    ] {
        let paths = |rest: &str| -> Vec<String> {
            expected.iter().map(|repo| format!("{repo}/{rest}")).collect()
        };
        assert_eq!(packages_of(&world, &anna, &Texts::default(), &place), paths("tool"));
        let found = files_of(&world, &anna, &name("*.jar"), &place);
        assert_eq!(found, paths("lib/Tool-1.0.jar"), "{place:?}");
    }
}

#[test]
fn pages_have_totals_and_an_order() {
    let world = World::new();
    let anna = world.anna();
    for n in 0..7 {
        let path = format!("f{n}.bin");
        world.upload(&anna, published("anna/repo/tool/1.0", &path), path.clone()).unwrap();
    }
    for start in 0..9 {
        let page = Paging::new(start, 3);
        let (wanted, place) = (name("f*.bin"), everywhere());
        let found = run(search::files(&world.sound, &anna, &wanted, None, &place, page)).unwrap();
        let paths: Vec<String> = found.items.iter().map(|file| file.path.to_string()).collect();
        let expected: Vec<String> = (start..7).take(3).map(|n| format!("f{n}.bin")).collect();
        assert_eq!((paths, found.total, found.start), (expected, Some(7), start));
    }
}

/// The SHA-1 and the SHA-256 of a file.
fn sums(file: &File) -> [Wanted; 2] {
    let digests = &file.contents.digests;
    [Wanted::Sha1(digests.sha1.to_uppercase()), Wanted::Sha256(digests.sha256.clone())]
}

#[test]
fn content_is_found_by_its_checksums_in_every_place() {
    let (world, anna, bert) = world();
    let one = world.upload(&anna, published("anna/open/tool/1.0", "one"), "same").unwrap();
    world.upload(&anna, published("anna/closed/tool/1.0", "two"), "same").unwrap();
    world.upload(&bert, published("bert/open/tool/1.0", "three"), "same").unwrap();
    world.upload(&bert, to("bert/open/tool/1.0", "four"), "same").unwrap();
    let open = ["anna/open/one", "bert/open/three"];
    for wanted in sums(&one) {
        assert_eq!(files_of(&world, &bert, &wanted, &everywhere()), open);
        let mut all = files_of(&world, &anna, &wanted, &everywhere());
        assert_eq!(all.remove(0), "anna/closed/two");
        assert_eq!(all, open);
        assert_eq!(files_of(&world, &anna, &wanted, &within("bert", "")), ["bert/open/three"]);
    }
    let none = Wanted::Sha1("0".repeat(40));
    assert_eq!(files_of(&world, &anna, &none, &everywhere()), Vec::<String>::new());
}

/// Collisions of SHA-1 are known: both contents are found.
#[test]
fn two_contents_of_one_sha1_are_both_found() {
    let world = World::new();
    let anna = world.anna();
    let one = world.upload(&anna, published("anna/repo/tool/1.0", "one"), "first").unwrap();
    let two = world.upload(&anna, published("anna/repo/tool/1.0", "two"), "second").unwrap();
    let content: Content = world.read(Content::key_of(&two.contents.digests.sha256));
    world.put(&Content { sha1: one.contents.digests.sha1.clone(), ..content });
    let [sha1, sha256] = sums(&one);
    let found = files_of(&world, &anna, &sha1, &everywhere());
    assert_eq!(found, ["anna/repo/one", "anna/repo/two"]);
    assert_eq!(files_of(&world, &anna, &sha256, &everywhere()), ["anna/repo/one"]);
}

#[test]
fn a_replacement_is_found_by_its_content_from_its_publication_on() {
    let world = World::new();
    let anna = world.anna();
    let old = world.upload(&anna, published("anna/repo/tool/1.0", "f"), "old").unwrap();
    let waiting =
        packhouse_core::uploads::Target { publish: false, ..replacing("anna/repo/tool/1.0", "f") };
    let new = world.upload(&anna, waiting, "new").unwrap().replacement.unwrap();
    let new = [Wanted::Sha1(new.digests.sha1), Wanted::Sha256(new.digests.sha256)];
    let find = |wanted: &[Wanted; 2]| {
        wanted.each_ref().map(|wanted| files_of(&world, &anna, wanted, &everywhere()).len())
    };
    assert_eq!((find(&sums(&old)), find(&new)), ([1, 1], [0, 0]));
    run(publishing::publish(&world.sound, &anna, &version("anna/repo/tool/1.0"))).unwrap();
    assert_eq!((find(&sums(&old)), find(&new)), ([0, 0], [1, 1]));
}

#[test]
fn files_are_found_from_the_instant_of_their_upload_on() {
    let world = World::new();
    let anna = world.anna();
    let early = world.upload(&anna, published("anna/repo/tool/1.0", "early"), "1").unwrap();
    world.clock.advance(Duration::from_millis(2));
    let late = world.upload(&anna, published("anna/repo/tool/1.0", "late"), "2").unwrap();
    let (early, late) = (early.contents.created, late.contents.created);
    let since = |instant: Timestamp| -> Vec<String> {
        let (wanted, place) = (name("*"), everywhere());
        let found = search::files(&world.sound, &anna, &wanted, Some(instant), &place, FIRST);
        run(found).unwrap().items.iter().map(|file| file.path.to_string()).collect()
    };
    assert_eq!(since(early), ["early", "late"]);
    assert_eq!(since(early.after(Duration::from_millis(1))), ["late"]);
    assert_eq!(since(late), ["late"]);
    assert_eq!(since(late.after(Duration::from_millis(1))), Vec::<String>::new());
}

/// A repository of kind maven with the package `lib`.
fn maven() -> (World, Caller) {
    let world = World::new();
    let anna = world.user("anna");
    let new = NewRepository { kind: RepositoryKind::Maven, ..NewRepository::default() };
    run(repositories::create(&world.sound, &anna, &repo("anna/jars"), &new)).unwrap();
    world.package(&anna, &package("anna/jars/lib"));
    (world, anna)
}

const ONE: &str = "org/acme/one/1.0/one-1.0.jar";
const TWO: &str = "org/acme/two/1.0/two-1.0.pom";

/// The coordinates of the package, as it says and as everyone finds it.
fn ids(world: &World) -> Vec<String> {
    let path = package("anna/jars/lib");
    let shown = run(packages::show(&world.sound, anonymous(), &path)).unwrap();
    let said: Vec<String> = shown.package.system_ids.iter().map(ToString::to_string).collect();
    let found = coordinates(world, &Coordinates::Any("*".into()));
    let found: Vec<String> = found.into_iter().flat_map(|(_, ids)| ids).collect();
    assert_eq!(said, found);
    said
}

fn coordinates(world: &World, wanted: &Coordinates) -> Vec<(String, Vec<String>)> {
    let place = everywhere();
    let found = run(search::maven(&world.sound, anonymous(), wanted, &place, FIRST)).unwrap();
    assert_eq!(found.total, Some(found.items.len() as u64));
    let matched = |found: &search::MavenPackage| {
        let ids = found.matched.iter().map(ToString::to_string).collect();
        (shown(&found.package.package), ids)
    };
    found.items.iter().map(matched).collect()
}

#[test]
fn coordinates_are_known_from_the_publication_to_the_deletion_of_their_last_file() {
    let (world, anna) = maven();
    let (engine, one) = (&world.sound, version("anna/jars/lib/1.0"));
    world.upload(&anna, to("anna/jars/lib/1.0", ONE), "1").unwrap();
    assert_eq!(ids(&world), Vec::<String>::new(), "nothing is published");
    run(publishing::publish(engine, &anna, &one)).unwrap();
    assert_eq!(ids(&world), ["org.acme:one"]);
    world.upload(&anna, published("anna/jars/lib/1.0", TWO), "2").unwrap();
    let next = "org/acme/one/2.0/one-2.0.jar";
    world.upload(&anna, published("anna/jars/lib/2.0", next), "3").unwrap();
    assert_eq!(ids(&world), ["org.acme:one", "org.acme:two"]);
    run(files::delete(engine, &anna, &file("anna/jars", ONE))).unwrap();
    assert_eq!(ids(&world), ["org.acme:one", "org.acme:two"], "2.0 has another file of it");
    run(versions::delete(engine, &anna, &one)).unwrap();
    assert_eq!(ids(&world), ["org.acme:one"]);
    run(files::delete(engine, &anna, &file("anna/jars", next))).unwrap();
    assert_eq!(ids(&world), Vec::<String>::new());
}

#[test]
fn files_of_other_packages_and_unpublished_ones_keep_no_coordinates() {
    let (world, anna) = maven();
    world.package(&anna, &package("anna/jars/other"));
    world.upload(&anna, published("anna/jars/lib/1.0", ONE), "1").unwrap();
    let others = "org/acme/one/1.1/one-1.1.jar";
    world.upload(&anna, published("anna/jars/other/1.1", others), "2").unwrap();
    world.upload(&anna, to("anna/jars/lib/1.2", "org/acme/one/1.2/one-1.2.jar"), "3").unwrap();
    run(files::delete(&world.sound, &anna, &file("anna/jars", ONE))).unwrap();
    let found = coordinates(&world, &Coordinates::Any("*".into()));
    assert_eq!(found, [("anna/jars/other".to_owned(), vec!["org.acme:one".to_owned()])]);
}

#[test]
fn only_maven_repositories_and_plain_layouts_have_coordinates() {
    let world = World::new();
    let anna = world.anna();
    world.upload(&anna, published("anna/repo/tool/1.0", ONE), "1").unwrap();
    assert_eq!(coordinates(&world, &Coordinates::Any("*".into())), []);
    let (world, anna) = maven();
    for path in ["org.acme/one/1.0/one-1.0.jar", "readme.txt", "a/b:c/1.0/b:c-1.0.jar"] {
        world.upload(&anna, published("anna/jars/lib/1.0", path), path.to_owned()).unwrap();
    }
    assert_eq!(ids(&world), Vec::<String>::new());
}
