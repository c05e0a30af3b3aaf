//! Customers of the MSP.

use serde::{Deserialize, Serialize};

use super::ids::{ClientId, ConnectionId};

/// One customer. Every row with customer data carries its id; nothing of one client may reach another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Ours.
    pub id: ClientId,
    /// Natural key of the applied file, unique.
    pub name: String,
    /// IANA zone of the customer's day, e.g. `Europe/Berlin`.
    pub time_zone: String,
    /// Its place in Halo. Without one, its incidents wait and say so.
    pub halo: Option<HaloBinding>,
}

/// Where a client's tickets go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaloBinding {
    /// The Halo instance.
    pub connection: ConnectionId,
    /// Halo's client id there; unique per connection.
    pub halo_client_id: i64,
    /// Site, when fixed; otherwise Halo chooses the client's main site.
    pub site_id: Option<i64>,
    /// Team that gets this client's tickets, by name; overrides the policy's.
    pub team: Option<String>,
}
