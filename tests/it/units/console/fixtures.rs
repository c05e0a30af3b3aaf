//! One rich value of every view: what the pages are drawn from in tests and in the gallery.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use uuid::Uuid;

use halobridge::{
    console::{Density, PageContext, Person, Theme, hydration::AssetTags, page::Page},
    domain::{
        account::Role,
        approval::{Difference, WriteKind},
        backfill::*,
        connection::{HaloProduct, MicrosoftIdentity},
        decision::Decision,
        drift::{Drift, DriftClass, DriftRule},
        errand::{ErrandPair, PairAct, PairErrand, RowState},
        failure::{Failure, FailureKind, Side},
        ids::*,
        incident::{IncidentStatus, Severity},
        log_check::*,
        operation::OperationState,
        pair::{Base, Health, SyncState},
        pause::PauseScope,
        reason::Reason,
        run::{RunCause, RunScope},
        saved::SavedList,
        shadow::{Carriage, Compared, Crossed, Lapse, LapseKind},
        view::{
            account::*, accounts::*, approvals::*, backfill::*, connections::*, dashboard::*, disconnect::*, drift::*,
            entrance::*, failed::*, form::FormView, ledger::*, list::*, look_up::*, not_linked::*,
            operation::OperationView, pair::*, pair_errands::*, palette::*, pause::PauseView, permission::*,
            probe::Line, problems::*, pulse::*, rebuild::RebuildView, replay::*, runs::*, saved::*, shadow::*,
            tickets::*, tokens::*, unlinked::UnlinkedView, versions::*,
        },
        workspace::Mode,
    },
    service::help,
};

mod both_sides;
mod records;
pub mod set_up;
mod sources;

pub use both_sides::{pair, unlinked};
pub use records::{account, approvals, backfills, drifts, ledger, not_linked, shadow, versions, versions_with_file};
pub use sources::{connections, log_check, runs};

pub fn now() -> Timestamp {
    "2026-11-21T13:05:09Z".parse().unwrap()
}

pub fn ago(seconds: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_secs(seconds)).unwrap()
}

pub fn context(address: &str) -> PageContext {
    PageContext {
        person: Some(Person { name: "ada".into(), role: Role::Admin, everything: true }),
        address: address.into(),
        now: now(),
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        theme: Theme::System,
        density: Density::Compact,
        keys: true,
        flash: None,
        trouble: None,
        assets: AssetTags { sprite: Some("/pkg/icons.svg"), style: Some("/pkg/app.css"), ..AssetTags::default() },
        cursor: 4711,
        needs_you: Some(3),
        pulse: Some(Pulse { alive: true, last_look: Some(ago(12)), ..Pulse::default() }),
        views: None,
        version: "0.1.0".into(),
    }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0198_a3b0_0000_7000_8000_0000_0000_0000 + n)
}

const CLIENTS: [&str; 5] =
    ["Contoso Retail", "Fabrikam Logistics", "Northwind Traders", "Tailspin Toys", "Wide World Importers"];
const TITLES: [&str; 8] = [
    "Suspicious sign-in from an unfamiliar location",
    "Malware prevented on FIN-LT-0042",
    "Impossible travel activity involving one user",
    "Mass download from SharePoint by a leaving employee, more than two standard deviations above their usual volume",
    "Multiple failed sign-ins followed by success",
    "Rare application consent",
    "<script>alert('title')</script> & \"quotes\"",
    "TI map IP entity to Azure activity",
];

