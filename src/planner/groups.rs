//! Incidents that share a ticket by the policy's rule: what they must have in common, and what becomes of the ticket's
//! fields, closing and words while several incidents stand behind it.
//!
//! Status and owner cross between the ticket and each of its incidents as ever. All other fields, closing and opening
//! again are written for the first pair of the ticket alone ([`leads`]), so that each is written once.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::{
    catalogue::Catalogue,
    failure::Side,
    group::Mate,
    incident::{Evidence, Incident, Severity},
    operation::OperationKind,
    pair::{Agreed, Base, OwnClosing, Pair},
    policy::{GroupBy, GroupRule, Policy},
    reason::Reason,
    text,
    ticket::Ticket,
    workspace::Mode,
};

use super::{
    agreed, closing, conflict, draft,
    fields::mapped,
    mapping,
    notes::{self, words},
    plan::Plan,
    situation::Situation,
};

/// Keys of one incident, at most: what is named beyond them groups nothing.
const KEYS_MAX: usize = 64;

/// What an incident can be grouped by, each with its words: of all kinds that the rule names one value each. Two
/// incidents belong together when they have one of these in common.
pub fn keys(rule: &GroupRule, incident: &Incident, evidence: Option<&Evidence>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = vec![(String::new(), String::new())];
    for by in &rule.by {
        let values = values(*by, incident, evidence);
        let joined = found.iter().flat_map(|(key, words)| {
            values.iter().map(move |(value, said)| {
                let and = if words.is_empty() { "" } else { " and " };
                (format!("{key}/{}={value}", by.as_str()), format!("{words}{and}{said}"))
            })
        });
        found = joined.take(KEYS_MAX).collect();
    }
    found.retain(|(key, _)| !key.is_empty());
    found
}

/// Whether the rule groups by entities, and nothing but that no entity of the incident shows keeps it from being grouped.
pub fn awaits(rule: &GroupRule, incident: &Incident, read: &Evidence) -> bool {
    let (entities, others): (Vec<GroupBy>, Vec<GroupBy>) =
        rule.by.iter().copied().partition(|by| *by != GroupBy::AnalyticsRule);
    let told = |by: &GroupBy| !values(*by, incident, None).is_empty();
    !entities.is_empty() && read.entities.is_empty() && others.iter().all(told)
}

/// An incident's values of a kind, each with its words.
fn values(by: GroupBy, incident: &Incident, evidence: Option<&Evidence>) -> Vec<(String, String)> {
    let entities = evidence.map(|evidence| evidence.entities.as_slice()).unwrap_or_default();
    let of = |wanted: &str| entities.iter().filter(|entity| kind(entity) == wanted).flat_map(named).collect();
    let mut found: Vec<(String, String)> = match by {
        GroupBy::AnalyticsRule => {
            let rules = incident.raw.pointer("/properties/relatedAnalyticRuleIds").and_then(Value::as_array);
            let ids = rules.into_iter().flatten().filter_map(Value::as_str);
            let id = |id: &str| id.rsplit('/').next().unwrap_or(id).to_lowercase();
            ids.map(id).map(|id| (id.clone(), format!("analytics rule {id}"))).collect()
        }
        GroupBy::Host => of("host"),
        GroupBy::Account => of("account"),
        GroupBy::MainEntity => {
            let main = entities.iter().find(|entity| ["host", "account"].contains(&kind(entity).as_str()));
            main.map(named).unwrap_or_default()
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|(value, _)| !value.is_empty() && seen.insert(value.clone()));
    found
}

fn kind(entity: &Value) -> String {
    entity.get("kind").and_then(Value::as_str).unwrap_or_default().to_lowercase()
}

/// The names that a host or an account is known by, each with its words: alerts name the same one in several ways.
fn named(entity: &Value) -> Vec<(String, String)> {
    let text = |key: &str| {
        let value = entity.pointer(&format!("/properties/{key}")).and_then(Value::as_str).map(str::trim);
        value.filter(|text| !text.is_empty()).map(str::to_lowercase)
    };
    let shown = |value: Option<String>, what: &str, shown: &Option<String>| {
        value.map(|value| (format!("{what}:{value}"), format!("{what} {}", shown.as_ref().unwrap_or(&value))))
    };
    let names = if kind(entity) == "host" {
        let full = match (text("hostName"), text("dnsDomain")) {
            (Some(host), Some(domain)) if !host.ends_with(&format!(".{domain}")) => Some(format!("{host}.{domain}")),
            (host, _) => host,
        };
        vec![shown(full.clone(), "host", &full), shown(text("azureID"), "host", &full)]
    } else {
        let upn = match (text("accountName"), text("upnSuffix")) {
            (Some(name), _) if name.contains('@') => Some(name),
            (Some(name), Some(suffix)) => Some(format!("{name}@{suffix}")),
            _ => None,
        };
        let old = text("ntDomain").zip(text("accountName")).map(|(domain, name)| format!("{domain}\\{name}"));
        let name = upn.clone().or_else(|| old.clone());
        let ids = [upn, old, text("aadUserId"), text("sid")];
        ids.into_iter().map(|value| shown(value, "account", &name)).collect()
    };
    names.into_iter().flatten().collect()
}

/// The incidents that share the pair's ticket with it and count: neither merged away nor gone.
pub fn mates<'a>(s: &Situation<'a>) -> impl Iterator<Item = &'a Mate> {
    let ticket = s.pair.ticket;
    s.mates.iter().filter(move |mate| mate.ticket == ticket && counts(mate))
}

