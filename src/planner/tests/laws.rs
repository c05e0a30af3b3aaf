//! What holds in every situation.

use proptest::prelude::*;

use super::scene::{CLOSED, HOLD, NEW, Scene, WORKING, in_step};
use crate::{
    domain::{
        closing::Classification,
        incident::{IncidentStatus, Owner, Severity},
        operation::OperationKind,
        pair::{Health, SyncState},
        policy::NotesRule,
        workspace::Mode,
    },
    planner::gate,
};

pub fn scenes() -> impl Strategy<Value = Scene> {
    let modes = prop_oneof![
        Just(Mode::Off),
        Just(Mode::Observe),
        Just(Mode::CommentOnly),
        Just(Mode::SentinelToHalo),
        Just(Mode::TwoWay)
    ];
    let severities = prop_oneof![
        Just(Severity::High),
        Just(Severity::Medium),
        Just(Severity::Low),
        Just(Severity::Informational),
        Just(Severity::Other("Critical".into()))
    ];
    let statuses = prop_oneof![Just(IncidentStatus::New), Just(IncidentStatus::Active), Just(IncidentStatus::Closed)];
    let ticket_statuses = prop_oneof![Just(NEW), Just(WORKING), Just(CLOSED), Just(HOLD)];
    let owners = prop_oneof![Just(None), Just(Some("amira@soc.example")), Just(Some("nobody@x.example"))];
    let notes = prop_oneof![Just(NotesRule::All), Just(NotesRule::Public), Just(NotesRule::None)];
    let people = (modes, severities, statuses, ticket_statuses, owners, notes);
    let counts =
        (0_u128..4, 0_i64..4, any::<bool>(), prop_oneof![Just(1_i64), Just(5), Just(6)], 0_i64..110, any::<bool>());
    (people, counts).prop_map(
        |((mode, severity, status, ticket_status, owner, notes), (comments, actions, other, agent, count, chosen))| {
            let mut scene = in_step();
            scene.workspace.mode = mode;
            scene.policy.notes = notes;
            scene.incident.severity = severity;
            scene.incident.owner = Owner { user_principal_name: owner.map(str::to_owned), ..Owner::default() };
            if status == IncidentStatus::Closed {
                scene.close_incident(Classification::Undetermined, None);
            } else {
                scene.incident.status = status;
            }
            if ticket_status == CLOSED {
                scene.close_ticket(chosen.then_some(2));
            } else {
                scene.ticket().status_id = Some(ticket_status);
            }
            scene.ticket().agent_id = Some(agent);
            if other {
                scene.ticket().client_id = Some(13);
            }
            for n in 0..comments {
                scene.comment(n + 1, "words");
            }
            scene.incident.comments_count += count;
            for n in 0..actions {
                scene.note(n + 2, "<p>words</p>");
            }
            scene
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_situation_gives_the_same_plan(scene in scenes()) {
        prop_assert_eq!(scene.plan(), scene.plan());
    }

    #[test]
    fn planning_again_over_the_queue_adds_nothing(mut scene in scenes()) {
        let first = scene.plan();
        scene.queue(&first);
        let second = scene.plan();
        prop_assert!(second.operations.is_empty(), "{:?}", second.operations);
        prop_assert!(second.void.is_empty(), "{:?}", second.void);
    }

    #[test]
    fn what_was_dropped_is_not_planned_again_and_is_said(mut scene in scenes()) {
        let first = scene.plan();
        scene.queue(&first);
        scene.give_up();
        scene.drop_dead();
        let second = scene.plan();
        prop_assert!(second.operations.is_empty(), "{:?}", second.operations);
        prop_assert!(second.void.is_empty(), "{:?}", second.void);
        if !first.operations.is_empty() {
            prop_assert!(second.state.sync != SyncState::InStep && second.state.reason.is_some(), "{:?}", second.state);
        }
    }

    #[test]
    fn another_clients_ticket_gets_nothing(mut scene in scenes()) {
        scene.ticket().client_id = Some(13);
        prop_assert!(scene.plan().operations.is_empty());
    }

    #[test]
    fn observe_and_off_write_nothing(mut scene in scenes(), off in any::<bool>()) {
        scene.workspace.mode = if off { Mode::Off } else { Mode::Observe };
        prop_assert!(scene.plan().operations.is_empty());
    }

    #[test]
    fn one_way_modes_never_write_to_sentinel(mut scene in scenes(), comments in any::<bool>()) {
        scene.workspace.mode = if comments { Mode::CommentOnly } else { Mode::SentinelToHalo };
        for planned in scene.plan().operations {
            let to_sentinel = matches!(planned.kind, OperationKind::AddComment { .. } | OperationKind::UpdateIncident { .. });
            prop_assert!(!to_sentinel);
        }
    }

    #[test]
    fn nothing_is_planned_that_the_mode_does_not_carry(mut scene in scenes(), link in any::<bool>()) {
        scene.policy.link_comment = link;
        for planned in scene.plan().operations {
            prop_assert!(gate::carries(scene.workspace.mode, &planned.kind), "{:?} {:?}", scene.workspace.mode, planned);
        }
    }

    #[test]
    fn what_is_in_step_and_healthy_has_nothing_to_do(scene in scenes()) {
        let plan = scene.plan();
        if plan.state.sync == SyncState::InStep && plan.state.health == Health::Healthy {
            prop_assert!(plan.operations.is_empty());
            prop_assert!(plan.items().is_empty());
        }
        if plan.state.health == Health::NeedsYou {
            prop_assert!(plan.state.reason.is_some_and(|reason| reason.remedy().is_some()));
        }
    }

    #[test]
    fn an_incident_is_closed_with_an_allowed_pair_only(scene in scenes()) {
        for planned in scene.plan().operations {
            if let OperationKind::UpdateIncident { change } = planned.kind
                && change.status == Some(IncidentStatus::Closed)
            {
                let verdict = change.verdict.expect("a closure carries a verdict");
                prop_assert_eq!(verdict.clone().checked(), Ok(verdict));
            }
        }
    }

    #[test]
    fn comments_never_pass_the_limit(scene in scenes()) {
        let new = scene.plan().operations.iter().filter(|p| matches!(p.kind, OperationKind::AddComment { .. })).count();
        let there = usize::try_from(scene.incident.comments_count).unwrap_or(0);
        prop_assert!(new == 0 || there + new <= 100);
    }

    #[test]
    fn whatever_is_not_in_step_or_not_done_says_why(scene in scenes(), approve: bool) {
        let mut scene = scene;
        if approve {
            scene.policy.approve = vec![crate::domain::approval::WriteKind::Close];
        }
        let plan = scene.plan();
        let calm = plan.state.sync == SyncState::InStep && plan.state.health == Health::Healthy;
        prop_assert!(calm || plan.state.reason.is_some(), "{:?}", plan);
        for reason in plan.items() {
            prop_assert!(!reason.words().is_empty());
            prop_assert!(reason.remedy().is_some(), "an open item names what to do: {:?}", reason);
        }
        for planned in &plan.operations {
            prop_assert!(!planned.reason.words().is_empty());
        }
    }
}
