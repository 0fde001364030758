//! Packages with six attributes each, and questions about them: the same from the same seed.

use packhouse_core::Timestamp;
use packhouse_core::model::attributes::{
    Attribute, AttributeQuery, AttributeValues, Attributes, Date, Number,
};
use packhouse_core::names::AttributeName;
use packhouse_tests::random::Random;

use crate::Failure;

/// The channels, each with how many in a hundred packages have it.
const CHANNELS: [(&str, u64); 6] =
    [("stable", 50), ("beta", 20), ("nightly", 15), ("rc", 8), ("lts", 5), ("eol", 2)];

/// Sizes lie below this, evenly.
const SIZES: u64 = 1_000_000;

/// The seconds of 2010-01-01 and of 2021-01-01, between which packages were built.
const BUILT: (i64, i64) = (1_262_304_000, 1_609_459_200);

/// The second of 2017-06-01, and for how many seconds after it questions ask.
const SINCE: (i64, u64) = (1_496_275_200, 210 * 86_400);

/// One package.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) channel: &'static str,
    pub(crate) size_kb: u64,
    pub(crate) built: Timestamp,
    pub(crate) signed: bool,
    pub(crate) release: String,
    pub(crate) tags: Vec<String>,
}

impl Sample {
    /// The next package.
    pub(crate) fn draw(random: &mut Random, number: usize) -> Self {
        let seconds = random.below((BUILT.1 - BUILT.0).cast_unsigned()).cast_signed();
        Self {
            name: format!("pkg-{number:06}"),
            channel: channel(random.below(100)),
            size_kb: random.below(SIZES),
            built: Timestamp::from_millis((BUILT.0 + seconds) * 1000),
            signed: random.below(10) < 7,
            release: format!("{}.{}.{}", random.below(10), random.below(30), random.below(100)),
            tags: tags(random),
        }
    }

    /// What the package says about itself.
    pub(crate) fn attributes(&self) -> Result<Attributes, Failure> {
        let values = [
            ("channel", AttributeValues::String(vec![self.channel.to_owned()])),
            ("size_kb", AttributeValues::Number(vec![Number::from(self.size_kb)])),
            ("built", AttributeValues::Date(vec![Date::from(self.built)])),
            ("signed", AttributeValues::Boolean(vec![self.signed])),
            ("release", AttributeValues::Version(vec![self.release.clone()])),
            ("tags", AttributeValues::String(self.tags.clone())),
        ];
        let named = |(name, values)| Ok(Attribute { name: AttributeName::parse(name)?, values });
        let list = values.into_iter().map(named).collect::<Result<_, Failure>>()?;
        Ok(Attributes::new(list)?)
    }
}

fn channel(mut among: u64) -> &'static str {
    for (channel, share) in CHANNELS {
        match among.checked_sub(share) {
            Some(rest) => among = rest,
            None => return channel,
        }
    }
    CHANNELS[0].0
}

/// One to four different ones of 200, low numbers more often.
fn tags(random: &mut Random) -> Vec<String> {
    let count = 1 + random.below(4) as usize;
    let mut tags = Vec::with_capacity(count);
    while tags.len() < count {
        let share = random.below(1 << 32) as f64 / (1_u64 << 32) as f64;
        let tag = format!("tag-{:03}", (200.0 * share * share) as u64);
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Question {
    /// A range of numbers, every name.
    Range,
    /// A list of strings, a range of numbers and one of dates, every name.
    And,
    /// The first 50 names of the same, without how many there are.
    First,
    /// The same with how many there are.
    FirstWithTotal,
}

impl Question {
    pub(crate) const ALL: [Self; 4] = [Self::Range, Self::And, Self::First, Self::FirstWithTotal];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Range => "range1",
            Self::And => "and3",
            Self::First => "first50",
            Self::FirstWithTotal => "first50 + total",
        }
    }

    /// How many sizes its window holds, of all.
    const fn window(self) -> u64 {
        match self {
            Self::Range => SIZES / 100,
            _ => SIZES / 10,
        }
    }
}

/// The values of one question.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) question: Question,
    pub(crate) low: u64,
    pub(crate) high: u64,
    pub(crate) since: Timestamp,
}

impl Asked {
    /// The next question. Its window is `narrowed` times narrower than its share of the sizes.
    pub(crate) fn draw(random: &mut Random, question: Question, narrowed: u64) -> Self {
        let window = question.window() / narrowed;
        let low = random.below(SIZES - window);
        let since = SINCE.0 + random.below(SINCE.1).cast_signed() / 86_400 * 86_400;
        let since = Timestamp::from_millis(since * 1000);
        Self { question, low, high: low + window - 1, since }
    }

    /// The question to the engine.
    pub(crate) fn query(&self) -> Result<AttributeQuery, Failure> {
        let query = AttributeQuery::new();
        if self.question == Question::Range {
            return Ok(query.between("size_kb", self.low..=self.high)?);
        }
        Ok(query
            .any_of("channel", ["stable", "lts"])?
            .between("size_kb", self.low..=self.high)?
            .between("built", self.since..)?)
    }

    /// The question over HTTP.
    pub(crate) fn body(&self) -> String {
        let (low, high, since) = (self.low, self.high, self.since);
        if self.question == Question::Range {
            return format!(r#"[{{"size_kb": "[{low},{high}]"}}]"#);
        }
        format!(
            r#"[{{"channel": ["stable", "lts"]}}, {{"size_kb": "[{low},{high}]"}}, {{"built": "[{since},]"}}]"#
        )
    }
}
