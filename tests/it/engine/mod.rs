//! The engine against the twin, in process: no sockets, a clock that moves only when told to.

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
mod merges;
mod missed;
mod notes;
pub mod person;
mod queue;
mod restore;
mod standins;
mod tolerance;
