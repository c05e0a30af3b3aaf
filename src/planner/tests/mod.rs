//! The planner's rules as tables, and its laws over random situations.

mod adopt;
mod alerts;
mod approval;
mod backfill;
mod cases;
mod closing;
mod conflicts;
mod create;
mod draft;
mod drift;
mod drops;
mod elsewhere;
mod fields;
mod groups;
mod laws;
mod links;
mod loops;
mod merges;
mod model;
mod modes;
mod notes;
mod observed;
mod pace;
mod pauses;
mod push;
pub(super) mod scene;
mod shadow;
