//! Going through a list of several pages without leaving anything out.
//!
//! What a page token means is the service's secret; it may count rows. Then each row before it that moves or goes away
//! between two calls (a change moves an incident to the end of the list, and our own writes are changes) leaves out the
//! one that moved up into its place. So a page is not asked for by its link where the order is kept: what follows is a
//! list of its own, of what changed at or after the last row's change. The link says only that there is more. Where the
//! order is not kept, or a whole page changed within one millisecond, the link is followed, and the list gone through
//! once more.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    IncidentPage, ListWanted,
    form::{LEAST, PAGE},
};
use crate::domain::{ids::IncidentId, incident::Incident, time::to_ms};

/// What one list may come to: two hundred pages of the service's largest, or more of smaller ones.
const ROWS_MAX: u64 = 200 * PAGE as u64;

/// An incident in one of its versions.
type Row = (IncidentId, Option<String>, Option<Timestamp>);

/// How far a list has been gone through.
#[derive(Debug, Clone)]
pub struct Walk {
    wanted: ListWanted,
    /// What the list under way was asked for with.
    asked: ListWanted,
    /// Its next page, where that is found by the link.
    link: Option<String>,
    /// Rows of the page read last: the next one begins with some of them.
    last: BTreeSet<Row>,
    /// Pages read since the walk last began.
    pages: u32,
    /// The rows that they held, as [`ROWS_MAX`] counts them.
    rows: u64,
    /// When the service answered first.
    began: Option<Timestamp>,
    /// Some page that held rows was found by its link.
    by_link: bool,
    /// It is gone through once more.
    again: bool,
    ended: bool,
}

impl Walk {
    /// Before the first page.
    pub fn of(wanted: ListWanted) -> Self {
        Self {
            asked: wanted.clone(),
            wanted,
            link: None,
            last: BTreeSet::new(),
            pages: 0,
            rows: 0,
            began: None,
            by_link: false,
            again: false,
            ended: false,
        }
    }

    /// What the next page is asked for with; `None` when all has been read.
    pub fn wants(&self) -> Option<(ListWanted, Option<String>)> {
        (!self.ended).then(|| (self.asked.clone(), self.link.clone()))
    }

    /// Pages read since it last began.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Whether it has come to more than a list has. That goes by rows: a service may hand out few at once.
    pub fn too_long(&self) -> bool {
        self.rows >= ROWS_MAX
    }

    /// When it began, where something may have been left out that changed since.
    pub fn unsure_since(&self) -> Option<Timestamp> {
        self.began.filter(|_| self.by_link)
    }

    /// Takes the page that was asked for at `now`. Gives its incidents without those that the page before ended with.
    pub fn take(&mut self, page: IncidentPage, now: Timestamp) -> Vec<Incident> {
        let IncidentPage { mut incidents, next, ordered, told, rows, .. } = page;
        self.pages += 1;
        // Pages that hold nothing and name another one have to end as well.
        self.rows += match rows.max(incidents.len()) {
            0 => u64::from(PAGE),
            rows => u64::try_from(rows).unwrap_or(u64::MAX).max(u64::from(LEAST)),
        };
        self.began.get_or_insert(told.unwrap_or(now));
        // Of an empty page nothing can have moved up.
        self.by_link |= self.link.take().is_some() && !incidents.is_empty();
        let rows: BTreeSet<Row> = if next.is_some() { incidents.iter().map(row).collect() } else { BTreeSet::new() };
        let reached = incidents.last().and_then(|incident| incident.modified).filter(|_| ordered);
        let further = reached.filter(|at| self.asked.modified_since.is_none_or(|from| to_ms(from) < to_ms(*at)));
        let before = std::mem::replace(&mut self.last, rows);
        incidents.retain(|incident| before.is_empty() || !before.contains(&row(incident)));
        match (next, further) {
            (Some(_), Some(at)) => self.asked = ListWanted { modified_since: Some(at), ..self.wanted.clone() },
            (Some(link), None) => self.link = Some(link),
            (None, _) if self.by_link && !self.again => {
                self.again = true;
                self.asked = self.wanted.clone();
                (self.pages, self.rows) = (0, 0);
            }
            (None, _) => self.ended = true,
        }
        incidents
    }
}

fn row(incident: &Incident) -> Row {
    (incident.id.clone(), incident.etag.clone(), incident.modified)
}
