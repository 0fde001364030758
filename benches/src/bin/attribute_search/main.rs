//! The search by attributes beside what one would write by hand in `SQLite`, on the same packages
//! and in the same run.
//!
//! ```text
//! cargo run --release -p packhouse-benches --bin attribute_search
//! cargo run --release -p packhouse-benches --bin attribute_search -- --counts 100000,1000000
//! ```
//!
//! Every question is put to the engine, through the use case that a program calls, and to both
//! peers; their answers are compared by name. Times are medians of medians: of the runs of a
//! round, each with other values, and of the rounds, in which all take turns. In parentheses: how
//! many times theirs ours is.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

mod data;
mod engine;
mod peers;
mod times;
mod writes;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Parser;
use packhouse_core::PackageNames;
use packhouse_tests::random::Random;

use crate::data::{Asked, Question, Sample};
use crate::engine::Engine;
use crate::peers::{Form, Peer};
use crate::times::{Times, processor};

/// As the server has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Parser, Debug)]
struct Options {
    /// How many packages; several to see the growth.
    #[arg(long, value_delimiter = ',', default_value = "100000")]
    counts: Vec<usize>,
    /// Questions of each form a round, each with other values.
    #[arg(long, default_value_t = 100)]
    runs: usize,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Questions before those that are measured: the peers' connections have the pages that they
    /// wrote in memory, and the engine's that read have none yet.
    #[arg(long, default_value_t = 2_000)]
    warm_up: usize,
    #[arg(long, default_value_t = 20_201_231)]
    seed: u64,
    /// Few of everything: whether it works, not how fast.
    #[arg(long)]
    quick: bool,
    /// Only the engine's answers to the questions of these names, for a profiler.
    #[arg(long, value_delimiter = ',')]
    alone: Vec<String>,
    /// How many MiB of the database the engine's threads may keep in memory together, if not as many
    /// as by default; each peer keeps 256.
    #[arg(long)]
    cache_mib: Option<usize>,
}

fn say(line: &str) {
    println!("{line}");
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut options = Options::parse();
    if options.quick {
        options =
            Options { counts: vec![2_000, 4_000], runs: 10, rounds: 2, warm_up: 20, ..options };
    }
    let smallest = options.counts.iter().copied().min().ok_or("no count was given")?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let mut worlds = Vec::new();
    for count in &options.counts {
        let folder = folder.path().join(count.to_string());
        std::fs::create_dir(&folder)?;
        worlds.push(World::fill(&folder, *count, &options).await?);
    }
    say(&format!(
        "\nms, median of {} rounds of {} runs [least, most round] (ours to it); seed {}",
        options.rounds, options.runs, options.seed
    ));
    let mut random = Random::new(options.seed ^ 1);
    let alone = &options.alone;
    let wanted = |question: &Question| {
        alone.is_empty() || alone.iter().any(|alone| alone == question.name())
    };
    for world in &worlds {
        world.warm_up(&mut random, options.warm_up).await?;
    }
    for question in Question::ALL.into_iter().filter(wanted) {
        let mut asked = Vec::new();
        for world in &worlds {
            let narrowed = (world.count / smallest) as u64;
            let windows = if narrowed == 1 { vec![1] } else { vec![1, narrowed] };
            asked
                .extend(windows.into_iter().map(|narrowed| Series::new(world, question, narrowed)));
        }
        // They take turns, so that what else the machine does is shared by all.
        for _ in 0..options.rounds {
            for series in &mut asked {
                series.round(&mut random, options.runs).await?;
            }
        }
        asked.into_iter().for_each(Series::report);
    }
    if !options.alone.is_empty() {
        return Ok(());
    }
    for world in &worlds {
        world.measure_http(&mut random, &options).await?;
    }
    writes::measure(&worlds[0].engine, options.rounds, options.runs).await
}

/// The engine and its peers over the same packages.
struct World {
    count: usize,
    engine: Engine,
    peers: Vec<Peer>,
}

impl World {
    async fn fill(folder: &Path, count: usize, options: &Options) -> Result<Self, Failure> {
        let mut random = Random::new(options.seed);
        let samples: Vec<Sample> =
            (0..count).map(|number| Sample::draw(&mut random, number)).collect();
        let engine = Engine::open(folder, options.cache_mib).await?;
        let started = Instant::now();
        engine.fill(&samples).await?;
        report_filled(count, "packhouse", started, folder)?;
        let forms = [Form::EntityAttributeValue, Form::Wide];
        let mut peers = Vec::new();
        for form in forms.into_iter().filter(|_| options.alone.is_empty()) {
            let started = Instant::now();
            peers.push(Peer::fill(folder, form, &samples)?);
            report_filled(count, &format!("{form:?}"), started, folder)?;
        }
        Ok(Self { count, engine, peers })
    }

    async fn warm_up(&self, random: &mut Random, questions: usize) -> Result<(), Failure> {
        for _ in 0..questions {
            let asked = Asked::draw(random, Question::Range, 1);
            self.engine.ask(&asked).await?;
            for peer in &self.peers {
                peer.ask(&asked)?;
            }
        }
        Ok(())
    }

