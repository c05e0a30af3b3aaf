//! The test of a Halo instance that is set up: scopes, agent, ticket type, outcome; and, when asked for, a test ticket.

use serde::{Deserialize, Serialize};

use super::{Typed, allowed, draft};
use crate::{
    domain::{
        catalogue::Ref,
        ids::ConnectionId,
        view::{mapping::Pick, probe::Line, set_up::HaloTest},
    },
    service::{
        App,
        caller::Caller,
        error::ServiceError,
        fault,
        halo_probe::{self, Chosen, Typed as Instance},
        outside,
        sign_in::CLIENT_SECRET,
    },
    store::SecretOwner,
};

fn name(id: ConnectionId) -> String {
    format!("halo-test/{id}")
}

/// What was chosen for the last test: it is chosen again.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Picked {
    ticket_type: String,
    outcome: String,
    client: String,
}

fn picked(id: ConnectionId) -> String {
    format!("halo-test-choice/{id}")
}

/// What can be chosen for the test of an instance, and what the last one said.
///
/// # Errors
/// The store cannot be read.
pub async fn around(app: &App, id: ConnectionId) -> Result<HaloTest, ServiceError> {
    let lines: Vec<Line> = draft::kept(app, &name(id)).await?;
    let catalogue = app.store.catalogue(id).await.map_err(|e| fault("read Halo's look-ups", &e))?;
    let catalogue = catalogue.map(|(catalogue, _)| catalogue).unwrap_or_default();
    let installation = app.installation().await?;
    let policy = installation.first_policy();
    let kind = policy.and_then(|policy| catalogue.ticket_type(&policy.ticket_type)).map(|row| row.id);
    let outcome = policy
        .and_then(|policy| policy.outcome.find(&catalogue.outcomes, |row| row.id, |row| &row.name))
        .map(|row| row.id);
    let by_name = |id: i64, name: &str| Pick::new(id, name);
    let last: Picked = draft::kept(app, &picked(id)).await?;
    let or = |last: String, otherwise: Option<i64>| {
        let suggested = otherwise.map(|id| id.to_string()).unwrap_or_default();
        if last.is_empty() { suggested } else { last }
    };
    Ok(HaloTest {
        lines,
        ticket_types: catalogue.ticket_types.iter().map(|row| by_name(row.id, &row.name)).collect(),
        outcomes: catalogue.outcomes.iter().map(|row| by_name(row.id, &row.name)).collect(),
        clients: catalogue.clients.iter().map(|row| by_name(row.id, &row.name)).collect(),
        ticket_type: or(last.ticket_type, kind),
        outcome: or(last.outcome, outcome),
        client: last.client,
    })
}

/// What was chosen, by the name that people know where no other has it.
fn by_name<'a>(id: i64, rows: impl Iterator<Item = (i64, &'a str)> + Clone) -> Ref {
    let name =
        rows.clone().find(|(known, _)| *known == id).map(|(_, name)| name.trim()).filter(|name| !name.is_empty());
    let alone = |name: &&str| rows.clone().filter(|(_, other)| other.trim().eq_ignore_ascii_case(name)).count() == 1;
    name.filter(alone).map_or(Ref::Id(id), |name| Ref::Name(name.to_owned()))
}

/// Runs the test and keeps what it says. Gives the instance.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be written.
pub async fn run(app: &App, caller: &Caller, typed: &Typed) -> Result<ConnectionId, ServiceError> {
    allowed(caller)?;
    let id: ConnectionId = typed.text("connection").parse().map_err(|_| ServiceError::NotFound)?;
    let installation = app.installation().await?;
    let connection = installation.halo.iter().find(|row| row.id == id).ok_or(ServiceError::NotFound)?;
    let secret = outside::kept_secret(app, SecretOwner::Connection(id), CLIENT_SECRET, "client_secret").await?;
    let instance = secret.map(|secret| Instance::of(connection, secret.unwrap_or_default()));
    let lines = match instance {
        Ok(instance) => tried(app, caller, id, &instance, typed).await?,
        Err(line) => vec![line],
    };
    draft::keep(app, &name(id), &lines).await?;
    let text = |name: &str| typed.text(name).to_owned();
    let chosen = Picked { ticket_type: text("ticket_type"), outcome: text("outcome"), client: text("client") };
    draft::keep(app, &picked(id), &chosen).await?;
    Ok(id)
}

/// What the test says of an instance whose secret is here.
async fn tried(
    app: &App,
    caller: &Caller,
    id: ConnectionId,
    instance: &Instance,
    typed: &Typed,
) -> Result<Vec<Line>, ServiceError> {
    let number = |name: &str| typed.text(name).parse::<i64>().ok();
    let kept = app.store.catalogue(id).await.map_err(|e| fault("read Halo's look-ups", &e))?;
    let kept = kept.map(|(catalogue, _)| catalogue).unwrap_or_default();
    let types = kept.ticket_types.iter().map(|row| (row.id, row.name.as_str()));
    let outcomes = kept.outcomes.iter().map(|row| (row.id, row.name.as_str()));
    let chosen = match (number("ticket_type"), number("outcome")) {
        (Some(kind), Some(outcome)) => {
            Some(Chosen { ticket_type: by_name(kind, types), outcome: by_name(outcome, outcomes) })
        }
        _ => None,
    };
    Ok(match (typed.text("do"), &chosen, number("client")) {
        ("write", Some(chosen), Some(client)) => {
            halo_probe::write_test(app, caller, instance, chosen, client).await?.lines
        }
        ("write", ..) => vec![Line::fault(
            "",
            "No test ticket was made: ticket type, outcome and client have to be chosen for it.",
            "Choose all three, then ask again. If there is nothing to choose, run the test without a ticket first.",
        )],
        _ => {
            let found = halo_probe::probe(app, caller, instance, chosen.as_ref()).await?;
            if let Some(catalogue) = &found.catalogue {
                let now = app.clock.now();
                app.store.put_catalogue(id, catalogue, now).await.map_err(|e| fault("keep Halo's look-ups", &e))?;
            }
            found.lines
        }
    })
}
