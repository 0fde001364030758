//! What is sent.

use bytes::Bytes;
use packhouse_core::outbound::{Outbound, OutboundMethod, OutboundRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::support::{AMPLE, Listener, assert_refused, client, get, read_head};

/// A listener that answers 200 and tells what it was sent: the head and a body of a known length.
async fn telling(body: usize) -> (Listener, mpsc::UnboundedReceiver<String>) {
    let (told, heard) = mpsc::unbounded_channel();
    let listener = Listener::start(move |mut stream| {
        let told = told.clone();
        async move {
            let mut request = read_head(&mut stream).await;
            let mut content = vec![0; body];
            stream.read_exact(&mut content).await.unwrap();
            request.push_str(&String::from_utf8(content).unwrap());
            told.send(request).unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    })
    .await;
    (listener, heard)
}

#[tokio::test]
async fn a_post_has_its_json_its_headers_and_nothing_that_tells_more() {
    let json = r#"{"event":"published"}"#;
    let (listener, mut heard) = telling(json.len()).await;
    let request = OutboundRequest {
        method: OutboundMethod::Post,
        url: listener.url("/a%20b/c?x=1&y=%2F#part"),
        headers: vec![("X-Bintray-Hook-Hmac", "abc=".to_owned())],
        json: Some(Bytes::from(json)),
        deadline: AMPLE,
    };
    assert_eq!(client().call(&request).await.unwrap().status, 204);
    let heard = heard.recv().await.unwrap();
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, json);
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /a%20b/c?x=1&y=%2F HTTP/1.1");
    lines.sort_unstable();
    let expected = [
        "connection: close",
        "content-length: 21",
        "content-type: application/json",
        &format!("host: {}", listener.address),
        "user-agent: Packhouse",
        "x-bintray-hook-hmac: abc=",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_request_without_a_body_has_no_media_type() {
    for (method, line) in [
        (OutboundMethod::Get, "GET / HTTP/1.1"),
        (OutboundMethod::Head, "HEAD / HTTP/1.1"),
        (OutboundMethod::Put, "PUT / HTTP/1.1"),
    ] {
        let (listener, mut heard) = telling(0).await;
        let request = OutboundRequest { method, ..get(listener.url(""), AMPLE) };
        assert_eq!(client().call(&request).await.unwrap().status, 204);
        let heard = heard.recv().await.unwrap();
        assert!(heard.starts_with(line), "{heard}");
        assert!(!heard.contains("content-type"), "{heard}");
    }
}

#[tokio::test]
async fn a_header_cannot_end_its_line_or_frame_the_request() {
    let (listener, _heard) = telling(0).await;
    for (name, value) in [
        ("x-id", "a\r\nx-evil: 1"),
        ("x-id", "a\nb"),
        ("x-id", "a\0b"),
        ("x id", "a"),
        ("x-id:", "a"),
        ("Host", "internal"),
        ("Content-Length", "0"),
        ("transfer-encoding", "chunked"),
        ("connection", "keep-alive"),
    ] {
        let headers = vec![(name, value.to_owned())];
        let request = OutboundRequest { headers, ..get(listener.url("/"), AMPLE) };
        assert_refused(&client().call(&request).await.unwrap_err());
    }
    assert_eq!(listener.connected(), 0);
}

#[tokio::test]
async fn every_call_has_a_connection_of_its_own() {
    let (listener, _heard) = telling(0).await;
    let outbound = client();
    for _ in 0..3 {
        outbound.call(&get(listener.url("/"), AMPLE)).await.unwrap();
    }
    assert_eq!(listener.connected(), 3);
}
