//! Words that cross: once, whole, in order, with their true times, and never back again.

use std::collections::BTreeMap;

use super::{
    super::{
        scene::Scene,
        watch::{By, Said, Where},
        words,
    },
    Violation, copies,
    ending::{Ended, Ending, Text},
    excused::{
        asked_late, copied_again, copy_lost, dropped, edited_before, gathers, kept_after_closing, left_over, let_later,
        linked_between, made_up_for, refused, tried_again, waits, written_elsewhere,
    },
    left,
};

/// What a person wrote on one record, where the other side's copy belongs.
struct Crossing<'a> {
    /// The pair it belongs to.
    ended: &'a Ended,
    /// The same words written twice stand here twice.
    said: Vec<&'a Said>,
    /// It may cross, and nothing stands in its way.
    due: bool,
    /// It must not cross at all.
    forbidden: bool,
}

impl Crossing<'_> {
    fn first(&self) -> Option<&Said> {
        self.said.first().copied()
    }

    fn named(&self) -> String {
        let mark = self.first().and_then(|said| said.versions.first()).map(|v| v.mark.clone()).unwrap_or_default();
        let what = match self.first().map(|said| &said.place) {
            Some(Where::Comment(..)) => "comment",
            _ => "note",
        };
        format!("the {what} {mark} of {}", self.ended.named())
    }

    /// What a write is that tells it there.
    fn kind(&self) -> &'static str {
        match self.first().map(|said| &said.place) {
            Some(Where::Comment(..)) => "halo.actions.post",
            _ => "sentinel.comment.put",
        }
    }

    /// Where its copies stand.
    fn other_side(&self) -> &[Text] {
        match self.first().map(|said| &said.place) {
            Some(Where::Comment(..)) => &self.ended.notes,
            _ => &self.ended.comments,
        }
    }
}

/// Everything that was written on records of pairs.
fn crossings<'a>(world: &'a Scene<'_>, ending: &'a Ending) -> Vec<Crossing<'a>> {
    let mut by_mark: BTreeMap<&str, Vec<&Said>> = BTreeMap::new();
    for said in &world.watch.said {
        let mark = said.versions.first().map(|version| version.mark.as_str()).unwrap_or_default();
        by_mark.entry(mark).or_default().push(said);
    }
    let mut found = Vec::new();
    for said in by_mark.into_values() {
        let Some(first) = said.first() else { continue };
        let (ended, due, forbidden) = match &first.place {
            Where::Comment(key, _) => {
                let Some(ended) = ending.of(key).filter(|ended| ended.ticket.is_some()) else { continue };
                let reachable = ended.ticket_reachable(world.halo_client_id(ended.client));
                (ended, reachable && ended.incident.is_some(), false)
            }
            Where::Note(ticket, _) => {
                // Of several the one that is left; on one that was merged away nobody reads what is new.
                let all: Vec<&Ended> = ending.of_ticket(*ticket).collect();
                // Of those that share a ticket by rule the first one: what was written before they joined is not theirs.
                let pair = |ended: &&&Ended| ended.row.as_ref().map(|row| row.pair.id);
                let left = all.iter().filter(|ended| !ended.merged_away).min_by_key(pair);
                let Some(ended) = left.or(all.first()).copied() else {
                    found.extend(left_behind(world, ending, *ticket, said));
                    continue;
                };
                for other in all.iter().filter(|other| !std::ptr::eq(**other, ended)) {
                    let forbidden = !first.crosses || other.mode != "two-way";
                    found.push(Crossing { ended: other, due: false, forbidden, said: said.clone() });
                }
                let reachable = ended.ticket_reachable(world.halo_client_id(ended.client));
                let crosses = first.crosses && ended.mode == "two-way";
                (ended, crosses && reachable && ended.incident.is_some() && !ended.merged_away, !crosses)
            }
        };
        let stays =
            written_elsewhere(ended, first) || kept_after_closing(world, ending, ended) || asked_late(world, ended);
        let due = due && !waits(ended, first) && !dropped(world, ended, first) && !stays && !gathers(ended, first);
        found.push(Crossing { ended, due, forbidden, said });
    }
    found
}

/// What was written on a ticket that the matter has left for another one: it crosses, if it was there in time.
fn left_behind<'a>(world: &'a Scene<'_>, ending: &'a Ending, ticket: i64, said: Vec<&'a Said>) -> Option<Crossing<'a>> {
    let ended = ending.incidents.iter().find(|ended| ended.left.contains(&ticket))?;
    let first = said.first().copied()?;
    let crosses = first.crosses && ended.mode == "two-way";
    let excused = waits(ended, first) || dropped(world, ended, first) || gathers(ended, first);
    let excused = excused || written_elsewhere(ended, first) || kept_after_closing(world, ending, ended);
    let there = ended.incident.is_some() && !ended.merged_away;
    let due = crosses && there && !excused && left::in_time(world, ended, ticket, first);
    Some(Crossing { ended, due, forbidden: !crosses, said })
}

