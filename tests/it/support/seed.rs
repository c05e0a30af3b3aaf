//! A small installation: two clients, each with a workspace and one linked incident.

use std::collections::BTreeMap;

use halobridge::{
    domain::{
        catalogue::{Catalogue, Named, Priority, Ref},
        client::{Client, HaloBinding},
        connection::{HaloConnection, HaloProduct, MicrosoftConnection, MicrosoftEndpoints, MicrosoftIdentity},
        failure::{Failure, FailureKind, Side},
        ids::{ClientId, ConnectionId, IncidentId, OperationId, PairId, PolicyId, TicketId, WorkspaceId},
        incident::{Comment, Incident, IncidentStatus, Owner, Severity},
        operation::{Operation, OperationKind, OperationState},
        pair::{Base, Health, Pair, PairState, SyncState},
        policy::{NotesRule, Policy},
        reason::Reason,
        ticket::{Action, Ticket, TicketChange},
        workspace::{Mode, Portal, Workspace},
    },
    ledger::fact::Fact,
    store::{SecretOwner, SecretSource},
};
use secrecy::SecretString;
use uuid::Uuid;

use super::TestApp;

/// Secrets of both webhooks.
pub const HOOK_SECRET: &str = "a webhook's secret 7c1f";

pub const MICROSOFT: ConnectionId = ConnectionId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001));
pub const HALO: ConnectionId = ConnectionId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0002));
pub const POLICY: PolicyId = PolicyId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0003));

/// Client number `n` (1 Alpine, 2 Beacon).
pub fn client(n: u128) -> ClientId {
    ClientId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0010 + n))
}

/// Its workspace.
pub fn workspace(n: u128) -> WorkspaceId {
    WorkspaceId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0020 + n))
}

/// Its pair.
pub fn pair(n: u128) -> PairId {
    PairId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0030 + n))
}

/// Its dead letter.
pub fn operation(n: u128) -> OperationId {
    OperationId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0040 + n))
}

fn incident(n: u128, title: &str) -> Incident {
    let id = format!("00000000-0000-4000-8000-00000000000{n}");
    Incident {
        resource_id: format!("/subscriptions/s/resourceGroups/rg/…/Incidents/{id}"),
        id: IncidentId::new(&id),
        etag: Some("\"1\"".into()),
        number: Some(100 + i64::try_from(n).unwrap()),
        title: title.to_owned(),
        description: None,
        severity: Severity::High,
        status: IncidentStatus::New,
        classification: None,
        classification_reason: None,
        classification_comment: None,
        owner: Owner::default(),
        labels: Vec::new(),
        first_activity: None,
        last_activity: None,
        created: Some("2026-03-02T07:00:00Z".parse().unwrap()),
        modified: Some("2026-03-02T07:00:00Z".parse().unwrap()),
        alerts_count: 1,
        comments_count: 1,
        url: None,
        provider_name: None,
        provider_incident_id: None,
        provider_url: None,
        raw: serde_json::json!({ "name": id }).into(),
    }
}

fn ticket(n: u128) -> Ticket {
    Ticket {
        id: TicketId(2000 + i64::try_from(n).unwrap()),
        summary: "A ticket".into(),
        client_id: Some(10),
        client_name: None,
        site_id: None,
        user_id: None,
        ticket_type_id: Some(1),
        status_id: Some(1),
        priority_id: Some(11),
        sla_id: None,
        agent_id: None,
        team: None,
        category_1: None,
        closed: false,
        closure_note: None,
        merged_into: None,
        deleted: false,
        last_update: None,
        last_action: None,
        custom_fields: Vec::new(),
        fields_told: false,
        warning: None,
        raw: serde_json::json!({}).into(),
    }
}

