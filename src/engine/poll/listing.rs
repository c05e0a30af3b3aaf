//! A list of a client's tickets for which the budget may have no room at once: what was read of it is kept, and the next
//! try goes on behind that.

use jiff::{SignedDuration, Timestamp};

use super::{
    pages::OwnRows,
    shadow::{CLOCKS_APART, OVERLAP, Row, version},
};
use crate::{
    domain::{client::HaloBinding, failure::Failure, ids::TicketId},
    engine::{Engine, future},
    halo_itsm::Halo,
    outbound::budget::Class,
};

/// Pages that were read longer ago than this are read anew where more of them follow: rows that left the list since may
/// have moved others up past the one page that is read again.
const HOLDS: SignedDuration = SignedDuration::from_hours(1);

/// How far a list has been read.
#[derive(Debug)]
pub(super) struct Listing {
    /// It holds what changed at or after this moment, by Halo's clock.
    pub since: Timestamp,
    /// When it began, and when a page of it was read last, by our clock.
    began: Timestamp,
    read: Timestamp,
    pages: OwnRows,
    /// The client's rows so far, each once.
    pub found: Vec<(TicketId, Row)>,
    /// So many of them have been looked at.
    pub looked: usize,
    /// Halo's clock had come to this when it began, as far as times that it told show.
    passed: Option<Timestamp>,
    /// It lists what changed while another one was gone through, which took so long.
    after: Option<SignedDuration>,
}

impl Listing {
    /// Before its first page. `passed`: a time that the instance has told before.
    pub fn of(halo_client_id: i64, since: Timestamp, now: Timestamp, passed: Option<Timestamp>) -> Self {
        Self {
            since,
            began: now,
            read: now,
            pages: OwnRows::of(halo_client_id),
            found: Vec::new(),
            looked: 0,
            passed: passed.filter(|at| *at <= future::latest(None, now)),
            after: None,
        }
    }

    /// It lists what changed while one was gone through that took so long.
    #[must_use]
    pub fn after(self, took: Option<SignedDuration>) -> Self {
        Self { after: took, ..self }
    }

    /// Whether it is a list of this Halo client's tickets.
    pub fn is_of(&self, halo_client_id: i64) -> bool {
        self.pages.halo_client_id == halo_client_id
    }

    /// Whether a page of it was read.
    pub fn begun(&self) -> bool {
        self.pages.begun()
    }

    /// Whether what was read of it holds still.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.pages.ended() || now.duration_since(self.read) <= HOLDS
    }

    /// Reads the pages that are left. What was read stays when one of them fails.
    pub async fn read_on(
        &mut self,
        engine: &Engine,
        halo: &Halo,
        binding: &HaloBinding,
        class: Class,
    ) -> Result<(), Failure> {
        while let Some(page_no) = self.pages.next_page()? {
            let page = halo.tickets_of(binding.halo_client_id, self.since, page_no, class).await?;
            self.read = engine.now();
            // One that tells a time to come hides no other.
            let (latest, took) = (future::latest(None, self.read), self.took(self.read));
            self.pages.take(page);
            for row in std::mem::take(&mut self.pages.found) {
                let told = row.last_update.or(row.last_action).filter(|at| *at <= latest);
                self.passed = self.passed.max(told.and_then(|at| at.checked_sub(took).ok()));
                self.found.push((row.id, version(&row)));
            }
        }
        Ok(())
    }

    /// How long it took until now.
    pub fn took(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.began).max(SignedDuration::ZERO)
    }

    /// All that changed before this moment is in it, by Halo's clock. What changed later may have done so behind the page
    /// that was being read.
    pub fn through(&self) -> Timestamp {
        // Where nothing tells a time, by our clock, which may be another one.
        let through = self.passed.or_else(|| self.began.checked_sub(CLOCKS_APART).ok());
        through.map_or(self.since, |at| at.max(self.since))
    }

    /// Whether what changed meanwhile is to be listed as well: it took long, and less than half as long as the one before.
    /// Where it did not, a further one would take as long again.
    pub fn again(&self, now: Timestamp) -> bool {
        let took = self.took(now);
        took > OVERLAP && self.after.is_none_or(|before| took.as_secs().saturating_mul(2) < before.as_secs())
    }

    /// The clock was set back by so much.
    pub fn set_back(&mut self, by: SignedDuration) {
        for at in [&mut self.began, &mut self.read] {
            *at = at.checked_sub(by).unwrap_or(*at);
        }
    }
}
