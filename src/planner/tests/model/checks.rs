//! What must hold.

use stateright::Property;

use super::{
    Pairing,
    state::{Fault, OURS, Part, Row, State},
};
use crate::{
    domain::{
        incident::{IncidentStatus, Severity},
        operation::OperationState,
        pair::{Health, SyncState},
        reason::Reason,
    },
    planner::{mapping, notes::words},
};

pub const ONE_TICKET: &str = "an incident never has two tickets";
pub const ONCE: &str = "words cross once";
pub const NO_ECHO: &str = "what we wrote never crosses back";
pub const MERGE_CLOSES_NOTHING: &str = "a ticket is closed for a person's closing alone, never for a merge";
pub const AGREED: &str = "at rest the sides agree, or the pair says why not";
pub const NOTHING_LOST: &str = "at rest stands what a person said last";
pub const SILENCE: &str = "left alone it falls silent";

pub fn all() -> Vec<Property<Pairing>> {
    vec![
        Property::always(ONE_TICKET, |_: &Pairing, state: &State| state.fault != Some(Fault::TwoTickets)),
        Property::always(ONCE, |_: &Pairing, state: &State| state.fault != Some(Fault::SaidTwice) && said_once(state)),
        Property::always(NO_ECHO, |_: &Pairing, state: &State| state.fault != Some(Fault::Echo)),
        Property::always(MERGE_CLOSES_NOTHING, |_: &Pairing, state: &State| state.fault != Some(Fault::ClosedByMerge)),
        Property::always(AGREED, |model: &Pairing, state: &State| !model.rests(state) || agreed(model, state)),
        Property::always(NOTHING_LOST, |model: &Pairing, state: &State| {
            !model.rests(state) || nothing_lost(model, state)
        }),
        Property::always(SILENCE, |model: &Pairing, state: &State| state.fault.is_some() || model.falls_silent(state)),
        // That the model reaches what it is about.
        Property::sometimes("a write is looked for", |_: &Pairing, state: &State| {
            let unknown =
                |row: &Row| row.operations.iter().any(|o| matches!(o.state, OperationState::OutcomeUnknown { .. }));
            state.left.losses == 0 || state.rows.iter().flatten().any(|row| unknown(row))
        }),
        Property::sometimes("a pair is in step with its ticket", |_: &Pairing, state: &State| {
            let step = |row: &Row| row.pair.ticket.is_some() && calm(row);
            state.rows.iter().flatten().any(|row| step(row))
        }),
    ]
}

fn calm(row: &Row) -> bool {
    row.pair.sync == SyncState::InStep && row.pair.health == Health::Healthy
}

/// The words that one act of a person left, by their hour.
fn hours(text: &str) -> Vec<&str> {
    text.split(' ').filter(|word| word.starts_with('w') && word.ends_with("w.") && word.len() > 3).collect()
}

/// Each person's words stand at most once among what we wrote on a record.
fn said_once(state: &State) -> bool {
    let repeated = |texts: Vec<String>| {
        let mut all: Vec<String> =
            texts.iter().flat_map(|text| hours(text).into_iter().map(str::to_owned).collect::<Vec<_>>()).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        all.len() < count
    };
    let desks = state.desks.iter().all(|desk| {
        let own = desk.actions.iter().filter(|action| action.agent_id == Some(OURS));
        !repeated(own.map(words::body).collect())
    });
    let clouds = state.clouds.iter().all(|cloud| {
        let own = cloud.comments.iter().filter(|comment| comment.author.is_none());
        !repeated(own.map(|comment| comment.message.clone()).collect())
    });
    desks && clouds
}

fn severity_of(priority: Option<i64>) -> Option<Severity> {
    match priority? {
        2 => Some(Severity::High),
        3 => Some(Severity::Medium),
        4 => Some(Severity::Low),
        _ => None,
    }
}

/// Of every pair: both sides say the same and all words have crossed, or it says why not.
fn agreed(model: &Pairing, state: &State) -> bool {
    (0..state.rows.len()).filter_map(|of| Some((of, state.row(of)?))).all(|(of, row)| {
        if state.wanted.odd && (row.pair.reason.is_some() || !calm(row)) {
            return true;
        }
        let cloud = &state.clouds[of];
        let Some((_, desk)) = state.desk_of(row) else { return row.pair.reason.is_some() };
        if cloud.incident.redirected() {
            return true;
        }
        let s = &model.scene;
        // What moves after closing is not carried, and said.
        let told = matches!(row.pair.reason, Some(Reason::AfterClosing { .. }));
        let same = mapping::status_means(&s.policy, &s.catalogue, &desk.ticket, &cloud.incident.status)
            && (told || severity_of(desk.ticket.priority_id).as_ref() == Some(&cloud.incident.severity));
        let noted: Vec<String> =
            desk.actions.iter().filter(|action| action.agent_id == Some(OURS)).map(words::body).collect();
        let told: Vec<&str> =
            cloud.comments.iter().filter(|c| c.author.is_none()).map(|c| c.message.as_str()).collect();
        let people = cloud.comments.iter().filter(|comment| comment.author.is_some());
        let agents = desk.actions.iter().filter(|action| action.agent_id != Some(OURS));
        let forth =
            people.flat_map(|comment| hours(&comment.message)).all(|hour| noted.iter().any(|n| n.contains(hour)));
        let agents: Vec<String> = agents.map(words::body).collect();
        let back = agents.iter().flat_map(|text| hours(text)).all(|hour| told.iter().any(|t| t.contains(hour)));
        // A ticket that others share carries their words too, which need not be told to each of them.
        let shared = state.rows.iter().flatten().filter(|other| other.pair.ticket == row.pair.ticket).count() > 1;
        same && forth && (back || shared) && calm(row)
    })
}

/// The first pair's fields say what a person said last, on one of the sides.
fn nothing_lost(_: &Pairing, state: &State) -> bool {
    if state.wanted.odd {
        return true;
    }
    let incident = &state.clouds[0].incident;
    // What the policy does not carry after closing, the pair says.
    let told = |row: &Part<Row>| matches!(&row.pair.reason, Some(Reason::AfterClosing { what }) if what.starts_with("severity"));
    let rated = state.wanted.severity.iter().flatten().any(|value| *value == incident.severity)
        || state.rows.iter().flatten().any(told);
    let closed = incident.status == IncidentStatus::Closed;
    // New and Active may stand for each other where a side was only opened again.
    let stands = |value: &IncidentStatus| (*value == IncidentStatus::Closed) == closed;
    rated && state.wanted.status.iter().flatten().any(stands)
}
