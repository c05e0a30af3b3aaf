//! Random worlds (`docs/PROVE.md`) that are looked at more closely than the hundreds that `.ci/worlds` lives.

use std::sync::Arc;

use halobridge::prove::{
    bugs::{Bug, Bugs},
    clicks::desk,
    mapping, planted,
    run::{self, Plan, Report},
    seldom,
    shape::Shape,
};

/// Worlds that are lived twice.
const FIXED: (u64, u64) = (50, 2);
/// Worlds with a policy that groups: the first, and how many.
const GROUPED: (u64, u64) = (1, 2);

fn lived(from: u64, seeds: u64, twice: bool) -> Report {
    let plan = Plan { from, seeds, jobs: 2, twice, keep_going: true, bugs: Bugs::default(), policies: Arc::default() };
    run::many(&plan, |_| {}).unwrap_or_else(|broken| panic!("the simulation cannot begin: {broken:?}"))
}

fn holds(report: &Report) {
    let told: Vec<String> = report
        .failures
        .values()
        .map(|failure| {
            let wrong = failure.wrong.join("\n  ");
            format!(
                "seed {}: {wrong}\nreplay it with: halobridge prove --from {} --seeds 1",
                failure.seed, failure.seed
            )
        })
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n\n"));
}

#[test]
fn fixed_worlds_hold_and_tell_the_same_story_twice() {
    let (from, seeds) = FIXED;
    let report = lived(from, seeds, true);
    holds(&report);
    assert_eq!((report.lived, report.twice), (seeds, seeds));
    assert_ne!(report.digests[&from], report.digests[&(from + 1)], "another seed tells another story");
}

/// Worlds that showed bugs of the program: a note's edit told twice after a restore, a closing undone upon a reading that
/// took half a minute and was overtaken by newer ones, a note written again on a ticket that was found after a restore, a
/// young incident given up for one stale answer, a copy of an edited comment written again after a restore,
/// a pair that stood still for the note of an edit was taken for its first note.
const FAILED_ONCE: [u64; 10] = [764, 827, 110_040, 110_549, 400_928, 601_728, 800_149, 900_576, 901_631, 905_192];

#[test]
fn worlds_that_failed_once_hold() {
    for seed in FAILED_ONCE {
        holds(&lived(seed, 1, false));
    }
}

/// Worlds in which a copy of the installation writes beside it for hours, and then a person ends it.
const COPIED: [u64; 1] = [108];

#[test]
fn worlds_in_which_a_copy_writes_hold() {
    for seed in COPIED {
        let report = lived(seed, 1, true);
        holds(&report);
        assert_eq!(report.copies.ran(), 1, "seed {seed}: a copy wrote");
    }
}

/// A world in which an admin sees to what waits for a person.
const SEEN_TO: u64 = 101;

#[test]
fn a_world_in_which_an_admin_sees_to_what_waits_holds_and_tells_the_same_story_twice() {
    assert!(desk::sees_to(SEEN_TO));
    holds(&lived(SEEN_TO, 1, true));
}

/// A world in which happens what seldom does.
const SELDOM: u64 = 112;

#[test]
fn a_world_in_which_happens_what_seldom_does_holds_and_tells_the_same_story_twice() {
    assert!(seldom::happens(SELDOM) && desk::sees_to(SELDOM));
    holds(&lived(SELDOM, 1, true));
}

#[test]
fn what_seldom_happens_is_in_no_other_world() {
    let lines = [
        "labels",
        "title",
        "requester",
        "reopened = { in_sentinel = \"new-ticket\"",
        "approve = [\"client-visible-note\"",
        "drift = { value",
    ];
    let shapes: Vec<Shape> = (0..800).map(Shape::of).collect();
    for word in lines {
        let has = |shape: &&Shape| shape.choices.iter().any(|line| line.starts_with(word));
        let having: Vec<u64> = shapes.iter().filter(has).map(|shape| shape.seed).collect();
        assert!(!having.is_empty(), "{word}");
        assert!(having.iter().all(|seed| seldom::happens(*seed)), "{word}: {having:?}");
    }
    let later: Vec<&Shape> = shapes.iter().filter(|shape| seldom::starts_later(shape).is_some()).collect();
    assert!(!later.is_empty() && later.iter().all(|shape| seldom::happens(shape.seed)));
}

#[test]
fn policies_ask_an_admin_only_where_one_sees_to_what_waits() {
    let asks = |seed: &u64| {
        let choices = Shape::of(*seed).choices;
        choices.iter().any(|line| line.starts_with("approve") || line.starts_with("drift"))
    };
    let asking: Vec<u64> = (0..400).filter(asks).collect();
    assert!(!asking.is_empty());
    assert!(asking.iter().all(|seed| desk::sees_to(*seed)), "{asking:?}");
}

/// A policy by which nearly all incidents of a workspace that are alike share a ticket.
const GROUPING: &str = r#"
[[policy]]
name = "grouping"
ticket_type = "Security Incident"
notes = "all"
priorities = { High = "Urgent", Medium = "Normal", Low = "Minor", Informational = "Minor" }
missing_verdict = { classification = "Undetermined" }
group = { by = ["analytics-rule"], hours = 48, most = 4 }
"#;

#[test]
fn worlds_in_which_incidents_share_tickets_hold() {
    let policies = mapping::policies(GROUPING).unwrap();
    let plan = Plan {
        from: GROUPED.0,
        seeds: GROUPED.1,
        jobs: 2,
        twice: false,
        keep_going: true,
        bugs: Bugs::default(),
        policies: policies.into(),
    };
    holds(&run::many(&plan, |_| {}).unwrap_or_else(|broken| panic!("the simulation cannot begin: {broken:?}")));
}

#[test]
fn a_planted_bug_is_seen() {
    let plan = Plan {
        from: 0,
        seeds: 10,
        jobs: 1,
        twice: false,
        keep_going: false,
        bugs: Bugs::default(),
        policies: Arc::default(),
    };
    // One of the first worlds gives it away; docs/PROVE.md has the table of all.
    let bug = Bug::EchoOfComments;
    let search = planted::search(bug, &plan).unwrap_or_else(|broken| panic!("{broken:?}"));
    assert!(search.found.is_some(), "{} was not seen in {} worlds", bug.name(), search.lived);
}
