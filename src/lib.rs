//! Halobridge keeps Microsoft Sentinel incidents and Halo tickets in step.
//!
//! One crate, three builds (see `Cargo.toml`): the pure core (`domain`, `ledger`, `planner`), the
//! browser bundle (`console`'s islands) and the server (everything). `docs/ARCHITECTURE.md` draws
//! which folder may use which; `tests/it/layering.rs` enforces it.

pub mod domain;
// The islands ask neither. Both compile for the browser all the same: the lints of `make test` do that (feature `whole`).
#[cfg(any(not(feature = "hydrate"), feature = "whole"))]
pub mod ledger;
#[cfg(any(not(feature = "hydrate"), feature = "whole"))]
pub mod planner;

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod console;

#[cfg(feature = "ssr")]
pub mod cli;
#[cfg(feature = "ssr")]
pub mod clock;
#[cfg(feature = "ssr")]
pub mod config;
#[cfg(feature = "ssr")]
pub mod engine;
#[cfg(feature = "ssr")]
pub mod entra;
#[cfg(feature = "ssr")]
pub mod halo_itsm;
#[cfg(feature = "ssr")]
pub mod outbound;
#[cfg(feature = "ssr")]
pub mod prove;
#[cfg(feature = "ssr")]
pub mod sentinel;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod telemetry;
#[cfg(feature = "ssr")]
pub mod twin;
#[cfg(feature = "ssr")]
pub mod web;

/// The browser's entry: wakes the islands that the server has drawn.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
