//! The ticket as it will be created.

use std::fmt::Write as _;

use serde_json::Value;

use crate::domain::{
    catalogue::Catalogue,
    ids::{IncidentId, TicketId, reference},
    incident::{Evidence, Incident, IncidentStatus},
    policy::{FieldTarget, Policy},
    reason::Reason,
    text,
    ticket::{HaloUser, Ticket, TicketDraft},
    time,
    workspace::{Portal, Workspace},
};

use super::{
    agreed,
    fields::{
        mapped::{self, Placed},
        owner,
    },
    gate::Passed,
    mapping,
    requester::{self, Affected},
    situation::Situation,
    template::{self, Roots},
};

/// Longest subject; the whole title stands in the details.
const SUMMARY_MAX: usize = 200;
/// Longest single value shown in the evidence table.
const VALUE_MAX: usize = 4_000;
/// Most alerts or entities listed in the ticket; the rest stays in the stored observation and is counted.
const LISTED_MAX: usize = 25;

/// A draft and what it lacks for want of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Drafted {
    /// The ticket.
    pub draft: TicketDraft,
    /// Values without a mapping: shown as open items.
    pub lacking: Vec<Reason>,
}

/// How a further ticket goes on with the one before it.
const FOLLOWS: &str = "follows";
const IN_PLACE: &str = "in-place-of";
const AFTER: &str = "after";
/// So many numbers in a ticket's text are tried: the one that counts stands in its first line.
const NUMBERS_MAX: usize = 50;

/// The reference of the ticket for an incident of a workspace.
pub fn ticket_reference(workspace: &Workspace, incident: &Incident) -> String {
    reference(&["ticket", &workspace.arm_id, incident.id.as_str()])
}

/// The reference of a further ticket, after the one that the incident was unlinked from.
pub fn reference_after(workspace: &Workspace, incident: &Incident, ticket: TicketId) -> String {
    reference_further(&workspace.arm_id, &incident.id, AFTER, ticket)
}

/// The reference of a further ticket of a matter, in which the one before it is named.
fn reference_further(arm_id: &str, incident: &IncidentId, how: &str, before: TicketId) -> String {
    reference(&["ticket", arm_id, incident.as_str(), how, &before.to_string()])
}

/// The reference of the ticket in which a matter goes on whose ticket `closed` stays closed.
pub fn reference_following(arm_id: &str, incident: &IncidentId, closed: TicketId) -> String {
    reference_further(arm_id, incident, FOLLOWS, closed)
}

/// Whether a ticket says that it was made as a further one for this incident: its reference follows from the number of
/// the one before it, which its text names, or which is one of `named`.
pub fn is_further(workspace: &Workspace, incident: &IncidentId, named: &[TicketId], ticket: &Ticket) -> bool {
    texts(ticket).any(|text| {
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
        let told = numbers.take(NUMBERS_MAX).map(TicketId).flat_map(|before| [(FOLLOWS, before), (IN_PLACE, before)]);
        // One that was made for an incident that had been unlinked does not name the ticket before it.
        let known = named.iter().map(|before| (AFTER, *before));
        told.chain(known)
            .any(|(how, before)| text.contains(&reference_further(&workspace.arm_id, incident, how, before)))
    })
}

/// Whether a ticket says that it was made for this incident.
pub fn is_for(workspace: &Workspace, incident: &Incident, named: &[TicketId], ticket: &Ticket) -> bool {
    let own = ticket_reference(workspace, incident);
    texts(ticket).any(|text| text.contains(&own)) || is_further(workspace, &incident.id, named, ticket)
}

fn texts(ticket: &Ticket) -> impl Iterator<Item = &str> {
    ["details_html", "details"].into_iter().filter_map(move |key| ticket.raw.get(key)?.as_str())
}

/// Gives a draft another reference, wherever it stands.
pub fn refer(draft: &mut TicketDraft, reference: &str) {
    draft.details_html = draft.details_html.replace(&draft.reference, reference);
    draft.reference = reference.to_owned();
}

