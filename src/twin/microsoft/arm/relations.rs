//! What an incident is related to: bookmarks, other entities, and its alerts, which join and leave it by that.

use serde_json::{Value, json};

use super::{
    body,
    errors::{bad_request, not_found},
    no_method, paging,
    sentinel::Spot,
    wrong_member,
};
use crate::twin::{
    microsoft::{
        Microsoft,
        automation::Change,
        evidence,
        incident::{Alert, Incident, Relation, is_bookmark},
        workspace::Workspace,
    },
    wire::{Cx, Reply},
};

/// Bookmarks an incident may have.
const BOOKMARKS_MAX: usize = 20;
/// Alerts an incident may have.
const ALERTS_MAX: usize = 150;

impl Microsoft {
    pub(super) fn relations(&mut self, spot: &Spot<'_>, rest: &[&str], incident: &str, cx: &mut Cx<'_>) -> Reply {
        let Some((workspace, found)) = self.incident(spot.place, incident) else {
            return not_found("Incident", incident);
        };
        let name = spot.name(3).to_owned();
        let all = shown(workspace, found, cx.now);
        let known = all.iter().find(|relation| relation.name.eq_ignore_ascii_case(&name));
        match (spot.method(), rest) {
            ("GET", ["relations"]) => {
                let rows = all.iter().map(|relation| found.relation_json(relation, workspace)).collect();
                let size = match paging::top(spot.ask.call, paging::TOP_MAX, self.switches.top_refused) {
                    Ok(size) => size,
                    Err(refused) => return refused,
                };
                paging::page(spot.ask.call, "arm", rows, size)
            }
            ("GET", ["relations", _]) => match known {
                Some(relation) => Reply::json(200, &found.relation_json(relation, workspace)),
                None => not_found("Relation", &name),
            },
            ("PUT", ["relations", _]) => {
                let known = known.cloned();
                self.put_relation(spot, incident, &name, known.as_ref(), cx)
            }
            ("DELETE", ["relations", _]) => {
                let Some(known) = known.cloned() else { return Reply::empty(204) };
                let by = spot.ask.access.principal.name.clone();
                self.bump(spot.place, incident, &by, cx, |found| part(found, &known));
                Reply::json(200, &json!({}))
            }
            _ => no_method(spot.method()),
        }
    }

    fn put_relation(
        &mut self,
        spot: &Spot<'_>,
        incident: &str,
        name: &str,
        known: Option<&Relation>,
        cx: &mut Cx<'_>,
    ) -> Reply {
        let sent = match body(spot.ask.call) {
            Ok(sent) => sent,
            Err(refused) => return refused,
        };
        let related = sent.get("properties").and_then(|properties| properties.get("relatedResourceId"));
        let Some(related_id) = related.and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned) else {
            return bad_request("'RelatedResourceId' must have a non-empty value");
        };
        if !is_relation_name(name) && spot.ask.call.query("api-version").is_some_and(|version| version >= "2025-09-01")
        {
            return wrong_member("relationName");
        }
        if !may_be_related(&related_id) {
            return bad_request(
                "'RelatedResourceId' is not the id of a bookmark or an entity of Microsoft.SecurityInsights",
            );
        }
        if is_bookmark(&related_id) {
            let bookmark = related_id.rsplit('/').next().unwrap_or("").to_lowercase();
            if !self.workspaces.get(spot.place).is_some_and(|workspace| workspace.bookmarks.contains_key(&bookmark)) {
                return not_found("Bookmark", &bookmark);
            }
        }
        let joining = self.incident(spot.place, incident).and_then(|(workspace, found)| {
            let alert = alert_of(workspace, &related_id)?;
            let properties = evidence::alert_properties(workspace, alert);
            let held = found.alerts.iter().any(|own| own.id.eq_ignore_ascii_case(&alert.id));
            (!held).then(|| (alert.clone(), properties))
        });
        if let Some(refused) = self.full(spot.place, incident, &related_id, known, joining.is_some()) {
            return refused;
        }
        let (_, etag) = self.version(cx);
        let relation = Relation { name: name.to_owned(), etag, related_id };
        let by = spot.ask.access.principal.name.clone();
        let mut change = Change { alerts_added: joining.is_some(), ..Change::updated(&spot.ask.access) };
        self.bump(spot.place, incident, &by, cx, |found| {
            if let Some(known) = known.filter(|known| !known.related_id.eq_ignore_ascii_case(&relation.related_id)) {
                part(found, known);
            }
            found.relations.retain(|old| !old.name.eq_ignore_ascii_case(&relation.name));
            found.relations.push(relation);
            if let Some((alert, properties)) = joining {
                change.tactics_added = join(found, alert, &properties);
            }
        });
        self.changed(spot.place, incident, change, cx);
        let status = if known.is_some() { 200 } else { 201 };
        let written = self.incident(spot.place, incident).and_then(|(workspace, found)| {
            let relation = found.relations.iter().find(|relation| relation.name.eq_ignore_ascii_case(name))?;
            Some(found.relation_json(relation, workspace))
        });
        written.map_or_else(|| not_found("Relation", name), |relation| Reply::json(status, &relation))
    }
}

