//! The open connections: how far each has come, which deadline it is under, and what it is told.
//!
//! It must not read or write a socket, nor know HTTP beyond "a request runs".

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::framing::Refusal;
use crate::limits::Limits;

/// How long a closed connection waits for its client to stop sending.
pub(crate) const LINGER: Duration = Duration::from_secs(5);

/// A connection younger than this in its phase is not made to leave: its request may be on its
/// way.
const EVICT_AFTER: Duration = Duration::from_millis(250);

/// What a connection is doing, as its deadlines see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Phase {
    /// Accepted; no byte yet.
    New,
    /// A request head has begun.
    Head,
    /// A request runs; its body and its answer have deadlines of their own.
    Busy,
    /// The answer is done; the next request has not begun.
    Idle,
    /// Our side has ended.
    Closing,
}

const PHASES: [Phase; 5] = [Phase::New, Phase::Head, Phase::Busy, Phase::Idle, Phase::Closing];

/// What a connection is told from outside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(crate) enum Order {
    /// Go on.
    None,
    /// Leave, unless a request runs.
    MakeRoom,
    /// Finish the running request, if there is one, and leave.
    Finish,
    /// Leave now.
    Abandon,
}

const ORDERS: [Order; 4] = [Order::None, Order::MakeRoom, Order::Finish, Order::Abandon];

/// How far one connection has come. It is written by the connection's own task, and now and then
/// read by the accept loop: plain atomics, no locks, on the path of every request.
#[derive(Debug)]
pub(crate) struct Progress {
    accepted: Instant,
    phase: AtomicU8,
    /// Milliseconds from `accepted` to the begin of the phase.
    since: AtomicU64,
    /// As `since`, plus one, for a write that waits; zero if none does.
    write_waits_since: AtomicU64,
    /// Milliseconds that the client let writes wait and has not paid for by taking bytes since.
    write_debt: AtomicU64,
    /// Bytes that pay for a second of `write_debt`; at zero it is not counted.
    answer_min_rate: u64,
    unread: AtomicBool,
    /// Bytes of a head lie here while the request before it runs.
    head_waits: AtomicBool,
    /// The last message was refused for its form; what runs next is its answer.
    refusal: OnceLock<Refusal>,
    order: AtomicU8,
    told: Notify,
}

