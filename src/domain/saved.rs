//! Saved views: the filter and order of a list under a name. No rows and no rights: whoever opens one sees what they may see.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ids::{UserId, ViewId},
    view::{
        dashboard::PairFilter, drift::DriftFilter, ledger::LedgerFilter, not_linked::NotLinkedFilter, runs::RunFilter,
        shadow::ShadowFilter,
    },
};

/// A list whose filter can be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SavedList {
    /// Linked incidents.
    Pairs,
    /// Incidents not linked.
    NotLinked,
    /// Drift.
    Drift,
    /// Shadow mode.
    Shadow,
    /// Runs.
    Runs,
    /// The ledger.
    Ledger,
}

impl SavedList {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Pairs, Self::NotLinked, Self::Drift, Self::Shadow, Self::Runs, Self::Ledger];

    /// As stored and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pairs => "pairs",
            Self::NotLinked => "not-linked",
            Self::Drift => "drift",
            Self::Shadow => "shadow",
            Self::Runs => "runs",
            Self::Ledger => "ledger",
        }
    }

    /// The inverse of [`SavedList::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.as_str() == text)
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pairs => "Linked incidents",
            Self::NotLinked => "Incidents not linked",
            Self::Drift => "Drift",
            Self::Shadow => "Shadow mode",
            Self::Runs => "Runs",
            Self::Ledger => "Ledger",
        }
    }

    /// Where its page is.
    pub fn path(self) -> &'static str {
        match self {
            Self::Pairs => "/",
            Self::NotLinked => "/incidents",
            Self::Drift => "/drift",
            Self::Shadow => "/shadow",
            Self::Runs => "/runs",
            Self::Ledger => "/ledger",
        }
    }

    /// The list whose page is there.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.path() == path)
    }

    /// What of an address's query is kept: filter and order as the list itself writes them, never the page. Empty when
    /// nothing is filtered and the order is the usual one.
    pub fn query(self, pairs: &[(String, String)]) -> String {
        let from = String::new;
        let address = match self {
            Self::Pairs => PairFilter { from: from(), ..PairFilter::from_query(pairs) }.address(),
            Self::NotLinked => NotLinkedFilter { from: from(), ..NotLinkedFilter::from_query(pairs) }.address(),
            Self::Drift => DriftFilter { from: from(), ..DriftFilter::from_query(pairs) }.address(),
            Self::Shadow => ShadowFilter { from: from(), ..ShadowFilter::from_query(pairs) }.address(),
            Self::Runs => RunFilter { from: from(), sources: from(), ..RunFilter::from_query(pairs) }.address(),
            Self::Ledger => LedgerFilter { from: from(), ..LedgerFilter::from_query(pairs) }.address(),
        };
        address.split_once('?').map_or_else(String::new, |(_, query)| query.to_owned())
    }
}

/// One saved view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    /// Ours.
    pub id: ViewId,
    /// Whose it is.
    pub owner: UserId,
    /// Of which list.
    pub list: SavedList,
    /// Unique among its owner's, without regard to case.
    pub name: String,
    /// As [`SavedList::query`] gives it.
    pub query: String,
    /// Whether others see it.
    pub shared: bool,
    /// When it was saved.
    pub saved: Timestamp,
}

impl SavedView {
    /// The address of the list as it was saved.
    pub fn address(&self) -> String {
        format!("{}?{}", self.list.path(), self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn a_view_keeps_filter_and_order_and_never_a_page() {
        let asked =
            pairs(&[("q", "odd & even"), ("health", "needs-you"), ("dir", "up"), ("from", "2~o.12"), ("x", "y")]);
        assert_eq!(SavedList::Pairs.query(&asked), "q=odd+%26+even&health=needs-you&dir=up");
        assert_eq!(SavedList::NotLinked.query(&asked), "q=odd+%26+even");
        assert_eq!(SavedList::Runs.query(&pairs(&[("failed", "1"), ("from", "2~3"), ("sources", "50")])), "failed=1");
        assert_eq!(SavedList::Ledger.query(&pairs(&[("fact", "paused"), ("from", "9")])), "fact=paused");
        assert_eq!(SavedList::Shadow.query(&pairs(&[("from", "9"), ("kiosk", "1")])), "");
    }

    #[test]
    fn a_list_is_known_by_its_name_and_by_its_address() {
        for list in SavedList::ALL {
            assert_eq!((SavedList::parse(list.as_str()), SavedList::at(list.path())), (Some(list), Some(list)));
        }
        assert_eq!((SavedList::parse("tokens"), SavedList::at("/tokens")), (None, None));
    }
}