pub fn pair_rows(count: usize) -> Vec<PairRow> {
    (0..count)
        .map(|n| {
            let severities = [Severity::High, Severity::Medium, Severity::Low, Severity::Informational];
            let (sync, health, reason) = match n % 9 {
                2 => (SyncState::Behind, Health::Waiting, Some(Reason::CommentAdded)),
                4 => (
                    SyncState::Behind,
                    Health::NeedsYou,
                    Some(Reason::Unmapped { table: "priority".into(), value: "Informational".into() }),
                ),
                6 => (SyncState::Unknown, Health::Waiting, Some(Reason::OutcomeUnknown)),
                _ => (SyncState::InStep, Health::Healthy, None),
            };
            PairRow {
                id: PairId(id(n as u128)),
                client: CLIENTS[n % 5].into(),
                client_id: ClientId(id(1000 + (n % 5) as u128)),
                workspace: format!("law-{}", CLIENTS[n % 5].split(' ').next().unwrap().to_lowercase()),
                incident: IncidentId::new(&id(9000 + n as u128).to_string()),
                number: Some(10_482 - n as i64),
                title: TITLES[n % 8].into(),
                severity: severities[n % 4].clone(),
                incident_status: if n % 5 == 3 { IncidentStatus::Closed } else { IncidentStatus::Active },
                ticket: (n % 9 != 4).then(|| OutsideLink {
                    label: format!("{}", 30_211 - n),
                    url: Some("https://halo.example/ticket?id=1".into()),
                }),
                shared: if n % 7 == 2 { 2 } else { 0 },
                ticket_status: (n % 9 != 4).then(|| if n % 5 == 3 { "Closed".into() } else { "In Progress".into() }),
                sync,
                health,
                paused: n == 39,
                further: if n == 4 { vec![conflict(), Reason::CommentsFull] } else { Vec::new() },
                reason,
                opened: ago(4_000 + 190 * (n * n) as i64),
                changed: ago(12 + 190 * (n * n) as i64),
                reference: format!("HB-{n:010}"),
            }
        })
        .collect()
}

fn clients() -> Vec<Choice> {
    CLIENTS
        .iter()
        .enumerate()
        .map(|(n, name)| Choice {
            value: ClientId(id(1000 + n as u128)).to_string(),
            label: (*name).into(),
            count: Some(40 + n as u64),
        })
        .collect()
}

fn workspaces() -> Vec<Choice> {
    CLIENTS
        .iter()
        .enumerate()
        .map(|(n, name)| Choice {
            value: WorkspaceId(id(2000 + n as u128)).to_string(),
            label: format!("law-{}", name.split(' ').next().unwrap().to_lowercase()),
            count: None,
        })
        .collect()
}

pub fn dashboard() -> DashboardView {
    DashboardView {
        secrets: Vec::new(),
        filter: PairFilter::default(),
        counts: PairCounts {
            storm_held: 2,
            in_step: 212,
            behind: 7,
            unknown: 1,
            healthy: 212,
            waiting: 5,
            needs_you: 3,
            not_linked: 18,
        },
        pauses: vec![pause(pause_of_client(), "Client Wide World Importers")],
        clients: clients(),
        workspaces: workspaces(),
        rows: Ok(Listed { rows: pair_rows(40), total: Some(220), page: 1, newer: None, older: Some("o.40".into()) }),
        entered: ErrandEntry::default(),
        refused: FormView::default(),
    }
}

pub fn unlinked_newer() -> PairId {
    PairId(id(6))
}

pub fn pause_of_client() -> PauseScope {
    PauseScope::Client { id: ClientId(id(1004)) }
}

pub fn pause(scope: PauseScope, what: &str) -> PauseView {
    PauseView {
        scope,
        what: what.into(),
        since: ago(5_400),
        who: Some("grace".into()),
        why: Some("Maintenance until noon.".into()),
        ends: "What waits is carried out in its order once somebody resumes it.".into(),
        may_resume: true,
        mend: None,
    }
}

pub fn dead() -> OperationView {
    OperationView {
        id: OperationId(id(5000)),
        pair: PairId(id(4)),
        words: "Create the ticket".into(),
        side: Side::Halo,
        reason: Reason::NewIncident,
        state: OperationState::Dead {
            at: ago(2_400),
            reason: Reason::Refused { why: "Halo refused the ticket: “Please select a valid Site.”".into() },
        },
        attempts: 3,
        failure: Some(Failure {
            status: Some(400),
            code: Some("invalid_site".into()),
            request_id: Some("8f1c2a".into()),
            ..Failure::new(
                Side::Halo,
                FailureKind::Rejected,
                "Halo refused the ticket: “Please select a valid Site.” Give the client a site in Halo, then try again.",
            )
        }),
        planned: ago(3_000),
        body: Some("{\n  \"summary\": \"#10478 Multiple failed sign-ins followed by success\",\n  \"client_id\": 14,\n  \"tickettype_id\": 31\n}".into()),
    }
}

