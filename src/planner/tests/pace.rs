//! How soon a workspace is polled again.

use proptest::prelude::*;

use crate::planner::pace::{Pace, Shown, next_wait};

#[test]
fn a_workspace_is_polled_soon_after_a_change_and_ever_later_while_it_is_quiet() {
    let pace = Pace { longest: 900, shortest: 60 };
    let quiet = Shown { change: false, room: true };
    let changed = Shown { change: true, room: true };
    let scarce = Shown { change: true, room: false };
    let cases = [
        ("nothing known yet", None, quiet, 900),
        ("a change", Some(900), changed, 60),
        ("quiet for a poll", Some(60), quiet, 120),
        ("quiet for two", Some(120), quiet, 240),
        ("quiet for long", Some(480), quiet, 900),
        ("quiet as ever", Some(900), quiet, 900),
        ("a change while it is quick", Some(60), changed, 60),
        ("a change, and no room in the budget", Some(60), scarce, 900),
    ];
    for (name, before, shown, expected) in cases {
        assert_eq!(next_wait(pace, before, shown), expected, "{name}");
    }
    let fixed = Pace { longest: 30, shortest: 60 };
    assert_eq!(next_wait(fixed, Some(30), changed), 30, "the longest wait is the limit");
}

proptest! {
    #[test]
    fn no_wait_lies_outside_its_limits(
        longest in 30_u32..=86_400,
        shortest in 30_u32..=86_400,
        before in proptest::option::of(any::<u32>()),
        change: bool,
        room: bool,
    ) {
        let wait = next_wait(Pace { longest, shortest }, before, Shown { change, room });
        prop_assert!(wait <= longest && wait >= shortest.min(longest));
    }
}
