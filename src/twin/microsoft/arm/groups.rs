//! Resource groups, and the list of what is in them.

use serde_json::{Value, json};

use super::{Ask, body, errors::error, paging};
use crate::twin::{
    microsoft::{Group, Microsoft},
    wire::Reply,
};

impl Microsoft {
    pub(super) fn group(&self, subscription: &str, name: &str) -> Option<&str> {
        let subscription = self.subscriptions.iter().find(|one| one.id.eq_ignore_ascii_case(subscription))?;
        subscription.groups.iter().find(|group| group.name.eq_ignore_ascii_case(name)).map(|group| group.name.as_str())
    }

    pub(super) fn groups(&self, subscription: &str) -> Vec<Value> {
        let found = self.subscriptions.iter().find(|one| one.id.eq_ignore_ascii_case(subscription));
        let groups = found.map_or(&[][..], |one| one.groups.as_slice());
        let row = |group: &Group| {
            json!({
                "id": format!("/subscriptions/{}/resourceGroups/{}", found.map_or("", |one| &one.id), group.name), "name": group.name,
                "type": "Microsoft.Resources/resourceGroups", "location": group.location, "tags": group.tags,
                "properties": {"provisioningState": "Succeeded"},
            })
        };
        groups.iter().map(row).collect()
    }

    /// Makes a resource group, or changes its tags.
    pub(super) fn put_group(&mut self, ask: &Ask<'_>, subscription: &str, name: &str) -> Reply {
        let scope = format!("/subscriptions/{subscription}/resourceGroups/{name}");
        let right = "Microsoft.Resources/subscriptions/resourceGroups/write";
        if let Err(refused) = self.check_right(&ask.access, right, &scope) {
            return refused;
        }
        let sent = match body(ask.call) {
            Ok(sent) => sent,
            Err(refused) => return refused,
        };
        let Some(location) = sent.get("location").and_then(Value::as_str).filter(|location| !location.is_empty())
        else {
            return error(400, "LocationRequired", "The location property is required for this definition.");
        };
        let made = Group {
            name: name.to_owned(),
            location: location.to_owned(),
            tags: sent.get("tags").filter(|tags| tags.is_object()).cloned().unwrap_or_else(|| json!({})),
        };
        let found = self.subscriptions.iter_mut().find(|one| one.id.eq_ignore_ascii_case(subscription));
        let Some(found) = found else {
            return error(404, "SubscriptionNotFound", "The subscription could not be found.");
        };
        let status = match found.groups.iter_mut().find(|group| group.name.eq_ignore_ascii_case(name)) {
            Some(group) if group.location != made.location => {
                let text = format!(
                    "Invalid resource group location '{location}'. The Resource group already exists in location '{}'.",
                    group.location
                );
                return error(409, "InvalidResourceGroupLocation", &text);
            }
            Some(group) => {
                group.tags = made.tags;
                200
            }
            None => {
                found.groups.push(made);
                201
            }
        };
        let shown = self
            .groups(subscription)
            .into_iter()
            .find(|group| group.get("name").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(name)));
        Reply::json(status, &shown.unwrap_or(Value::Null))
    }

    /// A page of the resources that `$filter` lets through.
    pub(super) fn resource_list(&self, ask: &Ask<'_>, subscription: &str, group: Option<&str>, size: usize) -> Reply {
        let mut rows = self.resources_of(ask, subscription, group);
        if let Some(text) = ask.call.query("$filter").filter(|text| !text.trim().is_empty()) {
            let Some(terms) = terms(text) else {
                return error(
                    400,
                    "InvalidFilterInQueryString",
                    &format!("Invalid $filter '{text}' specified in the query string."),
                );
            };
            rows.retain(|row| terms.iter().all(|term| term.holds(row)));
        }
        paging::page(ask.call, "arm", rows, size)
    }

    /// Everything there is in a subscription or a group.
    fn resources_of(&self, ask: &Ask<'_>, subscription: &str, group: Option<&str>) -> Vec<Value> {
        let mut rows = self.workspaces_of(ask, subscription, group);
        for row in &mut rows {
            if let Some(map) = row.as_object_mut() {
                map.remove("properties");
            }
        }
        let below = match group {
            Some(group) => format!("/subscriptions/{subscription}/resourcegroups/{}/", group.to_lowercase()),
            None => format!("/subscriptions/{subscription}/"),
        };
        let kept = self.resources.iter().filter(|(id, kept)| {
            id.starts_with(&below) && kept.get("type") != Some(&"Microsoft.Resources/deployments".into())
        });
        rows.extend(kept.map(|(_, kept)| {
            let member = |name: &str| kept.get(name).cloned().unwrap_or(Value::Null);
            json!({"id": member("id"), "name": member("name"), "type": member("type"), "location": member("location")})
        }));
        rows
    }
}

/// One comparison of a resource filter: terms joined by `and`.
struct Term {
    member: &'static str,
    equal: Option<bool>,
    text: String,
}

impl Term {
    fn holds(&self, row: &Value) -> bool {
        let own = row.get(self.member).and_then(Value::as_str).unwrap_or("").to_lowercase();
        match self.equal {
            Some(equal) => (own == self.text) == equal,
            None => own.contains(&self.text),
        }
    }
}

/// `resourceType`, `name` and `location` with `eq`, `ne` and `substringof('…', name)`: what Microsoft's own
/// libraries and tools write. `None` for everything else.
fn terms(text: &str) -> Option<Vec<Term>> {
    let member = |name: &str| {
        Some(match name.to_lowercase().as_str() {
            "resourcetype" => "type",
            "name" => "name",
            "location" => "location",
            _ => return None,
        })
    };
    let quoted = |text: &str| {
        let inner = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        Some(inner.replace("''", "'").to_lowercase())
    };
    let term = |text: &str| {
        let text = text.trim();
        if let Some(inside) = text.strip_prefix("substringof(").and_then(|rest| rest.strip_suffix(')')) {
            let (wanted, name) = inside.rsplit_once(',')?;
            return Some(Term { member: member(name.trim())?, equal: None, text: quoted(wanted)? });
        }
        let (name, rest) = text.split_once(' ')?;
        let (verb, wanted) = rest.trim().split_once(' ')?;
        let equal = match verb {
            "eq" => true,
            "ne" => false,
            _ => return None,
        };
        Some(Term { member: member(name)?, equal: Some(equal), text: quoted(wanted)? })
    };
    text.split(" and ").map(term).collect()
}
