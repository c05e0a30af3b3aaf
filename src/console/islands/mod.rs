//! What runs in the browser: live parts of a page, and keys. Everything works without them.
//!
//! Their markup is drawn on the server; what they do is in `platform`, since only the browser has it.

mod keys;
mod live;

pub use keys::Keys;
pub use live::Live;
