//! Entries and their chain.
//!
//! Each client has one chain and the installation has one for facts without a client. An entry holds
//! the hash of its body instead of the body, so that bodies can be erased while the chain stays
//! verifiable. [`hash`] documents the canonical encoding.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::fact::Fact;
use crate::domain::{
    ids::{ClientId, PairId},
    time::to_ms,
};

/// Number of an entry, rising over all chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub i64);

impl std::fmt::Display for Seq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// 32 bytes of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first entry of a chain follows.
    pub const NONE: Self = Self([0; 32]);

    /// From stored bytes; `None` when they are not 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        <[u8; 32]>::try_from(bytes).ok().map(Self)
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Which chain an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chain {
    /// Facts without a client.
    Installation,
    /// One client's.
    Client(ClientId),
}

impl Chain {
    /// The chain of this client, or the installation's.
    pub fn of(client: Option<ClientId>) -> Self {
        client.map_or(Self::Installation, Self::Client)
    }

    /// The client, if it is one's.
    pub fn client(self) -> Option<ClientId> {
        match self {
            Self::Installation => None,
            Self::Client(id) => Some(id),
        }
    }

    /// The inverse of `to_string`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "installation" { Some(Self::Installation) } else { text.parse().ok().map(Self::Client) }
    }
}

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Installation => f.write_str("installation"),
            Self::Client(id) => id.fmt(f),
        }
    }
}

/// One entry, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Number over all chains.
    pub seq: Seq,
    /// Its chain.
    pub chain: Chain,
    /// Number within its chain, from 1 without gaps.
    pub chain_seq: i64,
    /// When, in whole milliseconds.
    pub at: Timestamp,
    /// [`Fact::name`].
    pub fact: String,
    /// The pair it concerns.
    pub pair: Option<PairId>,
    /// The fact without its large contents: a JSON object, exactly as stored.
    pub detail: String,
    /// Hash of the body, if the fact has one ([`body_hash`]).
    pub body: Option<Hash>,
    /// Hash of the entry before it in its chain; [`Hash::NONE`] for the first.
    pub prev: Hash,
    /// Its own hash.
    pub hash: Hash,
}

/// Why a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// An entry was changed.
    #[error("entry {seq} of chain {chain} was changed: its hash does not fit its content")]
    Changed {
        /// Which.
        seq: Seq,
        /// Of which chain.
        chain: Chain,
    },
    /// An entry is missing, was inserted or moved.
    #[error("before entry {seq} of chain {chain} an entry is missing or was inserted")]
    Gap {
        /// The entry after the gap.
        seq: Seq,
        /// Of which chain.
        chain: Chain,
    },
    /// The end of the chain is missing.
    #[error("the end of chain {chain} is missing: its head says {expected} entries, {found} are there")]
    Cut {
        /// Which chain.
        chain: Chain,
        /// Entries by the head.
        expected: i64,
        /// Entries found.
        found: i64,
    },
    /// A body was changed.
    #[error("the body of entry {seq} of chain {chain} was changed")]
    Body {
        /// Which.
        seq: Seq,
        /// Of which chain.
        chain: Chain,
    },
}

/// The hash of an entry.
///
/// SHA-256 over these fields, each preceded by its length in bytes as eight big-endian bytes, so that
/// no two different entries have the same encoding: the text `halobridge ledger 1`; the chain's name;
/// `seq`, `chain_seq` and the time in milliseconds as eight big-endian bytes each; the fact's name; the
/// pair's id as text (empty for none); the detail's text; the body's hash (empty for none); the hash before.
pub fn hash(entry: &Entry) -> Hash {
    let mut sum = Sha256::new();
    let mut put = |bytes: &[u8]| {
        sum.update((bytes.len() as u64).to_be_bytes());
        sum.update(bytes);
    };
    put(b"halobridge ledger 1");
    put(entry.chain.to_string().as_bytes());
    put(&entry.seq.0.to_be_bytes());
    put(&entry.chain_seq.to_be_bytes());
    put(&to_ms(entry.at).to_be_bytes());
    put(entry.fact.as_bytes());
    put(entry.pair.map(|pair| pair.to_string()).unwrap_or_default().as_bytes());
    put(entry.detail.as_bytes());
    put(entry.body.as_ref().map_or(&[][..], |hash| &hash.0[..]));
    put(&entry.prev.0);
    Hash(sum.finalize().into())
}

/// The hash a body is kept under. The chain is part of it: two clients never share a body, so erasing
/// one client's bodies cannot take another's.
pub fn body_hash(chain: Chain, body: &str) -> Hash {
    let mut sum = Sha256::new();
    sum.update(b"halobridge body 1\n");
    sum.update(chain.to_string().as_bytes());
    sum.update(b"\n");
    sum.update(body.as_bytes());
    Hash(sum.finalize().into())
}

/// The end of a chain: what the next entry follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Entries so far.
    pub chain_seq: i64,
    /// Hash of the last.
    pub hash: Hash,
}

impl Head {
    /// An empty chain.
    pub const EMPTY: Self = Self { chain_seq: 0, hash: Hash::NONE };
}

