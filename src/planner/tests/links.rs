//! Links that people make and unmake: what two joined records agree on, and what stands before the gates.

use serde_json::json;

use super::scene::{HOLD, NEW, Scene, check, in_step, words};
use crate::{
    domain::{
        catalogue::Ref,
        closing::Classification,
        decision::Decision,
        failure::Side,
        ids::TicketId,
        incident::Severity,
        pair::Agreed,
        policy::{Direction, FieldMapping, FieldRule, FieldSource, FieldTarget, When, Wins},
        reason::Reason,
        workspace::Mode,
    },
    planner::{
        agreed, draft,
        fields::once,
        gate::Brake,
        link::{self, before_gates, joinable, stays},
    },
};

fn joined(s: &mut Scene) {
    s.pair.base = link::base();
}

#[test]
fn what_two_joined_records_say_differently_is_asked_about() {
    check(&[
        ("both say the same", joined, "in-step healthy -"),
        (
            "another severity",
            |s| {
                joined(s);
                s.incident.severity = Severity::High;
            },
            "behind needs-you conflict",
        ),
        (
            "another severity, and the policy names the side that wins",
            |s| {
                joined(s);
                s.policy.severity.wins = Wins::Sentinel;
                s.incident.severity = Severity::High;
            },
            "ticket priority=2 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "another status",
            |s| {
                joined(s);
                s.ticket().status_id = Some(NEW);
            },
            "behind needs-you conflict",
        ),
        (
            "a closed incident and an open ticket: nothing is closed unasked",
            |s| {
                joined(s);
                s.close_incident(Classification::FalsePositive, Some("InaccurateData"));
            },
            "behind needs-you conflict",
        ),
        (
            "an agent has it, and nobody owns the incident",
            |s| {
                joined(s);
                s.ticket().agent_id = Some(5);
            },
            "behind needs-you conflict",
        ),
        (
            "what was said on either side crosses",
            |s| {
                joined(s);
                s.comment(1, "words");
            },
            "note of comment because comment-added; behind waiting comment-added",
        ),
    ]);
}

#[test]
fn what_a_found_ticket_says_differently_is_asked_about_and_a_closure_crosses() {
    fn found(s: &mut Scene) {
        let ticket = s.ticket.clone().expect("the scene has a ticket");
        let base = agreed::at_creation(&s.incident);
        s.pair.base = agreed::with_found(base, &s.policy, &s.catalogue, &s.incident, &ticket, ticket.closed);
    }
    check(&[
        ("both say the same", found, "in-step healthy -"),
        (
            "another severity",
            |s| {
                s.incident.severity = Severity::High;
                found(s);
            },
            "behind needs-you conflict",
        ),
        (
            "another open status",
            |s| {
                s.ticket().status_id = Some(NEW);
                found(s);
            },
            "behind needs-you conflict",
        ),
        (
            "an agent has it, and nobody owns the incident",
            |s| {
                s.ticket().agent_id = Some(5);
                found(s);
            },
            "behind needs-you conflict",
        ),
        (
            "the same, and the policy gives it to somebody",
            |s| {
                s.policy.agent = Some(Ref::Name("Amira".into()));
                s.ticket().agent_id = Some(5);
                found(s);
            },
            "in-step healthy -",
        ),
        (
            "closed on both sides, and an agent has it: it differs, and the pair says so",
            |s| {
                s.close_incident(Classification::FalsePositive, Some("InaccurateData"));
                s.close_ticket(Some(2));
                s.ticket().agent_id = Some(5);
                found(s);
                s.pair.base.incident_status = Some(s.incident.status.clone());
            },
            "in-step healthy after-closing",
        ),
        (
            "a closed incident and an open ticket",
            |s| {
                s.close_incident(Classification::FalsePositive, Some("InaccurateData"));
                found(s);
            },
            "ticket status=9 field112=2 because incident-closed; behind waiting incident-closed",
        ),
        (
            "a ticket that an agent closed, and an open incident",
            |s| {
                s.close_ticket(Some(2));
                found(s);
            },
            "incident status=Closed FalsePositive/InaccurateData because ticket-closed; behind waiting ticket-closed",
        ),
        (
            "the same without a classification",
            |s| {
                s.close_ticket(None);
                found(s);
            },
            "own note because verdict-missing; behind needs-you verdict-missing",
        ),
        (
            "a ticket that was closed for its incident, which was opened again",
            |s| {
                s.close_ticket(Some(2));
                s.ticket().closure_note = Some("<p>Closed in Microsoft Sentinel as False positive.</p>".into());
                found(s);
            },
            "behind needs-you conflict",
        ),
        (
            "an incident that was closed for its ticket, which was opened again",
            |s| {
                s.close_incident(Classification::FalsePositive, Some("InaccurateData"));
                s.incident.classification_comment = Some("Closed in Halo (ticket 70).\nDone.".into());
                found(s);
            },
            "behind needs-you conflict",
        ),
    ]);
}

