//! Comments → notes.

use uuid::Uuid;

use crate::domain::{
    drift::DriftRule,
    failure::Side,
    ids::{ActionKey, CommentId, TicketId},
    incident::Comment,
    operation::OperationKind,
    pair::NoteLink,
    policy::AfterClosing,
    reason::Reason,
    text,
    ticket::{Action, NoteDraft},
};

use super::{author_of, budget, by_comment, comments_under_way, note_reference, to_sentinel::EDITS_LOOKED_FOR, words};
use crate::planner::{
    closing, draft::moment, drift, groups, mapping, merges, plan::Plan, second_writer, situation::Situation,
};

/// Actions of a ticket whose derived comment ids are tried when a comment's origin is not in the ledger.
const DERIVED_ACTIONS: i64 = 400;
const DERIVED_EDITS: u32 = 2;
const DERIVED_PARTS: u32 = 3;

pub(super) fn plan(s: &Situation<'_>, out: &mut Plan) {
    let (Some(ticket), Some(comments)) = (s.pair.ticket, s.comments) else { return };
    let under_way = comments_under_way(s);
    let ours: Vec<&CommentId> = s
        .operations
        .iter()
        .filter_map(|o| match &o.kind {
            OperationKind::AddComment { comment, .. } => Some(comment),
            _ => None,
        })
        .collect();
    let merged = merges::told_already(s, ticket);
    let mut due: Vec<(OperationKind, Reason)> = Vec::new();
    let mut lost = Vec::new();
    let mut carried = Vec::new();
    {
        let linked = by_comment(s, out);
        let carried_back: Vec<&CommentId> = s
            .links
            .iter()
            .chain(&out.links)
            .filter(|link| link.written_in == Side::Halo)
            .map(|link| &link.comment)
            .collect();
        let mut in_order: Vec<&Comment> = comments.iter().collect();
        in_order.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        for comment in in_order {
            if ours.contains(&&comment.id) || carried_back.contains(&&comment.id) {
                continue;
            }
            match linked.get(&comment.id).and_then(|links| latest(links, ticket)) {
                Some(last) if s.pair.base.replaced.contains(&last.action.ticket) && last.action.ticket != ticket => {
                    if !under_way.contains(&(comment.id.clone(), last.edit)) {
                        due.push(copied(s, comment, last.edit, last.action.ticket));
                    }
                }
                None if merged.contains_key(&comment.id) => {
                    if let Some(Some(action)) = merged.get(&comment.id) {
                        carried.extend(copy_link(s, comment, *action));
                    }
                }
                None => {
                    if comment.message.trim().is_empty() || under_way.contains(&(comment.id.clone(), 0)) {
                        continue;
                    }
                    if is_own(s, ticket, comment) {
                        continue;
                    }
                    due.push(note(s, comment, 0));
                }
                Some(last) => {
                    let edit = last.edit + 1;
                    // What was linked without its words (a restored backup) is taken as it stands.
                    let changed = last.said.as_ref().is_some_and(|before| words::edited_comment(comment, before))
                        && !stands(s, last, comment);
                    let waits = under_way.contains(&(comment.id.clone(), edit));
                    if changed && !waits {
                        due.push(note(s, comment, edit));
                    } else if !changed && !waits && drift::note_lost(s, last) {
                        lost.push((comment, edit));
                    }
                }
            }
        }
        // Only a whole list tells that one is gone.
        let whole = i64::try_from(comments.len()).is_ok_and(|count| count >= s.incident.comments_count);
        if whole {
            for (id, links) in linked {
                let Some(last) = latest(&links, ticket) else { continue };
                let edit = last.edit + 1;
                let gone = last.said.as_deref() == Some(words::GONE);
                let here = last.action.ticket == ticket && !comments.iter().any(|comment| comment.id == *id);
                if here && !gone && !under_way.contains(&(id.clone(), edit)) {
                    due.push(deleted(s, id, edit));
                }
            }
        }
    }
    out.links.extend(carried);
    for (comment, edit) in lost {
        let what = format!("The note that carries the comment of {} was deleted in Halo.", author_of(comment));
        let reason = Reason::CopyLost { what, comment: comment.id.clone() };
        match drift::lost_rule(s, &comment.id) {
            DriftRule::Heal => due.push((note(s, comment, edit).0, reason)),
            DriftRule::Ask => out.item(reason),
            DriftRule::Ignore => {}
        }
    }
    if due.is_empty() {
        return;
    }
    let rule = if closing::shut(s) { s.policy.after_closing_comments } else { AfterClosing::Cross };
    if rule == AfterClosing::Ignore {
        return out.remark(Reason::AfterClosing { what: "comments in Sentinel".into() });
    }
    for (mut kind, reason) in due {
        if let OperationKind::AddNote { note, .. } = &mut kind {
            note.private |= rule == AfterClosing::NoteOnly;
        }
        out.push(kind, reason);
    }
}

