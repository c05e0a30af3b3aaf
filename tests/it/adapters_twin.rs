//! The Microsoft adapters against the twin in the same process: tokens, sign-in, incidents, discovery.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use halobridge::{
    clock::{Clock, SeededIds, SteerableClock},
    domain::{
        closing::{ALLOWED, Classification, Verdict},
        connection::{MicrosoftConnection, MicrosoftEndpoints, MicrosoftIdentity},
        failure::{Failure, FailureKind},
        ids::{ActionKey, CommentId, ConnectionId, IncidentId, TicketId},
        incident::{IncidentStatus, Owner, Severity},
        operation::IncidentChange,
        workspace::WorkspaceAddress,
    },
    entra::{
        AppRegistration, Credential, Resource, Tokens,
        app_token::AppTokens,
        delegated::{DelegatedTokens, RefreshTokens},
        sign_in::{self, Returned, Wanted},
    },
    outbound::{
        Transport,
        budget::{Class, Subscriptions},
    },
    sentinel::{Incidents, ListWanted, Place, Sentinel, Written, logs::LogSpan},
    twin::{Twin, faults::Fault, options::TwinOptions, transport::TwinTransport},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    adapters_support::moment,
    openapi::{self, Judge},
};

const ORIGIN: &str = "http://twin.test";

struct Stage {
    twin: Twin,
    transport: Arc<Judge<TwinTransport>>,
    clock: Arc<SteerableClock>,
    app: AppRegistration,
    sentinel: Sentinel,
    place: Place,
}

fn stage(incidents: usize) -> Stage {
    let clock = Arc::new(SteerableClock::held(moment("2026-05-04T09:00:00Z")));
    let mut options = TwinOptions::new(11, clock.now());
    options.incidents = incidents;
    options.workspaces = 1;
    let twin = Twin::steerable(options, clock.clone());
    let transport = Arc::new(Judge::of(TwinTransport::new(twin.clone())));
    let line = twin.connection(ORIGIN);
    let text = |key: &str| line["microsoft"][key].as_str().unwrap().to_owned();
    let endpoints = MicrosoftEndpoints {
        authority: text("authority"),
        arm: text("arm"),
        log_analytics: text("log_analytics"),
        graph: text("graph"),
    };
    let app = AppRegistration {
        oauth_client_id: text("client_id"),
        credential: Credential::Secret(SecretString::from(text("client_secret"))),
        endpoints: endpoints.clone(),
    };
    let connection = MicrosoftConnection {
        id: ConnectionId(Uuid::nil()),
        name: "twin".into(),
        tenant_id: text("tenant_id"),
        oauth_client_id: text("client_id"),
        identity: MicrosoftIdentity::ClientSecret,
        endpoints,
        api_version: "2025-09-01".into(),
        allow_insecure: true,
        writes_per_5min: 10_000,
        secret_expires: None,
    };
    let tokens = AppTokens::new(app.clone(), transport.clone(), clock.clone(), Arc::new(SeededIds::new(5)));
    let budgets = Arc::new(Subscriptions::default());
    let sentinel = Sentinel::new(&connection, transport.clone(), Arc::new(tokens), clock.clone(), budgets);
    let workspace = WorkspaceAddress {
        subscription: text("subscription_id"),
        resource_group: text("resource_group"),
        workspace: line["microsoft"]["workspaces"][0].as_str().unwrap().to_owned(),
    };
    let place = Place { tenant: text("tenant_id"), workspace };
    Stage { twin, transport, clock, app, sentinel, place }
}

impl Stage {
    fn act(&self, verb: &str, body: &Value) -> Value {
        let reply = self.twin.act(verb, body);
        assert_eq!(reply.status, 200, "{verb}: {:?}", reply.body);
        serde_json::from_slice(&reply.body).unwrap()
    }

    fn fault(&self, body: Value) {
        let fault = Fault::from_json(&body).unwrap();
        self.twin.with(|world, _| world.faults.add(fault));
    }

    fn raise(&self) -> IncidentId {
        let made = self.act("incident.create", &json!({"title": "Raised", "severity": "High"}));
        // Its creation lies within the held second: it shows when the clock has moved.
        self.clock.hold(self.clock.now() + jiff::SignedDuration::from_secs(1));
        IncidentId::new(made["name"].as_str().unwrap())
    }
}