fn conflict() -> Reason {
    Reason::Conflict { field: "status".into(), sentinel: "Active".into(), halo: "On Hold".into() }
}

pub fn problems() -> ProblemsView {
    let refused = Reason::Refused { why: "Halo refused the ticket: “Please select a valid Site.”".into() };
    let unmapped = Reason::Unmapped { table: "priority".into(), value: "Informational".into() };
    ProblemsView {
        pairs: 43,
        grouped: 20,
        groups: Ok(vec![
            ProblemGroup {
                reason: refused.clone(),
                total: 1,
                items: vec![ProblemItem {
                    pair: PairId(id(4)),
                    client: "Contoso Retail".into(),
                    incident: "#10478 Multiple failed sign-ins followed by success".into(),
                    ticket: None,
                    reason: refused,
                    since: ago(2_400),
                    operation: Some(dead()),
                }],
            },
            ProblemGroup {
                reason: unmapped.clone(),
                total: 42,
                items: (0..3)
                    .map(|n| ProblemItem {
                        pair: PairId(id(40 + n)),
                        client: CLIENTS[n as usize].into(),
                        incident: format!("#{} {}", 10_400 - n as i64, TITLES[n as usize]),
                        ticket: Some(OutsideLink { label: "30100".into(), url: None }),
                        reason: unmapped.clone(),
                        since: ago(86_000 * (n as i64 + 1)),
                        operation: None,
                    })
                    .collect(),
            },
        ]),
        storms: vec![StormView {
            workspace: WorkspaceId(id(2000)),
            name: "law-contoso".into(),
            client: "Contoso Retail".into(),
            held: 318,
            cap: Some(200),
        }],
        pauses: Vec::new(),
        connections: vec!["The sign-in “Contoso tenant” has ended: an admin must sign in with Microsoft again.".into()],
    }
}

/// One that lets pass, one that does not.
pub fn gates() -> Vec<GateRow> {
    let row = |name: &str, rule: &str, saw: &str, remedy: Option<&str>| GateRow {
        name: name.into(),
        rule: rule.into(),
        saw: saw.into(),
        passes: remedy.is_none(),
        remedy: remedy.map(Into::into),
    };
    vec![
        row("Workspace is on", "any mode but off", "two-way", None),
        row("Filter include.severity", "one of “High”", "“Low”", Some("Change the incident in Sentinel.")),
    ]
}

fn linking() -> LinkingView {
    let Ok(listed) = not_linked().rows else { panic!("rows") };
    let form = FormView::default()
        .with_value("ticket", "not <b>a number")
        .with_problem("ticket", "“Ticket number in Halo”: enter the number, for example 2215. Nothing was linked.");
    LinkingView { row: listed.rows[0].clone(), gates: gates(), form, next: "/incidents?reason=unlinked".into() }
}

fn disconnect() -> DisconnectView {
    let row = |n: u128, name: &str, pairs, waiting| DisconnectRow {
        id: WorkspaceId(Uuid::from_u128(n)),
        name: name.into(),
        client: "Contoso <b>".into(),
        client_id: ClientId(Uuid::from_u128(n)),
        pairs,
        waiting,
    };
    DisconnectView {
        id: ConnectionId(Uuid::from_u128(7)),
        name: "contoso <tenant>".into(),
        side: Side::Sentinel,
        sealed: true,
        workspaces: vec![row(1, "law-contoso", 1_412, 3), row(2, "law-lab", 0, 0)],
        form: FormView::default()
            .with_value("name", "contoso")
            .with_problem("name", "Enter the connection's name, contoso <tenant>, to confirm. Nothing was changed."),
    }
}

