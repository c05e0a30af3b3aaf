//! A closing that a restored database may have forgotten, while the other side is open: that one may have been opened again
//! since, and is not closed once more for it.

use crate::{
    domain::{
        failure::Side,
        incident::IncidentStatus,
        pair::{Base, Moves},
        policy::{Policy, ReopenRule, Wins},
        ticket::Ticket,
    },
    planner::{
        closing,
        conflict::{self, Field},
        groups,
        situation::Situation,
    },
};

/// Whether nobody can tell if a closure still holds, which would close the other side: the closed side says in our own words
/// that we closed it for the other one, and the database has forgotten that; or the other side has moved in the forgotten time
/// as well, and is not known to have done so before.
pub(super) fn doubted(s: &Situation<'_>, base: &Base, ticket: &Ticket, ticket_closed: bool, field: &Field<'_>) -> bool {
    if s.forgotten.is_none() || s.incident.closed() == ticket_closed {
        return false;
    }
    let (closed, known, crosses, ours) = if ticket_closed {
        let crosses = field.rule.to_sentinel() && conflict::carries_back(s.workspace.mode);
        (Side::Halo, base.ticket_closed, crosses, groups::told_on_ticket(s, ticket))
    } else {
        let known = base.incident_status == Some(IncidentStatus::Closed);
        (Side::Sentinel, known, field.rule.to_halo(), closing::told_on_incident(s.incident, ticket))
    };
    if known || !crosses {
        return false;
    }
    let noted = base.moves.get(field.name);
    let span = |side: Side, now: &str| conflict::span(s, side, now, noted.and_then(|moves| moves.of(side)));
    let (sentinel, halo) = (span(Side::Sentinel, &field.sentinel), span(Side::Halo, &field.halo));
    let closure = if ticket_closed { &halo } else { &sentinel };
    if ours && conflict::in_forgotten_time(s, closure) {
        return true;
    }
    let moves = Moves { sentinel: Some(sentinel), halo: Some(halo) };
    let both = field.moved.sentinel && field.moved.halo;
    field.rule.wins == Wins::Newest
        && both
        && conflict::forgotten(s, &moves)
        && conflict::newest(&moves) != Some(closed)
}

/// Who wins where a closing is doubted. The side that is open may not have been read yet since the restore: before words are
/// said of its opening, or its matter goes on in a new ticket, somebody is asked, for nothing takes that back.
pub(super) fn wins(policy: &Policy, ticket_closed: bool, wins: Wins) -> Wins {
    let (open, opened) = match ticket_closed {
        true => (Wins::Sentinel, policy.reopened_in_sentinel),
        false => (Wins::Halo, policy.reopened_in_halo),
    };
    let lasting = matches!(opened, ReopenRule::Note | ReopenRule::NewTicket);
    if wins == open && lasting { Wins::Ask } else { wins }
}
