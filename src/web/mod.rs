//! (see docs/ARCHITECTURE.md)

pub mod assets;
pub mod render;
