//! The engine against the twin, in process: no sockets, a clock that moves only when told to.

mod adopt;
mod approvals;
mod backfill;
pub mod bridge;
mod closure;
mod conflicts;
mod conversation;
mod create;
mod drops;
mod faults;
mod fields;
mod golden;
mod intake;
mod links;
mod merges;
mod missed;
mod notes;
mod pace;
mod pauses;
pub mod person;
mod push;
mod queue;
mod replays;
mod restore;
mod shadow;
mod standins;
mod tolerance;
