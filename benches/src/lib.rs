//! What the benches share: servers that are started and ended, their processor time and memory,
//! settings by the environment, and medians.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use packhouse_tests::server::ADMIN_KEY;
use packhouse_tests::settings;

/// A server that was started here, ended with this value.
#[derive(Debug)]
pub struct Peer {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Peer {
    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started or does not come up.
    pub fn start(mut command: Command, address: SocketAddr) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let peer = Self { process: command.spawn()?, address };
        for _ in 0..60_000 {
            if TcpStream::connect(address).is_ok() {
                return Ok(peer);
            }
            thread::sleep(Duration::from_millis(1));
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "a server did not come up"))
    }

    /// Starts the Packhouse that was built beside this program.
    ///
    /// # Errors
    /// When it cannot be started or does not come up.
    pub fn packhouse(data: &Path) -> io::Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?.with_file_name("packhouse-server"));
        command
            .args(["serve", "--log-level", "warn", "--listen", &address.to_string(), "--data"])
            .arg(data)
            .env("PACKHOUSE_ADMIN_KEY", ADMIN_KEY);
        Self::start(command, address)
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }

    /// The processor time that it has taken so far, of the user and the system, in seconds.
    ///
    /// # Errors
    /// When it is gone.
    pub fn processor_time(&self) -> io::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The name in parentheses may hold anything.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
        let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok());
        let both = ticks(12).zip(ticks(13)).map(|(user, system)| user + system);
        // A tick is a hundredth of a second on every Linux that this runs on.
        both.map(|ticks| ticks / 100.0)
            .ok_or_else(|| io::Error::other(format!("/proc said: {stat}")))
    }

    /// The memory that it has now, in MiB.
    ///
    /// # Errors
    /// When it is gone.
    pub fn memory(&self) -> io::Result<f64> {
        self.status("VmRSS:")
    }

    /// The most memory that it had since this was begun, in MiB.
    ///
    /// # Errors
    /// When it is gone.
    pub fn peak(&self) -> io::Result<f64> {
        self.status("VmHWM:")
    }

    /// Begins to look for the most memory.
    ///
    /// # Errors
    /// When it is gone.
    pub fn begin_peak(&self) -> io::Result<()> {
        fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5")
    }

    fn status(&self, name: &str) -> io::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let field = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = field.and_then(|field| field.split_whitespace().next()?.parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0).ok_or_else(|| io::Error::other(format!("/proc said: {status}")))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The number of a process that was waited for may be another's.
        if matches!(self.process.try_wait(), Ok(Some(_))) {
            return;
        }
        // nginx ends its workers on TERM only.
        let _ =
            Command::new("kill").arg(self.process.id().to_string()).stderr(Stdio::null()).status();
        let _ = self.process.wait();
    }
}

/// An address that nobody listens on.
///
/// # Errors
/// When there is none.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// A number from the environment.
///
/// # Panics
/// When what is set is no whole number.
#[must_use]
pub fn setting(name: &str, default: usize) -> usize {
    settings::number(name).map_or(default, |value| usize::try_from(value).expect("it fits"))
}

/// The middle one of some figures.
#[must_use]
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints a line of the result.
#[allow(clippy::print_stdout, reason = "this is what a bench is for")]
pub fn say(line: &str) {
    println!("{line}");
}
