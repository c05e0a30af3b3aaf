//! Ledger entries in words.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    domain::{
        backfill::BackfillState,
        errand::PairAct,
        failure::Failure,
        ids::{OperationId, UserId},
        operation::OperationState,
        pair::{Pair, PairState},
        pause::PauseCause,
        shadow::{Compared, LapseKind},
        view::ledger::{EntryKind, TimelineEntry},
    },
    ledger::{entry::Entry, fact::Fact},
    planner::notes::to_sentinel::TICKET_ITSELF,
    store::Item,
};

/// Longest detail shown, in characters; the rest is in the export.
const DETAIL_MAX: usize = 20_000;

/// What ids in entries stand for.
#[derive(Debug, Default)]
pub struct Names {
    /// Sign-in names.
    pub people: HashMap<UserId, String>,
    /// Operations in words.
    pub operations: HashMap<OperationId, String>,
}

impl Names {
    fn person(&self, id: UserId) -> String {
        self.people.get(&id).cloned().unwrap_or_else(|| "(removed)".to_owned())
    }

    fn operation(&self, id: OperationId) -> String {
        self.operations.get(&id).map_or_else(|| "an operation".to_owned(), |words| lower(words))
    }
}

/// An entry as a line of a timeline. `names` knows people and operations by id; `with_pair` on pages of many pairs.
pub fn entry(item: Item, names: &Names, with_pair: bool) -> TimelineEntry {
    let (kind, words) = match &item.fact {
        Some(fact) => said(fact, names),
        None => (EntryKind::Engine, format!("{} (its content was erased).", item.entry.fact)),
    };
    let person = match &item.fact {
        Some(Fact::HumanAct { user, .. }) => {
            Some(user.map_or_else(|| "command line".to_owned(), |id| names.person(id)))
        }
        _ => None,
    };
    TimelineEntry {
        seq: item.entry.seq.0,
        at: item.entry.at,
        kind,
        words,
        who: person,
        pair: item.entry.pair.filter(|_| with_pair),
        detail: item.fact.as_ref().and_then(detail),
    }
}

/// An entry of a workspace that another client has by now, for who may not see that client: the chain stays whole, and
/// nothing is told.
pub fn withheld(entry: &Entry) -> TimelineEntry {
    TimelineEntry {
        seq: entry.seq.0,
        at: entry.at,
        kind: EntryKind::Engine,
        words: "Of a workspace that another client has by now.".to_owned(),
        who: None,
        pair: None,
        detail: None,
    }
}

/// An entry as data. The body of a webhook stays out.
pub fn data(fact: &Fact) -> Option<Value> {
    let mut value = serde_json::to_value(fact).ok()?;
    // the body of a webhook may hold what its sender thought secret: it stays in the store
    if let (Fact::DeliveryReceived { .. }, Some(body)) = (fact, value.get_mut("body")) {
        let size = body.as_str().map_or(0, str::len);
        *body = Value::String(format!("({size} characters)"));
    }
    Some(value)
}

fn detail(fact: &Fact) -> Option<String> {
    let text = serde_json::to_string_pretty(&data(fact)?).ok()?;
    Some(if text.chars().count() > DETAIL_MAX { text.chars().take(DETAIL_MAX).chain(['…']).collect() } else { text })
}

