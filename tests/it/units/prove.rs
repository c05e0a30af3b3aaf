//! The simulation by its parts.

/// `src/prove/dice.rs`.
mod dice {
    use halobridge::prove::dice::Dice;

    #[test]
    fn a_purpose_repeats_itself_and_differs_from_others() {
        let draw = |seed, purpose| {
            let mut dice = Dice::of(seed, purpose);
            (0..8).map(|_| dice.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, "people"), draw(1, "people"));
        assert_ne!(draw(1, "people"), draw(1, "wire"));
        assert_ne!(draw(1, "people"), draw(2, "people"));
    }

    #[test]
    fn bounds_hold() {
        let mut dice = Dice::of(7, "bounds");
        for _ in 0..1_000 {
            assert!((3..=9).contains(&dice.between(3, 9)));
            let spread = dice.spread(50.0, 500.0);
            assert!((50.0..500.0).contains(&spread), "{spread}");
            assert_ne!(dice.weighted(&[(0, 'a'), (2, 'b'), (1, 'c')]), Some('a'));
        }
        assert_eq!(dice.pick::<u8>(&[]), None);
        assert_eq!(dice.weighted(&[(0, 'a')]), None);
    }
}

/// `src/prove/story.rs`.
mod story {
    use halobridge::prove::story::{Story, Who};
    use jiff::Timestamp;

    #[test]
    fn a_story_is_told_about_what_is_asked_for() {
        let mut story = Story::default();
        let at = Timestamp::UNIX_EPOCH;
        story.tell(at, Who::Agent, "writes a note on #101");
        story.tell(at, Who::Agent, "writes a note on #1012");
        story.tell(at, Who::Nemesis, "the process dies");
        let told = story.print(&["#101".into()]);
        assert!(told.contains("#101\n") && !told.contains("#1012") && told.contains("dies"), "{told}");
        let mut other = Story::default();
        other.tell(at, Who::Agent, "writes a note on #101");
        assert_ne!(story.digest(), other.digest());
        assert!(story.parting(&other).contains("line 2"));
    }
}

/// `src/prove/words.rs`.
mod words {
    use halobridge::prove::{watch::Wording, words::*};

