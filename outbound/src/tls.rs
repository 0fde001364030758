//! TLS over a connection, with certificates that lead to a bundled root.

use std::sync::Arc;

use packhouse_core::outbound::OutboundError;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::errors::{no_tls, refused};
use crate::target::TargetHost;

/// A certificate that cannot be a root.
#[derive(Clone, Debug, Error)]
#[error("this is no certificate to trust: {0}")]
pub struct BadCertificate(String);

#[derive(Clone)]
pub(crate) struct Tls {
    roots: RootCertStore,
    connector: TlsConnector,
}

impl Tls {
    pub(crate) fn new() -> Self {
        Self::with(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    fn with(roots: RootCertStore) -> Self {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has the suites of the default versions")
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { roots, connector: TlsConnector::from(Arc::new(config)) }
    }

    pub(crate) fn trusting(&self, der: &[u8]) -> Result<Self, BadCertificate> {
        let mut roots = self.roots.clone();
        roots.add(CertificateDer::from(der)).map_err(|error| BadCertificate(error.to_string()))?;
        Ok(Self::with(roots))
    }

    pub(crate) async fn agree(
        &self,
        host: &TargetHost,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, OutboundError> {
        let name = match host {
            TargetHost::Name(name) => ServerName::try_from(name.clone())
                .map_err(|_| refused(format!("no certificate can be of {name}")))?,
            TargetHost::Address(address) => ServerName::from(*address),
        };
        self.connector.connect(name, stream).await.map_err(|error| no_tls(&error))
    }
}