/// The address that opens the incident for a person. Only Microsoft's own hosts are ever offered.
pub fn portal_link(workspace: &Workspace, incident: &Incident) -> String {
    let defender = incident.provider_url.clone().filter(|url| trusted(url)).or_else(|| {
        let id = incident.provider_incident_id.as_deref()?;
        (incident.provider_name.as_deref() == Some("Microsoft XDR"))
            .then(|| format!("https://security.microsoft.com/incidents/{id}?tid={}", workspace.tenant_id))
    });
    let azure = || {
        incident.url.clone().filter(|url| trusted(url)).unwrap_or_else(|| {
            format!(
                "https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident{}",
                incident.resource_id
            )
        })
    };
    match workspace.portal {
        Portal::Defender => defender.unwrap_or_else(azure),
        Portal::Azure => azure(),
    }
}

fn trusted(url: &str) -> bool {
    const HOSTS: [&str; 6] = [
        "https://portal.azure.com/",
        "https://security.microsoft.com/",
        "https://portal.azure.us/",
        "https://security.microsoft.us/",
        "https://portal.azure.cn/",
        "https://security.microsoft.cn/",
    ];
    HOSTS.iter().any(|host| url.starts_with(host)) && !url.contains(['"', '<', '>', ' ', '\''])
}

/// Writes the ticket for an incident. `affected` is what [`requester::candidates`] led to.
pub fn draft(
    workspace: &Workspace,
    policy: &Policy,
    catalogue: &Catalogue,
    passed: &Passed,
    incident: &Incident,
    evidence: Option<&Evidence>,
    affected: Affected<'_>,
) -> Drafted {
    let mut lacking = Vec::new();
    let mut keep = |result: Result<i64, Reason>| result.map_err(|reason| lacking.push(reason)).ok();
    let priority_id = match policy.severity.at_creation() {
        true => keep(mapping::priority(policy, catalogue, &incident.severity)),
        false => None,
    };
    // An incident that was closed before we saw it becomes an open ticket, which is then closed with its verdict.
    let opens_as = if incident.closed() { IncidentStatus::New } else { incident.status.clone() };
    let status_id = match policy.status.at_creation() {
        true => keep(mapping::status(policy, catalogue, &opens_as)),
        false => None,
    };
    let fallback = mapping::fallback_agent(policy, catalogue);
    let owned = policy.owner.at_creation();
    let owner_agent = owned.then(|| mapping::agent(policy, catalogue, &incident.owner)).flatten();
    if fallback.is_none() {
        let hole = owned.then(|| mapping::owner_without_agent(policy, catalogue, &incident.owner)).flatten();
        let nobody = || mapping::fallback_hole(policy, catalogue).filter(|_| owner_agent.is_none());
        lacking.extend(hole.or_else(nobody));
    }
    let team = named(passed.binding.team.clone(), policy.team.as_ref(), catalogue, "team", &mut lacking);
    let category_1 = named(None, policy.category.as_ref(), catalogue, "category", &mut lacking);
    let reference = ticket_reference(workspace, incident);
    let mut custom_fields = Vec::new();
    let mut members = Vec::new();
    for placed in mapped::for_creation(policy, catalogue, incident, evidence, &mut lacking) {
        match placed {
            Placed::Custom(id, value) => custom_fields.push((id, value)),
            Placed::Member(name, value) => members.push((name, value)),
        }
    }
    let (requester, site_id) = requester::of(policy, &passed.binding, affected);
    Drafted {
        draft: TicketDraft {
            summary: subject(policy, incident, evidence).unwrap_or_else(|| summary(incident)),
            details_html: details(workspace, policy, incident, evidence, affected, &reference),
            client_id: passed.binding.halo_client_id,
            site_id,
            requester,
            ticket_type_id: passed.ticket_type_id,
            status_id,
            priority_id,
            agent_id: owner_agent.or(fallback),
            team,
            category_1,
            custom_fields,
            members,
            occurred: incident.created,
            reference,
        },
        lacking,
    }
}

