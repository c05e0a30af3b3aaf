//! The integration tests: one binary, so that the crate is linked once.

// Test code may stop where the product may not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod adapters_budget;
mod adapters_entra;
mod adapters_network;
mod adapters_support;
mod adapters_tolerance;
mod adapters_twin;
mod bad_input;
mod calls;
mod cli_admin;
mod cli_config;
mod config_apply;
mod config_faults;
mod delegated;
mod docs;
mod engine;
mod errands;
mod full_disk;
mod halo_probe;
mod import_mode;
mod inside;
mod kill;
mod large_bodies;
mod layering;
mod limited;
mod openapi;
mod outside;
mod overrides;
mod process;
mod prove;
mod rules_halo;
mod rules_sentinel;
mod service_views;
mod set_up;
mod set_up_mistakes;
mod set_up_newcomer;
mod set_up_screens;
mod sign_in_attacks;
mod store;
mod support;
mod twin_halo;
mod twin_microsoft;
mod twin_public;
mod units;
mod versions;
mod web_accounts;
mod web_api;
mod web_forms;
mod web_hooks;
mod web_live;
mod web_pages;
mod web_palette;
mod web_people;
mod web_rights;
