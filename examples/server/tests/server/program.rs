//! The program, started as a user starts it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_packhouse-server");
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running program; it is killed when the test ends.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) data: TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program by a shell line in which `$0` is the program; `$1` is its data directory.
pub(crate) fn by_shell(line: &str, data: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line, PROGRAM]).arg(data);
    command.env_remove("PACKHOUSE_LISTEN").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn start(mut command: Command, data: TempDir) -> Program {
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("Packhouse is listening on http://");
    let address = address.unwrap_or_else(|| panic!("no banner: {line:?}")).parse().unwrap();
    Program { child, address, data }
}

fn start_on(listen: &str) -> Program {
    let data = tempfile::tempdir().unwrap();
    let line = format!("exec \"$0\" serve --data \"$1\" --listen {listen}");
    start(by_shell(&line, data.path()), data)
}

fn refused(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

impl Program {
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn answers(&self) -> bool {
        let mut stream = self.connect();
        let asked = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let mut text = Vec::new();
        asked.is_ok() && stream.read_to_end(&mut text).is_ok() && text.starts_with(b"HTTP/1.1 ")
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    pub(crate) fn ends(&mut self) -> Option<i32> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the program does not end");
    }
}

#[test]
fn port_0_picks_a_port_and_prints_it() {
    let program = start_on("127.0.0.1:0");
    assert_ne!(program.address.port(), 0);
    assert!(program.answers());
}

#[test]
fn sigterm_ends_it_with_0_and_another_start_takes_the_same_data() {
    let mut program = start_on("127.0.0.1:0");
    let secret = std::fs::read(program.data.path().join("secret.key")).unwrap();
    program.signal("TERM");
    assert_eq!(program.ends(), Some(0));
    let line = "exec \"$0\" --data \"$1\" --listen 127.0.0.1:0";
    let command = by_shell(line, program.data.path());
    let again = start(command, tempfile::tempdir().unwrap());
    assert!(again.answers());
    assert_eq!(std::fs::read(program.data.path().join("secret.key")).unwrap(), secret);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut program = start_on("127.0.0.1:0");
    // A head that does not end keeps the first signal waiting for the drain.
    let mut open = program.connect();
    open.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    assert!(program.answers());
    program.signal("INT");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(program.child.try_wait().unwrap(), None);
    program.signal("INT");
    assert_eq!(program.ends(), Some(130));
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let program = start_on("127.0.0.1:0");
    let line = "exec \"$0\" --data \"$1\" --listen 127.0.0.1:0";
    let (code, said) = refused(by_shell(line, program.data.path()));
    assert_eq!(code, Some(1));
    assert!(said.contains("another server is using"), "{said}");
    assert!(program.answers());
}

const KEY: &str = "a-key-that-the-operator-chose";

/// What the program says on standard output until it is stopped.
fn said_until_stopped(mut command: Command) -> (String, String) {
    let child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn a_first_start_that_cannot_listen_leaves_the_admins_key_to_the_next() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _held = TcpListener::bind(taken).unwrap();
    let data = tempfile::tempdir().unwrap();
    for flags in
        [format!("--listen {taken}"), format!("--listen 127.0.0.1:0 --metrics-listen {taken}")]
    {
        let line = format!("exec \"$0\" --data \"$1\" {flags}");
        let (code, said) = refused(by_shell(&line, data.path()));
        assert_eq!(code, Some(1));
        assert!(said.contains(&format!("cannot listen on {taken}")), "{said}");
        let flag = if flags.contains("metrics") { "--metrics-listen" } else { "--listen" };
        assert!(said.lines().any(|line| line.ends_with(&format!("with {flag}"))), "{said}");
    }
    let line = "exec \"$0\" --data \"$1\" --listen 127.0.0.1:0";
    let (told, _) = said_until_stopped(by_shell(line, data.path()));
    assert!(told.contains("admin API key (shown only this once): "), "{told}");
}

#[test]
fn a_key_that_the_operator_gives_is_the_way_back_in() {
    // As after a kill between the commit of the admin and the line with its key.
    let mut program = start_on("127.0.0.1:0");
    program.signal("KILL");
    program.ends();
    let with_key = || {
        let line = "exec \"$0\" --data \"$1\" --listen 127.0.0.1:0";
        let mut command = by_shell(line, program.data.path());
        command.env("PACKHOUSE_ADMIN_KEY", KEY);
        command
    };
    let warning = "the platform admin's key was replaced by PACKHOUSE_ADMIN_KEY";
    let (told, said) = said_until_stopped(with_key());
    assert!(said.contains(warning), "{said}");
    assert!(!told.contains("API key") && !said.contains(KEY), "{told}{said}");
    // It is the admin's key now: nothing is replaced.
    let (_, said) = said_until_stopped(with_key());
    assert!(!said.contains(warning), "{said}");
}

#[test]
fn a_key_that_cannot_be_one_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (key, complaint) in [
        ("too-short", "PACKHOUSE_ADMIN_KEY (admin_key in the settings file) must have 20 to 256"),
        ("$(printf '\\377')", "PACKHOUSE_ADMIN_KEY must be UTF-8"),
    ] {
        let line = format!("PACKHOUSE_ADMIN_KEY={key} exec \"$0\" --data \"$1\"");
        let (code, said) = refused(by_shell(&line, &data));
        assert_eq!(code, Some(2));
        assert!(said.contains(complaint), "{said}");
    }
    assert!(!data.exists());
}

