//! What a comment or note says, short: to tell whether it was edited after it crossed.

use jiff::Timestamp;

use crate::domain::{ids::fingerprint, incident::Comment, text, ticket::Action};

/// In place of a fingerprint: the record was deleted.
pub const GONE: &str = "gone";

/// What is written of words that are none.
pub const NOTHING: &str = "(nothing)";

/// Fingerprint of a comment's words.
pub fn of_comment(comment: &Comment) -> String {
    fingerprint(comment.message.trim())
}

/// Fingerprint of a note's words.
pub fn of_action(action: &Action) -> String {
    fingerprint(body(action).trim())
}

/// Whether a comment was edited since it said `before`. The fingerprint alone does not tell: the way from HTML to text
/// may change with this program, so the record's own times must say so too.
pub fn edited_comment(comment: &Comment, before: &str) -> bool {
    later(comment.modified, comment.created) && of_comment(comment) != before
}

/// The same of a note.
pub fn edited_action(action: &Action, before: &str) -> bool {
    later(action.updated, action.at) && of_action(action) != before
}

/// Whether a record was edited after it was written, as far as it tells.
pub fn later(edited: Option<Timestamp>, written: Option<Timestamp>) -> bool {
    match (edited, written) {
        (Some(edited), Some(written)) => edited > written,
        _ => true,
    }
}

/// Fingerprint of a note's words if a comment of ours says just them; else of those that it does say: the note may have been
/// edited since, or the comment tells of an edit that we have not read yet.
pub fn told(message: &str, action: &Action) -> String {
    // Below the head line, with no mention neutralised.
    let Some(said) = message.split_once('\n').map(|(_, said)| text::unjointed(said)) else { return String::new() };
    if same(&said, &body(action)) { of_action(action) } else { fingerprint(said.trim()) }
}

/// Whether what we wrote of some words says them and nothing else. What a service does to blanks and marks does not count,
/// but where there are no letters.
fn same(written: &str, words: &str) -> bool {
    let (written, words) = (text::unjointed(written), text::unjointed(words));
    if words.trim().is_empty() {
        return matches!(written.trim(), "" | NOTHING);
    }
    let all = letters(&words);
    if all.is_empty() { written.trim() == words.trim() } else { letters(&written) == all }
}

/// What stood in one text before it was [split](text::split): its parts, without their numbers.
pub fn joined(parts: &[&str]) -> String {
    let unnumbered = |(at, part): (usize, &&str)| {
        let number = format!(" ({}/{})", at + 1, parts.len());
        part.strip_suffix(number.as_str()).unwrap_or(part).to_owned()
    };
    parts.iter().enumerate().map(unnumbered).collect::<Vec<_>>().join(" ")
}

/// Whether the comments in which a note was told say its words, but for the blanks that were left out where it was split.
pub fn told_in(parts: &[&str], action: &Action) -> bool {
    let unblanked = |text: &str| text::unjointed(text).split_whitespace().collect::<String>();
    let whole = joined(parts);
    whole.split_once("\n\n").is_some_and(|(_, said)| unblanked(said) == unblanked(&body(action)))
}

/// The same of a comment's words and a note of ours.
pub fn noted(action: &Action, comment: &Comment) -> String {
    let said = text::html_to_text(&text::neutralise_mentions_in_html(&text::message_to_html(&comment.message)));
    if says_just(action, &said) { of_comment(comment) } else { String::new() }
}

/// Whether a note of ours says just these words, between its head line and its reference.
fn says_just(action: &Action, said: &str) -> bool {
    let body = body(action);
    let reference = super::references_in(&body).last();
    let above = reference.and_then(|last| body.rsplit_once(last)).map_or(body.as_str(), |(above, _)| above).trim();
    // Text that Halo derived from HTML has no lines: where the head ends does not show.
    let lines = action.note_html.as_deref().is_some_and(|html| !html.trim().is_empty());
    match above.split_once('\n') {
        Some((_, below)) if lines => same(below, said),
        _ if letters(said).is_empty() => text::unjointed(above).ends_with(text::unjointed(said).trim()),
        _ => letters(above).ends_with(&letters(said)),
    }
}

/// Letters and digits alone: what a service does to blanks and marks does not count.
pub fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// A note's words as plain text. Halo derives its plain text from the HTML without blanks, so the HTML is preferred.
pub fn body(action: &Action) -> String {
    match action.note_html.as_deref().filter(|html| !html.trim().is_empty()) {
        Some(html) => text::html_to_text(html),
        None => text::clean(&action.note),
    }
}
