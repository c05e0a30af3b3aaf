//! What pages show: plain values made by `service`, drawn by `console`.
//!
//! One file per page. A view holds everything its page needs: components ask nobody, not even the
//! time. Filters live here too, since the address of a page is their text ([`query`]).

pub mod account;
pub mod accounts;
pub mod approvals;
pub mod backfill;
pub mod connections;
pub mod dashboard;
pub mod disconnect;
pub mod drift;
pub mod entrance;
pub mod errand;
pub mod failed;
pub mod form;
pub mod found;
pub mod go_live;
pub mod help;
pub mod import;
pub mod ledger;
pub mod list;
pub mod look_up;
pub mod mapping;
pub mod not_linked;
pub mod operation;
pub mod pair;
pub mod pair_errands;
pub mod palette;
pub mod pause;
pub mod permission;
pub mod probe;
pub mod problems;
pub mod pulse;
pub mod query;
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
pub mod what_if;
