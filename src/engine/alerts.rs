//! Reading alerts that joined an incident after its ticket was made.

use crate::{
    domain::{
        failure::Failure,
        incident::{Evidence, Incident, NOT_TOLD},
        pair::Base,
        policy::Policy,
    },
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{alerts, fields::once},
    sentinel::{Incidents, Place},
    store::SituationRow,
};

/// Reads them, where the incident says that there are more than are known (or they could not be read before: `again`) and the
/// policy tells of them or maps from them, or where values that its ticket is still to be given lie in what was never read.
/// Two calls, and only then.
///
/// # Errors
/// What the service says.
pub(super) async fn late(
    policy: &Policy,
    row: &SituationRow,
    incident: &Incident,
    (sentinel, at): (&dyn Incidents, &Place),
    class: Class,
    again: bool,
) -> Result<Option<Evidence>, Failure> {
    let known = row.evidence.as_ref().map_or(0, |evidence| evidence.alerts.len());
    let before = &row.subject.incident;
    let more = match incident.alerts_count {
        NOT_TOLD => incident.modified != before.modified,
        count => count > i64::try_from(known).unwrap_or(i64::MAX) || count != before.alerts_count,
    };
    let joined = (more || again) && (alerts::wanted(policy) || policy.follows_evidence());
    let new = row.pair.ticket.is_none() || once::awaits(&row.pair.base);
    let mapped = policy.follows_evidence() || policy.maps_evidence() && new;
    let lacking = mapped && row.evidence.is_none() && incident.alerts_count != 0;
    if !joined && !lacking || incident.redirected() {
        return Ok(None);
    }
    sentinel.evidence(at, &incident.id, class).await.map(Some)
}

/// What is recorded beside them for a pair that was made before anybody looked: only what joins from now on is told.
pub(super) fn first_look(row: &SituationRow, read: &Evidence, done: &mut Vec<Fact>) {
    let last = done.iter_mut().rev().find_map(|fact| match fact {
        Fact::BaseAgreed { base, .. } => Some(base),
        _ => None,
    });
    let known = Some(alerts::ids(row.evidence.as_ref().unwrap_or(read)));
    match last {
        Some(base) if base.alerts.is_none() => base.alerts = known,
        None if row.pair.base.alerts.is_none() => {
            let base = Base { alerts: known, ..row.pair.base.clone() };
            done.push(Fact::BaseAgreed { pair: row.pair.id, base });
        }
        _ => {}
    }
}
