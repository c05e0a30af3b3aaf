//! Incidents: list, read, write, delete.

use std::ops::Bound;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    body,
    errors::{bad_request, conflict, error, no_incident, odata},
    filter::{Filter, FilterError},
    paging,
    sentinel::Spot,
    wanted::{Keep, Wanted},
    wrong_member,
};
use crate::twin::{
    microsoft::{Microsoft, automation::Change, entra::Access, evidence, incident::Incident, workspace::Workspace},
    stamp,
    wire::{Cx, Reply},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Created,
    Modified,
    Number,
    Severity,
    Status,
    Title,
}

impl Key {
    fn read(text: &str) -> Option<(Self, bool)> {
        let mut words = text.split_whitespace();
        let name = words.next()?.to_lowercase();
        let key = match name.strip_prefix("properties/")? {
            "createdtimeutc" => Self::Created,
            "lastmodifiedtimeutc" => Self::Modified,
            "incidentnumber" => Self::Number,
            "severity" => Self::Severity,
            "status" => Self::Status,
            "title" => Self::Title,
            _ => return None,
        };
        let descending = match words.next().map(str::to_lowercase).as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return None,
        };
        words.next().is_none().then_some((key, descending))
    }

    /// What incidents are sorted by, as text that sorts the same way: it goes into the page token.
    fn of(self, incident: &Incident) -> String {
        match self {
            Self::Created => nanos(incident.created),
            Self::Modified => nanos(incident.modified),
            Self::Number => format!("{:010}", incident.number),
            Self::Severity => incident.severity.clone(),
            Self::Status => incident.status.clone(),
            Self::Title => incident.title.clone(),
        }
    }
}

fn nanos(at: Timestamp) -> String {
    format!("{:020}", at.as_nanosecond())
}

fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::from_nanosecond(text.parse().ok()?).ok()
}

/// What a token begins with that counts rows.
const SKIP: &str = "skip ";

/// Where a page begins: after this key and place.
struct After {
    key: String,
    place: usize,
}

impl After {
    fn read(text: &str) -> Option<Self> {
        let (place, key) = text.split_once(' ')?;
        Some(Self { key: key.to_owned(), place: place.parse().ok()? })
    }

    fn passed(&self, key: &str, place: usize, descending: bool) -> bool {
        let order = key.cmp(self.key.as_str()).then(place.cmp(&self.place));
        if descending { order.is_lt() } else { order.is_gt() }
    }
}

impl Microsoft {
    pub(super) fn list_incidents(&mut self, spot: &Spot<'_>, cx: &Cx<'_>) -> Reply {
        let call = spot.ask.call;
        if self.switches.or_refused && call.query("$filter").is_some_and(|text| text.contains(" or ")) {
            return odata();
        }
        let filter = match call.query("$filter").filter(|text| !text.trim().is_empty()).map(Filter::parse) {
            None => None,
            Some(Ok(filter)) => Some(filter),
            Some(Err(FilterError::Syntax)) => return odata(),
            Some(Err(FilterError::Server)) => return error(500, "InternalServerError", "Internal server error"),
        };
        // Newest first was seen when no order is asked for.
        let (key, descending) = match call.query("$orderby").filter(|text| !text.trim().is_empty()) {
            None => (Key::Created, true),
            Some(text) => match Key::read(text) {
                Some((Key::Modified, _)) if self.switches.modified_order_refused => return odata(),
                Some(order) => order,
                None => return odata(),
            },
        };
        let size = match paging::top(call, self.switches.page_default, self.switches.top_refused) {
            Ok(size) => size.min(self.switches.incident_page_max.max(1)),
            Err(refused) => return refused,
        };
        let (after, skipped) = match paging::hidden(call) {
            Ok(None) => (None, 0),
            Ok(Some(text)) => match (After::read(&text), text.strip_prefix(SKIP).map(str::parse::<usize>)) {
                (Some(after), _) => (Some(after), 0),
                (None, Some(Ok(skipped))) => (None, skipped),
                (None, _) => return bad_request("Invalid $skipToken."),
            },
            Err(refused) => return refused,
        };
        let by_offset = self.switches.skip_by_offset;
        let (merged_members, stale) = (self.switches.merged_incident_members, self.stale);
        let Some(workspace) = self.workspaces.get_mut(spot.place) else { return odata() };
        let wanted = skipped.saturating_add(size + 1);
        let mut rows = rows(workspace, filter.as_ref(), (key, descending), after.as_ref(), wanted, stale, cx);
        rows.drain(..skipped.min(rows.len()));
        let more = rows.len() > size;
        let mut text = String::with_capacity(rows.len().min(size) * 2_048 + 64);
        text.push_str("{\"value\":[");
        for (n, place) in rows.iter().take(size).enumerate() {
            if n > 0 {
                text.push(',');
            }
            push_incident(&mut text, workspace, *place, merged_members, stale, cx);
        }
        text.push(']');
        let last = rows
            .get(size.wrapping_sub(1))
            .and_then(|place| workspace.at(*place).map(|incident| (*place, key.of(incident))));
        if let (true, Some((place, key))) = (more, last) {
            let hidden =
                if by_offset { format!("{SKIP}{}", skipped.saturating_add(size)) } else { format!("{place} {key}") };
            let link = paging::next_link(call, "arm", &paging::token(&hidden));
            text.push_str(",\"nextLink\":");
            text.push_str(&Value::String(link).to_string());
        }
        text.push('}');
        Reply::json_text(200, text)
    }