fn policy() -> Policy {
    let name = |text: &str| Ref::Name(text.to_owned());
    Policy {
        priorities: BTreeMap::from([("High".to_owned(), name("P1")), ("Low".to_owned(), name("P4"))]),
        statuses: BTreeMap::from([("New".to_owned(), name("Open")), ("Closed".to_owned(), name("Closed"))]),
        outcome: name("Note"),
        evidence: false,
        ..Policy::new(POLICY, "Standard", Ref::Id(1), NotesRule::Public)
    }
}

fn catalogue() -> Catalogue {
    let named = |id, name: &str| Named { id, name: name.to_owned() };
    Catalogue {
        statuses: vec![named(1, "Open"), named(9, "Closed")],
        priorities: vec![
            Priority { id: 11, name: "P1".into(), sla_id: None },
            Priority { id: 14, name: "P4".into(), sla_id: None },
        ],
        ..Catalogue::default()
    }
}

fn microsoft() -> MicrosoftConnection {
    MicrosoftConnection {
        id: MICROSOFT,
        name: "Contoso".into(),
        tenant_id: "11111111-1111-4111-8111-111111111111".into(),
        oauth_client_id: "22222222-2222-4222-8222-222222222222".into(),
        identity: MicrosoftIdentity::Delegated,
        endpoints: MicrosoftEndpoints::of_cloud("public").unwrap(),
        api_version: "2025-09-01".into(),
        allow_insecure: false,
        writes_per_5min: 100,
        secret_expires: None,
    }
}

fn halo() -> HaloConnection {
    HaloConnection {
        id: HALO,
        name: "Desk".into(),
        product: HaloProduct::Itsm,
        resource_server: "https://desk.haloitsm.com/api".into(),
        authorisation_server: "https://desk.haloitsm.com/auth".into(),
        tenant: "desk".into(),
        oauth_client_id: "33333333-3333-4333-8333-333333333333".into(),
        scope: "all".into(),
        requests_per_5min: 700,
        poll_secs: 20,
        settle_secs: 180,
        webhook: true,
        webhook_header: "X-Halo-Signature".into(),
        allow_insecure: false,
    }
}