    async fn measure_http(&self, random: &mut Random, options: &Options) -> Result<(), Failure> {
        for question in [Question::Range, Question::FirstWithTotal] {
            let (mut times, mut bytes) = (Times::default(), 0);
            for _ in 0..options.rounds {
                let mut round = Vec::with_capacity(options.runs);
                for _ in 0..options.runs {
                    let asked = Asked::draw(random, question, 1);
                    let started = Instant::now();
                    bytes = self.engine.ask_http(&asked).await?;
                    round.push(started.elapsed());
                }
                times.add(round);
            }
            let (count, name) = (self.count, question.name());
            say(&format!("{count:>9} {name} by HTTP, 50 packages: {times}, about {bytes} bytes"));
        }
        Ok(())
    }
}

/// What the engine and its peers took for one question in one world.
struct Series<'a> {
    world: &'a World,
    question: Question,
    /// How many times narrower its window is than in the smallest world.
    narrowed: u64,
    hits: Vec<usize>,
    measured: Vec<Measured>,
}

impl<'a> Series<'a> {
    fn new(world: &'a World, question: Question, narrowed: u64) -> Self {
        let measured = vec![Measured::default(); 1 + world.peers.len()];
        Self { world, question, narrowed, hits: Vec::new(), measured }
    }

    async fn round(&mut self, random: &mut Random, runs: usize) -> Result<(), Failure> {
        let World { engine, peers, .. } = self.world;
        let asked: Vec<Asked> =
            (0..runs).map(|_| Asked::draw(random, self.question, self.narrowed)).collect();
        let mut answers = Vec::with_capacity(asked.len());
        let (mut round, before) = (Vec::with_capacity(asked.len()), processor());
        for asked in &asked {
            let started = Instant::now();
            let names = engine.ask(asked).await?;
            read(names.iter());
            answers.push(names);
            round.push(started.elapsed());
        }
        self.measured[0].add(round, processor() - before);
        self.hits.extend(answers.iter().map(PackageNames::len));
        for (peer, measured) in peers.iter().zip(&mut self.measured[1..]) {
            ask_peer(peer, &asked, &answers, measured)?;
        }
        Ok(())
    }

    fn report(mut self) {
        self.hits.sort_unstable();
        let narrowed = match self.narrowed {
            1 => String::new(),
            times => format!(", window 1/{times}"),
        };
        let (count, name) = (self.world.count, self.question.name());
        say(&format!("{count:>9} {name}{narrowed}, {} names", self.hits[self.hits.len() / 2]));
        let ours = &self.measured[0];
        for (name, its) in ["ours", "EAV", "wide"].into_iter().zip(&self.measured) {
            let (times, busy) =
                (ours.times.median() / its.times.median(), ours.busy.median() / its.busy.median());
            let Measured { times: took, busy: had } = its;
            say(&format!("    {name:<5}{took} ({times:.3}), processor {had} ({busy:.3})"));
        }
    }
}

/// What one of them took.
#[derive(Clone, Debug, Default)]
struct Measured {
    times: Times,
    /// The means of the rounds, of the processor.
    busy: Times,
}

impl Measured {
    fn add(&mut self, round: Vec<Duration>, busy: Duration) {
        self.busy.add(vec![busy / u32::try_from(round.len()).unwrap_or(u32::MAX)]);
        self.times.add(round);
    }
}

/// Looks at every name, as whoever asks for them does.
fn read<'a>(names: impl Iterator<Item = &'a str>) {
    std::hint::black_box(names.map(str::len).sum::<usize>());
}

/// Has a peer answer too: its answers have to be the engine's.
fn ask_peer(
    peer: &Peer,
    asked: &[Asked],
    answers: &[PackageNames],
    measured: &mut Measured,
) -> Result<(), Failure> {
    let (mut round, mut found) = (Vec::with_capacity(asked.len()), Vec::with_capacity(asked.len()));
    let before = processor();
    for asked in asked {
        let started = Instant::now();
        let names = peer.ask(asked)?;
        read(names.iter().map(String::as_str));
        found.push(names);
        round.push(started.elapsed());
    }
    measured.add(round, processor() - before);
    for ((asked, expected), mut names) in asked.iter().zip(answers).zip(found) {
        names.sort_unstable();
        if !names.iter().eq(expected.iter()) {
            let (ours, theirs) = (expected.len(), names.len());
            return Err(format!("{asked:?}: {ours} names, and {theirs} of the peer").into());
        }
    }
    Ok(())
}

fn report_filled(count: usize, name: &str, started: Instant, folder: &Path) -> Result<(), Failure> {
    let seconds = started.elapsed().as_secs_f64();
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    let mib = bytes >> 20;
    say(&format!("{count:>9} {name} filled in {seconds:.1} s, the folder then holds {mib} MiB"));
    Ok(())
}
