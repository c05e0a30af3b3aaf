//! A copy of the whole machine writes to the same pairs: whoever meets the other's writes stops writing, for good, until a
//! person says which of the two goes on.

use std::sync::Arc;

use halobridge::{
    clock::Clock as _,
    domain::{
        account::Scope,
        operation::{Operation, OperationState},
        second_writer::SecondWrite,
    },
    engine::{Engine, Unit},
    service::{caller::Caller, links, pulse},
    store::Store,
    twin::options::Product,
};
use serde_json::json;

use super::{bridge::*, person::operator};

const UNITS_MAX: usize = 200_000;
/// Longer than clocks may be apart.
const A_WHILE: i64 = 2 * 3_600;

async fn work(engine: &Engine) {
    let ran = engine.run_until_idle(UNITS_MAX).await.unwrap();
    assert!(ran < UNITS_MAX, "the engine never comes to rest");
}

/// Both work, the original first at each moment.
async fn both_work(bridge: &Bridge, copy: &Engine, secs: i64) {
    for _ in 0..secs / 30 {
        bridge.advance(30).await;
        work(copy).await;
    }
}

/// Of the two workspaces one alone can be reached: a part of the other one's addresses.
fn only(bridge: &Bridge, place: usize) -> Option<&'static str> {
    let other = bridge.workspace_name(1 - place).to_lowercase();
    let part: &'static str = Box::leak(format!("/{other}/").into_boxed_str());
    Some(part)
}

/// A bridge whose comments name their tickets, and a copy of its machine, when both have been at work for long.
async fn copied(product: Product) -> (Bridge, (Store, Arc<Engine>)) {
    let bridge = Bridge::with(Setup { link_comment: true, ..Setup::new(product) }).await;
    bridge.raise(json!({}));
    bridge.cross().await;
    bridge.pass_by(A_WHILE, 600).await;
    let (store, copy) = bridge.copy().await;
    work(&copy).await;
    (bridge, (store, copy))
}

/// The first pair whose queue is to be carried out; what comes before it is run.
async fn pair_due(bridge: &Bridge) -> Unit {
    for _ in 0..60 {
        bridge.clock.advance(jiff::SignedDuration::from_secs(10));
        loop {
            let units = bridge.engine.due(usize::MAX).await.unwrap();
            let found = units.iter().copied().find(|unit| matches!(unit, Unit::Pair(_)));
            for unit in units.iter().copied().filter(|unit| Some(*unit) != found) {
                bridge.engine.run(unit).await;
            }
            if let Some(found) = found {
                return found;
            }
            if units.is_empty() {
                break;
            }
        }
    }
    panic!("no pair came up")
}

/// A person ends the copy and says that the original goes on.
async fn confirmed(bridge: &mut Bridge) {
    bridge.store.forgot_until(bridge.clock.now()).await.unwrap();
    assert_eq!(bridge.store.second_writer().await.unwrap(), None);
    bridge.restart().await;
    assert!(!bridge.engine.only_reads());
}