#[tokio::test]
async fn all_incidents_are_listed_in_ascending_order_and_counted() {
    let stage = stage(2300);
    let (mut next, mut seen, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = stage.sentinel.list(&stage.place, &ListWanted::default(), next, Class::Reconcile).await.unwrap();
        assert!(page.unreadable.is_empty());
        seen.extend(page.incidents.into_iter().map(|i| (i.modified, i.id)));
        pages += 1;
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (2300, 3));
    assert!(seen.is_sorted_by_key(|(modified, _)| *modified));
    let middle = seen[1150].0.unwrap();
    let want = ListWanted { modified_since: Some(middle), open_only: true, ..ListWanted::default() };
    let page = stage.sentinel.list(&stage.place, &want, None, Class::Reconcile).await.unwrap();
    // The filter has milliseconds: what lies within the first one may come too.
    assert!(page.incidents.iter().all(|i| i.modified.unwrap().as_millisecond() >= middle.as_millisecond()));
    assert!(page.incidents.iter().all(|i| i.status != IncidentStatus::Closed));
}

#[tokio::test]
async fn sentinel_rule_03_and_04_a_write_keeps_everything_and_a_stale_one_conflicts() {
    let stage = stage(0);
    let id = stage.raise();
    let before = stage.sentinel.incident(&stage.place, &id, Class::New).await.unwrap();
    let change = IncidentChange { severity: Some(Severity::Low), ..IncidentChange::default() };
    let after = stage.sentinel.write(&stage.place, &before, &change, Class::New).await.unwrap();
    assert_eq!(after.severity, Severity::Low);
    assert_ne!(after.etag, before.etag);
    assert_eq!((&after.title, &after.description, &after.owner), (&before.title, &before.description, &before.owner));
    assert_eq!((&after.first_activity, &after.last_activity), (&before.first_activity, &before.last_activity));
    let names =
        |i: &halobridge::domain::incident::Incident| i.labels.iter().map(|l| l.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
    let stale = stage.sentinel.write(&stage.place, &before, &change, Class::New).await.unwrap_err();
    assert_eq!(stale.kind, FailureKind::Conflict);
    let verdict = Verdict {
        classification: Classification::BenignPositive,
        reason: Some("SuspiciousButExpected".into()),
        comment: Some("Planned test".into()),
    };
    let close = IncidentChange {
        status: Some(IncidentStatus::Closed),
        verdict: Some(verdict.clone()),
        ..IncidentChange::default()
    };
    let closed = stage.sentinel.write(&stage.place, &after, &close, Class::Closure).await.unwrap();
    assert_eq!((closed.closed(), closed.verdict()), (true, Some(verdict)));
    let reopen = IncidentChange { status: Some(IncidentStatus::Active), ..IncidentChange::default() };
    let open = stage.sentinel.write(&stage.place, &closed, &reopen, Class::Closure).await.unwrap();
    assert_eq!(open.status, IncidentStatus::Active);
}

#[tokio::test]
async fn sentinel_rule_05_and_06_a_comment_moves_the_incident_and_is_written_once() {
    let stage = stage(0);
    let id = stage.raise();
    let before = stage.sentinel.incident(&stage.place, &id, Class::New).await.unwrap();
    let key = ActionKey { ticket: TicketId(1001), action: 3 };
    let comment = CommentId::derived("halo", key, 0, 0);
    stage.fault(json!({"effect": "lost_answer", "kind": "sentinel.comment.put", "count": 1}));
    let put = || stage.sentinel.write_comment(&stage.place, &id, &comment, "From the ticket", Class::Comment);
    assert_eq!(put().await.unwrap_err().kind, FailureKind::Unknown);
    assert_eq!(put().await.unwrap(), Written::AlreadyThere);
    stage.twin.with(|world, _| world.set_switch("comment_etag_needed", "on")).unwrap();
    assert_eq!(put().await.unwrap(), Written::AlreadyThere);
    let comments = stage.sentinel.comments(&stage.place, &id, Class::Comment).await.unwrap();
    assert_eq!(
        comments.iter().map(|c| (&c.id, c.message.as_str())).collect::<Vec<_>>(),
        [(&comment, "From the ticket")]
    );
    let after = stage.sentinel.incident(&stage.place, &id, Class::New).await.unwrap();
    assert_ne!(after.etag, before.etag);
    assert_eq!(after.comments_count, 1);
    let change = IncidentChange { severity: Some(Severity::Low), ..IncidentChange::default() };
    let stale = stage.sentinel.write(&stage.place, &before, &change, Class::New).await.unwrap_err();
    assert_eq!(stale.kind, FailureKind::Conflict);
    assert!(stage.sentinel.write(&stage.place, &after, &change, Class::New).await.is_ok());
}

#[tokio::test]
async fn evidence_and_discovery_are_read() {
    let stage = stage(3);
    let page = stage.sentinel.list(&stage.place, &ListWanted::default(), None, Class::New).await.unwrap();
    let evidence = stage.sentinel.evidence(&stage.place, &page.incidents[0].id, Class::New).await.unwrap();
    assert!(!evidence.alerts.is_empty() && !evidence.entities.is_empty());
    let tenant = &stage.place.tenant;
    assert!(stage.sentinel.tenants(tenant).await.unwrap().iter().any(|t| t.tenant_id == *tenant));
    let subscriptions = stage.sentinel.subscriptions(tenant).await.unwrap();
    let subscription = &stage.place.workspace.subscription;
    assert!(subscriptions.iter().any(|s| s.id.eq_ignore_ascii_case(subscription)));
    let groups = stage.sentinel.resource_groups(tenant, subscription).await.unwrap();
    assert!(groups.iter().any(|g| g.eq_ignore_ascii_case(&stage.place.workspace.resource_group)));
    let workspaces = stage.sentinel.workspaces(tenant, subscription).await.unwrap();
    let found = workspaces.iter().find(|w| w.address.workspace == stage.place.workspace.workspace).unwrap();
    assert!(found.customer_id.is_some());
    assert!(stage.sentinel.onboarded(&stage.place).await.unwrap());
    assert_eq!(stage.sentinel.rights(&stage.place).await.unwrap().missing, Vec::<String>::new());
    let mut elsewhere = stage.place.clone();
    elsewhere.workspace.workspace = "no-such-workspace".into();
    let unknown = stage.sentinel.incident(&elsewhere, &page.incidents[0].id, Class::New).await.unwrap_err();
    assert_eq!(unknown.kind, FailureKind::Transient, "the workspace is, not the incident: {unknown}");
    let none = IncidentId::new("00000000-0000-4000-8000-000000000000");
    let gone = stage.sentinel.incident(&stage.place, &none, Class::New).await.unwrap_err();
    assert_eq!(gone.kind, FailureKind::Gone, "{gone}");
}

#[tokio::test]
async fn faults_are_sorted_by_what_can_be_done() {
    let stage = stage(0);
    let id = stage.raise();
    let current = stage.sentinel.incident(&stage.place, &id, Class::New).await.unwrap();
    let change = IncidentChange { severity: Some(Severity::Low), ..IncidentChange::default() };
    let cases = [
        (json!({"effect": "lost_answer"}), FailureKind::Unknown),
        (json!({"effect": "status", "status": 503, "applied": false}), FailureKind::Unknown),
        (json!({"effect": "status", "status": 500, "applied": true}), FailureKind::Unknown),
    ];
    for (mut fault, kind) in cases {
        fault["kind"] = json!("sentinel.incident.put");
        fault["count"] = json!(1);
        stage.fault(fault.clone());
        let current = stage.sentinel.incident(&stage.place, &id, Class::New).await.unwrap();
        let failure = stage.sentinel.write(&stage.place, &current, &change, Class::New).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{fault}: {failure}");
    }
    stage.fault(json!({"effect": "truncated_json", "kind": "sentinel.incident.get", "count": 1}));
    let failure = stage.sentinel.incident(&stage.place, &id, Class::New).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreadable);
    assert!(stage.sentinel.incident(&stage.place, &current.id, Class::New).await.is_ok());
}

