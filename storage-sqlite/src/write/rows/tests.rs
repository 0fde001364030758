//! The rows that commits put, read back from the table: each in the block that it is looked for in.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::block::Block;
use crate::{SqliteOptions, schema};

const PLACE: i64 = 1;

const FIELD: FieldId = 7;

/// How long values are: many of a few bytes, some that fill a good part of a block or more than one.
const LENGTHS: [usize; 6] = [1, 2, 9, 60, 900, 5_000];

fn at() -> impl Strategy<Value = At> {
    // More of the short ones, of which one block has very many.
    let kind = prop::sample::select(&[0_u8, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5][..]);
    (kind, 0..300_u16).prop_map(|(kind, number)| {
        let length = LENGTHS[usize::from(kind)];
        // Values of one kind are the same for many rows.
        let value = [vec![b'a' + (number % 7) as u8], vec![b'a' + kind; length]].concat();
        (PLACE, value, format!("some folder\0thing {number}\0").into_bytes())
    })
}

/// Runs of keys for one value, as they come when many records say the same.
fn changes() -> impl Strategy<Value = Vec<(At, bool)>> {
    let one = (at(), prop::bool::weighted(0.8)).prop_map(|change| vec![change]);
    let run = (at(), 0..120_u16, prop::bool::weighted(0.8)).prop_map(
        |((place, value, _), count, is_there)| {
            let rest = |n| format!("some folder\0thing {n:03}\0").into_bytes();
            (0..count).map(|n| ((place, value.clone(), rest(n)), is_there)).collect()
        },
    );
    prop::collection::vec(prop_oneof![4 => one, 1 => run], 1..60).prop_map(|parts| parts.concat())
}

/// The rows of all blocks in their order; each lies between the bound of its block and the next.
fn stored(db: &Connection) -> Vec<At> {
    let mut find = db.prepare("SELECT value, rest, rows FROM blocks ORDER BY value, rest").unwrap();
    let blocks: Vec<(Bound, Vec<u8>)> = find
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let ends = blocks.iter().skip(1).map(|(bound, _)| Some(bound)).chain([None]);
    let mut all = Vec::new();
    for ((bound, rows), end) in blocks.iter().zip(ends) {
        let block = Block::of(rows, None).unwrap();
        for row in block.rows() {
            let row = row.unwrap();
            let at = ([block.value, row.value].concat(), [block.rest, row.rest].concat());
            assert!(*bound <= at && end.is_none_or(|end| at < *end), "a row in another's block");
            all.push((PLACE, at.0, at.1));
        }
    }
    all
}

/// Every block with what its rows carry, of which nothing else is there.
fn blocks(db: &Connection) -> Vec<Encoded> {
    let mut find = db
        .prepare("SELECT rows, bytes FROM blocks LEFT JOIN carried ON carried.id = blocks.carried")
        .unwrap();
    let block = |row: &rusqlite::Row<'_>| Ok(Encoded { rows: row.get(0)?, carried: row.get(1)? });
    let blocks: Vec<_> = find.query_map([], block).unwrap().collect::<Result<_, _>>().unwrap();
    let carried: usize =
        db.query_row("SELECT count(*) FROM carried", [], |row| row.get(0)).unwrap();
    assert_eq!(blocks.iter().filter(|block| block.carried.is_some()).count(), carried);
    blocks
}

/// The size of the largest block that has more than one row.
fn most_of_several(db: &Connection) -> usize {
    let mut several = blocks(db);
    several.retain(|block| Block::of(&block.rows, None).unwrap().rows().count() > 1);
    several.iter().map(Encoded::size).max().unwrap_or(0)
}

/// How much of a block's room is used.
fn fill(db: &Connection) -> f64 {
    let blocks = blocks(db);
    let used: usize = blocks.iter().map(Encoded::size).sum();
    used as f64 / (blocks.len() * MOST_SIZE) as f64
}

