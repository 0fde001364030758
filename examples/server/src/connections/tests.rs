//! Phases and deadlines by a clock that the tests set.

use super::*;

fn limits() -> Limits {
    Limits {
        first_byte_deadline: Duration::from_secs(15),
        header_deadline: Duration::from_secs(30),
        keep_alive_deadline: Duration::from_secs(75),
        write_stall_deadline: Duration::from_secs(20),
        answer_grace: Duration::from_secs(30),
        ..Limits::default()
    }
}

/// Looks as the connection's watch does, until a deadline passes.
async fn passed(progress: &Progress) -> (&'static str, u64) {
    loop {
        match progress.look(&limits()) {
            Ok(again) => tokio::time::sleep_until(again).await,
            Err(name) => return (name, progress.accepted.elapsed().as_secs()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_phase_has_its_deadline_to_the_second() {
    let progress = Progress::new(1024);
    assert_eq!(passed(&progress).await, ("first byte", 15));

    let progress = Progress::new(1024);
    tokio::time::sleep(Duration::from_secs(14)).await;
    progress.bytes_came();
    tokio::time::sleep(Duration::from_secs(29)).await;
    progress.bytes_came();
    assert_eq!(passed(&progress).await, ("header", 44));

    progress.request_begins();
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert!(progress.look(&limits()).is_ok());
    progress.request_ends();
    assert_eq!(passed(&progress).await, ("keep-alive", 1044 + 75));
}

#[tokio::test(start_paused = true)]
async fn a_phase_that_begins_between_two_looks_is_not_noticed_late() {
    let progress = Progress::new(1024);
    progress.bytes_came();
    progress.request_begins();
    progress.request_ends();
    // The next look was set for the keep-alive; a head that begins now ends sooner than that.
    let again = progress.look(&limits()).unwrap();
    progress.bytes_came();
    assert!(again <= Instant::now() + limits().header_deadline);
    assert_eq!(passed(&progress).await, ("header", 30));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_waits_has_a_deadline_and_one_that_moves_has_none() {
    let progress = Progress::new(1024);
    progress.request_begins();
    for _ in 0..10 {
        progress.write_waits();
        tokio::time::sleep(Duration::from_secs(19)).await;
        progress.write_waits();
        assert!(progress.look(&limits()).is_ok());
        progress.written(20 << 10);
    }
    progress.write_waits();
    assert_eq!(passed(&progress).await, ("write stall", 190 + 20));
}

#[tokio::test(start_paused = true)]
async fn a_reader_below_the_least_rate_uses_up_its_grace_whatever_it_took_before() {
    let progress = Progress::new(1024);
    progress.request_begins();
    progress.written(1 << 30);
    // Ten seconds for five: five of the grace of thirty are gone with each.
    for _ in 0..4 {
        progress.write_waits();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(progress.look(&limits()).is_ok());
        progress.written(5 << 10);
    }
    // The next request on the connection does not begin anew.
    progress.request_ends();
    progress.request_begins();
    progress.write_waits();
    assert_eq!(passed(&progress).await, ("write rate", 40 + 10));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_pays_gets_its_grace_back_and_without_a_rate_there_is_none() {
    let progress = Progress::new(1024);
    let free = Progress::new(0);
    for _ in 0..4 {
        for progress in [&progress, &free] {
            progress.request_begins();
            progress.write_waits();
        }
        tokio::time::sleep(Duration::from_secs(15)).await;
        progress.written(1);
        progress.written(15 << 10);
        free.written(1);
    }
    progress.write_waits();
    free.write_waits();
    assert_eq!(passed(&progress).await, ("write stall", 60 + 20));
    assert_eq!(passed(&free).await, ("write stall", 60 + 20));
}

#[tokio::test(start_paused = true)]
async fn a_full_house_asks_the_longest_waiting_to_make_room_and_never_a_busy_one() {
    let connections = Connections::new(&Limits { max_connections: 3, ..limits() });
    let busy = connections.admit().await;
    busy.progress.request_begins();
    let first = connections.admit().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = connections.admit().await;
    assert_eq!(connections.count(), 3);

    let leaving = tokio::spawn(async move {
        assert_eq!(first.progress.told().await, Order::MakeRoom);
        drop(first);
    });
    let third = connections.admit().await;
    leaving.await.unwrap();
    assert_eq!(second.progress.order.load(Ordering::Relaxed), Order::None as u8);
    assert_eq!(busy.progress.order.load(Ordering::Relaxed), Order::None as u8);

    drop((busy, second, third));
    connections.all_gone().await;
    assert_eq!(connections.count(), 0);
}
