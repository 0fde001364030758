//! Medians of rounds, and how far they lie apart.

use std::fmt;
use std::fs;
use std::time::Duration;

/// The processor time that the threads of this process have had, as Linux tells it: unlike times
/// by the clock, it says the same on a machine that is busy with other work.
pub(crate) fn processor() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let times = tasks.filter_map(|task| {
        let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
        times.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(times.sum())
}

/// The median of each round, in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    /// Adds a round.
    pub(crate) fn add(&mut self, mut round: Vec<Duration>) {
        round.sort_unstable();
        self.0.push(round[round.len() / 2].as_secs_f64() * 1e3);
        self.0.sort_unstable_by(f64::total_cmp);
    }

    /// The median of the rounds.
    pub(crate) fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = (self.0[0], self.0[self.0.len() - 1]);
        write!(f, "{:.3} [{least:.3}, {most:.3}]", self.median())
    }
}