#[derive(Default)]
struct Drawer(Mutex<Option<String>>);

#[async_trait]
impl RefreshTokens for Drawer {
    async fn load(&self) -> Result<Option<SecretString>, Failure> {
        Ok(self.0.lock().unwrap().clone().map(SecretString::from))
    }

    async fn save(&self, new: &SecretString) -> Result<(), Failure> {
        *self.0.lock().unwrap() = Some(new.expose_secret().to_owned());
        Ok(())
    }
}

#[tokio::test]
async fn a_person_signs_in_and_the_refresh_token_goes_on() {
    let stage = stage(0);
    let ids = SeededIds::new(8);
    let redirect = "http://localhost:8080/connections/microsoft/callback";
    let wanted = Wanted {
        tenant: &stage.place.tenant,
        redirect_uri: redirect,
        identity_only: false,
        log_analytics: true,
        claims: None,
        login_hint: None,
    };
    let (url, pending) = sign_in::begin(&stage.app, &wanted, &ids).unwrap();
    let request = http::Request::get(url.as_str()).body(Bytes::new()).unwrap();
    let answer = stage.transport.send(request).await.unwrap();
    let location = answer.headers().get("location").unwrap_or_else(|| panic!("{answer:?}")).to_str().unwrap();
    assert!(location.starts_with(redirect), "{location}");
    let back = url::Url::parse(location).unwrap();
    let query: std::collections::BTreeMap<_, _> = back.query_pairs().into_owned().collect();
    let returned = Returned {
        code: query.get("code").map(String::as_str),
        state: query.get("state").map(String::as_str),
        error: query.get("error").map(String::as_str),
        description: query.get("error_description").map(String::as_str),
        issuer: query.get("iss").map(String::as_str),
    };
    let transport = stage.transport.clone();
    let done = sign_in::redeem(&stage.app, pending.clone(), &returned, transport.clone(), &*stage.clock, &ids).await;
    let done = done.unwrap_or_else(|failure| panic!("{}", failure.failure));
    assert_eq!(done.person.tenant_id, stage.place.tenant);
    // A code is good once.
    let again = sign_in::redeem(&stage.app, pending, &returned, transport.clone(), &*stage.clock, &ids).await;
    assert_eq!(again.err().unwrap().failure.kind, FailureKind::SignInAgain);
    let drawer = Arc::new(Drawer::default());
    drawer.save(&done.refresh_token.unwrap()).await.unwrap();
    let first = drawer.0.lock().unwrap().clone();
    let tokens = DelegatedTokens::new(
        stage.app.clone(),
        drawer.clone(),
        transport,
        stage.clock.clone(),
        Arc::new(SeededIds::new(9)),
    );
    tokens.bearer(&stage.place.tenant, Resource::Arm).await.unwrap();
    tokens.bearer(&stage.place.tenant, Resource::LogAnalytics).await.unwrap();
    assert_ne!(*drawer.0.lock().unwrap(), first, "the newest is kept");
}