#[test]
fn what_a_person_chose_for_joined_records_is_carried_and_the_rest_goes_by_the_policy() {
    let mut scene = in_step();
    joined(&mut scene);
    scene.incident.severity = Severity::High;
    let found = scene.plan();
    let Some(Reason::Conflict { field, sentinel, halo }) = found.items().first().cloned() else { panic!("{found:?}") };
    scene.pair.base = found.base.expect("what agrees is kept");
    assert_eq!(scene.pair.base.joined.iter().map(String::as_str).collect::<Vec<_>>(), ["severity", "title"]);
    scene.pair.decisions.push(Decision::Take { field, side: Side::Sentinel, sentinel, halo });
    let chosen = scene.plan();
    let carried = "ticket priority=2 because changed-in-sentinel; behind waiting changed-in-sentinel";
    assert_eq!(words(&chosen), carried);
    // A field that agreed is like any other from then on.
    assert_eq!(chosen.base, None, "until it has arrived, nothing new is agreed on");
    scene.ticket().status_id = Some(HOLD);
    scene.policy.statuses_back = vec![(crate::domain::catalogue::Ref::Name("On Hold".into()), "New".into())];
    assert!(words(&scene.plan()).contains("incident status=New because changed-in-halo"), "{}", words(&scene.plan()));
}

#[test]
fn a_difference_whose_write_came_to_nothing_is_not_forgotten() {
    let mut carried = in_step();
    joined(&mut carried);
    carried.policy.severity.wins = Wins::Sentinel;
    carried.incident.severity = Severity::High;
    let mut one_way = in_step();
    joined(&mut one_way);
    one_way.policy.status.wins = Wins::Halo;
    one_way.workspace.mode = Mode::SentinelToHalo;
    one_way.ticket().status_id = Some(HOLD);
    for (mut scene, told) in [(carried, "ticket priority=2"), (one_way, "mode-one-way")] {
        for _ in 0..3 {
            let plan = scene.plan();
            assert!(words(&plan).contains(told), "{}", words(&plan));
            // What was planned is not carried out: a reading came between, or a person dropped it.
            scene.pair.base = plan.base.unwrap_or(scene.pair.base);
        }
    }
}

/// Joined, with a field of the ticket that the incident's title is mapped to.
fn mapped_to(s: &mut Scene, field: &str, there: (i64, &str)) {
    joined(s);
    s.policy.fields = vec![FieldMapping {
        field: FieldTarget::Custom(Ref::Name(field.into())),
        source: FieldSource::Path("$.properties.title".into()),
        rule: FieldRule::new(Direction::ToHalo, When::Always),
    }];
    s.incident.raw = json!({ "properties": { "title": "True positive" } }).into();
    s.field(there.0, there.1);
}