fn said(fact: &Fact, names: &Names) -> (EntryKind, String) {
    use EntryKind::{Decision, Engine, Failure as Failed, Read, Write};
    match fact {
        Fact::IncidentRead { incident, .. } if incident.drafted() => {
            (Decision, format!("The incident was drafted from its ticket: {}.", incident.severity.as_str()))
        }
        Fact::IncidentRead { incident, .. } => {
            (Read, format!("The incident was read: {}, {}.", incident.severity.as_str(), incident.status.as_str()))
        }
        Fact::Unreadable { .. } => {
            (Failed, "A record that could not be understood was read and kept as it came.".into())
        }
        Fact::IncidentHeld { reason: Some(reason), .. } => (Decision, reason.words()),
        Fact::IncidentHeld { reason: None, .. } => (Decision, "The incident may be linked after all.".into()),
        Fact::CommentsRead { comments, .. } => (Read, counted(comments.len(), "comment", "of the incident")),
        Fact::EvidenceRead { evidence, .. } => (
            Read,
            format!("Evidence was read: {} alerts, {} entities.", evidence.alerts.len(), evidence.entities.len()),
        ),
        Fact::TicketRead { ticket, .. } => {
            (Read, format!("Ticket {} was read: {}.", ticket.id, if ticket.closed { "closed" } else { "open" }))
        }
        Fact::ActionsRead { actions, .. } => (Read, counted(actions.len(), "action", "of the ticket")),
        Fact::PairOpened { pair } => (Decision, opened(pair)),
        Fact::PairJudged { state, .. } => (Decision, judged(state)),
        Fact::BaseAgreed { .. } => (
            Decision,
            "These values are the common ground from now on: where a side differs from them, it has changed.".into(),
        ),
        Fact::TicketLinked { ticket, .. } => (Write, format!("Ticket {ticket} belongs to this pair.")),
        Fact::NoteLinked { link } if link.action.action == TICKET_ITSELF => {
            (Decision, format!("A comment at the incident tells of ticket {} itself.", link.action.ticket))
        }
        Fact::NoteLinked { link } => (
            Decision,
            format!(
                "Action {} of ticket {} and a comment carry the same words.",
                link.action.action, link.action.ticket
            ),
        ),
        Fact::OperationPlanned { operation } => {
            (Write, format!("Planned: {}. {}", lower(&operation.kind.words()), operation.reason.words()))
        }
        Fact::OperationMoved { operation, state, attempts, failure, .. } => {
            moved(&names.operation(*operation), state, *attempts, failure.as_ref())
        }
        Fact::CursorMoved { .. } => (Engine, "Everything changed up to this moment was read.".into()),
        Fact::HaloCursorMoved { .. } => (Engine, "Everything changed in Halo up to this moment was read.".into()),
        Fact::RunEnded { run } => match &run.failure {
            Some(failure) => (Failed, format!("A run failed: {}", failure.message)),
            None => (Engine, format!("A run ended: {} read, {} changed.", run.read, run.changed)),
        },
        Fact::DeliveryReceived { .. } => (Engine, "A webhook was received.".into()),
        Fact::DeliveryHandled { .. } => (Engine, "A webhook was taken up.".into()),
        Fact::SurvivorFound { survivor, .. } => {
            (Decision, format!("The incident was merged in Defender into {survivor}."))
        }
        Fact::ShadowCompared { compared, .. } => (Decision, shadowed(compared)),
        Fact::RecordGone { side, gone: true, .. } => (Failed, format!("The record in {} is gone.", side.words())),
        Fact::RecordGone { side, .. } => (Read, format!("The record in {} is there again.", side.words())),
        Fact::DriftFound { drift, .. } => {
            (Decision, format!("Drift ({}): {}", lower(drift.class.words()), sentence(&drift.what)))
        }
        Fact::BackfillMoved { backfill } => (Engine, backfilled(&backfill.state).into()),
        Fact::Decided { decision, .. } => (EntryKind::Person, decision.words()),
        Fact::Unlinked { reason: crate::domain::reason::Reason::ClientNotBound, .. } => {
            let text = "Its workspace's client, or the client's place in Halo, is another one by now: the incident is judged anew.";
            (Decision, text.into())
        }
        Fact::Unlinked { reason: reason @ crate::domain::reason::Reason::Rehomed { .. }, .. } => {
            (Decision, reason.words())
        }
        Fact::Unlinked { reason, .. } => (EntryKind::Person, reason.words()),
        Fact::Paused { pause } => match &pause.cause {
            PauseCause::Person { why: Some(why), .. } => (EntryKind::Person, format!("Paused: {}", sentence(why))),
            PauseCause::Person { .. } => (EntryKind::Person, "Paused: what is planned waits.".into()),
            PauseCause::Failure { failure, .. } => {
                (Failed, format!("Paused, since trying again can't help: {}", sentence(&failure.message)))
            }
        },
        Fact::Resumed { automatic: true, .. } => (Engine, "What had paused it is over: it goes on.".into()),
        Fact::Resumed { .. } => (EntryKind::Person, "Resumed: what waited is carried out.".into()),
        Fact::HumanAct { act, detail, .. } => (EntryKind::Person, human(act, detail)),
    }
}

fn shadowed(compared: &Compared) -> String {
    let count = |kind| compared.count(kind);
    format!(
        "Halo's own integration was compared: {} missed, {} doubled, {} late.",
        count(LapseKind::Missed),
        count(LapseKind::Doubled),
        count(LapseKind::Delayed)
    )
}

/// Linked by hand, grouped or pushed, it has its ticket from the beginning.
fn opened(pair: &Pair) -> String {
    match pair.ticket {
        Some(ticket) => format!("The incident is linked to ticket {ticket}."),
        None => "The incident is linked: it gets a ticket.".to_owned(),
    }
}

