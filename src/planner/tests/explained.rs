//! Why something is done, not done or waited for: every reason says it in words of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::{Scene, in_step};
use crate::{
    domain::{
        catalogue::{Ref, TicketType},
        failure::Side,
        ids::{CommentId, TicketId},
        reason::Reason,
        workspace::Mode,
    },
    planner::explain,
};

/// One of each.
fn all() -> Vec<Reason> {
    let text = |words: &str| words.to_owned();
    let (ticket, other) = (TicketId(70), TicketId(71));
    vec![
        Reason::NewIncident,
        Reason::CommentAdded,
        Reason::CommentEdited,
        Reason::CommentDeleted,
        Reason::NoteAdded,
        Reason::NoteEdited,
        Reason::NoteDeleted,
        Reason::NotesDigested,
        Reason::NotesGathered { until: text("noon") },
        Reason::TicketMade,
        Reason::Pushed,
        Reason::ChangedInSentinel { field: text("severity") },
        Reason::ChangedInHalo { field: text("severity") },
        Reason::IncidentClosed,
        Reason::TicketClosed,
        Reason::IncidentReopened,
        Reason::TicketReopened,
        Reason::InStep,
        Reason::ModeOff,
        Reason::ModeObserve,
        Reason::ModeOneWay,
        Reason::OlderThanStart,
        Reason::Redirected,
        Reason::Filtered {
            filter: text("include.severity"), saw: text("“Low”"), would: text("it lets pass “High”")
        },
        Reason::StormHeld { cap: 5 },
        Reason::EntitiesAwaited { until: text("noon") },
        Reason::StormReleased,
        Reason::Grouped { why: text("one host") },
        Reason::GroupWaits { name: text("#7") },
        Reason::GroupOpen,
        Reason::WrittenBefore,
        Reason::AlertsJoined { alerts: vec![text("a")] },
        Reason::CopiedOver { from: ticket },
        Reason::Unlinked { ticket: Some(ticket), refused: None },
        Reason::LinkAsked { ticket, unlinked: None },
        Reason::LinkRefused { ticket, why: text("it was deleted.") },
        Reason::TicketAsked { after: None, blocked: None },
        Reason::Rehomed { reference: text("HB-1"), blocked: None },
        Reason::ClientNotBound,
        Reason::Unmapped { table: text("priority"), value: text("High") },
        Reason::Ambiguous { table: text("agent"), name: text("Amira"), ids: vec![5, 6] },
        Reason::RecordGone { what: text("Ticket 70 was deleted in Halo.") },
        Reason::WrongClient,
        Reason::VerdictMissing,
        Reason::VerdictRefused { why: text("no such pair") },
        Reason::CommentsUnread { why: text("The comments could not be read.") },
        Reason::TicketUnread { why: text("The ticket could not be read.") },
        Reason::NoteHeldBack,
        Reason::NotePrivacyUntold,
        Reason::WrittenElsewhere,
        Reason::CommentsFull,
        Reason::Conflict { field: text("severity"), sentinel: text("High"), halo: text("Low") },
        Reason::Reopened { side: Side::Halo, at: String::new(), by_rule: false },
        Reason::LeftApart,
        Reason::VerdictsDiffer { sentinel: text("True positive"), halo: text("False positive") },
        Reason::AfterClosing { what: text("severity") },
        Reason::Flapping { flips: 6 },
        Reason::Merged,
        Reason::MergedInto { name: text("#9") },
        Reason::SurvivorUnknown { candidates: Vec::new() },
        Reason::TicketsMeet { ticket, other, name: text("#9") },
        Reason::CopyLost { what: text("The note was deleted."), comment: CommentId::new("c") },
        Reason::AwaitsApproval { what: text("closing"), write: text("w") },
        Reason::Rejected { what: text("closing") },
        Reason::OutcomeUnknown,
        Reason::Dropped { what: text("closing"), makes_ticket: false },
        Reason::OwnerUnknown { owner: text("a@b.example"), why: text("unknown") },
        Reason::HaloKept { what: text("priority"), sent: text("High"), kept: text("Low") },
        Reason::Refused { why: text("Please enter a value.") },
    ]
}

/// The names of the variants as they are stored: `NewIncident` is `new-incident`.
fn stored(name: &str) -> String {
    let mut code = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !code.is_empty() {
            code.push('-');
        }
        code.push(letter.to_ascii_lowercase());
    }
    code
}

#[test]
fn every_reason_has_words_of_its_own() {
    let reasons = all();
    let codes: BTreeSet<String> = reasons.iter().map(|reason| reason.code().to_owned()).collect();
    assert_eq!(codes.len(), reasons.len(), "one of each");
    // None that there is is left out above.
    let source = include_str!("../../domain/reason.rs");
    let variants = source.split_once("pub enum Reason {").and_then(|(_, rest)| rest.split_once("\n}\n"));
    let variants = variants.expect("the list of reasons").0.lines().filter_map(|line| line.strip_prefix("    "));
    let variants = variants.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let named = variants.map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect::<String>());
    assert_eq!(named.map(|name| stored(&name)).collect::<BTreeSet<_>>(), codes);
    let mut said: BTreeMap<String, &'static str> = BTreeMap::new();
    for reason in &reasons {
        assert!(!reason.words().trim().is_empty(), "{reason:?}");
        let before = said.insert(reason.words(), reason.code());
        assert_eq!(before, None, "{} says the same", reason.code());
    }
}

