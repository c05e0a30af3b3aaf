//! Backfill: counted first, taken in slowly, stopped when told.

use halobridge::{
    domain::{
        backfill::{BackfillState, Forecast, HowEnded},
        ids::{RunId, WorkspaceId},
    },
    service::{
        backfills::{self, Asked},
        configuration,
        error::ServiceError,
    },
    twin::options::Product,
};
use jiff::{SignedDuration, tz::TimeZone};
use serde_json::json;

use super::bridge::*;

/// The workspace starts an hour after the first incidents were raised.
fn late_start(product: Product) -> Setup {
    Setup { since_secs: 3_600, workspaces: 1, ..Setup::new(product) }
}

const ALL: Asked<'static> = Asked { from: "2026-03-01", to: "", cap: "500", per_hour: "60", closed: false };

impl Bridge {
    async fn ask(&self, asked: Asked<'_>) -> Result<(), ServiceError> {
        let (app, caller) = self.console();
        let asked = backfills::ask(&app, &caller, self.backfilled().await, asked, &TimeZone::UTC).await;
        self.run().await;
        asked
    }

    async fn backfilled(&self) -> WorkspaceId {
        self.workspace(0).await.id
    }

    /// The one that the page shows.
    async fn shown(&self) -> Option<RunId> {
        self.store.backfill(self.backfilled().await).await.unwrap().map(|backfill| backfill.id)
    }

    /// A backfill of so many incidents has begun; they were raised ten seconds apart, before the workspace's start.
    async fn begin_backfill(&self, incidents: usize, asked: Asked<'_>) {
        for _ in 0..incidents {
            self.raise(json!({}));
            self.advance(10).await;
        }
        self.pass(3_700).await;
        self.ask(asked).await.unwrap();
        self.start_backfill().await.unwrap();
    }

    /// The whole backfill was done; how many incidents it looked at, and how many tickets it made.
    async fn done(&self) -> (u32, u32) {
        match self.backfill().await {
            BackfillState::Ended { how: HowEnded::Done, progress: Some(progress), .. } => {
                (progress.looked, progress.tickets)
            }
            other => panic!("{other:?}"),
        }
    }

    async fn start_backfill(&self) -> Result<(), ServiceError> {
        let (app, caller) = self.console();
        backfills::start_shown(&app, &caller, self.backfilled().await, self.shown().await).await
    }

    async fn stop_backfill(&self) -> Result<(), ServiceError> {
        let (app, caller) = self.console();
        backfills::stop_shown(&app, &caller, self.backfilled().await, self.shown().await).await
    }

    async fn backfill(&self) -> BackfillState {
        self.store.backfill(self.backfilled().await).await.unwrap().expect("one was asked for").state
    }

    /// Why it stands still, as the page says.
    async fn backfill_waits(&self) -> Option<String> {
        let (app, caller) = self.console();
        backfills::view(&app, &caller).await.unwrap().rows.remove(0).waits
    }

    /// How often a page of one client's tickets was asked for.
    fn pages_of_a_client(&self) -> usize {
        self.twin.with(|world, _| {
            let listed = world.calls.iter().filter(|call| call.kind == "halo.tickets.list");
            listed.filter(|call| call.query.iter().any(|(name, _)| name == "client_id")).count()
        })
    }

    async fn forecast(&self) -> Forecast {
        match self.backfill().await {
            BackfillState::Forecast { forecast } => forecast,
            other => panic!("{other:?}"),
        }
    }
}