both! {
    /// Each of the two reads one of the incidents first, and tells what was said there.
    async fn both_notice_what_the_other_wrote_and_stop_until_a_person_confirms(product) {
        let mut bridge = Bridge::with(Setup { notes: "all", ..Setup::new(product) }).await;
        let incidents = [0, 1].map(|place| bridge.raise_in(place, json!({})));
        bridge.cross().await;
        let tickets = [bridge.ticket_of(&incidents[0]).await, bridge.ticket_of(&incidents[1]).await];
        bridge.pass_by(A_WHILE, 600).await;
        let (store, copy) = bridge.copy().await;
        work(&copy).await;
        let before = bridge.writes();
        both_work(&bridge, &copy, 600).await;
        assert_eq!(bridge.writes(), before, "two that have nothing to do write nothing");
        assert!(!bridge.engine.only_reads() && !copy.only_reads(), "and see nothing of each other");

        for (incident, place) in incidents.iter().zip(["first", "second"]) {
            bridge.comment(incident, &format!("said in the {place}"));
        }
        bridge.away(only(&bridge, 0));
        bridge.advance(120).await;
        bridge.away(only(&bridge, 1));
        work(&copy).await;
        let told = |bridge: &Bridge| {
            (bridge.notes_with(tickets[0], "said in the first"), bridge.notes_with(tickets[1], "said in the second"))
        };
        assert_eq!(told(&bridge), (1, 1), "the original told the first, the copy the second");
        bridge.away(None);
        both_work(&bridge, &copy, 1_200).await;
        assert_eq!(told(&bridge), (1, 1), "neither is told twice");
        for (engine, ticket) in [(&bridge.engine, tickets[1]), (&copy, tickets[0])] {
            let found = engine.second_writer().expect("it has noticed the other one");
            let SecondWrite::Note { action } = found.wrote else { panic!("{found:?}") };
            assert_eq!(action.ticket.0, ticket, "{found:?}");
            assert!(engine.only_reads());
        }
        assert_eq!(store.second_writer().await.unwrap(), copy.second_writer());

        // Neither writes any more, nor does the next process over the same database.
        let quiet = bridge.writes();
        bridge.comment(&incidents[0], "said while both wait");
        both_work(&bridge, &copy, 600).await;
        bridge.restart().await;
        assert!(bridge.engine.only_reads(), "it outlives the process");
        both_work(&bridge, &copy, 600).await;
        assert_eq!(bridge.writes(), quiet);

        // The console says so, and what was found only to those who may see that client.
        let (app, all) = bridge.console();
        let wrote = async |caller: &Caller| pulse::pulse(&app, caller).await.unwrap().second_writer.unwrap().wrote;
        let (said, _) = wrote(&all).await.expect("who sees everything is told what it wrote");
        assert!(said.contains(&format!("Halo ticket {}", tickets[1])), "{said}");
        let nobodys = Caller { scope: Scope::Clients(Vec::new()), ..bridge.console().1 };
        assert_eq!(wrote(&nobodys).await, None);

        drop((copy, store));
        confirmed(&mut bridge).await;
        bridge.pass(1_200).await;
        assert_eq!(bridge.notes_with(tickets[0], "said while both wait"), 1);
        assert_eq!(told(&bridge), (1, 1));
        bridge.pass_by(A_WHILE, 600).await;
        assert!(!bridge.engine.only_reads(), "what the other one wrote before that is known for good");
        bridge.finish().await;
    }

    /// Comments cannot be read or written for a while, so that each of the two makes a ticket for the same incident.
    async fn a_ticket_that_both_made_is_the_only_double(product) {
        let (mut bridge, (_store, copy)) = copied(product).await;
        let tickets = bridge.tickets().len();
        bridge.away(Some("/comments"));
        let incident = bridge.raise(json!({}));
        both_work(&bridge, &copy, 60).await;
        assert_eq!(bridge.tickets().len(), tickets + 2, "nothing tells them apart yet");
        bridge.away(None);
        both_work(&bridge, &copy, 1_200).await;
        let ticket = bridge.ticket_of(&incident).await;
        for engine in [&bridge.engine, &copy] {
            let found = engine.second_writer().expect("it has noticed the other one");
            assert!(matches!(found.wrote, SecondWrite::Comment { ticket } if Some(ticket) != found.ticket), "{found:?}");
        }
        // What comes now waits: no third ticket, and no second one for the next incident.
        let next = bridge.raise(json!({}));
        both_work(&bridge, &copy, 600).await;
        assert_eq!(bridge.tickets().len(), tickets + 2);

        drop(copy);
        confirmed(&mut bridge).await;
        bridge.pass(1_200).await;
        assert_eq!(bridge.tickets().len(), tickets + 3, "the next incident has its ticket");
        assert_ne!(bridge.ticket_of(&next).await, ticket);
        bridge.comment(&incident, "said after that");
        bridge.pass(600).await;
        assert_eq!(bridge.notes_with(ticket, "said after that"), 1, "it goes on with the ticket that it had");
        bridge.finish_with(1).await;
    }

    async fn an_incident_whose_ticket_a_second_process_has_just_made_gets_no_second_one(product) {
        let (mut bridge, (_store, copy)) = copied(product).await;
        let tickets = bridge.tickets().len();
        let incident = bridge.raise(json!({}));
        bridge.clock.advance(jiff::SignedDuration::from_secs(120));
        work(&copy).await;
        assert_eq!(bridge.tickets().len(), tickets + 1);
        bridge.pass(600).await;
        assert!(bridge.engine.only_reads());
        assert_eq!(bridge.tickets().len(), tickets + 1, "it knew before it made one");
        drop(copy);
        confirmed(&mut bridge).await;
        bridge.pass(1_200).await;
        assert_eq!(bridge.tickets().len(), tickets + 1, "and it takes that one for its own");
        bridge.ticket_of(&incident).await;
        bridge.finish().await;
    }

    /// It is asked once more after the record was read that is to be changed.
    async fn what_has_not_left_when_a_second_writer_is_noticed_stays_here(product) {
        for closing in [false, true] {
            let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
            if closing {
                bridge.close_ticket_as(ticket, 3);
            } else {
                bridge.comment(&incident, "said in Sentinel");
            }
            let closed = |bridge: &Bridge| bridge.incident(&incident)["properties"]["status"] == "Closed";
            let done = |bridge: &Bridge| {
                if closing { closed(bridge) } else { bridge.notes_with(ticket, "said in Sentinel") == 1 }
            };
            let pair = pair_due(&bridge).await;
            let engine = bridge.engine.clone();
            bridge.mutate(move |request, _| {
                if request.method() == http::Method::GET {
                    engine.only_read();
                }
            });
            bridge.engine.run(pair).await;
            bridge.mutate_no_more();
            assert!(bridge.engine.only_reads() && !done(&bridge), "{closing}");
            let waits = bridge.situation_of(&incident).await.operations;
            let planned = |one: &Operation| matches!(one.state, OperationState::Planned { .. }) && one.attempts == 0;
            assert!(!waits.is_empty() && waits.iter().all(planned), "{closing}: {waits:?}");
            bridge.restart().await;
            bridge.pass(300).await;
            assert!(done(&bridge), "{closing}: it goes on where it stopped");
            bridge.finish().await;
        }
    }

    /// Of two tickets one is being made, and the other one waits for its turn.
    async fn what_is_on_its_way_when_a_second_writer_is_noticed_is_let_end_and_no_more(product) {
        let mut bridge = Bridge::new(product).await;
        bridge.raise(json!({}));
        bridge.raise(json!({}));
        bridge.clock.advance(jiff::SignedDuration::from_secs(31));
        let engine = bridge.engine.clone();
        bridge.mutate(move |request, _| {
            if request.method() == http::Method::POST && request.uri().path().ends_with("/Tickets") {
                engine.only_read();
            }
        });
        bridge.run_side_by_side().await;
        bridge.mutate_no_more();
        assert_eq!(bridge.tickets().len(), 1);
        bridge.restart().await;
        bridge.pass(300).await;
        assert_eq!(bridge.tickets().len(), 2);
        bridge.finish().await;
    }

    /// The database of this morning is put in the place of today's by hand: nothing marks it.
    async fn a_database_that_was_put_back_by_hand_notices_what_it_has_forgotten(product) {
        let (mut bridge, incident, ticket) = Bridge::linked(Setup::new(product)).await;
        bridge.pass_by(A_WHILE, 600).await;
        let backup = bridge.store.snapshot().await.unwrap();
        bridge.comment(&incident, "said once");
        bridge.cross().await;
        assert_eq!(bridge.notes_with(ticket, "said once"), 1);
        bridge.put_back(&backup).await;
        bridge.pass(600).await;
        assert!(bridge.engine.only_reads());
        confirmed(&mut bridge).await;
        bridge.pass(1_200).await;
        assert_eq!(bridge.notes_with(ticket, "said once"), 1);
        bridge.finish().await;
    }

    /// Lost answers and crashes leave nothing that would be taken for another's.
    async fn what_we_wrote_ourselves_is_nobody_elses(product) {
        let setup = Setup { notes: "all", settle_secs: 20, on_disk: true, ..Setup::new(product) };
        let (mut bridge, incident, ticket) = Bridge::linked(setup).await;
        bridge.pass_by(A_WHILE, 600).await;
        bridge.fault(json!({ "effect": "lost_answer", "kind": "halo.actions.post", "count": 2 }));
        bridge.comment(&incident, "said in Sentinel");
        bridge.note(ticket, "<p>said in Halo</p>", json!({}));
        bridge.pass(300).await;
        for after in [2, 4, 6, 8] {
            bridge.comment(&incident, &format!("said before crash {after}."));
            bridge.clock.advance(jiff::SignedDuration::from_secs(60));
            bridge.run_and_die(Hang { after, carried_out: true }).await;
            bridge.restart_cold().await;
            bridge.pass(300).await;
        }
        assert!(!bridge.engine.only_reads(), "{:?}", bridge.engine.second_writer());
        assert_eq!(bridge.notes_with(ticket, "said in Sentinel"), 1);
        for after in [2, 4, 6, 8] {
            assert_eq!(bridge.notes_with(ticket, &format!("said before crash {after}.")), 1);
        }
        bridge.finish().await;
    }

    /// Tickets that are merged, one that goes to another client and comes back, a pair that is taken apart and linked again.
    async fn what_people_move_about_is_nobody_elses(product) {
        let bridge = Bridge::with(Setup { notes: "all", link_comment: true, ..Setup::new(product) }).await;
        let incidents = [0, 0, 0, 0].map(|place| bridge.raise_in(place, json!({})));
        bridge.cross().await;
        bridge.pass_by(A_WHILE, 600).await;
        let mut tickets = Vec::new();
        for incident in &incidents {
            let ticket = bridge.ticket_of(incident).await;
            bridge.comment(incident, "said in Sentinel");
            bridge.note(ticket, "<p>said in Halo</p>", json!({}));
            tickets.push(ticket);
        }
        bridge.cross().await;
        let home = bridge.setup.product.first_client_id();
        let (app, olga) = operator(&bridge);
        let pair = bridge.pair_of(&incidents[3]).await.unwrap();
        bridge.act("ticket.merge", json!({ "from": tickets[0], "into": tickets[1], "agent": AGENT }));
        bridge.act("ticket.move", json!({ "ticket_id": tickets[2], "client": home + 1, "agent": AGENT }));
        links::unlink(&app, &olga, pair.id).await.unwrap();
        bridge.pass(300).await;
        bridge.act("ticket.move", json!({ "ticket_id": tickets[2], "client": home, "agent": AGENT }));
        let number = format!("#{}", tickets[3]);
        links::link(&app, &olga, pair.workspace, &pair.incident, &number).await.unwrap();
        for incident in &incidents[1..] {
            bridge.comment(incident, "said after that");
        }
        bridge.pass(1_200).await;
        assert!(!bridge.engine.only_reads(), "{:?}", bridge.engine.second_writer());
        for ticket in &tickets[1..] {
            assert_eq!(bridge.notes_with(*ticket, "said after that"), 1, "ticket {ticket}");
        }
        assert_eq!(bridge.notes_with(tickets[3], "said in Sentinel"), 1);
        bridge.finish().await;
    }
}
