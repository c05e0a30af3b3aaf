//! Whether a write of ours was taken: an answer's values say so, its version does not.

use super::scene::in_step;
use crate::{
    domain::{
        incident::{IncidentStatus, Label, Owner},
        operation::IncidentChange,
    },
    planner::agreed,
};

#[test]
fn what_was_written_is_known_by_its_values() {
    let scene = in_step();
    let change = |status: Option<IncidentStatus>, owner: Option<Owner>, label: Option<&str>| IncidentChange {
        status,
        owner,
        labels_added: label.map(str::to_owned).into_iter().collect(),
        ..IncidentChange::default()
    };
    let person = |name: &str| Owner { user_principal_name: Some(name.into()), ..Owner::default() };
    let (active, ann) = (Some(IncidentStatus::Active), person("ann@x.example"));
    let mut before = scene.incident.clone();
    (before.status, before.owner, before.etag) = (IncidentStatus::New, person("bob@x.example"), Some("1".into()));
    let after = |etag: Option<&str>, status: IncidentStatus, owner: &str, label: bool| {
        let mut after = before.clone();
        (after.etag, after.status, after.owner) = (etag.map(str::to_owned), status, person(owner));
        after.labels.extend(label.then(|| Label { name: "seen".into(), kind: None }));
        after
    };
    let old = |etag| after(etag, IncidentStatus::New, "bob@x.example", false);
    for (about, change, after, expected) in [
        (
            "an etag that stands still hides no status",
            change(active.clone(), None, None),
            after(Some("1"), IncidentStatus::Active, "bob@x.example", false),
            true,
        ),
        ("a new etag proves no status", change(active.clone(), None, None), old(Some("2")), false),
        ("nor does none", change(active.clone(), None, None), old(None), false),
        (
            "somebody has moved it on",
            change(active, None, None),
            after(Some("2"), IncidentStatus::Closed, "bob@x.example", false),
            true,
        ),
        (
            "an owner in another case",
            change(None, Some(ann.clone()), None),
            after(Some("1"), IncidentStatus::New, "ANN@x.example", false),
            true,
        ),
        ("an owner that is told otherwise", change(None, Some(ann.clone()), None), old(Some("2")), true),
        ("nothing has moved at all", change(None, Some(ann), None), old(Some("1")), false),
        (
            "a label",
            change(None, None, Some("seen")),
            after(Some("1"), IncidentStatus::New, "bob@x.example", true),
            true,
        ),
        ("no label", change(None, None, Some("seen")), old(Some("1")), false),
    ] {
        assert_eq!(agreed::taken(&before, &change, &after), expected, "{about}");
    }
}
