//! The verdict an agent gave, and what a closure says on the other side.

use jiff::Timestamp;

use crate::domain::{
    catalogue::{Catalogue, FieldDefinition, Named},
    closing::{Classification, Verdict},
    ids::ActionKey,
    incident::{Incident, IncidentStatus},
    pair::Base,
    policy::{MissingVerdict, Policy},
    reason::Reason,
    text,
    ticket::{Action, Ticket},
    time,
};

use super::{fields::mapped, mapping, notes::words, situation::Situation};

/// Longest closing comment sent to Sentinel, in characters (no limit is published; ours, sheet section 2).
const COMMENT_MAX: usize = 3_000;
/// How what a closing of ours says on the ticket begins.
const CLOSED_IN_SENTINEL: &str = "Closed in Microsoft Sentinel";

/// The verdict for closing the incident of a closed ticket.
///
/// Looked for in the policy's classification field, then in the native integration's fields of the
/// newest action that has them, then in the policy's rule for none.
///
/// # Errors
/// [`Reason::VerdictMissing`] when the policy asks, [`Reason::VerdictRefused`] for a pair Microsoft refuses,
/// [`Reason::Unmapped`] when the agent chose what no row maps: that is no missing one.
pub fn verdict(policy: &Policy, catalogue: &Catalogue, ticket: &Ticket, actions: &[Action]) -> Result<Verdict, Reason> {
    let mut verdict = match given(policy, catalogue, ticket, actions) {
        Some(verdict) => verdict,
        None => match (unmapped(policy, catalogue, ticket), &policy.missing_verdict) {
            (Some(value), _) => return Err(Reason::Unmapped { table: "classification".into(), value }),
            (None, MissingVerdict::Default { verdict }) => verdict.clone(),
            (None, MissingVerdict::Ask) => return Err(Reason::VerdictMissing),
        },
    };
    let said = ticket.closure_note.as_deref().map(text::html_to_text).filter(|note| !note.trim().is_empty());
    let comment = [Some(closed_in_halo(ticket)), said, verdict.comment.take()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n");
    verdict.comment = Some(text::cut(&text::neutralise_mentions(&comment), COMMENT_MAX));
    verdict.checked().map_err(|refused| Reason::VerdictRefused { why: refused.to_string() })
}

/// How what a closing of ours says on the incident begins.
pub fn closed_in_halo(ticket: &Ticket) -> String {
    format!("Closed in Halo (ticket {}).", ticket.id)
}

/// When the ticket was closed, where its reading tells.
pub fn closed_at(ticket: &Ticket) -> Option<Timestamp> {
    ticket.raw.get("dateclosed").and_then(|value| time::parse(value.as_str()?))
}

/// Whether either record says that it was closed by us, for a closing of the other one.
pub fn told_by_us(incident: &Incident, ticket: &Ticket) -> bool {
    told_on_ticket(ticket) || told_on_incident(incident, ticket)
}

/// Whether the ticket says that it was closed by us, for a closing of its incident.
pub fn told_on_ticket(ticket: &Ticket) -> bool {
    said_on_ticket(ticket).starts_with(&words::letters(CLOSED_IN_SENTINEL))
}

/// Whether a ticket that several incidents share says so of the one that is called `name`.
pub fn told_of_one(ticket: &Ticket, name: &str) -> bool {
    said_on_ticket(ticket).contains(&words::letters(&format!("{name}: {CLOSED_IN_SENTINEL}")))
}

fn said_on_ticket(ticket: &Ticket) -> String {
    words::letters(&ticket.closure_note.as_deref().map(text::html_to_text).unwrap_or_default())
}

/// Whether the incident says that it was closed by us, for a closing of its ticket.
pub fn told_on_incident(incident: &Incident, ticket: &Ticket) -> bool {
    let comment = incident.classification_comment.as_deref().unwrap_or_default();
    words::letters(comment).starts_with(&words::letters(&closed_in_halo(ticket)))
}

/// Whether the incident says what our closing of it for the ticket's verdict would: after a restore nothing else tells that
/// it was ours.
pub fn ours_on_incident(incident: &Incident, wanted: Option<&Verdict>, ticket: &Ticket) -> bool {
    let said = incident.verdict().and_then(|verdict| verdict.comment).unwrap_or_default();
    let wanted = wanted.and_then(|wanted| wanted.comment.clone()).unwrap_or_else(|| closed_in_halo(ticket));
    words::letters(&said) == words::letters(&wanted)
}

/// Whether the ticket says what our closing of it for the incident would.
pub fn ours_on_ticket(incident: &Incident, ticket: &Ticket) -> bool {
    let said = ticket.closure_note.as_deref().map(text::html_to_text).unwrap_or_default();
    words::letters(&said) == words::letters(&closure_note(incident))
}

/// The verdict that the ticket itself tells, if any.
pub fn given(policy: &Policy, catalogue: &Catalogue, ticket: &Ticket, actions: &[Action]) -> Option<Verdict> {
    from_field(policy, catalogue, ticket).or_else(|| from_actions(policy, actions))
}

/// The ticket as far as it speaks for an agent: without what we wrote on it at an earlier closing and nobody has changed
/// since, and without a closing note that may have been written while it belonged to another client.
pub fn of_agent(base: &Base, ticket: &Ticket) -> Ticket {
    let mut ticket = ticket.clone();
    ticket.closure_note = ticket.closure_note.filter(|_| base.foreign.is_empty());
    let Some(own) = &base.own_closing else { return ticket };
    ticket.closure_note = ticket.closure_note.and_then(|note| {
        let (said, ours) = (text::unjointed(&text::html_to_text(&note)), text::unjointed(&own.note));
        if words::letters(&said) == words::letters(&ours) {
            return None;
        }
        // An agent who wrote below our words said the rest alone.
        let rest = said.trim().strip_prefix(ours.trim()).map(|rest| text::text_to_html(rest.trim()));
        Some(rest.unwrap_or(note))
    });
    let ours = |id: i64, value: &serde_json::Value| {
        own.fields.get(&id.to_string()).is_some_and(|written| is_written(value, written))
    };
    ticket.custom_fields.retain(|field| !ours(field.id, &field.value));
    ticket
}

/// Forgets what we wrote into a ticket's fields at a closing, once somebody has changed it: what is chosen there from then
/// on is an agent's choice, also when it is the same one.
pub fn forget_changed(base: &mut Base, ticket: &Ticket) {
    if let Some(own) = &mut base.own_closing {
        own.fields.retain(|id, value| {
            let field = id.parse().ok().and_then(|id| ticket.custom_field(id));
            match field {
                Some(field) => is_written(&field.value, value),
                None => value.is_empty() || !ticket.tells_fields(),
            }
        });
    }
}

/// The classification field, emptied: of a ticket that is open again, where what stands there is what we wrote at its
/// closing. So the question for the classification is asked afresh.
pub fn emptied(
    policy: &Policy,
    catalogue: &Catalogue,
    base: &Base,
    ticket: &Ticket,
) -> Option<(i64, serde_json::Value)> {
    let own = base.own_closing.as_ref().filter(|own| !own.emptied)?;
    let id = mapped::custom_id(catalogue, policy.classification_field.as_ref()?).ok()?;
    let written = own.fields.get(&id.to_string()).filter(|written| !written.is_empty())?;
    let stands = is_written(&ticket.custom_field(id)?.value, written);
    stands.then(|| (id, "".into()))
}

/// Whether both sides last agreed on being closed.
pub fn both_closed(base: &Base) -> bool {
    base.ticket_closed && base.incident_status == Some(IncidentStatus::Closed)
}

/// Whether the matter is closed on both sides, agreed and still so: what arrives now arrives after closing.
pub fn shut(s: &Situation<'_>) -> bool {
    let closed = |ticket: &Ticket| mapping::ticket_closed(s.policy, s.catalogue, ticket);
    both_closed(&s.pair.base) && s.incident.closed() && s.ticket.is_some_and(closed)
}

fn from_field(policy: &Policy, catalogue: &Catalogue, ticket: &Ticket) -> Option<Verdict> {
    chosen(policy, catalogue, ticket)?.iter().find_map(|text| named(policy, text))
}

/// What an agent chose in the classification field, where no row maps it.
fn unmapped(policy: &Policy, catalogue: &Catalogue, ticket: &Ticket) -> Option<String> {
    // Halo's own ways to say that nothing is chosen.
    let nothing = |text: &String| ["", "0", "-1"].contains(&text.trim());
    let texts = chosen(policy, catalogue, ticket)?;
    let none = texts.iter().all(nothing) || texts.iter().any(|text| named(policy, text).is_some());
    texts.into_iter().rev().find(|text| !nothing(text)).filter(|_| !none)
}

/// What stands in the classification field, in each of its forms: as shown, as stored, and the option's name.
fn chosen(policy: &Policy, catalogue: &Catalogue, ticket: &Ticket) -> Option<Vec<String>> {
    use crate::domain::catalogue::Ref;
    let wanted = policy.classification_field.as_ref()?;
    let name = match wanted {
        Ref::Id(id) => id.to_string(),
        Ref::Name(name) => name.clone(),
    };
    let definition = catalogue.field(&name);
    let field = match (definition, wanted) {
        (Some(definition), _) => ticket.custom_field(definition.id),
        (None, Ref::Id(id)) => ticket.custom_field(*id),
        (None, Ref::Name(name)) => ticket.custom_fields.iter().find(|f| f.name.eq_ignore_ascii_case(name)),
    }?;
    let mut texts: Vec<String> = field.text().into_iter().collect();
    for value in entries(&field.value) {
        let raw = match value {
            serde_json::Value::String(text) => text.clone(),
            // An option's id may come as 1.0.
            other => {
                let whole = other.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 1e15);
                whole.map_or_else(|| other.to_string(), |id| format!("{id:.0}"))
            }
        };
        // A select's value is its option's id; its name is in the look-up.
        let option = definition.and_then(|d| d.options.iter().find(|o| o.id.to_string() == raw));
        texts.push(raw);
        texts.extend(option.map(|option| option.name.clone()));
    }
    (!texts.is_empty()).then_some(texts)
}