    pub(super) fn get_incident(&mut self, spot: &Spot<'_>, cx: &Cx<'_>) -> Reply {
        let (merged_members, stale) = (self.switches.merged_incident_members, self.stale);
        let name = spot.name(1);
        let Some(workspace) = self.workspaces.get_mut(spot.place) else { return no_incident(name) };
        let place = workspace.place(name);
        match place.filter(|place| workspace.at(*place).is_some_and(|incident| seen(incident, stale, cx))) {
            None => no_incident(name),
            Some(place) => {
                let mut text = String::new();
                push_incident(&mut text, workspace, place, merged_members, stale, cx);
                Reply::json_text(200, text)
            }
        }
    }

    pub(super) fn delete_incident(&mut self, spot: &Spot<'_>) -> Reply {
        let gone = self.workspaces.get_mut(spot.place).is_some_and(|workspace| workspace.remove(spot.name(1)));
        Reply::empty(if gone { 200 } else { 204 })
    }

    pub(super) fn put_incident(&mut self, spot: &Spot<'_>, cx: &mut Cx<'_>) -> Reply {
        let sent = match body(spot.ask.call) {
            Ok(sent) => sent,
            Err(refused) => return refused,
        };
        let etag = sent.get("etag").and_then(Value::as_str).map(str::to_owned);
        let if_match = spot.ask.call.header("if-match").map(str::to_owned);
        let name = spot.name(1).to_owned();
        if name.is_empty() || name.len() > 260 {
            return wrong_member("incidentId");
        }
        let properties = sent.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let wanted = match self.wanted(&properties) {
            Ok(wanted) => wanted,
            Err(refused) => return refused,
        };
        let known = self
            .workspaces
            .get(spot.place)
            .and_then(|workspace| workspace.get(&name))
            .map(|incident| incident.etag.clone());
        match &known {
            Some(current) => {
                if self.switches.if_match_honoured
                    && if_match.as_deref().is_some_and(|sent| sent != "*" && sent != current)
                {
                    return error(412, "PreconditionFailed", "The condition of the request was not met.");
                }
                let stale =
                    etag.as_ref().map_or(self.switches.missing_etag_conflicts, |etag| !same_etag(etag, current));
                if stale {
                    return conflict(&name);
                }
                self.update(spot.place, &name, wanted, &properties, &spot.ask.access, cx);
            }
            None if self.switches.if_match_honoured && if_match.is_some() => {
                return error(412, "PreconditionFailed", "The condition of the request was not met.");
            }
            // The contract's own example of a creation carries an etag.
            None if etag.is_some() && self.switches.unknown_etag_conflicts => return conflict(&name),
            None => self.create(spot.place, &name, wanted, &spot.ask.access, cx),
        }
        let mut text = String::new();
        let merged_members = self.switches.merged_incident_members;
        if let Some(workspace) = self.workspaces.get_mut(spot.place)
            && let Some(shown) = workspace.place(&name).and_then(|place| workspace.text(place, merged_members))
        {
            text.push_str(shown);
        }
        Reply::json_text(if known.is_some() { 200 } else { 201 }, text)
    }

