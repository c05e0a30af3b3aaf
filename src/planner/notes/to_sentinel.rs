//! Notes → comments, and the one comment that names the ticket.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    drift::DriftRule,
    failure::Side,
    ids::{ActionKey, CommentId, TicketId, fingerprint},
    incident::Comment,
    operation::{Carried, Operation, OperationKind, OperationState},
    pair::NoteLink,
    policy::AfterClosing,
    reason::Reason,
    text,
    ticket::Action,
};

use super::{
    budget::{self, Due},
    crosses, is_own, recognise,
    to_halo::CARRIED_OVER,
    words,
};
use crate::planner::{closing, draft::moment, drift, emptied, mapping, merges, plan::Plan, situation::Situation};

/// The number that stands for a ticket itself, among its actions.
pub const TICKET_ITSELF: i64 = 0;

pub(super) fn plan(s: &Situation<'_>, out: &mut Plan) {
    let Some(ticket) = s.pair.ticket else { return };
    let mut due = Vec::new();
    due.extend(link_comment(s, out, ticket));
    if let Some(actions) = s.actions {
        let notes = notes(s, out, ticket, actions);
        if !notes.is_empty() && s.policy.after_closing_comments == AfterClosing::Ignore && closing::shut(s) {
            out.remark(Reason::AfterClosing { what: "notes in Halo".into() });
        } else {
            due.extend(notes);
        }
    }
    dropped(s, &mut due, out);
    budget::spend(s, due, out);
}

/// What a person dropped and is still due in the same words: planned as it was, without taking room, and then kept
/// out: so it is told.
fn dropped(s: &Situation<'_>, due: &mut Vec<Due>, out: &mut Plan) {
    let mut taken = BTreeSet::new();
    for operation in s.operations.iter().filter(|operation| matches!(operation.state, OperationState::Dropped { .. })) {
        let OperationKind::AddComment { carries, .. } = &operation.kind else { continue };
        let waits = |carried: &Carried| {
            let same = |due: &Due| Carried { part: carried.part, ..due.carried.clone() } == *carried;
            due.iter().any(|due| due.wants(carried.part) && same(due))
        };
        if !carries.is_empty() && carries.iter().all(waits) {
            taken.extend(carries.iter().map(|carried| (carried.action, carried.edit, carried.part)));
            out.push(operation.kind.clone(), operation.reason.clone());
        }
    }
    due.retain_mut(|due| {
        let note = (due.carried.action, due.carried.edit);
        let mut taken = taken.iter().filter(|(action, edit, _)| (*action, *edit) == note);
        match &mut due.parts {
            None => taken.next().is_none(),
            Some(parts) => {
                for (.., part) in taken {
                    parts.remove(part);
                }
                !parts.is_empty()
            }
        }
    });
}

/// What is carried by an operation, open or given up: it is not planned beside it.
pub(super) fn under_way(s: &Situation<'_>) -> BTreeSet<(ActionKey, u32)> {
    parts_under_way(s).into_iter().map(|(action, edit, _)| (action, edit)).collect()
}

/// The same part by part.
pub(super) fn parts_under_way(s: &Situation<'_>) -> BTreeSet<(ActionKey, u32, u32)> {
    let stands = |state: &OperationState| !matches!(state, OperationState::Dropped { .. });
    let operations = s.operations.iter().filter(|operation| stands(&operation.state));
    let carried = operations.flat_map(|operation| match &operation.kind {
        OperationKind::AddComment { carries, .. } => carries.as_slice(),
        _ => &[],
    });
    carried.map(|carried| (carried.action, carried.edit, carried.part)).collect()
}