impl TestApp {
    /// The installation, without incidents.
    pub async fn seed_installation(&self) {
        let now = self.now();
        let mut tx = self.app.store.begin().await.unwrap();
        tx.put_microsoft(&microsoft()).await.unwrap();
        tx.put_halo(&halo()).await.unwrap();
        tx.put_catalogue(HALO, &catalogue(), now).await.unwrap();
        tx.put_policy(&policy()).await.unwrap();
        let secret = SecretString::from(HOOK_SECRET.to_owned());
        let sealed = &SecretSource::Sealed;
        tx.put_secret(now, SecretOwner::Connection(HALO), "webhook", &secret, sealed).await.unwrap();
        let app_secret = SecretString::from("the app's own secret 99aa".to_owned());
        tx.put_secret(now, SecretOwner::Connection(MICROSOFT), "client_secret", &app_secret, sealed).await.unwrap();
        for (n, name) in [(1_u128, "Alpine"), (2, "Beacon")] {
            let halo_client_id = 10 * i64::try_from(n).unwrap();
            let binding = HaloBinding { connection: HALO, halo_client_id, site_id: None, team: None };
            let row =
                Client { id: client(n), name: name.into(), time_zone: "Europe/Berlin".into(), halo: Some(binding) };
            tx.put_client(&row).await.unwrap();
            let row = Workspace {
                id: workspace(n),
                arm_id: format!(
                    "/subscriptions/0000000{n}/resourcegroups/rg/providers/microsoft.operationalinsights/workspaces/ws{n}"
                ),
                name: format!("Ws{n}"),
                client: client(n),
                connection: MICROSOFT,
                tenant_id: "11111111-1111-4111-8111-111111111111".into(),
                policy: POLICY,
                mode: Mode::TwoWay,
                since: "2026-01-01T00:00:00Z".parse().unwrap(),
                poll_secs: 900,
                poll_fast_secs: 60,
                portal: Portal::Azure,
                webhook: true,
                shadow: false,
            };
            tx.put_workspace(&row).await.unwrap();
            tx.put_secret(now, SecretOwner::Workspace(row.id), "webhook", &secret, sealed).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// The installation with one pair of each client; the second words stand in the incident, a comment and a note.
    pub async fn seed(&self, title: &str, words: &str) {
        self.seed_installation().await;
        let now = self.now();
        let mut tx = self.app.store.begin().await.unwrap();
        for n in [1_u128, 2] {
            let whose = client(n);
            let incident = incident(n, title);
            let opened = Pair {
                id: pair(n),
                client: whose,
                workspace: workspace(n),
                incident: incident.id.clone(),
                halo: HALO,
                halo_client_id: 10 * i64::try_from(n).unwrap(),
                ticket: None,
                reference: format!("HB-000000000{n}"),
                base: Base::default(),
                sync: SyncState::Behind,
                health: Health::Waiting,
                reason: Some(Reason::NewIncident),
                further: Vec::new(),
                survivor: None,
                merged: false,
                gone: None,
                decisions: Vec::new(),
                group: None,
                created: now,
                changed: now,
            };
            let change = Operation {
                id: operation(n),
                client: whose,
                pair: pair(n),
                position: 1,
                kind: OperationKind::UpdateTicket {
                    change: TicketChange { summary: Some(words.to_owned()), ..TicketChange::default() },
                },
                reason: Reason::ChangedInSentinel { field: "severity".into() },
                state: OperationState::Planned { ready: now },
                attempts: 0,
                last_failure: None,
                planned: now,
            };
            let comment = Comment {
                raw: serde_json::Value::Null.into(),
                id: halobridge::domain::ids::CommentId::new(&format!("10000000-0000-4000-8000-00000000000{n}")),
                message: words.to_owned(),
                author: Some(words.to_owned()),
                author_object_id: None,
                created: Some(now),
                modified: None,
                etag: None,
            };
            let ticket = ticket(n);
            let action = Action {
                key: halobridge::domain::ids::ActionKey { ticket: ticket.id, action: 2 },
                outcome: Some("Note".into()),
                outcome_id: None,
                system: false,
                who: Some(words.to_owned()),
                agent_id: Some(5),
                application: None,
                at: Some(now),
                updated: None,
                note: words.to_owned(),
                note_html: None,
                private: false,
                privacy_untold: false,
                important: false,
                sync_to_sentinel: false,
                new_status: None,
                sentinel_classification: None,
                sentinel_classification_reason: None,
            };
            let ticket_id = ticket.id;
            let failure = Failure::new(Side::Halo, FailureKind::Rejected, words);
            let facts = vec![
                Fact::IncidentRead { workspace: workspace(n), client: whose, incident: Box::new(incident) },
                Fact::PairOpened { pair: Box::new(opened) },
                Fact::TicketLinked { pair: pair(n), ticket: ticket_id },
                Fact::TicketRead { pair: pair(n), ticket: Box::new(ticket) },
                Fact::CommentsRead { pair: pair(n), comments: vec![comment] },
                Fact::ActionsRead { pair: pair(n), actions: vec![action] },
                Fact::OperationPlanned { operation: Box::new(change) },
                Fact::OperationMoved {
                    operation: operation(n),
                    pair: pair(n),
                    state: OperationState::Dead { at: now, reason: Reason::Refused { why: words.to_owned() } },
                    attempts: 1,
                    failure: Some(failure),
                },
                Fact::PairJudged {
                    pair: pair(n),
                    state: PairState {
                        sync: SyncState::Behind,
                        health: Health::NeedsYou,
                        reason: Some(Reason::Refused { why: words.to_owned() }),
                        further: Vec::new(),
                    },
                },
            ];
            for fact in facts {
                tx.record(now, Some(whose), fact).await.unwrap();
            }
        }
        tx.commit().await.unwrap();
    }
}
