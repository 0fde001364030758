//! The engine against a model of it: random sequences of commands as clients give them, on a
//! reference in plain maps, on the backends in memory and on SQLite with files. All answers are equal.
//!
//! The reference (`model/`) is written from the documents and shares no code with the engine.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

#[path = "model/access.rs"]
mod access;
#[path = "model/answer.rs"]
mod answer;
#[path = "model/attributes.rs"]
mod attributes;
#[path = "model/command.rs"]
mod command;
#[path = "model/content.rs"]
mod content;
#[path = "model/downloads.rs"]
mod downloads;
#[path = "model/engine.rs"]
mod engine;
#[path = "model/generator.rs"]
mod generator;
#[path = "model/invariants.rs"]
mod invariants;
#[path = "model/keys.rs"]
mod keys;
#[path = "model/packages.rs"]
mod packages;
#[path = "model/products.rs"]
mod products;
#[path = "model/repositories.rs"]
mod repositories;
#[path = "model/rules.rs"]
mod rules;
#[path = "model/run.rs"]
mod run;
#[path = "model/samples.rs"]
mod samples;
#[path = "model/shrink.rs"]
mod shrink;
#[path = "model/signed.rs"]
mod signed;
#[path = "model/state.rs"]
mod state;
#[path = "model/subjects.rs"]
mod subjects;
#[path = "model/teams.rs"]
mod teams;
#[path = "model/versions.rs"]
mod versions;
#[path = "model/wire.rs"]
mod wire;
#[path = "model/wire_rights.rs"]
mod wire_rights;
#[path = "model/world.rs"]
mod world;

use std::collections::BTreeMap;

use command::{Announced, Command, Form, Step, Upload};
use generator::Generator;
use invariants::tells_too_much;
use packhouse_tests::settings;
use run::Engines;
use serde_json::json;
use state::{Flaw, Model};
use world::{OWNER, Place, Repo, STRANGER, Who};

/// How many tests share the sequences, so that they run at once.
const PARTS: u64 = 2;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

/// Whose turn it is at the end of a seed's sequence.
fn turn(seed: u64) -> usize {
    usize::try_from(seed / PARTS % 1000).unwrap()
}

/// Plays one part of the sequences; panics with the shrunk sequence at a difference.
async fn part(number: u64) {
    let count = settings::number("PACKHOUSE_MODEL_SEQUENCES").unwrap_or(2000);
    let first = settings::number("PACKHOUSE_MODEL_SEED").unwrap_or(1);
    let mut engines = Engines::new().await;
    for seed in (first..first + count).filter(|seed| seed % PARTS == number) {
        let (steps, turn) = (Generator::sequence(seed), turn(seed));
        let Err(difference) = engines.play(&steps, turn).await else { continue };
        let (left, difference) = shrink::shrink(&mut engines, (&steps, turn), difference).await;
        let lines: Vec<_> = left.iter().map(|step| format!("    {step:?}\n")).collect();
        panic!(
            "answers differ: run it again with PACKHOUSE_MODEL_SEED={seed} \
             PACKHOUSE_MODEL_SEQUENCES=1\n{}after {} of {} commands:\n{difference}",
            lines.concat(),
            left.len(),
            steps.len(),
        );
    }
}

#[test]
fn the_model_and_the_engines_answer_alike_part_1() {
    block_on(part(0));
}

#[test]
fn the_model_and_the_engines_answer_alike_part_2() {
    block_on(part(1));
}

/// The sequences are of enough kinds.
#[test]
fn sequences_have_commands_of_many_kinds() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for step in (1..=300).flat_map(Generator::sequence) {
        *kinds.entry(step.what.kind()).or_default() += 1;
    }
    assert!(kinds.len() >= 90, "{} kinds: {kinds:?}", kinds.len());
    assert!(kinds.values().all(|count| *count > 5), "{kinds:?}");
}

/// The test of the test: a model with one rule wrong is found out, and the sequence that shows it
/// shrinks to a few commands.
#[test]
fn a_rule_that_is_wrong_is_found_and_shrunk() {
    block_on(async {
        for flaw in [Flaw::OverwritesFreely, Flaw::HidesNothing, Flaw::KeepsDiscarded] {
            let mut engines = Engines::new().await;
            engines.flaw = Some(flaw);
            let mut found = None;
            for seed in 1..=200 {
                let (steps, turn) = (Generator::sequence(seed), turn(seed));
                if let Err(difference) = engines.play(&steps, turn).await {
                    found = Some(shrink::shrink(&mut engines, (&steps, turn), difference).await);
                    break;
                }
            }
            let (left, difference) = found.unwrap_or_else(|| panic!("{flaw:?} is not found"));
            assert!(left.len() <= 6, "{flaw:?}: {left:#?}\n{difference}");
        }
    });
}

/// The invariants see what they are there for, also where model and engine agree.
#[test]
fn what_a_caller_must_not_be_told_is_noticed() {
    let (repo, path, package, version) = (Repo(OWNER, "tools"), "a.bin", "app", "1.0");
    let file = json!({"owner": OWNER, "repo": "tools", "path": path, "sha256": "x"});
    let listed = json!({"owner": OWNER, "name": "tools"});
    for (private, publish, of_repo, of_file) in [
        (true, true, true, true),
        (true, false, true, true),
        (false, false, false, true),
        (false, true, false, false),
    ] {
        let mut model = Model::new(BTreeMap::new(), 0);
        let upload = Upload {
            repo,
            package,
            version,
            path,
            content: 0,
            form: Form::Path,
            publish,
            overwrite: false,
            announced: Announced::Nothing,
        };
        for what in [
            Command::CreateRepo { repo, private, desc: "" },
            Command::CreatePackage { repo, package, desc: "", licensed: false },
            Command::Upload(upload),
        ] {
            assert_eq!(model.answer(&Step { by: Who::User(OWNER), what }).status, 201);
        }
        for by in [Who::Nobody, Who::User(STRANGER), Who::User(OWNER)] {
            let hidden = by != Who::User(OWNER);
            let noticed = |object| tells_too_much(&model, by, object).is_some();
            assert_eq!(noticed(&listed), hidden && of_repo, "{by:?}");
            assert_eq!(noticed(&file), hidden && of_file, "{by:?}");
        }
        // A key sees the repository if it holds something of it, and not because another does.
        let of = Place::Package(repo, package);
        let key =
            |key| Command::CreateKey { of: OWNER, key, password: 0, days: None, black: false };
        let (id, write, path) = ("e1", false, None);
        for what in [
            key("k1"),
            key("k2"),
            Command::CreateEntitlement { of, id, write, keys: vec!["k1"], path },
        ] {
            assert_eq!(model.answer(&Step { by: Who::User(OWNER), what }).status, 201);
        }
        let noticed = |key| tells_too_much(&model, Who::Key(OWNER, key), &listed).is_some();
        assert_eq!((noticed("k1"), noticed("k2")), (false, of_repo));
    }
}