/// The one comment on the incident that names the ticket and its address.
fn link_comment(s: &Situation<'_>, out: &Plan, ticket: TicketId) -> Option<Due> {
    let action = ActionKey { ticket, action: TICKET_ITSELF };
    let there = |link: &NoteLink| link.action == action;
    let known = s.links.iter().chain(&out.links).any(there) || under_way(s).contains(&(action, 0));
    // Nobody looks for the ticket of a matter that both sides have closed.
    if !s.policy.link_comment || known || s.incident.redirected() || closing::shut(s) {
        return None;
    }
    let place = match s.ticket_url {
        Some(base) => format!("\n{base}{ticket}"),
        None => String::new(),
    };
    let message =
        format!("Halo ticket {ticket}{place}\nComments and status of this incident are kept in step with it.");
    let carried = Carried { action, edit: 0, part: 0, said: fingerprint(&message) };
    Some(Due { carried, text: message, reason: Reason::TicketMade, parts: None })
}

/// A comment of our own about the ticket itself, said once; `None` when it was said.
///
/// # Errors
/// [`Reason::CommentsFull`] when there is no room for it at all.
pub fn own_comment(
    s: &Situation<'_>,
    out: &Plan,
    ticket: TicketId,
    message: String,
) -> Result<Option<OperationKind>, Reason> {
    let action = ActionKey { ticket, action: TICKET_ITSELF };
    let said = fingerprint(&text::unjointed(&message));
    let message = text::neutralise_markup(&text::neutralise_mentions(&message));
    let carried = |kind: &OperationKind| match kind {
        OperationKind::AddComment { carries, .. } => carries.clone(),
        _ => Vec::new(),
    };
    let same = |o: &&Operation| carried(&o.kind).iter().any(|c| c.action == action && c.said == said);
    if let Some(dropped) = s.operations.iter().filter(|o| matches!(o.state, OperationState::Dropped { .. })).find(same)
    {
        // Planned as it was, and then kept out: so it is told.
        return Ok(Some(dropped.kind.clone()));
    }
    let planned = s.operations.iter().flat_map(|o| carried(&o.kind));
    let planned = planned.chain(out.operations.iter().flat_map(|p| carried(&p.kind)));
    let linked = s
        .links
        .iter()
        .filter(|link| link.written_in == Side::Halo)
        .map(|link| (link.action, link.edit, link.said.clone()));
    let all: Vec<(ActionKey, u32, Option<String>)> =
        planned.map(|c| (c.action, c.edit, Some(c.said))).chain(linked).filter(|(key, ..)| *key == action).collect();
    let known = all.iter().any(|(_, _, before)| before.as_ref() == Some(&said));
    if known {
        return Ok(None);
    }
    let waiting = s.operations.iter().filter(|o| o.state.open()).map(|o| &o.kind);
    let comments = waiting.chain(out.operations.iter().map(|planned| &planned.kind));
    let planned = comments.filter(|kind| matches!(kind, OperationKind::AddComment { .. })).count();
    if budget::there(s) + planned >= budget::COMMENTS_MAX {
        return Err(Reason::CommentsFull);
    }
    let from = all.iter().map(|(_, edit, _)| edit + 1).max().unwrap_or(1).max(1);
    // Other words of ours may stand under an id whose link a restored backup has forgotten: they are not written over.
    let id = |edit: u32| CommentId::derived(s.halo_tenant, action, edit, 0);
    let letters = words::letters(&message);
    let others = |there: &Comment| words::letters(&there.message) != letters;
    let taken = |id: &CommentId| s.comments.into_iter().flatten().any(|there| there.id == *id && others(there));
    let edit = (from..).find(|edit| !taken(&id(*edit))).unwrap_or(from);
    let comment = id(edit);
    let carries = vec![Carried { action, edit, part: 0, said }];
    Ok(Some(OperationKind::AddComment { comment, carries, message }))
}

/// The comments that carry what people said on merged incidents.
fn copies(s: &Situation<'_>, ticket: TicketId) -> BTreeSet<CommentId> {
    let ours = |comment: &&Comment| comment.id.is_derived() && comment.message.starts_with(CARRIED_OVER);
    let there = s.comments.into_iter().flatten().filter(ours).map(|comment| comment.id.clone());
    merges::told_already(s, ticket).into_keys().chain(there).collect()
}

