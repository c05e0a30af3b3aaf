//! Incidents that share a ticket by the policy's rule.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    closing::ticket_opened_again,
    laws::scenes,
    scene::{CLOSED, HOLD, Scene, WORKING, check, in_step, words},
};
use crate::{
    domain::{
        closing::Classification,
        drift::DriftRule,
        failure::Side,
        group::{Group, Mate},
        ids::{ActionKey, IncidentId, PairId, TicketId},
        incident::{Evidence, IncidentStatus, Owner, Severity},
        operation::OperationKind,
        policy::{Direction, FieldRule, GroupBy, GroupRule, When},
    },
    planner::{agreed, groups},
};

/// Before the scene's own pair, and after it.
pub(super) const FIRST: u128 = 5;
pub(super) const LATER: u128 = 7;

pub(super) fn mate(s: &Scene, pair: u128, status: IncidentStatus, severity: Severity) -> Mate {
    let mut incident = s.incident.clone();
    incident.id = IncidentId::new("99999999-2222-4333-8444-555555555555");
    (incident.number, incident.title) = (Some(9), "The other one".into());
    (incident.status, incident.severity) = (status, severity);
    Mate {
        pair: PairId(Uuid::from_u128(pair)),
        ticket: s.pair.ticket,
        given_up: false,
        gone: None,
        incident,
        noted: BTreeSet::new(),
        own_closing: None,
    }
}

fn with(s: &mut Scene, pair: u128, status: IncidentStatus, severity: Severity) {
    s.mates.push(mate(s, pair, status, severity));
    let first = s.mates.iter().map(|mate| mate.pair).chain([s.pair.id]).min().expect("there is one");
    // What joined has been told of before.
    s.pair.merged = true;
    s.pair.group = Some(Group { first, keys: Vec::new(), why: "the same host".into(), notes_after: None });
}

pub(super) fn open(s: &mut Scene, pair: u128) {
    with(s, pair, IncidentStatus::Active, Severity::Medium);
}

pub(super) fn closed(s: &mut Scene, pair: u128) {
    with(s, pair, IncidentStatus::Closed, Severity::Medium);
}

pub(super) fn close(s: &mut Scene) {
    s.close_incident(Classification::Undetermined, None);
}

#[test]
fn the_ticket_closes_when_all_its_incidents_are_closed() {
    let closes = "ticket status=9 field112=3 because incident-closed; behind waiting incident-closed";
    check(&[
        (
            "another one is open",
            |s| {
                close(s);
                open(s, LATER);
            },
            "behind healthy group-open",
        ),
        (
            "all are closed, and this is the first",
            |s| {
                close(s);
                closed(s, LATER);
            },
            closes,
        ),
        (
            "all are closed: the first one's pair closes it",
            |s| {
                close(s);
                closed(s, FIRST);
            },
            "behind healthy group-open",
        ),
        (
            "the first one was merged away in Defender: it counts no more",
            |s| {
                close(s);
                let mut merged = s.clone();
                merged.redirect();
                closed(s, FIRST);
                s.mates[0].incident.labels = merged.incident.labels;
            },
            closes,
        ),
        (
            "the open one is gone from Sentinel",
            |s| {
                close(s);
                open(s, FIRST);
                s.mates[0].gone = Some(Side::Sentinel);
            },
            closes,
        ),
        (
            "the open one has another ticket by now",
            |s| {
                close(s);
                open(s, FIRST);
                s.mates[0].ticket = Some(TicketId(71));
            },
            closes,
        ),
        (
            "an agent closed the ticket: each incident is closed for itself",
            |s| {
                s.close_ticket(Some(2));
                open(s, FIRST);
            },
            "incident status=Closed FalsePositive/InaccurateData because ticket-closed; behind waiting ticket-closed",
        ),
        (
            "the classification is asked for once, by the first",
            |s| {
                s.close_ticket(None);
                open(s, LATER);
            },
            "own note because verdict-missing; behind needs-you verdict-missing",
        ),
        (
            "and not by the others",
            |s| {
                s.close_ticket(None);
                open(s, FIRST);
            },
            "behind needs-you verdict-missing",
        ),
        (
            "but by the first that is open",
            |s| {
                s.close_ticket(None);
                closed(s, FIRST);
            },
            "own note because verdict-missing; behind needs-you verdict-missing",
        ),
        (
            "the ticket was opened again for another one",
            |s| {
                ticket_opened_again(s);
                open(s, LATER);
            },
            "behind healthy group-open",
        ),
        (
            "the ticket was opened again by an agent: the first one's incident is",
            |s| {
                ticket_opened_again(s);
                closed(s, LATER);
            },
            "incident status=Active because ticket-reopened; behind waiting ticket-reopened",
        ),
        (
            "and the others stay closed",
            |s| {
                ticket_opened_again(s);
                closed(s, FIRST);
            },
            "behind healthy group-open",
        ),
    ]);
}