/// Every page with its address and a name for its file.
pub fn pages() -> Vec<(&'static str, PageContext, Page)> {
    let out = |address: &str| PageContext { person: None, needs_you: None, pulse: None, ..context(address) };
    let refused = FormView::default()
        .with_value("name", "ada <b>")
        .with_problem("name", "There is no account with this name and password. Check both, then try again.");
    let unsettled =
        OperationView { state: OperationState::Dead { at: ago(5), reason: Reason::OutcomeUnknown }, ..dead() };
    let mut nothing = dashboard();
    nothing.counts = PairCounts::default();
    nothing.rows = Ok(Listed::default());
    let mut fresh = nothing.clone();
    fresh.workspaces = Vec::new();
    let mut filtered = dashboard();
    filtered.filter =
        PairFilter { text: "no such thing".into(), sync: Some(SyncState::Behind), ..PairFilter::default() };
    filtered.rows = Ok(Listed::default());
    let mut broken = dashboard();
    broken.rows = Err(Trouble {
        what: "The list can't be read: the database is busy.".into(),
        remedy: "Reload in a moment. If it stays so, check the disk that holds the data directory.".into(),
        reference: Some("7c1f9a".into()),
    });
    let pulse = Pulse {
        alive: true,
        last_look: Some(ago(2_900)),
        late: vec![
            OldSource { name: "law-contoso".into(), read: Some(ago(7_400)), why: None, poll_secs: 900 },
            OldSource { name: "law-tailspin".into(), read: Some(ago(2_400)), why: None, poll_secs: 900 },
        ],
        broken: vec![OldSource {
            name: "MSP Halo".into(),
            read: None,
            why: Some("Halo refused the sign-in.".into()),
            poll_secs: 20,
        }],
        ..Pulse::default()
    };
    let late = PageContext { pulse: Some(pulse), ..context("/") };
    let title = "x".repeat(300);
    let second =
        Second { noticed: ago(60), wrote: Some((format!("Note 12 on Halo ticket 70 (incident #7 {title})"), ago(90))) };
    let doubled = Pulse { alive: true, only_reads: true, second_writer: Some(second), ..Pulse::default() };
    let doubled = PageContext { pulse: Some(doubled), ..context("/") };
    vec![
        ("set-up", out("/set-up"), Page::SetUp(SetUpView::default())),
        (
            "sign-in",
            out("/sign-in"),
            Page::SignIn(SignInView { form: FormView::default(), next: Some("/runs".into()) }),
        ),
        ("sign-in-refused", out("/sign-in"), Page::SignIn(SignInView { form: refused, next: None })),
        ("set-up-list", context("/set-up"), Page::Steps(Box::new(set_up::steps()))),
        ("set-up-microsoft", context("/set-up/microsoft"), set_up::microsoft()),
        ("set-up-microsoft-refused", context("/set-up/microsoft"), set_up::microsoft_refused()),
        ("set-up-sign-in", context("/set-up/sign-in"), set_up::sign_in()),
        ("set-up-clients", context("/set-up/clients"), set_up::clients()),
        ("set-up-clients-none", context("/set-up/clients"), set_up::clients_none()),
        ("set-up-check", context("/set-up/check"), set_up::check(false)),
        ("set-up-check-missing", context("/set-up/check"), set_up::check(true)),
        ("set-up-halo", context("/set-up/halo"), set_up::halo()),
        ("set-up-halo-tested", context("/set-up/halo"), set_up::halo_tested()),
        ("set-up-mapping", context("/set-up/mapping"), set_up::mapping()),
        ("set-up-mapping-client", context("/set-up/mapping"), set_up::mapping_of_client()),
        ("set-up-mapping-empty", context("/set-up/mapping"), set_up::mapping_without_halo()),
        ("set-up-import", context("/set-up/import"), set_up::import()),
        ("set-up-live", context("/set-up/go-live"), set_up::live()),
        ("consent", out("/connections/callback"), Page::Consent(ConsentView { given: true })),
        ("consent-refused", out("/connections/callback"), Page::Consent(ConsentView { given: false })),
        ("dashboard", context("/"), Page::Dashboard(Box::new(dashboard()))),
        ("dashboard-empty", context("/"), Page::Dashboard(Box::new(nothing))),
        ("dashboard-fresh", context("/"), Page::Dashboard(Box::new(fresh))),
        ("dashboard-filtered", context("/?q=no+such+thing&sync=behind"), Page::Dashboard(Box::new(filtered))),
        (
            "dashboard-refused",
            context("/?act=pause&why=Moving"),
            Page::Dashboard(Box::new(DashboardView {
                entered: ErrandEntry::new("pause", "ticked", "Moving"),
                refused: FormView::default().with_problem("which", "With: No incident is ticked. Nothing was done."),
                ..dashboard()
            })),
        ),
        ("dashboard-broken", late, Page::Dashboard(Box::new(broken))),
        ("dashboard-second-writer", doubled, Page::Dashboard(Box::new(dashboard()))),
        ("not-linked", context("/incidents"), Page::NotLinked(Box::new(not_linked()))),
        ("linking", context("/incidents/w/i/link"), Page::Linking(Box::new(linking()))),
        ("disconnect", context("/connections/c/disconnect"), Page::Disconnect(Box::new(disconnect()))),
        ("configuration-file-faults", context("/configuration"), Page::Versions(Box::new(versions_with_file(false)))),
        ("configuration-file", context("/configuration"), Page::Versions(Box::new(versions_with_file(true)))),
        ("help", context("/help/commands"), Page::Help(Box::new(help::view(Some("commands")).unwrap()))),
        ("tickets", context("/tickets?ticket=2215"), Page::Tickets(Box::new(tickets(false)))),
        ("tickets-linked", context("/tickets?ticket=2215"), Page::Tickets(Box::new(tickets(true)))),
        ("tickets-none", context("/tickets"), Page::Tickets(Box::default())),
        ("look-up", context("/look-up?incident=10478"), Page::LookUp(Box::new(looked_up(true)))),
        ("look-up-unmet", context("/look-up?incident=10478"), Page::LookUp(Box::new(looked_up(false)))),
        ("look-up-none", context("/look-up"), Page::LookUp(Box::default())),
        ("accounts", context("/accounts"), Page::Accounts(Box::new(people(false)))),
        ("accounts-one", context("/accounts/a"), Page::Accounts(Box::new(people(true)))),
        (
            "dashboard-views",
            PageContext { views: Some(saved_bar()), ..context("/?health=needs-you") },
            Page::Dashboard(Box::new(dashboard())),
        ),
        ("errand-plan", context("/errands/1"), Page::Errand(Box::new(pair_errand(None, None)))),
        ("errand-under-way", context("/errands/1"), Page::Errand(Box::new(pair_errand(Some(ago(60)), None)))),
        ("errand-ended", context("/errands/1"), Page::Errand(Box::new(pair_errand(Some(ago(60)), Some(ago(5)))))),
        (
            "errands",
            context("/errands"),
            Page::Errands(Box::new(PairErrandsView {
                rows: [pair_errand(None, None), pair_errand(Some(ago(60)), Some(ago(5)))]
                    .map(|view| (view.errand, view.counts))
                    .into(),
            })),
        ),
        ("errands-none", context("/errands"), Page::Errands(Box::default())),
        ("views", context("/views"), Page::Views(Box::new(saved_views()))),
        (
            "views-saving",
            context("/views"),
            Page::Views(Box::new(SavedViewsView {
                form: FormView::default().with_problem("name", "Enter a name for the view."),
                saving: Some((SavedList::Pairs, "health=needs-you&sort=client".into())),
                ..saved_views()
            })),
        ),
        (
            "views-changing",
            context("/views/1"),
            Page::Views(Box::new(SavedViewsView {
                form: FormView::default().with_value("name", "Mine").with_value("shared", "yes"),
                changing: Some(ViewId(id(7_101))),
                ..saved_views()
            })),
        ),
        ("views-none", context("/views"), Page::Views(Box::default())),
        ("tokens", context("/tokens"), Page::Tokens(Box::new(tokens()))),
        ("tokens-none", context("/tokens"), Page::Tokens(Box::default())),
        ("configuration", context("/configuration?version=1"), Page::Versions(Box::new(versions()))),
        ("approvals", context("/approvals"), Page::Approvals(Box::new(approvals()))),
        (
            "approvals-none",
            context("/approvals"),
            Page::Approvals(Box::new(ApprovalsView {
                policies: Vec::new(),
                rows: Vec::new(),
                pages: Listed::default(),
            })),
        ),
        ("drift", context("/drift"), Page::Drift(Box::new(drifts()))),
        (
            "drift-none",
            context("/drift"),
            Page::Drift(Box::new(DriftView { counts: Vec::new(), rows: Ok(Listed::default()), ..drifts() })),
        ),
        ("backfill", context("/backfill"), Page::Backfill(Box::new(backfills()))),
        (
            "backfill-none",
            context("/backfill"),
            Page::Backfill(Box::new(BackfillsView {
                workspaces: Vec::new(),
                form: FormView::default(),
                rows: Vec::new(),
            })),
        ),
        ("shadow", context("/shadow"), Page::Shadow(Box::new(shadow()))),
        (
            "shadow-none",
            context("/shadow"),
            Page::Shadow(Box::new(ShadowView {
                on: Vec::new(),
                counts: ShadowCounts::default(),
                rows: Ok(Listed::default()),
                ..shadow()
            })),
        ),
        ("pair", context(&format!("/pairs/{}", pair().id)), Page::Pair(Box::new(pair()))),
        (
            "pair-then",
            context(&format!("/pairs/{}?at=12", pair().id)),
            Page::Pair(Box::new(PairView { as_of: Some(ago(90_000)), choices: Vec::new(), ..pair() })),
        ),
        (
            "pair-removed",
            context(&format!("/pairs/{}", pair().id)),
            Page::Pair(Box::new(PairView { removed: true, gates: Vec::new(), choices: Vec::new(), ..pair() })),
        ),
        (
            "unlinked",
            context(&format!("/pairs/{}", pair().id)),
            Page::Unlinked(Box::new(unlinked(Some(unlinked_newer())))),
        ),
        (
            "unlinked-for-good",
            context(&format!("/pairs/{}", pair().id)),
            Page::Unlinked(Box::new(UnlinkedView { who: None, ticket: None, ..unlinked(None) })),
        ),
        ("problems", context("/problems"), Page::Problems(Box::new(problems()))),
        (
            "problems-none",
            context("/problems"),
            Page::Problems(Box::new(ProblemsView {
                pairs: 0,
                grouped: 0,
                groups: Ok(Vec::new()),
                storms: Vec::new(),
                pauses: Vec::new(),
                connections: Vec::new(),
            })),
        ),
        ("runs", context("/runs"), Page::Runs(Box::new(runs()))),
        ("connections", context("/connections"), Page::Connections(Box::new(connections()))),
        (
            "connections-none",
            context("/connections"),
            Page::Connections(Box::new(ConnectionsView {
                microsoft: Vec::new(),
                halo: Vec::new(),
                workspaces: Vec::new(),
                ..connections()
            })),
        ),
        ("ledger", context("/ledger"), Page::Ledger(Box::new(ledger()))),
        ("account", context("/account"), Page::Account(Box::new(account()))),
        (
            "drop",
            context("/operations/x/drop"),
            Page::Drop(Box::new(DropView { operation: unsettled, incident: "#10478 Multiple failed sign-ins".into() })),
        ),
        (
            "replay",
            context("/problems/replay?reason=refused"),
            Page::Replay(Box::new(ReplayView {
                items: vec![ReplayItem {
                    operation: dead(),
                    incident: "#10478 Multiple failed sign-ins".into(),
                    planned: vec![PlannedView {
                        words: "Create the ticket".into(),
                        side: Side::Halo,
                        reason: Reason::NewIncident,
                        body: Some("{}".into()),
                    }],
                    remark: None,
                }],
                total: 3,
                back: "/problems".into(),
                unticked: false,
            })),
        ),
        ("rebuild", context("/pairs/x/rebuild"), Page::Rebuild(Box::new(rebuild(None)))),
        (
            "rebuild-refused",
            context("/pairs/x/rebuild"),
            Page::Rebuild(Box::new(rebuild(Some("Several incidents share its ticket. Press “Look again”.")))),
        ),
        (
            "palette",
            context("/palette?q=sign&of=%2Fpairs%2Fx"),
            Page::Palette(Box::new(PaletteView {
                text: "sign".into(),
                of: "/pairs/x".into(),
                here: Some(PaletteHere { pair: pair().id, ticket: true }),
                pairs: vec![PalettePair {
                    pair: pair().id,
                    name: "#10478 Multiple failed sign-ins <script>".into(),
                    about: "ticket 30201 · Contoso Retail · law-contoso".into(),
                }],
                more: true,
            })),
        ),
        (
            "not-found",
            context("/nowhere"),
            Page::Failed(FailedView { kind: FailedKind::NotFound, what: None, reference: None, next: None }),
        ),
        (
            "broken",
            out("/nowhere"),
            Page::Failed(FailedView {
                kind: FailedKind::Internal,
                what: None,
                reference: Some("7c1f9a".into()),
                next: None,
            }),
        ),
    ]
}