#[test]
fn an_agents_value_in_a_mapped_field_of_a_joined_ticket_is_asked_about() {
    let written = "ticket field120=\"True positive\" because changed-in-sentinel; behind waiting changed-in-sentinel";
    check(&[
        ("it says another thing", |s| mapped_to(s, "CFTactics", (120, "an agent's")), "behind needs-you conflict"),
        ("it says the same", |s| mapped_to(s, "CFTactics", (120, "True positive")), "in-step healthy -"),
        ("nothing stands there", |s| mapped_to(s, "CFTactics", (120, " ")), written),
        (
            "nothing was chosen there",
            |s| mapped_to(s, "CFClass", (112, "0")),
            "ticket field112=1 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        ("another one was chosen", |s| mapped_to(s, "CFClass", (112, "2")), "behind needs-you conflict"),
        (
            "the policy lets the incident win",
            |s| {
                mapped_to(s, "CFTactics", (120, "an agent's"));
                s.policy.fields[0].rule.wins = Wins::Sentinel;
            },
            written,
        ),
        (
            "the policy lets the ticket win",
            |s| {
                mapped_to(s, "CFTactics", (120, "an agent's"));
                s.policy.fields[0].rule.wins = Wins::Halo;
            },
            "in-step healthy -",
        ),
        (
            "the field was mapped when all else was agreed on",
            |s| {
                let agreed = s.pair.base.clone();
                mapped_to(s, "CFTactics", (120, "an agent's"));
                s.pair.base = agreed;
                s.pair.base.linked = true;
            },
            "behind needs-you conflict",
        ),
        (
            "a ticket that was made from the incident",
            |s| {
                let agreed = s.pair.base.clone();
                mapped_to(s, "CFTactics", (120, "Halo's own"));
                s.pair.base = agreed;
            },
            written,
        ),
    ]);
    // A person takes the incident's value: it is written once, whatever Halo makes of it.
    let mut scene = in_step();
    mapped_to(&mut scene, "CFTactics", (120, "an agent's"));
    let asked = scene.plan();
    let Some(Reason::Conflict { field, sentinel, halo }) = asked.items().first().cloned() else { panic!("{asked:?}") };
    scene.pair.base = asked.base.expect("what agrees is kept");
    scene.pair.decisions.push(Decision::Take { field, side: Side::Sentinel, sentinel, halo });
    assert_eq!(words(&scene.plan()), written);
    let kept = Agreed { sentinel: "True positive".into(), halo: Some("TRUE POSITIVE".into()) };
    scene.pair.base.fields.insert("120".into(), kept);
    scene.field(120, "TRUE POSITIVE");
    let plan = scene.plan();
    assert_eq!(words(&plan), "in-step healthy -");
    assert!(plan.base.is_some_and(|base| base.linked && !base.joined.iter().any(|name| name.contains("CFTactics"))));
}

#[test]
fn which_tickets_can_be_joined() {
    let mut scene = in_step();
    let ticket = scene.ticket().clone();
    assert_eq!(joinable(&ticket, 12, false), Ok(()));
    let mut deleted = ticket.clone();
    deleted.deleted = true;
    let mut merged = ticket.clone();
    merged.merged_into = Some(TicketId(71));
    let cases = [
        (&deleted, 12, false, "was deleted"),
        (&merged, 12, false, "Link that one"),
        (&ticket, 13, false, "This client has no ticket"),
        (&deleted, 13, false, "This client has no ticket"),
        (&ticket, 12, true, "Unlink that one first"),
    ];
    for (ticket, client, taken, expected) in cases {
        let why = joinable(ticket, client, taken).expect_err(expected);
        assert!(why.contains(expected), "{why}");
    }
    assert_eq!(
        joinable(&ticket, 13, true),
        Err(crate::planner::link::not_there(ticket.id)),
        "as one that is not there at all"
    );
}

#[test]
fn what_a_person_decided_stands_before_the_gates() {
    let (after, unlinked) = (Some(TicketId(70)), Some(Some(TicketId(70))));
    let cases = [
        (Reason::Unlinked { ticket: after, refused: None }, true, true),
        (Reason::LinkAsked { ticket: TicketId(9), unlinked }, true, true),
        (Reason::TicketAsked { after, blocked: None }, true, false),
        (Reason::ticket_blocked(after, Reason::ClientNotBound), true, false),
        (Reason::LinkRefused { ticket: TicketId(9), why: "no".into() }, false, false),
        (Reason::Rehomed { reference: "HB-1".into(), blocked: None }, false, false),
        (Reason::OlderThanStart, false, false),
        (Reason::StormHeld { cap: 3 }, false, false),
    ];
    for (reason, before, kept) in cases {
        assert_eq!((before_gates(reason.code()), stays(&reason)), (before, kept), "{reason:?}");
    }
}

#[test]
fn a_ticket_that_was_asked_for_and_cannot_be_made_says_why() {
    let hole = Reason::Unmapped { table: "ticket type".into(), value: "Nowhere".into() };
    let asked = Reason::ticket_blocked(Some(TicketId(70)), hole.clone());
    assert_eq!(asked.words(), format!("A person asked for its ticket, and it cannot be made yet. {}", hole.words()));
    assert_eq!((asked.code(), asked.remedy(), asked.done_here()), (Reason::TICKET_ASKED, hole.remedy(), true));
    let free = Reason::TicketAsked { after: None, blocked: None };
    assert_eq!((free.remedy(), free.done_here()), (None, false));
    // As it was stored before anything could stand in its way.
    let older: Reason = serde_json::from_value(serde_json::json!({ "code": "ticket-asked" })).expect("it is read");
    assert_eq!(older, free);
    let stored = serde_json::to_value(&asked).expect("it is stored");
    assert_eq!(serde_json::from_value::<Reason>(stored).ok(), Some(asked));
}

#[test]
fn a_ticket_that_a_person_asked_for_passes_filter_start_and_brake_alone() {
    let mut scene = in_step();
    let ask = |s: &Scene| link::ask(&s.workspace, &s.client, &s.policy, Some(&s.catalogue), Some(TicketId(70)));
    scene.policy.include.severity = vec!["High".into()];
    scene.workspace.since = scene.now;
    let passed = ask(&scene).expect("filters and start do not hold it");
    assert_eq!(passed.after, Some(TicketId(70)));
    let mut brake = Brake::new(&scene.policy, u32::MAX);
    scene.policy.tickets_per_hour = 1;
    assert!(brake.ask(Some(&Reason::TicketAsked { after: None, blocked: None })).is_ok());
    for (mode, expected) in [
        (Mode::Off, Some(Reason::ModeOff)),
        (Mode::Observe, Some(Reason::ModeObserve)),
        (Mode::CommentOnly, Some(Reason::ModeOneWay)),
        (Mode::SentinelToHalo, None),
    ] {
        scene.workspace.mode = mode;
        assert_eq!(ask(&scene).err(), expected, "{mode:?}");
    }
    scene.client.halo = None;
    assert_eq!(ask(&scene).err(), Some(Reason::ClientNotBound));
    // The further ticket is another one to everybody who looks for its reference.
    let first = draft::ticket_reference(&scene.workspace, &scene.incident);
    assert_ne!(draft::reference_after(&scene.workspace, &scene.incident, TicketId(70)), first);
}

#[test]
fn a_ticket_that_was_not_made_from_its_incident_is_given_the_incidents_id() {
    let mut scene = in_step();
    scene.policy.incident_id_field = Some(Ref::Name("CFTactics".into()));
    assert_eq!(words(&scene.plan()), "in-step healthy -", "a list row tells no fields");
    scene.field(120, "");
    let plan = scene.plan();
    let guid = scene.incident.id.as_str().to_owned();
    assert_eq!(
        words(&plan),
        format!("ticket field120=\"{guid}\" because changed-in-sentinel; behind waiting changed-in-sentinel")
    );
    let mut unset = scene.clone();
    unset.ticket().custom_fields.clear();
    unset.ticket().raw = json!({ "id": 70, "customfields": [] }).into();
    assert_eq!(words(&unset.plan()), words(&plan), "a whole reading shows only fields that are set");
    scene.field(120, &guid.to_uppercase());
    assert_eq!(words(&scene.plan()), "in-step healthy -", "it stands there");
    // So is what a new ticket would have been given, where nothing stands.
    let mut linked = scene.clone();
    linked.pair.base.joined.insert(once::JOINED.into());
    linked.policy.fields = vec![FieldMapping {
        field: FieldTarget::Custom(Ref::Name("CFLabels".into())),
        source: FieldSource::Path("$.properties.title".into()),
        rule: FieldRule::new(Direction::ToHalo, When::OnCreate),
    }];
    linked.incident.raw = json!({ "properties": { "title": "told" } }).into();
    linked.field(121, "");
    let plan = linked.plan();
    assert_eq!(
        words(&plan),
        "ticket field121=\"told\" because changed-in-sentinel; behind waiting changed-in-sentinel"
    );
    let mut own = linked.clone();
    own.field(121, "an agent's");
    let plan = own.plan();
    assert_eq!(words(&plan), "in-step healthy -");
    own.queue(&plan);
    own.field(121, "");
    assert_eq!(words(&own.plan()), "in-step healthy -", "once");
    // Written once: what an agent makes of it stays.
    let known = Agreed { sentinel: guid.clone(), halo: Some(guid) };
    scene.pair.base.fields.insert("120".into(), known);
    scene.field(120, "");
    assert_eq!(words(&scene.plan()), "in-step healthy -");
}
