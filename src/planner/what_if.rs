//! What a policy would do: the gates, the draft and the plan are asked as always, and counted instead of carried out.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::{
    catalogue::Catalogue,
    client::Client,
    incident::{Incident, IncidentStatus},
    operation::OperationKind,
    policy::Policy,
    reason::Reason,
    view::what_if::{Counted, SAMPLES, Sample, WhatIf, most_first},
    workspace::{Mode, Workspace},
};

use super::{Situation, draft, gate, mapping, plan, requester::Affected};

/// A count in the making. Incidents are to be added newest first.
#[derive(Debug)]
pub struct Counting {
    what: WhatIf,
    skipped: BTreeMap<&'static str, (String, u32)>,
    lacking: BTreeMap<String, u32>,
}

impl Counting {
    /// For incidents created from one moment up to another.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { what: WhatIf::new(from, to), skipped: BTreeMap::new(), lacking: BTreeMap::new() }
    }

    /// An incident without a ticket. The start is lifted to the range's beginning, and a mode that makes tickets is
    /// assumed where the workspace's does not.
    pub fn add(&mut self, found: (&Workspace, &Client, &Policy), catalogue: &Catalogue, incident: &Incident) {
        let (workspace, client, policy) = found;
        let workspace = Workspace { since: self.what.from, mode: live(workspace.mode), ..workspace.clone() };
        self.what.incidents += 1;
        let passed = match gate::ask(&workspace, client, policy, Some(catalogue), incident) {
            Ok(passed) => passed,
            Err(reason) => return self.skip(&reason),
        };
        self.what.tickets += 1;
        self.what.closed += u32::from(incident.closed());
        let drafted = draft::draft(&workspace, policy, catalogue, &passed, incident, None, Affected::NotKnown);
        for reason in &drafted.lacking {
            *self.lacking.entry(reason.words()).or_default() += 1;
        }
        if self.what.samples.len() < SAMPLES {
            let ticket = drafted.draft;
            self.what.samples.push(Sample {
                number: incident.number,
                summary: ticket.summary,
                client: client.name.clone(),
                severity: incident.severity.to_string(),
                priority: ticket
                    .priority_id
                    .map(|id| mapping::priority_of_type(policy, catalogue, id))
                    .unwrap_or_default(),
                status: ticket.status_id.map(|id| mapping::status_name(catalogue, id)).unwrap_or_default(),
                agent: ticket.agent_id.map(|id| mapping::agent_name(catalogue, id)).unwrap_or_default(),
                closed: incident.closed(),
            });
        }
    }

    /// An incident that stays without a ticket for a reason that is kept with it.
    pub fn skip(&mut self, reason: &Reason) {
        self.skipped.entry(reason.code()).or_insert_with(|| (reason.words(), 0)).1 += 1;
    }

    /// The same, of one that was not counted yet.
    pub fn held(&mut self, reason: &Reason) {
        self.what.incidents += 1;
        self.skip(reason);
    }

    /// An incident with a ticket: what would be written in the pair under this policy, if it is known.
    pub fn linked(&mut self, situation: Option<&Situation<'_>>, catalogue: &Catalogue) {
        self.what.incidents += 1;
        self.what.linked += 1;
        let Some(situation) = situation else { return };
        let workspace = Workspace { mode: live(situation.workspace.mode), ..situation.workspace.clone() };
        let situation = Situation { workspace: &workspace, ..*situation };
        let planned = plan(&situation);
        let closes = |kind: &OperationKind| match kind {
            OperationKind::UpdateIncident { change } => change.status == Some(IncidentStatus::Closed),
            OperationKind::UpdateTicket { change } => {
                let closed = mapping::status(situation.policy, catalogue, &IncidentStatus::Closed).ok();
                change.status_id.is_some() && change.status_id == closed
            }
            _ => false,
        };
        self.what.changed += u32::from(!planned.operations.is_empty());
        self.what.closing += u32::from(planned.operations.iter().any(|operation| closes(&operation.kind)));
    }

    /// The whole of it; `more` when not all were looked at.
    pub fn done(mut self, more: bool) -> WhatIf {
        let sorted = |rows: Vec<(String, u32)>| {
            let mut rows: Vec<Counted> = rows.into_iter().map(|(says, count)| Counted { says, count }).collect();
            most_first(&mut rows);
            rows
        };
        self.what.skipped = sorted(self.skipped.into_values().collect());
        self.what.lacking = sorted(self.lacking.into_iter().collect());
        self.what.more = more;
        self.what
    }
}

/// A mode that makes tickets, in the place of one that does not.
fn live(mode: Mode) -> Mode {
    match mode {
        Mode::SentinelToHalo => Mode::SentinelToHalo,
        _ => Mode::TwoWay,
    }
}
