//! A list of actions without any, where some are known.

use jiff::SignedDuration;

use super::scene::{Scene, in_step};
use crate::planner::emptied::{APART, Weighed, weighed};

#[test]
fn nothing_is_taken_for_deleted_before_halo_has_counted_none_twice() {
    let noted = |change: fn(&mut Scene)| {
        let mut scene = in_step();
        scene.note(3, "<p>a note</p>");
        change(&mut scene);
        scene.actions.unwrap_or_default()
    };
    let (note, none) = (noted(|_| {}), Vec::new());
    let opened = noted(|scene| scene.note(1, "<p>opened</p>").system = true);
    let now = in_step().now;
    let just = now - SignedDuration::from_secs(5);
    let long_ago = now - APART;
    let taken = |since| Weighed { since, taken: true };
    let kept = Weighed { since: None, taken: false };
    let waits = |since| Weighed { since: Some(since), taken: false };
    let table = [
        ("something is there", (&note, &note), (false, true), None, taken(None)),
        ("something is there again", (&note, &note), (false, false), Some(just), taken(None)),
        ("nothing was known", (&none, &none), (true, false), None, taken(None)),
        ("known as empty", (&none, &none), (true, false), Some(long_ago), taken(Some(long_ago))),
        ("counted for the first time", (&note, &none), (true, false), None, waits(now)),
        ("in the same moment", (&note, &none), (true, false), Some(just), waits(just)),
        ("and once more", (&note, &none), (true, false), Some(long_ago), taken(Some(long_ago))),
        ("the clock was set back", (&note, &none), (true, false), Some(now + APART), taken(Some(now + APART))),
        ("not counted", (&note, &none), (false, false), None, kept),
        ("not counted any more", (&note, &none), (false, false), Some(long_ago), kept),
        ("its tickets begin with an action of Halo's own", (&note, &none), (true, true), Some(long_ago), kept),
        ("this one began so", (&opened, &none), (true, false), Some(long_ago), kept),
    ];
    for (name, (known, read), told, since, expected) in table {
        assert_eq!(weighed((known, read), told, since, now), expected, "{name}");
    }
}