    fn create(&mut self, place: usize, name: &str, wanted: Wanted, access: &Access, cx: &mut Cx<'_>) {
        let created = self.ticker.next(cx.now, cx.ids);
        let Some(mut incident) = self.made_up(place, 0, (created, cx.now), cx.ids) else { return };
        // Made by the API: no alerts, no rule, and Defender does not know it.
        name.clone_into(&mut incident.name);
        incident.alerts = Vec::new();
        incident.rule_ids = Vec::new();
        incident.tactics = Vec::new();
        incident.techniques = Vec::new();
        incident.products = Vec::new();
        incident.defender_number = None;
        incident.first_activity = None;
        incident.last_activity = None;
        incident.description = None;
        wanted.onto(&mut incident);
        incident.modified_by = access.principal.name.clone();
        if let Some(workspace) = self.workspaces.get_mut(place) {
            workspace.insert(incident);
        }
        self.changed(place, name, Change::created(access), cx);
    }

    fn update(
        &mut self,
        place: usize,
        name: &str,
        wanted: Wanted,
        sent: &Map<String, Value>,
        access: &Access,
        cx: &mut Cx<'_>,
    ) {
        let (at, etag) = self.version(cx);
        let keep = Keep {
            owner: self.switches.put_keeps_owner && !sent.contains_key("owner"),
            labels: self.switches.put_keeps_labels && !sent.contains_key("labels"),
            description: self.switches.put_keeps_description && !sent.contains_key("description"),
            classification: self.switches.put_keeps_classification && !sent.contains_key("classification"),
            activity: self.switches.put_keeps_activity_times,
            label_kinds: self.switches.labels_keep_auto,
        };
        let author = access.principal.name.clone();
        let change = self.workspaces.get_mut(place).and_then(|workspace| {
            workspace.change(name, true, |incident| {
                let mut change = Change::updated(access);
                change.compare(incident, &wanted, &keep);
                wanted.keeping(incident, &keep).onto(incident);
                incident.modified = at;
                incident.etag = etag;
                incident.modified_by = author;
                change
            })
        });
        if let Some(change) = change {
            self.changed(place, name, change, cx);
        }
    }

    /// A new modification time and the etag that goes with it.
    pub fn version(&mut self, cx: &Cx<'_>) -> (Timestamp, String) {
        let at = self.ticker.next(cx.now, cx.ids);
        (at, stamp::etag(at, cx.ids))
    }

    /// Moves an incident's modification time and etag (a comment was added, an alert joined).
    pub fn bump(&mut self, place: usize, name: &str, by: &str, cx: &Cx<'_>, also: impl FnOnce(&mut Incident)) {
        let (at, etag) = self.version(cx);
        if let Some(workspace) = self.workspaces.get_mut(place) {
            workspace.change(name, true, |incident| {
                also(incident);
                incident.modified = at;
                incident.etag = etag;
                by.clone_into(&mut incident.modified_by);
            });
        }
    }

    pub(super) fn evidence_reply(
        &self,
        place: usize,
        name: &str,
        cx: &Cx<'_>,
        make: impl FnOnce(&Workspace, &Incident, Timestamp) -> Value,
    ) -> Reply {
        let found = self.workspaces.get(place).and_then(|workspace| Some((workspace, workspace.get(name)?)));
        match found {
            Some((workspace, incident)) => Reply::json(200, &make(workspace, incident, cx.now)),
            None => no_incident(name),
        }
    }

    pub(super) fn incident_bookmarks(&self, place: usize, name: &str) -> Reply {
        let found = self.workspaces.get(place).and_then(|workspace| Some((workspace, workspace.get(name)?)));
        let Some((workspace, incident)) = found else { return no_incident(name) };
        Reply::json(200, &serde_json::json!({ "value": evidence::bookmarks(workspace, incident) }))
    }
}