fn rebuild(refused: Option<&str>) -> RebuildView {
    RebuildView {
        pair: pair().id,
        incident: "#10478 Multiple failed sign-ins".into(),
        refused: refused.map(str::to_owned),
        planned: vec![PlannedView {
            words: "Change the ticket".into(),
            side: Side::Halo,
            reason: Reason::ChangedInSentinel { field: "severity".into() },
            body: Some("{}".into()),
        }],
        asked: vec![Reason::Conflict { field: "status".into(), sentinel: "Active".into(), halo: "On Hold".into() }],
        copies: 12,
        incident_read: Some(ago(30)),
        ticket_read: None,
    }
}

fn people(changing: bool) -> AccountsView {
    let row = |n: u128, role: Role, clients: Option<&[&str]>, disabled: bool| PersonRow {
        id: UserId(id(7_100 + n)),
        name: format!("ada-{n}"),
        role,
        clients: clients.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
        created: ago(900_000),
        seen: (n > 1).then(|| ago(90)),
        disabled,
        own: n == 2,
    };
    AccountsView {
        rows: vec![
            row(1, Role::Viewer, Some(&[CLIENTS[0], CLIENTS[1]]), false),
            row(2, Role::Admin, None, false),
            row(3, Role::Operator, Some(&[]), true),
        ],
        clients: clients(),
        ticked: vec![ClientId(id(1_001)).to_string()],
        form: FormView::default()
            .with_value("name", "ada-1")
            .with_value("role", "operator")
            .with_problem("client", "Choose the clients whose records it sees."),
        changing: changing.then_some(UserId(id(7_101))),
        fresh: (!changing).then(|| ("ada-1".into(), "0000".into())),
    }
}

