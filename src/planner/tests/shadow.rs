//! Shadow mode: what another integration missed, doubled and carried over late.

use super::scene::{CLOSED, Scene, at, in_step};
use crate::{
    domain::{
        failure::Side,
        ids::{ActionKey, TicketId},
        incident::{IncidentStatus, Label},
        policy::NotesRule,
        shadow::{Carriage, Compared, Crossed, LapseKind},
        ticket::{Action, Ticket},
        time,
    },
    planner::shadow::{BothSides, LATE, OVERDUE, compare},
};

/// Incident of ten o'clock, looked at by noon; its ticket's first action is a minute younger.
fn shadowed() -> Scene {
    let mut scene = in_step();
    scene.policy.notes = NotesRule::All;
    scene.note(1, "<p>Opened</p>");
    let opened = scene.actions.as_mut().and_then(|actions| actions.first_mut()).expect("an action");
    (opened.system, opened.at) = (true, Some(at("2026-03-01T10:01:00Z")));
    scene
}

fn ticket_of(scene: &Scene) -> (Ticket, Vec<Action>) {
    (scene.ticket.clone().expect("a ticket"), scene.actions.clone().unwrap_or_default())
}

fn found(scene: &Scene, tickets: &[(Ticket, Vec<Action>)], before: Option<&Compared>) -> (Compared, bool) {
    let comments = scene.comments.clone().unwrap_or_default();
    let (compared, again) = compare(&BothSides {
        now: scene.now,
        policy: &scene.policy,
        catalogue: &scene.catalogue,
        incident: &scene.incident,
        comments: &comments,
        tickets,
        before,
    });
    assert!(again.is_none_or(|again| again > scene.now), "the next comparison lies ahead");
    (compared, again.is_some())
}

fn lapses(compared: &Compared) -> Vec<(LapseKind, Carriage, Side, Option<i64>)> {
    compared.lapses.iter().map(|lapse| (lapse.kind, lapse.what, lapse.from, lapse.late_secs)).collect()
}

#[test]
fn a_ticket_is_missed_doubled_or_late() {
    use LapseKind::{Delayed, Doubled, Missed};
    let which = |kind, late| (kind, Carriage::Ticket, Side::Sentinel, late);
    let with = |made: &str| {
        let mut scene = shadowed();
        if let Some(action) = scene.actions.as_mut().and_then(|actions| actions.first_mut()) {
            action.at = Some(at(made));
        }
        scene
    };
    let prompt = shadowed();
    let one = ticket_of(&prompt);
    let two = [one.clone(), (Ticket { id: TicketId(71), ..one.0.clone() }, one.1.clone())];
    let late = with("2026-03-01T10:12:00Z");
    let just = with(&time::iso(at("2026-03-01T10:00:00Z") + LATE));
    let cases = [
        ("made within a minute", prompt.clone(), vec![one], vec![], Some(60)),
        ("made just in time", just.clone(), vec![ticket_of(&just)], vec![], Some(LATE.as_secs())),
        ("made after twelve minutes", late.clone(), vec![ticket_of(&late)], vec![which(Delayed, Some(720))], Some(720)),
        ("made twice", prompt.clone(), two.to_vec(), vec![which(Doubled, None)], Some(60)),
        ("never made", prompt, vec![], vec![which(Missed, None)], None),
    ];
    for (name, scene, tickets, expected, late) in cases {
        let (compared, waits) = found(&scene, &tickets, None);
        assert_eq!(lapses(&compared), expected, "{name}");
        assert_eq!((compared.late_secs, waits), (late, false), "{name}");
        assert_eq!(compared.tickets.len(), tickets.len(), "{name}");
    }
    // Its time is not over yet.
    let mut young = shadowed();
    young.now = at("2026-03-01T10:20:00Z");
    assert_eq!(found(&young, &[], None), (Compared::default(), true));
    young.now = at("2026-03-01T10:00:00Z") + OVERDUE;
    assert_eq!(lapses(&found(&young, &[], None).0), [which(Missed, None)]);
    assert!(LATE < OVERDUE);
}

