//! The ledger: what was seen, decided, sent, answered and done by people; append-only and hash-chained.
//!
//! [`fact`] says what can be written down; [`entry`] chains it. State tables (pairs, operations,
//! cursors, …) are written only by the store's projector, fact by fact, in the transaction that
//! appends the entry, and can be rebuilt from the ledger. Pure: no clock, no randomness, no IO.

pub mod entry;
pub mod fact;

#[cfg(test)]
mod tests;
