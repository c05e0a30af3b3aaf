//! `group` and `late_alerts`: which incidents share a ticket, and what it hears of alerts that join later.

use toml::Value;

use crate::{
    config::{reader::Table, write::Lines},
    domain::policy::{GROUP_HOURS, GROUP_MOST, GroupBy, GroupRule, LateAlerts, Policy},
};

/// Incidents of a group at most: each of them is read whenever one of them changes.
const MOST: u32 = 100;
/// Four weeks.
const HOURS: u32 = 672;

/// `group = { by = ["analytics-rule", "host"], hours = 24, most = 20 }`
pub fn read(table: &Table<'_, '_>) -> Option<GroupRule> {
    let inner = table.table("group")?;
    let mut by: Vec<GroupBy> = Vec::new();
    let words = inner.texts("by");
    for word in &words {
        match GroupBy::parse(word.value.trim()) {
            Some(kind) if by.contains(&kind) => {}
            Some(kind) => by.push(kind),
            None => {
                let problem = format!("holds \"{}\", by which incidents are not grouped", word.value);
                let words: Vec<String> = GroupBy::WORDS.iter().map(|word| format!("\"{word}\"")).collect();
                inner.sink.wrong(word.at, inner.field("by"), problem, format!("Use {}.", words.join(", ")));
            }
        }
    }
    if by.is_empty() && !inner.has("by") {
        let remedy =
            "Write by = [\"analytics-rule\", \"host\"]: what the incidents of a ticket have in common, all of it.";
        inner.absent_here("by", "is missing", remedy);
    }
    let rule = GroupRule {
        hours: inner.count("hours", 1, HOURS, GROUP_HOURS),
        most: inner.count("most", 2, MOST, GROUP_MOST),
        by,
    };
    if words.is_empty() && inner.has("by") {
        inner.warn_here("by", "groups nothing", "Name at least one, or leave group out.");
    }
    drop(inner.done());
    (!rule.by.is_empty()).then_some(rule)
}

/// `late_alerts = "note"`
pub fn late_alerts(table: &Table<'_, '_>, stock: &Policy) -> LateAlerts {
    table
        .choice("late_alerts", LateAlerts::WORDS)
        .and_then(|word| LateAlerts::parse(word.value))
        .unwrap_or(stock.late_alerts)
}

/// The same as text.
pub fn write(lines: &mut Lines, policy: &Policy) {
    if let Some(rule) = &policy.group {
        let by = rule.by.iter().map(|kind| Value::String(kind.as_str().to_owned())).collect();
        let rows = [
            ("by", Value::Array(by)),
            ("hours", Value::Integer(i64::from(rule.hours))),
            ("most", Value::Integer(i64::from(rule.most))),
        ];
        lines.put("group", Value::Table(rows.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()));
    }
    lines.text("late_alerts", policy.late_alerts.as_str());
}
