//! Where requests go: the network, or the twin in this process.

use std::sync::Arc;

use crate::{
    domain::connection::{HaloConnection, MicrosoftConnection},
    engine::Transports,
    outbound::{Transport, network::Network},
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
