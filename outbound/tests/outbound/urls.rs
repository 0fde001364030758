//! URLs that are refused, and what unusual ones mean.

use packhouse_core::outbound::Outbound;

use crate::support::{AMPLE, Listener, assert_refused, client, get, strict};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn no_spelling_of_a_local_address_is_called() {
    let witness = Listener::answering(OK).await;
    let port = witness.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7f000001",
        "0X7F.0.0.0X1",
        "2130706433",
        "017700000001",
        "0177.0.0.01",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "\u{2460}27.0.0.1",
        "0.0.0.0",
        "0",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
    ] {
        for url in [
            format!("http://{host}:{port}/"),
            format!("http:\\\\{host}:{port}\\"),
            format!(" http:/{host}:{port}"),
            format!("ht\ttp://{host}:{port}/\n"),
        ] {
            let error = strict().call(&get(&url, AMPLE)).await.unwrap_err();
            assert_refused(&error);
            assert_eq!(strict().check(&url), Err(error));
        }
    }
    // Whether these are names at all is the system's affair.
    for name in ["localhost", "LOCALHOST", "localhost.", "x.localhost", "\u{24db}ocalhost"] {
        let url = format!("http://{name}:{port}/");
        assert!(strict().call(&get(&url, AMPLE)).await.is_err(), "{name}");
        // No name is looked up before there is a call.
        assert_eq!(strict().check(&url), Ok(()), "{name}");
    }
    assert_eq!(witness.connected(), 0);
}

#[tokio::test]
async fn an_unusual_spelling_of_an_allowed_address_is_that_address() {
    let listener = Listener::answering(OK).await;
    let port = listener.address.port();
    for host in ["0x7f.1", "2130706433", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{port}");
        assert_eq!(client().check(&url), Ok(()));
        let answer = client().call(&get(url, AMPLE)).await;
        assert_eq!(answer.unwrap().status, 200, "{host}");
    }
    assert_eq!(listener.connected(), 3);
}

#[tokio::test]
async fn what_is_no_url_to_call_is_refused_with_its_reason() {
    let listener = Listener::answering(OK).await;
    let at = listener.address;
    let long = format!("http://{at}/{}", "x".repeat(8 * 1024));
    for (url, reason) in [
        ("", "no URL"),
        ("/path", "no URL"),
        ("example.org/path", "no URL"),
        ("http://", "no URL"),
        ("http://exa mple.org/", "no URL"),
        ("http://1.2.3.4.5/", "no URL"),
        ("http://0x100.0.0.1/", "no URL"),
        ("http://127.0.0.1:65536/", "no URL"),
        ("http://[fe80::1%25eth0]/", "no URL"),
        ("http://127.0.0.1:0/", "port 0"),
        ("ftp://example.org/", "ftp"),
        ("file:///etc/passwd", "file"),
        ("gopher://127.0.0.1/", "gopher"),
        ("unix:/run/x.sock", "unix"),
        (&format!("http://user@{at}/"), "user or a password"),
        (&format!("http://user:password@{at}/"), "user or a password"),
        (&format!("http://:password@{at}/"), "user or a password"),
        (&long, "longer"),
    ] {
        let error = client().call(&get(url, AMPLE)).await.unwrap_err();
        assert_refused(&error);
        assert!(error.reason.contains(reason), "{url}: {error}");
        assert_eq!(client().check(url), Err(error));
    }
    assert_eq!(listener.connected(), 0);
}
