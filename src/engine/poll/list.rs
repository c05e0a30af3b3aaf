//! Going through a list, and where the next one begins.

use jiff::Timestamp;

use super::Poll;
use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        run::RunScope,
        time::{as_stored, iso},
    },
    engine::future,
    ledger::fact::Fact,
    sentinel::{ListWanted, walk::Walk},
    store::{Cursor, StoreError},
};

/// Pages after which the next poll goes on with a list of changes, where it can.
const PAGES: u32 = 200;

impl Poll<'_> {
    /// Reads every page of a list and records what is new in it.
    pub(super) async fn list(&mut self, wanted: &ListWanted) -> Result<(), StoreError> {
        let now = self.engine.now();
        let mut walk = Walk::of(wanted.clone());
        while let Some((asked, link)) = walk.wants() {
            if walk.too_long() || walk.pages() >= PAGES && self.may_go_on(wanted, &walk).await? {
                self.counts.disordered |= walk.unsure_since().is_some();
                return self.cut(wanted, walk.pages()).await;
            }
            let mut page = match self.sentinel.list(&self.at, &asked, link, self.class).await {
                Ok(page) => page,
                Err(failure) => {
                    self.counts.disordered |= walk.unsure_since().is_some();
                    self.counts.failure.get_or_insert(failure);
                    return Ok(());
                }
            };
            self.counts.latest = Some(future::latest(page.told, now)).max(self.counts.latest);
            let whose = (Some(self.workspace.id), Some(self.client.id));
            self.engine.keep_unreadable(whose, std::mem::take(&mut page.unreadable)).await?;
            self.page(walk.take(page, now)).await?;
        }
        if let Some(since) = walk.unsure_since() {
            self.counts.held_at = Some(self.counts.held_at.map_or(since, |held| held.min(since)));
        }
        Ok(())
    }

    /// Whether the next poll would begin behind what was read of a list, and not where this one began.
    async fn may_go_on(&self, wanted: &ListWanted, walk: &Walk) -> Result<bool, StoreError> {
        let whole = wanted.open_only || self.full.is_some();
        if whole || self.counts.disordered || self.counts.held_at.is_some() || walk.unsure_since().is_some() {
            return Ok(false);
        }
        let known = self.engine.store.cursor(self.workspace.id).await?.map(|cursor| cursor.modified);
        Ok(self.counts.newest > known)
    }

    /// A list has more pages than one poll reads.
    async fn cut(&mut self, wanted: &ListWanted, pages: u32) -> Result<(), StoreError> {
        self.counts.cut = true;
        let known = self.engine.store.cursor(self.workspace.id).await?.map(|cursor| cursor.modified);
        if wanted.open_only || self.full.is_some() {
            tracing::warn!(workspace.id = %self.workspace.id, pages, "a list of all incidents has more pages than one poll reads");
            return Ok(());
        }
        // What was not listed must stay ahead of the cursor. Asking at once would begin where this one began.
        if self.counts.newest <= known {
            let text = format!(
                "Microsoft's list of changed incidents does not end: {pages} pages were read and nothing in them is newer \
                 than what is known. It is read again later; if this stays, check the ARM address of this connection."
            );
            self.failed_with(Failure::new(Side::Sentinel, FailureKind::Unreadable, text));
            return Ok(());
        }
        tracing::warn!(workspace.id = %self.workspace.id, pages, "a list has more pages than one poll reads; the next one goes on");
        let now = self.engine.now();
        if let Some(standing) = self.engine.schedule().workspaces.get_mut(&self.workspace.id) {
            standing.next = Some(now);
            standing.hastened = true;
        }
        Ok(())
    }

    /// Whether the list of changes was read to its end.
    pub(super) fn whole(&self) -> bool {
        self.counts.failure.is_none() && !self.counts.cut
    }

    pub(super) async fn move_cursor(&mut self, before: Option<&Cursor>) -> Result<(), StoreError> {
        // After a failure only what lies before it has surely been read, if the list came in ascending order.
        if (self.counts.failure.is_some() || self.counts.cut) && self.counts.disordered {
            return Ok(());
        }
        let target = match (self.counts.newest, self.counts.held_at) {
            (Some(newest), Some(held)) => Some(newest.min(held)),
            (newest, None) => newest,
            (None, Some(_)) => None,
        };
        // An empty first poll still marks where the next one starts.
        let target =
            target.or_else(|| (before.is_none() && self.counts.failure.is_none()).then_some(self.workspace.since));
        let target = target.map(as_stored);
        let ahead = self.cursor_was_ahead(before);
        let modified = match (ahead, target) {
            (Some(latest), _) => latest,
            (None, Some(target)) => before.map_or(target, |cursor| cursor.modified.max(target)),
            (None, None) => return Ok(()),
        };
        // A gap below the number is looked for only once the list was read to its end.
        let number = before.and_then(|cursor| cursor.number).max(self.counts.number.filter(|_| self.whole()));
        if before.is_some_and(|cursor| cursor.modified == modified && cursor.number == number) {
            return Ok(());
        }
        let now = self.engine.now();
        let moved = Fact::CursorMoved { workspace: self.workspace.id, modified, number };
        self.engine.record(now, Some(self.client.id), vec![moved]).await.map(drop)
    }

    /// Where the cursor belongs that a time to come had led there.
    pub(super) fn cursor_was_ahead(&self, before: Option<&Cursor>) -> Option<Timestamp> {
        // The start may lie ahead.
        let latest = self.counts.latest?.max(self.workspace.since);
        before.is_some_and(|cursor| cursor.modified > latest).then_some(latest)
    }

    /// Says what the list told of times to come, that the start is yet to come by the service's clock, and that the list of
    /// all incidents was not read to its end.
    pub(super) fn note_future(&self) {
        if self.counts.failure.is_some() {
            return;
        }
        let id = self.workspace.id;
        let cut_off = self.engine.schedule().workspaces.get(&id).is_some_and(|standing| standing.cut_off > 0);
        let future = self.counts.future.as_ref().map(|(at, incident)| {
            format!(
                "Incident {incident} says that it was last changed on {}, which is yet to come. That time is left aside; \
                 everything is read as usual.",
                iso(*at)
            )
        });
        let since = self.workspace.since;
        let ahead = self.counts.latest.is_some_and(|latest| since > latest).then(|| {
            format!(
                "The start of this workspace ({}) lies ahead by Azure's clock: no incident that is made before it gets a \
                 ticket. Set an earlier “since” if that is not meant.",
                iso(since)
            )
        });
        let told = future.or(ahead).or_else(|| {
            let text = "The list of all open incidents has more pages than are read at once: what lies behind them is not known. \
                        It is read again, ever more rarely. Close what is done with.";
            cut_off.then(|| text.to_owned())
        });
        self.engine.note_future(RunScope::Workspace { id }, told);
    }
}
