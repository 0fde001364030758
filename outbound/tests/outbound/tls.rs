//! TLS: only a certificate that leads to a trusted root, of this name, today.

use std::sync::Arc;

use packhouse_core::outbound::Outbound;
use packhouse_outbound::HttpOutbound;
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::support::{
    AMPLE, Answers, Listener, SHORT, assert_refused, assert_timed_out, assert_unreachable, client,
    get, soon, strict,
};

/// A self-signed certificate with its key.
struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

fn identity(name: &str, years: std::ops::Range<i32>) -> Identity {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(years.start, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.end, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    Identity { certificate, key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
}

/// Answers over TLS.
async fn listener(identity: &Identity) -> Listener {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Listener::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut request = vec![0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

fn resolving() -> HttpOutbound {
    client().resolving_with(Answers::of(&[&["127.0.0.1"]]))
}

fn url(name: &str, listener: &Listener) -> String {
    format!("https://{name}:{}/", listener.address.port())
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused() {
    let identity = identity("receiver.example", 2020..2120);
    let listener = listener(&identity).await;
    let error = resolving().call(&get(url("receiver.example", &listener), AMPLE)).await;
    assert_unreachable(&error.unwrap_err(), "issuer that is not trusted");
    assert_eq!(listener.connected(), 1);
}

#[tokio::test]
async fn a_certificate_of_a_trusted_root_is_taken_for_its_name_alone() {
    let identity = identity("receiver.example", 2020..2120);
    let listener = listener(&identity).await;
    let trusting = || resolving().trusting(&identity.certificate).unwrap();
    let answer = trusting().call(&get(url("receiver.example", &listener), AMPLE)).await;
    assert_eq!(answer.unwrap().status, 204);
    for other in ["other.example", "127.0.0.1"] {
        let error = trusting().call(&get(url(other, &listener), AMPLE)).await.unwrap_err();
        assert_unreachable(&error, "of another name");
        assert!(!error.reason.contains("receiver"), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_that_has_run_out_is_refused() {
    for (years, reason) in [(2000..2020, "no longer valid"), (2110..2120, "not valid yet")] {
        let identity = identity("receiver.example", years);
        let listener = listener(&identity).await;
        let trusting = resolving().trusting(&identity.certificate).unwrap();
        let error = trusting.call(&get(url("receiver.example", &listener), AMPLE)).await;
        assert_unreachable(&error.unwrap_err(), reason);
    }
}

#[tokio::test]
async fn what_does_not_speak_tls_is_unreachable_and_a_silent_one_is_left_at_the_deadline() {
    let plain = Listener::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 SECRET\r\n\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let error = client().call(&get(url("127.0.0.1", &plain), AMPLE)).await.unwrap_err();
    assert_unreachable(&error, "TLS cannot be agreed on");
    assert!(!error.reason.contains("SECRET"), "{error}");

    let closing = Listener::start(|stream| async move { drop(stream) }).await;
    let error = client().call(&get(url("127.0.0.1", &closing), AMPLE)).await.unwrap_err();
    assert_unreachable(&error, "before TLS");

    let silent = Listener::start(|stream| async move {
        tokio::time::sleep(AMPLE).await;
        drop(stream);
    })
    .await;
    let error = soon(client().call(&get(url("127.0.0.1", &silent), SHORT))).await.unwrap_err();
    assert_timed_out(&error, "agreeing on TLS");
}

#[tokio::test]
async fn https_to_a_local_address_is_refused_as_well() {
    let identity = identity("receiver.example", 2020..2120);
    let listener = listener(&identity).await;
    let error = strict().call(&get(url("127.0.0.1", &listener), AMPLE)).await.unwrap_err();
    assert_refused(&error);
    assert_eq!(listener.connected(), 0);
}

#[test]
fn bytes_that_are_no_certificate_are_no_root() {
    assert!(client().trusting(b"no certificate").is_err());
}
