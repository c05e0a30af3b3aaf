//! Merges in Defender (`Redirected`): the ticket follows the incident that is left, comments are carried over, and
//! where two tickets meet one is proposed for merging. A merge alone never closes a ticket.

use std::collections::BTreeMap;

use crate::domain::{
    decision::Decision,
    drift::DriftRule,
    failure::Side,
    ids::{ActionKey, CommentId, IncidentId, TicketId},
    incident::{Comment, Incident, IncidentStatus},
    merge::{Merge, MergedFrom, Survivor},
    operation::{Carried, OperationKind, OperationState},
    pair::{Base, NoteLink},
    reason::Reason,
    text,
    ticket::Ticket,
};

use super::{
    conflict,
    draft::moment,
    drift,
    fields::owner,
    notes::{self, budget, words},
    plan::Plan,
    situation::Situation,
};

/// The number of the incident that a merged one went into, where the service tells it (a preview member).
pub fn told_number(incident: &Incident) -> Option<i64> {
    let told = incident.raw.pointer("/properties/additionalData/mergedIncidentNumber")?;
    told.as_i64().or_else(|| told.as_str()?.trim().parse().ok()).filter(|number| *number > 0)
}

/// The incident that a person named.
pub fn decided(decisions: &[Decision]) -> Option<IncidentId> {
    decisions.iter().rev().find_map(|decision| match decision {
        Decision::MergedInto { incident } => Some(incident.clone()),
        _ => None,
    })
}

/// Plans the pair of an incident that was merged away.
pub fn plan_source(s: &Situation<'_>, ticket: &Ticket, out: &mut Plan) {
    if ticket.deleted || ticket.merged_into.is_some() || s.pair.decisions.contains(&Decision::KeepApart) {
        // Somebody has seen to it.
        return out.remark(Reason::MergedInto { name: String::new() });
    }
    match s.merge {
        Merge::None => {}
        Merge::NotSeen(number) => {
            out.awaited = true;
            out.remark(Reason::MergedInto { name: format!("#{number}") });
        }
        Merge::Unknown(candidates) => out.item(Reason::SurvivorUnknown { candidates: candidates.clone() }),
        Merge::Into(survivor) => {
            let name = survivor.name.clone();
            match survivor.ticket {
                Some(theirs) if theirs == ticket.id => out.remark(Reason::MergedInto { name }),
                Some(theirs) => {
                    let words = format!(
                        "The incident of this ticket was merged in Defender into {name}, whose ticket is {theirs}. \
                         Proposal: merge this ticket into ticket {theirs}."
                    );
                    own_note(s, &words, &format!("merged-into/{}/{theirs}", survivor.incident), Some(theirs), out);
                    out.item(Reason::TicketsMeet { ticket: ticket.id, other: theirs, name });
                }
                // Its ticket is being made: then the two meet.
                None if survivor.pair.is_some() => {
                    out.awaited = true;
                    out.remark(Reason::MergedInto { name });
                }
                // What a person took apart stays apart.
                None if survivor.apart => out.remark(Reason::MergedInto { name }),
                None => {
                    let words = format!(
                        "The incident of this ticket was merged in Defender into {name}. This ticket goes on with that one."
                    );
                    own_note(s, &words, &format!("merged-into/{}", survivor.incident), None, out);
                    out.follow = Some(survivor.incident.clone());
                    out.remark(Reason::MergedInto { name });
                }
            }
        }
    }
}

/// Plans what a pair takes over from incidents that were merged into its own.
pub fn plan_survivor(s: &Situation<'_>, ticket: &Ticket, out: &mut Plan) {
    for from in s.merged {
        if let Some(theirs) = from.ticket.filter(|theirs| *theirs != ticket.id) {
            let words = format!(
                "Incident {} was merged in Defender into the incident of this ticket. Its ticket is {theirs}. \
                 Proposal: merge ticket {theirs} into this one.",
                from.name
            );
            own_note(s, &words, &format!("merged-from/{}", from.incident), Some(theirs), out);
        }
        if conflict::carries_back(s.workspace.mode) {
            comments(s, ticket, from, out);
        }
    }
}

