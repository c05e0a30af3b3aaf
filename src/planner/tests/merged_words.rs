//! What people said on incidents that were merged, and on those that share a ticket: how much of it crosses, and once.

use super::{
    closing::shut,
    groups::{FIRST, LATER, mate, open},
    merges::merged,
    note_limits::written,
    scene::{CLOSED, Scene, at, in_step, words},
};
use crate::{
    domain::{
        failure::Side,
        ids::{ActionKey, CommentId, TicketId},
        incident::{Evidence, IncidentStatus, Severity},
        operation::OperationKind,
        pair::OwnClosing,
        policy::{AfterClosing, GroupBy, GroupRule},
    },
    planner::{groups, merges},
};

/// With so many comments there already: how many of the merged incident's are carried over, and whether room is lacking.
fn carried(there: i64, change: fn(&mut Scene)) -> (usize, bool) {
    let mut scene = in_step();
    merged(&mut scene, 71);
    scene.incident.comments_count = there;
    change(&mut scene);
    let plan = scene.plan();
    let copies = plan.operations.iter().filter(|p| matches!(p.kind, OperationKind::AddComment { .. })).count();
    (copies, plan.items().iter().any(|item| item.code() == "comments-full"))
}

#[test]
fn merged_comments_are_carried_over_as_far_as_there_is_room() {
    let nothing: fn(&mut Scene) = |_| {};
    let table = [(0, (2, false)), (50, (2, false)), (93, (2, false)), (94, (1, true)), (95, (0, true))];
    for (there, expected) in table {
        assert_eq!(carried(there, nothing), expected, "{there} comments");
    }
    // What waits for Halo takes no place, what waits for Sentinel does.
    let to_halo: fn(&mut Scene) = |s| {
        let mut other = in_step();
        other.incident.severity = Severity::High;
        let plan = other.plan();
        s.queue(&plan);
        s.incident.severity = Severity::High;
    };
    let to_sentinel: fn(&mut Scene) = |s| {
        let mut other = in_step();
        other.ticket().agent_id = Some(5);
        let plan = other.plan();
        s.queue(&plan);
        s.ticket().agent_id = Some(5);
    };
    assert_eq!((carried(93, to_halo), carried(93, to_sentinel)), ((2, false), (1, true)));
}

#[test]
fn merged_comments_that_wait_or_were_dropped_are_not_planned_beside_themselves() {
    let mut scene = in_step();
    merged(&mut scene, 71);
    let plan = scene.plan();
    scene.queue(&plan);
    assert_eq!(scene.plan().operations, []);
    let mut scene = in_step();
    merged(&mut scene, 70);
    scene.note(40, "<p>seen on the host HB-0000000001</p>").agent_id = Some(99);
    scene.plan_and_drop();
    assert_eq!(words(&scene.plan()), "behind healthy dropped");
}

#[test]
fn only_a_merged_comments_first_note_on_this_ticket_carries_its_copy() {
    let mut scene = in_step();
    merged(&mut scene, 70);
    let told = |scene: &Scene| scene.with(|s| merges::told_already(s, TicketId(70)));
    let known = |scene: &Scene| told(scene).into_values().flatten().map(|key| key.action).collect::<Vec<_>>();
    assert_eq!((told(&scene).len(), known(&scene)), (3, vec![40]));
    let from = &mut scene.merged[0];
    for (n, (edit, ticket, side)) in
        [(1, 70, Side::Sentinel), (0, 61, Side::Sentinel), (0, 70, Side::Halo)].into_iter().enumerate()
    {
        let mut link = from.links[0].clone();
        link.comment = CommentId::new(&format!("other-{n}"));
        (link.edit, link.written_in) = (edit, side);
        link.action = ActionKey { ticket: TicketId(ticket), action: 50 };
        from.links.push(link);
    }
    assert_eq!(known(&scene), [40]);
    assert!(scene.with(|s| merges::told_already(s, TicketId(71))).is_empty(), "another ticket's");
}

fn rule(by: GroupBy) -> GroupRule {
    GroupRule { by: vec![by], hours: 24, most: 20 }
}

#[test]
fn hosts_and_accounts_are_known_by_each_of_their_names_once() {
    let keys = |by, entities: serde_json::Value| {
        let entities = entities.as_array().cloned().unwrap_or_default();
        let evidence = Evidence { alerts: Vec::new(), entities };
        let found = groups::keys(&rule(by), &in_step().incident, Some(&evidence));
        found.into_iter().map(|(_, words)| words).collect::<Vec<_>>()
    };
    let host = |name: &str| serde_json::json!({ "kind": "Host", "properties": { "hostName": name, "dnsDomain": "contoso.example" } });
    let both = serde_json::json!([host("PC-1"), host("pc-1.contoso.example"), host("pc-2")]);
    assert_eq!(keys(GroupBy::Host, both), ["host pc-1.contoso.example", "host pc-2.contoso.example"]);
    let account = |name: &str| serde_json::json!([{ "kind": "Account", "properties": { "accountName": name, "upnSuffix": "contoso.example" } }]);
    assert_eq!(keys(GroupBy::Account, account("Ann")), ["account ann@contoso.example"]);
    assert_eq!(keys(GroupBy::Account, account("ann@other.example")), ["account ann@other.example"]);
    let said = groups::why("host pc-1", &in_step().incident, &rule(GroupBy::Host));
    assert_eq!(said, format!("the same host pc-1 as {} within 24 hours", in_step().incident.name()));
}

