//! Blocks against a sorted map, with so little room that they are divided and joined often.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::encoding::Carried;

const KEY: &[u8] = b"thing\0alice\0tools\0x\0";

const FIELD: FieldId = 7;

const MOST: usize = 300;

type At = (Vec<u8>, Vec<u8>);

/// What a row carries: values by field, and owners.
type Held = Option<(BTreeSet<(FieldId, Vec<u8>)>, Vec<Vec<u8>>)>;

type Blocks = BTreeMap<At, Encoded>;

fn value() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(&["a", "asize\0", "achannel\0", "a\u{e9}\0", "t"][..]);
    let tail = prop::collection::vec(prop::sample::select(&[0, 1, b'a', b'b', 0xff][..]), 0..5);
    (name, tail).prop_map(|(name, tail)| [name.as_bytes(), &tail].concat())
}

fn held() -> impl Strategy<Value = Held> {
    let heads = 0..100_u8;
    let named = (value(), heads).prop_map(|(value, of)| {
        if of < 60 { value } else { [format!("aname {of}\0").as_bytes(), &value].concat() }
    });
    let terms = prop::collection::btree_set((1_u32..4, named), 0..8);
    let owners: [&[u8]; 3] = [b"repo\0alice\0tools\0", b"user\0bob\0", b"thing\0alice\0"];
    let owners = prop::sample::subsequence(owners.map(<[u8]>::to_vec).to_vec(), 0..3);
    prop::option::weighted(0.8, (terms, owners))
}

fn at() -> impl Strategy<Value = At> {
    let rest = prop::sample::select(&["", "x", "xy", "xyz\0", "y", "tool-1\0", "tool-2\0"][..]);
    (value(), rest.prop_map(|rest| rest.as_bytes().to_vec()))
}

/// What the rows become in one commit: absent where there is nothing.
fn commit() -> impl Strategy<Value = BTreeMap<At, Option<Held>>> {
    let becomes = prop::option::weighted(0.6, held());
    prop::collection::btree_map(at(), becomes, 1..60)
}

fn encoded(of: &Held, (value, _): &At) -> Option<Vec<u8>> {
    let (terms, owners) = of.as_ref()?;
    let mut terms = terms.clone();
    terms.insert((FIELD, value.clone()));
    let terms = terms.iter().map(|(field, value)| (*field, value.as_slice()));
    Some(Carried::encode(terms, owners.iter().map(Vec::as_slice), KEY))
}

/// Puts changes into the block that they lie in.
fn change(blocks: &mut Blocks, bound: At, changes: &[(&At, &Option<Held>)]) {
    let carried: Vec<_> =
        changes.iter().map(|(at, to)| to.as_ref().map(|held| encoded(held, at))).collect();
    let changes: Vec<_> = changes
        .iter()
        .zip(&carried)
        .map(|((at, _), carried)| {
            let to = match carried {
                None => RowState::Absent,
                Some(None) => RowState::Bare,
                Some(Some(carried)) => RowState::Carrying(Carried(carried)),
            };
            RowChange { value: &at.0, rest: &at.1, field: FIELD, to }
        })
        .collect();
    let before = blocks.remove(&bound);
    let mut merged = merge(before.as_ref(), &changes, None, MOST).unwrap();
    let after = (std::ops::Bound::Excluded(&bound), std::ops::Bound::Unbounded);
    let next = blocks.range::<At, _>(after).next().map(|(at, _)| at.clone());
    if let Some(next) = next.filter(|_| merged.len() > 1) {
        let next = blocks.remove(&next);
        merged = merge(before.as_ref(), &changes, next.as_ref(), MOST).unwrap();
    }
    let mut merged = merged.into_iter();
    let Some((_, first)) = merged.next() else { return };
    blocks.insert(bound, first);
    for (bound, rows) in merged {
        assert!(blocks.insert(bound, rows).is_none(), "bounds are new");
    }
}

/// The rows of a block, which lie within its bounds.
fn rows(bound: &At, stored: &Encoded, end: Option<&At>) -> Vec<(At, Held)> {
    let block = stored.block().unwrap();
    let read = block.rows().map(|row| {
        let row = row.unwrap();
        let at: At = ([block.value, row.value].concat(), [block.rest, row.rest].concat());
        assert!(*bound <= at && end.is_none_or(|end| at < *end));
        let held = row.carried.map(|carried| {
            let terms = block.parts(carried).filter(|part| part.field != OWNER);
            let terms = terms.map(|part| (part.field, [part.head, part.tail].concat()));
            let kinds: [&[u8]; 3] = [b"repo\0", b"user\0", b"thing\0"];
            let owners = kinds.iter().filter_map(|kind| block.owner(carried, KEY, kind));
            (terms.collect(), owners.collect())
        });
        (at, held)
    });
    read.collect()
}

