//! Saved views: the links above a list, and the page where they are saved, changed and removed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::form::FormView;
use crate::domain::{ids::ViewId, saved::SavedList};

/// What stands above a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedBar {
    /// Views of this list, the reader's own first.
    pub links: Vec<SavedLink>,
    /// There are so many more.
    pub more: u64,
    /// Address of the page that saves the list as it is narrowed and ordered now; `None` when there is nothing to save.
    pub save: Option<String>,
}

/// The way to one view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedLink {
    /// Its name.
    pub name: String,
    /// The list as it was saved.
    pub address: String,
    /// Whether the list is narrowed and ordered so now.
    pub here: bool,
}

/// The page. Fields of its form: `name`, `shared` (`no`, `yes`); `list` and `query` travel along.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedViewsView {
    /// The reader's own first, each part by name.
    pub rows: Vec<SavedRow>,
    /// The form that saves or changes one.
    pub form: FormView,
    /// What is to be saved.
    pub saving: Option<(SavedList, String)>,
    /// Which one is changed.
    pub changing: Option<ViewId>,
}

/// One view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRow {
    /// Ours.
    pub id: ViewId,
    /// Its name.
    pub name: String,
    /// Of which list.
    pub list: SavedList,
    /// The list as it was saved.
    pub address: String,
    /// Whether others see it.
    pub shared: bool,
    /// Whose it is, for people; `None` for the reader's own.
    pub by: Option<String>,
    /// When it was saved.
    pub saved: Timestamp,
    /// Whether the reader may remove it.
    pub may_remove: bool,
}