both! {
    async fn old_incidents_are_counted_first_and_then_taken_in_at_their_pace(product) {
        let bridge = Bridge::with(late_start(product)).await;
        let mut old = Vec::new();
        for n in 0..6 {
            old.push(bridge.raise(json!({ "title": format!("Old {n}") })));
            bridge.advance(60).await;
        }
        bridge.comment(&old[0], "known since the winter");
        let closed = bridge.raise(json!({}));
        bridge.close_incident(&closed, json!({ "classification": "Undetermined" }));
        bridge.pass(3_600).await;
        let young = bridge.raise(json!({}));
        bridge.cross().await;
        assert!(bridge.pair_of(&young).await.is_some());
        assert_eq!(bridge.reason_of(&old[0]).await.unwrap_or("older-than-start"), "older-than-start");
        assert_eq!(bridge.tickets().len(), 1);
        // Typed nonsense is told, and asks for nothing.
        for wrong in [
            Asked { from: "yesterday", ..ALL },
            Asked { from: "2026-03-05", ..ALL },
            Asked { cap: "0", ..ALL },
            Asked { per_hour: "many", ..ALL },
        ] {
            assert!(matches!(bridge.ask(wrong).await, Err(ServiceError::Invalid(_))), "{wrong:?}");
        }
        bridge.ask(ALL).await.unwrap();
        let forecast = bridge.forecast().await;
        assert_eq!((forecast.incidents, forecast.tickets, forecast.closed), (7, 6, 1), "{forecast:?}");
        assert_eq!(forecast.secs, 360);
        bridge.pass(1_200).await;
        assert_eq!(bridge.tickets().len(), 1, "nothing is taken in before a person starts it");
        bridge.start_backfill().await.unwrap();
        assert!(matches!(bridge.start_backfill().await, Err(ServiceError::Conflict)), "it has begun");
        bridge.pass(130).await;
        let taken = bridge.tickets().len();
        assert!((2..=4).contains(&taken), "a ticket a minute: {taken}");
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), 7);
        assert_eq!(bridge.done().await, (7, 6));
        let ticket = bridge.ticket_of(&old[0]).await;
        assert!(bridge.notes_of(ticket).iter().any(|note| words(note).contains("known since the winter")));
        assert!(bridge.pair_of(&closed).await.is_none(), "closed ones are left out");
        // With them: only the closed one is left, and its ticket is closed too.
        bridge.ask(Asked { closed: true, ..ALL }).await.unwrap();
        assert_eq!((bridge.forecast().await.linked, bridge.forecast().await.tickets), (6, 1));
        bridge.start_backfill().await.unwrap();
        bridge.pass(300).await;
        let ticket = bridge.ticket_of(&closed).await;
        assert_eq!(bridge.ticket(ticket)["hasbeenclosed"], true, "{}", bridge.ticket(ticket));
        bridge.finish().await;
    }

    async fn the_storm_brake_and_a_backfill_do_not_count_each_other(product) {
        let setup = Setup { policy: "tickets_per_hour = 2".into(), ..late_start(product) };
        let bridge = Bridge::with(setup).await;
        for _ in 0..4 {
            bridge.raise(json!({}));
        }
        bridge.pass(3_700).await;
        bridge.ask(Asked { per_hour: "3600", ..ALL }).await.unwrap();
        bridge.start_backfill().await.unwrap();
        bridge.pass(120).await;
        assert_eq!(bridge.tickets().len(), 4, "the brake holds no backfill");
        for _ in 0..2 {
            bridge.raise(json!({}));
        }
        bridge.cross().await;
        assert_eq!(bridge.tickets().len(), 6, "nor do old incidents count for it");
        let third = bridge.raise(json!({}));
        bridge.cross().await;
        assert_eq!(bridge.reason_of(&third).await, Some("storm-held"));
        bridge.finish().await;
    }

    async fn a_backfill_outlives_a_restart_and_stops_when_told(product) {
        let mut bridge = Bridge::with(late_start(product)).await;
        bridge.begin_backfill(8, ALL).await;
        bridge.pass(130).await;
        let before = bridge.tickets().len();
        bridge.restart().await;
        bridge.pass(120).await;
        let after = bridge.tickets().len();
        assert!(before > 0 && after > before && after < 8, "{before}, then {after}");
        assert!(matches!(bridge.ask(ALL).await, Err(ServiceError::Conflict)), "one is under way");
        bridge.stop_backfill().await.unwrap();
        bridge.pass(1_200).await;
        assert_eq!(bridge.tickets().len(), after, "stopped");
        assert!(matches!(bridge.backfill().await, BackfillState::Ended { how: HowEnded::Stopped, .. }));
        assert!(matches!(bridge.stop_backfill().await, Err(ServiceError::Conflict)));
        // What is left can be asked for again, up to a cap.
        bridge.ask(Asked { cap: "1", per_hour: "3600", ..ALL }).await.unwrap();
        assert_eq!(bridge.forecast().await.tickets, 1);
        bridge.start_backfill().await.unwrap();
        bridge.pass(300).await;
        assert_eq!(bridge.tickets().len(), after + 1);
        assert!(matches!(bridge.backfill().await, BackfillState::Ended { how: HowEnded::Cap, .. }));
        bridge.finish().await;
    }

    /// A colleague asks for another range while the first one's forecast is looked at.
    async fn a_forecast_that_was_not_shown_is_neither_started_nor_discarded(product) {
        let bridge = Bridge::with(late_start(product)).await;
        bridge.raise(json!({}));
        bridge.pass(3_700).await;
        let (app, caller) = bridge.console();
        let workspace = bridge.backfilled().await;
        let mut shown = Vec::new();
        for cap in ["5", "500"] {
            bridge.ask(Asked { cap, ..ALL }).await.unwrap();
            assert_eq!(bridge.forecast().await.tickets, 1);
            shown.push(bridge.store.backfill(workspace).await.unwrap().unwrap().id);
            bridge.pass(60).await;
        }
        assert_ne!(shown[0], shown[1]);
        for other in [Some(shown[0]), None] {
            assert_eq!(backfills::start_shown(&app, &caller, workspace, other).await, Err(ServiceError::Conflict));
            assert_eq!(backfills::stop_shown(&app, &caller, workspace, other).await, Err(ServiceError::Conflict));
        }
        assert!(matches!(bridge.backfill().await, BackfillState::Forecast { .. }), "it stands as it was");
        backfills::start_shown(&app, &caller, workspace, Some(shown[1])).await.unwrap();
        let late = backfills::stop_shown(&app, &caller, workspace, Some(shown[0])).await;
        assert_eq!(late, Err(ServiceError::Conflict), "the other one's Discard stops nothing");
        assert!(matches!(bridge.backfill().await, BackfillState::Running { .. }));
        backfills::stop_shown(&app, &caller, workspace, Some(shown[1])).await.unwrap();
        bridge.finish().await;
    }
}

