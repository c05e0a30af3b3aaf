//! Values to write down.

use std::sync::Arc;

use halobridge::{
    clock::{IdSource, SeededIds},
    domain::{
        catalogue::Ref,
        client::{Client, HaloBinding},
        connection::{HaloConnection, HaloProduct, MicrosoftConnection, MicrosoftEndpoints, MicrosoftIdentity},
        ids::{
            ActionKey, ClientId, CommentId, ConnectionId, IncidentId, OperationId, PairId, PolicyId, TicketId,
            WorkspaceId,
        },
        incident::{Comment, Incident, IncidentStatus, Owner, Severity},
        operation::{Carried, Operation, OperationKind, OperationState},
        pair::{Base, Health, Pair, SyncState},
        policy::{NotesRule, Policy},
        reason::Reason,
        ticket::{Action, Ticket, TicketChange},
        workspace::{Mode, Portal, Workspace},
    },
    ledger::fact::Fact,
    store::{SealKey, Store},
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

pub fn ids(seed: u64) -> Arc<dyn IdSource> {
    Arc::new(SeededIds::new(seed))
}

pub fn key() -> SealKey {
    SealKey::new(&[7; 32], ids(1))
}

pub async fn memory() -> Store {
    Store::in_memory(key()).await.unwrap()
}

fn id(kind: u8, n: u32) -> Uuid {
    Uuid::from_u128((u128::from(kind) << 100) | u128::from(n))
}

pub fn client(n: u32) -> ClientId {
    ClientId(id(1, n))
}
pub fn workspace(n: u32) -> WorkspaceId {
    WorkspaceId(id(2, n))
}
pub fn halo(n: u32) -> ConnectionId {
    ConnectionId(id(3, n))
}
pub fn pair_id(n: u32) -> PairId {
    PairId(id(4, n))
}
pub fn operation_id(n: u32) -> OperationId {
    OperationId(id(5, n))
}
pub fn microsoft(n: u32) -> ConnectionId {
    ConnectionId(id(6, n))
}
pub fn policy(n: u32) -> PolicyId {
    PolicyId(id(7, n))
}
pub fn incident_id(n: u32) -> IncidentId {
    IncidentId::new(&id(8, n).to_string())
}
pub fn comment_id(n: u32) -> CommentId {
    CommentId::new(&id(9, n).to_string())
}

pub fn incident(n: u32, title: &str) -> Incident {
    Incident {
        id: incident_id(n),
        resource_id: format!("/subscriptions/x/incidents/{n}"),
        etag: Some(format!("\"{n}-1\"")),
        number: Some(i64::from(n)),
        title: title.into(),
        description: Some("Seen by Fusion".into()),
        severity: Severity::High,
        status: IncidentStatus::New,
        classification: None,
        classification_reason: None,
        classification_comment: None,
        owner: Owner { email: Some("ana@contoso.example".into()), ..Owner::default() },
        labels: vec![],
        first_activity: None,
        last_activity: None,
        created: Some(at(i64::from(n))),
        modified: Some(at(i64::from(n) + 1)),
        alerts_count: 1,
        comments_count: 0,
        url: None,
        provider_name: Some("Azure Sentinel".into()),
        provider_incident_id: None,
        provider_url: None,
        raw:
            serde_json::json!({ "name": id(8, n).to_string(), "properties": { "title": title, "odd": [1, 2.5, null] } })
                .into(),
    }
}

pub fn incident_read(workspace: WorkspaceId, client: ClientId, incident: Incident) -> Fact {
    Fact::IncidentRead { workspace, client, incident: Box::new(incident) }
}

/// Pair `n` of incident `n` in workspace 1 of client 1.
pub fn pair(n: u32) -> Pair {
    Pair {
        id: pair_id(n),
        client: client(1),
        workspace: workspace(1),
        incident: incident_id(n),
        halo: halo(1),
        halo_client_id: 12,
        ticket: None,
        reference: format!("HB-{n:010}"),
        base: Base::default(),
        sync: SyncState::Behind,
        health: Health::Healthy,
        reason: Some(Reason::NewIncident),
        further: Vec::new(),
        survivor: None,
        merged: false,
        gone: None,
        decisions: Vec::new(),
        group: None,
        created: at(100),
        changed: at(100),
    }
}

pub fn operation(n: u32, pair: u32, position: i64) -> Operation {
    Operation {
        id: operation_id(n),
        client: client(1),
        pair: pair_id(pair),
        position,
        kind: OperationKind::AddComment {
            comment: comment_id(n),
            carries: vec![Carried {
                action: ActionKey { ticket: TicketId(1000), action: i64::from(n) },
                edit: 0,
                part: 0,
                said: "f1".into(),
            }],
            message: "words".into(),
        },
        reason: Reason::NoteAdded,
        state: OperationState::Planned { ready: at(200) },
        attempts: 0,
        last_failure: None,
        planned: at(150),
    }
}

pub fn change_ticket(n: u32, pair: u32, position: i64) -> Operation {
    Operation {
        kind: OperationKind::UpdateTicket { change: TicketChange { status_id: Some(9), ..TicketChange::default() } },
        ..operation(n, pair, position)
    }
}

pub fn ticket(n: i64) -> Ticket {
    Ticket {
        id: TicketId(n),
        summary: "Fusion".into(),
        client_id: Some(12),
        client_name: None,
        site_id: None,
        user_id: None,
        ticket_type_id: Some(1),
        status_id: Some(2),
        priority_id: None,
        sla_id: None,
        agent_id: None,
        team: None,
        category_1: None,
        closed: false,
        closure_note: None,
        merged_into: None,
        deleted: false,
        last_update: Some(at(300)),
        last_action: None,
        custom_fields: vec![],
        fields_told: false,
        warning: None,
        raw: serde_json::json!({ "id": n }).into(),
    }
}

pub fn comment(n: u32) -> Comment {
    Comment {
        raw: serde_json::Value::Null.into(),
        id: comment_id(n),
        message: "Looks bad".into(),
        author: Some("Ana".into()),
        author_object_id: None,
        created: Some(at(250)),
        modified: None,
        etag: None,
    }
}

pub fn action(ticket: i64, n: i64) -> Action {
    Action {
        key: ActionKey { ticket: TicketId(ticket), action: n },
        outcome: Some("Private Note".into()),
        outcome_id: None,
        system: false,
        who: Some("Bea".into()),
        agent_id: Some(4),
        application: None,
        at: Some(at(260)),
        updated: None,
        note: "I look".into(),
        note_html: None,
        private: true,
        privacy_untold: false,
        important: false,
        sync_to_sentinel: false,
        new_status: None,
        sentinel_classification: None,
        sentinel_classification_reason: None,
    }
}

/// Records facts of client 1 in one transaction.
pub async fn record(store: &Store, facts: Vec<Fact>) {
    record_at(store, at(400), facts).await;
}

pub async fn record_at(store: &Store, when: Timestamp, facts: Vec<Fact>) {
    let mut tx = store.begin().await.unwrap();
    for fact in facts {
        tx.record(when, Some(client(1)), fact).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Incident `n` and its pair.
pub async fn linked(store: &Store, n: u32) {
    let facts = vec![
        incident_read(workspace(1), client(1), incident(n, &format!("Incident {n} of the night"))),
        Fact::PairOpened { pair: Box::new(pair(n)) },
    ];
    record(store, facts).await;
}

pub fn microsoft_connection(n: u32) -> MicrosoftConnection {
    MicrosoftConnection {
        id: microsoft(n),
        name: format!("Microsoft {n}"),
        tenant_id: "t".into(),
        oauth_client_id: "c".into(),
        identity: MicrosoftIdentity::ClientSecret,
        endpoints: MicrosoftEndpoints::of_cloud("public").unwrap(),
        api_version: "2025-09-01".into(),
        allow_insecure: false,
        writes_per_5min: 75,
        secret_expires: None,
    }
}

pub fn halo_connection(n: u32) -> HaloConnection {
    HaloConnection {
        id: halo(n),
        name: format!("Halo {n}"),
        product: HaloProduct::Itsm,
        resource_server: "https://acme.example/api".into(),
        authorisation_server: "https://acme.example/auth".into(),
        tenant: String::new(),
        oauth_client_id: "c".into(),
        scope: "all".into(),
        requests_per_5min: 700,
        poll_secs: 20,
        settle_secs: 180,
        webhook: true,
        webhook_header: "X-Signature".into(),
        allow_insecure: false,
    }
}

pub fn customer(n: u32) -> Client {
    Client {
        id: client(n),
        name: format!("Client {n}"),
        time_zone: "Europe/Berlin".into(),
        halo: Some(HaloBinding { connection: halo(1), halo_client_id: i64::from(n) + 10, site_id: None, team: None }),
    }
}

pub fn policy_of(n: u32) -> Policy {
    Policy {
        priorities: [("High".to_owned(), Ref::Id(1))].into(),
        statuses: [("New".to_owned(), Ref::Name("New".into()))].into(),
        ..Policy::new(policy(n), format!("Policy {n}"), Ref::Name("Incident".into()), NotesRule::Public)
    }
}

pub fn workspace_of(n: u32) -> Workspace {
    Workspace {
        id: workspace(n),
        arm_id: format!("/subscriptions/s/resourcegroups/r/providers/microsoft.operationalinsights/workspaces/law-{n}"),
        name: format!("law-{n}"),
        client: client(1),
        connection: microsoft(1),
        tenant_id: "t".into(),
        policy: policy(1),
        mode: Mode::TwoWay,
        since: at(0),
        poll_secs: 900,
        poll_fast_secs: 60,
        portal: Portal::Azure,
        webhook: true,
        shadow: false,
    }
}
