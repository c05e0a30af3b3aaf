//! Who a new ticket is for: the client's General User, a fixed one, or the user that the incident is about.

use serde_json::Value;

use crate::domain::{
    client::HaloBinding,
    incident::{Evidence, Incident},
    policy::{Policy, RequesterRule},
    ticket::{HaloUser, Requester},
};

/// Users looked up in Halo for one incident, at most.
const CANDIDATES_MAX: usize = 3;

/// Identities of the users that an incident is about, in the order of its entities: UPNs and mail addresses,
/// lower-cased. Halo is asked for each in turn; the first that is a user of the client is the requester.
pub fn candidates(evidence: &Evidence) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for entity in &evidence.entities {
        let Some(properties) = entity.get("properties") else { continue };
        let text = |key: &str| {
            properties.get(key).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
        };
        let kind = entity.get("kind").and_then(Value::as_str).unwrap_or_default();
        let named = match kind.to_ascii_lowercase().as_str() {
            "account" => {
                let joined =
                    text("accountName").zip(text("upnSuffix")).map(|(name, suffix)| format!("{name}@{suffix}"));
                [joined, text("upn"), text("userPrincipalName"), text("mail")]
            }
            "mailbox" => [text("mailboxPrimaryAddress"), text("upn"), None, None],
            _ => continue,
        };
        for identity in named.into_iter().flatten().map(|text| text.to_lowercase()).filter(|text| text.contains('@')) {
            if !found.contains(&identity) && found.len() < CANDIDATES_MAX {
                found.push(identity);
            }
        }
    }
    found
}

/// The requester and the site that goes with them.
pub fn of(policy: &Policy, binding: &HaloBinding, affected: Option<&HaloUser>) -> (Requester, Option<i64>) {
    match (policy.requester, affected) {
        (RequesterRule::AffectedUser, Some(user)) => {
            // Site and user must belong together, else the ticket lands on the client “Unknown” (halo-api sheet 3.3).
            (Requester::User { id: user.id }, user.site_id.or(binding.site_id))
        }
        (RequesterRule::User { id }, _) => (Requester::User { id }, binding.site_id),
        (RequesterRule::AffectedUser | RequesterRule::GeneralUser, _) => (Requester::GeneralUser, binding.site_id),
    }
}

/// What the ticket says when the affected user was asked for and not found.
pub fn said(
    policy: &Policy,
    incident: &Incident,
    evidence: Option<&Evidence>,
    affected: Option<&HaloUser>,
) -> Option<String> {
    if policy.requester != RequesterRule::AffectedUser || affected.is_some() {
        return None;
    }
    if evidence.is_none() && incident.alerts_count != 0 {
        let said = "Whom the incident is about could not be read when this ticket was written, so the requester is the General User.";
        return Some(said.to_owned());
    }
    let named = evidence.map(candidates).unwrap_or_default();
    Some(if named.is_empty() {
        "The incident names no user, so the requester is the General User.".to_owned()
    } else {
        let named = named.join(", ");
        format!(
            "None of the users that the incident names is this client's in Halo ({named}), so the requester is the General User."
        )
    })
}