both! {
    /// The first ticket that Halo refuses shows that the client has a wrong id; the incidents are older than the start.
    /// Held for its entities it would be judged by the next poll, which the workspace's start binds.
    async fn what_a_backfill_lets_through_waits_for_no_entities(product) {
        let policy = "group = { by = [\"main-entity\"], hours = 24, most = 3 }".into();
        let bridge = Bridge::with(Setup { policy, ..late_start(product) }).await;
        bridge.switch("evidence_delay_s", "7200");
        bridge.pass(3_500).await;
        let young = bridge.raise(json!({ "story": 0 }));
        bridge.pass(120).await;
        bridge.ask(ALL).await.unwrap();
        bridge.start_backfill().await.unwrap();
        bridge.pass(1_200).await;
        bridge.ticket_of(&young).await;
        bridge.finish().await;
    }

    async fn what_a_backfill_let_through_gets_its_ticket_where_its_client_belongs(product) {
        let bridge = Bridge::with(late_start(product)).await;
        let mut old = Vec::new();
        for _ in 0..3 {
            old.push(bridge.raise(json!({})));
            bridge.advance(10).await;
        }
        bridge.pass(3_700).await;
        let right = configuration::export(&bridge.store).await.unwrap();
        let mut wrong = right.clone();
        for client in &mut wrong.clients {
            client.halo.as_mut().unwrap().halo_client_id = 9_999;
        }
        bridge.take(&wrong).await;
        bridge.ask(ALL).await.unwrap();
        bridge.start_backfill().await.unwrap();
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), 0);
        let before = bridge.pair_of(&old[0]).await.expect("the backfill came to it").reference;
        bridge.take(&right).await;
        bridge.pass(600).await;
        assert_eq!(bridge.tickets().len(), 3);
        for incident in &old {
            bridge.ticket_of(incident).await;
        }
        assert_eq!(bridge.pair_of(&old[0]).await.unwrap().reference, before);
        let how = bridge.backfill().await;
        assert!(matches!(how, BackfillState::Ended { how: HowEnded::Done, .. }), "{how:?}");
        bridge.finish().await;
    }
}