fn pair_errand(begun: Option<Timestamp>, ended: Option<Timestamp>) -> PairErrandView {
    let pair = |n: u128, name: &str, state, says: &str| ErrandPair {
        pair: PairId(id(n)),
        client: ClientId(id(1_001)),
        name: name.into(),
        state,
        says: says.into(),
    };
    PairErrandView {
        errand: PairErrand {
            id: ErrandId(id(7_201)),
            act: PairAct::Pause,
            why: "Halo is <moved>".into(),
            owner: UserId(id(7_001)),
            query: Some("health=needs-you".into()),
            planned: ago(90),
            begun,
            ended,
            stopped: ended.is_some(),
            says: String::new(),
        },
        counts: ErrandCounts {
            waiting: 9_000,
            done: 998,
            failed: 2,
            passed: vec![("It is paused already.".into(), 12)],
        },
        samples: vec![pair(1, "#1 <b>one</b>", RowState::Waiting, ""), pair(2, "", RowState::Waiting, "")],
        failed: vec![pair(3, "#3 three", RowState::Failed, "Your role does not allow it any more.")],
        back: "/?health=needs-you".into(),
        held: false,
    }
}

fn saved_bar() -> SavedBar {
    let link = |name: &str, query: &str, here| SavedLink { name: name.into(), address: format!("/?{query}"), here };
    SavedBar {
        links: vec![link("Needs <me>", "health=needs-you", true), link("Behind", "sync=behind", false)],
        more: 3,
        save: Some("/views?list=pairs&query=health%3Dneeds-you".into()),
    }
}

