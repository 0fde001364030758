//! The server as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

/// The key that the platform admin of a test server has.
pub const ADMIN_KEY: &str = "0123456789abcdef0123456789abcdef";

/// A running server. Dropping it kills the process.
#[derive(Debug)]
pub struct Server {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts a server on a free port over a data directory.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same, with settings by the names that they have in the environment.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start_with(data: &Path, settings: &[(&str, &str)]) -> Self {
        Self::start_logging(data, settings, Stdio::inherit())
    }

    /// The same, with its log elsewhere than in this process's.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start_logging(data: &Path, settings: &[(&str, &str)], log: Stdio) -> Self {
        let mut command = Self::command(data, settings);
        let mut process = command.stderr(log).spawn().expect("the server starts");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split("http://").nth(1)?.trim().parse().ok())
            .expect("the server says where it listens");
        // What it says later is read, so that it never waits for a reader.
        thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    /// The command that starts it, for whoever does not wait until it listens.
    #[must_use]
    pub fn command(data: &Path, settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error", "--data"])
            .arg(data)
            .env("PACKHOUSE_ADMIN_KEY", ADMIN_KEY)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        command
    }

    /// Kills the process, as a crash would, and waits until it is gone.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(mut self) {
        self.process.kill().expect("the server can be killed");
        self.process.wait().expect("the server can be waited for");
    }

    /// The id of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the tests lie in the workspace").to_path_buf()
}

/// The server's binary, built as the tests were.
///
/// # Panics
/// When it cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--package",
            "packhouse-server",
            "--bin",
            "packhouse-server",
        ]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let built = build.current_dir(workspace()).status().expect("cargo runs");
        assert!(built.success(), "the server is built");
        let test = std::env::current_exe().expect("a test has a path");
        let profile = test.parent().and_then(Path::parent).expect("it lies in deps");
        profile.join("packhouse-server")
    })
}
