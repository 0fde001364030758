//! What it costs to set attributes, beside changing the same versions without any.

use std::time::Instant;

use futures::future::try_join_all;
use packhouse_core::attributes;
use packhouse_core::model::versions::VersionSettings;
use packhouse_core::names::{PackageName, VersionName, VersionPath};
use packhouse_core::packages;
use packhouse_core::versions::{self, VersionPatch};
use packhouse_tests::random::Random;

use crate::Failure;
use crate::data::Sample;
use crate::engine::Engine;
use crate::say;
use crate::times::Times;

/// How many callers write at the same time, in turn.
const CALLERS: [usize; 2] = [1, 32];

/// Measures writes to versions of one package.
pub(crate) async fn measure(engine: &Engine, rounds: usize, runs: usize) -> Result<(), Failure> {
    let paths = versions_of_a_package(engine, runs.next_multiple_of(32)).await?;
    let mut random = Random::new(1);
    say(&format!("\n{} versions, {rounds} rounds: ms a change, median [least, most]", paths.len()));
    for callers in CALLERS {
        let (mut plain, mut with) = (Times::default(), Times::default());
        for round in 0..rounds {
            let (mut of_plain, mut of_with) = (Vec::new(), Vec::new());
            for paths in paths.chunks(callers) {
                let started = Instant::now();
                let changes = paths.iter().map(|path| change(engine, path, round, callers));
                try_join_all(changes).await?;
                of_plain.push(started.elapsed() / callers as u32);
                let samples: Vec<Sample> =
                    (0..paths.len()).map(|number| Sample::draw(&mut random, number)).collect();
                let started = Instant::now();
                try_join_all(paths.iter().zip(&samples).map(|(path, to)| set(engine, path, to)))
                    .await?;
                of_with.push(started.elapsed() / callers as u32);
            }
            plain.add(of_plain);
            with.add(of_with);
        }
        let times = with.median() / plain.median();
        say(&format!(
            "{callers:>2} callers: without attributes {plain}, setting six {with}: {times:.2} times"
        ));
    }
    Ok(())
}

async fn versions_of_a_package(engine: &Engine, count: usize) -> Result<Vec<VersionPath>, Failure> {
    let (packhouse, caller) = (&engine.packhouse, &engine.caller);
    let package = engine.repo.package(PackageName::parse("written")?);
    packages::create(packhouse, caller, &package, &Default::default()).await?;
    let mut paths = Vec::with_capacity(count);
    for number in 0..count {
        let path = package.version(VersionName::parse(&format!("1.{number}"))?);
        versions::create(packhouse, caller, &path, &VersionSettings::default()).await?;
        paths.push(path);
    }
    Ok(paths)
}

async fn change(
    engine: &Engine,
    path: &VersionPath,
    round: usize,
    callers: usize,
) -> Result<(), Failure> {
    let desc = Some(Some(format!("The release of round {round} by {callers}")));
    let patch = VersionPatch { desc, ..VersionPatch::default() };
    Ok(versions::update(&engine.packhouse, &engine.caller, path, &patch).await?)
}

async fn set(engine: &Engine, path: &VersionPath, to: &Sample) -> Result<(), Failure> {
    let (packhouse, caller) = (&engine.packhouse, &engine.caller);
    attributes::set(packhouse, caller, &path.clone().into(), &to.attributes()?).await?;
    Ok(())
}
