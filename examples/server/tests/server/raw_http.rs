//! Every row of `corpus.tsv` over a socket, against the program with its engine.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use crate::agreement::judged;
use crate::corpus::{Act, Row, Words, rows};
use crate::program::PATIENCE;
use crate::raw_client::{Client, free_address, prepared};

const PROBE: &[u8] = b"GET /management/v1/health HTTP/1.1\r\nHost: a\r\n\r\n";

/// Acts as the row says, and compares what comes. `piece` is how many bytes are sent at once.
fn play(row: &Row, words: &Words, address: SocketAddr, piece: usize) -> Result<(), String> {
    let mut client = Client::of(address);
    let mut statuses = row.statuses.iter().copied();
    let no_body = row.stream().trim_ascii_start().starts_with(b"HEAD ");
    for act in row.acts(words) {
        match act {
            Act::Send(bytes) => {
                for piece in bytes.chunks(piece) {
                    client.send(piece)?;
                }
            }
            Act::AwaitContinue => expect(&mut client, statuses.next().unwrap_or(0), row, false)?,
            Act::EndSide => client.stream.shutdown(Shutdown::Write).map_err(|e| e.to_string())?,
        }
    }
    for status in statuses {
        expect(&mut client, status, row, no_body)?;
    }
    if !row.goes_on {
        return client.ends();
    }
    client.send(PROBE)?;
    let probed = client.answer(false)?;
    if probed.status != 200 { Err(format!("then out of step: {probed:?}")) } else { Ok(()) }
}

fn expect(client: &mut Client, status: u16, row: &Row, no_body: bool) -> Result<(), String> {
    let answer = client.answer(no_body)?;
    if answer.status != status {
        return Err(format!("{} in place of {status}: {answer:?}", answer.status));
    }
    let has = |line: &str| answer.head.lines().any(|found| found == line);
    if status == 100 {
        return Ok(());
    }
    if !answer.head.contains("\r\nx-request-id: ") || !answer.head.contains("\r\ndate: ") {
        return Err(format!("without its headers: {answer:?}"));
    }
    if status >= 400 && !no_body {
        let json =
            has("content-type: application/json") && answer.body.starts_with("{\"message\":");
        // The download host answers in plain text.
        if !json && !answer.head.contains("content-type: text/plain") || answer.body.is_empty() {
            return Err(format!("not in our form: {answer:?}"));
        }
    }
    let refusal = judged(&row.stream(), usize::MAX).1.filter(|_| row.reason.is_some());
    let Some(refusal) = refusal.filter(|refusal| refusal.status() == status) else {
        return Ok(());
    };
    let whole = format!("{{\"message\":\"{}\"}}", refusal.message());
    if !has("connection: close") || answer.body != if no_body { "" } else { &whole } {
        return Err(format!("not closing, or not {whole}: {answer:?}"));
    }
    Ok(())
}

#[test]
fn every_raw_request_of_the_corpus_is_answered_as_the_table_says() {
    let operator = free_address();
    let (mut program, words) = prepared(operator, &[]);
    let rows = rows();
    let mut wrong = Vec::new();
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for row in &rows {
        let stream = row.stream();
        // Long ones in pieces of two bytes take long, and show nothing new.
        let pieces = [usize::MAX, if stream.len() < 2000 { 2 } else { 1000 }];
        for piece in pieces {
            if let Err(problem) = play(row, &words, program.address, piece) {
                wrong.push(format!("line {} ({}) by {piece}: {problem}", row.line, row.name));
            }
            if let Some(reason) = &row.reason {
                *reasons.entry(reason.clone()).or_default() += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    let mut client = Client::of(operator);
    client.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let metrics = client.answer(false).unwrap().body;
    for (reason, count) in &reasons {
        let line = format!("packhouse_messages_refused_total{{reason=\"{reason}\"}} {count}");
        assert!(metrics.contains(&line), "no {line} in {metrics}");
    }
    program.signal("TERM");
    program.ends();
    let log = std::fs::read_to_string(program.data.path().join("log")).unwrap();
    for (reason, count) in reasons.iter().filter(|(reason, _)| !of_body(reason)) {
        let of_it = |line: &&str| {
            line.contains("packhouse::access")
                && line.contains(&format!("\"refused\":\"{reason}\""))
        };
        let lines: Vec<&str> = log.lines().filter(of_it).collect();
        assert_eq!(lines.len() as u64, *count, "{reason}: {lines:?}");
    }
    assert!(!log.contains("canary"), "a request that was hidden in another was run");
    assert!(!log.contains("the parser refused"), "the parser saw what should be refused before it");
}

/// Refused while the request runs, whose line in the log has its status.
fn of_body(reason: &str) -> bool {
    reason.starts_with("chunk") || reason == "trailers"
}

#[test]
fn a_stream_is_judged_the_same_however_it_is_cut() {
    for row in rows() {
        let stream = row.stream();
        let whole = judged(&stream, usize::MAX);
        // That a stream ends too early is not known from its bytes.
        let reason = row.reason.clone().filter(|reason| reason != "truncated");
        if reason.is_some() {
            assert_eq!(whole.1.map(|refusal| refusal.reason().to_owned()), reason, "{}", row.name);
        }
        for piece in (1..40).filter(|piece| stream.len() / piece < 5000) {
            assert_eq!(judged(&stream, piece), whole, "{} by {piece}", row.name);
        }
    }
}

/// What lingers after a refusal must not outlast the client by much.
#[test]
fn a_refused_client_that_stays_is_let_go() {
    let (program, _) = prepared(free_address(), &[]);
    let mut client = Client::of(program.address);
    client.send(b"GET / HTTP/1.1\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.answer(false).unwrap().status, 400);
    client.ends().unwrap();
    let begun = Instant::now();
    while client.stream.write_all(b"x").is_ok() {
        assert!(begun.elapsed() < PATIENCE, "the connection stays");
        std::thread::sleep(Duration::from_millis(100));
    }
}