#[test]
fn a_database_of_countries_that_is_none_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::write(folder.path().join("damaged.mmdb"), "no database").unwrap();
    for (name, complaint) in [("missing", "cannot read the database"), ("damaged", "no whole")] {
        let file = folder.path().join(name).with_extension("mmdb");
        let flags = format!("--listen 127.0.0.1:0 --geo-database '{}'", file.display());
        let line = format!("exec \"$0\" --data \"$1\" {flags}");
        let (code, said) = refused(by_shell(&line, &data));
        assert_eq!(code, Some(1));
        assert!(said.contains(complaint) && said.contains(name), "{said}");
    }
}

#[test]
fn a_data_directory_that_is_none_is_refused_with_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("file");
    std::fs::write(&data, "").unwrap();
    let line = "exec \"$0\" --data \"$1\" --listen 127.0.0.1:0";
    let (code, said) = refused(by_shell(line, &data));
    assert_eq!(code, Some(1));
    assert!(said.contains("--data must name a directory"), "{said}");
}

#[test]
fn help_names_the_setting_that_no_flag_gives() {
    let output = Command::new(PROGRAM).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("PACKHOUSE_ADMIN_KEY"), "{help}");
}

#[test]
fn it_raises_its_soft_limit_of_open_files_to_the_hard_one() {
    let data = tempfile::tempdir().unwrap();
    let line = "ulimit -Sn 100; ulimit -Hn 300; exec \"$0\" --data \"$1\" --listen 127.0.0.1:0";
    let mut program = start(by_shell(line, data.path()), data);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.child.id())).unwrap();
    let open_files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let values: Vec<&str> = open_files.split_whitespace().skip(3).take(2).collect();
    assert_eq!(values, ["300", "300"]);
    program.signal("TERM");
    program.ends();
    let mut said = String::new();
    program.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    // 1024 connections need more.
    assert!(said.contains("too few open files for max_connections"), "{said}");
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("packhouse.toml");
    std::fs::write(&file, "listen = '127.0.0.4:0'\nlog_format = 'json'\n").unwrap();
    for (flag, environment, expected) in [
        (" --listen 127.0.0.2:0", Some("127.0.0.3:0"), "127.0.0.2"),
        ("", Some("127.0.0.3:0"), "127.0.0.3"),
        ("", None, "127.0.0.4"),
    ] {
        let data = tempfile::tempdir().unwrap();
        let mut command = by_shell(&format!("exec \"$0\" --data \"$1\"{flag}"), data.path());
        command.env("PACKHOUSE_CONFIG", &file);
        if let Some(address) = environment {
            command.env("PACKHOUSE_LISTEN", address);
        }
        assert_eq!(start(command, data).address.ip().to_string(), expected);
    }
}

