//! What was chosen in an instance: ticket type with its SLA, outcome of our notes, client.

use crate::{
    config::fault::nearest,
    domain::{
        catalogue::{Catalogue, Named, Ref, TicketType},
        failure::FailureKind,
        view::probe::Line,
    },
    halo_itsm::Halo,
    outbound::budget::Class,
};

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Ticket type of new tickets.
    pub ticket_type: Ref,
    /// Outcome of the notes we write.
    pub outcome: Ref,
}

/// Checks a choice by reading.
pub(super) async fn check(halo: &Halo, catalogue: &Catalogue, slas: &[Named], chosen: &Chosen) -> Vec<Line> {
    let mut lines = Vec::new();
    let Some(kind) = catalogue.ticket_type(&chosen.ticket_type) else {
        let names = catalogue.ticket_types.iter().map(|row| row.name.as_str());
        lines.push(unknown("ticket_type", "ticket type", &chosen.ticket_type, names));
        return lines;
    };
    let sla = of_type(halo, catalogue, slas, kind, &mut lines).await;
    if let Some(sla) = sla
        && catalogue.priorities.iter().any(|row| row.sla_id.is_some())
        && !catalogue.priorities.iter().any(|row| row.sla_id == Some(sla))
    {
        lines.push(Line::fault(
            "ticket_type",
            format!("The SLA of the ticket type “{}” has no priority.", kind.name),
            "Give the SLA priorities in Halo, or choose another ticket type.",
        ));
    }
    of_outcome(halo, catalogue, kind, &chosen.outcome, &mut lines).await;
    lines
}

async fn of_type(
    halo: &Halo,
    catalogue: &Catalogue,
    slas: &[Named],
    kind: &TicketType,
    lines: &mut Vec<Line>,
) -> Option<i64> {
    let details = match halo.type_details(kind.id, Class::Interactive).await {
        Ok(details) => details,
        Err(failure) if matches!(failure.kind, FailureKind::Gone) => {
            lines.push(Line::fault(
                "ticket_type",
                format!("The ticket type “{}” is not there any more.", kind.name),
                "Choose another ticket type.",
            ));
            return None;
        }
        Err(failure) => {
            lines.push(Line::note(
                "ticket_type",
                format!("Halo did not tell the details of the ticket type “{}”: {}", kind.name, failure.message),
                "Run the write test to be sure.",
            ));
            return kind.default_sla;
        }
    };
    if details.can_create == Some(false) {
        lines.push(Line::fault(
            "ticket_type",
            format!("Tickets of the type “{}” cannot be made by this agent.", kind.name),
            "In Halo allow agents to create tickets of this type, or allow the type to the agent that the API application is \
             bound to.",
        ));
    }
    if !details.mandatory.is_empty() {
        lines.push(Line::note(
            "ticket_type",
            format!("Halo asks for {} on each new ticket of the type “{}”.", details.mandatory.join(", "), kind.name),
            "Map these fields, or make them optional in Halo.",
        ));
    }
    let sla = details.sla.or(kind.default_sla);
    match sla {
        None if !details.sla_told => lines.push(Line::note(
            "ticket_type",
            format!("Halo did not tell the SLA of the ticket type “{}”, which decides its priorities.", kind.name),
            "Run the write test to be sure.",
        )),
        None => lines.push(Line::fault(
            "ticket_type",
            format!("The ticket type “{}” has no SLA, so no priority is valid for its tickets.", kind.name),
            "Give it a default SLA in Halo (Configuration > Tickets > Ticket Types), or choose another ticket type.",
        )),
        Some(sla) => {
            let name = slas.iter().find(|row| row.id == sla).map_or_else(|| sla.to_string(), |row| row.name.clone());
            let count = catalogue.priorities_in(Some(sla)).len();
            lines.push(Line::ok(
                "ticket_type",
                format!("The ticket type “{}” has the SLA “{name}” with {count} priorities.", kind.name),
            ));
        }
    }
    sla
}

async fn of_outcome(halo: &Halo, catalogue: &Catalogue, kind: &TicketType, wanted: &Ref, lines: &mut Vec<Line>) {
    let offered = match halo.outcomes_of(kind.id, Class::Interactive).await {
        Ok(offered) => offered,
        Err(failure) => {
            lines.push(Line::note(
                "outcome",
                format!("Halo did not tell which outcomes there are: {}", failure.message),
                "Run the write test to be sure.",
            ));
            return;
        }
    };
    let Some(found) = wanted.find(&offered, |row| row.id, |row| &row.name) else {
        if wanted.find(&catalogue.outcomes, |row| row.id, |row| &row.name).is_some() {
            lines.push(Line::fault(
                "outcome",
                format!("The outcome {wanted} is not offered on tickets of the type “{}”.", kind.name),
                "Allow it on the ticket type's workflow in Halo, or choose another outcome.",
            ));
        } else {
            lines.push(unknown("outcome", "outcome", wanted, offered.iter().map(|row| row.name.as_str())));
        }
        return;
    };
    if let Some(status) = found.new_status {
        let name = catalogue.statuses.iter().find(|row| row.id == status).map_or("another", |row| row.name.as_str());
        lines.push(Line::note(
            "outcome",
            format!(
                "The outcome “{}” puts tickets into the status “{name}”: each note that we write would.",
                found.name
            ),
            "Choose an outcome that leaves the status alone.",
        ));
    }
    if found.mails {
        lines.push(Line::note(
            "outcome",
            format!("The outcome “{}” mails the end user by default; our notes ask Halo not to.", found.name),
            "Choose an outcome that mails nobody.",
        ));
    }
    lines.push(Line::ok(
        "outcome",
        format!("The outcome “{}” exists. Whether the agent may use it shows the write test.", found.name),
    ));
}

fn unknown<'a>(field: &'static str, what: &str, wanted: &Ref, names: impl Iterator<Item = &'a str> + Clone) -> Line {
    let near = match wanted {
        Ref::Name(name) => nearest(name, names),
        Ref::Id(_) => None,
    };
    let fix = match near {
        Some(near) => format!("Did you mean “{near}”?"),
        None => format!("Choose a {what} from the list, or make it in Halo and test again."),
    };
    Line::fault(field, format!("Halo has no {what} {wanted}."), fix)
}
