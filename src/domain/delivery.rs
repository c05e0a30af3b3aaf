//! Webhooks received: durable before they are acknowledged, and never more than a hint.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{ClientId, ConnectionId, DeliveryId, WorkspaceId};

/// Who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DeliverySource {
    /// A Logic App, for a workspace.
    Sentinel {
        /// Which workspace.
        workspace: WorkspaceId,
        /// Whose it is.
        client: ClientId,
    },
    /// A Halo instance.
    Halo {
        /// Which connection.
        connection: ConnectionId,
    },
}

/// One webhook received. The body is kept whatever it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Ours.
    pub id: DeliveryId,
    /// Who sent it.
    pub source: DeliverySource,
    /// When it came.
    pub received: Timestamp,
    /// The raw bytes (at most 2 MiB).
    #[serde(skip)]
    pub body: Vec<u8>,
    /// When the engine took it up.
    pub handled: Option<Timestamp>,
}