/// The link of the copy of a merged incident's comment with the note that carries the original, once that note was read:
/// one that is linked and not there counts as deleted.
fn copy_link(s: &Situation<'_>, copy: &Comment, action: ActionKey) -> Option<NoteLink> {
    let note = s.actions.into_iter().flatten().find(|note| note.key == action)?;
    Some(NoteLink {
        pair: s.pair.id,
        comment: copy.id.clone(),
        action,
        edit: 0,
        part: 0,
        said: Some(words::of_action(note)),
        written_in: Side::Halo,
    })
}

/// The link of a comment's latest edit; one to the ticket as it is now goes before one to a former ticket.
fn latest<'a>(links: &[&'a NoteLink], ticket: TicketId) -> Option<&'a NoteLink> {
    links.iter().copied().max_by_key(|link| (link.action.ticket == ticket, link.edit))
}

/// A comment that crossed to a ticket that is gone, as it stands now, for the ticket in its place.
fn copied(s: &Situation<'_>, comment: &Comment, edit: u32, from: TicketId) -> (OperationKind, Reason) {
    let head = format!(
        "{} in Microsoft Sentinel by {}, {}, copied from ticket {from}, which does not exist any more",
        groups::place(s),
        author_of(comment),
        moment(comment.created)
    );
    (worded(s, comment, edit, &head), Reason::CopiedOver { from })
}

fn note(s: &Situation<'_>, comment: &Comment, edit: u32) -> (OperationKind, Reason) {
    let place = groups::place(s);
    let when = moment(comment.created);
    let author = author_of(comment);
    let head = match edit {
        0 => format!("{place} in Microsoft Sentinel by {author}, {when}"),
        _ if comment.modified.is_none_or(|at| Some(at) <= comment.created) => {
            let first = note_reference(s, &comment.id, 0);
            format!("{place} in Microsoft Sentinel by {author}, {when}, once more: its first note ({first}) is gone")
        }
        _ => {
            let first = note_reference(s, &comment.id, 0);
            let again = moment(comment.modified);
            format!("{place} in Microsoft Sentinel by {author}, {when}, was edited {again} ({first}). It says now:")
        }
    };
    let reason = if edit == 0 { Reason::CommentAdded } else { Reason::CommentEdited };
    (worded(s, comment, edit, &head), reason)
}

/// The note that carries a comment's words under a head line.
fn worded(s: &Situation<'_>, comment: &Comment, edit: u32, head: &str) -> OperationKind {
    let reference = note_reference(s, &comment.id, edit);
    let body = text::neutralise_mentions_in_html(&text::message_to_html(&comment.message));
    let body = if body.trim().is_empty() { words::NOTHING.to_owned() } else { body };
    let draft = NoteDraft {
        outcome: mapping::outcome(s.policy, s.catalogue),
        html: format!("<p><b>{}</b></p><p>{body}</p><p>{reference}</p>", text::escape(head)),
        text: format!("{head}\n\n{}\n\n{reference}", text::html_to_text(&body)),
        private: s.policy.notes_private,
        reference,
        former: None,
    };
    OperationKind::AddNote {
        comment: Some(comment.id.clone()),
        edit,
        said: Some(words::of_comment(comment)),
        note: draft,
    }
}

/// The words of a comment in a note that reads as ours do, whoever wrote it: between a head line and a reference alone. Who
/// quotes one says something before it, or after it.
pub fn words_within(action: &Action) -> Option<String> {
    let body = words::body(action);
    let (head, rest) = body.trim().split_once('\n')?;
    let (said, last) = rest.rsplit_once('\n')?;
    let ours = head.starts_with("Comment") && head.contains(" in Microsoft Sentinel by ");
    (ours && super::reference_in(last) == Some(last.trim())).then(|| said.trim().to_owned())
}

