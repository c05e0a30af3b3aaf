//! The write test: one ticket is made, read back, given a note, and taken away again. Only when it was asked for.

use serde_json::json;

use super::{Chosen, Typed, reach};
use crate::{
    domain::{
        account::Role,
        catalogue::{Catalogue, Ref},
        failure::{Failure, FailureKind},
        ids::{TicketId, reference},
        ticket::{NoteDraft, OutcomeRef, Requester, Ticket, TicketChange, TicketDraft},
        view::probe::{HaloProbe, Line},
    },
    halo_itsm::Halo,
    outbound::budget::Class,
    service::{App, acts, caller::Caller, error::ServiceError},
};

/// Subject of the test's ticket.
const SUMMARY: &str = "Halobridge test ticket: please ignore";
const CLASS: Class = Class::Interactive;

/// Makes a ticket of the chosen type for a client, reads it back, writes a note with the chosen outcome, reads that back,
/// and takes the ticket away: it is deleted, or closed where Halo does not let it be deleted, or named for a person.
///
/// # Errors
/// `Forbidden` for who is not an admin of everything; the store cannot be written.
pub async fn write_test(
    app: &App,
    caller: &Caller,
    typed: &Typed,
    chosen: &Chosen,
    halo_client_id: i64,
) -> Result<HaloProbe, ServiceError> {
    caller.need(Role::Admin)?;
    caller.need_everything()?;
    let mut found = HaloProbe::default();
    let Some(halo) = reach(app, typed, &mut found).await else { return Ok(found) };
    let catalogue = match halo.catalogue(CLASS).await {
        Ok(catalogue) => catalogue,
        Err(failure) => {
            found.lines.push(super::of_right("resource_server", "its look-ups", &failure));
            return Ok(found);
        }
    };
    let Some(kind) = catalogue.ticket_type(&chosen.ticket_type) else {
        let says = format!("Halo has no ticket type {}.", chosen.ticket_type);
        found.lines.push(Line::fault("ticket_type", says, "Choose a ticket type from the list."));
        return Ok(found);
    };
    let mark = reference(&["write-test", &app.ids.uuid_v7(app.clock.now()).to_string()]);
    let draft = TicketDraft {
        summary: SUMMARY.to_owned(),
        details_html: format!("<p>Written by the test of a connection, and taken away by it again. {mark}</p>"),
        client_id: halo_client_id,
        site_id: None,
        requester: Requester::GeneralUser,
        ticket_type_id: kind.id,
        status_id: None,
        priority_id: None,
        agent_id: None,
        team: None,
        category_1: None,
        custom_fields: Vec::new(),
        members: Vec::new(),
        occurred: None,
        reference: mark.clone(),
    };
    let detail = json!({ "instance": halo.connection().resource_server, "ticket_type": kind.name, "reference": mark });
    acts::record(app, None, vec![acts::act(caller, "halo-write-test", None, detail)]).await?;
    let Some(ticket) = made(app, &halo, &draft, &mut found.lines).await else { return Ok(found) };
    read_back(&halo, &ticket, &draft, &mut found.lines).await;
    noted(&halo, ticket.id, &catalogue, &chosen.outcome, &mark, &mut found.lines).await;
    taken_away(&halo, ticket.id, &catalogue, &mut found.lines).await;
    found.catalogue = Some(catalogue);
    Ok(found)
}

async fn made(app: &App, halo: &Halo, draft: &TicketDraft, lines: &mut Vec<Line>) -> Option<Ticket> {
    match halo.create_ticket(draft, CLASS).await {
        Ok(ticket) => {
            if let Some(warning) = &ticket.warning {
                let fix = "Map the named field, or make it optional on the ticket type in Halo, so that tickets are complete.";
                lines.push(Line::note("ticket_type", warning.clone(), fix));
            }
            Some(ticket)
        }
        // Whether it was made shows its reference.
        Err(failure) if failure.kind == FailureKind::Unknown => {
            match halo.find_created(draft, app.clock.now(), CLASS, async |ids| Ok(ids), |_| false).await {
                Ok(mut tickets) if !tickets.is_empty() => Some(tickets.remove(0)),
                _ => {
                    lines.push(Line::fault(
                        "ticket_type",
                        format!("It is not known whether the test ticket was made: {}", failure.message),
                        format!("Look in Halo for a ticket that says {} and delete it.", draft.reference),
                    ));
                    None
                }
            }
        }
        Err(failure) => {
            lines.push(refused_ticket(&failure));
            None
        }
    }
}

