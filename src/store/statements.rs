//! Every statement there is, so that a test can prepare each one and see how it is carried out.

use super::{
    accounts, backfills, configuration, deliveries, groups, history, operations, pair_errands, pairs, pauses,
    projector, requests, runs, saved_views, search, secrets, sessions, settings, shadows, subjects, tokens, trouble,
    tx, upkeep,
};
pub use super::{history::built, pages::built as built_pairs};

/// Statements of one file, each with its name.
pub type Named = &'static [(&'static str, &'static str)];

/// By file.
pub const ALL: [(&str, Named); 25] = [
    ("accounts", accounts::ALL),
    ("backfills", backfills::ALL),
    ("configuration", configuration::ALL),
    ("deliveries", deliveries::ALL),
    ("groups", groups::ALL),
    ("history", history::ALL),
    ("operations", operations::ALL),
    ("pair_errands", pair_errands::ALL),
    ("pairs", pairs::ALL),
    ("pauses", pauses::ALL),
    ("projector", projector::ALL),
    ("beside", projector::beside::ALL),
    ("requests", requests::ALL),
    ("runs", runs::ALL),
    ("saved_views", saved_views::ALL),
    ("search", search::ALL),
    ("secrets", secrets::ALL),
    ("sessions", sessions::ALL),
    ("shadows", shadows::ALL),
    ("settings", settings::ALL),
    ("subjects", subjects::ALL),
    ("tokens", tokens::ALL),
    ("trouble", trouble::ALL),
    ("tx", tx::ALL),
    ("upkeep", upkeep::ALL),
];

/// Those that empty the state tables before they are built anew.
pub const EMPTYING: [&str; 18] = projector::EMPTY;