fn all(blocks: &Blocks) -> Vec<(At, Held)> {
    let ends = blocks.keys().skip(1).map(Some).chain([None]);
    blocks.iter().zip(ends).flat_map(|((bound, stored), end)| rows(bound, stored, end)).collect()
}

proptest! {
    #[test]
    fn blocks_hold_the_rows_that_were_put(commits in prop::collection::vec(commit(), 1..6)) {
        let (mut blocks, mut expected) = (Blocks::new(), BTreeMap::new());
        for commit in &commits {
            let mut left: Vec<_> = commit.iter().collect();
            while !left.is_empty() {
                let bound = blocks.range(..=left[0].0.clone()).next_back().map(|(at, _)| at.clone());
                let bound = bound.unwrap_or_default();
                let after = (std::ops::Bound::Excluded(&bound), std::ops::Bound::Unbounded);
                let end = blocks.range::<At, _>(after).next().map(|(at, _)| at.clone());
                let outside = |end: &At| left.partition_point(|(at, _)| *at < end);
                let others = left.split_off(end.as_ref().map_or(left.len(), outside));
                change(&mut blocks, bound, &left);
                left = others;
            }
            for (at, to) in commit {
                match to {
                    Some(held) => expected.insert(at.clone(), held.clone()),
                    None => expected.remove(at),
                };
            }
            prop_assert_eq!(&all(&blocks), &expected.clone().into_iter().collect::<Vec<_>>());
        }
        let bytes: Vec<_> = blocks.values().collect();
        for pair in bytes.windows(2) {
            let joined = join(pair[0], pair[1]).unwrap();
            let (none, both) = (At::default(), [pair[0].clone(), pair[1].clone()]);
            let apart: Vec<_> = both.iter().flat_map(|block| rows(&none, block, None)).collect();
            prop_assert_eq!(rows(&none, &joined, None), apart);
        }
    }

    #[test]
    fn a_damaged_block_is_refused_or_read(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        carried in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        if let Ok(block) = Block::of(&bytes, Some(&carried)) {
            for row in block.rows() {
                let Ok(row) = row else { break };
                if let Some(carried) = row.carried {
                    block.parts(carried).count();
                    block.owner(carried, KEY, b"repo\0");
                }
            }
        }
    }
}

#[test]
fn blocks_are_divided_and_share_what_rows_begin_with() {
    let values: Vec<At> =
        (0..100_u8).map(|n| (vec![b'a', b's', 0, n], b"tool\0".to_vec())).collect();
    let held = Some(Some((BTreeSet::from([(1, b"achannel\0stable".to_vec())]), vec![])));
    let changes: Vec<_> = values.iter().map(|at| (at, &held)).collect();
    let mut blocks = Blocks::new();
    change(&mut blocks, At::default(), &changes);
    let largest = blocks.values().map(Encoded::size).max().unwrap();
    assert!(largest <= MOST && blocks.len() == 9, "{}, the largest of {largest}", blocks.len());
    assert_eq!(all(&blocks).len(), 100);
}

/// Rows that come in no order leave blocks that are nearly full; those that come in order, full
/// ones. Divided alone, the first would leave them little more than half full.
#[test]
fn blocks_are_well_filled() {
    let held = Some(Some((BTreeSet::from([(1, b"achannel\0stable".to_vec())]), vec![])));
    let fill = |numbers: &mut dyn Iterator<Item = u16>| {
        let mut blocks = Blocks::new();
        for number in numbers {
            let at: At = ([b"as\0", &number.to_be_bytes()[..]].concat(), b"tool\0".to_vec());
            let bound = blocks.range(..=at.clone()).next_back().map(|(at, _)| at.clone());
            change(&mut blocks, bound.unwrap_or_default(), &[(&at, &held)]);
        }
        assert!(blocks.values().all(|block| block.size() <= MOST));
        let used: usize = blocks.values().map(Encoded::size).sum();
        used as f64 / (blocks.len() * MOST) as f64
    };
    // Every number once: the step has no divisor in common with how many there are.
    let mixed = fill(&mut (0..10_000_u32).map(|n| (n * 7_919 % 10_000) as u16));
    let ordered = fill(&mut (0..10_000));
    assert!(mixed > 0.75 && ordered > 0.9, "{mixed} and {ordered} of the room");
}
