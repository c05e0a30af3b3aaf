//! With which options a list of incidents is asked for: with as many as the service takes.
//!
//! Not every option of a query is promised (sentinel-api sheet 1.6). Where the service refuses one and does not say which,
//! milder forms are tried; the first that is answered is kept for as long as the process lives. A page that is too large to
//! be read is asked for in smaller ones.

use super::ListWanted;
use crate::{
    domain::{failure::Failure, time},
    outbound::exchange::{TOO_MUCH, TOO_SLOW},
};

/// Incidents asked for per page: the service's largest.
pub const PAGE: u32 = 1000;
/// The fewest, where larger pages are too large to be read.
pub(super) const LEAST: u32 = 10;
/// The fewest where nothing came in time: that has other causes, too.
const LEAST_IN_TIME: u32 = 125;

/// How those that are not closed are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Open {
    /// New or active.
    #[default]
    Either,
    /// Not closed.
    NotClosed,
    /// All are asked for, and the closed ones left out here.
    Picked,
}

/// The options that the service takes, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// In ascending order of the last change.
    pub ordered: bool,
    /// So many to a page.
    pub sized: bool,
    /// Those that are not closed.
    pub open: Open,
}

impl Default for Form {
    fn default() -> Self {
        Self { ordered: true, sized: true, open: Open::default() }
    }
}

impl Form {
    /// What to try when this one is refused: what costs least first.
    pub fn milder(self, open_only: bool) -> Vec<Self> {
        let or_without = |asked: bool| if asked { vec![true, false] } else { vec![false] };
        let mut forms = Vec::new();
        for sized in or_without(self.sized) {
            for open in [Open::Either, Open::NotClosed, Open::Picked] {
                if open != self.open && (!open_only || open < self.open) {
                    continue;
                }
                forms.extend(or_without(self.ordered).into_iter().map(|ordered| Self { ordered, sized, open }));
            }
        }
        forms.retain(|form| *form != self);
        forms
    }

    /// The `$filter` of a list; `None` = everything.
    pub fn filter(self, want: &ListWanted) -> Option<String> {
        let since = want.modified_since.map(|at| format!("properties/lastModifiedTimeUtc ge {}", time::iso(at)));
        let open = match self.open {
            Open::Either => Some("(properties/status eq 'New' or properties/status eq 'Active')"),
            Open::NotClosed => Some("properties/status ne 'Closed'"),
            Open::Picked => None,
        };
        let open = open.filter(|_| want.open_only).map(str::to_owned);
        let created = want.created.map(|(from, to)| {
            let (from, to) = (time::iso(from), time::iso(to));
            format!("properties/createdTimeUtc ge {from} and properties/createdTimeUtc lt {to}")
        });
        let number = want.number.map(|number| format!("properties/incidentNumber eq {number}"));
        let provider = want.provider_number.as_ref().map(|number| {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            format!("properties/providerIncidentId eq '{digits}'")
        });
        let terms: Vec<String> = [since, open, created, number, provider].into_iter().flatten().collect();
        (!terms.is_empty()).then(|| terms.join(" and "))
    }
}

/// Whether a refusal is about the options of the query.
pub fn refuses_options(failure: &Failure) -> bool {
    let text = failure.message.to_ascii_lowercase();
    failure.status == Some(400) && ["odata", "orderby", "$filter", "$top"].iter().any(|word| text.contains(word))
}

/// How many to ask for when a page of so many failed; `None` when that is not for its size.
pub fn smaller(size: u32, failure: &Failure) -> Option<u32> {
    let least = match failure.code.as_deref()? {
        TOO_MUCH => LEAST,
        TOO_SLOW => LEAST_IN_TIME,
        _ => return None,
    };
    let half = (size / 2).max(least);
    (half < size).then_some(half)
}