/// A backfill of ten has begun, and something keeps every ticket from being made for a while: whom it had not come to yet
/// gets a ticket afterwards, and the page says meanwhile why it stands still.
async fn stands_still_and_goes_on(bridge: &mut Bridge, stop: impl Fn(&mut Bridge), go_on: impl Fn(&mut Bridge)) {
    bridge.begin_backfill(10, ALL).await;
    bridge.pass(70).await;
    let before = bridge.tickets().len();
    assert!((1..=4).contains(&before), "{before}");
    stop(bridge);
    bridge.apply().await;
    bridge.run().await;
    let listed = bridge.calls("sentinel.incident.list");
    bridge.pass(180).await;
    assert_eq!(bridge.tickets().len(), before);
    if bridge.setup.mode == "off" {
        assert_eq!(bridge.calls("sentinel.incident.list"), listed, "off reads nothing");
    }
    match bridge.backfill().await {
        BackfillState::Running { progress, .. } => {
            assert_eq!(progress.looked, u32::try_from(before).unwrap(), "nobody was passed over");
        }
        other => panic!("{other:?}"),
    }
    let why = bridge.backfill_waits().await;
    assert!(why.is_some_and(|why| !why.is_empty()), "it says why");
    go_on(bridge);
    bridge.apply().await;
    bridge.pass(3_600).await;
    assert_eq!(bridge.tickets().len(), 10);
    assert_eq!(bridge.done().await, (10, 10));
    assert_eq!(bridge.backfill_waits().await, None);
}

both! {
    async fn a_backfill_waits_while_its_workspace_makes_no_tickets(product) {
        for mode in ["observe", "comment-only", "off"] {
            let mut bridge = Bridge::with(late_start(product)).await;
            let to = |mode: &'static str| move |bridge: &mut Bridge| bridge.setup.mode = mode;
            stands_still_and_goes_on(&mut bridge, to(mode), to("two-way")).await;
            bridge.finish().await;
        }
    }

    /// What it could not do in the days for which it stood still it does not do at once.
    async fn a_backfill_that_stood_still_goes_on_at_its_pace(product) {
        let mut bridge = Bridge::with(late_start(product)).await;
        bridge.begin_backfill(12, Asked { per_hour: "5", ..ALL }).await;
        bridge.pass(70).await;
        let before = bridge.tickets().len();
        assert_eq!(before, 1);
        bridge.setup.mode = "observe";
        bridge.apply().await;
        bridge.pass_by(86_400, 300).await;
        bridge.restart().await;
        bridge.pass_by(86_400, 300).await;
        bridge.setup.mode = "two-way";
        bridge.apply().await;
        bridge.pass_by(3_600, 60).await;
        let after = bridge.tickets().len();
        assert!((before + 3..=before + 6).contains(&after), "{after} tickets");
        bridge.pass_by(3 * 3_600, 60).await;
        assert_eq!(bridge.tickets().len(), 12);
        bridge.finish().await;
    }

    async fn a_backfill_waits_while_halo_has_no_ticket_type_of_that_name(product) {
        let mut bridge = Bridge::with(late_start(product)).await;
        // Whatever is applied has the look-ups read anew.
        let rename = |bridge: &mut Bridge| {
            bridge.setup.settle_secs += 1;
            bridge.mutate(|request, body| {
                if request.uri().path().to_lowercase().ends_with("/tickettype") {
                    let renamed = body.to_string().replace("Security Incident", "Security Matter");
                    *body = serde_json::from_str(&renamed).unwrap();
                }
            });
        };
        let name_back = |bridge: &mut Bridge| {
            bridge.setup.settle_secs += 1;
            bridge.mutate_no_more();
        };
        stands_still_and_goes_on(&mut bridge, rename, name_back).await;
        bridge.finish().await;
    }
}

