//! Small parts by themselves, each by its public functions. Those of the pure core stand beside their code.

mod assets;
mod config;
mod console;
mod engine;
mod halo_itsm;
mod outbound;
mod prove;
mod sentinel;
mod service;
mod statements;
mod store;
mod twin;
mod web;
