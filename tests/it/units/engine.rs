//! The engine by its parts.

/// `src/engine/poll/pages.rs`.
mod pages {
    use halobridge::{
        domain::{ids::TicketId, ticket::Ticket},
        engine::poll::pages::OwnRows,
        halo_itsm::{TicketPage, read},
    };
    use serde_json::json;

    fn page(rows: &[(i64, i64)]) -> TicketPage {
        let tickets = rows.iter().map(|(id, client)| read::ticket(json!({ "id": id, "client_id": client })).unwrap());
        TicketPage { more: !rows.is_empty(), tickets: tickets.collect(), ..TicketPage::default() }
    }

    fn found(pages: &[&[(i64, i64)]]) -> Vec<i64> {
        let mut rows = OwnRows::of(7);
        while let Some(page_no) = rows.next_page().unwrap() {
            rows.take(page(pages.get(page_no as usize - 1).copied().unwrap_or_default()));
        }
        rows.found.iter().map(|row| row.id.0).collect()
    }

    #[test]
    fn a_page_of_other_clients_alone_does_not_end_the_list() {
        assert_eq!(found(&[&[(1, 7)], &[(2, 8), (3, 8)], &[(4, 7)]]), [1, 4]);
    }

    #[test]
    fn a_page_that_comes_again_ends_it() {
        assert_eq!(found(&[&[(1, 7), (2, 7)], &[(2, 7), (1, 7)], &[(9, 7)]]), [1, 2]);
    }

    /// Page `page_no` (from 1) of so many rows to a page, up to ticket `last`.
    fn page_of(page_no: u32, size: i64, last: i64, row: &Ticket) -> TicketPage {
        let first = i64::from(page_no - 1) * size + 1;
        let ids = first..=last.min(first + size - 1);
        let tickets: Vec<Ticket> = ids.map(|id| Ticket { id: TicketId(id), ..row.clone() }).collect();
        TicketPage { more: !tickets.is_empty(), tickets, ..TicketPage::default() }
    }

    #[test]
    fn a_list_without_end_is_no_list() {
        let row = read::ticket(json!({ "id": 1, "client_id": 7 })).unwrap();
        let mut rows = OwnRows::of(7);
        let failure = loop {
            match rows.next_page() {
                Ok(page_no) => rows.take(page_of(page_no.unwrap(), 1_000, i64::MAX, &row)),
                Err(failure) => break failure,
            }
        };
        assert!(failure.to_string().contains("does not end"));
    }

    /// How many tickets a list may have does not go by how few of them a server hands out at once.
    #[test]
    fn a_list_of_thousands_of_small_pages_is_read_to_its_end() {
        let row = read::ticket(json!({ "id": 1, "client_id": 7 })).unwrap();
        let mut rows = OwnRows::of(7);
        while let Some(page_no) = rows.next_page().unwrap() {
            rows.take(page_of(page_no, 10, 30_000, &row));
        }
        assert_eq!(rows.found.len(), 30_000);
    }
}

/// `src/engine/lanes.rs`.
mod lanes {
    use std::{future::Future, pin::pin, task::Poll};

    use halobridge::{domain::ids::ConnectionId, engine::lanes::Lanes};

    async fn is_pending<T>(future: impl Future<Output = T> + Unpin) -> bool {
        let mut future = future;
        std::future::poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut future).poll(cx).is_pending())).await
    }

    #[test]
    fn an_instance_that_does_not_answer_holds_up_half_of_what_runs_side_by_side() {
        let (lanes, halo) = (Lanes::default(), ConnectionId(uuid::Uuid::from_u128(1)));
        let mut places: Vec<_> = std::iter::from_fn(|| lanes.try_write(halo)).take(100).collect();
        assert_eq!(places.len() * 2, halobridge::cli::drive::SIDE_BY_SIDE);
        assert!(
            !lanes.may_write(halo) && lanes.may_write(ConnectionId(uuid::Uuid::from_u128(2))),
            "another one's are free"
        );
        places.pop();
        assert!(lanes.may_write(halo) && lanes.try_write(halo).is_some());
    }

    #[tokio::test]
    async fn tickets_are_asked_for_one_by_one_and_the_next_makes_ready_meanwhile() {
        let (lanes, halo) = (Lanes::default(), ConnectionId(uuid::Uuid::from_u128(1)));
        let (first, second) = (lanes.try_create(halo).expect("free"), lanes.try_create(halo).expect("makes ready"));
        assert!(!lanes.may_create(halo) && lanes.try_create(halo).is_none(), "no third");
        assert!(lanes.may_create(ConnectionId(uuid::Uuid::from_u128(2))), "another instance has a lane of its own");
        let asking = first.turn().await;
        let mut next = pin!(second.turn());
        assert!(is_pending(&mut next).await, "not while the first one is being answered");
        drop(asking);
        assert!(lanes.may_create(halo), "a third makes ready");
        let asking = next.await;
        let third = lanes.try_create(halo).expect("a place is free");
        assert!(is_pending(pin!(third.turn())).await);
        drop(asking);
    }
}

/// `src/engine/schedule/refused.rs`.
mod refused {
    use halobridge::{
        domain::ids::PairId,
        engine::{Unit, schedule::refused::Refused},
    };
    use jiff::{SignedDuration, Timestamp};

    /// A unit that the store refuses.
    const UNIT: Unit = Unit::Pair(PairId(uuid::Uuid::from_u128(1)));

    fn database_says() -> Option<String> {
        Some("The database answered: no.".to_owned())
    }

    #[test]
    fn what_is_refused_for_itself_is_tried_ever_more_rarely_and_told_from_the_second_time_on() {
        for (unit, longest) in [(UNIT, 600), (Unit::Intake, 60)] {
            let start = Timestamp::UNIX_EPOCH;
            let (mut refused, mut now, mut waits) = (Refused::default(), start, Vec::new());
            for _ in 0..100 {
                refused.note(unit, database_says(), now);
                assert!(refused.holds(unit, now));
                let until = refused.times().next().unwrap();
                assert!(!refused.holds(unit, until));
                assert_eq!(refused.steps(now).len(), usize::from(!waits.is_empty()));
                waits.push(until.duration_since(now).as_secs());
                now = until;
            }
            assert_eq!(waits[..4], [5, 10, 20, 40]);
            assert_eq!(waits.last(), Some(&longest));
            let told = refused.steps(now).remove(0);
            assert_eq!((told.unit, told.since, told.next), (unit, start, now));
            refused.over(unit);
            assert!(refused.steps(now).is_empty() && refused.times().next().is_none());
        }
    }

    #[test]
    fn what_comes_from_outside_is_tried_every_few_seconds_and_told_elsewhere() {
        let (mut refused, mut now) = (Refused::default(), Timestamp::UNIX_EPOCH);
        for _ in 0..20 {
            refused.note(UNIT, None, now);
            assert!(refused.steps(now).is_empty());
            now += SignedDuration::from_secs(5);
            assert!(!refused.holds(UNIT, now));
        }
    }

    #[test]
    fn what_nothing_asks_for_any_more_is_not_told_for_ever() {
        let (mut refused, now) = (Refused::default(), Timestamp::UNIX_EPOCH);
        refused.note(UNIT, database_says(), now);
        refused.note(UNIT, database_says(), now);
        assert_eq!(refused.steps(now).len(), 1);
        assert!(refused.steps(now + SignedDuration::from_hours(1)).is_empty());
        refused.note(Unit::Intake, None, now + SignedDuration::from_hours(1));
        assert_eq!(refused.times().count(), 1);
    }
}