impl Microsoft {
    /// The refusal of one bookmark or alert too many. `known`: the relation whose place the new one takes.
    fn full(
        &self,
        place: usize,
        incident: &str,
        related_id: &str,
        known: Option<&Relation>,
        joins: bool,
    ) -> Option<Reply> {
        let (_, found) = self.incident(place, incident).filter(|_| self.switches.limits_kept)?;
        let others = || found.relations.iter().filter(|own| known.is_none_or(|known| own.name != known.name));
        let bookmarks = others().filter(|own| is_bookmark(&own.related_id)).count();
        let left = known.and_then(|known| known.related_id.rsplit('/').next());
        let alerts =
            found.alerts.iter().filter(|own| left.is_none_or(|left| !own.id.eq_ignore_ascii_case(left))).count();
        let (what, max) = if is_bookmark(related_id) && bookmarks >= BOOKMARKS_MAX {
            ("bookmarks", BOOKMARKS_MAX)
        } else if joins && alerts >= ALERTS_MAX {
            ("alerts", ALERTS_MAX)
        } else {
            return None;
        };
        Some(bad_request(&format!("The incident has reached the maximum number of {what} ({max})")))
    }
}

/// The relations of an incident: those that somebody wrote, and one to each other alert of it, which nobody wrote.
fn shown(workspace: &Workspace, incident: &Incident, now: jiff::Timestamp) -> Vec<Relation> {
    let id = |alert: &Alert| format!("{}/providers/Microsoft.SecurityInsights/entities/{}", workspace.id, alert.id);
    let written = |id: &str| incident.relations.iter().any(|relation| relation.related_id.eq_ignore_ascii_case(id));
    let alerts = incident.alerts_shown(now).iter().filter(|alert| !written(&id(alert))).map(|alert| Relation {
        name: format!("{}_{}", incident.name, alert.id),
        etag: incident.etag.clone(),
        related_id: id(alert),
    });
    alerts.chain(incident.relations.iter().cloned()).collect()
}

/// The alert of a workspace that a resource id names, whichever incident it is in.
fn alert_of<'a>(workspace: &'a Workspace, related_id: &str) -> Option<&'a Alert> {
    let (scope, name) = related_id.rsplit_once('/')?;
    let entities = format!("{}/providers/Microsoft.SecurityInsights/entities", workspace.id);
    let mut alerts = workspace.iter().flat_map(|incident| &incident.alerts);
    alerts.find(|alert| scope.eq_ignore_ascii_case(&entities) && alert.id.eq_ignore_ascii_case(name))
}

/// An alert joins an incident, with its product; gives the tactics that are new by it.
fn join(incident: &mut Incident, alert: Alert, properties: &Value) -> Vec<String> {
    let product = properties.get("productName").and_then(Value::as_str);
    if let Some(product) = product.filter(|product| !incident.products.iter().any(|own| own == product)) {
        incident.products.push(product.to_owned());
    }
    let all = properties.get("tactics").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let new: Vec<String> =
        all.filter(|tactic| !incident.tactics.iter().any(|own| own == tactic)).map(str::to_owned).collect();
    incident.tactics.extend(new.iter().cloned());
    incident.alerts.push(alert);
    new
}

/// Takes a relation off an incident, and the alert that it is to.
fn part(incident: &mut Incident, relation: &Relation) {
    incident.relations.retain(|own| !own.name.eq_ignore_ascii_case(&relation.name));
    let alert = relation.related_id.rsplit('/').next().unwrap_or("");
    incident.alerts.retain(|own| !own.id.eq_ignore_ascii_case(alert));
}

/// The pattern that 2025-09-01 puts on the names of relations (Sentinel sheet 1.1).
fn is_relation_name(name: &str) -> bool {
    (3..=63).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Whether an incident can be related to a resource of this id.
fn may_be_related(id: &str) -> bool {
    let lower = id.to_lowercase();
    let below = lower
        .strip_prefix("/subscriptions/")
        .and_then(|rest| rest.split_once("/providers/microsoft.securityinsights/"));
    below.is_some_and(|(_, rest)| {
        rest.split_once('/').is_some_and(|(kind, name)| {
            matches!(kind, "bookmarks" | "entities" | "incidents") && !name.is_empty() && !name.contains('/')
        })
    })
}
