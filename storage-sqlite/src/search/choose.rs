//! Which source a page comes from, and by which way.
//!
//! Every source has all matches, so that the one whose candidates match most often is the
//! smallest: a few of each say which, and none is counted. A page of few matches among very many
//! costs no more than the better way there would have, times a small factor: who removes a million
//! records a thousand at a time must not have them looked through each time.

use packhouse_core::store::Start;

use super::pager::Pager;
use super::plan::RECORD_COST;
use super::source::{Source, Way};
use super::{Flow, Known, Search, from_cursor};
use crate::fault::Outcome;

/// How many candidates are tried at first, and then where hardly any matched.
const TRIED: [u64; 2] = [64, 512];

/// Up to how many candidates are collected before ways are compared.
const FEW: u64 = 16_384;

/// From how many matches on a sample says something.
const TELLING: u64 = 6;

/// A source that gives every match.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) source: Source,
    sample: Sample,
}

/// What a few candidates of a source say of it.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    tried: u64,
    matched: u64,
    /// There are no others.
    whole: bool,
    /// They are records.
    of_records: bool,
}

impl Sample {
    /// How many candidates so many matches take.
    fn candidates(self, matches: u64) -> u64 {
        matches.saturating_mul(self.tried.max(1)) / self.matched.max(1)
    }

    /// What it cost, in index rows.
    fn cost(self) -> u64 {
        if self.of_records { self.tried * RECORD_COST } else { self.tried }
    }

    /// Whether its source is the cheaper one: known to be short, or of more matches for as much.
    fn is_better_than(self, other: Self) -> bool {
        match (self.whole, other.whole) {
            (true, true) => self.cost() < other.cost(),
            (whole, other_whole) if whole != other_whole => whole,
            _ => self.matched * other.cost() > other.matched * self.cost(),
        }
    }
}

impl<'a> Search<'a> {
    /// A page.
    pub(super) fn page(&mut self, counting: bool) -> Outcome<Pager<'a>> {
        if self.query.limit == 0 && !counting {
            return Ok(Pager::new(self.query, counting));
        }
        let (mut best, in_order) = self.choices()?;
        let needed = match self.query.start {
            Start::Skip(skip) => skip.saturating_add(self.query.limit as u64 + 1),
            Start::After(_) => self.query.limit as u64 + 1,
        };
        let all = counting || best.sample.whole || needed >= self.planner.size;
        if all || self.has_order(&best.source) {
            return self.whole_page(&best.source, counting);
        }
        // Few matches need no choice; where there are more, so many were collected in vain.
        if best.sample.tried == 0
            && let Some(pager) = self.page_within(&best.source, needed.min(FEW), false)?
        {
            return Ok(pager);
        }
        let Some(walk) = self.in_order(in_order)? else {
            return self.whole_page(&best.source, counting);
        };
        if best.sample.tried == 0 {
            best.sample = self.sample(&best.source, TRIED[0])?;
        }
        let walked = walk.sample.candidates(needed);
        let collected =
            best.sample.candidates(self.planner.size) / walk.sample.candidates(1).max(1);
        let ways =
            if walk.sample.matched >= TELLING && walked.saturating_mul(RECORD_COST) < collected {
                [(&walk.source, walked.saturating_mul(4)), (&best.source, u64::MAX)]
            } else {
                // Up to here collecting is the better way, wherever the matches lie.
                let even = best.sample.candidates(needed.saturating_mul(self.planner.size)).isqrt();
                let even = even.saturating_mul(4);
                [(&best.source, even), (&walk.source, even.saturating_mul(4))]
            };
        for (source, budget) in ways {
            if let Some(pager) = self.page_within(source, budget, false)? {
                return Ok(pager);
            }
        }
        self.whole_page(&best.source, false)
    }

    /// The source with the fewest candidates, and of those in the query's order the best one.
    pub(super) fn choices(&mut self) -> Outcome<(Choice, Option<Choice>)> {
        let mut sources = self.planner.sources(&self.query.filter)?;
        // No record without the field of the order is selected.
        let walk = self.walk.iter().filter(|walk| sources.is_empty() || !walk.is_of_records());
        sources.extend(walk.cloned().collect::<Vec<_>>());
        if !sources.is_empty() && sources.iter().all(|source| self.planner.is_wider(source)) {
            // A small repository has fewer records than all others together have matches.
            sources.push(self.planner.everything());
        }
        let alone = sources.len() == 1;
        let telling = |best: &Choice| alone || best.sample.whole || best.sample.matched >= TELLING;
        let mut choices: Vec<Choice> = Vec::new();
        for most in TRIED {
            choices.clear();
            for source in &sources {
                let sample = if alone { Sample::default() } else { self.sample(source, most)? };
                let at = choices.partition_point(|other| !sample.is_better_than(other.sample));
                choices.insert(at, Choice { source: source.clone(), sample });
            }
            if choices.first().is_some_and(telling) {
                break;
            }
        }
        let best = match choices.first() {
            None => Choice { source: self.planner.everything(), sample: Sample::default() },
            Some(best) if telling(best) => choices.remove(0),
            Some(_) => Choice { source: self.planner.fewest(&sources)?, sample: Sample::default() },
        };
        let in_order = choices.into_iter().find(|choice| self.has_order(&choice.source));
        Ok((best, in_order))
    }

    /// What a page is looked for along, with what it says.
    fn in_order(&mut self, chosen: Option<Choice>) -> Outcome<Option<Choice>> {
        let Some(source) = self.walk.clone().filter(|_| chosen.is_none()) else {
            return Ok(chosen);
        };
        let sample = self.sample(&source, TRIED[0])?;
        Ok(Some(Choice { source, sample }))
    }

    /// Tries a few candidates from both ends of a source.
    fn sample(&mut self, source: &Source, most: u64) -> Outcome<Sample> {
        let mut sample = Sample { of_records: source.is_of_records(), ..Sample::default() };
        for (backwards, end) in [(false, most / 2), (true, most)] {
            let flow = source.each(
                self.planner.db,
                Way { backwards, ..Way::default() },
                &mut |subject, _| {
                    if sample.tried == end {
                        return Ok(Flow::Break(()));
                    }
                    sample.tried += 1;
                    sample.matched += u64::from(self.is_match(subject, Known::default())?);
                    Ok(Flow::Continue(()))
                },
            )?;
            if flow.is_continue() {
                sample.whole = !backwards;
                break;
            }
        }
        Ok(sample)
    }

    pub(super) fn whole_page(&mut self, source: &Source, counting: bool) -> Outcome<Pager<'a>> {
        let page = self.page_within(source, u64::MAX, counting)?;
        Ok(page.unwrap_or_else(|| Pager::new(self.query, counting)))
    }

    /// A page along a source; `None` when that takes more than `budget` candidates.
    fn page_within(
        &mut self,
        source: &Source,
        budget: u64,
        counting: bool,
    ) -> Outcome<Option<Pager<'a>>> {
        let mut pager = Pager::new(self.query, counting);
        let from_cursor =
            (!counting && self.has_order(source)).then(|| from_cursor(source.clone(), self.query));
        let source = from_cursor.as_ref().unwrap_or(source);
        let mut emit = |value: Option<&[u8]>, key: &[u8]| pager.take(value, key);
        Ok(self.along(source, budget, &mut emit)?.then_some(pager))
    }
}
