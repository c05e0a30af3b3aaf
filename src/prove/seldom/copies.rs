//! People delete copies of ours.

use jiff::SignedDuration;
use serde_json::json;

use super::LOST;
use crate::prove::{
    copies::marks_in,
    invariants::ending::Sides as _,
    story::Who,
    watch::{Lost, Where},
    world::World,
};

/// Nobody does so in the last hour: what a full reading finds hours later is to be seen to before the admin goes home.
const BEFORE_CALM: SignedDuration = SignedDuration::from_hours(1);
/// Longer words may stand in several parts.
const LONG: usize = 20_000;

/// The mark of the words in a text that is a copy of one text alone, and of all of it.
fn mark_in(text: &str) -> Option<String> {
    let gathered = text.starts_with("Digest of notes ") || text.starts_with("Closed in Halo (ticket ");
    if gathered || text.chars().count() > LONG {
        return None;
    }
    let mut marks = marks_in(text);
    let mark = marks.next()?.to_owned();
    marks.all(|other| other == mark).then_some(mark)
}

impl World {
    /// An agent deletes a note of ours, or an analyst a comment.
    pub(super) fn delete_a_copy(&mut self) {
        if self.now() + BEFORE_CALM >= self.calm_from() {
            return;
        }
        if self.people.seldom.dice.chance(0.5) { self.delete_a_note_of_ours() } else { self.delete_a_comment_of_ours() }
    }

    /// Whether words with this mark were written by a person on the other side than where their copy stands.
    fn said_elsewhere(&self, mark: &str, copied_to_ticket: bool) -> bool {
        self.watch.said.iter().any(|said| {
            let from_incident = matches!(said.place, Where::Comment(..));
            from_incident == copied_to_ticket && said.versions.iter().any(|wording| wording.mark == mark)
        })
    }

    fn delete_a_note_of_ours(&mut self) {
        let Some((ticket, _)) = self.some_ticket() else { return };
        let ours = self.twin.notes(ticket).into_iter().filter(|note| note.ours);
        let copies: Vec<(i64, String)> = ours
            .filter_map(|note| Some((note.name.parse::<i64>().ok()?, mark_in(&note.text)?)))
            .filter(|(_, mark)| self.said_elsewhere(mark, true))
            .collect();
        let Some((action, mark)) = self.people.seldom.dice.pick(&copies).cloned() else { return };
        let told = format!("deletes our note {action} ({mark}) on");
        if self.agent_acts("note.delete", ticket, json!({ "id": action }), &told) {
            self.watch.lost.push(Lost { place: Where::Note(ticket, action), mark });
            self.people.seldom.acts.note(LOST, 1);
        }
    }

    fn delete_a_comment_of_ours(&mut self) {
        let Some(key) = self.whole_incident() else { return };
        let by_person = |name: &str| {
            let this = |place: &Where| matches!(place, Where::Comment(on, comment) if *on == key && comment == name);
            self.watch.said.iter().any(|said| this(&said.place))
        };
        let copies: Vec<(String, String)> = self
            .twin
            .comments(&key)
            .into_iter()
            .filter(|(name, _)| !by_person(name))
            .filter_map(|(name, text)| Some((name, mark_in(&text)?)))
            .filter(|(_, mark)| self.said_elsewhere(mark, false))
            .collect();
        let Some((comment, mark)) = self.people.seldom.dice.pick(&copies).cloned() else { return };
        let body = self.analyst_on(&key, json!({ "comment": comment }));
        if self.done("comment.delete", &body).is_some() {
            self.tell(Who::Analyst, format!("deletes our comment {comment} ({mark}) on {}", key.1));
            self.watch.lost.push(Lost { place: Where::Comment(key, comment), mark });
            self.people.seldom.acts.note(LOST, 1);
        }
    }
}
