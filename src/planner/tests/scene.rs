//! A pair in step, to be changed by a test.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::{
    domain::{
        catalogue::{Agent, Catalogue, FieldDefinition, Named, Priority, Ref, TicketType},
        client::{Client, HaloBinding},
        closing::{Classification, Verdict},
        failure::Side,
        group::Mate,
        ids::{
            ActionKey, ClientId, CommentId, ConnectionId, IncidentId, OperationId, PairId, PolicyId, TicketId, UserId,
            WorkspaceId,
        },
        incident::{Comment, Evidence, Incident, IncidentStatus, Label, Owner, Severity},
        merge::{Merge, MergedFrom},
        operation::{Operation, OperationState},
        pair::{Base, Health, NoteLink, Pair, SyncState},
        policy::{NotesRule, Policy},
        reason::Reason,
        ticket::{Action, CustomField, Ticket},
        time,
        workspace::{Mode, Portal, Workspace},
    },
    planner::{Plan, Situation, plan, situation::Seen},
};

pub use super::in_words::words;

pub fn at(text: &str) -> Timestamp {
    time::parse(text).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// Everything a situation borrows from.
#[derive(Debug, Clone)]
pub struct Scene {
    pub workspace: Workspace,
    pub client: Client,
    pub policy: Policy,
    pub catalogue: Catalogue,
    pub pair: Pair,
    pub incident: Incident,
    pub ticket: Option<Ticket>,
    pub comments: Option<Vec<Comment>>,
    pub actions: Option<Vec<Action>>,
    pub links: Vec<NoteLink>,
    pub operations: Vec<Operation>,
    pub evidence: Option<Evidence>,
    pub seen: Seen,
    pub unread: Option<(Side, String)>,
    pub forgotten: Option<Timestamp>,
    pub now: Timestamp,
    pub merge: Merge,
    pub merged: Vec<MergedFrom>,
    pub mates: Vec<Mate>,
}

pub const NEW: i64 = 1;
pub const WORKING: i64 = 2;
pub const CLOSED: i64 = 9;
pub const HOLD: i64 = 23;

/// Incident #7 (Medium, Active, unassigned) and ticket 70 (medium, in progress) of one client, two-way, in step.
pub fn in_step() -> Scene {
    let (workspace_id, client_id, halo) = (WorkspaceId(id(1)), ClientId(id(2)), ConnectionId(id(3)));
    let incident = Incident {
        id: IncidentId::new("11111111-2222-4333-8444-555555555555"),
        resource_id: "/subscriptions/s/x/incidents/11111111-2222-4333-8444-555555555555".into(),
        etag: Some("\"a\"".into()),
        number: Some(7),
        title: "Sign-in from two places".into(),
        description: None,
        severity: Severity::Medium,
        status: IncidentStatus::Active,
        classification: None,
        classification_reason: None,
        classification_comment: None,
        owner: Owner::default(),
        labels: Vec::new(),
        first_activity: None,
        last_activity: None,
        created: Some(at("2026-03-01T10:00:00Z")),
        modified: Some(at("2026-03-01T11:00:00Z")),
        alerts_count: 1,
        comments_count: 0,
        url: None,
        provider_name: Some("Azure Sentinel".into()),
        provider_incident_id: None,
        provider_url: None,
        raw: json!({"name": "11111111-2222-4333-8444-555555555555", "properties": {"incidentNumber": 7, "severity": "Medium"}}).into(),
    };
    let ticket = Ticket {
        id: TicketId(70),
        summary: "[Sentinel 7] Sign-in from two places".into(),
        client_id: Some(12),
        client_name: None,
        site_id: None,
        user_id: None,
        ticket_type_id: Some(21),
        status_id: Some(WORKING),
        priority_id: Some(3),
        sla_id: Some(5),
        agent_id: Some(1),
        team: Some("Security".into()),
        category_1: None,
        closed: false,
        closure_note: None,
        merged_into: None,
        deleted: false,
        last_update: Some(at("2026-03-01T11:00:05Z")),
        last_action: Some(at("2026-03-01T11:00:05Z")),
        custom_fields: Vec::new(),
        fields_told: false,
        warning: None,
        raw: json!({"id": 70}).into(),
    };
    Scene {
        workspace: Workspace {
            id: workspace_id,
            arm_id: "/subscriptions/s/resourcegroups/g/providers/microsoft.operationalinsights/workspaces/w".into(),
            name: "w".into(),
            client: client_id,
            connection: ConnectionId(id(4)),
            tenant_id: "t".into(),
            policy: PolicyId(id(5)),
            mode: Mode::TwoWay,
            since: at("2026-01-01T00:00:00Z"),
            poll_secs: 900,
            poll_fast_secs: 60,
            portal: Portal::Azure,
            webhook: false,
            shadow: false,
        },
        client: Client {
            id: client_id,
            name: "Northwind".into(),
            time_zone: "UTC".into(),
            halo: Some(HaloBinding { connection: halo, halo_client_id: 12, site_id: None, team: None }),
        },
        policy: policy(),
        catalogue: catalogue(),
        pair: Pair {
            id: PairId(id(6)),
            client: client_id,
            workspace: workspace_id,
            incident: incident.id.clone(),
            halo,
            halo_client_id: 12,
            ticket: Some(TicketId(70)),
            reference: "HB-0000000001".into(),
            base: Base {
                severity: Some(Severity::Medium),
                priority_id: Some(3),
                incident_status: Some(IncidentStatus::Active),
                status_id: Some(WORKING),
                ticket_closed: false,
                owner: None,
                agent_id: Some(1),
                title: Some("Sign-in from two places".into()),
                summary: Some("[Sentinel 7] Sign-in from two places".into()),
                ..Base::default()
            },
            survivor: None,
            merged: false,
            gone: None,
            decisions: Vec::new(),
            group: None,
            sync: SyncState::InStep,
            health: Health::Healthy,
            reason: None,
            further: Vec::new(),
            created: at("2026-03-01T10:01:00Z"),
            changed: at("2026-03-01T11:00:06Z"),
        },
        incident,
        ticket: Some(ticket),
        comments: Some(Vec::new()),
        actions: Some(Vec::new()),
        links: Vec::new(),
        operations: Vec::new(),
        evidence: None,
        seen: Seen::default(),
        unread: None,
        forgotten: None,
        now: at("2026-03-01T12:00:00Z"),
        merge: Merge::None,
        merged: Vec::new(),
        mates: Vec::new(),
    }
}

pub fn policy() -> Policy {
    let name = |text: &str| Ref::Name(text.to_owned());
    let verdict = |classification, reason: Option<&str>| Verdict {
        classification,
        reason: reason.map(str::to_owned),
        comment: None,
    };
    Policy {
        priorities: [("High", "High"), ("Medium", "Medium"), ("Low", "Low"), ("Informational", "Low")]
            .into_iter()
            .map(|(severity, priority)| (severity.to_owned(), name(priority)))
            .collect(),
        team: Some(name("Security")),
        classification_field: Some(name("CFClass")),
        classifications: [("false alarm".to_owned(), verdict(Classification::FalsePositive, Some("InaccurateData")))]
            .into(),
        evidence: false,
        link_comment: false,
        ..Policy::new(PolicyId(id(5)), "base", name("Security Incident"), NotesRule::All)
    }
}

fn text_field(id: i64, name: &str) -> FieldDefinition {
    FieldDefinition { id, name: name.to_owned(), label: None, kind: 0, options: Vec::new() }
}

fn catalogue() -> Catalogue {
    let named = |id: i64, name: &str| Named { id, name: name.to_owned() };
    let priority = |id: i64, name: &str| Priority { id, name: name.to_owned(), sla_id: Some(5) };
    let agent = |id: i64, name: &str, mail: Option<&str>| Agent {
        id,
        name: name.to_owned(),
        email: mail.map(str::to_owned),
        object_id: None,
    };
    Catalogue {
        ticket_types: vec![TicketType { id: 21, name: "Security Incident".into(), default_sla: Some(5) }],
        statuses: vec![
            named(NEW, "New"),
            named(WORKING, "In Progress"),
            named(CLOSED, "Closed"),
            named(HOLD, "On Hold"),
        ],
        closed_statuses: Vec::new(),
        priorities: vec![priority(2, "High"), priority(3, "Medium"), priority(4, "Low")],
        agents: vec![
            agent(1, "Unassigned", None),
            agent(5, "Amira", Some("amira@soc.example")),
            agent(6, "Jonas", None),
        ],
        teams: vec![named(1, "Security")],
        categories: Vec::new(),
        outcomes: vec![named(7, "Private Note")],
        fields: vec![
            text_field(120, "CFTactics"),
            text_field(121, "CFLabels"),
            FieldDefinition {
                id: 112,
                name: "CFClass".into(),
                label: Some("Classification".into()),
                kind: 2,
                options: vec![named(1, "True positive"), named(2, "False alarm"), named(3, "Undetermined")],
            },
        ],
        own_agent_id: Some(99),
        clients: Vec::new(),
        partial: Vec::new(),
    }
}

impl Scene {
    pub fn plan(&self) -> Plan {
        self.with(plan)
    }

    pub fn with<T>(&self, f: impl FnOnce(&Situation<'_>) -> T) -> T {
        f(&Situation {
            now: self.now,
            halo_tenant: "msp",
            ticket_url: Some("https://desk.example/tickets?id="),
            workspace: &self.workspace,
            client: &self.client,
            policy: &self.policy,
            catalogue: &self.catalogue,
            pair: &self.pair,
            incident: &self.incident,
            ticket: self.ticket.as_ref(),
            comments: self.comments.as_deref(),
            actions: self.actions.as_deref(),
            evidence: self.evidence.as_ref(),
            links: &self.links,
            operations: &self.operations,
            merge: &self.merge,
            merged: &self.merged,
            mates: &self.mates,
            seen: self.seen,
            unread: self.unread.as_ref().map(|(side, why)| (*side, why.as_str())),
            forgotten: self.forgotten,
        })
    }

    pub fn ticket(&mut self) -> &mut Ticket {
        self.ticket.as_mut().expect("the scene has a ticket")
    }

    pub fn close_incident(&mut self, classification: Classification, reason: Option<&str>) {
        self.incident.status = IncidentStatus::Closed;
        self.incident.classification = Some(classification);
        self.incident.classification_reason = reason.map(str::to_owned);
    }

    pub fn close_ticket(&mut self, option: Option<i64>) {
        let ticket = self.ticket();
        ticket.status_id = Some(CLOSED);
        ticket.closed = true;
        ticket.custom_fields = option
            .map(|value| CustomField { id: 112, name: "CFClass".into(), value: value.into(), display: None })
            .into_iter()
            .collect();
    }

    /// What stands in a custom field of the ticket.
    pub fn field(&mut self, id: i64, value: &str) {
        let fields = &mut self.ticket().custom_fields;
        fields.retain(|field| field.id != id);
        fields.push(CustomField { id, name: String::new(), value: value.into(), display: None });
    }

    pub fn label(&mut self, names: &[&str]) {
        self.incident.labels = names.iter().map(|name| Label { name: (*name).into(), kind: None }).collect();
    }

    pub fn redirect(&mut self) {
        self.incident.status = IncidentStatus::Closed;
        self.incident.labels = vec![Label { name: "redirected".into(), kind: None }];
    }

    pub fn comment(&mut self, n: u128, message: &str) -> CommentId {
        let id = CommentId::new(&Uuid::from_u128(n | (4 << 76)).to_string());
        self.comments.get_or_insert_default().push(Comment {
            raw: serde_json::Value::Null.into(),
            id: id.clone(),
            message: message.to_owned(),
            author: Some("Li Chen".into()),
            author_object_id: None,
            created: Some(at("2026-03-01T11:30:00Z")),
            modified: None,
            etag: None,
        });
        self.incident.comments_count += 1;
        id
    }

    pub fn note(&mut self, n: i64, html: &str) -> &mut Action {
        let actions = self.actions.get_or_insert_default();
        actions.push(Action {
            key: ActionKey { ticket: TicketId(70), action: n },
            outcome: Some("Note".into()),
            outcome_id: Some(8),
            system: false,
            who: Some("Amira".into()),
            agent_id: Some(5),
            application: None,
            at: Some(at("2026-03-01T11:40:00Z")),
            updated: None,
            note: String::new(),
            note_html: Some(html.to_owned()),
            private: true,
            privacy_untold: false,
            important: false,
            sync_to_sentinel: false,
            new_status: None,
            sentinel_classification: None,
            sentinel_classification_reason: None,
        });
        actions.last_mut().expect("just pushed")
    }

    /// A comment and an action that are copies of one another: `(edit, part)` of the action, what it said, and where
    /// the words were written first.
    pub fn link(
        &mut self,
        comment: &CommentId,
        action: ActionKey,
        (edit, part): (u32, u32),
        said: Option<String>,
        written_in: Side,
    ) {
        let (pair, comment) = (self.pair.id, comment.clone());
        self.links.push(NoteLink { pair, comment, action, edit, part, said, written_in });
    }

    /// Every open operation became a dead letter.
    pub fn give_up(&mut self) {
        for operation in self.operations.iter_mut().filter(|o| o.state.open()) {
            let reason = Reason::Refused { why: "Please enter a value.".into() };
            operation.state = OperationState::Dead { at: at("2026-03-01T12:05:00Z"), reason };
        }
    }

    /// A person drops every dead letter.
    pub fn drop_dead(&mut self) {
        let seen = Base::seen(&self.incident, self.ticket.as_ref());
        for operation in &mut self.operations {
            if let OperationState::Dead { reason, .. } = &operation.state {
                let (reason, seen) = (reason.clone(), seen.clone());
                let (at, who) = (at("2026-03-01T12:06:00Z"), Some(UserId(id(9))));
                operation.state = OperationState::Dropped { at, who, reason, seen };
            }
        }
    }

    /// Plans, queues, gives up and drops: what is planned now is never written in this form.
    pub fn plan_and_drop(&mut self) {
        let planned = self.plan();
        assert!(!planned.operations.is_empty(), "there is something to drop");
        self.queue(&planned);
        self.give_up();
        self.drop_dead();
    }

    /// Queues the plan's operations as the engine would.
    pub fn queue(&mut self, found: &Plan) {
        for (void, _) in &found.void {
            self.operations.retain(|o| o.id != *void);
        }
        for planned in &found.operations {
            let position = i64::try_from(self.operations.len()).unwrap_or(0) + 1;
            self.operations.push(Operation {
                id: OperationId(Uuid::from_u128(1000 + u128::try_from(position).unwrap_or(0))),
                client: self.client.id,
                pair: self.pair.id,
                position,
                kind: planned.kind.clone(),
                reason: planned.reason.clone(),
                state: OperationState::Planned { ready: at("2026-03-01T12:00:00Z") },
                attempts: 0,
                last_failure: None,
                planned: at("2026-03-01T12:00:00Z"),
            });
        }
        if let Some(base) = &found.base {
            self.pair.base = base.clone();
        }
        self.links.extend(found.links.iter().cloned());
    }
}

/// What a pair in step is planned to, once changed: name, change, the plan in words.
pub type Case = (&'static str, fn(&mut Scene), &'static str);

pub fn check(cases: &[Case]) {
    for (name, change, expected) in cases {
        let mut scene = in_step();
        change(&mut scene);
        assert_eq!(words(&scene.plan()), *expected, "{name}");
    }
}