/// Whether a field's value is what we wrote into it, in whatever form it is handed out.
pub(super) fn is_written(value: &serde_json::Value, written: &str) -> bool {
    let part = || entries(value).into_iter().any(|entry| mapped::plain(entry) == written);
    mapped::plain(value) == written || !written.is_empty() && part()
}

/// What a field's value is made of: some instances hand out a select's value as a list of objects, id and name each.
pub(super) fn entries(value: &serde_json::Value) -> Vec<&serde_json::Value> {
    use serde_json::Value;
    match value {
        Value::Null => Vec::new(),
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        Value::Array(items) => items.iter().flat_map(entries).collect(),
        Value::Object(members) => {
            let told = ["id", "value", "label", "display", "name"].into_iter().filter_map(|name| members.get(name));
            told.flat_map(entries).collect()
        }
        other => vec![other],
    }
}

/// Whether an action bears a classification, in the native integration's field.
fn classifies(action: &Action) -> bool {
    action.sentinel_classification.as_deref().is_some_and(|text| !text.trim().is_empty())
}

/// The newest action that closed the ticket with a classification and after which it was opened again, as far as its
/// reading tells: one of the very second may as well be of a closing that the reading does not show yet.
pub fn spent(policy: &Policy, catalogue: &Catalogue, ticket: &Ticket, actions: &[Action]) -> Option<ActionKey> {
    let seen = ticket.last_update?.as_second();
    let closes = |action: &Action| action.new_status.is_some_and(|id| mapping::closes(policy, catalogue, id));
    let before = |action: &Action| action.at.is_some_and(|at| at.as_second() < seen);
    let one = actions.iter().rev().find(|action| classifies(action) && closes(action) && before(action))?;
    Some(one.key)
}