/// Notes that are to cross, their edits and deletions, in the order of their numbers.
fn notes(s: &Situation<'_>, out: &mut Plan, ticket: TicketId, actions: &[Action]) -> Vec<Due> {
    let mut sides: BTreeMap<ActionKey, Side> = BTreeMap::new();
    let mut last: BTreeMap<ActionKey, &NoteLink> = BTreeMap::new();
    let copies = copies(s, ticket);
    // Our own notes: the words were said on the merged incident, and what becomes of the note here is told nowhere.
    let mut copied: BTreeSet<ActionKey> = BTreeSet::new();
    for link in s.links.iter().chain(&out.links) {
        sides.insert(link.action, link.written_in);
        if link.written_in == Side::Halo && copies.contains(&link.comment) {
            copied.insert(link.action);
        } else if link.written_in == Side::Halo {
            let known = last.entry(link.action).or_insert(link);
            if link.edit > known.edit {
                *known = link;
            }
        }
    }
    last.retain(|key, _| !copied.contains(key));
    let under_way = under_way(s);
    let (mut due, mut asked) = (Vec::new(), Vec::new());
    let mut elsewhere = false;
    for action in actions.iter().filter(|action| !action.system) {
        match last.get(&action.key) {
            None => {
                let skipped = copied.contains(&action.key)
                    || action.is_blank()
                    || is_own(s, action, &sides)
                    || !crosses(s.policy, action)
                    || before_it_joined(s, action);
                if !skipped && s.pair.base.foreign.contains(&action.key) {
                    elsewhere = true;
                } else if !skipped && !under_way.contains(&(action.key, 0)) {
                    due.push(one(action, 0));
                }
            }
            Some(link) => {
                let edit = link.edit + 1;
                let edited = link.said.as_ref().is_some_and(|before| words::edited_action(action, before))
                    && !recognise::tell_it(s, action, link.edit);
                let changed = edited && !superseded(s, out, action, link);
                // Words that may not cross now (made private since) are not told by their edit either.
                if changed && s.pair.base.foreign.contains(&action.key) {
                    elsewhere = true;
                } else if changed && crosses(s.policy, action) && !under_way.contains(&(action.key, edit)) {
                    due.push(one(action, edit));
                } else if !changed && crosses(s.policy, action) && !s.pair.base.foreign.contains(&action.key) {
                    // Nor is a copy of them that is gone written again.
                    due.extend(lost(s, action, link, &mut asked));
                    if !edited {
                        due.extend(rest(s, out, action, link));
                    }
                }
            }
        }
    }
    // An empty list alone is no proof that everything was deleted.
    for (key, link) in last.iter().filter(|_| emptied::tells(s)) {
        let edit = link.edit + 1;
        let here = key.ticket == ticket && key.action != TICKET_ITSELF && !actions.iter().any(|a| a.key == *key);
        if here && link.said.as_deref() != Some(words::GONE) && !under_way.contains(&(*key, edit)) {
            let text = format!(
                "Note {} on Halo ticket {ticket}, which a comment above carries, was deleted in Halo.",
                key.action
            );
            let carried = Carried { action: *key, edit, part: 0, said: words::GONE.to_owned() };
            due.push(Due { carried, text, reason: Reason::NoteDeleted, parts: None });
        }
    }
    for reason in asked {
        out.item(reason);
    }
    if elsewhere {
        out.remark(Reason::WrittenElsewhere);
    }
    due
}

/// What is still to be told of a note that was too long for one comment and of which another part was: the write of a part
/// may have been taken back, or be forgotten. A part that a person deleted is linked.
fn rest(s: &Situation<'_>, out: &Plan, action: &Action, link: &NoteLink) -> Option<Due> {
    let length = action.note_html.as_deref().map_or(0, str::len).max(action.note.len());
    let said = link.said.as_deref().is_some_and(|said| said != words::GONE);
    let links = || s.links.iter().chain(&out.links);
    if length < budget::COMMENT_MAX / 2 || !said || !is_told_by(links(), s.halo_tenant, link) {
        return None;
    }
    let due = one(action, link.edit);
    let of_it =
        |other: &&NoteLink| (other.action, other.edit, other.written_in) == (link.action, link.edit, Side::Halo);
    let linked = links().filter(of_it).map(|other| other.part);
    let under_way = parts_under_way(s).into_iter().filter(|(key, edit, _)| (*key, *edit) == (link.action, link.edit));
    let known: BTreeSet<u32> = linked.chain(under_way.map(|(.., part)| part)).collect();
    let all = (0_u32..).zip(due.split()).map(|(part, _)| part);
    let parts: BTreeSet<u32> = all.filter(|part| !known.contains(part)).collect();
    (!parts.is_empty()).then_some(Due { parts: Some(parts), ..due })
}

