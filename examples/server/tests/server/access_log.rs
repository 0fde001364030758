//! The lines of the log that tell of requests.

use std::io::{Read, Write};

use crate::program::{Program, by_shell, start};

/// Started with a log in JSON.
fn started() -> Program {
    let data = tempfile::tempdir().unwrap();
    let line = "exec \"$0\" --data \"$1\" --listen 127.0.0.1:0 --log-format json";
    start(by_shell(line, data.path()), data)
}

/// Ends it, and gives all that it logged.
fn logged(mut program: Program) -> String {
    program.signal("TERM");
    program.ends();
    let mut said = String::new();
    program.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    said
}

#[test]
fn the_log_has_requests_and_no_secrets() {
    let program = started();
    let mut stream = program.connect();
    stream
        .write_all(
            b"GET /seen?signature=UNSEEN HTTP/1.1\r\nhost: x\r\nauthorization: Basic UNSEEN\r\n\
              x-gpg-passphrase: UNSEEN\r\nconnection: close\r\n\r\n",
        )
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let said = logged(program);
    assert!(!said.contains("UNSEEN"), "{said}");
    let request = said.lines().find(|line| line.contains("packhouse::access")).expect(&said);
    assert!(request.starts_with('{') && request.ends_with('}'), "{request}");
    assert!(request.contains("\"path\":\"/seen\""), "{request}");
    let answer = answer.to_lowercase();
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
    assert!(request.contains(id), "{request}");
}

/// What a proxy or a guard in front counts: T059.
#[test]
fn each_attempt_with_wrong_credentials_has_one_line_with_its_peer_and_its_status() {
    let program = started();
    let mut peers = Vec::new();
    // A wrong key of a user, a wrong password of an access key, nobody's name, and nonsense.
    for credentials in ["YWRtaW46d3Jvbmc=", "a2V5QGFkbWluOndyb25n", "bm9ib2R5Ondyb25n", "UNSEEN"] {
        let mut stream = program.connect();
        peers.push(stream.local_addr().unwrap().to_string());
        let request = format!(
            "GET /attempt/tools/f HTTP/1.1\r\nhost: x\r\nauthorization: Basic {credentials}\r\nconnection: \
             close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    let said = logged(program);
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("/attempt")).collect();
    assert_eq!(lines.len(), peers.len(), "{said}");
    for peer in peers {
        let peer = format!("\"peer\":\"{peer}\"");
        let of_it: Vec<&&str> = lines.iter().filter(|line| line.contains(&peer)).collect();
        assert!(of_it.len() == 1 && of_it[0].contains("\"status\":401"), "{peer}: {said}");
    }
    assert!(!said.contains("wrong") && !said.contains("UNSEEN"), "{said}");
}
