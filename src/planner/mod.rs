//! The planner: from what both sides say now and what they last agreed on, to what has to be written.
//!
//! [`plan`] is pure: the same situation gives the same plan, every operation carries its reason, and
//! what is not done is said too. Start reading at [`plan::plan`]; [`gate`] decides whether an incident
//! is linked at all ([`filter`] the policy's filters), [`explain`] tells it of every gate, [`draft`] writes the ticket, [`notes`] carries comments and notes, [`fields`]
//! severity, owner, status and all other fields, [`conflict`] compares three ways, [`closing`] finds the verdict. [`pause`] says
//! which pairs wait all the same; [`groups`] which incidents share a ticket, [`alerts`] tells it of those that join later; [`approval`] holds what a person has to approve, [`pace`] when a workspace is read again; [`shadow`] compares with what another integration did;
//! [`observed`] says what a reading changes in what is known, [`second_writer`] what in it another process of ours wrote, [`sent`] what becomes of a change that was sent, [`meanwhile`] what stays of what was learnt until its answer; [`loops`] walks a policy's tables both ways before it is saved.

pub mod adopt;
mod after_all;
pub mod agreed;
pub mod alerts;
pub mod approval;
pub mod backfill;
mod by_hand;
pub mod choice;
pub mod closing;
pub mod conflict;
pub mod diff;
pub mod draft;
pub mod drift;
pub mod dropped;
pub mod emptied;
pub mod explain;
pub mod fields;
pub mod filter;
pub mod gate;
pub mod groups;
pub mod link;
pub mod loops;
pub mod mapping;
pub mod meanwhile;
pub mod merges;
pub mod notes;
pub mod observed;
pub mod pace;
pub mod pause;
pub mod plan;
pub mod push;
pub mod rebuild;
pub mod requester;
pub mod retry;
pub mod second_writer;
pub mod sent;
pub mod shadow;
pub mod situation;
pub mod taken_back;
pub mod template;
pub mod what_if;

#[cfg(test)]
mod tests;

pub use plan::{Plan, Planned, plan};
pub use situation::Situation;
