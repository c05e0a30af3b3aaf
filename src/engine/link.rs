//! Joining an incident and a ticket that both exist, as a person asked.

use crate::{
    domain::{
        failure::{FailureKind, Side},
        ids::{PairId, TicketId},
        incident::{Evidence, Incident},
        pair::{Pair, Subject},
    },
    ledger::fact::Fact,
    outbound::budget::Class,
    planner::{self, adopt, draft, link, observed::Reading},
    store::StoreError,
};

use super::{Engine, alerts, digest, newcomer, poll::Poll, push};

impl Poll<'_> {
    /// Joins an incident with the ticket that was asked for, or says at the incident why not. A side that cannot be
    /// read just now is asked again with the next poll.
    pub(super) async fn join(&mut self, subject: Subject, ticket: TicketId) -> Result<(), StoreError> {
        let (engine, workspace, client) = (self.engine, self.workspace, self.client);
        let incident = subject.incident.id.clone();
        if subject.client != client.id {
            return refuse(self, &subject, ticket, link::GIVEN_AWAY.into()).await;
        }
        let Some(binding) = client.halo.clone() else {
            return refuse(self, &subject, ticket, "The client has no Halo client yet. Give it one, then link.".into())
                .await;
        };
        let read = async {
            let halo = engine.registry.halo(binding.connection)?;
            let record = halo.ticket(ticket, Class::Interactive).await?;
            let actions = halo.actions(ticket, Class::Interactive).await?;
            let fresh = self.read(&incident).await?;
            let comments = self.sentinel.comments(&self.at, &incident, Class::Interactive).await?;
            Ok((record, actions, fresh, comments))
        };
        let (record, actions, fresh, comments) = match read.await {
            Ok(found) => found,
            Err(failure) => {
                let failure: crate::domain::failure::Failure = failure;
                let settled =
                    matches!(failure.kind, FailureKind::Gone | FailureKind::Rejected | FailureKind::Forbidden);
                if settled && failure.side == Side::Halo {
                    self.natives_of(&binding, |known| known.forget(ticket));
                }
                return match failure.kind {
                    FailureKind::Gone => {
                        let why = match failure.side {
                            Side::Halo => link::not_there(ticket),
                            Side::Sentinel => "The incident does not exist (any more).".to_owned(),
                        };
                        refuse(self, &subject, ticket, why).await
                    }
                    FailureKind::Rejected | FailureKind::Forbidden => {
                        refuse(self, &subject, ticket, failure.message).await
                    }
                    _ => {
                        self.failed_with(failure);
                        Ok(())
                    }
                };
            }
        };
        let maps = self.policy().maps_evidence() && fresh.alerts_count != 0;
        let evidence = if maps { self.beside_linked(&fresh).await } else { None };
        let lane = engine.lanes.newcomers(workspace.id).await;
        let still = engine.store.subject(workspace.id, &incident).await?;
        if !still.is_some_and(|now| now.pair.is_none() && now.held == subject.held) {
            return Ok(());
        }
        let linking = engine.lanes.ticket(ticket).await;
        let taken = !engine.store.pairs_of_ticket(binding.connection, ticket).await?.is_empty();
        if let Err(why) = link::joinable(&record, binding.halo_client_id, taken) {
            // One that is another incident's may be free again.
            if !taken {
                self.natives_of(&binding, |known| known.forget(ticket));
            }
            return refuse(self, &subject, ticket, why).await;
        }
        let now = engine.now();
        // Of one that is being pushed the incident says what the ticket said.
        let base = match engine.registry.catalogue(binding.connection) {
            Some(catalogue) if push::under_way(engine, workspace.id, ticket).await? => {
                planner::push::base(self.policy(), &catalogue, &fresh, &record)
            }
            _ => link::base(),
        };
        let id = PairId(engine.ids.uuid_v7(now));
        let reference = draft::ticket_reference(workspace, &fresh);
        let begun = newcomer::opened(id, workspace, &binding, incident.clone(), reference, base, now);
        let pair = Pair { ticket: Some(ticket), ..begun };
        let own = engine.registry.catalogue(binding.connection).and_then(|catalogue| catalogue.own_agent_id);
        let same = adopt::same_words(id, &comments, &actions, own);
        let lacking = maps && evidence.is_none();
        let lags = evidence.as_ref().is_some_and(|read| alerts::lag(self.policy(), &fresh, Some(read), now));
        let read = evidence.map(|evidence| {
            let incident = incident.clone();
            Fact::EvidenceRead { workspace: workspace.id, incident, evidence: Box::new(evidence) }
        });
        let mut facts =
            vec![Fact::IncidentRead { workspace: workspace.id, client: client.id, incident: Box::new(fresh) }];
        facts.extend(read);
        facts.extend([
            Fact::PairOpened { pair: Box::new(pair) },
            Fact::CommentsRead { pair: id, comments },
            Fact::TicketRead { pair: id, ticket: Box::new(record) },
            Fact::ActionsRead { pair: id, actions },
        ]);
        facts.extend(same.into_iter().map(|link| Fact::NoteLinked { link }));
        engine.record(now, Some(client.id), facts).await?;
        drop((linking, lane));
        if lacking {
            engine.schedule().comment_rereads.entry(workspace.id).or_default().insert(id);
        }
        if lags {
            engine.schedule().later_looks.entry(id).or_insert(now + alerts::FIRST_LOOK);
        }
        digest::pair(engine, id, Vec::new(), Reading::default()).await
    }

    /// What mapped values of an incident lie in. Without it the two are linked all the same: it is read with the next polls,
    /// and until then those values are not known. So where none of it shows yet.
    async fn beside_linked(&self, incident: &Incident) -> Option<Evidence> {
        match self.sentinel.evidence(&self.at, &incident.id, Class::Interactive).await {
            Ok(read) => (!alerts::none_yet(incident, &read, self.engine.now())).then_some(read),
            Err(failure) => {
                tracing::warn!(incident.id = %incident.id, error = %failure, "alerts and entities of an incident that is being linked could not be read; they are asked for again");
                None
            }
        }
    }
}

/// Says at the incident why it was not linked.
async fn refuse(poll: &Poll<'_>, subject: &Subject, ticket: TicketId, why: String) -> Result<(), StoreError> {
    let engine: &Engine = poll.engine;
    let reason = link::refused(subject.held.as_ref(), ticket, why);
    let held = Fact::IncidentHeld {
        workspace: subject.workspace,
        incident: subject.incident.id.clone(),
        reason: Some(reason),
    };
    engine.record(engine.now(), Some(subject.client), vec![held]).await.map(drop)
}