fn deleted(s: &Situation<'_>, comment: &CommentId, edit: u32) -> (OperationKind, Reason) {
    let first = note_reference(s, comment, 0);
    let words = format!("The comment noted here under {first} was deleted in Microsoft Sentinel.");
    let note = super::own_note(s, &words, note_reference(s, comment, edit));
    let note = NoteDraft { private: s.policy.notes_private, ..note };
    let said = Some(words::GONE.to_owned());
    (OperationKind::AddNote { comment: Some(comment.clone()), edit, said, note }, Reason::CommentDeleted)
}

/// How our own comments begin that name no note or ticket first, those apart that carry a person's words from a merged incident: they go on to the ticket.
const HEADS: [&str; 2] = ["Digest of notes ", "Closed in Halo (ticket "];

/// Whether a comment is one of ours about this ticket, whatever the ledger knows of it: its answer may have been lost.
pub fn is_own(s: &Situation<'_>, ticket: TicketId, comment: &Comment) -> bool {
    let derived = Uuid::parse_str(comment.id.as_str()).is_ok_and(|id| id.get_version_num() == 5);
    derived && (headed(comment) || !carried_over(comment) && derived_here(s, ticket, &comment.id))
}

/// How a comment begins that carries a person's words from a merged incident.
pub const CARRIED_OVER: &str = "Comment on merged incident ";

/// Whether a comment of ours carries words from a merged incident: its id is derived from theirs, not from an action, and
/// need not be looked for among thousands of those.
fn carried_over(comment: &Comment) -> bool {
    comment.message.starts_with(CARRIED_OVER)
}

/// Whether a comment with a derived id begins as ours do. Portals give random ids (version 4): the words alone would be
/// no evidence, and neither would the id, but both together are.
fn headed(comment: &Comment) -> bool {
    second_writer::named(&comment.message).is_some() || HEADS.iter().any(|head| comment.message.starts_with(head))
}

/// Whether a comment's id is one we derive for an action of this ticket: then it is our own, whatever the ledger lost.
fn derived_here(s: &Situation<'_>, ticket: TicketId, comment: &CommentId) -> bool {
    let is = |action, edits: u32, parts: u32| {
        let derived = |edit, part| CommentId::derived(s.halo_tenant, ActionKey { ticket, action }, edit, part);
        (0..edits).any(|edit| (0..parts).any(|part| derived(edit, part) == *comment))
    };
    // Of a note that is known its length tells how many comments it may have taken: a part is no shorter than a quarter.
    let parts = |note: &Action| {
        let length = note.note_html.as_deref().map_or(0, str::len).max(note.note.len());
        u32::try_from(length / (budget::COMMENT_MAX / 4)).unwrap_or(u32::MAX).saturating_add(DERIVED_PARTS)
    };
    let mut known = s.actions.into_iter().flatten().filter(|note| note.key.ticket == ticket && !note.system);
    (0..=DERIVED_ACTIONS).any(|action| is(action, DERIVED_EDITS, DERIVED_PARTS))
        || known.any(|note| is(note.key.action, EDITS_LOOKED_FOR, parts(note)))
}

/// Whether a queued note tells an edit of a comment in other words than it has, and those that it has are told by the note
/// before: the edit was planned from an older reading (a restored backup), or somebody took it back.
pub fn told_already(s: &Situation<'_>, out: &Plan, comment: &CommentId, (edit, said): (u32, Option<&str>)) -> bool {
    let found = s.comments.into_iter().flatten().find(|known| known.id == *comment);
    let (Some(ticket), Some(found), Some(said)) = (s.pair.ticket, found, said) else { return false };
    let of_it =
        |link: &&NoteLink| (&link.comment, link.action.ticket, link.written_in) == (comment, ticket, Side::Sentinel);
    let last = s.links.iter().chain(&out.links).filter(of_it).max_by_key(|link| link.edit);
    let now = words::of_comment(found);
    let told = |last: &NoteLink| last.said.as_ref() == Some(&now) || stands(s, last, found);
    said != words::GONE && said != now && last.is_some_and(|last| last.edit < edit && told(last))
}

/// Whether a note of ours that was found without knowing which words of the comment it carries (a restored backup knew
/// older ones) says what the comment says now.
fn stands(s: &Situation<'_>, last: &NoteLink, comment: &Comment) -> bool {
    let unknown = last.said.as_deref() == Some("");
    let note = s.actions.into_iter().flatten().find(|action| unknown && action.key == last.action);
    note.is_some_and(|note| !words::noted(note, comment).is_empty())
}
