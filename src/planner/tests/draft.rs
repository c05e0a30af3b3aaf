//! What a new ticket carries, and who it is for.

use serde_json::json;

use super::{
    fields::{custom, with_labels},
    scene::{Scene, in_step},
};
use crate::{
    domain::{
        ids::TicketId,
        incident::Evidence,
        operation::OperationKind,
        policy::{Direction, FieldMapping, FieldRule, FieldSource, FieldTarget, RequesterRule, When, Wins},
        reason::Reason,
        ticket::{HaloUser, Requester},
    },
    planner::{
        draft, gate,
        requester::{self, Affected},
    },
};

fn drafted(scene: &Scene, affected: Affected<'_>) -> draft::Drafted {
    let passed = gate::ask(&scene.workspace, &scene.client, &scene.policy, Some(&scene.catalogue), &scene.incident);
    let passed = passed.expect("the scene's incident passes");
    let evidence = scene.evidence.as_ref();
    draft::draft(&scene.workspace, &scene.policy, &scene.catalogue, &passed, &scene.incident, evidence, affected)
}

#[test]
fn a_new_ticket_carries_every_mapped_value_and_names_every_hole() {
    let mut scene = in_step();
    scene.evidence = Some(Evidence {
        alerts: vec![json!({"properties": {"alertDisplayName": "Odd sign-in",
            "additionalData": {"Custom Details": "{\"App\":[\"mail\"]}"}}})],
        entities: vec![json!({"kind": "Host", "properties": {"hostName": "pc-1"}})],
    });
    with_labels(&mut scene, Direction::ToHalo);
    let rule = FieldRule { direction: Direction::ToHalo, when: When::OnCreate, wins: Wins::Sentinel };
    let mapping = |field, source| FieldMapping { field, source, rule };
    scene.policy.fields = vec![
        mapping(
            custom("CFTactics"),
            FieldSource::Template(
                "{$alerts[*].properties.alertDisplayName} on {$entities[Host].properties.hostName} by {$details.App}"
                    .into(),
            ),
        ),
        mapping(FieldTarget::Member("urgency".into()), FieldSource::Text("2".into())),
        mapping(custom("CFNowhere"), FieldSource::Text("x".into())),
    ];
    let drafted = drafted(&scene, Affected::NotKnown);
    assert_eq!(
        drafted.draft.custom_fields,
        [(120, "Odd sign-in on pc-1 by mail".into()), (121, "phishing, vip".into())]
    );
    assert_eq!(drafted.draft.members, [("urgency".to_owned(), json!(2))]);
    assert_eq!(drafted.lacking, [Reason::Unmapped { table: "field".into(), value: "CFNowhere".into() }]);
}

/// The number stands in every subject: by it a ticket is told from others of the same kind.
#[test]
fn the_subject_of_a_new_ticket_can_be_shaped() {
    let mut scene = in_step();
    scene.incident.raw =
        json!({ "properties": { "incidentNumber": 7, "severity": "High", "title": "Odd\nsign-in" } }).into();
    let rule = FieldRule { direction: Direction::ToHalo, when: When::OnCreate, wins: Wins::Sentinel };
    let template = |text: &str| FieldSource::Template(text.into());
    let table = [
        (template("{$.properties.severity}: {$.properties.title}"), "[Sentinel 7] High: Odd sign-in"),
        (template("SOC-{$.properties.incidentNumber} {$.properties.title}"), "SOC-7 Odd sign-in"),
        (FieldSource::Text("Windows 7".into()), "[Sentinel 7] Windows 7"),
        (FieldSource::Path("$.properties.none".into()), "[Sentinel 7] Sign-in from two places"),
        (FieldSource::Path("no path".into()), "[Sentinel 7] Sign-in from two places"),
        // Its alerts were not read.
        (template("{$alerts[*].properties.alertDisplayName}"), "[Sentinel 7] Sign-in from two places"),
    ];
    for (source, expected) in table {
        let field = FieldTarget::Member("summary".into());
        let hole = usize::from(source == FieldSource::Path("no path".into()));
        scene.policy.fields = vec![FieldMapping { field, source, rule }];
        let drafted = drafted(&scene, Affected::NotKnown);
        assert_eq!((drafted.draft.summary.as_str(), drafted.lacking.len()), (expected, hole));
        assert_eq!(drafted.draft.members, [], "{expected}");
        scene.policy.fields[0].rule.when = When::Always;
        assert!(scene.plan().operations.is_empty(), "it follows with the title alone: {expected}");
    }
    // With a title that always crosses it follows that; one that crosses back stays under our mark.
    scene.policy.fields[0].source = template("{$.properties.severity}: {$.properties.title}");
    scene.incident.title = "Renamed".into();
    let mut of = |direction| {
        scene.policy.title = FieldRule::new(direction, When::Always);
        scene.plan().operations.iter().find_map(|planned| match &planned.kind {
            OperationKind::UpdateTicket { change } => change.summary.clone(),
            _ => None,
        })
    };
    let expected = ["[Sentinel 7] High: Odd sign-in", "[Sentinel 7] Renamed"].map(|text| Some(text.to_owned()));
    assert_eq!([of(Direction::ToHalo), of(Direction::Both)], expected);
}

