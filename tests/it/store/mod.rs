//! The store against its promises: nothing half-written, nothing forged unseen, everything found again.

mod append;
mod faults;
mod fixture;
mod intake;
mod ledger;
mod pages;
mod people;
mod rebuild;
mod state;
