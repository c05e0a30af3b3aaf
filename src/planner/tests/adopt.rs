//! Tickets that Halo's own Sentinel integration made.

use serde_json::json;

use super::scene::{in_step, words};
use crate::{
    domain::{failure::Side, ids::IncidentId, operation::OperationKind},
    planner::{
        adopt::{carried, same_words},
        notes,
    },
};

const GUID: &str = "11111111-2222-4333-8444-555555555555";

#[test]
fn a_ticket_of_halos_own_integration_is_known_by_the_incident_it_carries() {
    let mut scene = in_step();
    let (mut workspace, incident) = (scene.workspace.clone(), IncidentId::new(GUID));
    workspace.arm_id = workspace.arm_id.replace("workspaces/w", "workspaces/law-northwind");
    let path = format!("/subscriptions/s/x/Incidents/{}", GUID.to_uppercase());
    let cases = [
        ("the id alone", json!({ "sentinel_id": GUID }), Some(true)),
        ("in capitals, as a resource id", json!({ "sentinel_id": path }), Some(true)),
        (
            "with its workspace",
            json!({ "sentinel_id": GUID, "sentinel_workspace": workspace.name.to_uppercase() }),
            Some(true),
        ),
        (
            "with the name that its workspace has in Azure",
            json!({ "sentinel_id": GUID, "sentinel_workspace": "LAW-Northwind" }),
            Some(true),
        ),
        ("of another workspace", json!({ "sentinel_id": GUID, "sentinel_workspace": "elsewhere" }), Some(false)),
        ("another incident", json!({ "sentinel_id": GUID.replace('1', "9") }), Some(false)),
        ("an empty id", json!({ "sentinel_id": " " }), None),
        ("what is no id", json!({ "sentinel_id": "42" }), None),
        ("a number", json!({ "sentinel_id": 42 }), None),
        ("a ticket like any other", json!({ "id": 70 }), None),
    ];
    for (name, raw, expected) in cases {
        scene.ticket().raw = raw.into();
        let found = carried(scene.ticket()).map(|carried| carried.is(&workspace, &incident));
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn what_stands_on_both_sides_when_they_are_joined_crosses_no_more() {
    let mut scene = in_step();
    for (n, said) in ["Seen on the host by the analyst", "ok", "Only here", "ok"].into_iter().enumerate() {
        scene.comment(u128::try_from(n).unwrap_or(0) + 1, said);
    }
    scene.note(3, "<p>Imported: Seen on the   host by the analyst</p>");
    scene.note(4, "<p>ok</p>");
    scene.note(5, "<p>it is ok with me</p>");
    let (comments, actions) = (scene.comments.clone().unwrap_or_default(), scene.actions.clone().unwrap_or_default());
    let links = same_words(scene.pair.id, &comments, &actions, Some(99));
    let found: Vec<(usize, i64)> = links
        .iter()
        .map(|link| (comments.iter().position(|c| c.id == link.comment).expect("a comment"), link.action.action))
        .collect();
    assert_eq!(found, [(0, 3), (1, 4)], "short words must be the same, and each goes with one other");
    scene.links = links;
    let crossing = scene.plan().operations.len();
    assert_eq!(crossing, 2 + 1, "two comments and a note are left: {:?}", scene.plan().operations);
    assert!(scene.links.iter().all(|link| matches!(link.written_in, Side::Sentinel | Side::Halo)));
}

/// The note of an edit says what the comment says now, and is none the less not the note of its first words.
#[test]
fn a_note_of_ours_is_known_by_its_reference_when_two_records_are_joined() {
    let mut scene = in_step();
    let comment = scene.comment(1, "Seen on the host by the analyst");
    let edited = scene.with(|s| notes::note_reference(s, &comment, 1));
    scene.note(3, &format!("<p>was edited. It says now:</p><p>Seen on the host by the analyst</p><p>{edited}</p>"));
    scene.actions.as_mut().expect("a note")[0].agent_id = Some(99);
    let (comments, actions) = (scene.comments.clone().unwrap_or_default(), scene.actions.clone().unwrap_or_default());
    assert_eq!(same_words(scene.pair.id, &comments, &actions, Some(99)), []);
    scene.pair.base.linked = true;
    let plan = scene.plan();
    assert_eq!(plan.links.iter().map(|link| (link.action.action, link.edit)).collect::<Vec<_>>(), [(3, 1)]);
    assert_eq!(plan.operations, []);
}

/// The API application logs in as another agent since: its references tell nothing of that one's notes.
#[test]
fn notes_of_the_agent_whom_the_application_had_before_are_known_by_their_words_when_two_records_are_joined() {
    let mut scene = in_step();
    for (n, said) in (1..).zip(["Seen on the host srv-1 twice", "ok, @amira"]) {
        scene.comment(n, said);
    }
    let noted = scene.plan().operations.into_iter().map(|planned| match planned.kind {
        OperationKind::AddNote { note, .. } => note.html,
        other => panic!("a note: {other:?}"),
    });
    let noted: Vec<String> = noted.collect();
    for (n, html) in (3..).zip(&noted) {
        scene.note(n, html).agent_id = Some(40);
    }
    // Who quotes one says something of their own, and that crosses.
    scene.note(5, &format!("<p>This is done.</p><blockquote>{}</blockquote>", noted[0]));
    scene.catalogue.own_agent_id = Some(41);
    let (comments, actions) = (scene.comments.clone().unwrap_or_default(), scene.actions.clone().unwrap_or_default());
    let joined = |own| {
        let links = same_words(scene.pair.id, &comments, &actions, own);
        links.into_iter().map(|link| (link.action.action, link.written_in)).collect::<Vec<_>>()
    };
    assert_eq!(joined(Some(41)), [(3, Side::Sentinel), (4, Side::Sentinel)]);
    assert_eq!((joined(Some(40)), joined(None)), (Vec::new(), Vec::new()), "they are known by their references");
    scene.links = same_words(scene.pair.id, &comments, &actions, Some(41));
    scene.pair.base.linked = true;
    assert_eq!(words(&scene.plan()), "comment of 5 because note-added; behind waiting note-added");
}
