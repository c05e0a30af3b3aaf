//! Tickets that do not show: one by one they may be gone, all at once they are more likely out of our agent's sight. And
//! whether something says so of one that shows again.

use jiff::Timestamp;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ConnectionId, TicketId},
        pair::Pair,
        pause::PauseScope,
    },
    engine::{Engine, forth::MAY_NOT_SHOW_YET, put_back},
    halo_itsm::Halo,
    outbound::budget::Class,
    store::SituationRow,
};

/// Fewer than these that do not show at once say nothing of our access.
const FEW: usize = 5;

/// How an instance's tickets show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sight {
    /// As they should.
    #[default]
    Clear,
    /// Nearly all that were there do not: the connection is paused for it.
    Lost,
    /// The same, and somebody resumed the connection: they were deleted.
    Believed,
}

/// Whether a pair's ticket is so well known that a list that leaves it out says something.
pub(super) fn settled(pair: &Pair, asked: Timestamp) -> bool {
    pair.gone.is_none() && asked.duration_since(pair.changed) >= MAY_NOT_SHOW_YET
}

fn most(known: usize, missing: usize) -> bool {
    missing >= FEW && missing * 10 >= known * 9
}

/// How many of `known` tickets are out of sight. A list may leave rows out for reasons of its own (a server hands out
/// fewer at once than are asked for): where it leaves out nearly all, one of them is asked for by its number.
///
/// # Errors
/// That one could not be read, and nothing says that it is gone.
pub(super) async fn out_of_it(halo: &Halo, known: usize, missing: &[TicketId], class: Class) -> Result<usize, Failure> {
    let Some(one) = missing.first().filter(|_| most(known, missing.len())) else { return Ok(missing.len()) };
    match halo.ticket(*one, class).await {
        Ok(_) => Ok(0),
        Err(failure) if failure.kind == FailureKind::Gone => Ok(missing.len()),
        Err(failure) => Err(failure),
    }
}

/// What is to be said when `missing` of `known` tickets, which were all there before, do not show in one list.
pub(super) fn lost(engine: &Engine, id: ConnectionId, known: usize, missing: usize) -> Option<Failure> {
    let most = most(known, missing);
    let mut schedule = engine.schedule();
    let paused = schedule.pauses.iter().any(|pause| pause.scope == PauseScope::Connection { id } && pause.automatic());
    let standing = schedule.instances.get_mut(&id)?;
    standing.sight = match (most, standing.sight) {
        (false, _) => Sight::Clear,
        (true, Sight::Believed) => Sight::Believed,
        (true, Sight::Lost) if !paused => Sight::Believed,
        (true, _) => Sight::Lost,
    };
    if standing.sight != Sight::Lost {
        return None;
    }
    let shown = known.saturating_sub(missing);
    let message = format!(
        "Of {known} open tickets that were there before, Halo shows {shown}: the agent of the API application has probably lost its access to them. Give it back in Halo, and this goes on by itself. If the tickets were deleted, press “Resume”: they are taken for deleted then."
    );
    Some(Failure::new(Side::Halo, FailureKind::Forbidden, message))
}

/// Whether nearly all tickets of an instance are out of sight: that one of them is not found says nothing of it then.
pub(in crate::engine) fn is_lost(engine: &Engine, id: ConnectionId) -> bool {
    engine.schedule().instances.get(&id).is_some_and(|standing| standing.sight == Sight::Lost)
}

/// Whether something of a pair says that its ticket is gone.
pub(super) fn said_gone(row: &SituationRow, now: Timestamp) -> bool {
    row.pair.gone == Some(Side::Halo)
        || row.operations.iter().any(|operation| put_back::given_up(operation, Side::Halo, now))
}