fn backfilled(state: &BackfillState) -> &'static str {
    match state {
        BackfillState::Counting => "A backfill was asked for; it is counted first.",
        BackfillState::Forecast { .. } => "A backfill was counted and waits to be started.",
        BackfillState::Running { .. } => "A backfill is under way.",
        BackfillState::Ended { .. } => "A backfill is over.",
    }
}

fn counted(number: usize, thing: &str, of: &str) -> String {
    match number {
        1 => format!("One {thing} {of} was read."),
        _ => format!("{number} {thing}s {of} were read."),
    }
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// With a full stop: what the other side says may have none.
fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?', '”', '…']) { text.to_owned() } else { format!("{text}.") }
}

fn judged(state: &PairState) -> String {
    let words = match state.sync {
        crate::domain::pair::SyncState::InStep => "The pair is in step.",
        crate::domain::pair::SyncState::Behind => "The pair is behind.",
        crate::domain::pair::SyncState::Unknown => "It is not known whether the pair is in step.",
    };
    match &state.reason {
        Some(reason) if *reason != crate::domain::reason::Reason::InStep => {
            let all = std::iter::once(reason).chain(&state.further);
            all.fold(words.to_owned(), |words, reason| format!("{words} {}", sentence(&reason.words())))
        }
        _ => words.to_owned(),
    }
}

/// `what` is the operation in words, within a sentence.
fn moved(what: &str, state: &OperationState, attempts: u32, failure: Option<&Failure>) -> (EntryKind, String) {
    use EntryKind::{Failure as Failed, Write};
    let because = failure.map_or_else(String::new, |failure| format!(" {}", sentence(&failure.message)));
    match state {
        OperationState::Planned { .. } if failure.is_some() => {
            (Failed, format!("Failed, will be tried again: {what}.{because}"))
        }
        OperationState::Planned { .. } => (Write, format!("In the queue again: {what}.")),
        OperationState::Sending { .. } if attempts > 1 => (Write, format!("Sent, attempt {attempts}: {what}.")),
        OperationState::Sending { .. } => (Write, format!("Sent: {what}.")),
        OperationState::OutcomeUnknown { .. } => {
            (Failed, format!("No answer came back: {what}. It is looked for before anything is repeated.{because}"))
        }
        OperationState::Done { .. } => (Write, format!("Done: {what}.")),
        OperationState::Dead { reason, .. } => {
            let said = failure.is_some_and(|failure| failure.message == reason.words());
            let because = if said { String::new() } else { because };
            (Failed, format!("Given up: {what}. {}{because}", sentence(&reason.words())))
        }
        OperationState::Dropped { .. } => (Write, format!("Dropped: {what}. It is not written again in this form.")),
        OperationState::Void { why, .. } => (Write, format!("No longer wanted: {what}. {why}")),
    }
}

/// What a mode means, as a person's act.
fn mode(detail: &Value) -> String {
    let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
    let what = match text("mode") {
        "two-way" => "live, both ways",
        "sentinel-to-halo" => "live, from Sentinel to Halo only",
        "comment-only" => "live, for comments only",
        "observe" => "to observe: nothing is written",
        "off" => "off",
        other => other,
    };
    sentence(&format!("Set the workspace {} {what}", text("workspace")))
}

