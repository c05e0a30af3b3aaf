//! `reopened` and `after_closing`: what happens to the other side.

use crate::{
    config::reader::Table,
    domain::policy::{AfterClosing, Policy, ReopenRule},
};

/// `reopened = { in_sentinel = "reopen", in_halo = "ask" }`
pub fn reopened(table: &Table<'_, '_>) -> (ReopenRule, ReopenRule) {
    let stock = (ReopenRule::Reopen, ReopenRule::Reopen);
    let Some(inner) = table.table("reopened") else { return stock };
    let read = |key: &'static str, words: &[&'static str]| {
        inner.choice(key, words).and_then(|word| ReopenRule::parse(word.value)).unwrap_or(ReopenRule::Reopen)
    };
    // A ticket is made from an incident, never the other way.
    let in_halo: Vec<&'static str> = ReopenRule::WORDS.iter().copied().filter(|word| *word != "new-ticket").collect();
    let rules = (read("in_sentinel", ReopenRule::WORDS), read("in_halo", &in_halo));
    drop(inner.done());
    rules
}

/// `after_closing = { comments = "cross", fields = "ignore" }`
pub fn after(table: &Table<'_, '_>, stock: &Policy) -> (AfterClosing, AfterClosing) {
    let stock = (stock.after_closing_comments, stock.after_closing_fields);
    let Some(inner) = table.table("after_closing") else { return stock };
    let read = |key: &'static str, default: AfterClosing| {
        inner.choice(key, AfterClosing::WORDS).and_then(|word| AfterClosing::parse(word.value)).unwrap_or(default)
    };
    let rules = (read("comments", stock.0), read("fields", stock.1));
    drop(inner.done());
    rules
}