/// The actions that may tell how the ticket was closed this time: not those up to the one that closed it before it was
/// opened again.
pub fn of_this_closing<'a>(base: &Base, actions: &'a [Action]) -> &'a [Action] {
    let spent = base.spent.and_then(|key| actions.iter().position(|action| action.key == key));
    spent.and_then(|place| actions.get(place + 1..)).unwrap_or(actions)
}

fn from_actions(policy: &Policy, actions: &[Action]) -> Option<Verdict> {
    let action = actions.iter().rev().find(|action| classifies(action))?;
    let mut verdict = named(policy, action.sentinel_classification.as_deref()?)?;
    if let Some(reason) = action.sentinel_classification_reason.as_deref().filter(|r| !r.trim().is_empty()) {
        verdict.reason = Some(squeezed(reason));
    }
    Some(verdict)
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric()).collect()
}

/// A verdict by its name in the policy's table, or by Microsoft's own words (`True positive`,
/// `FalsePositive - InaccurateData`, …).
pub fn named(policy: &Policy, text: &str) -> Option<Verdict> {
    let key = text.trim().to_lowercase();
    if let Some(verdict) = policy.classifications.get(&key) {
        return Some(verdict.clone());
    }
    let flat = squeezed(text).to_lowercase();
    let known = [
        Classification::TruePositive,
        Classification::BenignPositive,
        Classification::FalsePositive,
        Classification::Undetermined,
    ];
    known.into_iter().find_map(|classification| {
        let rest = flat.strip_prefix(&classification.as_str().to_lowercase())?;
        let reason = crate::domain::closing::ALLOWED
            .iter()
            .filter(|(c, _)| *c == classification)
            .filter_map(|(_, r)| *r)
            .find(|r| r.to_lowercase() == rest);
        (rest.is_empty() || reason.is_some()).then(|| Verdict {
            classification,
            reason: reason.map(str::to_owned),
            comment: None,
        })
    })
}

