//! Taking a connection out again: what ends, what stays on both sides, what is removed here.

use serde::{Deserialize, Serialize};

use super::form::FormView;
use crate::domain::{
    failure::Side,
    ids::{ClientId, ConnectionId, WorkspaceId},
};

/// The page that asks before a connection is taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisconnectView {
    /// Which.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// Microsoft's or Halo's.
    pub side: Side,
    /// Whether a secret or a token of it is sealed here.
    pub sealed: bool,
    /// Workspaces that are read or written through it.
    pub workspaces: Vec<DisconnectRow>,
    /// What was typed.
    pub form: FormView,
}

/// A workspace that ends with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisconnectRow {
    /// Which.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its client.
    pub client: String,
    /// The same.
    pub client_id: ClientId,
    /// Linked incidents.
    pub pairs: u64,
    /// Of these, such that wait for something or for somebody.
    pub waiting: u64,
}
