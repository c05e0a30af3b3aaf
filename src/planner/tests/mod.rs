//! The planner's rules as tables, and its laws over random situations.

mod cases;
mod drops;
mod laws;
pub(super) mod scene;