#[tokio::test]
async fn a_wrong_secret_and_a_wrong_tenant_have_their_sentence() {
    let stage = stage(0);
    let wrong = AppRegistration { credential: Credential::Secret(SecretString::from("wrong")), ..stage.app.clone() };
    let tokens = AppTokens::new(wrong, stage.transport.clone(), stage.clock.clone(), Arc::new(SeededIds::new(5)));
    let failure = tokens.bearer(&stage.place.tenant, Resource::Arm).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::SignInAgain);
    assert!(failure.message.contains("secret"), "{failure}");
    let tokens =
        AppTokens::new(stage.app.clone(), stage.transport.clone(), stage.clock.clone(), Arc::new(SeededIds::new(5)));
    let failure = tokens.bearer("00000000-0000-4000-8000-0000000000ff", Resource::Arm).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::SignInAgain, "{failure}");
}

/// Everything the adapter asks of Azure: the operations of Microsoft's description it uses, and no other.
const ADAPTERS_OPERATIONS: [&str; 13] = [
    "IncidentComments_CreateOrUpdate",
    "IncidentComments_Get",
    "IncidentComments_List",
    "Incidents_CreateOrUpdate",
    "Incidents_Get",
    "Incidents_List",
    "Incidents_ListAlerts",
    "Incidents_ListEntities",
    "Permissions_ListForResource",
    "SentinelOnboardingStates_List",
    "Subscriptions_List",
    "Tenants_List",
    "Workspaces_List",
];