/// Copies of one wording: parts of a split text count as one copy.
fn copies_of<'a>(texts: &'a [Text], mark: &str) -> Vec<&'a Text> {
    texts.iter().filter(|text| copies_it(text, mark)).collect()
}

/// Evidence of a closing repeats the words of it, beside the note itself.
fn copies_it(text: &Text, mark: &str) -> bool {
    !text.by_person && text.text.contains(mark) && !text.text.starts_with("Closed in Halo (ticket ")
}

/// 3. Every human comment allowed to cross is present once on the other side, in order, complete.
pub fn once_in_order(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    let restored = !world.strikes.restored.is_empty();
    let all = crossings(world, ending);
    for crossing in &all {
        let about = crossing.ended.about();
        let wrong = |text: String| Violation::new(3, text, about.clone());
        let gone = crossing.said.iter().any(|said| said.gone.is_some());
        let edited = crossing.said.iter().any(|said| said.versions.len() > 1);
        let mut present = 0;
        for wording in crossing.said.iter().flat_map(|said| &said.versions) {
            let there = copies_of(crossing.other_side(), &wording.mark);
            present += there.len();
            let doubled = || copies::twice(world, crossing.kind(), &wording.mark, crossing.said.len(), there.len());
            // Doubles after a restore are the twelfth's.
            if there.len() > crossing.said.len() && !restored && !doubled() {
                found.push(wrong(format!("{} stands {} times on the other side", crossing.named(), there.len())));
            }
            if crossing.forbidden && !there.is_empty() {
                found.push(wrong(format!("{} crossed although it must not", crossing.named())));
            }
            if let Some(copy) = there.first()
                && !whole(crossing, wording, copy)
            {
                let text = format!(
                    "{} crossed incomplete: wanted {:?}, there is {:?}",
                    crossing.named(),
                    wording.words,
                    copy.text
                );
                found.push(wrong(text));
            }
        }
        let lacks = |said: &&&Said| {
            let unwritten = dropped(world, crossing.ended, said) || refused(world, crossing.ended, said);
            unwritten || copy_lost(world, ending, crossing.ended, said)
        };
        let wanted = crossing.said.len() - crossing.said.iter().filter(lacks).count();
        if crossing.due && !gone && !edited && present < wanted {
            found.push(wrong(format!("{} never crossed ({present} of {})", crossing.named(), crossing.said.len())));
        }
        let newest = |said: &Said| said.versions.last().map(|wording| wording.mark.clone()).unwrap_or_default();
        let told = |mark: &str| !copies_of(crossing.other_side(), mark).is_empty();
        // An edit may move nothing that a list shows. Comments of open incidents are read again every six hours, those of
        // closed ones only when something else moves.
        let read_again = crossing.ended.incident.as_ref().is_some_and(|incident| incident.status != "Closed")
            || crossing.first().is_some_and(|said| matches!(said.place, Where::Note(..)));
        if crossing.due
            && !gone
            && edited
            && read_again
            // The same words may stand in two notes, and one of the two was edited while its ticket was another client's.
            && let Some(said) = crossing
                .said
                .iter()
                .find(|said| {
                    let stays = written_elsewhere(crossing.ended, said) || dropped(world, crossing.ended, said);
                    let stays = stays || refused(world, crossing.ended, said);
                    let stays = stays || copy_lost(world, ending, crossing.ended, said);
                    let stays = stays || edited_before(world, crossing.ended, said);
                    !stays && !told(&newest(said))
                })
        {
            found.push(wrong(format!("the newest words of {} ({}) never crossed", crossing.named(), newest(said))));
        }
    }
    if !restored {
        found.extend(out_of_order(world, ending, &all));
    }
    for ended in &ending.incidents {
        found.extend(said_again(world, ended).map(|text| Violation::new(3, text, ended.about())));
        let hidden = ending.policy(ended.key.0, world).is_some_and(|policy| policy.notes_private);
        if let Some(note) = ended.notes.iter().find(|note| !note.by_person && note.ours && hidden && !note.private) {
            let text = format!(
                "note {} of {} is ours and shown to the end user, whom the policy spares it",
                note.name,
                ended.named()
            );
            found.push(Violation::new(3, text, ended.about()));
        }
    }
    found
}

