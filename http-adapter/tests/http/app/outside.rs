//! The world outside, as an installation calls it: what it was sent, and what it answers.

use std::sync::{Arc, Mutex};

use packhouse_core::outbound::{
    Outbound, OutboundAnswer, OutboundError, OutboundErrorKind, OutboundRequest,
};

/// Takes every call, and answers as a test says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outside(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    status: Option<u16>,
    calls: Vec<OutboundRequest>,
}

impl Outside {
    /// Answers with a status from now on; with `None`, as at first, nobody is there.
    pub(crate) fn answers(&self, status: Option<u16>) {
        self.0.lock().unwrap().status = status;
    }

    /// What was called since the last time this was asked.
    pub(crate) fn taken(&self) -> Vec<OutboundRequest> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }
}

#[async_trait::async_trait]
impl Outbound for Outside {
    async fn call(&self, request: &OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        let mut state = self.0.lock().unwrap();
        state.calls.push(request.clone());
        let nobody = || OutboundError {
            kind: OutboundErrorKind::Unreachable,
            reason: "nobody is there".to_owned(),
        };
        state.status.map(|status| OutboundAnswer { status }).ok_or_else(nobody)
    }

    fn check(&self, url: &str) -> Result<(), OutboundError> {
        let refused = |reason: &str| {
            let kind = OutboundErrorKind::Refused;
            Err(OutboundError { kind, reason: format!("{url} {reason}") })
        };
        match url {
            _ if url.contains("://10.") => refused("is not public"),
            _ if url.contains('@') => refused("has a user"),
            _ => Ok(()),
        }
    }
}