#[tokio::test]
async fn every_request_of_the_adapter_is_one_that_microsoft_describes() {
    if openapi::contract().is_none() {
        return;
    }
    let stage = stage(1_200);
    let (sentinel, at, class) = (&stage.sentinel, &stage.place, Class::Interactive);
    // Lists of each kind, over several pages.
    for want in [
        ListWanted::default(),
        ListWanted { modified_since: Some(moment("2026-04-04T08:00:00.125Z")), ..ListWanted::default() },
        ListWanted { modified_since: None, open_only: true, ..ListWanted::default() },
        ListWanted { modified_since: Some(moment("2026-04-04T08:00:00Z")), open_only: true, ..ListWanted::default() },
    ] {
        let mut next = None;
        loop {
            next = sentinel.list(at, &want, next, class).await.unwrap().next;
            if next.is_none() {
                break;
            }
        }
    }
    let id = stage.raise();
    // A comment; again; and again where the service refuses to write over one without its version.
    let derived = CommentId::derived("twin", ActionKey { ticket: TicketId(7), action: 3 }, 0, 0);
    for _ in 0..2 {
        sentinel.write_comment(at, &id, &derived, "first\nsecond", class).await.unwrap();
    }
    stage.twin.with(|world, _| world.set_switch("comment_etag_needed", "on")).unwrap();
    sentinel.write_comment(at, &id, &derived, "first", class).await.unwrap();
    sentinel.comments(at, &id, class).await.unwrap();
    sentinel.evidence(at, &id, class).await.unwrap();
    // Every change of an incident, one after the other: owner, none, severity, closed with each verdict, open again.
    let owner = Owner { email: Some("ana.analyst@contoso.example".into()), ..Owner::default() };
    let mut changes = vec![
        IncidentChange { owner: Some(owner), ..IncidentChange::default() },
        IncidentChange { owner: Some(Owner::default()), ..IncidentChange::default() },
        IncidentChange { severity: Some(Severity::Low), ..IncidentChange::default() },
    ];
    for (classification, reason) in ALLOWED {
        let comment = Some("Closed in Halo.".to_owned());
        let verdict = Verdict { classification, reason: reason.map(str::to_owned), comment };
        let closed = Some(IncidentStatus::Closed);
        changes.push(IncidentChange { status: closed, verdict: Some(verdict), ..IncidentChange::default() });
        changes.push(IncidentChange { status: Some(IncidentStatus::Active), ..IncidentChange::default() });
    }
    for change in changes {
        let current = sentinel.incident(at, &id, class).await.unwrap();
        sentinel.write(at, &current, &change, class).await.unwrap();
    }
    // What the set-up screens ask.
    sentinel.tenants(&at.tenant).await.unwrap();
    for subscription in sentinel.subscriptions(&at.tenant).await.unwrap() {
        sentinel.resource_groups(&at.tenant, &subscription.id).await.unwrap();
        sentinel.workspaces(&at.tenant, &subscription.id).await.unwrap();
    }
    assert!(sentinel.onboarded(at).await.unwrap());
    assert!(sentinel.rights(at).await.unwrap().missing.is_empty());
    let called = stage.transport.called.lock().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(called, ADAPTERS_OPERATIONS);
}

#[tokio::test]
async fn a_log_is_read_in_parts_and_says_where_that_was_not_all() {
    let stage = stage(0);
    let raised: BTreeSet<IncidentId> = (0..5).map(|_| stage.raise()).collect();
    stage.clock.hold(stage.clock.now() + jiff::SignedDuration::from_secs(181));
    let to = stage.clock.now();
    let span = |rows, pages| LogSpan { from: to - jiff::SignedDuration::from_hours(1), to, rows, pages };
    let told = async |span: LogSpan| {
        let logged = stage.sentinel.logged(&stage.place, &span).await.unwrap();
        let ids: BTreeSet<IncidentId> = logged.incidents.iter().map(|one| one.id.clone()).collect();
        assert_eq!(ids.len(), logged.incidents.len(), "each once");
        (ids, logged.cut)
    };
    assert_eq!(told(span(5_000, 10)).await, (raised.clone(), None));
    assert_eq!(told(span(2, 10)).await, (raised.clone(), None));
    for (rows, pages) in [(2, 2), (5, 1), (1, 10)] {
        let (ids, cut) = told(span(rows, pages)).await;
        assert!(ids.is_subset(&raised) && cut.is_some(), "{rows} {pages}: {} {cut:?}", ids.len());
    }
    let logged = stage.sentinel.logged(&stage.place, &span(10, 1)).await.unwrap();
    let one = &logged.incidents[0];
    assert_eq!((one.title.as_str(), one.severity.as_str(), one.status.as_str()), ("Raised", "High", "New"));
    assert!(one.number.is_some() && one.created.is_some() && one.modified.is_some(), "{one:?}");
}