/// Says something once on the ticket; the number of the ticket that it meets is a link to it.
fn own_note(s: &Situation<'_>, words: &str, about: &str, meets: Option<TicketId>, out: &mut Plan) {
    let reference = notes::own_reference(s, about);
    if s.actions.is_none_or(|actions| actions.iter().any(|action| notes::carries(action, &reference))) {
        return;
    }
    let mut note = notes::own_note(s, words, reference);
    if let (Some(ticket), Some(base)) = (meets, s.ticket_url) {
        let link = format!("<a href=\"{}{ticket}\">{ticket}</a>", text::escape(base));
        note.html = note.html.replace(&format!("ticket {ticket}"), &format!("ticket {link}"));
        note.html = note.html.replace(&format!("ticket is {ticket}"), &format!("ticket is {link}"));
    }
    out.push(OperationKind::AddNote { comment: None, edit: 0, said: None, note }, Reason::Merged);
}

/// A comment of a merged incident as it is said on the one that is left: with what it has above it, it may be too long for one.
fn copies(s: &Situation<'_>, from: &MergedFrom, comment: &Comment) -> Vec<(u32, CommentId, String)> {
    let author = notes::author_of(comment);
    let head = format!("{}{} by {author}, {}", notes::to_halo::CARRIED_OVER, from.name, moment(comment.created));
    let body = text::neutralise_mentions(&text::message_to_text(&comment.message));
    let parts = text::split(&text::neutralise_markup(&format!("{head}\n\n{body}")), budget::COMMENT_MAX);
    let id = |part| CommentId::carried_over(&s.workspace.arm_id, &from.incident, &comment.id, part);
    (0_u32..).zip(parts).map(|(part, message)| (part, id(part), message)).collect()
}

/// What people said on the merged incident is said on the one that is left, once.
fn comments(s: &Situation<'_>, ticket: &Ticket, from: &MergedFrom, out: &mut Plan) {
    let Some(known) = s.comments else { return };
    let planned = |id: &CommentId, out: &Plan| {
        let is = |kind: &OperationKind| matches!(kind, OperationKind::AddComment { comment, .. } if comment == id);
        // What was dropped is planned, and then kept out: so it is told.
        let dropped = |state: &OperationState| matches!(state, OperationState::Dropped { .. });
        s.operations.iter().any(|o| is(&o.kind) && !dropped(&o.state)) || out.operations.iter().any(|p| is(&p.kind))
    };
    let waiting = s.operations.iter().filter(|o| o.state.open() && o.kind.side() == Side::Sentinel).count();
    let used = budget::there(s) + waiting;
    let mut free = (budget::COMMENTS_MAX - budget::COMMENTS_KEPT).saturating_sub(used);
    let mut untold = Vec::new();
    for comment in &from.comments {
        let linked = from.links.iter().any(|link| link.comment == comment.id && link.written_in == Side::Halo);
        let ours = linked || from.ticket.is_some_and(|theirs| notes::to_halo::is_own(s, theirs, comment));
        if ours || comment.message.trim().is_empty() {
            continue;
        }
        let gone = |id: &CommentId| s.pair.base.deleted.contains(id);
        let done = |id: &CommentId| {
            let linked = || s.links.iter().any(|link| link.comment == *id);
            known.iter().any(|other| other.id == *id) || linked() && !gone(id)
        };
        let lost = |id: &CommentId| {
            let what = format!("The copy of a comment on {} was deleted in Sentinel.", from.name);
            Reason::CopyLost { what, comment: id.clone() }
        };
        let mut parts = copies(s, from, comment);
        parts.retain(|(_, id, _)| !done(id) && !planned(id, out));
        parts.retain(|(_, id, _)| match gone(id).then(|| drift::lost_rule(s, id)) {
            None | Some(DriftRule::Heal) => true,
            Some(DriftRule::Ask) => {
                out.item(lost(id));
                false
            }
            Some(DriftRule::Ignore) => false,
        });
        if parts.len() > free {
            // Nothing is said by half, and what follows does not go before it.
            free = 0;
            untold.push(budget::named(&format!("merged comment {}", comment.id)));
            continue;
        }
        free -= parts.len();
        // The ticket that followed has the words already, in the note that carries the original.
        let noted = from.links.iter().find(|link| link.comment == comment.id && link.action.ticket == ticket.id);
        let action = noted.and_then(|link| s.actions?.iter().find(|action| action.key == link.action));
        for (part, comment, message) in parts {
            let carries = action
                .map(|action| Carried { action: action.key, edit: 0, part, said: words::of_action(action) })
                .into_iter()
                .collect();
            let reason = if gone(&comment) { lost(&comment) } else { Reason::Merged };
            out.push(OperationKind::AddComment { comment, carries, message }, reason);
        }
    }
    if !untold.is_empty() {
        budget::no_room(s, untold, out);
    }
}

