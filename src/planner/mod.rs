//! The planner: from what both sides say now and what they last agreed on, to what has to be written.
//!
//! [`plan`] is pure: the same situation gives the same plan, every operation carries its reason, and
//! what is not done is said too. Start reading at [`plan::plan`]; [`gate`] decides whether an incident
//! is linked at all, [`draft`] writes the ticket, [`notes`] carries comments and notes, [`fields`]
//! severity, owner and status, [`closing`] the verdict.

pub mod closing;
pub mod draft;
mod dropped;
pub mod fields;
pub mod gate;
pub mod mapping;
pub mod notes;
pub mod plan;
pub mod retry;
pub mod situation;
pub mod template;

#[cfg(test)]
mod tests;

pub use plan::{Plan, Planned, plan};
pub use situation::Situation;
