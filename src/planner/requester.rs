//! Who a new ticket is for: the client's General User, a fixed one, or the user that the incident is about.

use serde_json::Value;

use crate::domain::{
    client::HaloBinding,
    incident::{Evidence, Incident},
    pair::Base,
    policy::{Policy, RequesterRule},
    ticket::{HaloUser, Requester},
};

/// Users looked up in Halo for one incident, at most.
const USERS_MAX: usize = 3;

/// What is known of the user that an incident is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affected<'a> {
    /// As Halo knows them.
    User(&'a HaloUser),
    /// None of those whom the incident names is the client's in Halo.
    Nobody,
    /// Halo has not said.
    NotKnown,
}

impl<'a> Affected<'a> {
    /// What was found when the pair's ticket was first drafted.
    pub fn of(base: &'a Base) -> Self {
        match &base.affected {
            Some(user) => Self::User(user),
            None if base.looked_up => Self::Nobody,
            None => Self::NotKnown,
        }
    }
}

/// Identities of the users that an incident is about, in the order of its entities: UPNs and mail addresses,
/// lower-cased. Halo is asked for each in turn; the first that is a user of the client is the requester.
pub fn candidates(evidence: &Evidence) -> Vec<String> {
    named(evidence).0
}

/// The same, and whether more users are named than are asked for. One user may go by several identities.
fn named(evidence: &Evidence) -> (Vec<String>, bool) {
    let mut found: Vec<String> = Vec::new();
    let mut users = 0;
    for entity in &evidence.entities {
        let Some(properties) = entity.get("properties") else { continue };
        let text = |key: &str| {
            properties.get(key).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
        };
        let kind = entity.get("kind").and_then(Value::as_str).unwrap_or_default();
        let identities = match kind.to_ascii_lowercase().as_str() {
            "account" => {
                let joined =
                    text("accountName").zip(text("upnSuffix")).map(|(name, suffix)| format!("{name}@{suffix}"));
                [joined, text("upn"), text("userPrincipalName"), text("mail")]
            }
            "mailbox" => [text("mailboxPrimaryAddress"), text("upn"), None, None],
            _ => continue,
        };
        let mut own: Vec<String> = identities.into_iter().flatten().map(|text| text.to_lowercase()).collect();
        own.retain(|text| text.contains('@'));
        if own.is_empty() {
            continue;
        }
        if !own.iter().any(|identity| found.contains(identity)) {
            if users == USERS_MAX {
                return (found, true);
            }
            users += 1;
        }
        for identity in own {
            if !found.contains(&identity) {
                found.push(identity);
            }
        }
    }
    (found, false)
}

/// The requester and the site that goes with them.
pub fn of(policy: &Policy, binding: &HaloBinding, affected: Affected<'_>) -> (Requester, Option<i64>) {
    match (policy.requester, affected) {
        (RequesterRule::AffectedUser, Affected::User(user)) => {
            // Site and user must belong together, else the ticket lands on the client “Unknown” (halo-api sheet 3.3).
            (Requester::User { id: user.id }, user.site_id.or(binding.site_id))
        }
        (RequesterRule::User { id }, _) => (Requester::User { id }, binding.site_id),
        (RequesterRule::AffectedUser | RequesterRule::GeneralUser, _) => (Requester::GeneralUser, binding.site_id),
    }
}

/// What the ticket says where the affected user is to be the requester and is not.
pub fn said(
    policy: &Policy,
    incident: &Incident,
    evidence: Option<&Evidence>,
    affected: Affected<'_>,
) -> Option<String> {
    if policy.requester != RequesterRule::AffectedUser || matches!(affected, Affected::User(_)) {
        return None;
    }
    if evidence.is_none() && incident.alerts_count != 0 {
        let said = "Whom the incident is about could not be read when this ticket was written, so the requester is the General User.";
        return Some(said.to_owned());
    }
    let (identities, more) = evidence.map(named).unwrap_or_default();
    if identities.is_empty() {
        return Some("The incident names no user, so the requester is the General User.".to_owned());
    }
    let (first, who) = (if more { "first three " } else { "" }, identities.join(", "));
    Some(if affected == Affected::Nobody {
        format!(
            "None of the {first}users that the incident names is this client's in Halo ({who}), so the requester is the General User."
        )
    } else {
        format!(
            "Whether one of the {first}users that the incident names ({who}) is this client's in Halo could not be looked up when this ticket was written, so the requester is the General User."
        )
    })
}
