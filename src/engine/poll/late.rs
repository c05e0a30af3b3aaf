//! Alerts that joined an incident that is linked.

use crate::{
    domain::incident::{Evidence, Incident},
    engine::{alerts, unread},
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
        let (pair, way) = (row.pair.id, (self.sentinel.as_ref(), &self.at));
        match alerts::late(self.engine, (self.policy, row), incident, way, Class::Comment).await {
            Ok(read) => {
                self.engine.schedule().alerts_read(pair);
                let known = read.as_ref().or(row.evidence.as_ref());
                alerts::look_later(self.engine, self.policy, &row.pair, incident, known);
                if let Some(read) = &read {
                    alerts::first_look(row, read, done);
                }
                Ok(read)
            }
            Err(failure) if !self.alone(&incident.id, &failure) => {
                self.counts.hold(incident);
                self.failed_with(failure);
                Err(())
            }
            // Alerts that cannot be read are no reason to leave the rest unread. Their pair asks for them again.
            Err(failure) => {
                let failure = unread::keep_alerts(self.engine, pair, incident, failure);
                tracing::warn!(incident.id = %incident.id, error = %failure, "alerts that joined could not be read");
                Ok(None)
            }
        }
    }
}
