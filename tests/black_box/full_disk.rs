//! A disk that something else fills while the server runs, and that gets room again.
//!
//! Uploads are refused with 507 and everything that is there is read; when there is room again the
//! same server takes uploads. Where blobs alone have no room, or no file can be made, what frees room
//! is done too; where nothing has room, it is refused and not half done. The server's log lies on the
//! same disk, and has no room either.
//!
//! It needs to mount a file system of its own, and says so where it may not.
//! `PACKHOUSE_FULL_DISK_CYCLES` sets the number of cycles (20 unless told).

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use packhouse_tests::random::Random;
use packhouse_tests::server::Server;
use packhouse_tests::settings;
use tempfile::TempDir;

use crate::witness::{Change, Told, Writer};

/// A small file system of its own.
struct Disk(TempDir);

impl Disk {
    /// `None` when this process may not mount one.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m,nr_inodes=4096", "tmpfs"]).arg(folder.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn fill(&self, how: Filled) -> Ballast {
        let folder = self.path().join("ballast");
        fs::create_dir(&folder).expect("a folder");
        match how {
            Filled::ButFor(left) => {
                let mut file = File::create(folder.join("bytes")).expect("a file");
                let page = [0; 4096];
                while file.write_all(&page).is_ok() {}
                let full = file.metadata().expect("a length").len();
                file.set_len(full.saturating_sub(left)).expect("a shorter file");
            }
            Filled::WithFiles => {
                let made = |number: &u32| File::create(folder.join(number.to_string())).is_ok();
                assert!((0..5_000).take_while(made).count() < 5_000, "it never fills");
            }
        }
        Ballast(folder)
    }
}

/// What of a disk is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Filled {
    /// All bytes but these.
    ButFor(u64),
    /// All files that there may be.
    WithFiles,
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a test that failed may have files open.
        drop(Command::new("umount").arg("-l").arg(self.path()).status());
    }
}

/// What takes the room, until it is dropped.
struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Less than blobs leave free of this disk, and enough for records.
const RECORDS_ONLY: u64 = 2 << 20;

#[test]
fn a_server_lives_through_full_disks() {
    let Some(disk) = Disk::mount() else {
        println!("SKIPPED: this process may not mount a file system");
        return;
    };
    let cycles = settings::number("PACKHOUSE_FULL_DISK_CYCLES").unwrap_or(20);
    let log = disk.path().join("log");
    let stderr = Stdio::from(File::create(&log).expect("a log"));
    let server = Server::start_logging(&disk.path().join("data"), &[], stderr);
    let mut writer = Writer::all(server.address, &mut Random::new(1)).remove(0);
    // A few contents, again and again: blobs that are not needed stay for an hour.
    let bodies: Vec<Vec<u8>> = (0..8).map(|_| writer.random.bytes(100_000)).collect();
    let (mut refused, mut done_while_full) = (0_u64, 0_u64);
    for cycle in 0..cycles {
        let body = |number: u64| bodies[((cycle + number) % 8) as usize].clone();
        one_release(&mut writer, &server, body);
        let all = [Filled::ButFor(RECORDS_ONLY), Filled::ButFor(0), Filled::WithFiles];
        let filled = all[usize::try_from(cycle % 3).expect("small")];
        let ballast = disk.fill(filled);
        let (no, yes) = while_full(&mut writer, &server, filled, body);
        (refused, done_while_full) = (refused + no, done_while_full + yes);
        drop(ballast);
        writer.check(server.address, cycle);
        one_release(&mut writer, &server, body);
        writer.check(server.address, cycle);
    }
    let said = fs::read_to_string(&log).expect("the log");
    assert!(!said.contains("panicked"), "{said}");
    println!("{cycles} full disks: {refused} changes refused with 507, {done_while_full} done");
    assert!(refused >= 2 * cycles && done_while_full >= cycles / 2);
}

fn paths(writer: &Writer) -> Vec<String> {
    writer.possible[0].keys().cloned().collect()
}

/// Uploads, publishes and replaces, which all must be done.
fn one_release(writer: &mut Writer, server: &Server, body: impl Fn(u64) -> Vec<u8>) {
    let (paths, mut client) = (paths(writer), writer.client(server.address));
    for change in [
        Change::Upload { path: paths[0].clone(), body: body(0), publish: false },
        Change::Publish,
        Change::Upload { path: paths[0].clone(), body: body(1), publish: true },
        Change::Upload { path: paths[1].clone(), body: body(2), publish: true },
    ] {
        match writer.change(&mut client, &change) {
            Told::Done => {}
            Told::Refused(reply) => panic!("with room: {} {}", reply.status, reply.text()),
            Told::Nothing(error) => panic!("no answer: {error}"),
        }
    }
}

/// What is refused while the disk is full and what is done; reading goes on.
fn while_full(
    writer: &mut Writer,
    server: &Server,
    filled: Filled,
    body: impl Fn(u64) -> Vec<u8>,
) -> (u64, u64) {
    let (paths, mut client) = (paths(writer), writer.client(server.address));
    let (mut refused, mut done) = (0, 0);
    for (change, needs_blobs) in [
        (Change::Upload { path: paths[2].clone(), body: body(3), publish: false }, true),
        (Change::Upload { path: paths[0].clone(), body: body(4), publish: true }, true),
        (Change::Delete(paths[1].clone()), false),
    ] {
        match writer.change(&mut client, &change) {
            Told::Done => {
                assert!(!needs_blobs, "an upload took of what is left for records");
                done += 1;
            }
            Told::Refused(reply) => {
                assert_eq!(reply.status, 507, "{}", reply.text());
                assert_eq!(reply.header("retry-after"), Some("60"));
                let may_be = needs_blobs || filled == Filled::ButFor(0);
                assert!(may_be, "what frees room is refused: {filled:?}");
                refused += 1;
            }
            Told::Nothing(error) => panic!("no answer: {error}"),
        }
        // Compares what is listed and what is downloaded with what must be there.
        writer.check(server.address, refused);
    }
    (refused, done)
}
