//! Parts that several pages use. Each is a function from values to a view.

pub mod act;
pub mod entry;
pub mod fields;
pub mod gates;
pub mod icon;
pub mod list;
pub mod log_check;
pub mod look_up;
pub mod operation;
pub mod pause;
pub mod permissions;
pub mod pulse;
pub mod saved;
pub mod state;
pub mod time;
pub mod written;