/// What a configuration changed: the first of it.
fn applied(detail: &Value) -> String {
    const SHOWN: usize = 200;
    let changes: Vec<&str> =
        detail.get("changes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(first) = changes.first() else { return "Applied a configuration.".into() };
    let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = first.chars().count() > SHOWN;
    let first: String = first.chars().take(SHOWN).chain(cut.then_some('…')).collect();
    match changes.len() {
        1 => format!("Applied a configuration: {}", sentence(&first)),
        n => format!("Applied a configuration: {first}; and {} more.", n - 1),
    }
}

/// An errand, by what it does and at how many workspaces.
fn errand(did: &str, detail: &Value) -> String {
    let what = match detail.get("act").and_then(Value::as_str).unwrap_or_default() {
        "plan" => "the plan of webhooks",
        "deploy" => "webhooks to be deployed",
        "test" => "test events",
        "remove" => "webhooks to be removed",
        other => other,
    };
    let count = detail.get("workspaces").and_then(Value::as_u64).unwrap_or_default();
    format!("{did} for {what} at {count} {}.", if count == 1 { "workspace" } else { "workspaces" })
}

/// An errand at pairs.
fn at_pairs(did: &str, detail: &Value) -> String {
    let act = detail.get("act").and_then(Value::as_str).and_then(PairAct::parse);
    let name = act.map_or("an errand", PairAct::name);
    match detail.get("pairs").and_then(Value::as_u64) {
        Some(1) => format!("{did} “{name}” at 1 linked incident."),
        Some(pairs) => format!("{did} “{name}” at {pairs} linked incidents."),
        None => format!("{did} “{name}” at linked incidents."),
    }
}

/// An act on a saved view that others see.
fn view(detail: &Value, did: &str) -> String {
    sentence(&format!("{did} {}", detail.get("name").and_then(Value::as_str).unwrap_or_default()))
}

/// The closed list of acts; an unknown one shows its name.
fn human(act: &str, detail: &Value) -> String {
    match act {
        "workspace-mode" => mode(detail),
        "make-halo-webhook" => "Made a webhook in Halo.".into(),
        "remove-halo-webhook" => "Removed the webhook in Halo.".into(),
        "halo-write-test" => "Tested writing to Halo with a ticket of its own.".into(),
        "deploy-logic-app" => "Deployed the Logic App that sends webhooks.".into(),
        "test-logic-app" => "Tested the Logic App that sends webhooks.".into(),
        "remove-logic-app" => "Removed the Logic App that sends webhooks.".into(),
        "begin-errand" => errand("Asked", detail),
        "repeat-errand" => errand("Asked again", detail),
        "stop-errand" => errand("Stopped what was asked", detail),
        "end-errand" => errand("Came to the end of what was asked", detail),
        "begin-pair-errand" => at_pairs("Began", detail),
        "stop-pair-errand" => at_pairs("Stopped", detail),
        "end-pair-errand" => at_pairs("Came to the end of", detail),
        "rename-connection" => "Renamed a connection.".into(),
        "disconnect" => "Took a connection out.".into(),
        "look-again" => "Asked to look again at both sides.".into(),
        "rebuild" => "Asked to rebuild the pair from both sides.".into(),
        "sync-now" => "Asked to carry out now what waits.".into(),
        "sync-workspace" => "Asked to read the workspace now.".into(),
        "compare-log" => "Asked to compare the workspace with its log.".into(),
        "release-storm" => "Released what the storm brake held.".into(),
        "link" => "Asked to link an incident and a ticket.".into(),
        "unlink" => "Unlinked a pair.".into(),
        "make-ticket" => "Asked for an incident's ticket.".into(),
        "push" => "Asked to push a ticket to Sentinel.".into(),
        "pause" => "Paused.".into(),
        "resume" => "Resumed.".into(),
        "ask-backfill" => "Asked for a backfill's forecast.".into(),
        "start-backfill" => "Started a backfill.".into(),
        "stop-backfill" => "Stopped a backfill.".into(),
        "look-at-halo" => "Asked to read Halo now.".into(),
        "test-connection" => "Asked Microsoft what a connection reaches.".into(),
        "decide" => "Answered a question about the pair.".into(),
        "retry" => "Asked to try an operation again.".into(),
        "drop" => "Dropped an operation.".into(),
        "plan-again" => "Asked to plan a dropped operation again.".into(),
        "sign-in" => "Signed in.".into(),
        "sign-out" => "Signed out.".into(),
        "set-up" => "Made the first admin.".into(),
        "user-add" => "Made an account.".into(),
        "user-change" => {
            let name = detail.get("name").and_then(Value::as_str).unwrap_or_default();
            let off = detail.get("disabled").and_then(Value::as_bool).unwrap_or_default();
            let role = detail.get("role").and_then(Value::as_str).unwrap_or_default();
            let now = if off { "it is switched off".to_owned() } else { format!("it is {role} now") };
            sentence(&format!("Changed the account {name}: {now}"))
        }
        "user-reset" => "Set an account's password.".into(),
        "change-password" => "Changed the password.".into(),
        "end-other-sessions" => "Signed out everywhere else.".into(),
        "token-make" => {
            let name = detail.get("name").and_then(Value::as_str).unwrap_or_default();
            sentence(&format!("Made the API token {name}"))
        }
        "view-save" => view(detail, "Shared the saved view"),
        "view-change" if detail.get("shared").and_then(Value::as_bool) == Some(false) => {
            view(detail, "Shares no longer the saved view")
        }
        "view-change" => view(detail, "Changed the shared view"),
        "view-remove" => view(detail, "Removed the shared view"),
        "token-revoke" => "Revoked an API token.".into(),
        "sign-in-microsoft" => "Signed in with Microsoft for a connection.".into(),
        "config-apply" => applied(detail),
        "confirm-instance" => "Confirmed that this installation is the one to go on with.".into(),
        other => format!("{}.", other.replace('-', " ")),
    }
}
