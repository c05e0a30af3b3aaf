//! Reading the incidents that webhooks named, one by one: one call each instead of a list, so that a new
//! incident is a ticket after two calls. The list stays the truth: it follows within seconds, and at once
//! where a named incident could not be read. And the comments of those that waited for a place in our own budget.

use jiff::SignedDuration;

use crate::{
    domain::{
        failure::FailureKind,
        ids::{IncidentId, WorkspaceId},
        run::RunCause,
    },
    outbound::budget::Class,
    store::StoreError,
};

use super::{Engine, poll::Poll, registry::wait_for_catalogue, unread};

/// More named incidents of one workspace than this are read by a list.
pub(super) const NAMED_MAX: usize = 8;
/// A list follows what was named within this time.
const LIST_WITHIN: SignedDuration = SignedDuration::from_secs(10);

/// Reads what was named of a workspace.
pub(super) async fn run(engine: &Engine, id: WorkspaceId) -> Result<(), StoreError> {
    let now = engine.now();
    let (named, waited) = {
        let mut schedule = engine.schedule();
        (schedule.named.take(id, now), schedule.comments_due(id, now))
    };
    let view = engine.registry.view();
    let Some((workspace, client, policy)) = view.of_workspace(id) else { return Ok(()) };
    let any_named = !named.is_empty();
    let list = |engine: &Engine| {
        if any_named {
            engine.schedule().hasten_poll(id, RunCause::Webhook, now);
        }
    };
    if let Some(binding) = &client.halo
        && wait_for_catalogue(engine, binding.connection).is_none()
    {
        list(engine);
        return Ok(());
    }
    let (Ok(sentinel), Some(at)) = (engine.registry.sentinel(workspace.connection), view.place(workspace)) else {
        // The list says why it cannot be read.
        list(engine);
        return Ok(());
    };
    let mut poll = Poll::new(engine, (workspace, client, policy), at, sentinel, Class::WebhookBorn);
    if !any_named {
        return unread::read_waiting(&mut poll, waited).await;
    }
    // While they are on their way the store says what it knows of them. What moves meanwhile is asked for again.
    let ids: Vec<IncidentId> = named.into_iter().collect();
    let reading = async {
        let mut found = Vec::with_capacity(ids.len());
        for incident in &ids {
            match poll.read(incident).await {
                Ok(incident) => found.push(incident),
                // Not there yet: it is listed for until it shows.
                Err(failure) if failure.kind == FailureKind::Gone => {
                    engine.schedule().announced.entry((id, incident.clone())).or_insert((now, 0));
                }
                Err(failure) => {
                    tracing::warn!(workspace.id = %id, incident.id = %incident, error = %failure, "an announced incident could not be read; the list is");
                    list(engine);
                    break;
                }
            }
        }
        found
    };
    let (found, ahead) = futures::future::join(reading, poll.ahead(&ids, true)).await;
    let recorded = match ahead {
        Ok(ahead) => poll.page_after(found, ahead).await,
        Err(error) => Err(error),
    };
    if recorded.is_err() || poll.failed() || poll.spoiled() {
        list(engine);
    } else {
        engine.schedule().poll_within(id, LIST_WITHIN, now);
    }
    recorded?;
    unread::read_waiting(&mut poll, waited).await
}
