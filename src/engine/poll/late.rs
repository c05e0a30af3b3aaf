//! Alerts that joined an incident that is linked.

use crate::{
    domain::incident::{Evidence, Incident},
    engine::alerts,
    ledger::fact::Fact,
    outbound::budget::Class,
    store::SituationRow,
};

use super::Poll;

impl Poll<'_> {
    /// Reads them; `Err` when the incident is to be read once more for that.
    pub(super) async fn late_alerts(
        &mut self,
        row: &SituationRow,
        incident: &Incident,
        done: &mut Vec<Fact>,
    ) -> Result<Option<Evidence>, ()> {
        let way = (self.sentinel.as_ref(), &self.at);
        match alerts::late(self.policy, row, incident, way, Class::Comment).await {
            Ok(read) => {
                if let Some(read) = &read {
                    alerts::first_look(row, read, done);
                }
                Ok(read)
            }
            Err(failure) if failure.retryable() => {
                self.counts.hold(incident);
                self.failed_with(failure);
                Err(())
            }
            // What will not be told is no reason to leave the rest unread.
            Err(failure) => {
                tracing::warn!(incident.id = %incident.id, error = %failure, "alerts that joined could not be read");
                Ok(None)
            }
        }
    }
}
