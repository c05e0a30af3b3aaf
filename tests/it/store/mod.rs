//! The store against its promises: nothing half-written, nothing forged unseen, everything found again.

mod fixture;
mod ledger;
mod faults;
mod pages;
mod people;
mod rebuild;
mod state;
