//! Pushing a ticket to Sentinel: what its incident says.

use serde_json::json;

use crate::domain::{
    catalogue::{Catalogue, Ref},
    ids::{IncidentId, TicketId},
    incident::{Incident, IncidentStatus, Owner, Severity},
    pair::Base,
    policy::Policy,
    reason::Reason,
    text,
    ticket::{Action, CustomField, Ticket},
    workspace::{Mode, Workspace},
};

use super::{
    adopt, agreed,
    fields::{once, owner},
    mapping, notes,
    situation::Situation,
};

/// Longest title and description that Sentinel takes, in characters (sentinel-api sheet, section 2).
const TITLE_MAX: usize = 150;
const DESCRIPTION_MAX: usize = 5_000;

/// Why nothing may be pushed to a workspace, in one sentence with the remedy.
///
/// # Errors
/// That sentence.
pub fn allowed(mode: Mode) -> Result<(), String> {
    match mode {
        Mode::TwoWay => Ok(()),
        _ => Err("Only a workspace in two-way mode is written to: set its mode to two-way, then push.".into()),
    }
}

/// Why a ticket that is closed is not pushed, in one sentence with the remedy: its incident would begin as new, and nothing
/// would ever close it.
///
/// # Errors
/// That sentence.
pub fn open(policy: &Policy, catalogue: &Catalogue, ticket: &Ticket) -> Result<(), String> {
    if mapping::ticket_closed(policy, catalogue, ticket) {
        return Err(format!(
            "Ticket {} is closed in Halo, and its incident would stay open. Open the ticket again, then push it, or link \
             it to an incident by hand.",
            ticket.id
        ));
    }
    Ok(())
}

/// Provider of the incidents of a workspace that is joined to Defender (sentinel-api sheet, section 8).
pub const DEFENDER: &str = "Microsoft XDR";

/// Whether incidents that are made through the API are not shown in the Defender portal: the workspace is joined to it,
/// as its own settings or the provider of its incidents say.
pub fn joined(workspace: &Workspace, provider: Option<&str>) -> bool {
    workspace.portal == crate::domain::workspace::Portal::Defender || provider == Some(DEFENDER)
}

/// The reference of ours that a ticket carries: it was made here, for an incident.
pub fn ours(ticket: &Ticket) -> Option<String> {
    let texts = ["details", "details_html", "summary"];
    let text = |key: &str| ticket.raw.get(key).and_then(|text| text.as_str());
    let written = texts.into_iter().filter_map(text).find_map(notes::reference_in).map(str::to_owned);
    let in_field = |text: String| notes::reference_in(&text).map(str::to_owned);
    written.or_else(|| ticket.custom_fields.iter().filter_map(CustomField::text).find_map(in_field))
}

/// Whether the policy pushes a ticket that a webhook named. One that we or Halo's own integration made never is: its
/// incident exists already.
pub fn wanted(policy: &Policy, catalogue: &Catalogue, ticket: &Ticket, actions: &[Action]) -> bool {
    if ours(ticket).is_some() || adopt::carried(ticket).is_some() || ticket.deleted || ticket.merged_into.is_some() {
        return false;
    }
    if mapping::ticket_closed(policy, catalogue, ticket) {
        return false;
    }
    let of_type = policy.push.ticket_types.iter().any(|wanted| {
        let mut types = catalogue.ticket_types.iter();
        types.any(|row| ticket.ticket_type_id == Some(row.id) && wanted.means(row.id, &row.name))
    });
    let with_outcome = |action: &Action| {
        policy.push.outcomes.iter().any(|wanted| match wanted {
            Ref::Id(id) => action.outcome_id == Some(*id),
            Ref::Name(name) => action.outcome.as_deref().is_some_and(|o| o.trim().eq_ignore_ascii_case(name.trim())),
        })
    };
    of_type || actions.iter().any(with_outcome)
}

/// What the description of a pushed incident begins with; the ticket's number follows.
const FROM: &str = "Pushed from Halo ticket ";

