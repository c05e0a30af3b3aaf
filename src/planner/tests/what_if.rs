//! What a policy would do is counted, and nothing is carried out.

use super::scene::{Scene, at, in_step};
use crate::{
    domain::{
        closing::Classification,
        incident::{Incident, IncidentStatus, Severity},
        policy::Direction,
        reason::Reason,
        view::what_if::{Sample, WhatIf},
        workspace::Mode,
    },
    planner::what_if::Counting,
};

fn counting() -> Counting {
    Counting::new(at("2026-02-01T00:00:00Z"), at("2026-04-01T00:00:00Z"))
}

fn rows(counted: &[crate::domain::view::what_if::Counted]) -> Vec<(&str, u32)> {
    counted.iter().map(|row| (row.says.as_str(), row.count)).collect()
}

/// The workspace only observes and starts after the incidents: what is asked is what would be if it wrote from then on.
#[test]
fn tickets_that_would_be_made_are_counted_with_what_they_lack() {
    let mut scene = in_step();
    scene.workspace.mode = Mode::Observe;
    scene.workspace.since = at("2026-06-01T00:00:00Z");
    let mut count = counting();
    let mut add = |change: &dyn Fn(&mut Incident)| {
        let mut incident = scene.incident.clone();
        change(&mut incident);
        count.add((&scene.workspace, &scene.client, &scene.policy), &scene.catalogue, &incident);
    };
    add(&|one| one.owner.email = Some("amira@soc.example".into()));
    add(&|one| {
        one.status = IncidentStatus::Closed;
        one.classification = Some(Classification::Undetermined);
    });
    for _ in 0..2 {
        add(&|one| one.severity = Severity::Other("Critical".into()));
    }
    add(&|one| one.severity = Severity::Other("Odd".into()));
    for number in 8..10 {
        add(&|one| one.number = Some(number));
    }
    for _ in 0..2 {
        add(&|one| one.created = Some(at("2026-01-31T23:59:59Z")));
    }
    count.held(&Reason::Redirected);
    count.skip(&Reason::StormHeld { cap: 3 });
    let found = count.done(true);
    assert_eq!((found.incidents, found.tickets, found.closed, found.linked, found.more), (10, 7, 1, 0, true));
    let older = Reason::OlderThanStart.words();
    let (storm, redirected) = (Reason::StormHeld { cap: 3 }.words(), Reason::Redirected.words());
    let mut once = [(storm.as_str(), 1), (redirected.as_str(), 1)];
    once.sort_unstable();
    assert_eq!(rows(&found.skipped), [(older.as_str(), 2), once[0], once[1]]);
    let lacks = |value: &str| Reason::Unmapped { table: "priority".into(), value: value.into() }.words();
    assert_eq!(rows(&found.lacking), [(lacks("Critical").as_str(), 2), (lacks("Odd").as_str(), 1)]);
    assert_eq!(found.samples.len(), 5, "the newest are shown");
    let first = Sample {
        number: Some(7),
        summary: "[Sentinel 7] Sign-in from two places".into(),
        client: scene.client.name.clone(),
        severity: "Medium".into(),
        priority: "Medium".into(),
        status: "In Progress".into(),
        agent: "Amira".into(),
        closed: false,
    };
    assert_eq!(found.samples[0], first);
    let closed = &found.samples[1];
    assert_eq!((closed.status.as_str(), closed.agent.as_str(), closed.closed), ("New", "", true));
    assert_eq!(found.samples[2].priority, "");
}

/// Linked, changed, closing.
fn of(scene: &Scene) -> (u32, u32, u32) {
    let mut count = counting();
    scene.with(|s| count.linked(Some(s), &scene.catalogue));
    let WhatIf { incidents, linked, changed, closing, more, .. } = count.done(false);
    assert_eq!((incidents, more), (1, false));
    (linked, changed, closing)
}

#[test]
fn pairs_that_would_change_are_counted_under_a_mode_that_writes() {
    type Row = (&'static str, fn(&mut Scene), (u32, u32, u32));
    let table: [Row; 9] = [
        ("in step", |_| {}, (1, 0, 0)),
        ("a severity", |s| s.incident.severity = Severity::High, (1, 1, 0)),
        ("a status, no closing", |s| s.incident.status = IncidentStatus::New, (1, 1, 0)),
        ("an agent", |s| s.ticket().agent_id = Some(5), (1, 1, 0)),
        ("a closing in Sentinel", |s| s.close_incident(Classification::Undetermined, None), (1, 1, 1)),
        ("a closing in Halo", |s| s.close_ticket(Some(2)), (1, 1, 1)),
        (
            "where nothing is written",
            |s| {
                s.workspace.mode = Mode::Off;
                s.incident.severity = Severity::High;
            },
            (1, 1, 0),
        ),
        (
            "what the mode carries one way",
            |s| {
                s.workspace.mode = Mode::SentinelToHalo;
                s.ticket().agent_id = Some(5);
            },
            (1, 0, 0),
        ),
        (
            "what no rule carries",
            |s| {
                s.policy.severity.direction = Direction::ToSentinel;
                s.incident.severity = Severity::High;
            },
            (1, 0, 0),
        ),
    ];
    for (name, change, expected) in table {
        let mut scene = in_step();
        change(&mut scene);
        assert_eq!(of(&scene), expected, "{name}");
    }
    let mut count = counting();
    count.linked(None, &in_step().catalogue);
    let found = count.done(false);
    assert_eq!((found.incidents, found.linked, found.changed), (1, 1, 0), "nothing is known of it");
}