/// Rows of one value share it and most of their keys, so that a block has hundreds of them, and
/// those of two values hardly anything.
#[test]
fn rows_of_values_that_have_little_in_common_do_not_leave_small_blocks() {
    let folder = TempDir::new().unwrap();
    let db = schema::open_writer(&folder.path().join("packhouse.db"), &SqliteOptions::default())
        .unwrap();
    db.execute_batch("BEGIN").unwrap();
    let folders = ["one folder of a long name", "quite another folder of a longer name"];
    for numbers in [0..2_000_u32, 2_000..2_400, 2_400..2_800, 2_800..3_200] {
        for value in [b"a".repeat(60), b"b".repeat(60)] {
            for folder in folders {
                let mut changes = RowChanges::default();
                for number in numbers.clone() {
                    let rest = format!("{folder}\0{:04}\0", number * 1_201 % 3_200);
                    changes.put((PLACE, value.clone(), rest.into_bytes()), FIELD, None);
                }
                changes.write(&db, &HashMap::new(), 0).unwrap();
            }
        }
    }
    assert_eq!(stored(&db).len(), 4 * 3_200);
    assert!(fill(&db) > 0.6, "{}", fill(&db));
}

#[test]
fn a_block_that_became_small_stays_alone_beside_one_that_begins_otherwise() {
    let folder = TempDir::new().unwrap();
    let db = schema::open_writer(&folder.path().join("packhouse.db"), &SqliteOptions::default())
        .unwrap();
    db.execute_batch("BEGIN").unwrap();
    let write = |rows: &mut dyn Iterator<Item = (Vec<u8>, String, bool)>| {
        let mut changes = RowChanges::default();
        for (value, rest, is_there) in rows {
            let at = (PLACE, value, rest.into_bytes());
            if is_there { changes.put(at, FIELD, None) } else { changes.remove(at, FIELD) }
        }
        changes.write(&db, &HashMap::new(), 0).unwrap();
    };
    let one = |n: u32| (format!("{n:03}").into_bytes(), format!("{:064}\0", n * 7_919));
    let alike = |n: u32| (vec![b'x'; 60], format!("a folder of a long name\0{n:04}\0"));
    write(&mut (0..60).map(one).chain((0..200).map(alike)).map(|(v, r)| (v, r, true)));
    for n in 0..58 {
        write(&mut [one(n)].into_iter().map(|(v, r)| (v, r, false)));
        assert!(most_of_several(&db) <= MOST_SIZE);
    }
    assert_eq!(stored(&db).len(), 202);
}

/// Rows that come in no order, a few at a time, leave blocks that are nearly full: what one has no
/// room for goes to the next.
#[test]
fn rows_that_come_in_no_order_fill_their_blocks() {
    let folder = TempDir::new().unwrap();
    let db = schema::open_writer(&folder.path().join("packhouse.db"), &SqliteOptions::default())
        .unwrap();
    db.execute_batch("BEGIN").unwrap();
    let term = (FIELD + 1, &[b'x'; 90][..]);
    let found: Rc<[u8]> = Carried::encode([term].into_iter(), [].into_iter(), b"thing\0").into();
    // Every number once: the step has no divisor in common with how many there are.
    let numbers: Vec<u32> = (0..6_000).map(|n| n * 4_001 % 6_000).collect();
    for some in numbers.chunks(10) {
        let mut changes = RowChanges::default();
        for number in some {
            let at = (PLACE, number.to_be_bytes().to_vec(), b"thing\0".to_vec());
            changes.put(at, FIELD, Some(found.clone()));
        }
        changes.write(&db, &HashMap::new(), 0).unwrap();
    }
    assert_eq!(stored(&db).len(), 6_000);
    assert!(fill(&db) > 0.82, "{}", fill(&db));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn rows_lie_where_they_are_looked_for(
        commits in prop::collection::vec((changes(), any::<bool>()), 1..8),
    ) {
        let folder = TempDir::new().unwrap();
        let db = schema::open_writer(&folder.path().join("packhouse.db"), &SqliteOptions::default()).unwrap();
        db.execute_batch("BEGIN").unwrap();
        let term = (FIELD + 1, &[b'x'; 90][..]);
        let found: Rc<[u8]> = Carried::encode([term].into_iter(), [].into_iter(), b"thing\0").into();
        let mut expected = BTreeMap::new();
        for (commit, carries) in commits {
            let mut changes = RowChanges::default();
            for (at, is_there) in commit {
                if is_there {
                    changes.put(at.clone(), FIELD, Some(found.clone()));
                    expected.insert(at, ());
                } else {
                    changes.remove(at.clone(), FIELD);
                    expected.remove(&at);
                }
            }
            changes.write(&db, &HashMap::new(), if carries { 0 } else { 1 }).unwrap();
            prop_assert!(stored(&db).iter().eq(expected.keys()));
            blocks(&db);
            prop_assert!(most_of_several(&db) <= MOST_SIZE + MOST_SIZE / 4);
        }
    }
}
