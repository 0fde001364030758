//! Downloads beside nginx: its files as they are, and its files after asking another server.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use packhouse_benches::{Peer, median, say, setting};

use crate::peers::{start_nginx, start_yes};

pub(crate) fn compare(work: &Path, packhouse: &Peer, rounds: usize) -> io::Result<()> {
    let nginx = match start_yes().and_then(|yes| start_nginx(work, yes)) {
        Ok(nginx) => nginx,
        Err(error) => {
            say(&format!("downloads left out: nginx: {error}"));
            return Ok(());
        }
    };
    let ours = |name: &str| format!("http://{}/bench/repo/{name}", packhouse.address);
    let theirs = |name: &str| format!("http://{}/{name}", nginx.address);
    for (name, connections) in [("64k", 64), ("64k", 1), ("1k", 64)] {
        let asked = format!("asked/{name}");
        let mut rates = [Vec::new(), Vec::new(), Vec::new()];
        let mut p99 = Vec::new();
        for _ in 0..rounds {
            rates[0].push(wrk(&theirs(name), connections)?.0);
            rates[1].push(wrk(&theirs(&asked), connections)?.0);
            let (rate, slowest) = wrk(&ours(name), connections)?;
            rates[2].push(rate);
            p99.push(slowest);
        }
        let [plain, asked, ours] = rates.map(median);
        say(&format!(
            "download {name}, {connections} connections: packhouse {ours:.0}/s (p99 {:.2} ms), \
             nginx {plain:.0}/s, ratio {:.2}; nginx with auth_request {asked:.0}/s, ratio {:.2}",
            median(p99),
            ours / plain,
            ours / asked
        ));
    }
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for _ in 0..rounds * 2 {
        their_times.push(one(&theirs("256m"))?);
        our_times.push(one(&ours("256m"))?);
    }
    let (ours, theirs) = (median(our_times), median(their_times));
    say(&format!(
        "download 256 MiB, 1 connection: packhouse {:.0} MiB/s, nginx {:.0} MiB/s, ratio {:.2}",
        256.0 / ours,
        256.0 / theirs,
        theirs / ours
    ));
    Ok(())
}

/// How many seconds one download takes.
fn one(url: &str) -> io::Result<f64> {
    let begin = Instant::now();
    let done = Command::new("curl").args(["-sSf", "-o", "/dev/null", url]).status()?;
    assert!(done.success(), "{url} cannot be downloaded");
    Ok(begin.elapsed().as_secs_f64())
}

/// Requests a second, and the 99th percentile in milliseconds.
fn wrk(url: &str, connections: usize) -> io::Result<(f64, f64)> {
    let seconds = setting("SECONDS", 4);
    let threads = connections.min(2);
    let output = Command::new("wrk")
        .args([format!("-t{threads}"), format!("-c{connections}"), format!("-d{seconds}s")])
        .args(["--latency", url])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "{text}");
    let field = |name: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or_default().to_owned()
    };
    let rate = field("Requests/sec:").parse().unwrap_or(0.0);
    Ok((rate, milliseconds(&field("99%"))))
}

fn milliseconds(text: &str) -> f64 {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    let found = units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor));
    found.unwrap_or(f64::NAN)
}