/// Whether an incident counts among those of its ticket.
pub fn counts(mate: &Mate) -> bool {
    mate.gone != Some(Side::Sentinel) && !mate.incident.redirected()
}

/// Whether other incidents stand behind the pair's ticket.
pub fn shares(s: &Situation<'_>) -> bool {
    s.pair.ticket.is_some() && mates(s).next().is_some()
}

/// Whether the ticket's fields and closing are written for this pair: it is the first of those that count.
pub fn leads(s: &Situation<'_>) -> bool {
    mates(s).all(|mate| mate.pair > s.pair.id)
}

/// Whether what concerns the open incidents of a ticket alone is written for this pair: it is the first of them.
pub fn first_open(s: &Situation<'_>) -> bool {
    mates(s).all(|mate| mate.pair > s.pair.id || mate.incident.closed())
}

/// What we wrote on the ticket when we closed it last, where that was for another pair, and after what is known by `own`.
/// Of a ticket that has not been read since nobody could tell what was changed after it.
pub fn own_closing<'a>(s: &Situation<'a>, own: Option<&OwnClosing>) -> Option<&'a OwnClosing> {
    let read = s.ticket?.last_update;
    let here = s.mates.iter().filter(|mate| mate.ticket == s.pair.ticket);
    let theirs = here.filter_map(|mate| mate.own_closing.as_ref()).max_by_key(|theirs| theirs.at)?;
    if read < theirs.at {
        return None;
    }
    own.is_none_or(|own| own.at < theirs.at).then_some(theirs)
}

/// The severity that the ticket's priority goes by: the highest of the open incidents.
pub fn severity(s: &Situation<'_>) -> Severity {
    let own = std::iter::once(s.incident);
    let open = own.chain(mates(s).map(|mate| &mate.incident)).filter(|incident| !incident.closed());
    // `Severity` is ordered from the most severe on.
    open.map(|incident| &incident.severity).min().unwrap_or(&s.incident.severity).clone()
}

/// Whether a closed incident leaves its ticket open: another one is open still, or the first pair closes it.
pub fn holds_open(s: &Situation<'_>, ticket_closed: bool) -> bool {
    let closed = s.incident.closed() && !ticket_closed && shares(s);
    closed && (!leads(s) || mates(s).any(|mate| !mate.incident.closed()))
}

/// The newest version of another incident of the ticket that is open.
pub fn open_beside(s: &Situation<'_>) -> Option<Timestamp> {
    mates(s).filter(|mate| !mate.incident.closed()).filter_map(|mate| mate.incident.modified).max()
}

/// What the closing note of a ticket says: of each of its incidents how it was closed.
pub fn closure_note(s: &Situation<'_>) -> String {
    if !shares(s) {
        return closing::closure_note(s.incident);
    }
    let all = std::iter::once(s.incident).chain(mates(s).map(|mate| &mate.incident));
    all.map(closed_as).collect::<Vec<_>>().join("\n")
}

/// How one of several incidents was closed, as their ticket's closing note says it.
fn closed_as(incident: &Incident) -> String {
    format!("{}: {}", text::neutralise_mentions(&incident.name()), closing::closure_note(incident))
}

/// Whether the ticket says of the incident what our closing of it would; where it took no closing note, whether our last
/// closing of it, which is `own`, did.
pub fn ours_on_ticket(s: &Situation<'_>, ticket: &Ticket, own: Option<&OwnClosing>) -> bool {
    if !shares(s) {
        return closing::ours_on_ticket(s.incident, ticket);
    }
    let wanted = words::letters(&closed_as(s.incident));
    let said = ticket.closure_note.as_deref().map(text::html_to_text).unwrap_or_default();
    if !said.trim().is_empty() {
        return words::letters(&said).contains(&wanted);
    }
    let since = |own: &OwnClosing| match (closing::closed_at(ticket), own.at) {
        (Some(closed), Some(at)) => closed > at + conflict::SLACK,
        _ => false,
    };
    own.is_some_and(|own| words::letters(&own.note).contains(&wanted) && !since(own))
}

/// Whether the ticket says that it was closed by us, for a closing of the incident.
pub fn told_on_ticket(s: &Situation<'_>, ticket: &Ticket) -> bool {
    // It may have been shared when it was closed, and be so no more; or the other way round.
    let name = text::neutralise_mentions(&s.incident.name());
    closing::told_on_ticket(ticket) || closing::told_of_one(ticket, &name)
}

/// Where a comment was written, as the head of its note says it.
pub fn place(s: &Situation<'_>) -> String {
    if shares(s) { format!("Comment on incident {}", s.incident.name()) } else { "Comment".to_owned() }
}

