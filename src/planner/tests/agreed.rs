//! What both sides agree on after one of our writes.

use serde_json::json;

use super::{
    fields::custom,
    kept,
    scene::{CLOSED, NEW, Scene, WORKING, in_step, words},
};
use crate::{
    domain::{
        catalogue::{Catalogue, Ref},
        closing::{Classification, Verdict},
        failure::Side,
        incident::{Incident, IncidentStatus, Label, Owner, Severity},
        operation::{IncidentChange, OperationKind},
        pair::Base,
        policy::{Direction, FieldMapping, FieldRule, FieldSource, Policy, When, Wins},
        ticket::{CustomField, Ticket, TicketChange, TicketDraft},
    },
    planner::{Plan, Planned, agreed, fields::once},
};

fn owner(name: &str) -> Owner {
    Owner { user_principal_name: Some(name.into()), ..Owner::default() }
}

fn ticket() -> Ticket {
    in_step().ticket.expect("there is one")
}

/// The draft of the scene's ticket, and what is agreed on when it is drafted.
fn drafted(change: fn(&mut Scene)) -> (TicketDraft, Base) {
    let mut scene = in_step();
    (scene.ticket, scene.pair.ticket) = (None, None);
    change(&mut scene);
    let Plan { operations, .. } = scene.plan();
    let draft = operations.into_iter().find_map(|Planned { kind, .. }| match kind {
        crate::domain::operation::OperationKind::CreateTicket { draft, .. } => Some(draft),
        _ => None,
    });
    (draft.expect("a ticket is made"), agreed::at_creation(&scene.incident))
}

#[test]
fn a_draft_agrees_with_its_incident() {
    let mut incident = in_step().incident;
    incident.owner = owner("amira@soc.example");
    let expected = Base {
        severity: Some(Severity::Medium),
        incident_status: Some(IncidentStatus::Active),
        owner: incident.owner.key(),
        title: Some(incident.title.clone()),
        ..Base::default()
    };
    assert_eq!(agreed::at_creation(&incident), expected);
    incident.status = IncidentStatus::Closed;
    let opens = Some(IncidentStatus::New);
    assert_eq!(agreed::at_creation(&incident), Base { incident_status: opens, ..expected }, "it is closed afterwards");
}

#[test]
fn what_a_draft_has_no_row_for_is_agreed_on_by_nobody() {
    fn poor(scene: &mut Scene) {
        (scene.policy.priorities, scene.policy.statuses) = (Default::default(), Default::default());
        scene.incident.owner = owner("x@y.example");
    }
    let (draft, base) = drafted(poor);
    let mut scene = in_step();
    poor(&mut scene);
    let of = |scene: &Scene| {
        let mut base = base.clone();
        agreed::without_holes(&mut base, &scene.policy, &scene.catalogue, &draft, &scene.incident);
        base
    };
    let begun = of(&scene);
    assert_eq!((&begun.severity, &begun.incident_status, &begun.owner), (&None, &None, &scene.incident.owner.key()));
    assert!(begun.is_unsettled("owner", Side::Sentinel));
    // Whomever Halo gives it to.
    for agent_id in [None, Some(5), Some(99)] {
        let answer = Ticket { agent_id, ..ticket() };
        let made = agreed::with_answer(begun.clone(), &draft, &answer, Some(99));
        assert_eq!((made.agent_id, made.is_unsettled("owner", Side::Sentinel)), (agent_id, true));
    }
    // What the policy does not carry is nobody's.
    scene.policy.status.direction = Direction::None;
    scene.policy.owner.direction = Direction::None;
    assert_eq!(of(&scene), Base { severity: None, ..base.clone() });
}

