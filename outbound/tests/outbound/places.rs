//! How many calls run at once, and who waits for whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use packhouse_core::outbound::Outbound;
use packhouse_outbound::{AllowedNetworks, CallLimits, HttpOutbound};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::support::{AMPLE, Answers, Listener, SHORT, assert_timed_out, get, read_head, soon};

fn limited(in_all: usize, per_host: usize) -> Arc<HttpOutbound> {
    let allowed = AllowedNetworks::parse(["127.0.0.1"]).unwrap();
    let outbound = HttpOutbound::new(allowed, CallLimits { in_all, per_host });
    Arc::new(outbound.resolving_with(Answers::of(&[&["127.0.0.1"]])))
}

/// A listener that takes a while for each answer and notes how many it served at once.
async fn busy() -> (Listener, Arc<AtomicUsize>) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let noted = Arc::clone(&most);
    let listener = Listener::start(move |mut stream| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        async move {
            read_head(&mut stream).await;
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_millis(50)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    })
    .await;
    (listener, noted)
}

async fn call_all(outbound: &Arc<HttpOutbound>, urls: impl Iterator<Item = String>) {
    let mut calls = JoinSet::new();
    for url in urls {
        let outbound = Arc::clone(outbound);
        calls.spawn(async move { outbound.call(&get(url, AMPLE)).await.unwrap().status });
    }
    assert!(calls.join_all().await.iter().all(|status| *status == 204));
}

#[tokio::test]
async fn one_host_has_so_many_calls_at_once_and_the_others_wait() {
    let (listener, most) = busy().await;
    let urls = (0..12).map(|_| format!("http://slow.example:{}/", listener.address.port()));
    call_all(&limited(100, 2), urls).await;
    assert_eq!((listener.connected(), most.load(Ordering::SeqCst)), (12, 2));
}

#[tokio::test]
async fn all_hosts_together_have_so_many_calls_at_once() {
    let (listener, most) = busy().await;
    let urls = (0..12).map(|host| format!("http://h{host}.example:{}/", listener.address.port()));
    call_all(&limited(3, 2), urls).await;
    assert_eq!((listener.connected(), most.load(Ordering::SeqCst)), (12, 3));
}

#[tokio::test]
async fn waiting_for_a_place_has_the_calls_deadline_and_takes_none_from_other_hosts() {
    let silent = Listener::start(|stream| async move {
        sleep(AMPLE).await;
        drop(stream);
    })
    .await;
    let (other, _) = busy().await;
    let outbound = limited(2, 1);
    let slow = format!("http://slow.example:{}/", silent.address.port());
    let mut calls = JoinSet::new();
    for _ in 0..3 {
        let (outbound, slow) = (Arc::clone(&outbound), slow.clone());
        calls.spawn(async move { outbound.call(&get(slow, 6 * SHORT)).await.unwrap_err() });
    }
    tokio::task::yield_now().await;
    let url = format!("http://other.example:{}/", other.address.port());
    assert_eq!(outbound.call(&get(url, 3 * SHORT)).await.unwrap().status, 204);

    let errors = soon(calls.join_all()).await;
    let waited = errors.iter().filter(|error| error.reason.contains("other calls")).count();
    assert!(waited >= 1, "{errors:?}");
    errors.iter().for_each(|error| assert_timed_out(error, ""));
    // The places are free again.
    let (again, _) = busy().await;
    let urls = (0..4).map(|_| format!("http://slow.example:{}/", again.address.port()));
    call_all(&outbound, urls).await;
}
