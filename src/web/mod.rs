//! (see docs/ARCHITECTURE.md)

pub mod assets;