    fn wording(words: &[&str]) -> Wording {
        Wording {
            at: jiff::Timestamp::UNIX_EPOCH,
            order: 0,
            mark: String::new(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    #[test]
    fn words_are_seen_through_markup_and_their_order_counts() {
        let html = "<p>mk1 <b>5&lt;6</b><br>a&amp;b</p>";
        assert!(complete(&wording(&["mk1", "5<6", "a&b"]), html));
        assert!(!complete(&wording(&["mk1", "a&b", "5<6"]), html));
        assert!(!complete(&wording(&["mk1", "missing"]), html));
        assert!(complete(&wording(&["5<6", "end."]), "5<6 is no tag, end."));
        assert_eq!(clients_in("about clnt2 and clnt0, clnt2"), [0, 2]);
    }
}

/// `src/prove/watch.rs`.
mod watch {
    use halobridge::prove::watch::{By, TicketValues, Version, Watch};
    use jiff::{SignedDuration, Timestamp};

    /// How often limits count as passed when an incident is read four times a second, and changed after every `changed`
    /// readings.
    fn passed(changed: Option<usize>) -> usize {
        let mut watch = Watch::default();
        for n in 1..=100_usize {
            let at = Timestamp::UNIX_EPOCH + SignedDuration::from_millis(250 * i64::try_from(n).unwrap());
            watch.reads(at, "/arm/incidents/ABC-1");
            watch.reads(at, "/arm/incidents/abc-2");
            if changed.is_some_and(|every| n % every == 0) {
                watch.asks_for_a_reading("abc-1");
            }
        }
        watch.limits.iter().filter(|wrong| wrong.text.contains("ABC-1")).count()
    }

    #[test]
    fn who_reads_over_and_over_is_seen_unless_somebody_changes_it_as_often() {
        assert_eq!(passed(None), 1);
        assert!(passed(Some(3)) >= 1, "three readings for each change");
        assert_eq!(passed(Some(1)), 0);
    }

    #[test]
    fn what_sets_out_the_moment_a_ticket_was_read_is_told_from_what_sets_out_later() {
        let mut watch = Watch::default();
        let (at, later) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + SignedDuration::from_millis(1));
        watch.sets_out(at, 1);
        watch.hears(at, "halo.tickets.get", "/halo/api/Tickets/1003");
        watch.sets_out(at, 2);
        watch.sets_out(later, 3);
        watch.hears(later, "halo.tickets.list", "/halo/api/Tickets");
        watch.sets_out(later, 4);
        watch.hears(later, "halo.actions.get", "/halo/api/Actions/7");
        watch.sets_out(later, 5);
        assert_eq!(watch.upon.into_iter().collect::<Vec<_>>(), [(2, 1003)]);
    }

    #[test]
    fn a_copy_knows_what_the_original_had_read_and_nothing_of_what_it_reads_since() {
        let at_client = |order, client_id| {
            let value = TicketValues {
                status_id: 1,
                closed: false,
                priority_id: 1,
                agent_id: 1,
                client_id,
                deleted: false,
                merged_into: 0,
            };
            Version { order, at: Timestamp::UNIX_EPOCH, by: By::Person, value }
        };
        let mut watch = Watch::default();
        watch.tickets.insert(7, vec![at_client(1, 100), at_client(3, 101), at_client(5, 100)]);
        watch.read.insert((0, 7), 4);
        watch.away.insert((0, 7), vec![4]);
        watch.copied(1);
        assert!(watch.moved_unseen(0, 7) && watch.moved_unseen(1, 7), "both have read it before it was moved back");
        assert_eq!(watch.away.get(&(1, 7)), Some(&vec![4]));
        watch.read.insert((0, 7), 6);
        assert!(!watch.moved_unseen(0, 7) && watch.moved_unseen(1, 7));
    }

    #[test]
    fn who_sends_no_more_than_a_window_takes_is_not_blamed_for_what_arrives_late() {
        let sent = |every_ms: i64| {
            let mut watch = Watch::default();
            for n in 0..900 {
                let at = Timestamp::UNIX_EPOCH + SignedDuration::from_millis(every_ms * n);
                watch.departs(0, "halo.tickets.get", at);
                watch.departs(0, "halo.auth.token", at);
                watch.departs(1, "halo.tickets.get", at);
            }
            (watch.paced(0, "halo.actions.list"), watch.paced(0, "sentinel.incident.get"))
        };
        assert_eq!(sent(1_000), (true, false));
        assert_eq!(sent(990), (false, false));
    }
}

/// `src/prove/copies.rs`, and what invariant 14 says of it.
mod copies {
    use std::collections::BTreeMap;

    use halobridge::{
        domain::catalogue::Catalogue,
        prove::{
            clicks,
            copies::{Ran, Still},
            invariants::{self, ending::Ending},
            scene::{Hands, Scene, Setting, Struck},
            watch::{Watch, Write},
        },
        store::Installation,
    };
    use jiff::{SignedDuration, Timestamp};
    use serde_json::json;

    fn at(minute: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(i64::try_from(minute).unwrap())
    }

    /// Something that a process wrote: the minute is its place in the order of things too.
    fn note((host, minute): (usize, u64)) -> Write {
        Write {
            order: minute,
            at: at(minute),
            host,
            sent: minute,
            kind: "halo.actions.post".to_owned(),
            incident: None,
            ticket: Some(7),
            client: Some(0),
            moved_unseen: false,
            read: None,
            body: json!([{ "ticket_id": 7, "note_html": "HB-0123456789" }]),
            status: 201,
            answered: true,
            made: true,
        }
    }

    /// What invariant 14 says where a copy wrote from minute 100 to 500; `noticed`: by whom, when, and up to when.
    fn said(writes: &[(usize, u64)], noticed: &[(usize, u64, Option<u64>)]) -> Vec<String> {
        let mut watch = Watch::default();
        watch.writes.extend(writes.iter().copied().map(note));
        let mut ran = Ran::begun(at(100), at(900), 100);
        let still =
            |(host, minute, until): (usize, u64, Option<u64>)| Still { host, at: at(minute), order: minute, until };
        ran.stills.extend(noticed.iter().copied().map(still));
        ran.end(at(500), 500);
        ran.settle(520);
        let (rebuilt, decided) = (BTreeMap::new(), clicks::desk::Decided::default());
        let scene = Scene {
            watch: &watch,
            shape: Setting { places: &[], clients: 1, first_client_id: 1, defender: false },
            strikes: Struck { restored: &[], restored_orders: &[], copy: Some(&ran) },
            people: Hands { rebuilt: &rebuilt, decided: &decided },
            unfinished: Vec::new(),
            silent_from: at(10_000),
            tokens_max: 0,
            now: at(10_000),
        };
        let ending = Ending {
            installation: Installation::default(),
            catalogue: Catalogue::default(),
            incidents: Vec::new(),
            strays: BTreeMap::new(),
            damage: Vec::new(),
            second_writer: None,
        };
        let found = invariants::ask(&scene, &ending);
        found.into_iter().filter(|violation| violation.number == 14).map(|violation| violation.text).collect()
    }

    fn says(writes: &[(usize, u64)], noticed: &[(usize, u64, Option<u64>)], words: &str) {
        let said = said(writes, noticed);
        assert!(matches!(said.as_slice(), [one] if one.contains(words)), "{said:?} instead of {words:?}");
    }

    #[test]
    fn a_copy_may_write_until_it_is_ended_and_who_has_noticed_it_may_not_until_confirmed() {
        let none: Vec<String> = Vec::new();
        assert_eq!(said(&[(0, 50), (0, 200), (1, 201), (0, 900)], &[]), none);
        says(&[(1, 99)], &[], "the copy of the data directory wrote 1 times");
        says(&[(1, 200), (1, 600)], &[], "the copy of the data directory wrote 1 times");
        // What was under way is brought to its end.
        assert_eq!(said(&[(1, 200), (0, 259), (0, 701)], &[(0, 250, Some(700))]), none);
        says(&[(1, 200), (0, 261), (0, 701)], &[(0, 250, Some(700))], "the original had noticed a second writer");
        says(&[(0, 200), (1, 300)], &[(1, 250, None)], "the copy had noticed a second writer");
        says(&[(0, 120), (1, 200)], &[(0, 150, Some(700))], "before another one wrote");
        says(&[(1, 200)], &[(0, 250, Some(700)), (0, 800, Some(850))], "again");
    }
}

/// `src/prove/shape.rs`.
mod shape {
    use halobridge::prove::shape::Shape;

    #[test]
    fn a_seed_decides_everything_and_sizes_are_mixed() {
        assert_eq!(format!("{:?}", Shape::of(42)), format!("{:?}", Shape::of(42)));
        let shapes: Vec<Shape> = (0..200).map(Shape::of).collect();
        assert_eq!(shapes.iter().filter(|shape| shape.large).count(), 2);
        for shape in &shapes {
            let (pairs, acts) = if shape.large { (200..260, 2_000..2_600) } else { (3..21, 50..500) };
            assert!(pairs.contains(&shape.incidents) && acts.contains(&shape.acts), "{}", shape.words());
            assert!(!shape.large || shape.span.as_hours() >= 72);
        }
    }
}

/// `src/prove/executor.rs`.
mod executor {
    use std::{
        cell::RefCell,
        future::Future,
        pin::Pin,
        rc::Rc,
        task::{Context, Poll, Waker},
    };

    use halobridge::prove::executor::*;

    /// Waits until somebody on this thread opens it.
    #[derive(Clone, Default)]
    struct Gate(Rc<RefCell<(bool, Option<Waker>)>>);

    impl Gate {
        fn open(&self) {
            let mut inner = self.0.borrow_mut();
            inner.0 = true;
            if let Some(waker) = inner.1.take() {
                waker.wake();
            }
        }
    }

    impl Future for Gate {
        type Output = ();
        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            let mut inner = self.0.borrow_mut();
            if inner.0 {
                return Poll::Ready(());
            }
            inner.1 = Some(cx.waker().clone());
            Poll::Pending
        }
    }

    #[test]
    fn tasks_run_in_the_order_in_which_they_are_woken() {
        let mut executor = Executor::default();
        let told = Rc::new(RefCell::new(Vec::new()));
        let gates: Vec<Gate> = (0..3).map(|_| Gate::default()).collect();
        for (n, gate) in gates.iter().cloned().enumerate() {
            let told = Rc::clone(&told);
            executor.spawn(
                0,
                Box::pin(async move {
                    gate.await;
                    told.borrow_mut().push(n);
                }),
            );
        }
        while executor.step(|_| false).is_some() {}
        for n in [2, 0, 1] {
            gates[n].open();
        }
        while executor.step(|_| false).is_some() {}
        assert_eq!(*told.borrow(), [2, 0, 1]);
        assert_eq!(executor.running(0), 0);
    }

    #[test]
    fn another_threads_answer_is_waited_for() {
        let executor = Executor::default();
        let (tell, told) = tokio::sync::oneshot::channel();
        let answered = executor.block_on(async move {
            std::thread::spawn(move || tell.send(7).unwrap());
            told.await.unwrap()
        });
        assert_eq!(answered, Ok(7));
    }

    #[test]
    fn a_process_dies_with_its_tasks_and_a_panic_is_told() {
        let mut executor = Executor::default();
        executor.spawn(1, Box::pin(async { std::panic::resume_unwind(Box::new(Died)) }));
        executor.spawn(1, Box::pin(std::future::pending()));
        executor.spawn(2, Box::pin(async { std::panic::resume_unwind(Box::new("wrong")) }));
        assert!(matches!(executor.step(|_| false), Some((_, 1, Some(End::Died)))));
        executor.kill(1);
        assert_eq!(executor.running(1), 0);
        let end = executor.step(|_| false).unwrap();
        assert_eq!((end.1, end.2), (2, Some(End::Panicked("wrong".into()))));
        assert!(executor.step(|_| false).is_none());
    }
}