fn named(
    own: Option<String>,
    wanted: Option<&crate::domain::catalogue::Ref>,
    catalogue: &Catalogue,
    table: &str,
    lacking: &mut Vec<Reason>,
) -> Option<String> {
    use crate::domain::catalogue::Ref;
    let rows = if table == "team" { &catalogue.teams } else { &catalogue.categories };
    let partial = catalogue.is_partial(table);
    let wanted = own.map(Ref::Name).or_else(|| wanted.cloned())?;
    match (wanted.find(rows, |row| row.id, |row| &row.name), &wanted) {
        (Some(row), _) => Some(row.name.clone()),
        (None, Ref::Name(name)) if rows.is_empty() || partial => Some(name.clone()),
        _ => {
            lacking.push(Reason::Unmapped { table: table.into(), value: wanted.to_string() });
            None
        }
    }
}

/// The subject of an incident's ticket: its title under our mark.
pub fn summary(incident: &Incident) -> String {
    let title = text::clean(&incident.title).replace(['\n', '\t'], " ");
    let title = if title.trim().is_empty() { "(incident without a title)".to_owned() } else { title };
    marked(incident, &title)
}

fn marked(incident: &Incident, words: &str) -> String {
    let named = match incident.number {
        Some(number) => format!("[Sentinel {number}] {words}"),
        None => format!("[Sentinel] {words}"),
    };
    text::cut(&named, SUMMARY_MAX)
}

/// The subject as the policy shapes it; `None` where that takes something from alerts or entities that were not read. Our
/// mark stands before it unless the incident's number is in it: a ticket whose making was not answered is looked for among
/// those with the same subject first.
pub fn subject(policy: &Policy, incident: &Incident, evidence: Option<&Evidence>) -> Option<String> {
    // What crosses back is the title under our mark, and nothing else.
    let shaped = policy.fields.iter().find(|one| one.is_subject() && one.rule.at_creation());
    let Some(mapping) = shaped.filter(|_| !policy.title.to_sentinel()) else { return Some(summary(incident)) };
    if mapped::unread(mapping, incident, evidence) {
        return None;
    }
    let filled = template::fill(Roots { incident: &incident.raw, evidence }, &mapping.source).unwrap_or_default();
    let words = text::cut(&text::line(&filled), SUMMARY_MAX);
    let numbered =
        |number: i64| mapping.source.text().contains("incidentNumber") && words.contains(&number.to_string());
    Some(match incident.number {
        _ if words.is_empty() => summary(incident),
        Some(number) if numbered(number) => words,
        _ => marked(incident, &words),
    })
}

/// Whom the ticket before is for: an agent may have corrected it. `None` where that does not say.
fn as_before(s: &Situation<'_>, passed: &Passed) -> Option<HaloUser> {
    let ticket = s.ticket.filter(|ticket| ticket.client_id == Some(passed.binding.halo_client_id));
    ticket.and_then(|ticket| {
        let id = ticket.user_id.filter(|id| *id > 0)?;
        // Site and user must belong together.
        let site_id = Some(ticket.site_id.filter(|id| *id > 0)?);
        Some(HaloUser { id, name: String::new(), site_id })
    })
}

/// A further ticket of the matter: for whom the one before is for, else the user who was found when that was drafted.
fn further(s: &Situation<'_>, passed: &Passed) -> TicketDraft {
    let before = as_before(s, passed);
    let affected = before.as_ref().map_or_else(|| Affected::of(&s.pair.base), Affected::User);
    draft(s.workspace, s.policy, s.catalogue, passed, s.incident, s.evidence, affected).draft
}

/// The ticket in which a matter goes on whose ticket `closed` stays closed.
pub fn following(s: &Situation<'_>, passed: &Passed, closed: TicketId) -> TicketDraft {
    let mut drafted = further(s, passed);
    let follows = reference_following(&s.workspace.arm_id, &s.incident.id, closed);
    let said = format!("<p>The incident was opened again. Its first ticket, {closed}, stays closed.</p>");
    drafted.details_html = said + &drafted.details_html.replace(&drafted.reference, &follows);
    drafted.reference = follows;
    drafted
}