/// Whether comments say the first parts of a note, or of an edit of it, as they are told now, and the rest is still to follow.
pub(super) fn begin(parts: &[&str], action: &Action, edit: u32) -> bool {
    let whole = one(action, edit).split();
    let same = |(part, piece): (&&str, &String)| words::letters(part) == words::letters(piece);
    parts.len() < whole.len() && parts.iter().zip(&whole).all(same)
}

/// What is to be told once more because people deleted the comment that told it; what a person is asked about.
fn lost(s: &Situation<'_>, action: &Action, link: &NoteLink, asked: &mut Vec<Reason>) -> Vec<Due> {
    let mut due: Vec<Due> = Vec::new();
    let (lost, under_way) = (drift::parts_lost(s, link), parts_under_way(s));
    let anew = !lost.is_empty() && divided_otherwise(s, action, link);
    let next = link.edit + 1;
    for (comment, mut parts) in lost {
        parts.retain(|part| !under_way.contains(&(link.action, link.edit, *part)));
        let waits = || under_way.iter().any(|(key, edit, _)| (*key, *edit) == (link.action, next));
        if parts.is_empty() || anew && (!due.is_empty() || waits()) {
            continue;
        }
        let reason = drift::copy_lost(s, comment);
        match drift::lost_rule(s, comment) {
            // What stands of it and what is lost are no whole any more. As an edit: nothing that stands is written over.
            DriftRule::Heal if anew => due.push(Due { reason, ..one(action, next) }),
            // Under its own id: a repeat is no second comment.
            DriftRule::Heal => due.push(Due { reason, parts: Some(parts), ..one(action, link.edit) }),
            DriftRule::Ask => asked.push(reason),
            DriftRule::Ignore => {}
        }
    }
    due
}

/// Whether the comments that tell a note divide it otherwise than it is divided now: earlier versions had less room in a digest.
fn divided_otherwise(s: &Situation<'_>, action: &Action, link: &NoteLink) -> bool {
    if link.said.as_ref() != Some(&words::of_action(action)) {
        return false;
    }
    let pieces = one(action, link.edit).split();
    let of_it =
        |other: &&NoteLink| (other.action, other.edit, other.written_in) == (link.action, link.edit, Side::Halo);
    let mut ours = s.links.iter().filter(of_it).filter(|other| is_told_by(s.links, s.halo_tenant, other));
    ours.any(|other| {
        let piece = usize::try_from(other.part).ok().and_then(|part| pieces.get(part));
        let Some(piece) = piece else { return true };
        let there = s.comments.into_iter().flatten().find(|comment| comment.id == other.comment);
        let says = |there: &Comment| words::letters(&there.message).contains(&words::letters(piece));
        pieces.len() > 1 && there.is_some_and(|there| !says(there))
    })
}

/// Whether the comment of a link tells a note as we do: by itself, or with others in a digest. A comment that was carried over
/// from a merged incident is linked with the note of its original.
pub fn is_told_by<'a>(links: impl IntoIterator<Item = &'a NoteLink>, halo_tenant: &str, link: &NoteLink) -> bool {
    let with_another = |other: &NoteLink| other.comment == link.comment && other.action != link.action;
    link.comment == CommentId::derived(halo_tenant, link.action, link.edit, link.part)
        || links.into_iter().any(with_another)
}

