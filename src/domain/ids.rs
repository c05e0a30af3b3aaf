//! Ids as types, so that a ticket can't be asked for by an incident's id.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

uuid_id! {
    /// A customer of the MSP (ours, UUIDv7; its Halo binding is optional).
    ClientId,
    /// A way to an outside system: a Microsoft tenant sign-in or a Halo instance.
    ConnectionId,
    /// A Sentinel workspace.
    WorkspaceId,
    /// A mapping of what may cross and how.
    PolicyId,
    /// A linked incident and ticket.
    PairId,
    /// One planned write.
    OperationId,
    /// One poll, reconcile or backfill.
    RunId,
    /// One webhook received.
    DeliveryId,
    /// A person with an account on this console.
    UserId,
    /// An errand at pairs.
    ErrandId,
    /// A saved view.
    ViewId,
}

/// A Sentinel incident's GUID (its resource `name`), lower-cased: ids are compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(String);

impl IncidentId {
    /// Lower-cases and keeps the text.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_ascii_lowercase())
    }

    /// The lower-case text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the incident that a Halo ticket is pushed as. Built from outside identities alone (Halo tenant as
    /// fixed at connection, ticket), so that a repeat writes the same incident again instead of a new one.
    pub fn pushed(halo_tenant: &str, ticket: TicketId) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("halo-ticket/{halo_tenant}/{ticket}").as_bytes()).to_string())
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Halo ticket's number, unique within one Halo instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketId(pub i64);

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A Halo action: its `id` is unique within its ticket only (halo-api sheet 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ActionKey {
    /// The ticket it belongs to.
    pub ticket: TicketId,
    /// Its number within the ticket.
    pub action: i64,
}

/// A Sentinel comment's GUID (its resource `name`), lower-cased.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommentId(String);

impl CommentId {
    /// Lower-cases and keeps the text.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_ascii_lowercase())
    }

    /// The lower-case text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the comment that carries part `part` of Halo action `key` in its edit number `edit`.
    ///
    /// Built from outside identities alone (Halo tenant as fixed at connection, ticket, action, edit,
    /// part), so that a repeat, a restore or a second instance writes the same comment again instead of a new one.
    pub fn derived(halo_tenant: &str, key: ActionKey, edit: u32, part: u32) -> Self {
        Self::named(&format!("halo-action/{halo_tenant}/{}/{}/{edit}/{part}", key.ticket, key.action))
    }

    /// Whether it may be one that we derive: those are of version 5, and portals give random ones.
    pub fn is_derived(&self) -> bool {
        Uuid::parse_str(&self.0).is_ok_and(|id| id.get_version_num() == 5)
    }

    /// The id derived from a name that is built from outside identities alone.
    pub(super) fn named(name: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string())
    }
}

impl fmt::Display for CommentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Namespace of every UUID v5 this product derives. Never change it: old ids would no longer be found.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_2b1e_5a58_4c9e_9d3b_7a1f_4be0_11d7);

impl WorkspaceId {
    /// The id of a workspace that is new here. Built from its ARM id (letter case does not count), so that one that was
    /// taken out and is set up again has its links again, and no second tickets.
    pub fn of(arm_id: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("workspace/{}", arm_id.to_ascii_lowercase()).as_bytes()))
    }
}

impl ConnectionId {
    /// The id of a Halo instance that is new here, from its address and tenant, for the same reason as
    /// [`WorkspaceId::of`].
    pub fn of_halo(resource_server: &str, tenant: &str) -> Self {
        let name = format!("halo/{}/{}", resource_server.to_ascii_lowercase(), tenant.to_ascii_lowercase());
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }
}

/// A short fingerprint of words, to tell whether they changed.
pub fn fingerprint(words: &str) -> String {
    let hex = Uuid::new_v5(&NAMESPACE, words.as_bytes()).simple().to_string();
    hex.get(..16).unwrap_or(&hex).to_owned()
}

/// Length of a reference in characters.
pub const REFERENCE_LENGTH: usize = 13;

/// The short visible reference that every ticket and note we create carries: `HB-` and ten hexadecimal digits.
///
/// Built from outside identities alone. It is evidence for unknown outcomes and after a restore,
/// never the only guard against an echo.
pub fn reference(parts: &[&str]) -> String {
    let name = parts.join("/");
    let id = Uuid::new_v5(&NAMESPACE, name.as_bytes());
    let hex = id.simple().to_string();
    format!("HB-{}", hex.get(..10).unwrap_or(&hex).to_ascii_uppercase())
}