/// Makes the entry that follows `head`, and the body to be kept apart.
///
/// # Errors
/// When the fact cannot be written as JSON (a float that is no number).
pub fn chained(
    head: Head,
    seq: Seq,
    chain: Chain,
    at: Timestamp,
    fact: &Fact,
) -> Result<(Entry, Option<String>), serde_json::Error> {
    let (detail, body) = split(fact)?;
    let mut entry = Entry {
        seq,
        chain,
        chain_seq: head.chain_seq + 1,
        at: crate::domain::time::from_ms(to_ms(at)),
        fact: fact.name().to_owned(),
        pair: fact.pair(),
        detail,
        body: body.as_deref().map(|body| body_hash(chain, body)),
        prev: head.hash,
        hash: Hash::NONE,
    };
    entry.hash = hash(&entry);
    Ok((entry, body))
}

/// Checks one entry against the end of the chain before it and gives the new end.
///
/// # Errors
/// Says what does not fit.
pub fn follow(head: Head, entry: &Entry) -> Result<Head, Broken> {
    let (seq, chain) = (entry.seq, entry.chain);
    if entry.chain_seq != head.chain_seq + 1 || entry.prev != head.hash {
        return Err(Broken::Gap { seq, chain });
    }
    if hash(entry) != entry.hash {
        return Err(Broken::Changed { seq, chain });
    }
    Ok(Head { chain_seq: entry.chain_seq, hash: entry.hash })
}

/// The member of a fact that is kept apart as its body.
fn body_member(name: &str) -> Option<&'static str> {
    Some(match name {
        "incident-read" => "incident",
        "unreadable" => "raw",
        "comments-read" => "comments",
        "evidence-read" => "evidence",
        "ticket-read" => "ticket",
        "actions-read" => "actions",
        "operation-planned" => "operation",
        "delivery-received" => "body",
        _ => return None,
    })
}

/// Splits a fact into its detail (a JSON object) and its body (JSON), if it has one.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn split(fact: &Fact) -> Result<(String, Option<String>), serde_json::Error> {
    let json = serde_json::to_string::<Value>;
    let body = match fact {
        Fact::IncidentRead { incident, .. } => Some(serde_json::to_string(incident)?),
        Fact::Unreadable { raw, .. } => Some(serde_json::to_string(raw)?),
        Fact::CommentsRead { comments, .. } => Some(serde_json::to_string(comments)?),
        Fact::EvidenceRead { evidence, .. } => Some(serde_json::to_string(evidence)?),
        Fact::TicketRead { ticket, .. } => Some(serde_json::to_string(ticket)?),
        Fact::ActionsRead { actions, .. } => Some(serde_json::to_string(actions)?),
        Fact::OperationPlanned { operation } => Some(serde_json::to_string(operation)?),
        Fact::DeliveryReceived { body, .. } => Some(serde_json::to_string(body)?),
        _ => None,
    };
    let detail = match fact {
        // What the entry still says once its body was erased.
        Fact::IncidentRead { workspace, client, incident } => json(&serde_json::json!({
            "workspace": workspace, "client": client, "id": incident.id, "number": incident.number,
            "etag": incident.etag, "modified": incident.modified,
        }))?,
        Fact::Unreadable { workspace, .. } => json(&serde_json::json!({ "workspace": workspace }))?,
        Fact::CommentsRead { pair, comments } => json(&serde_json::json!({ "pair": pair, "count": comments.len() }))?,
        Fact::EvidenceRead { workspace, incident, evidence } => json(&serde_json::json!({
            "workspace": workspace, "incident": incident,
            "alerts": evidence.alerts.len(), "entities": evidence.entities.len(),
        }))?,
        Fact::TicketRead { pair, ticket } => json(&serde_json::json!({
            "pair": pair, "id": ticket.id, "status": ticket.status_id, "closed": ticket.closed,
            "updated": ticket.last_update,
        }))?,
        Fact::ActionsRead { pair, actions } => json(&serde_json::json!({ "pair": pair, "count": actions.len() }))?,
        Fact::OperationPlanned { operation } => json(&serde_json::json!({
            "id": operation.id, "pair": operation.pair, "position": operation.position,
            "kind": operation.kind.name(), "reason": operation.reason,
        }))?,
        Fact::DeliveryReceived { delivery, source, body } => json(&serde_json::json!({
            "delivery": delivery, "source": source, "bytes": body.len(),
        }))?,
        whole => {
            // The entry says which fact it is. Its name is the first member, and most entries are of this kind: it is taken
            // off the text, which is cheaper than a value in between.
            let text = serde_json::to_string(whole)?;
            let rest = text.strip_prefix("{\"fact\":\"").and_then(|rest| rest.strip_prefix(whole.name()));
            match rest.and_then(|rest| rest.strip_prefix('"')) {
                Some(rest) => format!("{{{}", rest.strip_prefix(',').unwrap_or(rest)),
                None => text,
            }
        }
    };
    Ok((detail, body))
}

/// Puts a fact together again; `None` when its body was erased.
///
/// # Errors
/// When the stored texts are not what [`split`] writes.
pub fn join(name: &str, detail: &str, body: Option<&str>) -> Result<Option<Fact>, serde_json::Error> {
    let mut object: Map<String, Value> = serde_json::from_str(detail)?;
    object.insert("fact".into(), Value::String(name.to_owned()));
    if let Some(member) = body_member(name) {
        let Some(body) = body else { return Ok(None) };
        object.insert(member.into(), serde_json::from_str(body)?);
    }
    serde_json::from_value(Value::Object(object)).map(Some)
}
