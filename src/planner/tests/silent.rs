//! Nothing that we write on the other side notifies anybody there, wherever a name with an @ stands in it.

use serde_json::json;

use super::{
    closing::said,
    scene::{Scene, in_step, words},
};
use crate::{
    domain::{
        closing::Classification,
        incident::Evidence,
        pair::{ClosingWords, OwnClosing},
    },
    planner::{closing, push},
};

fn closed_in_sentinel(s: &mut Scene) {
    s.close_incident(Classification::TruePositive, Some("SuspiciousActivity"));
    s.incident.classification_comment = Some("@amira was right".into());
}

fn closed_in_halo(s: &mut Scene) {
    s.close_ticket(Some(1));
    s.ticket().closure_note = Some("<p>@amira is told</p>".into());
}

#[test]
fn whatever_we_write_notifies_nobody() {
    type Change = fn(&mut Scene);
    let cases: [(&str, Change); 5] = [
        ("a closing note", closed_in_sentinel),
        ("a closing comment", closed_in_halo),
        ("what two people said at closing", |s| {
            closed_in_sentinel(s);
            closed_in_halo(s);
        }),
        ("closing words that the ticket did not take", |s| {
            s.pair.base.unsaid = Some(ClosingWords { words: "@amira was right".into(), at: None });
        }),
        ("a new ticket", |s| {
            (s.ticket, s.pair.ticket) = (None, None);
            s.incident.title = "Mail to @amira".into();
            s.incident.description = Some("ask @amira".into());
            s.policy.evidence = true;
            let alert = json!({ "properties": { "alertDisplayName": "of @amira" } });
            s.evidence = Some(Evidence { alerts: vec![alert], entities: Vec::new() });
        }),
    ];
    for (name, change) in cases {
        let mut scene = in_step();
        change(&mut scene);
        let said = said(&scene.plan());
        assert!(said.contains("amira") && !said.contains("@amira"), "{name}: {said}");
    }
    let mut scene = in_step();
    scene.ticket().raw = json!({ "details": "Call @amira at https://x.example/@amira" }).into();
    let ticket = scene.ticket().clone();
    let incident = push::draft("tenant", &ticket, None, &scene.policy, &scene.catalogue).expect("it can be pushed");
    let said = incident.description.unwrap_or_default();
    assert!(said.contains("Call @\u{2060}amira at https://x.example/@amira"), "{said}");
}

/// Also as they were written before mentions were neutralised in them, and by an instance that takes the joint out.
#[test]
fn our_own_words_are_known_with_and_without_the_joint() {
    let plain = "Closed in Microsoft Sentinel as True positive (SuspiciousActivity). @amira was right";
    let jointed = plain.replace('@', "@\u{2060}");
    for stands in [plain, jointed.as_str()] {
        let mut scene = in_step();
        closed_in_sentinel(&mut scene);
        closed_in_halo(&mut scene);
        scene.ticket().closure_note = Some(stands.into());
        let plan = scene.plan();
        assert!(plan.operations.is_empty(), "ours: {}", words(&plan));
        for note in [plain, jointed.as_str()] {
            scene.ticket().closure_note = Some(format!("{stands}<p>Rule was changed.</p>"));
            let fields = std::collections::BTreeMap::new();
            let own = OwnClosing { note: note.to_owned(), fields, at: None, emptied: false };
            scene.pair.base.own_closing = Some(own);
            let agents = closing::of_agent(&scene.pair.base, scene.ticket.as_ref().unwrap());
            assert_eq!(agents.closure_note.as_deref(), Some("Rule was changed."), "{stands} {note}");
        }
    }
}