both! {
    /// They are found while something of them can't be read just now; no webhook names them afterwards.
    async fn what_a_backfill_finds_a_ticket_for_is_linked_once_both_can_be_read(product) {
        let bridge = Bridge::with(Setup { policy: "adopt = true".into(), ..late_start(product) }).await;
        let mut old = Vec::new();
        for _ in 0..3 {
            let incident = bridge.raise(json!({}));
            let ticket = bridge.native(0, &incident);
            old.push((incident, ticket));
            bridge.advance(10).await;
        }
        bridge.pass(3_700).await;
        bridge.ask(Asked { per_hour: "3600", ..ALL }).await.unwrap();
        assert_eq!(bridge.forecast().await.tickets, 3);
        bridge.fault(json!({ "effect": "status", "status": 503, "kind": "halo.actions.list" }));
        bridge.start_backfill().await.unwrap();
        bridge.pass(30).await;
        let mut asked = 0;
        for (incident, _) in &old {
            asked += usize::from(bridge.reason_of(incident).await == Some("link-asked"));
        }
        assert_eq!(asked, 1, "the others wait for what the first one waits for");
        bridge.pass(90).await;
        bridge.heal();
        bridge.pass(3_600).await;
        for (incident, ticket) in &old {
            assert_eq!(bridge.ticket_of(incident).await, *ticket);
        }
        assert_eq!(bridge.tickets().len(), 3, "none was made");
        let how = bridge.backfill().await;
        assert!(matches!(how, BackfillState::Ended { how: HowEnded::Done, .. }), "{how:?}");
        bridge.finish().await;
    }
}

/// A small budget has no room for the whole list at once, nor for reading each ticket of it: both go on where they stopped.
#[tokio::test]
async fn a_backfill_that_adopts_ends_however_many_tickets_there_are() {
    const OTHERS: usize = 3_000;
    let policy = "adopt = true".into();
    let bridge = Bridge::with(Setup { policy, ..late_start(Product::Itsm) }).await;
    let old = bridge.raise(json!({}));
    let ticket = bridge.native(0, &old);
    for _ in 0..OTHERS {
        bridge.clock.advance(SignedDuration::from_secs(1));
        bridge.native_of_none();
    }
    bridge.pass(1_200).await;
    bridge.ask(Asked { per_hour: "3600", ..ALL }).await.unwrap();
    assert_eq!(bridge.forecast().await.tickets, 1);
    let (_, budget) = bridge.engine.registry().halo_budgets().remove(0);
    budget.allow_halo(100);
    let read = bridge.calls("halo.tickets.get");
    bridge.start_backfill().await.unwrap();
    bridge.pass(3_600).await;
    // Each page is read twice: what slipped to it while the next one was read would be left out.
    let (listed, pages) = (bridge.pages_of_a_client(), OTHERS / 100);
    assert!((pages..pages * 2 + 20).contains(&listed), "{listed} calls for {pages} pages");
    assert!(bridge.calls("halo.tickets.get") > read, "by now tickets are read");
    assert!(matches!(bridge.backfill().await, BackfillState::Running { .. }));
    budget.allow_halo(5_000);
    bridge.pass_by(1_200, 15).await;
    let how = bridge.backfill().await;
    assert!(matches!(how, BackfillState::Ended { how: HowEnded::Done, .. }), "{how:?}");
    assert_eq!(bridge.ticket_of(&old).await, ticket);
    assert_eq!(bridge.tickets().len(), OTHERS + 1, "none was made");
    let (listed, read) = (bridge.pages_of_a_client(), bridge.calls("halo.tickets.get") - read);
    assert!(listed < pages * 2 + 40, "{listed} calls for {pages} pages and what changed meanwhile");
    assert!(read < u64::try_from(OTHERS).unwrap() + 50, "{read} tickets were read");
    bridge.finish().await;
}

/// Where pages have to be small, a range has many of them; and what reading them comes to is not lost between two tries.
#[tokio::test]
async fn a_range_of_many_small_pages_is_counted_whole() {
    const INCIDENTS: u32 = 2_300;
    let switches = vec![("incident_page_max", "12")];
    let bridge = Bridge::with(Setup { switches, ..late_start(Product::Itsm) }).await;
    for _ in 0..INCIDENTS {
        bridge.clock.advance(SignedDuration::from_secs(1));
        bridge.raise(json!({}));
    }
    bridge.pass_by(1_800, 300).await;
    let before = bridge.calls("sentinel.incident.list");
    bridge.ask(Asked { cap: "2", ..ALL }).await.unwrap();
    bridge.pass(300).await;
    let forecast = bridge.forecast().await;
    assert_eq!((forecast.incidents, forecast.tickets), (INCIDENTS, 2), "{forecast:?}");
    // Each page begins with the last row of the one before it.
    let pages = u64::from(INCIDENTS / 11);
    let asked = bridge.calls("sentinel.incident.list") - before;
    assert!(asked < pages + 60, "{asked} calls for {pages} pages");
    bridge.finish().await;
}
