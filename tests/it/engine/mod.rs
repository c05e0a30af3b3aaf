//! The engine against the twin, in process: no sockets, a clock that moves only when told to.

pub mod bridge;
mod closure;
mod conversation;
mod drops;
mod faults;
mod golden;
mod intake;
mod missed;
mod standins;
mod tolerance;