/// The pair was opened with every row, and its ticket was drafted anew while some were missing.
#[test]
fn what_a_later_draft_has_no_row_for_is_agreed_on_by_nobody() {
    for fallback in [None, Some("Jonas")] {
        let mut scene = in_step();
        scene.policy.agent = fallback.map(|name: &str| Ref::Name(name.into()));
        scene.incident.owner = owner("amira@soc.example");
        let opened = agreed::at_creation(&scene.incident);
        let mut poor = scene.clone();
        (poor.policy.priorities, poor.policy.statuses) = (Default::default(), Default::default());
        poor.catalogue.agents.retain(|agent| agent.name != "Amira");
        (poor.ticket, poor.pair.ticket, poor.pair.base) = (None, None, opened.clone());
        let draft = poor.plan().operations.into_iter().find_map(|Planned { kind, .. }| match kind {
            OperationKind::CreateTicket { draft, .. } => Some(draft),
            _ => None,
        });
        let draft = draft.expect("a ticket is made");
        let born = Ticket {
            status_id: Some(NEW),
            priority_id: Some(4),
            agent_id: draft.agent_id.or(Some(1)),
            summary: draft.summary.clone(),
            ..ticket()
        };
        // It is made while they are missing, or when they are there again.
        for then in [&poor, &scene] {
            let mut base = opened.clone();
            agreed::without_holes(&mut base, &then.policy, &then.catalogue, &draft, &scene.incident);
            let mut made = scene.clone();
            made.pair.base = agreed::with_answer(base, &draft, &born, None);
            *made.ticket() = born.clone();
            let crosses =
                "ticket status=2 priority=3 agent=5 because changed-in-sentinel; behind waiting changed-in-sentinel";
            assert_eq!(words(&made.plan()), crosses, "{fallback:?}");
        }
    }
}

/// The pair was opened without a row, and its ticket was drafted anew once there was one; the answer was lost, and an agent had
/// it in hand before it was found. That is the agent's move, and the incident has not moved.
#[test]
fn what_a_later_draft_has_a_row_for_is_agreed_on_from_the_tickets_birth() {
    let mut scene = in_step();
    scene.incident.owner = owner("amira@soc.example");
    for wins in [Wins::Sentinel, Wins::Ask] {
        for rule in [&mut scene.policy.severity, &mut scene.policy.status, &mut scene.policy.owner] {
            *rule = FieldRule { direction: Direction::Both, when: When::Always, wins };
        }
        let mut opened = agreed::at_creation(&scene.incident);
        (opened.severity, opened.incident_status) = (None, None);
        opened.unsettled.insert("owner".to_owned(), Side::Sentinel);
        let mut waiting = scene.clone();
        (waiting.ticket, waiting.pair.ticket, waiting.pair.base) = (None, None, opened.clone());
        let draft = waiting.plan().operations.into_iter().find_map(|Planned { kind, .. }| match kind {
            OperationKind::CreateTicket { draft, .. } => Some(draft),
            _ => None,
        });
        let draft = draft.expect("a ticket is made");
        agreed::without_holes(&mut opened, &scene.policy, &scene.catalogue, &draft, &scene.incident);
        assert_eq!(opened, agreed::at_creation(&scene.incident));
        let mut found = scene.clone();
        *found.ticket() = Ticket {
            status_id: Some(NEW),
            priority_id: Some(2),
            agent_id: Some(6),
            summary: draft.summary.clone(),
            ..ticket()
        };
        found.pair.base = agreed::with_settled(opened, &draft, &found.ticket().clone());
        let plan = found.plan();
        let carried = |planned: &Planned| {
            matches!(&planned.kind, OperationKind::UpdateIncident { change }
                if change.status == Some(IncidentStatus::New) && change.severity == Some(Severity::High))
        };
        assert!(plan.operations.iter().any(carried), "{wins:?}: {}", words(&plan));
        let written = |planned: &Planned| matches!(planned.kind, OperationKind::UpdateTicket { .. });
        assert!(!plan.operations.iter().any(written), "{wins:?}: {}", words(&plan));
    }
}

/// An agent has changed everything before the ticket was found.
#[test]
fn of_a_ticket_found_later_what_was_drafted_is_agreed() {
    let (draft, base) = drafted(|_| {});
    let found = Ticket {
        status_id: Some(23),
        priority_id: Some(2),
        agent_id: Some(5),
        summary: "Renamed by an agent".into(),
        ..ticket()
    };
    let expected = Base {
        status_id: Some(WORKING),
        priority_id: Some(3),
        agent_id: None,
        summary: Some(draft.summary.clone()),
        ..base.clone()
    };
    assert_eq!(agreed::with_settled(base.clone(), &draft, &found), expected);
    // What a service does to blanks and marks is no change.
    let spaced = Ticket { summary: "[Sentinel 7]  Sign-in from  two places".into(), ..found.clone() };
    let settled = agreed::with_settled(base.clone(), &draft, &spaced);
    assert_eq!(settled.summary, Some(spaced.summary));
    // What was left to Halo counts as it stands, an agent only where the incident has an owner.
    let open = TicketDraft { status_id: None, priority_id: None, agent_id: None, ..draft.clone() };
    let settled = agreed::with_settled(base.clone(), &open, &found);
    assert_eq!((settled.status_id, settled.priority_id, settled.agent_id), (Some(23), Some(2), None));
    let owned = Base { owner: Some("li@soc.example".into()), ..base.clone() };
    assert_eq!(agreed::with_settled(owned.clone(), &open, &found).agent_id, Some(5));
    let given = TicketDraft { agent_id: Some(6), ..open };
    assert_eq!(agreed::with_settled(owned, &given, &found).agent_id, Some(6));
}