/// Whether a note's words as we know them were told, and others since: a restored backup knows the note from before its
/// last edit, which the incident tells of already.
fn superseded(s: &Situation<'_>, out: &Plan, action: &Action, last: &NoteLink) -> bool {
    let said = words::of_action(action);
    let of_it = |link: &&NoteLink| link.action == action.key && link.written_in == Side::Halo;
    let before = |link: &NoteLink| link.edit < last.edit && link.said.as_ref() == Some(&said);
    let told = s.comments.into_iter().flatten().find(|comment| comment.id == last.comment).and_then(|c| c.created);
    let older = told.zip(action.updated.or(action.at)).is_some_and(|(told, edited)| edited < told);
    older && s.links.iter().chain(&out.links).filter(of_it).any(before)
}

/// Whether a note was written before the incident joined those of the ticket: it is about the others.
pub fn before_it_joined(s: &Situation<'_>, action: &Action) -> bool {
    let after = s.pair.group.as_ref().and_then(|group| group.notes_after);
    after.is_some_and(|after| after.ticket == action.key.ticket && action.key.action <= after.action)
}

fn one(action: &Action, edit: u32) -> Due {
    let who = action.who.clone().unwrap_or_else(|| "an agent".to_owned());
    let private = if action.private { ", private note" } else { "" };
    let ticket = action.key.ticket;
    let edited = match (edit, action.updated) {
        (0, _) => String::new(),
        (_, at) if !words::later(at, action.at) => ", once more:".to_owned(),
        (_, None) => ", was edited. It says now:".to_owned(),
        (_, at) => format!(", was edited {}. It says now:", moment(at)),
    };
    let head =
        format!("Note {} on Halo ticket {ticket} by {who}, {}{private}{edited}", action.key.action, moment(action.at));
    let body = text::neutralise_mentions(&words::body(action));
    let body = if body.trim().is_empty() { words::NOTHING.to_owned() } else { body };
    let reason = if edit == 0 { Reason::NoteAdded } else { Reason::NoteEdited };
    let said = words::of_action(action);
    let carried = Carried { action: action.key, edit, part: 0, said };
    // It is text, and the portal shows what looks like HTML as HTML.
    let text = text::neutralise_markup(&format!("{head}\n\n{body}"));
    Due { carried, text, reason, parts: None }
}

/// Whether the incident is being closed, or is: then the places kept for that may be used.
pub(super) fn is_closing(s: &Situation<'_>) -> bool {
    s.incident.closed() || s.ticket.is_some_and(|ticket| mapping::ticket_closed(s.policy, s.catalogue, ticket))
}

/// Whether a queued comment tells an edit of a note in other words than it has, and what it has was told by the one
/// before: the edit was planned from an older reading (a restored backup) than the one that the incident tells of.
pub fn told_already(s: &Situation<'_>, out: &Plan, carries: &[Carried]) -> bool {
    let [only] = carries else { return false };
    if only.edit == 0 || only.action.action == TICKET_ITSELF || only.said == words::GONE {
        return false;
    }
    let note = s.actions.into_iter().flatten().find(|action| action.key == only.action);
    let links = s.links.iter().chain(&out.links);
    let of_it = links.filter(|link| link.action == only.action && link.written_in == Side::Halo);
    let last = of_it.max_by_key(|link| link.edit);
    note.zip(last).is_some_and(|(note, last)| {
        let now = words::of_action(note);
        last.edit < only.edit && last.said.as_ref() == Some(&now) && only.said != now
    })
}

/// The links of a queued comment that stands on the incident already; `None` when it has to be written all the same.
pub fn found_again(s: &Situation<'_>, found: &Comment, carries: &[Carried], message: &str) -> Option<Vec<NoteLink>> {
    let same = words::letters(&found.message) == words::letters(message);
    // Written before the note was edited (again): what it says now follows as an edit. Our own words about the ticket, and
    // copies that carry no note, are told apart by what they say alone.
    let older = matches!(carries, [only] if only.action.action != TICKET_ITSELF || only.edit == 0);
    if !(same || older) {
        return None;
    }
    let said = |carried: &Carried| if same { carried.said.clone() } else { String::new() };
    let link = |carried: &Carried| NoteLink {
        pair: s.pair.id,
        comment: found.id.clone(),
        action: carried.action,
        edit: carried.edit,
        part: carried.part,
        said: Some(said(carried)).filter(|said| !same || !said.is_empty()),
        written_in: Side::Halo,
    };
    Some(carries.iter().map(link).collect())
}

