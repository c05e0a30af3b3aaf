//! Bugs planted on purpose, to show that the invariants see them. All of them are made here and handed in.

use crate::{
    store::Store,
    twin::{wire::Call, world::Answer},
};

/// Which bugs a world has; none unless somebody asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bugs {}

impl Bugs {
    /// Plants those that change what is written down.
    pub fn plant(&self, _store: &Store) {}

    /// Those that change what is sent.
    pub fn on_call(&self, _call: &mut Call, _kind: &str) {}

    /// Those that change what is understood of an answer.
    pub fn on_answer(&self, _kind: &str, _answer: &mut Answer) {}
}