impl Progress {
    fn new(answer_min_rate: u64) -> Self {
        Self {
            accepted: Instant::now(),
            phase: AtomicU8::new(Phase::New as u8),
            since: AtomicU64::new(0),
            write_waits_since: AtomicU64::new(0),
            write_debt: AtomicU64::new(0),
            answer_min_rate,
            unread: AtomicBool::new(false),
            head_waits: AtomicBool::new(false),
            refusal: OnceLock::new(),
            order: AtomicU8::new(Order::None as u8),
            told: Notify::new(),
        }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.accepted.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Relaxed))]
    }

    fn enter(&self, phase: Phase) {
        self.since.store(self.elapsed_ms(), Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(crate) fn bytes_came(&self) {
        if matches!(self.phase(), Phase::New | Phase::Idle) {
            self.enter(Phase::Head);
        }
    }

    /// Tells whether bytes of a head have come that is not whole yet.
    pub(crate) fn set_head_waits(&self, waits: bool) {
        self.head_waits.store(waits, Ordering::Relaxed);
        if waits {
            self.bytes_came();
        }
    }

    pub(crate) fn write_waits(&self) {
        if self.write_waits_since.load(Ordering::Relaxed) == 0 {
            self.write_waits_since.store(self.elapsed_ms() + 1, Ordering::Relaxed);
        }
    }

    pub(crate) fn written(&self, bytes: u64) {
        self.pay(bytes);
        self.write_waits_since.store(0, Ordering::Relaxed);
        // The end of an answer leaves our buffers after its body is done: while it moves, the
        // connection does not wait for its client's next request yet.
        if self.phase() == Phase::Idle {
            self.enter(Phase::Idle);
        }
    }

    /// Adds the wait that ends to the debt and takes what these bytes are worth off it. It never
    /// goes below zero: a fast start buys no slow rest. It outlasts the answer, so that many small
    /// answers buy no more time than a large one. A client that keeps up costs two loads.
    fn pay(&self, bytes: u64) {
        let debt = self.write_debt.load(Ordering::Relaxed);
        let waited = match self.write_waits_since.load(Ordering::Relaxed) {
            0 => 0,
            ms => (self.elapsed_ms() + 1).saturating_sub(ms),
        };
        if let Some(worth) = bytes.saturating_mul(1000).checked_div(self.answer_min_rate)
            && debt + waited > 0
        {
            self.write_debt.store((debt + waited).saturating_sub(worth), Ordering::Relaxed);
        }
    }

    pub(crate) fn request_begins(&self) {
        self.enter(Phase::Busy);
    }

    pub(crate) fn request_ends(&self) {
        let waits = self.head_waits.load(Ordering::Relaxed);
        self.enter(if waits { Phase::Head } else { Phase::Idle });
    }

    pub(crate) fn refuse(&self, refusal: Refusal) {
        let _ = self.refusal.set(refusal);
        // What follows in the stream is not read.
        self.leave_unread();
    }

    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.refusal.get().copied()
    }

    /// The client may be sending still what nobody will read.
    pub(crate) fn leave_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    pub(crate) fn leaves_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    pub(crate) fn closing(&self) {
        self.enter(Phase::Closing);
    }

    /// Whether a head has begun and is not whole.
    pub(crate) fn is_in_head(&self) -> bool {
        self.phase() == Phase::Head
    }

    /// Whether the connection ends after the running request: it was told to, or the request's
    /// body was not read to its end.
    pub(crate) fn is_last(&self) -> bool {
        self.order.load(Ordering::Relaxed) >= Order::Finish as u8 || self.leaves_unread()
    }

    /// Whether a request runs, so that closing now would break it off.
    pub(crate) fn is_busy(&self) -> bool {
        self.phase() == Phase::Busy
    }

    /// The deadline that the connection is under, and its name.
    fn deadline(&self, limits: &Limits) -> Option<(Instant, &'static str)> {
        let since = |ms: u64| self.accepted + Duration::from_millis(ms);
        let begun = since(self.since.load(Ordering::Relaxed));
        let phase = match self.phase() {
            Phase::New => Some((begun + limits.first_byte_deadline, "first byte")),
            Phase::Head => Some((begun + limits.header_deadline, "header")),
            Phase::Busy => None,
            Phase::Idle => Some((begun + limits.keep_alive_deadline, "keep-alive")),
            Phase::Closing => Some((begun + LINGER, "linger")),
        };
        let write = match self.write_waits_since.load(Ordering::Relaxed) {
            0 => None,
            ms => Some(self.write_deadline(since(ms - 1), limits)),
        };
        phase.into_iter().chain(write).min()
    }

    /// When a write that waits since `begun` has waited too long.
    fn write_deadline(&self, begun: Instant, limits: &Limits) -> (Instant, &'static str) {
        let debt = Duration::from_millis(self.write_debt.load(Ordering::Relaxed));
        let left = limits.answer_grace.saturating_sub(debt);
        if self.answer_min_rate > 0 && left < limits.write_stall_deadline {
            (begun + left, "write rate")
        } else {
            (begun + limits.write_stall_deadline, "write stall")
        }
    }

    /// When to look again; or the name of the deadline that has passed.
    ///
    /// Nothing sets a timer when a phase begins. A phase that begins after this look ends no
    /// earlier than the shortest deadline from now, so a look after that finds it in time: a busy
    /// connection costs a timer every few seconds and none a request.
    pub(crate) fn look(&self, limits: &Limits) -> Result<Instant, &'static str> {
        let now = Instant::now();
        let latest = now + limits.shortest_watched();
        match self.deadline(limits) {
            Some((deadline, name)) if deadline <= now => Err(name),
            Some((deadline, _)) => Ok(deadline.min(latest)),
            None => Ok(latest),
        }
    }

    fn tell(&self, order: Order) {
        // A later order is at least as strong: a connection that finishes is not told to stay.
        self.order.fetch_max(order as u8, Ordering::Relaxed);
        self.told.notify_one();
    }

    pub(crate) async fn told(&self) -> Order {
        self.told.notified().await;
        let order = self.order.load(Ordering::Relaxed);
        // Making room is asked once: the connection that was busy may be idle long after.
        if order == Order::MakeRoom as u8 {
            let _ = self.order.compare_exchange(
                order,
                Order::None as u8,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
        ORDERS[usize::from(order)]
    }
}

/// All open connections of one listener, at most a number of them.
#[derive(Debug)]
pub(crate) struct Connections {
    most: u32,
    answer_min_rate: u64,
    slots: Arc<Semaphore>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Arc<Progress>>,
}

/// The place of one connection; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) progress: Arc<Progress>,
    number: u64,
    connections: Arc<Connections>,
    _slot: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().connections.remove(&self.number);
    }
}

impl Connections {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let most =
            u32::try_from(limits.max_connections.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        let slots = Arc::new(Semaphore::new(most as usize));
        let answer_min_rate = limits.answer_min_rate.as_bytes();
        Arc::new(Self { most, answer_min_rate, slots, open: Mutex::default() })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a new connection its place. With all places taken, the connection that has waited
    /// longest for its client must make room; while every one of them runs a request, this waits.
    pub(crate) async fn admit(self: &Arc<Self>) -> Place {
        loop {
            if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                return self.place(slot);
            }
            self.make_room();
            let slot = Arc::clone(&self.slots).acquire_owned();
            if let Ok(Ok(slot)) = tokio::time::timeout(EVICT_AFTER, slot).await {
                return self.place(slot);
            }
        }
    }

    fn place(self: &Arc<Self>, slot: OwnedSemaphorePermit) -> Place {
        let progress = Arc::new(Progress::new(self.answer_min_rate));
        let mut open = self.open();
        let number = open.next;
        open.next += 1;
        open.connections.insert(number, Arc::clone(&progress));
        drop(open);
        Place { progress, number, connections: Arc::clone(self), _slot: slot }
    }

    /// Asks the connection that has waited longest for its client to leave.
    pub(crate) fn make_room(&self) {
        let open = self.open();
        let waited = |progress: &Arc<Progress>| {
            let since = Duration::from_millis(progress.since.load(Ordering::Relaxed));
            progress.accepted.elapsed().saturating_sub(since)
        };
        let longest = open
            .connections
            .values()
            .filter(|progress| !progress.is_busy())
            .map(|progress| (waited(progress), progress))
            .max_by_key(|(waited, _)| *waited);
        if let Some((waited, progress)) = longest
            && waited >= EVICT_AFTER
        {
            progress.tell(Order::MakeRoom);
        }
    }

    pub(crate) fn tell_all(&self, order: Order) {
        for progress in self.open().connections.values() {
            progress.tell(order);
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.open().connections.len()
    }

    /// Waits until every place is free.
    pub(crate) async fn all_gone(&self) {
        // The semaphore is never closed, so this cannot fail.
        let _ = self.slots.acquire_many(self.most).await;
    }
}

#[cfg(test)]
mod tests;
