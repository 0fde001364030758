//! The log on standard error, and the few lines on standard output.
//!
//! Neither may panic or hold up a request when its stream is closed or full: lines go through a
//! bounded queue to a thread of their own, and what does not fit is dropped and counted. It must
//! not decide what is logged.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt as lines, registry};

use crate::config::LogFormat;

const QUEUED_LINES: usize = 8192;
/// How long lines gather before they are written in one go: a thread that sleeps is not woken
/// for each line.
const GATHERING: Duration = Duration::from_millis(5);
const FLUSH_WAIT: Duration = Duration::from_secs(1);

enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// The running log. Dropping it writes what is queued, and waits for that a second at most.
pub struct Log {
    queue: Queue,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("dropped", &self.dropped()).finish()
    }
}

impl Log {
    /// Lines that were dropped since the start because the stream did not take them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let (written, done) = sync_channel(1);
        if self.queue.sender.try_send(Message::Flush(written)).is_ok() {
            let _ = done.recv_timeout(FLUSH_WAIT);
        }
    }
}

/// Makes standard error the log of this process, for `tracing` and for panics. It belongs to the
/// program and not to a library: there is one log for the process.
///
/// # Errors
///
/// A message that names the setting, where the level is not one; or where the process has a log.
pub fn start(format: LogFormat, level: &str) -> Result<Log, String> {
    let targets = parse_level(level)?;
    let queue = Queue::to(io::stderr())
        .map_err(|error| format!("the log's thread cannot be started: {error}"))?;
    let writer = queue.clone();
    let layer = lines::layer()
        .with_ansi(io::stderr().is_terminal())
        .with_writer(move || writer.clone())
        .log_internal_errors(false);
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    registry().with(layer.with_filter(targets)).try_init().map_err(|error| error.to_string())?;
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(target: "packhouse::panic", "{panic}");
    }));
    Ok(Log { queue })
}

/// A bare word that is no level would be the name of a target, whose lines alone are then logged:
/// a misspelt level must not silence the log.
fn parse_level(level: &str) -> Result<Targets, String> {
    let wrong = |part: &str| {
        format!(
            "wrong log_level {level:?}: {part:?} is neither a level (off, error, warn, info, debug, \
             trace) nor a target with one, such as packhouse::access=off"
        )
    };
    let part = level.split(',').find(|part| {
        let (_, filter) = part.rsplit_once('=').unwrap_or(("", part));
        filter.is_empty() || filter.parse::<LevelFilter>().is_err()
    });
    part.map_or_else(|| level.parse().map_err(|_| wrong(level)), |part| Err(wrong(part)))
}

/// Prints where the server listens, and the admin's key if it was made just now. A closed
/// standard output is no reason to stop; where it takes the key with it, the log says what to do.
pub fn announce(out: &mut impl Write, address: Option<SocketAddr>, new_admin_key: Option<&str>) {
    if let Some(address) = address {
        let _ = writeln!(out, "Packhouse is listening on http://{address}");
    }
    if let Some(key) = new_admin_key {
        let told = writeln!(out, "admin API key (shown only this once): {key}");
        if let Err(error) = told.and_then(|()| out.flush()) {
            tracing::error!(
                %error,
                "the platform admin's new key cannot be printed: start again with a key of your \
                 own in PACKHOUSE_ADMIN_KEY"
            );
        }
    }
    let _ = out.flush();
}

#[derive(Clone)]
struct Queue {
    sender: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

impl Queue {
    fn to(stream: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUED_LINES);
        let queue = Self { sender, dropped: Arc::default() };
        let dropped = Arc::clone(&queue.dropped);
        thread::Builder::new()
            .name("packhouse-log".to_owned())
            .spawn(move || write_lines(stream, &receiver, &dropped))?;
        Ok(queue)
    }
}

/// Takes one whole line at a time, as the formatting layer gives it, and never fails.
impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(Message::Line(line.to_vec())) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_lines(mut stream: impl Write, lines: &Receiver<Message>, dropped: &AtomicU64) {
    let mut told = 0;
    let mut together = Vec::new();
    while let Ok(first) = lines.recv() {
        let mut flushed = take(first, &mut together);
        if flushed.is_none() {
            thread::sleep(GATHERING);
        }
        while flushed.is_none() && together.len() < 1 << 20 {
            let Ok(next) = lines.try_recv() else { break };
            flushed = take(next, &mut together);
        }
        let _ = stream.write_all(&together).and_then(|()| stream.flush());
        together.clear();
        if let Some(flushed) = flushed {
            let _ = flushed.send(());
        }
        let now = dropped.load(Ordering::Relaxed);
        if now > told {
            told = now;
            tracing::warn!(dropped = now, "log lines were dropped: the stream is too slow");
        }
    }
}

fn take(message: Message, together: &mut Vec<u8>) -> Option<SyncSender<()>> {
    match message {
        Message::Line(line) => {
            together.extend_from_slice(&line);
            None
        }
        Message::Flush(written) => Some(written),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Sender, channel};
    use std::time::Instant;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A stream that takes nothing until the test ends.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn dropping_the_log_writes_what_is_queued() {
        let stream = Shared::default();
        let mut queue = Queue::to(stream.clone()).unwrap();
        let log = Log { queue: queue.clone() };
        queue.write_all(b"one\n").unwrap();
        queue.write_all(b"two\n").unwrap();
        drop(log);
        assert_eq!(*stream.0.lock().unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn a_stream_that_takes_nothing_holds_up_nobody_and_the_loss_is_counted() {
        let (release, stuck): (Sender<()>, _) = channel();
        let mut queue = Queue::to(Stuck(stuck)).unwrap();
        let log = Log { queue: queue.clone() };
        let start = Instant::now();
        let line = vec![b'x'; 256];
        // More than what the queue and one written batch of 1 MiB hold together.
        for _ in 0..4 * QUEUED_LINES {
            queue.write_all(&line).unwrap();
        }
        assert!(start.elapsed() < Duration::from_secs(5));
        assert!(log.dropped() > 0);
        drop(release);
    }

    #[test]
    fn a_level_is_a_level_or_a_target_with_one() {
        for level in ["info", "off", "WARN", "info,packhouse::access=off", "hyper=debug"] {
            assert!(parse_level(level).is_ok(), "{level}");
        }
        for (level, part) in [("loud", "loud"), ("info,", ""), ("info,access=no", "access=no")] {
            let error = parse_level(level).unwrap_err();
            assert!(error.contains(&format!("{part:?} is neither")), "{error}");
        }
    }

    #[test]
    fn a_closed_stream_is_not_an_error() {
        let mut queue = Queue::to(Closed).unwrap();
        queue.write_all(b"one\n").unwrap();
        drop(Log { queue });
        announce(&mut Closed, Some(([127, 0, 0, 1], 8080).into()), Some("key"));
    }

    #[test]
    fn the_banner_says_the_address_and_a_new_key() {
        let mut out = Vec::new();
        announce(&mut out, Some(([127, 0, 0, 1], 8080).into()), Some("abc"));
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "Packhouse is listening on http://127.0.0.1:8080\nadmin API key (shown only this once): abc\n"
        );
    }
}
