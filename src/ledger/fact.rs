//! What can be written down.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    backfill::Backfill,
    decision::Decision,
    delivery::DeliverySource,
    drift::Drift,
    failure::{Failure, Side},
    ids::{ClientId, ConnectionId, DeliveryId, IncidentId, OperationId, PairId, UserId, WorkspaceId},
    incident::{Comment, Evidence, Incident},
    operation::{Operation, OperationState},
    pair::{Base, NoteLink, Pair, PairState},
    pause::{Pause, PauseScope},
    reason::Reason,
    run::{Run, RunScope},
    shadow::Compared,
    ticket::{Action, Ticket},
};

/// One fact. Large contents (incidents, tickets, comments, actions, webhook bodies) are kept apart by
/// their hash, see [`Fact::body`]; the rest is the entry's detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "a step holds a handful, and each is written at once")]
pub enum Fact {
    /// An incident was read and its content was new or changed.
    IncidentRead {
        /// Where.
        workspace: WorkspaceId,
        /// Whose.
        client: ClientId,
        /// What it said.
        incident: Box<Incident>,
    },
    /// A record that could not be understood was read: kept raw, so that nothing is lost.
    Unreadable {
        /// Where.
        workspace: Option<WorkspaceId>,
        /// As it came.
        raw: Value,
    },
    /// An incident stays unlinked, or (`None`) may be linked after all.
    IncidentHeld {
        /// Where.
        workspace: WorkspaceId,
        /// Which.
        incident: IncidentId,
        /// Why.
        reason: Option<Reason>,
    },
    /// Comments of a pair's incident were read and differ from before.
    CommentsRead {
        /// The pair.
        pair: PairId,
        /// All of them.
        comments: Vec<Comment>,
    },
    /// Alerts and entities of an incident were read.
    EvidenceRead {
        /// Where.
        workspace: WorkspaceId,
        /// Which.
        incident: IncidentId,
        /// What they said.
        evidence: Box<Evidence>,
    },
    /// A pair's ticket was read and differs from before.
    TicketRead {
        /// The pair.
        pair: PairId,
        /// What it said.
        ticket: Box<Ticket>,
    },
    /// Actions of a pair's ticket were read and differ from before.
    ActionsRead {
        /// The pair.
        pair: PairId,
        /// All of them.
        actions: Vec<Action>,
    },
    /// The planner decided to link an incident.
    PairOpened {
        /// The pair as it begins.
        pair: Box<Pair>,
    },
    /// The planner concluded how a pair stands.
    PairJudged {
        /// The pair.
        pair: PairId,
        /// How it stands.
        state: PairState,
    },
    /// Both sides agree on these values now.
    BaseAgreed {
        /// The pair.
        pair: PairId,
        /// The values.
        base: Base,
    },
    /// The pair's ticket is known.
    TicketLinked {
        /// The pair.
        pair: PairId,
        /// The ticket.
        ticket: crate::domain::ids::TicketId,
    },
    /// A comment and an action carry the same words.
    NoteLinked {
        /// Which.
        link: NoteLink,
    },
    /// A write was planned.
    OperationPlanned {
        /// Which.
        operation: Box<Operation>,
    },
    /// An operation moved on.
    OperationMoved {
        /// Which.
        operation: OperationId,
        /// Of which pair.
        pair: PairId,
        /// Where it stands now.
        state: OperationState,
        /// Times sent.
        attempts: u32,
        /// Why it could not be carried out this time.
        failure: Option<Failure>,
    },
    /// Everything modified up to here was read.
    CursorMoved {
        /// Of which workspace.
        workspace: WorkspaceId,
        /// Highest modification time read, by the service's clock.
        modified: Timestamp,
        /// Highest incident number read.
        number: Option<i64>,
    },
    /// Everything changed in Halo up to here was read.
    HaloCursorMoved {
        /// Of which connection.
        connection: ConnectionId,
        /// Highest `last_update` read, by Halo's clock.
        updated: Timestamp,
    },
    /// A run that read a change or failed has ended.
    RunEnded {
        /// Which.
        run: Run,
    },
    /// A webhook was received.
    DeliveryReceived {
        /// Ours.
        delivery: DeliveryId,
        /// Who sent it.
        source: DeliverySource,
        /// The raw body, base64 when it is not UTF-8 text.
        body: String,
    },
    /// The engine took a webhook up.
    DeliveryHandled {
        /// Which.
        delivery: DeliveryId,
    },
    /// A pair's incident was merged in Defender into another one.
    SurvivorFound {
        /// The pair of the merged incident.
        pair: PairId,
        /// The incident that is left.
        survivor: IncidentId,
    },
    /// What Halo's own Sentinel integration made of an incident was compared with what was to be done.
    ShadowCompared {
        /// Where the incident lies.
        workspace: WorkspaceId,
        /// Which.
        incident: IncidentId,
        /// What was found.
        compared: Compared,
    },
    /// A backfill was asked for, counted, begun, has come further or is over.
    BackfillMoved {
        /// As it stands now.
        backfill: Backfill,
    },
    /// A pair's record was not found on one side, or is there again.
    RecordGone {
        /// The pair.
        pair: PairId,
        /// On which side.
        side: Side,
        /// It is gone; else it is there again.
        gone: bool,
    },
    /// Drift was found and dealt with as the policy says.
    DriftFound {
        /// The pair.
        pair: PairId,
        /// What was found.
        drift: Drift,
    },
    /// A person decided something about a pair, which the planner takes into account from now on.
    Decided {
        /// The pair.
        pair: PairId,
        /// What.
        decision: Decision,
    },
    /// A person took a pair apart; both records stay.
    Unlinked {
        /// The pair that is no more.
        pair: PairId,
        /// Where its incident lies.
        workspace: WorkspaceId,
        /// Its incident.
        incident: IncidentId,
        /// What the incident is held for from now on.
        reason: Reason,
    },
    /// A pair, client or connection is paused: what is planned waits.
    Paused {
        /// What, why and since when.
        pause: Pause,
    },
    /// It goes on.
    Resumed {
        /// What was paused.
        scope: PauseScope,
        /// Only the pause by a failure ends; otherwise both.
        automatic: bool,
    },
    /// A person did something.
    HumanAct {
        /// Who; `None` for the command line.
        user: Option<UserId>,
        /// What, as a stable name (`look-again`, `sync-now`, `retry`, `drop`, `plan-again`, `sign-in`, `config-apply`, …).
        act: String,
        /// The pair it concerned, if any.
        pair: Option<PairId>,
        /// Details without secrets.
        detail: Value,
    },
}

