//! The client: a call from its URL to the status of its answer.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use packhouse_core::outbound::{Outbound, OutboundAnswer, OutboundError, OutboundRequest};
use tokio::time::{Instant, timeout_at};

use crate::connect::{connect, judge, permitted};
use crate::errors::timed_out;
use crate::exchange::{exchange, prepare};
use crate::networks::AllowedNetworks;
use crate::places::{CallLimits, Places};
use crate::resolver::{Resolve, SystemResolver};
use crate::target::{Target, TargetHost};
use crate::tls::{BadCertificate, Tls};

/// Calls public addresses over HTTP/1.1, and those that the operator allows.
pub struct HttpOutbound {
    allowed: AllowedNetworks,
    places: Places,
    resolver: Arc<dyn Resolve>,
    tls: Tls,
}

impl fmt::Debug for HttpOutbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOutbound")
            .field("allowed", &self.allowed)
            .field("places", &self.places)
            .field("resolver", &self.resolver)
            .finish_non_exhaustive()
    }
}

impl HttpOutbound {
    /// A client that looks names up as the operating system does.
    #[must_use]
    pub fn new(allowed: AllowedNetworks, limits: CallLimits) -> Self {
        Self {
            allowed,
            places: Places::new(limits),
            resolver: Arc::new(SystemResolver::new(limits.in_all)),
            tls: Tls::new(),
        }
    }

    /// The client with another way to look names up. What it finds is judged as before.
    #[must_use]
    pub fn resolving_with(self, resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, ..self }
    }

    /// The client with one more root, as DER: receivers whose certificates are of an authority of
    /// one's own.
    ///
    /// # Errors
    ///
    /// [`BadCertificate`] for bytes that are none.
    pub fn trusting(self, der: &[u8]) -> Result<Self, BadCertificate> {
        Ok(Self { tls: self.tls.trusting(der)?, ..self })
    }
}

/// Every wait of a call is one of these.
async fn by<T>(
    deadline: Instant,
    doing: &str,
    work: impl Future<Output = Result<T, OutboundError>>,
) -> Result<T, OutboundError> {
    timeout_at(deadline, work).await.unwrap_or_else(|_| Err(timed_out(doing)))
}

#[async_trait]
impl Outbound for HttpOutbound {
    async fn call(&self, request: &OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        let deadline = Instant::now() + request.deadline;
        let target = Target::parse(&request.url)?;
        let prepared = prepare(request, &target)?;

        let place = async { Ok(self.places.take(&target.host).await) };
        let _place = by(deadline, "other calls had to end first", place).await?;
        let judging = judge(&target, self.resolver.as_ref(), &self.allowed);
        let addresses = by(deadline, "looking up its name", judging).await?;
        let stream = by(deadline, "connecting", connect(&addresses, deadline)).await?;
        let status = if target.tls {
            let agreeing = self.tls.agree(&target.host, stream);
            let stream = by(deadline, "agreeing on TLS", agreeing).await?;
            let answering = exchange(stream, prepared, deadline);
            by(deadline, "waiting for its answer", answering).await?
        } else {
            by(deadline, "waiting for its answer", exchange(stream, prepared, deadline)).await?
        };
        Ok(OutboundAnswer { status })
    }

    fn check(&self, url: &str) -> Result<(), OutboundError> {
        let target = Target::parse(url)?;
        match &target.host {
            TargetHost::Address(address) => {
                permitted(&target, &[*address], &self.allowed).map(drop)
            }
            TargetHost::Name(_) => Ok(()),
        }
    }
}