/// The ticket of a matter whose first one, `gone`, does not exist any more.
pub fn in_place_of(s: &Situation<'_>, passed: &Passed, gone: TicketId) -> TicketDraft {
    let mut drafted = further(s, passed);
    let own = reference_further(&s.workspace.arm_id, &s.incident.id, IN_PLACE, gone);
    let said = format!("<p>This ticket takes the place of ticket {gone}, which does not exist any more.</p>");
    drafted.details_html = said + &drafted.details_html.replace(&drafted.reference, &own);
    drafted.reference = own;
    drafted
}

/// The team, or the category, that a ticket of the pair would be given now.
pub(super) fn wanted(s: &Situation<'_>, what: &str) -> Option<String> {
    let member = if what == agreed::TEAM { agreed::TEAM } else { agreed::CATEGORY_MEMBER };
    let mapped = s.policy.fields.iter().rev().find(|mapping| {
        let this = matches!(&mapping.field, FieldTarget::Member(name) if name == member);
        this && mapping.rule.at_creation() && !mapped::unread(mapping, s.incident, s.evidence)
    });
    if let Some(mapping) = mapped {
        return mapped::place(s.catalogue, s.incident, s.evidence, mapping).ok().map(|placed| placed.text());
    }
    let mut lacking = Vec::new();
    if what == agreed::TEAM {
        let own = s.client.halo.as_ref().and_then(|binding| binding.team.clone());
        named(own, s.policy.team.as_ref(), s.catalogue, agreed::TEAM, &mut lacking)
    } else {
        named(None, s.policy.category.as_ref(), s.catalogue, agreed::CATEGORY, &mut lacking)
    }
}

/// Holes of the policy that every ticket of this workspace meets: shown on the pair until they are filled.
pub fn holes(s: &Situation<'_>) -> Vec<Reason> {
    let mut lacking = Vec::new();
    let own_team = s.client.halo.as_ref().and_then(|binding| binding.team.clone());
    named(own_team, s.policy.team.as_ref(), s.catalogue, "team", &mut lacking);
    named(None, s.policy.category.as_ref(), s.catalogue, "category", &mut lacking);
    // Of a ticket that somebody has it is nobody's matter who would have got it.
    let unowned = s.incident.owner.is_none() || !s.policy.owner.at_creation();
    let taken = s.ticket.is_some_and(|ticket| ticket.agent_id.is_some_and(|agent| agent > owner::UNASSIGNED));
    if unowned && !taken && !s.incident.closed() {
        lacking.extend(mapping::fallback_hole(s.policy, s.catalogue));
    }
    mapped::for_creation(s.policy, s.catalogue, s.incident, s.evidence, &mut lacking);
    // Without the look-up the field is found by its name on the ticket.
    let known = !s.catalogue.fields.is_empty() && !s.catalogue.is_partial("custom field");
    let classification = s.policy.classification_field.as_ref().filter(|_| known);
    lacking.extend(classification.and_then(|field| mapped::custom_id(s.catalogue, field).err()));
    lacking
}

fn row(html: &mut String, name: &str, value: &str) {
    whole(html, name, &text::cut(value, VALUE_MAX));
}

fn whole(html: &mut String, name: &str, value: &str) {
    if !value.trim().is_empty() {
        let shown = text::text_to_html(value);
        let _ = write!(html, "<tr><td><b>{}</b></td><td>{shown}</td></tr>", text::escape(name));
    }
}