/// Copies on this incident of what people said on those that were merged into it and whose ticket is this one, and the
/// note that carries the original where it is known: the pair of the merged incident writes that, and the words are not
/// to stand there twice.
pub(super) fn told_already(s: &Situation<'_>, ticket: TicketId) -> BTreeMap<CommentId, Option<ActionKey>> {
    let mut told = BTreeMap::new();
    for from in s.merged.iter().filter(|from| from.ticket == Some(ticket)) {
        let parts = from.comments.iter().flat_map(|comment| copies(s, from, comment));
        told.extend(parts.map(|(_, id, _)| (id, None)));
        let noted =
            |link: &&NoteLink| link.edit == 0 && link.action.ticket == ticket && link.written_in == Side::Sentinel;
        let copy = |id: &CommentId| CommentId::carried_over(&s.workspace.arm_id, &from.incident, id, 0);
        told.extend(from.links.iter().filter(noted).map(|link| (copy(&link.comment), Some(link.action))));
    }
    told
}

/// What the ticket and the incident that it follows agree on from the start: what the merged incident had agreed on.
/// The survivor's own severity, title and owner then cross by the policy. A closing of the ticket that has not crossed yet
/// is still to cross. Of two that are open, the one that is still new follows the one that is worked on, an incident where status
/// is carried to it.
pub fn base_of_survivor(s: &Situation<'_>, ticket: &Ticket, survivor: &Incident) -> Base {
    let mut base = s.pair.base.clone();
    base.moves.clear();
    base.flips.clear();
    base.frozen = None;
    // Of ours on the other incident.
    base.deleted.clear();
    base.unarrived.clear();
    base.incident_status = match survivor.status {
        IncidentStatus::Closed => Some(IncidentStatus::Active),
        ref open => Some(open.clone()),
    };
    let closed = super::mapping::ticket_closed(s.policy, s.catalogue, ticket);
    if !closed || base.ticket_closed {
        (base.status_id, base.ticket_closed) = (ticket.status_id, closed);
    }
    let carried_back = s.policy.status.to_sentinel() && conflict::carries_back(s.workspace.mode);
    let differ = || !super::mapping::status_means(s.policy, s.catalogue, ticket, &survivor.status);
    if !closed && !survivor.closed() && differ() {
        match super::mapping::status_back(s.policy, s.catalogue, ticket) {
            Ok(IncidentStatus::New) => base.incident_status = Some(IncidentStatus::New),
            Ok(_) if carried_back => base.status_id = None,
            // It does not follow, or nothing says what it means: a closing of it is its own move alone.
            _ => {}
        }
    }
    if survivor.owner.is_none() {
        base.owner = None;
        base.agent_id = ticket.agent_id;
        base.unsettled.remove(owner::NAME);
    }
    base
}

/// Whether two incidents' alerts have one in common; the merged one's are those read before the merge.
pub fn share_an_alert(one: &crate::domain::incident::Evidence, other: &crate::domain::incident::Evidence) -> bool {
    let ids = |evidence: &crate::domain::incident::Evidence| -> Vec<String> {
        let id = |alert: &serde_json::Value| {
            let given = alert.pointer("/properties/systemAlertId").or_else(|| alert.get("name"))?;
            given.as_str().map(str::to_lowercase)
        };
        evidence.alerts.iter().filter_map(id).collect()
    };
    let theirs = ids(other);
    ids(one).iter().any(|id| theirs.contains(id))
}

/// For people: what an incident is called when it is named elsewhere.
pub fn survivor_of(incident: &Incident, pair: Option<&crate::domain::pair::Pair>) -> Survivor {
    Survivor {
        incident: incident.id.clone(),
        name: incident.name(),
        pair: pair.map(|pair| pair.id),
        ticket: pair.and_then(|pair| pair.ticket),
        apart: false,
    }
}
