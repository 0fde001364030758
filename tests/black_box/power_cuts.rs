//! A server whose disk loses its power again and again while it is written to: an ext4 and an XFS
//! in a file, shut down without writing back what was not synced.
//!
//! Needs root, `xfs_io` and the makers of the file systems, and runs only where
//! `PACKHOUSE_POWER_CUTS` gives the number of cuts for each file system;
//! `PACKHOUSE_POWER_SEED` is the seed of a run that failed. That the harness notices what is not
//! synced is shown by servers some of whose syncs do nothing, and that it is this which it notices by
//! one that is started in the same way and syncs everything.

#![allow(clippy::print_stdout, reason = "a run says what it did, and with which seed")]

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use packhouse_tests::random::Random;
use packhouse_tests::server::{Server, workspace};
use packhouse_tests::settings;
use tempfile::TempDir;

use crate::witness::{Run, Writer};

/// Cuts until the volume is made anew: what was overridden stays on it for a day.
const CUTS_A_VOLUME: u64 = 40;
/// One of so many cuts comes while the server starts.
const STARTS: u64 = 6;
/// So many cuts of a server whose syncs pass through the library, and are all made.
const SOUND_CUTS: u64 = 5;
/// What the harness says of a server that lost something.
const LOSSES: [&str; 5] = [
    "may hold",
    "cannot be had",
    "has other bytes",
    "says where it listens",
    "must not be answered",
];

#[test]
fn nothing_acknowledged_is_lost_when_the_power_of_an_ext4_is_cut() {
    cut_all("ext4");
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_of_an_xfs_is_cut() {
    cut_all("xfs");
}

#[test]
fn a_power_cut_finds_files_that_were_not_synced() {
    must_notice("files");
}

#[test]
fn a_power_cut_finds_folders_that_were_not_synced() {
    must_notice("folders");
}

#[test]
fn a_power_cut_finds_commits_that_were_not_synced() {
    must_notice("database");
}

fn cut_all(kind: &str) {
    let Some(cuts) = cuts() else { return };
    let seed =
        settings::number("PACKHOUSE_POWER_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("{cuts} cuts of {kind}, PACKHOUSE_POWER_SEED={seed}");
    let mut random = Random::new(seed);
    let mut acknowledged = 0;
    let mut left = cuts;
    while left > 0 {
        let some = left.min(CUTS_A_VOLUME);
        acknowledged += cut(kind, some, &mut random, &[]);
        left -= some;
    }
    println!("{acknowledged} acknowledged changes in {cuts} cuts of {kind}, none lost");
    assert!(acknowledged > cuts, "the writers hardly wrote: {acknowledged} changes");
}

#[test]
fn a_power_cut_finds_nothing_where_everything_was_synced() {
    if cuts().is_none() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let library = without_syncs(home.path());
    for kind in ["ext4", "xfs"] {
        cut(kind, SOUND_CUTS, &mut Random::new(1), &unsynced(&library, "nothing"));
    }
}

/// Runs a server that does not sync these, until the harness says that something was lost.
fn must_notice(these: &str) {
    if cuts().is_none() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let library = without_syncs(home.path());
    let settings = unsynced(&library, these);
    for kind in ["ext4", "xfs"] {
        let noticed = (1..=10).find_map(|seed| {
            let mut random = Random::new(seed);
            let run = AssertUnwindSafe(|| cut(kind, CUTS_A_VOLUME, &mut random, &settings));
            Some((seed, loss(panic::catch_unwind(run).err()?)))
        });
        let (runs, loss) = noticed.unwrap_or_else(|| panic!("{kind} never lost unsynced {these}"));
        println!("{kind} lost unsynced {these} in at most {} cuts: {loss}", runs * CUTS_A_VOLUME);
    }
}

/// The settings of a server that does not sync these.
fn unsynced<'a>(library: &'a Path, these: &'a str) -> [(&'a str, &'a str); 2] {
    [("LD_PRELOAD", library.to_str().expect("plain")), ("UNSYNCED", these)]
}

/// Which loss a panic tells of. One that tells of none is of the harness, and goes on.
fn loss(panicked: Box<dyn Any + Send>) -> &'static str {
    let text = match panicked.downcast_ref::<String>() {
        Some(text) => text,
        None => panicked.downcast_ref::<&str>().copied().unwrap_or_default(),
    };
    match LOSSES.into_iter().find(|loss| text.contains(loss)) {
        Some(loss) => loss,
        None => panic::resume_unwind(panicked),
    }
}

/// How many cuts are asked for, if any.
fn cuts() -> Option<u64> {
    let cuts = settings::number("PACKHOUSE_POWER_CUTS");
    if cuts.is_none() {
        println!("SKIPPED: PACKHOUSE_POWER_CUTS is not set (it needs root)");
    }
    cuts
}

/// Cuts the power so many times; gives how many changes were acknowledged.
fn cut(kind: &str, cuts: u64, random: &mut Random, settings: &[(&str, &str)]) -> u64 {
    let volume = Volume::make(kind);
    let mut acknowledged = 0;
    let data = volume.mounted.join("data");
    let server = Server::start_with(&data, &[]);
    let mut writers = Writer::all(server.address, random);
    server.kill();
    for number in 0..cuts {
        if random.below(STARTS) == 0 {
            let starting = Server::command(&data, settings).spawn().expect("the server starts");
            let starting = Starting(starting);
            thread::sleep(Duration::from_millis(random.below(60)));
            volume.cut();
            drop(starting);
            volume.mount_again();
        }
        let server = Server::start_with(&data, settings);
        for writer in &mut writers {
            writer.check(server.address, number);
        }
        let run = Arc::new(Run::default());
        let running = Writer::run_all(writers, server.address, &run);
        thread::sleep(Duration::from_millis(10 + random.below(250)));
        run.is_cut.store(true, Ordering::SeqCst);
        volume.cut();
        server.kill();
        writers = Writer::join_all(running);
        acknowledged += run.acknowledged.load(Ordering::Relaxed);
        volume.mount_again();
    }
    let server = Server::start(&data);
    for writer in &mut writers {
        writer.check(server.address, cuts);
    }
    server.kill();
    acknowledged
}

/// A server that nobody waits for. Dropped, it is killed.
struct Starting(Child);

impl Drop for Starting {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A library that is loaded before the system's, and makes nothing of some syncs.
fn without_syncs(home: &Path) -> PathBuf {
    let library = home.join("without_syncs.so");
    let source = workspace().join("tests/black_box/without_syncs.c");
    run(Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source));
    library
}

/// A file system in a file.
struct Volume {
    image: PathBuf,
    mounted: PathBuf,
    _home: TempDir,
}

impl Volume {
    fn make(kind: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let (image, mounted) = (home.path().join("image"), home.path().join("mounted"));
        std::fs::create_dir(&mounted).expect("a folder");
        let file = std::fs::File::create(&image).expect("a file");
        file.set_len(1 << 29).expect("a file with holes");
        run(Command::new(format!("mkfs.{kind}")).arg("-q").arg(&image));
        let volume = Self { image, mounted, _home: home };
        volume.mount();
        volume
    }

    fn mount(&self) {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.mounted));
    }

    /// Ends all writing, and forgets what is not on the disk yet, journals among it.
    fn cut(&self) {
        run(Command::new("xfs_io").args(["-x", "-c", "shutdown"]).arg(&self.mounted));
    }

    fn mount_again(&self) {
        run(Command::new("umount").arg(&self.mounted));
        self.mount();
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.mounted).status();
    }
}

fn run(command: &mut Command) {
    let status = command.stdin(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?} failed");
}