impl Fact {
    /// The name, as stored and filtered by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::IncidentRead { .. } => "incident-read",
            Self::Unreadable { .. } => "unreadable",
            Self::IncidentHeld { .. } => "incident-held",
            Self::CommentsRead { .. } => "comments-read",
            Self::EvidenceRead { .. } => "evidence-read",
            Self::TicketRead { .. } => "ticket-read",
            Self::ActionsRead { .. } => "actions-read",
            Self::PairOpened { .. } => "pair-opened",
            Self::PairJudged { .. } => "pair-judged",
            Self::BaseAgreed { .. } => "base-agreed",
            Self::TicketLinked { .. } => "ticket-linked",
            Self::NoteLinked { .. } => "note-linked",
            Self::OperationPlanned { .. } => "operation-planned",
            Self::OperationMoved { .. } => "operation-moved",
            Self::CursorMoved { .. } => "cursor-moved",
            Self::HaloCursorMoved { .. } => "halo-cursor-moved",
            Self::RunEnded { .. } => "run-ended",
            Self::DeliveryReceived { .. } => "delivery-received",
            Self::DeliveryHandled { .. } => "delivery-handled",
            Self::SurvivorFound { .. } => "survivor-found",
            Self::ShadowCompared { .. } => "shadow-compared",
            Self::BackfillMoved { .. } => "backfill-moved",
            Self::RecordGone { .. } => "record-gone",
            Self::DriftFound { .. } => "drift-found",
            Self::Decided { .. } => "decided",
            Self::Unlinked { .. } => "unlinked",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::HumanAct { .. } => "human-act",
        }
    }

    /// The workspace it tells of by itself; what tells of a pair tells of the pair's.
    pub fn workspace(&self) -> Option<WorkspaceId> {
        match self {
            Self::IncidentRead { workspace, .. }
            | Self::IncidentHeld { workspace, .. }
            | Self::EvidenceRead { workspace, .. }
            | Self::CursorMoved { workspace, .. }
            | Self::ShadowCompared { workspace, .. }
            | Self::Unlinked { workspace, .. }
            | Self::DeliveryReceived { source: DeliverySource::Sentinel { workspace, .. }, .. } => Some(*workspace),
            Self::Unreadable { workspace, .. } => *workspace,
            Self::PairOpened { pair } => Some(pair.workspace),
            Self::RunEnded { run: Run { scope: RunScope::Workspace { id }, .. } } => Some(*id),
            Self::BackfillMoved { backfill } => Some(backfill.workspace),
            Self::HumanAct { detail, .. } => detail.get("workspace")?.as_str()?.parse().ok(),
            _ => None,
        }
    }

    /// The pair it concerns, for the pair's timeline.
    pub fn pair(&self) -> Option<PairId> {
        match self {
            Self::CommentsRead { pair, .. }
            | Self::TicketRead { pair, .. }
            | Self::ActionsRead { pair, .. }
            | Self::PairJudged { pair, .. }
            | Self::BaseAgreed { pair, .. }
            | Self::TicketLinked { pair, .. }
            | Self::SurvivorFound { pair, .. }
            | Self::Decided { pair, .. }
            | Self::RecordGone { pair, .. }
            | Self::DriftFound { pair, .. }
            | Self::Unlinked { pair, .. }
            | Self::OperationMoved { pair, .. } => Some(*pair),
            Self::PairOpened { pair } => Some(pair.id),
            Self::Paused { pause: Pause { scope: PauseScope::Pair { id }, .. } }
            | Self::Resumed { scope: PauseScope::Pair { id }, .. } => Some(*id),
            Self::NoteLinked { link } => Some(link.pair),
            Self::OperationPlanned { operation } => Some(operation.pair),
            Self::HumanAct { pair, .. } => *pair,
            _ => None,
        }
    }
}
