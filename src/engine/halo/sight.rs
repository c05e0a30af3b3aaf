//! Tickets that do not show: one by one they may be gone, all at once they are more likely out of our agent's sight. And
//! whether something says so of one that shows again.

use jiff::Timestamp;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        ids::{ConnectionId, PairId, TicketId},
        pair::Pair,
        pause::PauseScope,
    },
    engine::{Engine, forth::MAY_NOT_SHOW_YET, put_back},
    halo_itsm::Halo,
    outbound::budget::Class,
    store::{SituationRow, StoreError},
};

use super::{Counts, open::ROWS_A_CALL};

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

/// How many of an instance's tickets that were there before one reading has asked for, and how many did not show. A reading
/// of all comes in pages, and over several polls: a page alone says little of the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    known: usize,
    missing: usize,
    /// The last one that showed.
    shown: Option<TicketId>,
}

impl Tally {
    fn and(self, more: Self) -> Self {
        Self { known: self.known + more.known, missing: self.missing + more.missing, shown: more.shown.or(self.shown) }
    }

    /// Whether nearly all are missing.
    fn most(self) -> bool {
        self.missing >= FEW && self.missing * 10 >= self.known * 9
    }
}

/// Weighs a page of a reading: `known` tickets, of which these are missing, and one that it shows. Gives what is to be said
/// where nearly all of the page, of what was read before it and of the page after it are out of sight, or what failed as
/// that was looked for.
pub(super) async fn weigh(
    engine: &Engine,
    halo: &Halo,
    (known, missing, shown): (usize, &[TicketId], Option<TicketId>),
    class: Class,
    counts: &mut Counts,
) -> Result<Option<Failure>, StoreError> {
    let id = halo.connection().id;
    let page = match left_out(halo, known, missing, class).await {
        Ok(None) => Tally { known, missing: missing.len(), shown },
        Ok(one) => Tally { known, missing: 0, shown: one },
        Err(failure) => return Ok(Some(failure)),
    };
    let before = counts.tally.shown;
    counts.tally = counts.tally.and(page);
    if page.most()
        && !counts.tally.most()
        && let Some(before) = before
    {
        match shows(halo, before, class).await {
            Ok(true) => {}
            // They were lost while the reading was under way: what showed until then says nothing of now.
            Ok(false) => counts.tally = page,
            Err(failure) => return Ok(Some(failure)),
        }
    }
    let mut all = counts.tally;
    if page.most() && all.most() {
        match ahead(engine, halo, counts.last, class).await? {
            Ok(ahead) => all = all.and(ahead),
            Err(failure) => return Ok(Some(failure)),
        }
    }
    Ok(lost(engine, id, page, all))
}

/// How the tickets of the pairs behind this one show.
async fn ahead(
    engine: &Engine,
    halo: &Halo,
    last: Option<PairId>,
    class: Class,
) -> Result<Result<Tally, Failure>, StoreError> {
    let Some(last) = last else { return Ok(Ok(Tally::default())) };
    let asked = engine.now();
    let pairs = engine.store.open_pairs_of_halo(halo.connection().id, Some(last), ROWS_A_CALL).await?;
    let ids: Vec<TicketId> = pairs.iter().filter(|pair| settled(pair, asked)).filter_map(|pair| pair.ticket).collect();
    if ids.is_empty() {
        return Ok(Ok(Tally::default()));
    }
    let shown = halo.tickets_by_ids(&ids, class).await;
    Ok(shown.map(|shown| {
        let missing = ids.iter().filter(|id| shown.iter().all(|ticket| ticket.id != **id)).count();
        Tally { known: ids.len(), missing, shown: None }
    }))
}

/// A reading came to its end: where not nearly all were missing, they show.
pub(super) fn read_whole(engine: &Engine, id: ConnectionId, all: Tally) {
    if let Some(standing) = engine.schedule().instances.get_mut(&id).filter(|_| !all.most()) {
        standing.sight = Sight::Clear;
    }
}

/// A list may leave rows out for reasons of its own (a server hands out fewer at once than are asked for): where it leaves
/// out nearly all of `known` tickets, one of them is asked for by its number. Gives it where it shows.
///
/// # Errors
/// That one could not be read, and nothing says that it is gone.
async fn left_out(halo: &Halo, known: usize, missing: &[TicketId], class: Class) -> Result<Option<TicketId>, Failure> {
    let nearly_all = Tally { known, missing: missing.len(), shown: None }.most();
    let Some(one) = missing.first().copied().filter(|_| nearly_all) else { return Ok(None) };
    Ok(shows(halo, one, class).await?.then_some(one))
}

/// Whether a ticket shows by its number.
///
/// # Errors
/// It could not be read, and nothing says that it is gone.
async fn shows(halo: &Halo, ticket: TicketId, class: Class) -> Result<bool, Failure> {
    match halo.ticket(ticket, class).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.kind == FailureKind::Gone => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// What is to be said when so many tickets, which were all there before, do not show in one list, and in all of a reading so
/// far.
fn lost(engine: &Engine, id: ConnectionId, page: Tally, all: Tally) -> Option<Failure> {
    let most = page.most() && all.most();
    let some_show = page.missing < page.known;
    let mut schedule = engine.schedule();
    let paused = schedule.pauses.iter().any(|pause| pause.scope == PauseScope::Connection { id } && pause.automatic());
    let standing = schedule.instances.get_mut(&id)?;
    standing.sight = match (most, standing.sight) {
        // Some show again. Where somebody resumed the connection, only the end of the reading tells: what does not show may
        // be on a later page.
        (false, Sight::Lost) if paused && some_show => Sight::Clear,
        (false, sight) => sight,
        (true, Sight::Believed) => Sight::Believed,
        (true, Sight::Lost) if !paused => Sight::Believed,
        (true, _) => Sight::Lost,
    };
    if !most || standing.sight != Sight::Lost {
        return None;
    }
    let Tally { known, missing, .. } = all;
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