/// What stands on an incident more often than once: words carried over from one that was merged into it, and the
/// comment that names its ticket.
fn said_again(world: &Scene<'_>, ended: &Ended) -> Option<String> {
    for said in &world.watch.said {
        if !matches!(&said.place, Where::Comment(on, _) if *on != ended.key && on.0 == ended.key.0) {
            continue;
        }
        for mark in said.versions.iter().map(|wording| &wording.mark) {
            let written =
                world.watch.said.iter().filter(|other| other.versions.iter().any(|v| v.mark == *mark)).count();
            let count = copies_of(&ended.comments, mark).len();
            if count > written && !copies::twice(world, "sentinel.comment.put", mark, written, count) {
                return Some(format!("the comment {mark} was carried over to {} {count} times", ended.named()));
            }
        }
    }
    let names = ended.comments.iter().filter(|text| !text.by_person).filter_map(|text| {
        let rest = text.text.strip_prefix("Halo ticket ")?;
        rest.contains("are kept in step").then(|| rest.split_whitespace().next().unwrap_or_default())
    });
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair.first() == pair.last());
    twice.map(|pair| format!("{} is told of its ticket {} twice", ended.named(), pair.concat()))
}

/// All words stand there; a long text stands in several parts, which follow one another.
fn whole(crossing: &Crossing<'_>, wording: &super::super::watch::Wording, copy: &Text) -> bool {
    if words::complete(wording, &copy.text) {
        return true;
    }
    let texts = crossing.other_side();
    let from = texts.iter().position(|text| text.name == copy.name).unwrap_or(0);
    let mut together = String::new();
    for part in texts.iter().skip(from).filter(|text| !text.by_person).take(12) {
        together.push_str(&part.text);
        together.push('\n');
    }
    wording.words.len() > 1_000 && words::complete(wording, &together)
}

