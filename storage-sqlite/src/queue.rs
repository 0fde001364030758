//! A queue between the callers' tasks and the threads that serve them.
//!
//! A thread takes several waiting jobs in one go: writers to share a commit, readers to share a
//! wake-up and a snapshot.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Jobs in the order they came.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
}

#[derive(Debug)]
struct State<T> {
    jobs: VecDeque<T>,
    /// Threads that serve the queue.
    serving: usize,
    /// Threads that sleep: nobody is woken (a system call) while none does.
    sleeping: usize,
    closed: bool,
}

/// What a thread found in the queue.
pub(crate) enum Taken<T> {
    /// At least one job.
    Jobs(Vec<T>),
    /// No job came for a while.
    Idle,
    /// The queue is closed, and empty.
    Closed,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        let state = State { jobs: VecDeque::new(), serving: 0, sleeping: 0, closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }

    /// Adds a job; gives it back if the queue is closed.
    pub(crate) fn push(&self, job: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.closed {
            return Err(job);
        }
        state.jobs.push_back(job);
        let wake = state.sleeping > 0;
        drop(state);
        if wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Adds a job that somebody who sleeps may do, unless others wait or nobody sleeps.
    pub(crate) fn offer(&self, job: T) {
        let mut state = self.lock();
        if state.sleeping == 0 || state.closed || !state.jobs.is_empty() {
            return;
        }
        state.jobs.push_back(job);
        drop(state);
        self.arrived.notify_one();
    }

    /// Takes jobs from the front until their weights reach `room`; at least one. Waits for the
    /// first one up to `patience`.
    pub(crate) fn take(
        &self,
        room: usize,
        patience: Duration,
        weigh: impl Fn(&T) -> usize,
    ) -> Taken<T> {
        let mut state = self.lock();
        if state.jobs.is_empty() && !state.closed {
            state.sleeping += 1;
            let waiting = |state: &mut State<T>| state.jobs.is_empty() && !state.closed;
            state = self
                .arrived
                .wait_timeout_while(state, patience, waiting)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            state.sleeping -= 1;
        }
        let mut taken = Vec::new();
        let mut weight = 0;
        while let Some(job) = state.jobs.front() {
            weight += weigh(job);
            if weight > room && !taken.is_empty() {
                break;
            }
            taken.extend(state.jobs.pop_front());
        }
        match (taken.is_empty(), state.closed) {
            (false, _) => Taken::Jobs(taken),
            (true, true) => Taken::Closed,
            (true, false) => Taken::Idle,
        }
    }

    /// Refuses further jobs; those that wait are still served.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Whether somebody waits just now.
    pub(crate) fn has_jobs(&self) -> bool {
        self.has(|_| true)
    }

    /// Whether a job of a kind waits just now.
    pub(crate) fn has(&self, is_one: impl Fn(&T) -> bool) -> bool {
        self.lock().jobs.iter().any(is_one)
    }

    /// Counts a thread among those that serve the queue, until the guard is dropped.
    pub(crate) fn serve(self: &Arc<Self>) -> Serving<T> {
        self.lock().serving += 1;
        Serving(Arc::clone(self))
    }

    /// One thread less. The last one that is gone refuses further jobs and drops those that wait,
    /// so that nobody waits for an answer that never comes; the others go on.
    fn leave(&self, panicked: bool) {
        let mut state = self.lock();
        state.serving -= 1;
        let left = state.serving;
        if panicked {
            tracing::error!(left, "a thread of the store panicked");
        }
        if left > 0 {
            return;
        }
        state.closed = true;
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        self.arrived.notify_all();
        drop(jobs);
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Every change of the state is a single step, so that a panic leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that serves a queue.
#[derive(Debug)]
pub(crate) struct Serving<T>(Arc<Queue<T>>);

impl<T> Serving<T> {
    pub(crate) fn queue(&self) -> &Queue<T> {
        &self.0
    }
}

impl<T> Drop for Serving<T> {
    fn drop(&mut self) {
        self.0.leave(thread::panicking());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread that takes one job and panics.
    fn panic_over_a_job(serving: Serving<usize>) {
        let work = move || {
            drop(serving.queue().take(1, Duration::from_secs(10), |_| 1));
            panic!("as a test wants it");
        };
        thread::spawn(work).join().unwrap_err();
    }

    #[test]
    fn a_queue_is_served_until_its_last_thread_is_gone() {
        let queue = Arc::new(Queue::new());
        let (first, second) = (queue.serve(), queue.serve());
        queue.push(1).unwrap();
        panic_over_a_job(first);
        queue.push(2).unwrap();
        queue.push(3).unwrap();
        assert_eq!(taken(&queue, 2), [2], "the other one goes on");
        panic_over_a_job(second);
        assert_eq!(queue.push(4), Err(4), "nobody would serve it");
        assert!(!queue.has_jobs());
    }

    #[test]
    fn what_is_offered_is_for_those_who_sleep() {
        let queue = Arc::new(Queue::new());
        queue.offer(1);
        assert!(!queue.has_jobs(), "nobody sleeps");
        let sleeping = Arc::clone(&queue);
        let sleeper = thread::spawn(move || taken_within(&sleeping, 1, Duration::from_secs(10)));
        while queue.lock().sleeping == 0 {
            thread::yield_now();
        }
        queue.offer(2);
        assert_eq!(sleeper.join().unwrap(), [2]);
        // Who was woken for a job has not taken it yet.
        queue.push(3).unwrap();
        queue.lock().sleeping = 1;
        queue.offer(4);
        assert_eq!(taken(&queue, 9), [3]);
    }

    fn taken(queue: &Queue<usize>, room: usize) -> Vec<usize> {
        taken_within(queue, room, Duration::ZERO)
    }

    fn taken_within(queue: &Queue<usize>, room: usize, patience: Duration) -> Vec<usize> {
        match queue.take(room, patience, |job| *job) {
            Taken::Jobs(jobs) => jobs,
            Taken::Idle | Taken::Closed => Vec::new(),
        }
    }

    #[test]
    fn jobs_are_taken_in_order_up_to_the_room() {
        let queue = Queue::new();
        for job in [3, 2, 9, 1] {
            queue.push(job).unwrap();
        }
        assert_eq!(taken(&queue, 5), [3, 2]);
        assert_eq!(taken(&queue, 5), [9], "one that is too heavy goes alone");
        assert_eq!(taken(&queue, 5), [1]);
        assert!(taken(&queue, 5).is_empty());
    }

    #[test]
    fn a_closed_queue_refuses_jobs_and_still_gives_those_it_has() {
        let queue = Queue::new();
        queue.push(1).unwrap();
        queue.close();
        assert_eq!(queue.push(2), Err(2));
        assert_eq!(taken(&queue, 5), [1]);
        assert!(matches!(queue.take(5, Duration::ZERO, |_| 1), Taken::Closed));
    }
}
