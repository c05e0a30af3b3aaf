//! What people decide about a pair: written down for the planner, then the pair is looked at again.

use serde_json::json;

use super::{App, acts, caller::Caller, error::ServiceError, fault, pairs};
use crate::{
    domain::{
        account::Role,
        decision::Decision,
        ids::PairId,
        reason::Reason,
        view::pair::{AnswerView, ChoiceView},
    },
    ledger::fact::Fact,
    planner::{Plan, choice, situation::Situation},
};

/// The questions that wait on a pair, with their answers.
pub fn choices(s: &Situation<'_>) -> Vec<ChoiceView> {
    let view = |found: choice::Choice| ChoiceView {
        reason: found.reason,
        answers: found.answers.into_iter().map(|(label, decision)| AnswerView { label, decision }).collect(),
    };
    choice::choices(s).into_iter().map(view).collect()
}

/// What is open on a pair beside the reason that it shows and what is asked about.
pub fn open(s: &Situation<'_>, plan: &Plan, asked: &[ChoiceView]) -> Vec<Reason> {
    let shown =
        |reason: &Reason| s.pair.reason.as_ref() == Some(reason) || asked.iter().any(|one| one.reason == *reason);
    plan.items().iter().filter(|reason| !shown(reason)).cloned().collect()
}

/// Decides. Only what the pair's page offers at this moment can be decided: what the person saw may be gone.
///
/// # Errors
/// `Conflict` when this is not asked (any more) or is no decision at all, `Forbidden` for viewers, `NotFound` for foreign pairs.
pub async fn decide(app: &App, caller: &Caller, pair: PairId, decision: Option<Decision>) -> Result<(), ServiceError> {
    caller.need(Role::Operator)?;
    let client = pairs::seen(app, caller, pair).await?.client;
    let decision = decision.ok_or(ServiceError::Conflict)?;
    let _alone = app.kept.deciding.lock().await;
    let row = app.store.situation(pair).await.map_err(|e| fault("read a pair", &e))?.ok_or(ServiceError::NotFound)?;
    let installation = app.installation().await?;
    let catalogue = app.store.catalogue(row.pair.halo).await.map_err(|e| fault("read Halo's look-ups", &e))?;
    let catalogue = catalogue.map(|(catalogue, _)| catalogue).unwrap_or_default();
    let merged = pairs::merged(app, &row.pair, None).await?;
    let known = (&row, merged.as_slice());
    let offered = pairs::with_situation(app, &installation, &catalogue, known, choice::choices).unwrap_or_default();
    if !offered.iter().flat_map(|choice| &choice.answers).any(|(_, answer)| *answer == decision) {
        return Err(ServiceError::Conflict);
    }
    let act = acts::act(caller, "decide", Some(pair), json!({ "decision": decision }));
    acts::record(app, Some(client), vec![act, Fact::Decided { pair, decision }]).await?;
    app.engine.look_again(pair);
    Ok(())
}