/// What the ticket's closing note says of a closed incident.
pub fn closure_note(incident: &Incident) -> String {
    let Some(verdict) = incident.verdict() else { return format!("{CLOSED_IN_SENTINEL}.") };
    let mut note = format!("{CLOSED_IN_SENTINEL} as {}", verdict.classification.words());
    if let Some(reason) = &verdict.reason {
        note.push_str(&format!(" ({reason})"));
    }
    note.push('.');
    if let Some(comment) = verdict.comment.as_deref().filter(|c| !c.trim().is_empty()) {
        note.push(' ');
        note.push_str(&text::neutralise_mentions(&text::clean(comment)));
    }
    note
}

/// The policy's classification field. An id is believed, also where the look-up lacks it.
fn field<'a>(policy: &Policy, catalogue: &'a Catalogue) -> Option<(i64, Option<&'a FieldDefinition>)> {
    use crate::domain::catalogue::Ref;
    match policy.classification_field.as_ref()? {
        Ref::Id(id) => Some((*id, catalogue.fields.iter().find(|f| f.id == *id))),
        Ref::Name(name) => catalogue.field(name).map(|definition| (definition.id, Some(definition))),
    }
}

/// The classification field's value for a closed incident, where the policy has such a field and a fitting option; in words
/// where the field has no options, or nothing is known of them.
pub fn field_of_verdict(
    policy: &Policy,
    catalogue: &Catalogue,
    incident: &Incident,
) -> Option<(i64, serde_json::Value)> {
    let verdict = incident.verdict()?;
    let (id, definition) = field(policy, catalogue)?;
    match definition.filter(|definition| !definition.options.is_empty()) {
        Some(definition) => option_of(policy, definition, &verdict).map(|option| (id, option.id.into())),
        None => {
            let name = policy.classifications.iter().find(|(_, v)| same(v, &verdict)).map(|(name, _)| name.clone());
            Some((id, name.unwrap_or_else(|| verdict.classification.words().to_owned()).into()))
        }
    }
}

/// What the ticket cannot say of how its incident was closed: the policy's field is a select in which no choice stands for
/// that.
pub fn without_choice(policy: &Policy, catalogue: &Catalogue, incident: &Incident) -> Option<Reason> {
    let verdict = incident.verdict()?;
    let (_, Some(definition)) = field(policy, catalogue)? else { return None };
    let lacks = !definition.options.is_empty() && option_of(policy, definition, &verdict).is_none();
    lacks.then(|| Reason::Unmapped { table: "classification".into(), value: verdict.words() })
}

/// The classification field by the name agents see, and its choices that stand for a verdict; `None` without a field.
pub fn choices(policy: &Policy, catalogue: &Catalogue) -> Option<(String, Vec<String>)> {
    use crate::domain::catalogue::Ref;
    let wanted = match policy.classification_field.as_ref()? {
        Ref::Id(id) => id.to_string(),
        Ref::Name(name) => name.clone(),
    };
    let definition = catalogue.field(&wanted);
    let label = definition.map(|d| d.label.clone().filter(|l| !l.trim().is_empty()).unwrap_or_else(|| d.name.clone()));
    let options = definition.into_iter().flat_map(|d| &d.options).map(|option| option.name.clone());
    // What Microsoft would refuse is no choice.
    let taken = |name: &String| named(policy, name).is_some_and(|verdict| verdict.checked().is_ok());
    let mut names: Vec<String> = options.filter(taken).collect();
    if names.is_empty() {
        names.extend(crate::domain::closing::ALLOWED.iter().filter_map(|(classification, reason)| {
            let said = |reason: Option<&str>| Verdict {
                classification: classification.clone(),
                reason: reason.map(str::to_owned),
                comment: None,
            };
            // The reason is told only where the classification alone leaves it open.
            let alone = said(None);
            let verdict = if alone.clone().checked().is_ok() { alone } else { said(*reason) };
            verdict.clone().checked().is_ok().then(|| verdict.words())
        }));
        names.dedup();
    }
    Some((label.unwrap_or(wanted), names))
}

/// The choice of the classification field that stands for a verdict.
pub fn option_of<'a>(policy: &Policy, definition: &'a FieldDefinition, verdict: &Verdict) -> Option<&'a Named> {
    let fits = |name: &str| named(policy, name).is_some_and(|v| same(&v, verdict));
    definition.options.iter().find(|o| fits(&o.name) || fits(&o.id.to_string()))
}

/// Whether two verdicts are one; a reason that one of them does not tell does not count.
pub fn same(a: &Verdict, b: &Verdict) -> bool {
    a.classification == b.classification && (a.reason.is_none() || b.reason.is_none() || a.reason == b.reason)
}
