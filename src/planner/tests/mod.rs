//! The planner's rules as tables, and its laws over random situations.

mod cases;
mod closing;
mod conflicts;
mod create;
mod draft;
mod drops;
mod fields;
mod laws;
mod merges;
mod model;
mod modes;
mod notes;
pub(super) mod scene;