#[test]
fn who_a_ticket_is_for() {
    let mut scene = in_step();
    let account =
        |name: &str, suffix: &str| json!({"kind": "Account", "properties": {"accountName": name, "upnSuffix": suffix}});
    scene.evidence = Some(Evidence {
        alerts: Vec::new(),
        entities: vec![
            json!({"kind": "Host", "properties": {"hostName": "pc-1"}}),
            account("Ann", "Contoso.example"),
            json!({"kind": "Mailbox", "properties": {"mailboxPrimaryAddress": "bob@contoso.example"}}),
            account("ann", "contoso.example"),
            json!({"kind": "Account", "properties": {"accountName": "SYSTEM"}}),
        ],
    });
    let candidates = requester::candidates(scene.evidence.as_ref().unwrap());
    assert_eq!(candidates, ["ann@contoso.example", "bob@contoso.example"]);

    let of = |drafted: &draft::Drafted| (drafted.draft.requester.clone(), drafted.draft.site_id);
    let ann = HaloUser { id: 981, name: "Ann".into(), site_id: Some(31) };
    let found = Affected::User(&ann);
    assert_eq!(of(&drafted(&scene, found)), (Requester::GeneralUser, None), "nobody asked for the affected user");
    scene.policy.requester = RequesterRule::AffectedUser;
    assert_eq!(of(&drafted(&scene, found)), (Requester::User { id: 981 }, Some(31)), "site and user belong together");
    // Of whom Halo has not been asked nothing is said to be so.
    let nobody = "None of the users that the incident names is this client&#39;s in Halo (ann@contoso.example, bob@contoso.example)";
    let not_known = "(ann@contoso.example, bob@contoso.example) is this client&#39;s in Halo could not be looked up";
    for (known, said) in [(Affected::Nobody, nobody), (Affected::NotKnown, not_known)] {
        let without = drafted(&scene, known);
        assert_eq!(of(&without), (Requester::GeneralUser, None));
        assert!(without.draft.details_html.contains(said), "{}", without.draft.details_html);
        let both = [nobody, not_known].iter().filter(|said| without.draft.details_html.contains(**said)).count();
        assert_eq!(both, 1);
    }
    scene.policy.requester = RequesterRule::User { id: 7 };
    assert_eq!(of(&drafted(&scene, found)), (Requester::User { id: 7 }, None));
}

/// A ticket that follows, takes the place of one that is gone, or is drafted anew is for the same user.
#[test]
fn a_further_ticket_is_for_whom_the_first_one_was() {
    let mut scene = in_step();
    scene.policy.requester = RequesterRule::AffectedUser;
    scene.evidence = Some(Evidence {
        alerts: Vec::new(),
        entities: vec![
            json!({"kind": "Account", "properties": {"accountName": "ann", "upnSuffix": "contoso.example"}}),
        ],
    });
    let further = |scene: &Scene| {
        scene.with(|s| {
            let passed = gate::needs(s.workspace, s.client, s.policy, Some(s.catalogue)).expect("it passes");
            [draft::following(s, &passed, TicketId(70)), draft::in_place_of(s, &passed, TicketId(70))]
        })
    };
    let said = "None of the users that the incident names";
    for draft in further(&scene) {
        assert!(draft.details_html.contains("could not be looked up"), "{}", draft.details_html);
    }
    scene.pair.base.looked_up = true;
    for draft in further(&scene) {
        assert_eq!((&draft.requester, draft.site_id), (&Requester::GeneralUser, None), "nobody was found then either");
        assert!(draft.details_html.contains(said));
    }
    scene.pair.base.affected = Some(HaloUser { id: 981, name: "Ann".into(), site_id: Some(31) });
    for draft in further(&scene) {
        assert_eq!((&draft.requester, draft.site_id), (&Requester::User { id: 981 }, Some(31)));
        assert!(!draft.details_html.contains(said), "{}", draft.details_html);
    }
    (scene.ticket().user_id, scene.ticket().site_id) = (Some(982), Some(32));
    for draft in further(&scene) {
        assert_eq!(
            (&draft.requester, draft.site_id),
            (&Requester::User { id: 982 }, Some(32)),
            "an agent corrected it"
        );
    }
    scene.ticket().client_id = Some(13);
    for draft in further(&scene) {
        assert_eq!(draft.requester, Requester::User { id: 981 }, "another client's user is nobody here");
    }
    scene.ticket = None;
    scene.pair.ticket = None;
    let planned = scene.plan();
    let made = planned.operations.iter().find_map(|planned| match &planned.kind {
        OperationKind::CreateTicket { draft, .. } => Some((draft.requester.clone(), draft.site_id)),
        _ => None,
    });
    assert_eq!(made, Some((Requester::User { id: 981 }, Some(31))), "asked for again");
}