/// The ticket that an incident was pushed from: its description names it, and its id is derived from it. Whoever meets
/// the incident first, a poll, a webhook or a restored installation, knows it again.
pub fn pushed_from(halo_tenant: &str, incident: &Incident) -> Option<TicketId> {
    let named = incident.description.as_deref()?.strip_prefix(FROM)?;
    let number: String = named.chars().take_while(char::is_ascii_digit).collect();
    let ticket = TicketId(number.parse().ok()?);
    (IncidentId::pushed(halo_tenant, ticket) == incident.id).then_some(ticket)
}

/// Whether the incident of a pair is still to be made: all that is known of it is what was drafted from its ticket.
pub fn unmade(s: &Situation<'_>) -> bool {
    let derived = |ticket| IncidentId::pushed(s.halo_tenant, ticket) == s.incident.id;
    s.incident.drafted() && s.pair.ticket.is_some_and(derived)
}

/// The incident of a ticket, as it is written. Its id is derived from the ticket: pushed again it is the same one.
///
/// # Errors
/// A priority that means no severity: nothing is guessed.
pub fn draft(
    halo_tenant: &str,
    ticket: &Ticket,
    ticket_url: Option<&str>,
    policy: &Policy,
    catalogue: &Catalogue,
) -> Result<Incident, Reason> {
    let severity: Severity = match ticket.priority_id {
        Some(priority) => mapping::severity_back(policy, catalogue, priority)?,
        None => return Err(Reason::Unmapped { table: "severity".into(), value: Reason::NO_PRIORITY.into() }),
    };
    let id = IncidentId::pushed(halo_tenant, ticket.id);
    let subject = text::line(&ticket.summary);
    let subject = if subject.is_empty() { format!("Halo ticket {}", ticket.id) } else { subject };
    let details = ticket.raw.get("details").and_then(|details| details.as_str()).unwrap_or_default();
    let address = ticket_url.map(|base| format!("\n{base}{}", ticket.id)).unwrap_or_default();
    let description = format!("{FROM}{}.{address}\n\n{}", ticket.id, text::neutralise_mentions(&text::clean(details)));
    let description = text::cut(description.trim(), DESCRIPTION_MAX);
    Ok(Incident {
        resource_id: String::new(),
        etag: None,
        number: None,
        title: text::cut(&subject, TITLE_MAX),
        severity,
        status: IncidentStatus::New,
        classification: None,
        classification_reason: None,
        classification_comment: None,
        owner: Owner::default(),
        labels: Vec::new(),
        first_activity: None,
        last_activity: None,
        created: None,
        modified: None,
        alerts_count: 0,
        comments_count: 0,
        url: None,
        provider_name: None,
        provider_incident_id: None,
        provider_url: None,
        raw: json!({ "name": id.as_str(), "properties": { "description": description } }).into(),
        description: Some(description),
        id,
    })
}

/// The same for a pair whose incident is still to be made. A row of a list lacks the ticket's details: then they stay as they
/// were drafted.
///
/// # Errors
/// As [`draft`].
pub(super) fn draft_again(s: &Situation<'_>, ticket: &Ticket) -> Result<Incident, Reason> {
    let drafted = draft(s.halo_tenant, ticket, s.ticket_url, s.policy, s.catalogue)?;
    if ticket.raw.get("details").is_some_and(|details| details.is_string()) {
        return Ok(drafted);
    }
    let Incident { description, raw, .. } = s.incident.clone();
    Ok(Incident { description, raw, ..drafted })
}

/// What both sides agree on from then on: the incident says what the ticket said. It begins as new and as nobody's: where
/// the ticket is in hand already, that is a change of an agent's that is still to cross.
pub fn base(policy: &Policy, catalogue: &Catalogue, incident: &Incident, ticket: &Ticket) -> Base {
    let closed = mapping::ticket_closed(policy, catalogue, ticket);
    let mut base = agreed::with_ticket(agreed::at_creation(incident), ticket, closed);
    let begun = incident.status == IncidentStatus::New;
    if begun && !closed && !mapping::status_means(policy, catalogue, ticket, &incident.status) {
        base.status_id = None;
    }
    if incident.owner.is_none() && ticket.agent_id.is_some_and(|agent| agent > owner::UNASSIGNED) {
        base.agent_id = None;
    }
    base.joined.insert(once::JOINED.to_owned());
    base.linked = true;
    base
}
