//! Names: what they lead to is judged when it is connected to, and only then.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use packhouse_core::outbound::Outbound;
use packhouse_outbound::Resolve;

use crate::support::{
    AMPLE, Answers, Listener, SHORT, assert_refused, assert_timed_out, assert_unreachable, client,
    client_to, get, soon, strict,
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

fn named(listener: &Listener) -> String {
    format!("http://receiver.example:{}/", listener.address.port())
}

#[tokio::test]
async fn a_name_of_an_address_that_is_not_public_is_refused_without_saying_which() {
    let witness = Listener::answering(OK).await;
    for address in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "100.100.100.200",
        "fd00:ec2::254",
        "fe80::1",
        "0.0.0.0",
        "::",
        "64:ff9b::a00:1",
    ] {
        let outbound = strict().resolving_with(Answers::of(&[&[address]]));
        let error = outbound.call(&get(named(&witness), AMPLE)).await.unwrap_err();
        assert_refused(&error);
        assert!(!error.reason.contains(address), "{error}");
    }
    assert_eq!(witness.connected(), 0);
}

#[tokio::test]
async fn an_address_that_may_not_be_called_is_not_tried_after_one_that_may() {
    let witness = Listener::answering(OK).await;
    // Nothing listens on the first, so that a client that tries all would come to the second.
    let answers = Answers::of(&[&["127.0.0.3", "127.0.0.1", "::ffff:127.0.0.1"]]);
    let outbound = client_to(&["127.0.0.3"]).resolving_with(answers);
    let error = outbound.call(&get(named(&witness), AMPLE)).await.unwrap_err();
    assert_unreachable(&error, "connection");
    assert_eq!(witness.connected(), 0);
}

#[tokio::test]
async fn a_name_that_changes_between_check_and_connection_is_called_at_what_was_checked() {
    let listener = Listener::answering(OK).await;
    let answers = Answers::of(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let outbound = client().resolving_with(answers.clone());
    let answer = outbound.call(&get(named(&listener), AMPLE)).await.unwrap();
    assert_eq!((answer.status, answers.lookups()), (200, 1));

    let error = outbound.call(&get(named(&listener), AMPLE)).await.unwrap_err();
    assert_refused(&error);
    assert_eq!((listener.connected(), answers.lookups()), (1, 2));
}

#[tokio::test]
async fn the_next_address_is_tried_where_one_does_not_take_the_connection() {
    let listener = Listener::answering(OK).await;
    let answers = Answers::of(&[&["10.0.0.1", "127.0.0.3", "::ffff:127.0.0.1"]]);
    let outbound = client_to(&["127.0.0.0/8"]).resolving_with(answers);
    assert_eq!(outbound.call(&get(named(&listener), AMPLE)).await.unwrap().status, 200);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_address_that_is_silent_does_not_take_all_the_time() {
    // Listens at the same port as the silent one, and at another address.
    let silent = crate::support::Full::start().await;
    let other = (std::net::Ipv4Addr::new(127, 0, 0, 2), silent.address.port());
    let listener = tokio::net::TcpListener::bind(other).await.unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        crate::support::read_head(&mut stream).await;
        tokio::io::AsyncWriteExt::write_all(&mut stream, OK.as_bytes()).await.unwrap();
    });
    let answers = Answers::of(&[&["127.0.0.1", "127.0.0.2"]]);
    let outbound = client_to(&["127.0.0.0/8"]).resolving_with(answers);
    let url = format!("http://receiver.example:{}/", silent.address.port());
    assert_eq!(outbound.call(&get(url, 4 * SHORT)).await.unwrap().status, 200);
}

#[tokio::test]
async fn the_systems_resolver_finds_names_and_what_it_finds_is_judged() {
    let listener = Listener::answering(OK).await;
    let url = format!("http://localhost:{}/", listener.address.port());
    assert_refused(&strict().call(&get(&url, AMPLE)).await.unwrap_err());
    assert_eq!(listener.connected(), 0);
    assert_eq!(client().call(&get(&url, AMPLE)).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_name_without_an_address_is_unreachable() {
    for answers in [Answers::of(&[]), Answers::of(&[&[]])] {
        let outbound = strict().resolving_with(answers);
        let error = outbound.call(&get("http://receiver.example/", AMPLE)).await.unwrap_err();
        assert_unreachable(&error, "receiver.example has no address");
    }
}

#[derive(Debug)]
struct Silent;

#[async_trait]
impl Resolve for Silent {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_lookup_has_the_calls_deadline() {
    let outbound = strict().resolving_with(Arc::new(Silent));
    let error = soon(outbound.call(&get("http://receiver.example/", SHORT))).await.unwrap_err();
    assert_timed_out(&error, "looking up");
}