fn saved_views() -> SavedViewsView {
    let row = |n: u128, name: &str, shared: bool, by: Option<&str>| SavedRow {
        id: ViewId(id(7_100 + n)),
        name: name.into(),
        list: SavedList::Pairs,
        address: "/?health=needs-you&sort=client".into(),
        shared,
        by: by.map(str::to_owned),
        saved: ago(900_000),
        may_remove: by.is_none(),
    };
    SavedViewsView {
        rows: vec![
            row(1, "Mine", false, None),
            row(2, "Night shift <b>", true, None),
            row(3, "High and behind", true, Some("grace")),
        ],
        ..SavedViewsView::default()
    }
}

fn tokens() -> TokensView {
    let row = |n: u128, clients: &[&str], used: Option<i64>, revoked: Option<i64>| TokenRow {
        id: UserId(id(7_000 + n)),
        name: format!("soar-{n}"),
        clients: clients.iter().map(|name| (*name).to_owned()).collect(),
        by: "ada".into(),
        created: ago(900_000),
        used: used.map(ago),
        revoked: revoked.map(ago),
    };
    TokensView {
        rows: vec![
            row(1, &[], Some(90), None),
            row(2, &[CLIENTS[0], CLIENTS[1]], None, None),
            row(3, &[CLIENTS[2]], Some(80_000), Some(70_000)),
        ],
        clients: clients(),
        ticked: vec![ClientId(id(1_001)).to_string()],
        form: FormView::default()
            .with_problem("name", "Enter a name that says which program will use it.")
            .with_problem("client", "Choose."),
        fresh: Some("hb_0000".into()),
        address: "https://bridge.example".into(),
    }
}

