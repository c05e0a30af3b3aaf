//! `drift`: what is done about what a full reading finds.

use toml::Value;

use crate::{
    config::{reader::Table, write::Lines},
    domain::drift::{DriftRule, DriftRules},
};

/// `drift = { only_in_sentinel = "ask", value = "heal" }`
pub fn read(table: &Table<'_, '_>) -> DriftRules {
    let stock = DriftRules::default();
    let Some(inner) = table.table("drift") else { return stock };
    let choice = |key: &'static str, words: &[&'static str], default: DriftRule| {
        inner.choice(key, words).and_then(|word| DriftRule::parse(word.value)).unwrap_or(default)
    };
    let rules = DriftRules {
        only_in_sentinel: choice("only_in_sentinel", &DriftRule::WORDS, stock.only_in_sentinel),
        only_in_halo: choice("only_in_halo", &DriftRule::WORDS, stock.only_in_halo),
        value: choice("value", &DriftRule::WORDS, stock.value),
        lost_comment: choice("lost_comment", &DriftRule::WORDS, stock.lost_comment),
        // Nothing is ever written to another client's ticket.
        wrong_client: choice("wrong_client", &["ask", "ignore"], stock.wrong_client),
    };
    drop(inner.done());
    rules
}

/// The same as text.
pub fn write(lines: &mut Lines, rules: &DriftRules) {
    let rows = [
        ("only_in_sentinel", rules.only_in_sentinel),
        ("only_in_halo", rules.only_in_halo),
        ("value", rules.value),
        ("lost_comment", rules.lost_comment),
        ("wrong_client", rules.wrong_client),
    ];
    let rows = rows.into_iter().map(|(key, rule)| (key.to_owned(), Value::String(rule.as_str().to_owned())));
    lines.put("drift", Value::Table(rows.collect()));
}
