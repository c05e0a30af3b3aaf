//! The words of the product: values and rules, nothing else.
//!
//! No clock, no randomness, no IO, no async: everything here builds for the browser too. Start with
//! [`incident`] and [`ticket`] (the two sides), [`pair`] (what joins them), [`policy`] (what may
//! cross, and how) and [`operation`] (one planned write).

pub mod account;
pub mod approval;
pub mod backfill;
pub mod catalogue;
pub mod client;
pub mod closing;
pub mod connection;
pub mod decision;
pub mod delivery;
pub mod drift;
pub mod errand;
pub mod failure;
pub mod group;
pub mod ids;
pub mod incident;
pub mod log_check;
pub mod matching;
pub mod merge;
pub mod operation;
pub mod pair;
pub mod pause;
pub mod policy;
pub mod raw;
pub mod reason;
pub mod rights;
pub mod round_trip;
pub mod run;
pub mod saved;
pub mod second_writer;
pub mod shadow;
pub mod text;
pub mod ticket;
pub mod time;
pub mod view;
pub mod workspace;