#[test]
fn wrong_settings_are_refused_with_their_name() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("packhouse.toml");
    std::fs::write(&file, "listne = 'x'\n").unwrap();
    let mut command = by_shell("exec \"$0\" --data \"$1/d\"", data.path());
    command.env("PACKHOUSE_CONFIG", &file);
    let (code, said) = refused(command);
    assert_eq!(code, Some(2));
    assert!(said.contains("unknown field `listne`"), "{said}");

    let (code, said) =
        refused(by_shell("exec \"$0\" --data \"$1/d\" --log-level loud", data.path()));
    assert_eq!(code, Some(2));
    assert!(said.contains("log_level"), "{said}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let line = format!("exec \"$0\" --data \"$1/d\" --listen {address}");
    let (code, said) = refused(by_shell(&line, data.path()));
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
}

/// What the program has had of the processors.
fn cpu_seconds(program: &Program) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", program.child.id())).unwrap();
    let after_name = stat.rsplit(") ").next().unwrap();
    let ticks = |at: usize| after_name.split(' ').nth(at).unwrap().parse::<f64>().unwrap();
    // The kernel's ticks for users are a hundredth of a second.
    (ticks(11) + ticks(12)) / 100.0
}

#[test]
fn it_survives_running_out_of_file_descriptors() {
    let data = tempfile::tempdir().unwrap();
    let line = "ulimit -n 40; exec \"$0\" --data \"$1\" --listen 127.0.0.1:0";
    let mut program = start(by_shell(line, data.path()), data);
    let held: Vec<TcpStream> = (0..100).map(|_| program.connect()).collect();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(program.child.try_wait().unwrap(), None);
    // The clients that hold all descriptors and ask for nothing make room, and it does not spin.
    let before = cpu_seconds(&program);
    let begun = Instant::now();
    for _ in 0..5 {
        assert!(program.answers());
    }
    assert!(cpu_seconds(&program) - before < begun.elapsed().as_secs_f64() / 2.0 + 0.2);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    drop(held);
    assert!(program.answers());
    program.signal("TERM");
    program.ends();
    let mut said = String::new();
    program.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let complaints = said.matches("cannot accept connections").count();
    let most = begun.elapsed().as_secs() + 5;
    assert!((1..=most).contains(&(complaints as u64)), "{complaints} complaints: {said}");
}

#[test]
fn closed_output_streams_do_not_disturb_it() {
    let data = tempfile::tempdir().unwrap();
    // The port comes from a test of its own here: nothing can be printed.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let line = format!("exec \"$0\" --data \"$1\" --listen 127.0.0.1:{port} >&- 2>&-");
    let child = by_shell(&line, data.path()).spawn().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut program = Program { child, address, data };
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < PATIENCE, "it does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(program.answers());
    assert!(program.answers());
    program.signal("TERM");
    assert_eq!(program.ends(), Some(0));
}

#[test]
fn the_operators_listener_has_metrics_and_health_and_the_public_one_has_not() {
    let data = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let operator = free.local_addr().unwrap();
    drop(free);
    let line =
        format!("exec \"$0\" --data \"$1\" --listen 127.0.0.1:0 --metrics-listen {operator}");
    let program = start(by_shell(&line, data.path()), data);
    let ask = |address, path: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    assert!(ask(operator, "/metrics").contains("packhouse_connections_total"));
    for path in ["/health", "/ready"] {
        assert!(ask(operator, path).starts_with("HTTP/1.1 200 "), "{path}");
    }
    assert!(!ask(program.address, "/metrics").contains("packhouse_connections_total"));
}