/// Where nothing stands no agent's word is lost: the value may never have arrived.
#[test]
fn of_a_ticket_found_later_an_agents_value_in_a_mapped_field_stays() {
    let table = [("an agent's", None), ("drafted", None), ("", Some("ticket field120=\"drafted\" because "))];
    for wins in [Wins::Sentinel, Wins::Halo] {
        for (stands, written) in table {
            let mut scene = in_step();
            scene.policy.fields = vec![FieldMapping {
                field: custom("CFTactics"),
                source: FieldSource::Text("drafted".into()),
                rule: FieldRule { wins, ..FieldRule::new(Direction::ToHalo, When::Always) },
            }];
            let draft = scene.with(kept::drafted);
            scene.field(120, stands);
            let found = scene.ticket().clone();
            let mut base = agreed::with_settled(agreed::at_creation(&scene.incident), &draft, &found);
            once::given(&mut base, &scene.policy, &scene.catalogue, &draft, &found, true);
            scene.pair.base = base;
            let plan = words(&scene.plan());
            match written {
                Some(written) => assert!(plan.starts_with(written), "{plan}"),
                None => assert_eq!(plan, "in-step healthy -", "{stands} {wins:?}"),
            }
        }
    }
}

#[test]
fn of_an_answered_ticket_the_subject_stands_and_nobody_took_what_was_given_to_us() {
    let (draft, base) = drafted(|_| {});
    let answer = |agent_id| Ticket { agent_id, summary: "By a rule of Halo".into(), ..ticket() };
    let of = |draft: &TicketDraft, agent_id, own| agreed::with_answer(base.clone(), draft, &answer(agent_id), own);
    let found = of(&draft, Some(99), Some(99));
    assert_eq!((found.agent_id, found.priority_id), (Some(99), Some(3)), "ours was given what nobody owns");
    assert_eq!(found.summary.as_deref(), Some("By a rule of Halo"));
    assert_eq!(of(&draft, Some(5), Some(99)).agent_id, None, "somebody took it");
    assert_eq!(of(&draft, None, None).agent_id, None);
    let given = TicketDraft { agent_id: Some(6), ..draft };
    assert_eq!(of(&given, Some(99), Some(99)).agent_id, Some(6), "it was given to another");
}

#[test]
fn after_a_change_of_the_incident_the_answer_is_agreed() {
    let before = in_step().pair.base;
    let ticket = Ticket { status_id: Some(CLOSED), priority_id: Some(4), agent_id: Some(5), ..ticket() };
    let mut answer = in_step().incident;
    (answer.status, answer.severity, answer.title) = (IncidentStatus::Closed, Severity::Low, "Renamed".into());
    answer.owner = owner("amira@soc.example");
    let change = IncidentChange {
        status: Some(IncidentStatus::Closed),
        severity: Some(Severity::Low),
        owner: Some(answer.owner.clone()),
        title: Some("Renamed".into()),
        ..IncidentChange::default()
    };
    let expected = Base {
        severity: Some(Severity::Low),
        priority_id: Some(4),
        incident_status: Some(IncidentStatus::Closed),
        status_id: Some(CLOSED),
        ticket_closed: true,
        owner: answer.owner.key(),
        agent_id: Some(5),
        title: Some("Renamed".into()),
        summary: Some(ticket.summary.clone()),
        ..before.clone()
    };
    assert_eq!(agreed::after_incident(before.clone(), &ticket, &change, &answer), expected);
    let nothing = IncidentChange::default();
    assert_eq!(agreed::after_incident(before.clone(), &ticket, &nothing, &answer), before);
    answer.status = IncidentStatus::Active;
    assert!(!agreed::after_incident(before, &ticket, &change, &answer).ticket_closed, "it was not taken");
}