/// What was written earlier stands earlier.
fn out_of_order(world: &Scene<'_>, ending: &Ending, all: &[Crossing<'_>]) -> Vec<Violation> {
    let mut found = Vec::new();
    for ended in &ending.incidents {
        for side in [true, false] {
            let mut told: Vec<(u64, usize, &Crossing<'_>, &Said)> = Vec::new();
            for crossing in all.iter().filter(|crossing| std::ptr::eq(crossing.ended, ended)) {
                let Some(said) = crossing.first() else { continue };
                let plain = said.gone.is_none() && said.versions.len() == 1 && crossing.due;
                if matches!(said.place, Where::Comment(..)) != side || !plain {
                    continue;
                }
                let Some(wording) = said.versions.first() else { continue };
                let place = crossing.other_side().iter().position(|text| copies_it(text, &wording.mark));
                if let Some(place) = place {
                    told.push((wording.order, place, crossing, said));
                }
            }
            told.sort_by_key(|(order, place, ..)| (*order, *place));
            for pair in told.windows(2) {
                if let [(_, earlier, first, words), (_, later, second, after)] = pair
                    && earlier > later
                    && !made_up_for(world, ended, words, after)
                    && !copies::by_two(world, first.kind(), words, after)
                    && !tried_again(world, ended, words, after)
                    && !left_over(ended, words)
                    && !let_later(world, ended, words, after)
                    && !copied_again(world, ended, words)
                    && !linked_between(world, ended, words, after)
                {
                    let text = format!("{} stands before {}, which was written earlier", second.named(), first.named());
                    found.push(Violation::new(3, text, ended.about()));
                }
            }
        }
    }
    found
}

/// 4. No write of ours ever comes back as a change.
pub fn no_echo(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    for ended in &ending.incidents {
        for said in &world.watch.said {
            let (own, name) = match &said.place {
                Where::Comment(key, _) if *key == ended.key => (&ended.comments, "comment"),
                Where::Note(ticket, _) if Some(*ticket) == ended.ticket => (&ended.notes, "note"),
                _ => continue,
            };
            for wording in &said.versions {
                if own.iter().any(|text| !text.by_person && text.text.contains(&wording.mark)) {
                    let text =
                        format!("the {name} {} of {} came back to where it was written", wording.mark, ended.named());
                    found.push(Violation::new(4, text, ended.about()));
                }
            }
        }
        let heads = [(&ended.notes, "Note on Halo ticket"), (&ended.comments, "Comment in Microsoft Sentinel by")];
        for (texts, head) in heads {
            if texts.iter().any(|text| !text.by_person && text.text.contains(head)) {
                let text = format!("our own text (“{head} …”) crossed back on {}", ended.named());
                found.push(Violation::new(4, text, ended.about()));
            }
        }
        if let Some(count) = endless(world, ended) {
            let text = format!(
                "{} was changed {count} times by us with nobody else changing anything in between",
                ended.named()
            );
            found.push(Violation::new(4, text, ended.about()));
        }
    }
    found
}

/// Changes of one pair by us in a row that are too many to follow from one change of somebody's.
fn endless(world: &Scene<'_>, ended: &Ended) -> Option<usize> {
    const MOST: usize = 8;
    let incident = world.watch.incidents.get(&ended.key).into_iter().flatten().map(|v| (v.order, v.by));
    let ticket =
        ended.ticket.and_then(|id| world.watch.tickets.get(&id)).into_iter().flatten().map(|v| (v.order, v.by));
    let touched = world.watch.touched.iter().filter(|(id, _)| Some(*id) == ended.ticket);
    let touched = touched.map(|(_, order)| (*order, By::Person));
    let mut all: Vec<(u64, By)> = incident.chain(ticket).chain(touched).collect();
    all.sort_by_key(|(order, _)| *order);
    let mut most = 0;
    let mut row = 0;
    for (order, by) in all {
        // Two processes may undo what the other one did, until they have met.
        row = if matches!(by, By::Us(_)) && !world.both_wrote(order) { row + 1 } else { 0 };
        most = most.max(row);
    }
    (most > MOST).then_some(most)
}

/// 12. Restoring an old backup converges without duplicates.
pub fn restored_without_doubles(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    if world.strikes.restored.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for crossing in crossings(world, ending) {
        for wording in crossing.said.iter().flat_map(|said| &said.versions) {
            let there = copies_of(crossing.other_side(), &wording.mark);
            // What was said on a ticket that its matter has left is said on the next one too, where that was forgotten.
            let notes = matches!(crossing.first().map(|said| &said.place), Some(Where::Comment(..)));
            let tickets = if notes { 1 + crossing.ended.left.len() } else { 1 };
            if there.len() > crossing.said.len() * tickets {
                let text =
                    format!("{} stands {} times on the other side after a restore", crossing.named(), there.len());
                found.push(Violation::new(12, text, crossing.ended.about()));
            }
        }
    }
    found
}

/// 13. Clock skew and zone changes alter nothing: every copy tells when its original was written.
pub fn times_are_true(world: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    for crossing in crossings(world, ending) {
        let Some(said) = crossing.first().filter(|said| said.versions.len() == 1) else { continue };
        let Some(wording) = said.versions.first() else { continue };
        let written = wording.at;
        for copy in copies_of(crossing.other_side(), &wording.mark) {
            // A part of a split text but the first has no head.
            let Some(told) = told_at(&words::seen(&copy.text)) else { continue };
            if told.duration_since(written).as_secs().abs() > 2 {
                let text = format!("{} was written at {written} and its copy says {told}", crossing.named());
                found.push(Violation::new(13, text, crossing.ended.about()));
            }
        }
    }
    let opened = world.watch.writes.iter().filter(|write| write.kind == "halo.tickets.post" && write.made);
    for write in opened {
        let sent = write.body.pointer("/0/dateoccurred").and_then(|value| value.as_str());
        let Some(sent) = sent.and_then(|text| text.parse::<jiff::Timestamp>().ok()) else { continue };
        // The ticket of a merged incident goes on with another one, which was raised at another time.
        let raised_at = |ended: &&Ended| world.watch.incidents.get(&ended.key)?.first().map(|version| version.at);
        let own: Vec<&Ended> = ending.incidents.iter().filter(|ended| ended.ticket == write.ticket).collect();
        let near = |at: jiff::Timestamp| sent.duration_since(at).as_secs().abs() <= 2;
        // One in which a matter goes on begins when it does.
        let follows = |ended: &&Ended| !ended.left.is_empty();
        let any = own.iter().any(follows) || own.iter().filter_map(raised_at).any(near);
        let own = own.first().copied();
        let Some(raised) = own.and_then(|ended| world.watch.incidents.get(&ended.key)?.first()) else { continue };
        if !any {
            let text = format!(
                "the ticket of {} says it was opened at {sent}, it was raised at {}",
                own.map(Ended::named).unwrap_or_default(),
                raised.at
            );
            found.push(Violation::new(13, text, own.map(Ended::about).unwrap_or_default()));
        }
    }
    found
}

/// The moment that a copy's head names: `2026-03-29 01:00:07 UTC`.
fn told_at(text: &str) -> Option<jiff::Timestamp> {
    let (before, _) = text.split_once(" UTC")?;
    let start = before.len().checked_sub("2026-03-29 01:00:07".len())?;
    let moment = before.get(start..)?;
    format!("{}Z", moment.replacen(' ', "T", 1)).parse().ok()
}
