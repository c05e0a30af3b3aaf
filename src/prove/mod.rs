//! Proof by simulation: the real engine, the real store and the real adapters against the twin, in one
//! process, under a virtual clock and a seeded scheduler.
//!
//! A seed decides a world ([`shape`]): its size, its policy, what goes wrong. [`world`] lives it, one event at
//! a time: [`people`] act on both sides, calls travel over a [`wire`] on which they are lost, doubled and
//! delayed ([`carry`]), and whole calamities befall it ([`strikes`]). One future runs at a time ([`executor`]);
//! a store call is one step; only calls to the outside wait, and the seed decides when they are answered. So
//! the same seed gives the same [`story`], byte for byte. After quiet time the [`invariants`] are asked of what
//! an onlooker wrote down ([`watch`], [`scene`]). Some worlds try what seldom happens ([`seldom`]). [`run`] lives many seeds. The same invariants are asked of the program in
//! a process of its own ([`outside`]).
//!
//! May use everything but `cli`.

mod admins;
mod agents;
mod analysts;
pub mod bugs;
mod bursts;
mod carry;
pub mod clicks;
pub mod copies;
mod describe;
pub mod dice;
pub mod executor;
mod host;
pub mod invariants;
pub mod mapping;
pub mod nemesis;
pub mod outside;
mod paced;
mod people;
pub mod planted;
pub mod run;
pub mod scene;
mod schedule;
mod seat;
pub mod seldom;
pub mod shape;
pub mod story;
mod strikes;
pub mod watch;
mod webhooks;
pub mod wire;
pub mod words;
pub mod world;
