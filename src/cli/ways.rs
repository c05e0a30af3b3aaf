//! Where requests go: the network, or the twin in this process.

use std::sync::Arc;

use secrecy::SecretString;

use crate::{
    clock::SystemClock,
    domain::{
        connection::{HaloConnection, MicrosoftConnection},
        failure::{Failure, FailureKind, Side},
    },
    engine::Transports,
    halo_itsm::Halo,
    outbound::{Transport, budget::Budget, network::Network},
    telemetry,
};

/// The network, one client for those that may reach test hosts and one for the others.
#[derive(Default)]
pub struct OverNetwork;

impl OverNetwork {
    /// A way out under a connection's `allow_insecure`.
    ///
    /// # Errors
    /// One sentence.
    pub fn way(allow_insecure: bool) -> Result<Arc<dyn Transport>, String> {
        match Network::new(allow_insecure) {
            Ok(network) => Ok(Arc::new(network)),
            Err(error) => Err(telemetry::chain(&error)),
        }
    }
}

impl Transports for OverNetwork {
    fn microsoft(&self, connection: &MicrosoftConnection) -> Result<Arc<dyn Transport>, String> {
        Self::way(connection.allow_insecure)
    }

    fn halo(&self, connection: &HaloConnection) -> Result<Arc<dyn Transport>, String> {
        Self::way(connection.allow_insecure)
    }
}

/// A Halo instance over the network, with a budget and a token of its own.
///
/// # Errors
/// There is no way out.
pub fn halo(connection: HaloConnection, secret: SecretString) -> Result<Halo, Failure> {
    let way = OverNetwork::way(connection.allow_insecure);
    let way = way.map_err(|why| Failure::new(Side::Halo, FailureKind::Transient, why))?;
    let budget = Budget::halo(connection.requests_per_5min);
    Ok(Halo::new(connection, secret, way, Arc::new(SystemClock), budget))
}

/// One way for everything: the twin in this process.
pub struct Always(pub Arc<dyn Transport>);

impl Transports for Always {
    fn microsoft(&self, _: &MicrosoftConnection) -> Result<Arc<dyn Transport>, String> {
        Ok(Arc::clone(&self.0))
    }

    fn halo(&self, _: &HaloConnection) -> Result<Arc<dyn Transport>, String> {
        Ok(Arc::clone(&self.0))
    }
}
