//! (see docs/ARCHITECTURE.md)

pub mod hydration;
