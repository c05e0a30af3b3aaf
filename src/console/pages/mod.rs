//! One file per page; a page whose parts grow gets a folder of the same name.

pub mod account;
pub mod accounts;
pub mod approvals;
pub mod backfill;
pub mod connections;
pub mod dashboard;
pub mod disconnect;
pub mod drift;
pub mod entrance;
pub mod failed;
pub mod ledger;
pub mod linking;
pub mod not_linked;
pub mod pair;
pub mod palette;
pub mod problems;
pub mod rebuild;
pub mod replay;
pub mod runs;
pub mod saved;
pub mod set_up;
pub mod shadow;
pub mod tickets;
pub mod tokens;
pub mod unlinked;
pub mod versions;