#[test]
fn a_fallback_that_halo_lacks_is_a_hole_of_a_ticket_that_nobody_owns() {
    let mut scene = in_step();
    scene.policy.agent = Some(crate::domain::catalogue::Ref::Name("Nobody".into()));
    let hole = Reason::Unmapped { table: "agent".into(), value: "Nobody".into() };
    assert_eq!(drafted(&scene, Affected::NotKnown).lacking, [hole]);
    scene.catalogue.agents.clear();
    assert!(
        drafted(&scene, Affected::NotKnown).lacking.is_empty(),
        "nothing is called unknown while the look-up is empty"
    );
    let mut owned = in_step();
    owned.policy.agent = scene.policy.agent;
    owned.incident.owner.email = Some("amira@soc.example".into());
    assert!(drafted(&owned, Affected::NotKnown).lacking.is_empty(), "its owner's agent has it");
}

/// What an agent chose there could not be read, and what an analyst chose not be written.
#[test]
fn a_classification_field_that_halo_lacks_is_an_open_item() {
    let mut scene = in_step();
    scene.policy.classification_field = Some(crate::domain::catalogue::Ref::Name("CFNowhere".into()));
    assert_eq!(scene.plan().items(), [Reason::Unmapped { table: "field".into(), value: "CFNowhere".into() }]);
    scene.catalogue.fields.clear();
    assert!(scene.plan().items().is_empty(), "the look-up could not be read");
}

/// What the policy lets not cross to Halo is Halo's own choice from the beginning, and its holes are nobody's.
#[test]
fn a_field_that_does_not_cross_to_halo_is_not_in_a_new_ticket() {
    let mut scene = in_step();
    scene.incident.owner.email = Some("amira@soc.example".into());
    let values = |scene: &Scene| {
        let drafted = drafted(scene, Affected::NotKnown);
        ([drafted.draft.status_id, drafted.draft.priority_id, drafted.draft.agent_id], drafted.lacking)
    };
    assert_eq!(values(&scene), ([Some(2), Some(3), Some(5)], Vec::new()));
    for (direction, when, crosses) in [
        (Direction::ToSentinel, When::Always, false),
        (Direction::None, When::Always, false),
        (Direction::ToHalo, When::OnCreate, true),
    ] {
        let rule = FieldRule::new(direction, when);
        (scene.policy.status, scene.policy.severity, scene.policy.owner) = (rule, rule, rule);
        let expected = if crosses { [Some(2), Some(3), Some(5)] } else { [None; 3] };
        assert_eq!(values(&scene), (expected, Vec::new()), "{direction:?}");
        let mut holes = scene.clone();
        (holes.policy.statuses, holes.policy.priorities) = (Default::default(), Default::default());
        assert_eq!(values(&holes).1.len(), if crosses { 2 } else { 0 }, "{direction:?}");
    }
}

#[test]
fn a_further_ticket_is_known_by_the_one_before_it() {
    let mut scene = in_step();
    let named = [TicketId(68), TicketId(69)];
    let own = draft::ticket_reference(&scene.workspace, &scene.incident);
    let follows = draft::reference_following(&scene.workspace.arm_id, &scene.incident.id, TicketId(67));
    let [after, unknown] =
        [69, 66].map(|before| draft::reference_after(&scene.workspace, &scene.incident, TicketId(before)));
    for (details, further, its) in [
        (format!("Halobridge reference {own}"), false, true),
        (format!("Its first ticket, 67, stays closed. Halobridge reference {follows}"), true, true),
        (format!("Its first ticket stays closed. Halobridge reference {follows}"), false, false),
        (format!("Halobridge reference {after}"), true, true),
        (format!("Halobridge reference {unknown}"), false, false),
        ("Found by hand, as 67 and 69 were".to_owned(), false, false),
    ] {
        scene.ticket().raw = json!({ "details": details }).into();
        let ticket = scene.ticket.as_ref().unwrap();
        let (workspace, incident) = (&scene.workspace, &scene.incident);
        assert_eq!(draft::is_further(workspace, &incident.id, &named, ticket), further, "{details}");
        assert_eq!(draft::is_for(workspace, incident, &named, ticket), its, "{details}");
    }
}
