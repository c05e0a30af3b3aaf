//! Comments of ours whose links the ledger lost (a lost answer, a restored backup) are recognised by their ids and words.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    failure::Side,
    ids::{ActionKey, CommentId},
    incident::Comment,
    pair::NoteLink,
    ticket::Action,
};

use super::{
    budget,
    to_sentinel::{TICKET_ITSELF, begin, has_the_id_of, parts_under_way, under_way},
    words,
};
use crate::planner::{plan::Plan, situation::Situation};

/// What a comment says of a note, and each of the comments in which it goes on where it was too long for one.
fn says<'a>(
    s: &Situation<'_>,
    comments: &'a [Comment],
    first: &'a Comment,
    (note, edit): (ActionKey, u32),
) -> Vec<&'a str> {
    let further = (1..).map_while(|part| {
        let id = CommentId::derived(s.halo_tenant, note, edit, part);
        comments.iter().find(|comment| comment.id == id).map(|comment| comment.message.as_str())
    });
    std::iter::once(budget::section(&first.message, note)).chain(further).collect()
}

/// Whether several comments say a note as it is by now, though they were linked before it was read so: where it was split they
/// do not tell what its words were exactly.
pub(super) fn tell_it(s: &Situation<'_>, action: &Action, edit: u32) -> bool {
    let comments = s.comments.unwrap_or_default();
    let first = CommentId::derived(s.halo_tenant, action.key, edit, 0);
    let Some(first) = comments.iter().find(|comment| comment.id == first) else { return false };
    let parts = says(s, comments, first, (action.key, edit));
    parts.len() > 1 && words::told_in(&parts, action)
}

/// Comments of ours whose links the ledger lost are recognised by their derived ids.
pub(super) fn adopt(
    s: &Situation<'_>,
    comments: &[Comment],
    actions: &[Action],
    linked: &BTreeSet<&CommentId>,
    out: &mut Plan,
) {
    let mut known: BTreeMap<ActionKey, u32> = BTreeMap::new();
    for link in s.links.iter().chain(&out.links) {
        let edits = known.entry(link.action).or_default();
        *edits = (*edits).max(link.edit);
    }
    let under_way = under_way(s);
    let there: BTreeMap<&CommentId, &Comment> =
        comments.iter().filter(|c| !linked.contains(&c.id) && c.id.is_derived()).map(|c| (&c.id, c)).collect();
    let said = |comment: &Comment, action: &Action, edit: u32| {
        let parts = says(s, comments, comment, (action.key, edit));
        // Of these words the rest follows.
        if begin(&parts, action, edit) {
            return words::of_action(action);
        }
        words::told(&words::joined(&parts), action)
    };
    let link = |comment: &Comment, action: ActionKey, edit: u32| NoteLink {
        pair: s.pair.id,
        comment: comment.id.clone(),
        action,
        edit,
        part: 0,
        said: actions.iter().find(|a| a.key == action).map(|action| said(comment, action, edit)),
        written_in: Side::Halo,
    };
    let itself = s.pair.ticket.map(|ticket| ActionKey { ticket, action: TICKET_ITSELF });
    let keys = actions.iter().filter(|action| !action.system).map(|action| action.key).chain(itself);
    for key in keys.filter(|_| !there.is_empty()) {
        // The note as it first crossed, and each edit of it that was told since.
        let from = known.get(&key).map_or(0, |edit| edit + 1);
        for edit in from..=u32::MAX {
            // Our own words about the ticket are told apart by what they say, not by their numbers.
            let own_words = key.action == TICKET_ITSELF && edit > 0;
            if own_words || under_way.contains(&(key, edit)) {
                break;
            }
            let Some(comment) = there.get(&CommentId::derived(s.halo_tenant, key, edit, 0)) else { break };
            out.links.push(link(comment, key, edit));
        }
    }
    // A digest has the id of its first note; the others are named in its first line. It may have been linked before they
    // were read, and its first note may be gone by now.
    let ours: BTreeSet<&CommentId> =
        s.links.iter().chain(&out.links).filter(|l| l.written_in == Side::Halo).map(|l| &l.comment).collect();
    let by_its_first =
        |comment: &Comment, first: ActionKey| there.contains_key(&comment.id) && has_the_id_of(s, comment, first);
    let digests = comments.iter().filter_map(|c| {
        let named = s.pair.ticket.map(|ticket| budget::digested(&c.message, ticket))?;
        let first = *named.first()?;
        (ours.contains(&c.id) || by_its_first(c, first)).then_some((c, named))
    });
    let mut found = Vec::new();
    for (comment, named) in digests {
        for key in named {
            let Some(action) = actions.iter().find(|action| action.key == key) else { continue };
            let links = || s.links.iter().chain(&out.links).chain(&found).filter(|l| l.action == key);
            if links().any(|l| l.comment == comment.id) {
                continue;
            }
            let last = links().max_by_key(|l| l.edit);
            let edit = last.map_or(0, |last| last.edit + 1);
            let of_it = link(comment, key, edit);
            // An edit that it tells is known by its words: it may be older than what was told last.
            let newer = last.is_none_or(|last| last.said != of_it.said && of_it.said == Some(words::of_action(action)));
            if newer && !under_way.contains(&(key, edit)) {
                found.push(of_it);
            }
        }
    }
    out.links.extend(found);
    let later = later_parts(s, &there, linked, out);
    out.links.extend(later);
}

/// The further comments of ours in which a note goes on that was too long for one.
fn later_parts(
    s: &Situation<'_>,
    there: &BTreeMap<&CommentId, &Comment>,
    linked: &BTreeSet<&CommentId>,
    out: &Plan,
) -> Vec<NoteLink> {
    let mut found = Vec::new();
    if there.is_empty() {
        return found;
    }
    let under_way = parts_under_way(s);
    let ours = |link: &&NoteLink| link.written_in == Side::Halo && link.action.action != TICKET_ITSELF;
    let told: BTreeMap<(ActionKey, u32), &NoteLink> =
        s.links.iter().chain(&out.links).filter(ours).map(|link| ((link.action, link.edit), link)).collect();
    for ((action, edit), of_it) in told {
        for part in 1..=u32::MAX {
            let id = CommentId::derived(s.halo_tenant, action, edit, part);
            let known = linked.contains(&id) || under_way.contains(&(action, edit, part));
            match there.get(&id) {
                _ if known => {}
                Some(comment) => {
                    found.push(NoteLink { comment: comment.id.clone(), part, ..of_it.clone() });
                }
                None => break,
            }
        }
    }
    found
}
