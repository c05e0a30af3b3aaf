//! Bursts of news that the original and a copy that writes meet at the same moment, before either can see what the other one makes
//! of them.

use super::{
    clicks::ada,
    copies::COPY,
    people::Deed,
    story::Who,
    world::{Broken, World},
};
use crate::service::acts;

/// Incidents that are raised, and words that are written on either side.
const NEWS: u32 = 3;

impl World {
    /// Incidents are raised, people write on both sides, and both processes look at once.
    ///
    /// # Errors
    /// The simulation could not.
    pub(super) fn have_a_burst(&mut self) -> Result<(), Broken> {
        for _ in 0..NEWS {
            self.raise();
            self.analyst_does(Deed::Comment);
            self.agent_does(Deed::Note);
        }
        self.tell(Who::Admin, "presses Sync now at both");
        for place in [0, COPY] {
            let Some(app) = self.host(place).map(|host| host.app.clone()) else { continue };
            let store = app.store.clone();
            // A full disk keeps it from being asked, as it would anybody.
            let _ = self.with_store(&store, move |store| async move {
                let installation = store.installation().await.ok()?;
                for workspace in &installation.workspaces {
                    acts::sync_workspace(&app, &ada(), workspace.id).await.ok()?;
                }
                acts::look_at_halo(&app, &ada(), installation.halo.first()?.id).await.ok()
            })?;
        }
        Ok(())
    }
}