/// Whatever stands open, holds an incident or keeps a pair apart says what a person can do about it; what is planned, or
/// told of something that asks nobody, does not.
#[test]
fn whatever_asks_for_a_person_names_a_way_out() {
    let asks_nobody = [
        "new-incident",
        "comment-added",
        "comment-edited",
        "comment-deleted",
        "note-added",
        "note-edited",
        "note-deleted",
        "notes-digested",
        "notes-gathered",
        "ticket-made",
        "pushed",
        "changed-in-sentinel",
        "changed-in-halo",
        "incident-closed",
        "ticket-closed",
        "incident-reopened",
        "ticket-reopened",
        "in-step",
        "storm-released",
        "grouped",
        "group-open",
        "written-before",
        "alerts-joined",
        "copied-over",
        "ticket-asked",
        "rehomed",
        "note-held-back",
        "written-elsewhere",
        "left-apart",
        "verdicts-differ",
        "after-closing",
        "merged",
        "merged-into",
    ];
    for reason in all() {
        let names_one = reason.remedy().is_some();
        assert_eq!(names_one, !asks_nobody.contains(&reason.code()), "{}", reason.code());
    }
    let unmapped = |value: &str| Reason::Unmapped { table: "severity".into(), value: value.into() }.remedy();
    assert_eq!(
        unmapped("no priority").as_deref(),
        Some("Give the ticket a priority in Halo, then press “Look again”.")
    );
    assert!(unmapped("Urgent").is_some_and(|remedy| remedy.contains("“priorities_back”")));
}

/// Whatever gate stops an incident, its page says what would change that.
#[test]
fn every_gate_that_fails_says_what_would_change_it() {
    let mut scene = in_step();
    scene.workspace.mode = Mode::Off;
    scene.workspace.since = scene.now;
    scene.policy.include.title = vec!["nothing like it".to_owned()];
    scene.policy.exclude.severity = vec!["*".to_owned()];
    scene.policy.ticket_type = Ref::Name("Nonsense".to_owned());
    scene.client.halo = None;
    scene.redirect();
    let mut failed = 0;
    for mode in [Mode::Off, Mode::Observe, Mode::CommentOnly] {
        scene.workspace.mode = mode;
        let gates =
            explain::gates(&scene.workspace, &scene.client, &scene.policy, Some(&scene.catalogue), &scene.incident);
        for gate in &gates {
            assert!(!gate.name.is_empty() && !gate.rule.is_empty() && !gate.saw.is_empty(), "{gate:?}");
            if let Some(reason) = &gate.fails {
                failed += 1;
                assert!(reason.remedy().is_some(), "{}: what would change it?", gate.name);
            }
        }
    }
    assert_eq!(failed, 21, "mode off, or observe, or comment-only; start, merge, both filters, client, ticket type");
}

/// Whatever an incident is held for, one of its gates fails for that, and its page says what would change it.
#[test]
fn whatever_holds_an_incident_is_a_gate_that_fails() {
    let (ticket, text) = (TicketId(9), |words: &str| words.to_owned());
    type Change = fn(&mut Scene);
    let cases: [(Reason, Change); 14] = [
        (Reason::ModeOff, |s| s.workspace.mode = Mode::Off),
        (Reason::OlderThanStart, |s| s.workspace.since = s.now),
        (Reason::Redirected, Scene::redirect),
        (
            Reason::Filtered {
                filter: text("include.severity"),
                saw: text("“Medium”"),
                would: text("it lets pass “High”"),
            },
            |s| s.policy.include.severity = vec!["High".to_owned()],
        ),
        (Reason::ClientNotBound, |s| s.client.halo = None),
        (Reason::Unmapped { table: text("ticket type"), value: text("Nonsense") }, |s| {
            s.policy.ticket_type = Ref::Name("Nonsense".to_owned());
        }),
        (Reason::Ambiguous { table: text("ticket type"), name: text("Security Incident"), ids: vec![21, 22] }, |s| {
            let more = s.catalogue.ticket_types[0].clone();
            s.catalogue.ticket_types.push(TicketType { id: 22, ..more });
            s.policy.ticket_type = Ref::Name("Security Incident".to_owned());
        }),
        (Reason::ModeObserve, |s| s.workspace.mode = Mode::Observe),
        (Reason::ModeOneWay, |s| s.workspace.mode = Mode::CommentOnly),
        (Reason::EntitiesAwaited { until: text("noon") }, |_| {}),
        (Reason::StormHeld { cap: 5 }, |s| s.policy.tickets_per_hour = 5),
        (Reason::Unlinked { ticket: Some(ticket), refused: None }, |_| {}),
        (Reason::LinkAsked { ticket, unlinked: None }, |_| {}),
        (Reason::LinkRefused { ticket, why: text("It was deleted in Halo.") }, |_| {}),
    ];
    let first = |scene: &Scene, held: &Reason| {
        let (catalogue, incident) = (Some(&scene.catalogue), &scene.incident);
        let gates = explain::all(&scene.workspace, &scene.client, &scene.policy, catalogue, incident, Some(held));
        explain::first(&gates).cloned()
    };
    for (held, change) in cases {
        let mut scene = in_step();
        change(&mut scene);
        let fails = first(&scene, &held).unwrap_or_else(|| panic!("no gate fails: {held:?}"));
        assert_eq!(fails.code(), held.code());
        assert!(fails.remedy().is_some(), "what would change {held:?}?");
    }
    // What a person let pass is not stopped by what stands with it.
    for passes in [Reason::StormReleased, Reason::TicketAsked { after: None, blocked: None }] {
        assert_eq!(first(&in_step(), &passes), None);
    }
}