/// Those that came before are waited for, not those that came later, nor one that was merged away.
#[test]
fn an_incident_waits_for_the_first_of_its_group_alone() {
    let makes = |pair: Option<u128>, gone: bool| {
        let mut scene = in_step();
        (scene.ticket, scene.pair.ticket) = (None, None);
        if let Some(pair) = pair {
            let mut other = mate(&scene, pair, IncidentStatus::Active, Severity::Medium);
            other.gone = gone.then_some(Side::Sentinel);
            scene.mates.push(other);
        }
        scene.plan().operations.iter().any(|planned| planned.kind.makes_ticket())
    };
    assert!(makes(None, false) && makes(Some(LATER), false) && makes(Some(FIRST), true));
    assert!(!makes(Some(FIRST), false));
}

#[test]
fn a_ticket_takes_as_many_incidents_as_the_rule_says() {
    let mut scene = in_step();
    open(&mut scene, LATER);
    let shut = |most, joining| {
        let rule = GroupRule { most, ..rule(GroupBy::Host) };
        let of = (&scene.pair, &scene.incident, scene.ticket.as_ref());
        groups::shut(&rule, (&scene.policy, &scene.catalogue), of, &scene.mates, joining).is_some()
    };
    assert_eq!([shut(2, 0), shut(3, 0), shut(3, 1), shut(4, 1)], [true, false, true, false]);
}

/// What we wrote into the classification field of a shared ticket is emptied for its first pair alone.
#[test]
fn the_first_pair_alone_empties_the_field_of_a_shared_ticket() {
    let emptied = |pair: Option<u128>| {
        let mut scene = in_step();
        pair.into_iter().for_each(|pair| open(&mut scene, pair));
        let fields = [("112".to_owned(), "3".to_owned())].into();
        scene.pair.base.own_closing = Some(OwnClosing { note: "ours".into(), fields, at: None, emptied: false });
        scene.field(112, "3");
        words(&scene.plan()).contains("field112=\"\"")
    };
    assert!(emptied(None) && emptied(Some(LATER)) && !emptied(Some(FIRST)));
    let mut scene = in_step();
    scene.ticket().status_id = Some(CLOSED);
    assert!(!words(&scene.plan()).contains("field112"), "nothing of ours stands there");
}

/// Incidents that share a ticket have a classification each, and the ticket has one: none corrects the other.
#[test]
fn a_classification_of_a_shared_ticket_corrects_nothing() {
    let corrected = |shared: bool| {
        let mut scene = in_step();
        scene.policy.after_closing_fields = AfterClosing::Cross;
        shut(&mut scene);
        if shared {
            let other = mate(&scene, LATER, IncidentStatus::Closed, Severity::Medium);
            scene.mates.push(other);
        }
        let plan = scene.plan();
        scene.queue(&plan);
        scene.operations.clear();
        scene.field(112, "1");
        scene.plan().operations.len()
    };
    assert_eq!((corrected(false), corrected(true)), (1, 0));
}

/// The copy of its comment stands on the incident that is left: to whoever reads that, the note is no agent's.
#[test]
fn what_becomes_of_our_note_of_a_merged_comment_is_told_nowhere() {
    let mut scene = in_step();
    merged(&mut scene, 70);
    scene.note(1, "<p>an agent's</p>");
    scene.note(40, "<p>seen on the host HB-0000000001</p>").agent_id = Some(99);
    let plan = scene.plan();
    assert_eq!(written(&mut scene, &plan), 2, "{}", words(&plan));
    assert_eq!(words(&scene.plan()), "in-step healthy -");
    // Of the merged incident nothing may be known any more: then the copy tells by its words what it is.
    let mut forgotten = Scene { merged: Vec::new(), ..scene.clone() };
    let linked: Vec<CommentId> = forgotten.links.iter().map(|link| link.comment.clone()).collect();
    forgotten.comments.as_mut().unwrap().retain(|comment| linked.contains(&comment.id));
    forgotten.incident.comments_count = 2;
    for mut scene in [scene, forgotten] {
        scene.actions.as_mut().unwrap().retain(|action| action.key.action != 40);
        assert_eq!(words(&scene.plan()), "in-step healthy -", "deleted");
        let edited = scene.note(40, "<p>somebody's own words</p>");
        edited.updated = Some(at("2026-03-01T11:50:00Z"));
        assert_eq!(words(&scene.plan()), "in-step healthy -", "edited");
        // What an agent wrote is told as ever.
        scene.actions.as_mut().unwrap().retain(|action| action.key.action != 1);
        assert!(
            words(&scene.plan()).starts_with("comment of 1 edit 1 because note-deleted"),
            "{}",
            words(&scene.plan())
        );
    }
}
