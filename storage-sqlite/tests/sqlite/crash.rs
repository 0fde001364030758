//! A process that is killed loses nothing that it acknowledged.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use packhouse_core::store::{Batch, BatchId, Change, Query, Store};

use crate::support::{Place, put, thing, things};

const ROUNDS: u64 = 20;
const WRITERS: u64 = 4;

/// Names the database, and tells the child of the test below that it is one.
const DATABASE: &str = "PACKHOUSE_CRASH_DATABASE";
const ROUND: &str = "PACKHOUSE_CRASH_ROUND";

fn numbered(round: u64, writer: u64, n: u64) -> Batch {
    let name = format!("{round}-{writer}-{n}");
    let mut id = [0; 16];
    id[..8].copy_from_slice(&round.to_be_bytes());
    id[8..].copy_from_slice(&(writer << 32 | n).to_be_bytes());
    let changes = vec![
        put(&format!("{name} a"), "1"),
        Change::Append { stream: thing("s"), body: format!("\"{name}\"").into() },
        put(&format!("{name} b"), "1"),
        Change::Add(thing("count"), 1),
    ];
    Batch { id: BatchId(id), expectations: vec![], changes }
}

/// Not a test of its own: the process that is killed. Writes the name of every acknowledged batch
/// to its output.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn commits_until_it_is_killed() {
    let Ok(path) = env::var(DATABASE) else { return };
    let round: u64 = env::var(ROUND).unwrap().parse().unwrap();
    let store = packhouse_sqlite::SqliteStore::open(path, &Default::default()).unwrap();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || {
                for n in 0.. {
                    let batch = numbered(round, writer, n);
                    let committed = futures::executor::block_on(store.commit(&batch)).unwrap();
                    let number = committed.appended[0];
                    let line = format!("ack {round} {writer} {n} {number}\n");
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            });
        }
    });
}

/// Runs the child for a while, kills it, and gives what it acknowledged.
fn killed(place: &Place, round: u64) -> Vec<[u64; 4]> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::commits_until_it_is_killed", "--ignored", "--nocapture"])
        .env(DATABASE, &place.path)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = thread::spawn(move || {
        let lines = output.lines().map_while(Result::ok);
        let acknowledged = lines.filter_map(|line| {
            let numbers = line.split("ack ").nth(1)?.split(' ');
            let numbers: Vec<u64> = numbers.filter_map(|number| number.parse().ok()).collect();
            numbers.try_into().ok()
        });
        acknowledged.collect::<Vec<[u64; 4]>>()
    });
    thread::sleep(Duration::from_millis(120 + round * 37 % 200));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let place = Place::new();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        acknowledged.extend(killed(&place, round));
        let store = place.open();
        let mut expected = 0;
        for [round, writer, n, number] in &acknowledged {
            let name = format!("{round}-{writer}-{n}");
            let appended = thing("s").child(&format!("{number:020}"));
            let keys = [thing(&format!("{name} a")), thing(&format!("{name} b")), appended];
            let found = store.read(&keys).await.unwrap();
            assert!(found.iter().all(Option::is_some), "batch {name} was lost");
            assert_eq!(*found[2].as_ref().unwrap().body, *format!("\"{name}\""));
            expected += 1;
        }
        check_whole(&store, expected).await;
        // Asking again with the same id answers the first outcome.
        if let Some([round, writer, n, number]) = acknowledged.last() {
            let again = store.commit(&numbered(*round, *writer, *n)).await.unwrap();
            assert_eq!(again.appended, [*number]);
        }
    }
    assert!(acknowledged.len() > 100, "only {} batches were acknowledged", acknowledged.len());
    let check: String =
        place.database().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

/// Every batch is there whole, acknowledged or not, and counters agree.
async fn check_whole(store: &packhouse_sqlite::SqliteStore, acknowledged: u64) {
    let total = |query: Query| async {
        store.select(&query.limit(0).with_total()).await.unwrap().total.unwrap()
    };
    let stream = packhouse_core::store::KeyRange::within(crate::support::THING, ["s"]);
    let batches = total(Query::within(stream)).await;
    assert!(batches >= acknowledged);
    if batches > 0 {
        let count = store.read(&[thing("count")]).await.unwrap();
        assert_eq!(count[0].as_ref().unwrap().counter(), i64::try_from(batches).unwrap());
        assert_eq!(total(Query::within(things())).await, batches * 3 + 1);
    }
}