fn refused_ticket(failure: &Failure) -> Line {
    match failure.kind {
        FailureKind::Forbidden => Line::fault(
            "scope",
            "Halo does not let this API application make tickets.",
            "Allow the scope edit:tickets on the API application, and let the agent that it is bound to create tickets of \
             this type for this client.",
        ),
        _ if failure.message.contains("required") => Line::fault(
            "ticket_type",
            format!("Halo refuses the test ticket: {}", failure.message),
            "Make the named field optional on the ticket type in Halo, or choose another ticket type.",
        ),
        _ => Line::fault(
            "ticket_type",
            format!("The test ticket could not be made: {}", failure.message),
            "Correct it in Halo, or choose another ticket type, then test again.",
        ),
    }
}

async fn read_back(halo: &Halo, made: &Ticket, draft: &TicketDraft, lines: &mut Vec<Line>) {
    let ticket = match halo.ticket(made.id, CLASS).await {
        Ok(ticket) => ticket,
        Err(failure) => {
            lines.push(Line::fault(
                "scope",
                format!("The test ticket {} was made and cannot be read back: {}", made.id, failure.message),
                "Let the agent that the API application is bound to see tickets of this type and client.",
            ));
            return;
        }
    };
    lines.push(Line::ok("ticket_type", format!("The test ticket {} was made and read back.", ticket.id)));
    if ticket.client_id != Some(draft.client_id) {
        lines.push(Line::fault(
            "client",
            "Halo put the test ticket to another client than the chosen one.",
            "Choose a client that is active, and let the agent that the API application is bound to see it.",
        ));
    }
    if ticket.ticket_type_id.is_some_and(|kind| kind != draft.ticket_type_id) {
        lines.push(Line::fault(
            "ticket_type",
            "Halo gave the test ticket another type than the chosen one.",
            "Allow the ticket type to the agent that the API application is bound to.",
        ));
    }
    if ticket.summary.trim() != SUMMARY {
        lines.push(Line::fault(
            "ticket_type",
            "A template of the ticket type overwrote what was sent.",
            "Take the template off the ticket type in Halo, or choose another ticket type.",
        ));
    }
}

async fn noted(halo: &Halo, id: TicketId, catalogue: &Catalogue, wanted: &Ref, mark: &str, lines: &mut Vec<Line>) {
    let outcome = match (wanted.find(&catalogue.outcomes, |row| row.id, |row| &row.name), wanted) {
        (Some(found), _) => OutcomeRef::Id(found.id),
        (None, Ref::Id(id)) => OutcomeRef::Id(*id),
        (None, Ref::Name(name)) => OutcomeRef::Name(name.clone()),
    };
    let text = format!("A note of the test. {mark}");
    let html = format!("<p>{text}</p>");
    let note = NoteDraft { outcome, html, text, private: true, reference: mark.to_owned(), former: None };
    if let Err(failure) = halo.add_note(id, &note, CLASS).await
        && failure.kind != FailureKind::Unknown
    {
        lines.push(Line::fault(
            "outcome",
            format!("Halo refuses a note with the outcome {wanted}: {}", failure.message),
            "Allow the outcome to the agent that the API application is bound to (Configuration > Tickets > Actions), or \
             choose another outcome.",
        ));
        return;
    }
    match halo.actions(id, CLASS).await {
        Ok(actions)
            if actions.iter().any(|action| action.note.contains(mark) || has(action.note_html.as_deref(), mark)) =>
        {
            lines.push(Line::ok("outcome", format!("A note with the outcome {wanted} was written and read back.")));
        }
        Ok(_) => lines.push(Line::fault(
            "outcome",
            format!("Halo took a note with the outcome {wanted} and does not show it."),
            "Choose another outcome: one that keeps the note that is sent with it.",
        )),
        Err(failure) => lines.push(Line::fault(
            "scope",
            format!("The notes of the test ticket cannot be read: {}", failure.message),
            "Allow the scope read:tickets on the API application and the same to its agent.",
        )),
    }
}

fn has(html: Option<&str>, mark: &str) -> bool {
    html.is_some_and(|html| html.contains(mark))
}

async fn taken_away(halo: &Halo, id: TicketId, catalogue: &Catalogue, lines: &mut Vec<Line>) {
    if halo.remove_ticket(id, CLASS).await.is_ok() {
        lines.push(Line::ok("", format!("The test ticket {id} was deleted again.")));
        return;
    }
    if let Some(status) = catalogue.closed_statuses.first()
        && let Ok(current) = halo.ticket(id, CLASS).await
    {
        let change = TicketChange {
            status_id: Some(*status),
            closure_note: Some("The test is over.".to_owned()),
            ..TicketChange::default()
        };
        if halo.update_ticket(&current, &change, CLASS).await.is_ok_and(|ticket| ticket.status_id == Some(*status)) {
            let says = format!("Halo does not let the test ticket {id} be deleted; it was closed.");
            lines.push(Line::ok("", says));
            return;
        }
    }
    lines.push(Line::note(
        "",
        format!("The test ticket {id} could be neither deleted nor closed."),
        format!("Close or delete ticket {id} in Halo."),
    ));
}