fn details(
    workspace: &Workspace,
    policy: &Policy,
    incident: &Incident,
    evidence: Option<&Evidence>,
    affected: Affected<'_>,
    reference: &str,
) -> String {
    let link = portal_link(workspace, incident);
    let mut html = String::with_capacity(2_048);
    if let Some(description) = incident.description.as_deref().filter(|d| !d.trim().is_empty()) {
        let _ = write!(html, "<p>{}</p>", text::message_to_html(description));
    }
    let _ = write!(html, "<p><a href=\"{}\">Open the incident in the Microsoft portal</a></p>", text::escape(&link));
    html.push_str("<table>");
    row(&mut html, "Incident number", &incident.number.map(|n| n.to_string()).unwrap_or_default());
    row(&mut html, "Incident id", incident.id.as_str());
    whole(&mut html, "Title", &incident.title);
    row(&mut html, "Severity", incident.severity.as_str());
    row(&mut html, "Status", incident.status.as_str());
    if let Some(verdict) = incident.verdict() {
        row(&mut html, "Classification", verdict.classification.words());
        row(&mut html, "Reason", verdict.reason.as_deref().unwrap_or_default());
        row(&mut html, "Closing comment", verdict.comment.as_deref().unwrap_or_default());
    }
    row(&mut html, "Workspace", &workspace.name);
    members(&mut html, "", &incident.raw);
    html.push_str("</table>");
    if let Some(said) = requester::said(policy, incident, evidence, affected) {
        let _ = write!(html, "<p>{}</p>", text::escape(&said));
    }
    if let Some(evidence) = evidence.filter(|_| policy.evidence) {
        html.push_str(&listed("Alerts", &evidence.alerts));
        html.push_str(&listed("Entities", &evidence.entities));
    }
    let _ = write!(html, "<p>Halobridge reference {reference}</p>");
    text::neutralise_mentions_in_html(&html)
}

/// Every further non-null member of the resource, by its path: nothing that Microsoft sent is left out.
fn members(html: &mut String, path: &str, value: &Value) {
    const SHOWN: [&str; 12] = [
        "etag",
        "name",
        "type",
        "properties.title",
        "properties.description",
        "properties.severity",
        "properties.status",
        "properties.incidentNumber",
        "properties.incidentUrl",
        "properties.classification",
        "properties.classificationReason",
        "properties.classificationComment",
    ];
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (name, inner) in map {
                let deeper = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                // Nested records of a webhook body have their own place; what has been shown is not repeated.
                if SHOWN.contains(&deeper.as_str()) || (path == "properties" && is_record_list(inner)) {
                    continue;
                }
                members(html, &deeper, inner);
            }
        }
        Value::Array(list) if list.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let joined: Vec<String> = list
                .iter()
                .filter(|item| !item.is_null())
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect();
            row(html, label(path), &joined.join(", "));
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate().take(LISTED_MAX) {
                members(html, &format!("{path}[{index}]"), inner);
            }
        }
        Value::String(text) => row(html, label(path), text),
        other => row(html, label(path), &other.to_string()),
    }
}

fn is_record_list(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().any(|item| item.get("properties").is_some()))
}

fn label(path: &str) -> &str {
    path.strip_prefix("properties.").unwrap_or(path)
}

/// Alerts or entities as tables, every member that has a value; beyond the first of them they are only counted.
pub(super) fn listed(heading: &str, records: &[Value]) -> String {
    let mut html = String::new();
    if records.is_empty() {
        return html;
    }
    let _ = write!(&mut html, "<h3>{heading} ({})</h3>", records.len());
    for record in records.iter().take(LISTED_MAX) {
        html.push_str("<table>");
        members(&mut html, "", record);
        html.push_str("</table>");
    }
    if records.len() > LISTED_MAX {
        let _ = write!(&mut html, "<p>{} more are kept in Halobridge.</p>", records.len() - LISTED_MAX);
    }
    html
}

/// A moment as people read it in tickets and comments; a side may give none.
pub fn moment(at: Option<jiff::Timestamp>) -> String {
    at.map(|at| time::iso(at).replace('T', " ").split('.').next().unwrap_or_default().to_owned() + " UTC")
        .unwrap_or_else(|| "no date given".to_owned())
}