/// Whether a queued digest would tell again, or take the place of, what comments of ours say by now (a restored backup
/// queued it anew): one of its first note alone stands under its id, or notes of it were told each for itself, or by another
/// digest, beside those that a shorter one under its id tells. What the incident says already is recognised by the plan that follows, and the rest is told by it.
pub fn taken(s: &Situation<'_>, queued: &OperationKind) -> bool {
    let OperationKind::AddComment { comment, carries, message } = queued else { return false };
    let ([first, _, ..], Some(comments)) = (carries.as_slice(), s.comments) else { return false };
    match comments.iter().find(|known| known.id == *comment) {
        Some(there) => {
            let told = budget::digested(&there.message, first.action.ticket);
            let by_another = |carried: &Carried| {
                !told.contains(&carried.action) && s.actions.is_some() && told_by_another(s, comments, carried)
            };
            words::letters(&there.message) != words::letters(message)
                && (!told.contains(&first.action) || carries.iter().any(by_another))
        }
        None => s.actions.is_some() && carries.iter().any(|carried| told_by_another(s, comments, carried)),
    }
}

/// Whether it is a note, or its first part, and no edit of it.
fn as_it_first_crossed(carried: &Carried) -> bool {
    carried.action.action != TICKET_ITSELF && (carried.edit, carried.part) == (0, 0)
}

/// Whether a comment of ours tells a note as it first crossed, or this edit of it.
fn told_by_another(s: &Situation<'_>, comments: &[Comment], carried: &Carried) -> bool {
    let own = CommentId::derived(s.halo_tenant, carried.action, carried.edit, 0);
    let by_itself = || comments.iter().any(|comment| comment.id == own);
    let in_a_digest = || as_it_first_crossed(carried) && digest_of(s, carried.action).is_some();
    carried.action.action != TICKET_ITSELF && carried.part == 0 && (by_itself() || in_a_digest())
}

/// Up to which edit of its first note a digest is looked for, where nothing else is left of that note.
pub(super) const EDITS_LOOKED_FOR: u32 = 32;
/// And up to which of its parts: the rest of a long note may begin a digest.
const PARTS_LOOKED_FOR: u32 = 4;

/// The digest of ours that tells a note.
fn digest_of<'a>(s: &Situation<'a>, note: ActionKey) -> Option<&'a Comment> {
    s.comments.into_iter().flatten().find(|comment| {
        let named = budget::digested(&comment.message, note.ticket);
        named.contains(&note) && named.first().is_some_and(|first| has_the_id_of(s, comment, *first))
    })
}

/// The link of a queued comment whose note a digest of ours tells by now: the comment was queued while a restored backup had
/// not read the incident's comments yet.
pub fn in_a_digest(s: &Situation<'_>, carries: &[Carried]) -> Option<NoteLink> {
    let [only] = carries else { return None };
    if !as_it_first_crossed(only) || Some(only.action.ticket) != s.pair.ticket {
        return None;
    }
    let comment = digest_of(s, only.action)?;
    let note = s.actions.into_iter().flatten().find(|action| action.key == only.action);
    Some(NoteLink {
        pair: s.pair.id,
        comment: comment.id.clone(),
        action: only.action,
        edit: 0,
        part: 0,
        said: note.map(|note| words::told(budget::section(&comment.message, only.action), note)),
        written_in: Side::Halo,
    })
}

/// Whether a comment has an id that we derive for a note, at whichever of its edits.
pub(super) fn has_the_id_of(s: &Situation<'_>, comment: &Comment, note: ActionKey) -> bool {
    let id = |edit, part| CommentId::derived(s.halo_tenant, note, edit, part);
    (0..EDITS_LOOKED_FOR).any(|edit| (0..PARTS_LOOKED_FOR).any(|part| comment.id == id(edit, part)))
}