fn same_etag(sent: &str, current: &str) -> bool {
    sent.trim_matches('"') == current.trim_matches('"')
}

/// Whether this read sees the incident at all.
fn seen(incident: &Incident, stale: Option<SignedDuration>, cx: &Cx<'_>) -> bool {
    incident.visible_at <= cx.now && stale.is_none_or(|age| cx.now.duration_since(incident.created) >= age)
}

fn push_incident(
    text: &mut String,
    workspace: &mut Workspace,
    place: usize,
    merged_members: bool,
    stale: Option<SignedDuration>,
    cx: &Cx<'_>,
) {
    let old = stale.and_then(|age| {
        let incident = workspace.at(place)?;
        (cx.now.duration_since(incident.modified) < age).then(|| incident.before.clone()).flatten()
    });
    match old {
        Some(old) => text.push_str(&old),
        None => text.push_str(workspace.text(place, merged_members).unwrap_or("null")),
    }
}

/// The places of one page and one more, in order.
fn rows(
    workspace: &Workspace,
    filter: Option<&Filter>,
    (key, descending): (Key, bool),
    after: Option<&After>,
    count: usize,
    stale: Option<SignedDuration>,
    cx: &Cx<'_>,
) -> Vec<usize> {
    let modified_from = filter.and_then(Filter::modified_from);
    let created_from = filter.and_then(Filter::created_from);
    let fits = |place: usize| {
        workspace.at(place).is_some_and(|incident| {
            // A stale read by modification time does not find what has just changed.
            let unseen =
                modified_from.is_some() && stale.is_some_and(|age| cx.now.duration_since(incident.modified) < age);
            !unseen
                && seen(incident, stale, cx)
                && filter.is_none_or(|filter| filter.passes(incident))
                && after.is_none_or(|after| after.passed(&key.of(incident), place, descending))
        })
    };
    let of = |from: Option<Timestamp>| (from.unwrap_or(Timestamp::MIN), 0);
    match key {
        Key::Modified | Key::Created => {
            let (index, from) = if key == Key::Modified {
                (workspace.modified(), modified_from)
            } else {
                (workspace.created(), created_from)
            };
            // With only the other time bounded, its index is the shorter way; sorting follows.
            if key == Key::Created && created_from.is_none() && modified_from.is_some() {
                return sorted(
                    workspace,
                    workspace
                        .modified()
                        .range(of(modified_from)..)
                        .map(|(_, place)| *place)
                        .filter(|place| fits(*place)),
                    key,
                    descending,
                    count,
                );
            }
            // A page goes on where the last one ended, without walking over what came before.
            let reached = after.and_then(|after| Some((moment(&after.key)?, after.place)));
            let start = reached.filter(|_| !descending).map_or(of(from), |reached| reached.max(of(from)));
            let end = reached.filter(|_| descending).map_or(Bound::Unbounded, Bound::Excluded);
            let range = match end {
                Bound::Excluded(end) if end < start => return Vec::new(),
                end => index.range((Bound::Included(start), end)).map(|(_, place)| *place),
            };
            if descending {
                range.rev().filter(|place| fits(*place)).take(count).collect()
            } else {
                range.filter(|place| fits(*place)).take(count).collect()
            }
        }
        _ => sorted(
            workspace,
            workspace.modified().range(of(modified_from)..).map(|(_, place)| *place).filter(|place| fits(*place)),
            key,
            descending,
            count,
        ),
    }
}

fn sorted(
    workspace: &Workspace,
    places: impl Iterator<Item = usize>,
    key: Key,
    descending: bool,
    count: usize,
) -> Vec<usize> {
    let mut all: Vec<(String, usize)> =
        places.filter_map(|place| workspace.at(place).map(|incident| (key.of(incident), place))).collect();
    all.sort_unstable();
    if descending {
        all.reverse();
    }
    all.into_iter().take(count).map(|(_, place)| place).collect()
}
