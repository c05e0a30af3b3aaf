//! The policy's filters on an incident. Each kind of each filter is one gate; the first that fails names itself.

use serde_json::Value;

use crate::domain::{
    incident::Incident,
    policy::{
        Policy,
        filter::{Filter, fits},
    },
    reason::Reason,
};

/// Asks every filter.
///
/// # Errors
/// [`Reason::Filtered`] of the first that failed: what it saw, and what would change it.
pub fn ask(policy: &Policy, incident: &Incident) -> Result<(), Reason> {
    for side in ["include", "exclude"] {
        for kind in Filter::KINDS {
            one(policy, side, kind, incident)?;
        }
    }
    Ok(())
}

/// Asks one kind of one filter, `include` or `exclude`; one that is not set lets everything pass.
///
/// # Errors
/// As [`ask`].
pub(super) fn one(policy: &Policy, side: &str, kind: &str, incident: &Incident) -> Result<(), Reason> {
    let includes = side == "include";
    let named = if includes { policy.include.kind(kind) } else { policy.exclude.kind(kind) };
    if named.is_empty() {
        return Ok(());
    }
    let seen = values(kind, incident);
    let hit = seen.iter().find(|value| named.iter().any(|pattern| fits(pattern, value)));
    match hit {
        None if includes => Err(failed(side, kind, &seen, format!("it lets pass {}", listed(named)))),
        Some(hit) if !includes => {
            Err(failed(side, kind, std::slice::from_ref(hit), format!("it keeps out {}", listed(named))))
        }
        _ => Ok(()),
    }
}

/// What a kind of filter sees of an incident, in words.
pub(super) fn seen(kind: &str, incident: &Incident) -> String {
    in_words(&values(kind, incident))
}

fn in_words(seen: &[String]) -> String {
    if seen.iter().all(|value| value.is_empty()) { "nothing".to_owned() } else { listed(seen) }
}

fn failed(filter: &str, kind: &str, seen: &[String], would: String) -> Reason {
    Reason::Filtered { filter: format!("{filter}.{kind}"), saw: in_words(seen), would }
}

pub(super) fn listed(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("“{text}”")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// The incident's values of a kind.
fn values(kind: &str, incident: &Incident) -> Vec<String> {
    match kind {
        "severity" => vec![incident.severity.to_string()],
        "status" => vec![incident.status.to_string()],
        "label" => incident.labels.iter().map(|label| label.name.clone()).collect(),
        "product" => texts(&incident.raw, "/properties/additionalData/alertProductNames"),
        "analytics_rule" => {
            let ids = texts(&incident.raw, "/properties/relatedAnalyticRuleIds");
            // Whole resource id, or its last part.
            let tails: Vec<String> = ids.iter().filter_map(|id| id.rsplit('/').next().map(str::to_owned)).collect();
            tails.into_iter().chain(ids).collect()
        }
        "owner" if incident.owner.is_none() => vec![Filter::UNASSIGNED.to_owned()],
        "owner" => {
            let owner = &incident.owner;
            let names = [&owner.user_principal_name, &owner.email, &owner.object_id, &owner.assigned_to];
            names.into_iter().flatten().cloned().collect()
        }
        "title" => vec![incident.title.clone()],
        _ => Vec::new(),
    }
}

fn texts(root: &Value, pointer: &str) -> Vec<String> {
    let list = root.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