#[test]
fn words_that_a_ticket_did_not_take_are_still_to_be_said() {
    let scene = in_step();
    let change = TicketChange {
        status_id: Some(CLOSED),
        closure_note: Some("over".into()),
        custom_fields: vec![(112, json!(3))],
        ..TicketChange::default()
    };
    let unsaid = |note: Option<&str>, closed| {
        let answer = Ticket { closure_note: note.map(str::to_owned), ..ticket() };
        let base = agreed::after_ticket(scene.pair.base.clone(), &scene.incident, &change, &answer, closed);
        base.unsaid.map(|unsaid| (unsaid.words, unsaid.at))
    };
    let words = Some(("over".to_owned(), scene.incident.modified));
    assert_eq!([unsaid(None, true), unsaid(Some(" "), true)], [words.clone(), words]);
    assert_eq!([unsaid(Some("over"), true), unsaid(None, false)], [None, None]);
    let base = agreed::after_ticket(scene.pair.base.clone(), &scene.incident, &change, &ticket(), true);
    let own = base.own_closing.expect("it was ours");
    assert_eq!((own.note.as_str(), own.fields["112"].as_str(), own.emptied), ("over", "3", false));
    assert_eq!(own.at, ticket().last_update);
}

#[test]
fn an_incident_has_taken_a_change_when_its_values_or_its_version_say_so() {
    type Row = (&'static str, fn(&mut IncidentChange), fn(&mut Incident), bool);
    let classify = |i: &mut Incident| {
        i.status = IncidentStatus::Closed;
        i.classification = Some(Classification::TruePositive);
    };
    let before = {
        let mut incident = in_step().incident;
        classify(&mut incident);
        incident.classification = Some(Classification::Undetermined);
        incident.labels = vec![label("old")];
        incident
    };
    // The etag stays as it was.
    let table: [Row; 12] = [
        ("nothing moved", |c| c.severity = Some(Severity::Low), |_| {}, false),
        ("it says so", |c| c.severity = Some(Severity::Low), |i| i.severity = Severity::Low, true),
        ("it said so before", |c| c.severity = Some(Severity::Medium), |_| {}, false),
        (
            "one of two is still old",
            |c| (c.severity, c.title) = (Some(Severity::Low), Some("Renamed".into())),
            |i| i.severity = Severity::Low,
            false,
        ),
        ("an owner", |c| c.owner = Some(owner("a@x.example")), |i| i.owner = owner("a@x.example"), true),
        ("another owner", |c| c.owner = Some(owner("a@x.example")), |i| i.owner = owner("b@x.example"), false),
        ("a label", |c| c.labels_added = vec!["one".into()], |i| i.labels = vec![label("one")], true),
        ("a label off", |c| c.labels_removed = vec!["old".into()], |i| i.labels.clear(), true),
        ("the label is still there", |c| c.labels_removed = vec!["old".into()], |_| {}, false),
        ("another label", |c| c.labels_added = vec!["one".into()], |i| i.labels = vec![label("two")], false),
        (
            "a classification",
            |c| c.verdict = Some(verdict(Classification::TruePositive)),
            |i| i.classification = Some(Classification::TruePositive),
            true,
        ),
        (
            "another classification",
            |c| c.verdict = Some(verdict(Classification::TruePositive)),
            |i| i.classification = Some(Classification::FalsePositive),
            false,
        ),
    ];
    for (name, ask, answer, expected) in table {
        let (mut change, mut after) = (IncidentChange::default(), before.clone());
        ask(&mut change);
        answer(&mut after);
        assert_eq!(agreed::taken(&before, &change, &after), expected, "{name}");
        if name != "one of two is still old" && name != "nothing moved" {
            let later = Incident { etag: Some("\"b\"".into()), ..after.clone() };
            let untold = Incident { etag: None, ..after };
            assert!(agreed::taken(&before, &change, &later) && agreed::taken(&before, &change, &untold), "{name}");
        }
    }
}

fn label(name: &str) -> Label {
    Label { name: name.into(), kind: None }
}

fn verdict(classification: Classification) -> Verdict {
    Verdict { classification, reason: None, comment: None }
}

#[test]
fn owners_are_one_by_any_identity_in_common() {
    let some = |text: &str| Some(text.to_owned());
    let full = Owner {
        object_id: some("1-A"),
        email: some("Amira@soc.example"),
        user_principal_name: some("amira@tenant.example"),
        ..Owner::default()
    };
    let by_id = Owner { object_id: some("1-a"), ..Owner::default() };
    let by_mail = Owner { email: some("amira@soc.example"), ..Owner::default() };
    let by_name = Owner { user_principal_name: some("AMIRA@tenant.example"), ..Owner::default() };
    let other = Owner { object_id: some("2"), email: some("li@soc.example"), ..Owner::default() };
    let nobody = Owner::default();
    let table = [
        (&full, &by_id, true),
        (&full, &by_mail, true),
        (&full, &by_name, true),
        (&full, &other, false),
        (&by_id, &by_mail, false),
        (&full, &nobody, false),
        (&nobody, &full, false),
        (&nobody, &nobody, true),
    ];
    for (one, two, expected) in table {
        assert_eq!(agreed::same(one, two), expected, "{one:?} {two:?}");
    }
}

#[test]
fn an_answer_without_custom_fields_keeps_those_that_were_sent() {
    let field =
        |id, value: &str| CustomField { id, name: "F".into(), value: value.into(), display: Some("shown".into()) };
    let known = Ticket { custom_fields: vec![field(120, "a"), field(121, "b")], ..ticket() };
    let change = TicketChange { custom_fields: vec![(121, json!("c")), (112, json!(3))], ..TicketChange::default() };
    let told = |answer: &Ticket, known: Option<&Ticket>, change: &TicketChange| {
        let fields = agreed::with_sent_fields(answer.clone(), known, change).custom_fields;
        fields.into_iter().map(|field| (field.id, field.value, field.display.is_some())).collect::<Vec<_>>()
    };
    let sent = [(121, json!("c"), false), (112, json!(3), false)];
    let all = [(120, json!("a"), true), sent[0].clone(), sent[1].clone()];
    assert_eq!(told(&ticket(), Some(&known), &change), all);
    assert_eq!(told(&ticket(), None, &change), sent);
    assert_eq!(told(&known, None, &change), [(120, json!("a"), true), (121, json!("b"), true)], "the answer tells");
    assert_eq!(told(&ticket(), Some(&known), &TicketChange::default()), [], "none was sent");
}

/// A ticket that nobody remembers making: an open item for each value that differs, unless the sides differ by rule.
#[test]
fn of_a_found_ticket_each_field_is_asked_about() {
    let joined = |incident: &Incident, policy: &Policy, catalogue: &Catalogue, closed| {
        let base = agreed::with_found(Base::default(), policy, catalogue, incident, &ticket(), closed);
        base.joined.into_iter().collect::<Vec<_>>()
    };
    let scene = in_step();
    let mut other = scene.incident.clone();
    other.owner = owner("nobody@x.example");
    let of = |incident: &Incident, closed| joined(incident, &scene.policy, &scene.catalogue, closed);
    assert_eq!(of(&scene.incident, false), ["owner", "severity", "status", "title"]);
    assert_eq!(of(&scene.incident, true), ["owner", "severity", "title"], "a closure speaks for itself");
    assert_eq!(of(&other, false), ["severity", "status", "title"], "who is nobody in Halo differs by rule");
    other.owner = owner("amira@soc.example");
    assert_eq!(of(&other, false), ["owner", "severity", "status", "title"]);
}

/// An agent lowered the priority, which was on its way to the incident when the ticket was deleted: the one made in its place
/// by the plan of before gets what the incident says by then.
#[test]
fn a_successor_made_from_an_older_draft_is_held_against_the_incident() {
    let (draft, before) = drafted(|_| {});
    let mut scene = in_step();
    let successor = Ticket { priority_id: draft.priority_id, ..scene.ticket().clone() };
    scene.incident.severity = Severity::Low;
    let arrived = Base { severity: Some(Severity::Low), ..before };
    scene.pair.base = agreed::with_answer(agreed::of_successor(arrived), &draft, &successor, None);
    *scene.ticket() = successor;
    let wanted = TicketChange { priority_id: Some(4), ..TicketChange::default() };
    let plan = scene.plan();
    let carries =
        |planned: &Planned| matches!(&planned.kind, OperationKind::UpdateTicket { change } if *change == wanted);
    assert!(matches!(&plan.operations[..], [only] if carries(only)), "{:?}", plan.operations);
}