#[test]
fn comments_and_notes_are_missed_doubled_or_late() {
    use LapseKind::{Delayed, Doubled, Missed};
    let comment = (Carriage::Comment, Side::Sentinel);
    let note = (Carriage::Note, Side::Halo);
    let said = "Seen on the host by the analyst";
    let html = format!("<p>{said}</p>");
    let none = Crossed::default();
    let (one, lost) = (Crossed { of: 1, crossed: 1 }, Crossed { of: 1, crossed: 0 });
    // Comments and notes with the minute after ten at which they were written.
    type Found = Vec<(LapseKind, (Carriage, Side))>;
    type Case = (&'static str, &'static [i64], &'static [i64], NotesRule, Found, [Crossed; 2]);
    let cases: &[Case] = &[
        ("carried at once", &[10], &[12], NotesRule::All, vec![], [one, none]),
        ("carried late", &[10], &[30], NotesRule::All, vec![(Delayed, comment)], [one, none]),
        ("lost", &[10], &[], NotesRule::All, vec![(Missed, comment)], [lost, none]),
        ("carried twice", &[10], &[11, 12], NotesRule::All, vec![(Doubled, comment)], [one, none]),
        ("a note carried at once", &[11], &[10], NotesRule::All, vec![], [none, one]),
        ("a note carried late", &[31], &[10], NotesRule::All, vec![(Delayed, note)], [none, one]),
        ("a note lost", &[], &[10], NotesRule::All, vec![(Missed, note)], [none, lost]),
        ("a note that may not cross", &[], &[10], NotesRule::None, vec![], [none, none]),
        ("a note carried twice", &[11, 12], &[10], NotesRule::All, vec![(Doubled, note)], [none, one]),
        ("just written on both sides", &[], &[110], NotesRule::All, vec![], [none, lost]),
    ];
    for (name, comments, notes, rule, expected, crossed) in cases {
        let mut scene = shadowed();
        scene.policy.notes = *rule;
        let minute = |after: i64| at("2026-03-01T10:00:00Z") + jiff::SignedDuration::from_mins(after);
        for (n, after) in comments.iter().enumerate() {
            scene.comment(u128::try_from(n).unwrap_or(0) + 1, said);
            if let Some(comment) = scene.comments.as_mut().and_then(|comments| comments.last_mut()) {
                comment.created = Some(minute(*after));
            }
        }
        for (n, after) in notes.iter().enumerate() {
            scene.note(i64::try_from(n).unwrap_or(0) + 2, &html);
            if let Some(action) = scene.actions.as_mut().and_then(|actions| actions.last_mut()) {
                action.at = Some(minute(*after));
            }
        }
        let (compared, waits) = found(&scene, &[ticket_of(&scene)], None);
        let expected: Vec<_> = expected.iter().map(|(kind, which)| (*kind, which.0, which.1)).collect();
        let kinds: Vec<_> = lapses(&compared).into_iter().map(|(kind, what, from, _)| (kind, what, from)).collect();
        assert_eq!(kinds, expected, "{name}: {compared:?}");
        assert_eq!([compared.comments, compared.notes], *crossed, "{name}");
        assert_eq!(waits, notes.iter().chain(comments.iter()).any(|after| *after > 100), "{name}");
        assert!(compared.lapses.iter().all(|lapse| lapse.words == said), "{name}");
    }
}

#[test]
fn a_closure_is_missed_or_late_and_a_merge_is_none() {
    use LapseKind::{Delayed, Missed};
    type Case = (&'static str, Option<&'static str>, Option<&'static str>, bool, Vec<(LapseKind, Side, Option<i64>)>);
    let cases: [Case; 7] = [
        ("both open", None, None, false, vec![]),
        ("closed together", Some("11:00"), Some("11:03"), false, vec![]),
        ("the ticket followed late", Some("11:00"), Some("11:20"), false, vec![(Delayed, Side::Sentinel, Some(1200))]),
        ("the incident followed late", Some("11:20"), Some("11:00"), false, vec![(Delayed, Side::Halo, Some(1200))]),
        ("the ticket stays open", Some("11:00"), None, false, vec![(Missed, Side::Sentinel, None)]),
        ("the incident stays open", None, Some("11:00"), false, vec![(Missed, Side::Halo, None)]),
        ("merged in Defender", Some("11:00"), None, true, vec![]),
    ];
    for (name, incident, ticket, merged, expected) in cases {
        let mut scene = shadowed();
        let moment = |time: &str| at(&format!("2026-03-01T{time}:00Z"));
        if let Some(time) = incident {
            scene.incident.status = IncidentStatus::Closed;
            scene.incident.modified = Some(moment(time));
        }
        if merged {
            scene.incident.labels.push(Label { name: "Redirected".into(), kind: None });
        }
        if let Some(time) = ticket {
            let ticket = scene.ticket();
            (ticket.closed, ticket.status_id) = (true, Some(CLOSED));
            ticket.raw = serde_json::json!({ "id": 70, "dateclosed": format!("2026-03-01T{time}:00Z") }).into();
        }
        let (compared, _) = found(&scene, &[ticket_of(&scene)], None);
        let kinds: Vec<_> = lapses(&compared)
            .into_iter()
            .inspect(|(_, what, ..)| assert_eq!(*what, Carriage::Closure, "{name}"))
            .map(|(kind, _, from, late)| (kind, from, late))
            .collect();
        assert_eq!(kinds, expected, "{name}");
        // What changes after closing moves no closure.
        scene.incident.modified = Some(at("2026-03-01T11:59:00Z"));
        let (later, _) = found(&scene, &[ticket_of(&scene)], Some(&compared));
        assert_eq!(later, compared, "{name}, changed once more");
    }
}

#[test]
fn what_was_said_at_closing_goes_with_the_closure() {
    let mut scene = shadowed();
    scene.note(2, "<p>Closed, no harm was done on that host</p>");
    let ticket = scene.ticket();
    (ticket.closed, ticket.status_id) = (true, Some(CLOSED));
    let key = ActionKey { ticket: TicketId(70), action: 2 };
    for action in scene.actions.iter_mut().flatten().filter(|action| action.key == key) {
        action.new_status = Some(CLOSED);
    }
    let (compared, _) = found(&scene, &[ticket_of(&scene)], None);
    assert_eq!(compared.count(LapseKind::Missed), 1, "{compared:?}");
    assert_eq!(compared.lapses.first().map(|lapse| lapse.what), Some(Carriage::Closure));
}
