//! The gates of an incident, for pages: what each asked, what it saw, and what would change it.

use super::{App, error::ServiceError, fault};
use crate::{
    domain::{ids::WorkspaceId, incident::Incident, reason::Reason, view::not_linked::GateRow},
    planner::explain,
    store::Installation,
};

/// Every gate, as it stands now; none while the workspace has been removed. `held` is what is kept with the incident.
///
/// # Errors
/// The store cannot be read.
pub async fn gates(
    app: &App,
    installation: &Installation,
    workspace: WorkspaceId,
    incident: &Incident,
    held: Option<&Reason>,
) -> Result<Vec<GateRow>, ServiceError> {
    let Some(found) = installation.connected(workspace) else { return Ok(Vec::new()) };
    let catalogue = match &found.client.halo {
        Some(binding) => {
            app.store.catalogue(binding.connection).await.map_err(|e| fault("read Halo's look-ups", &e))?
        }
        None => None,
    };
    let catalogue = catalogue.as_ref().map(|(catalogue, _)| catalogue);
    let all = explain::all(found.workspace, found.client, found.policy, catalogue, incident, held);
    let row = |gate: explain::Gate| GateRow {
        name: gate.name,
        rule: gate.rule,
        saw: gate.saw,
        passes: gate.fails.is_none(),
        remedy: gate.fails.as_ref().and_then(Reason::remedy),
    };
    Ok(all.into_iter().map(row).collect())
}