/// The incident whose ticket this one waits for. One whose ticket a person gave up gets none that could be shared.
pub fn waits_for<'a>(s: &Situation<'a>) -> Option<&'a Mate> {
    s.mates.iter().find(|mate| counts(mate) && !mate.given_up && mate.pair < s.pair.id)
}

/// Whether another incident gets a ticket in the place of one that is gone before this one does: a closed one gets none.
pub fn healed_before(s: &Situation<'_>) -> bool {
    s.mates.iter().any(|mate| counts(mate) && mate.pair < s.pair.id && !mate.incident.closed())
}

/// Tells the ticket once of an incident that joined it.
pub(super) fn told(s: &Situation<'_>, out: &mut Plan) {
    let Some(group) = s.pair.group.as_ref().filter(|group| group.first != s.pair.id) else { return };
    let (Some(ticket), Some(actions)) = (s.pair.ticket, s.actions) else { return };
    let reference = notes::own_reference(s, &format!("joined/{ticket}"));
    // The survivor of a merge is told of by the one that was merged; where only comments cross nothing else is said.
    if s.pair.merged
        || s.workspace.mode == Mode::CommentOnly
        || actions.iter().any(|action| notes::carries(action, &reference))
    {
        return;
    }
    let incident = s.incident;
    let owner = incident.owner.key().map(|owner| format!(", held by {owner}")).unwrap_or_default();
    let words = format!(
        "Incident {} ({}, {}{owner}) shares this ticket: {}.",
        incident.name(),
        incident.severity,
        incident.status,
        group.why
    );
    let link = draft::portal_link(s.workspace, incident);
    let mut note = notes::own_note(s, &words, reference);
    let anchor = format!("<p><a href=\"{}\">Open the incident in the Microsoft portal</a></p>", text::escape(&link));
    note.html = note.html.replacen("</p>", &format!("</p>{anchor}"), 1);
    note.text = note.text.replacen("\n\n", &format!("\n{link}\n\n"), 1);
    let reason = Reason::Grouped { why: group.why.clone() };
    out.push(OperationKind::AddNote { comment: None, edit: 0, said: None, note }, reason);
}

/// Why no incident joins a ticket any more; `None` when one may. `others` are all pairs of the group but `pair`.
pub fn shut(
    rule: &GroupRule,
    (policy, catalogue): (&Policy, &Catalogue),
    (pair, incident, ticket): (&Pair, &Incident, Option<&Ticket>),
    others: &[Mate],
    joining: usize,
) -> Option<String> {
    let here = others.iter().filter(|mate| mate.ticket == pair.ticket);
    let named = pair.ticket.map_or_else(|| "not made yet".to_owned(), |ticket| ticket.to_string());
    if here.clone().count() + 1 + joining >= usize::try_from(rule.most).unwrap_or(usize::MAX) {
        return Some(format!("ticket {named} is shared by {} incidents already", rule.most));
    }
    let gone = pair.gone == Some(Side::Halo) || ticket.is_some_and(|t| t.deleted || t.merged_into.is_some());
    let elsewhere = ticket.is_some_and(|ticket| ticket.client_id != Some(pair.halo_client_id));
    if gone || elsewhere {
        return Some(format!("ticket {named} is not there for it any more"));
    }
    let open = |incident: &Incident| !incident.closed() && !incident.redirected();
    let any_open =
        pair.gone.is_none() && open(incident) || here.filter(|mate| counts(mate)).any(|mate| open(&mate.incident));
    let closed = ticket.is_some_and(|ticket| mapping::ticket_closed(policy, catalogue, ticket));
    (closed || !any_open).then(|| format!("ticket {named} is closed"))
}

/// What an incident and the ticket that it joins agree on from the start. Where the incident says nothing of its own it
/// follows the ticket: its status becomes the ticket's, and it gets the ticket's agent if it has no owner.
pub fn base_of_joined(
    policy: &Policy,
    catalogue: &Catalogue,
    (incident, evidence): (&Incident, Option<&Evidence>),
    ticket: &Ticket,
) -> Base {
    let mut base = agreed::with_ticket(agreed::at_creation(incident), ticket, false);
    base.status_id = mapping::status(policy, catalogue, &incident.status).ok().or(ticket.status_id);
    let fallback = ticket.agent_id.is_some() && ticket.agent_id == mapping::fallback_agent(policy, catalogue);
    if incident.owner.is_none() && !fallback {
        base.agent_id = None;
    }
    // Should its pair come to lead, what the ticket says is not overwritten for that alone.
    for mapping in policy.fields.iter().filter(|mapping| mapping.rule.to_halo() && !mapping.is_subject()) {
        if mapped::unread(mapping, incident, evidence) {
            base.joined.insert(mapping.field.to_string());
            continue;
        }
        if let Ok(placed) = mapped::place(catalogue, incident, evidence, mapping) {
            base.fields.insert(placed.key(), Agreed { sentinel: placed.text(), halo: None });
        }
    }
    base
}

/// How an incident is called where it is said why another one joined it.
pub fn why(words: &str, first: &Incident, rule: &GroupRule) -> String {
    format!("the same {words} as {} within {} hours", first.name(), rule.hours)
}
