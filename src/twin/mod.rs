//! The twin: a stand-in for Microsoft Entra, Azure Resource Manager, Log Analytics and Halo.
//!
//! It serves the demo, the tests, the simulation and anybody's own integration tests
//! (`halobridge twin`). It is a synchronous state machine, `world::World`, that answers one
//! [`wire::Call`] at a time; `server` puts it behind HTTP, `transport` behind the product's own
//! `Transport` in the same process. It shares no wire type with the adapters: a field name that is
//! wrong there must fail here.
//!
//! May use: `clock`, and `outbound` for the `Transport` trait alone.

pub mod halo;
pub mod limits;
pub mod options;
pub mod wire;
