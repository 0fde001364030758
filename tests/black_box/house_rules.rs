//! The rules of the house (`ARCHITECTURE.md`): broken, they fail the build.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use packhouse_tests::server::workspace;

/// All that core may depend on, directly: nothing that knows HTTP, SQL, files or a runtime.
const CORE_MAY_USE: [&str; 22] = [
    "aes",
    "async-trait",
    "base64",
    "bytes",
    "cbc",
    "chacha20poly1305",
    "futures",
    "globset",
    "hmac",
    "md-5",
    "packhouse-core",
    "pbkdf2",
    "quick_cache",
    "ring",
    "serde",
    "serde_json",
    "sha1",
    "sha2",
    "subtle",
    "thiserror",
    "time",
    "unicode-normalization",
];

#[test]
fn core_depends_on_no_http_sql_runtime_or_file_system_crate() {
    let used = direct_dependencies("packhouse-core");
    let allowed: BTreeSet<String> = CORE_MAY_USE.map(str::to_owned).into();
    let more: Vec<_> = used.difference(&allowed).collect();
    assert!(more.is_empty(), "core depends on {more:?}");
}

#[test]
fn http_is_known_to_the_adapter_alone_and_sql_to_its_backend_alone() {
    for package in ["packhouse-sqlite", "packhouse-fs", "packhouse-conformance"] {
        assert!(!direct_dependencies(package).contains("axum"), "{package}");
    }
    for package in ["packhouse-http", "packhouse-fs", "packhouse-server", "packhouse-conformance"] {
        assert!(!direct_dependencies(package).contains("rusqlite"), "{package}");
    }
}

fn direct_dependencies(package: &str) -> BTreeSet<String> {
    let tree = ["tree", "--offline", "--edges", "normal", "--depth", "1", "--prefix", "none"];
    let output = Command::new(env!("CARGO"))
        .args(tree)
        .args(["--package", package])
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn a_dialect_names_no_port_and_no_other_dialect() {
    let source = workspace().join("http-adapter/src");
    let mut dialects: Vec<String> = folders(&source).collect();
    dialects.retain(|name| name != "support");
    assert!(dialects.len() >= 3, "{dialects:?}");
    for file in rust_files(&source) {
        let text = fs::read_to_string(&file).expect("sources can be read");
        for port in
            ["packhouse_core::store", "core::store", "BlobStore", "MemoryStore", "dyn Store"]
        {
            assert!(!text.contains(port), "{} names {port}", file.display());
        }
        let own = dialects.iter().find(|name| file.starts_with(source.join(name)));
        let others = dialects.iter().filter(|name| own.is_some() && Some(*name) != own);
        for other in others {
            let import = format!("crate::{other}");
            assert!(!text.contains(&import), "{} imports {other}", file.display());
        }
    }
}

#[test]
fn the_ports_have_no_default_methods() {
    for (file, start) in [
        ("core/src/store/mod.rs", "pub trait Store:"),
        ("core/src/blobs/mod.rs", "pub trait BlobStore:"),
    ] {
        let text = fs::read_to_string(workspace().join(file)).expect("sources can be read");
        let body = text.split(start).nth(1).expect("the trait is there");
        let body = body.split("\n}\n").next().expect("the trait ends");
        let braces = body.matches('{').count();
        assert_eq!(braces, 1, "{file}: a method of the trait has a body");
    }
}

#[test]
fn every_module_says_what_it_is() {
    for file in rust_files(&workspace()) {
        let text = fs::read_to_string(&file).expect("sources can be read");
        assert!(text.starts_with("//!"), "{} starts without //!", file.display());
    }
}

#[test]
fn every_fuzz_target_has_seeds_and_is_described() {
    let fuzz = workspace().join("fuzz");
    let described = fs::read_to_string(fuzz.join("README.md")).expect("the description is there");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("the manifest is there");
    let targets = rust_files(&fuzz.join("targets"));
    assert!(targets.len() >= 6, "{targets:?}");
    for target in targets {
        let name = target.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let seeds = fs::read_dir(fuzz.join("seeds").join(&name)).map_or(0, Iterator::count);
        assert!(seeds > 0, "fuzz/seeds/{name} is empty");
        assert!(
            described.contains(&format!("| `{name}` |")),
            "fuzz/README.md says nothing of {name}"
        );
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not built");
    }
}

fn folders(of: &Path) -> impl Iterator<Item = String> + use<> {
    let entries = fs::read_dir(of).expect("a folder of sources").filter_map(Result::ok);
    entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
}

/// The project's own sources below a folder, without what tools make.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources").filter_map(Result::ok) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let made = ["target", "compile_fail", "corpus", "artifacts"].contains(&name.as_str());
        if path.is_dir() && !made && !name.starts_with('.') {
            files.extend(rust_files(&path));
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    files
}
