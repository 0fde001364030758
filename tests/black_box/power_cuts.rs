//! A server whose disk loses its power again and again while it is written to: an ext4 and an XFS
//! in a file, shut down without writing back what was not synced.
//!
//! Needs root, `xfs_io` and the makers of the file systems, and runs only where
//! `PACKHOUSE_POWER_CUTS` gives the number of cuts for each file system;
//! `PACKHOUSE_POWER_SEED` is the seed of a run that failed. That the harness notices what is not
//! synced is shown by servers some of whose syncs do nothing.

#![allow(clippy::print_stdout, reason = "a run says what it did, and with which seed")]

use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use packhouse_tests::random::Random;
use packhouse_tests::server::{Server, workspace};
use tempfile::TempDir;

use crate::witness::{Run, Writer, setting};

/// Cuts until the volume is made anew: what was overridden stays on it for a day.
const CUTS_A_VOLUME: u64 = 40;
/// One of so many cuts comes while the server starts.
const STARTS: u64 = 6;

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
    let seed = setting("PACKHOUSE_POWER_SEED").unwrap_or_else(|| u64::from(std::process::id()));
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

/// Runs a server that does not sync these, until the harness complains.
fn must_notice(unsynced: &str) {
    if cuts().is_none() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let library = without_syncs(home.path());
    let settings = [("LD_PRELOAD", library.to_str().expect("plain")), ("UNSYNCED", unsynced)];
    for kind in ["ext4", "xfs"] {
        let noticed = (1..=10).find(|seed| {
            let mut random = Random::new(*seed);
            let run = AssertUnwindSafe(|| cut(kind, CUTS_A_VOLUME, &mut random, &settings));
            panic::catch_unwind(run).is_err()
        });
        let noticed = noticed.unwrap_or_else(|| panic!("{kind} never lost unsynced {unsynced}"));
        println!("{kind} lost unsynced {unsynced} in at most {} cuts", noticed * CUTS_A_VOLUME);
    }
}

/// How many cuts are asked for, if any.
fn cuts() -> Option<u64> {
    let cuts = setting("PACKHOUSE_POWER_CUTS");
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
            let mut starting = Server::command(&data, settings).spawn().expect("the server starts");
            thread::sleep(Duration::from_millis(random.below(60)));
            volume.cut();
            starting.kill().expect("the server can be killed");
            starting.wait().expect("the server can be waited for");
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
        writers = running.into_iter().map(|run| run.join().expect("a writer ends")).collect();
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