#[test]
fn a_closing_that_was_held_back_crosses_when_the_last_one_is_closed() {
    let mut scene = in_step();
    close(&mut scene);
    open(&mut scene, LATER);
    // Meanwhile an agent works on the ticket.
    scene.ticket().status_id = Some(HOLD);
    scene.queue(&scene.plan());
    scene.ticket().status_id = Some(WORKING);
    scene.queue(&scene.plan());
    assert!(scene.operations.is_empty());
    scene.mates[0].incident.status = IncidentStatus::Closed;
    let plan = scene.plan();
    let [planned] = plan.operations.as_slice() else { panic!("{plan:?}") };
    let OperationKind::UpdateTicket { change } = &planned.kind else { panic!("{planned:?}") };
    assert_eq!(change.status_id, Some(CLOSED));
    let note = change.closure_note.as_deref().expect("it says how");
    assert!(note.contains("#7 Sign-in from two places: Closed in Microsoft Sentinel as Undetermined."), "{note}");
    assert!(note.contains("#9 The other one: Closed in Microsoft Sentinel as Undetermined."), "{note}");
    // Unlinked instead: then it waits for nobody either.
    scene.mates.clear();
    assert_eq!(scene.plan().operations.len(), 1);
}

#[test]
fn priority_goes_by_the_most_severe_open_incident() {
    check(&[
        (
            "another one is worse",
            |s| with(s, LATER, IncidentStatus::New, Severity::High),
            "ticket priority=2 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        ("a worse one is closed", |s| with(s, LATER, IncidentStatus::Closed, Severity::High), "in-step healthy -"),
        ("another one is less severe", |s| with(s, LATER, IncidentStatus::New, Severity::Low), "in-step healthy -"),
        (
            "this one is closed, and the other one less severe",
            |s| {
                close(s);
                with(s, LATER, IncidentStatus::Active, Severity::Low);
            },
            "ticket priority=4 because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "only the first one's pair writes it",
            |s| {
                open(s, FIRST);
                s.incident.severity = Severity::High;
            },
            "in-step healthy -",
        ),
        (
            "one priority never becomes the severity of several",
            |s| {
                s.policy.severity = FieldRule::new(Direction::Both, When::Always);
                open(s, LATER);
                s.ticket().priority_id = Some(4);
            },
            "in-step healthy -",
        ),
    ]);
}

#[test]
fn names_and_mapped_values_on_the_ticket_are_the_first_ones() {
    check(&[
        (
            "of the first",
            |s| {
                s.policy.title = FieldRule::new(Direction::ToHalo, When::Always);
                open(s, LATER);
                s.incident.title = "Renamed".into();
            },
            "ticket summary=[Sentinel 7] Renamed because changed-in-sentinel; behind waiting changed-in-sentinel",
        ),
        (
            "of another",
            |s| {
                s.policy.title = FieldRule::new(Direction::Both, When::Always);
                open(s, FIRST);
                s.incident.title = "Renamed".into();
                s.ticket().summary = "By an agent".into();
            },
            "in-step healthy -",
        ),
        (
            "an agent takes the ticket: each incident gets its owner",
            |s| {
                open(s, FIRST);
                s.ticket().agent_id = Some(5);
            },
            "incident owner=amira@soc.example because changed-in-halo; behind waiting changed-in-halo",
        ),
    ]);
}

#[test]
fn the_ticket_is_told_once_of_an_incident_that_joins() {
    let mut scene = in_step();
    open(&mut scene, FIRST);
    scene.pair.merged = false;
    let plan = scene.plan();
    assert_eq!(words(&plan), "own note because grouped; behind waiting grouped");
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{plan:?}") };
    assert!(note.private);
    assert!(
        note.text.contains("Incident #7 Sign-in from two places (Medium, Active) shares this ticket: the same host.")
    );
    assert!(note.html.contains("<a href=\"https://portal.azure.com/#asset/"), "{}", note.html);
    let reference = note.reference.clone();
    scene.note(3, &format!("<p>…{reference}</p>")).agent_id = Some(99);
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    // Each incident has its own word, and the first one none.
    let mut first = in_step();
    open(&mut first, LATER);
    first.pair.merged = false;
    assert_eq!(words(&first.plan()), "in-step healthy -");
}

#[test]
fn comments_name_their_incident_and_notes_reach_each_incident_once() {
    let mut scene = in_step();
    open(&mut scene, LATER);
    scene.comment(1, "seen on the host");
    let plan = scene.plan();
    let OperationKind::AddNote { note, .. } = &plan.operations[0].kind else { panic!("{plan:?}") };
    assert!(note.text.starts_with("Comment on incident #7 Sign-in from two places in Microsoft Sentinel by Li Chen"));
    // The note that carries another incident's comment is nobody's note, also where our own agent is not known.
    let mut scene = in_step();
    scene.catalogue.own_agent_id = None;
    open(&mut scene, LATER);
    scene.note(3, "<p>Comment on incident #9 …</p>");
    scene.note(4, "<p>An agent's words</p>");
    scene.mates[0].noted.insert(ActionKey { ticket: TicketId(70), action: 3 });
    assert_eq!(words(&scene.plan()), "comment of 4 because note-added; behind waiting note-added");
    // What was written before it joined is about the others.
    if let Some(group) = &mut scene.pair.group {
        group.notes_after = Some(ActionKey { ticket: TicketId(70), action: 4 });
    }
    scene.note(5, "<p>And later</p>");
    assert_eq!(words(&scene.plan()), "comment of 5 because note-added; behind waiting note-added");
    // On another ticket numbers begin anew.
    if let Some(group) = &mut scene.pair.group {
        group.notes_after = Some(ActionKey { ticket: TicketId(69), action: 9 });
    }
    assert_eq!(scene.plan().operations.len(), 2);
}

#[test]
fn who_joins_before_the_ticket_is_made_waits_for_it() {
    let mut scene = in_step();
    (scene.pair.ticket, scene.ticket, scene.comments, scene.actions) = (None, None, None, None);
    open(&mut scene, FIRST);
    assert_eq!(words(&scene.plan()), "behind waiting group-waits");
    // A person dropped the first one's: then it gets its own.
    scene.mates[0].given_up = true;
    assert_eq!(words(&scene.plan()), "create ticket because new-incident; behind waiting new-incident");
    // So it does when the first one was unlinked.
    scene.mates.clear();
    assert_eq!(words(&scene.plan()), "create ticket because new-incident; behind waiting new-incident");
}

#[test]
fn a_ticket_in_the_place_of_a_shared_one_is_made_for_the_first_that_is_open() {
    check(&[
        (
            "the first one is open",
            |s| {
                s.policy.drift.only_in_sentinel = DriftRule::Heal;
                s.ticket().deleted = true;
                open(s, FIRST);
            },
            "unknown healthy record-gone",
        ),
        (
            "the first one is closed, and needs none",
            |s| {
                s.policy.drift.only_in_sentinel = DriftRule::Heal;
                s.ticket().deleted = true;
                closed(s, FIRST);
            },
            "create ticket after 70 because record-gone; behind waiting record-gone",
        ),
    ]);
}

#[test]
fn who_joins_follows_the_ticket_and_overwrites_nothing() {
    let scene = in_step();
    let ticket = scene.ticket.clone().expect("there is one");
    let base = |incident: &crate::domain::incident::Incident| {
        groups::base_of_joined(&scene.policy, &scene.catalogue, (incident, None), &ticket)
    };
    type Case = (&'static str, fn(&mut Scene), &'static str);
    let cases: [Case; 5] = [
        ("as the ticket", |_| {}, "in-step healthy -"),
        (
            "new, while somebody works on the ticket",
            |s| s.incident.status = IncidentStatus::New,
            "incident status=Active because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "nobody's, while somebody has the ticket",
            |s| s.ticket().agent_id = Some(5),
            "incident owner=amira@soc.example because changed-in-halo; behind waiting changed-in-halo",
        ),
        (
            "somebody's: that stays",
            |s| {
                s.ticket().agent_id = Some(5);
                s.incident.owner = Owner { email: Some("jo@soc.example".into()), ..Owner::default() };
                s.policy.agent = Some(crate::domain::catalogue::Ref::Id(6));
            },
            "in-step healthy unmapped",
        ),
        ("closed before it was seen", close, "behind healthy group-open"),
    ];
    for (name, change, expected) in cases {
        let mut scene = in_step();
        change(&mut scene);
        let there = scene.ticket.clone().expect("there is one");
        scene.pair.base = groups::base_of_joined(&scene.policy, &scene.catalogue, (&scene.incident, None), &there);
        open(&mut scene, FIRST);
        assert_eq!(words(&scene.plan()), expected, "{name}");
    }
    assert_eq!(base(&scene.incident).severity, Some(Severity::Medium));
}

fn evidence(entities: &[&Value]) -> Evidence {
    Evidence { alerts: Vec::new(), entities: entities.iter().map(|entity| (*entity).clone()).collect() }
}

#[test]
fn what_incidents_have_in_common_goes_by_the_rule() {
    let rule = |by: &[GroupBy]| GroupRule { by: by.to_vec(), hours: 24, most: 20 };
    let host =
        |name: &str, domain: &str| json!({"kind": "Host", "properties": {"hostName": name, "dnsDomain": domain}});
    let account =
        |name: &str| json!({"kind": "Account", "properties": {"accountName": name, "upnSuffix": "x.example"}});
    let ip = json!({"kind": "Ip", "properties": {"address": "192.0.2.1"}});
    let mut one = in_step().incident;
    one.raw = json!({"properties": {"relatedAnalyticRuleIds": ["/s/x/alertRules/AAAA"]}}).into();
    let common = |by: &[GroupBy], ours: &[&Value], theirs: &[&Value]| -> Option<String> {
        let theirs = groups::keys(&rule(by), &one, Some(&evidence(theirs)));
        let ours = groups::keys(&rule(by), &one, Some(&evidence(ours)));
        ours.into_iter().find(|(key, _)| theirs.iter().any(|(other, _)| other == key)).map(|(_, words)| words)
    };
    use GroupBy::{Account, AnalyticsRule, Host, MainEntity};
    let (web, mail) = (host("WEB01", "corp.example"), host("mail", "corp.example"));
    let long = json!({"kind": "Host", "properties": {"hostName": "web01.corp.example"}});
    let ann = account("ann");
    assert_eq!(common(&[AnalyticsRule], &[], &[]).as_deref(), Some("analytics rule aaaa"));
    assert_eq!(common(&[Host], &[&web], &[&mail, &long]).as_deref(), Some("host web01.corp.example"));
    assert_eq!(common(&[Host], &[&web], &[&mail]), None);
    assert_eq!(common(&[Host], &[&ip], &[&ip]), None, "an address is neither host nor account");
    assert_eq!(common(&[Host, Account], &[&web, &account("Ann")], &[&ann]), None, "all kinds it names");
    let both = Some("analytics rule aaaa and account ann@x.example");
    assert_eq!(common(&[AnalyticsRule, Account], &[&account("Ann")], &[&web, &ann]).as_deref(), both);
    assert_eq!(common(&[MainEntity], &[&ip, &web], &[&web, &mail]).as_deref(), Some("host web01.corp.example"));
    assert_eq!(common(&[MainEntity], &[&ann, &web], &[&web, &ann]), None, "the first of each");
    assert_eq!(groups::keys(&rule(&[Host]), &one, None), [], "without entities there is nothing to go by");
}

#[test]
fn a_full_closed_or_foreign_group_takes_nobody_in() {
    let shut = |change: &dyn Fn(&mut Scene)| {
        let mut scene = in_step();
        change(&mut scene);
        let rule = GroupRule { by: vec![GroupBy::Host], hours: 24, most: 2 };
        let one = (&scene.pair, &scene.incident, scene.ticket.as_ref());
        groups::shut(&rule, (&scene.policy, &scene.catalogue), one, &scene.mates, 0)
    };
    assert_eq!(shut(&|_| {}), None);
    assert_eq!(shut(&|s| open(s, LATER)).as_deref(), Some("ticket 70 is shared by 2 incidents already"));
    assert_eq!(shut(&|s| s.close_ticket(Some(1))).as_deref(), Some("ticket 70 is closed"));
    assert_eq!(shut(&close).as_deref(), Some("ticket 70 is closed"), "its ticket is about to be");
    assert_eq!(shut(&|s| s.ticket().client_id = Some(13)).as_deref(), Some("ticket 70 is not there for it any more"));
    assert_eq!(shut(&|s| s.ticket().deleted = true).as_deref(), Some("ticket 70 is not there for it any more"));
    assert_eq!(shut(&|s| (s.pair.ticket, s.ticket) = (None, None)), None, "it is being made");
}

proptest! {
    #[test]
    fn no_ticket_is_closed_while_one_of_its_incidents_is_open(
        mut scene in scenes(), others in proptest::collection::vec((any::<bool>(), any::<bool>()), 1..4)
    ) {
        for (n, (earlier, closed)) in others.iter().enumerate() {
            let n = u128::try_from(n).unwrap_or(0);
            let pair = if *earlier { 1 + n } else { 100 + n };
            let status = if *closed { IncidentStatus::Closed } else { IncidentStatus::Active };
            with(&mut scene, pair, status, Severity::Medium);
        }
        let plan = scene.plan();
        let closes = plan.operations.iter().any(|planned| {
            matches!(&planned.kind, OperationKind::UpdateTicket { change } if change.closure_note.is_some())
        });
        let all = others.iter().all(|(_, closed)| *closed) && scene.incident.closed();
        let first = others.iter().all(|(earlier, _)| !earlier);
        prop_assert!(!closes || all && first, "{:?}", plan.operations);
    }
}

#[test]
fn a_priority_that_halo_keeps_is_not_written_to_a_shared_ticket_for_ever() {
    let mut s = in_step();
    s.incident.severity = Severity::Low;
    with(&mut s, LATER, IncidentStatus::Active, Severity::High);
    let plan = s.plan();
    let change = plan.operations.iter().find_map(|planned| match &planned.kind {
        OperationKind::UpdateTicket { change } => Some(change.clone()),
        _ => None,
    });
    let change = change.expect("the highest severity is carried");
    let base = plan.base.unwrap_or_else(|| s.pair.base.clone());
    // A rule of Halo's keeps another priority.
    let answer = s.ticket().clone();
    assert_ne!(change.priority_id, answer.priority_id);
    s.pair.base = agreed::after_ticket(base, &s.incident, &change, &answer, false);
    assert_eq!(s.pair.base.severity, Some(Severity::High));
    assert!(s.plan().operations.is_empty(), "{}", words(&s.plan()));
}