fn looked_up(met: bool) -> LookUpView {
    let Ok(listed) = not_linked().rows else { panic!("rows") };
    let row = NotLinkedRow { reason: listed.rows[0].reason.clone().filter(|_| met), ..listed.rows[0].clone() };
    let found = FoundIncident { row, gates: gates(), pair: None, met };
    LookUpView {
        workspaces: vec![Choice { value: "w".into(), label: "law <b>".into(), count: None }],
        form: FormView::default().with_value("incident", "10478"),
        found: Some(found),
    }
}

fn tickets(linked: bool) -> TicketsView {
    let gate = |name: &str, remedy: Option<&str>| GateRow {
        name: name.into(),
        rule: "a rule".into(),
        saw: "a value".into(),
        passes: remedy.is_none(),
        remedy: remedy.map(str::to_owned),
    };
    let found = FoundTicket {
        ticket: OutsideLink { label: "2215".into(), url: Some("https://halo.example/ticket?id=2215".into()) },
        number: 2215,
        summary: "Phone call about a login".into(),
        client: CLIENTS[0].into(),
        status: "New".into(),
        agent: String::new(),
        made: false,
        unlinked: (!linked).then(|| PairId(id(5))),
        pairs: if linked { vec![(PairId(id(4)), "#10478 Odd sign-in".into())] } else { Vec::new() },
        gates: if linked {
            Vec::new()
        } else {
            vec![gate("Client is set up here", None), gate("A rule pushes it", Some("Push it here."))]
        },
        push_to: if linked { Vec::new() } else { vec![Choice { value: "w".into(), label: "law".into(), count: None }] },
        may_link: !linked,
        incidents: vec![LinkableRow {
            workspace: WorkspaceId(id(2)),
            incident: IncidentId::new("00000000-0000-4000-8000-000000000001"),
            name: "#10480 Another".into(),
        }],
    };
    TicketsView { halos: Vec::new(), form: FormView::default().with_value("ticket", "2215"), found: Some(found) }
}
