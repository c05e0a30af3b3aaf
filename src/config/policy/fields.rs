//! How fields cross: `severity`, `status`, `owner`, `title`, `labels`, the mapped `fields`, and the requester.

use toml::de::DeValue;

use super::SEVERITIES;
use crate::{
    config::{
        fault::nearest,
        reader::{At, Table},
    },
    domain::{
        catalogue::Ref,
        policy::{
            Direction, FieldMapping, FieldRule, FieldSource, FieldTarget, LabelMapping, RequesterRule, When, Wins,
            field::MEMBERS,
        },
    },
};

/// One field's rule: what is left out keeps its default.
pub fn rule(table: &Table<'_, '_>, key: &'static str, default: FieldRule) -> FieldRule {
    let Some(inner) = table.table(key) else { return default };
    let rule = rule_of(&inner, default, Direction::ALL);
    drop(inner.done());
    rule
}

fn rule_of(inner: &Table<'_, '_>, default: FieldRule, directions: &[Direction]) -> FieldRule {
    let words: Vec<&'static str> = directions.iter().map(|direction| direction.as_str()).collect();
    let direction = inner.choice("direction", &words).and_then(|word| Direction::parse(word.value));
    let when = inner.choice("when", When::WORDS).and_then(|word| When::parse(word.value));
    let wins = inner.choice("wins", Wins::WORDS).and_then(|word| Wins::parse(word.value));
    let rule = FieldRule {
        direction: direction.unwrap_or(default.direction),
        when: when.unwrap_or(default.when),
        wins: wins.unwrap_or(default.wins),
    };
    if rule.when == When::OnCreate && rule.direction == Direction::ToSentinel {
        let remedy = "Write when = \"always\", or direction = \"none\".";
        inner.warn_at("when", "lets nothing cross: a ticket is made from the incident, never the other way", remedy);
    }
    rule
}

/// `{ "P1" = "High" }`; a key of digits is a priority's id.
pub fn priorities_back(table: &Table<'_, '_>) -> Vec<(Ref, String)> {
    let Some(inner) = table.table("priorities_back") else { return Vec::new() };
    let mut rows = Vec::new();
    for (key, value) in inner.entries() {
        let severity = value.value.as_str().map(str::trim);
        match severity.and_then(|text| SEVERITIES.into_iter().find(|known| known.eq_ignore_ascii_case(text))) {
            Some(severity) => rows.push((super::key_ref(key.value), severity.to_owned())),
            None => {
                let remedy = format!("Use one of {}: the incident's severity on the way back.", SEVERITIES.join(", "));
                inner.sink.wrong(value.at, inner.field(key.value), "is not a severity", remedy);
            }
        }
    }
    rows.sort();
    rows
}

/// `labels = { field = "CF…", direction = "both" }`
pub fn labels(table: &Table<'_, '_>) -> Option<LabelMapping> {
    let inner = table.table("labels")?;
    if !inner.has("field") {
        let remedy = "Write field = \"CF…\": the custom field that holds the labels, separated by commas.";
        inner.absent_here("field", "is missing", remedy);
    }
    let field = inner.reference("field").map(|found| found.value);
    if let Some(found) = inner.value("wins") {
        let remedy = "Leave it out: labels are a set, and what was added on either side is kept.";
        inner.sink.warn(found.at, inner.field("wins"), "has no effect", remedy);
    }
    let rule = rule_of(&inner, FieldRule::new(Direction::ToHalo, When::Always), Direction::ALL);
    drop(inner.done());
    field.map(|field| LabelMapping { field, rule })
}

/// `"general-user"`, `"affected-user"`, or a Halo user's id.
pub fn requester(table: &Table<'_, '_>) -> RequesterRule {
    let Some(found) = table.value("requester") else { return RequesterRule::GeneralUser };
    match found.value {
        DeValue::String(text) if text.trim() == "general-user" => RequesterRule::GeneralUser,
        DeValue::String(text) if text.trim() == "affected-user" => RequesterRule::AffectedUser,
        DeValue::Integer(_) => match table.integer("requester", 1, i64::MAX) {
            Some(id) => RequesterRule::User { id: id.value },
            None => RequesterRule::GeneralUser,
        },
        other => {
            let must = "\"general-user\", \"affected-user\" or the id of a Halo user";
            table.wrong_type("requester", found.at, other, must);
            RequesterRule::GeneralUser
        }
    }
}

/// `[[policy.fields]]`
pub fn mapped(table: &Table<'_, '_>) -> Vec<FieldMapping> {
    let mut mappings: Vec<FieldMapping> = Vec::new();
    for entry in table.tables("fields") {
        let target = target(&entry);
        let sources: Vec<(FieldSource, usize)> = [
            entry.text("path").map(|t| (FieldSource::Path(t.value), t.at)),
            entry.text("template").map(|t| (FieldSource::Template(t.value), t.at)),
            entry.text("text").map(|t| (FieldSource::Text(t.value), t.at)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let default = FieldRule { direction: Direction::ToHalo, when: When::OnCreate, wins: Wins::Sentinel };
        let rule = rule_of(&entry, default, &[Direction::ToHalo, Direction::None]);
        let one = "Write exactly one of path = \"$.…\", template = \"… {$.…}\" or text = \"…\".";
        if sources.len() != 1 && !(sources.is_empty() && ["path", "template", "text"].iter().any(|k| entry.has(k))) {
            entry.absent_here("path", "must have exactly one source beside it", one);
        }
        if let (Some(target), Some((source, at))) = (target, sources.into_iter().next()) {
            path_form(&entry, &source, at);
            if mappings.iter().any(|m| m.field == target.value) {
                let problem = format!("is mapped twice: {}", target.value);
                entry.sink.wrong(target.at, entry.field("field"), problem, "Keep one of the two.");
            }
            mappings.push(FieldMapping { field: target.value, source, rule });
        }
        drop(entry.done());
    }
    mappings
}

/// `field = "CF…"` or `member = "impact"`.
fn target(entry: &Table<'_, '_>) -> Option<At<FieldTarget>> {
    let names: Vec<&'static str> = MEMBERS.iter().map(|(name, _)| *name).collect();
    let field = entry.reference("field").map(|found| At { value: FieldTarget::Custom(found.value), at: found.at });
    let member = entry
        .choice("member", &names)
        .map(|found| At { value: FieldTarget::Member(found.value.to_owned()), at: found.at });
    match (field, member) {
        (Some(field), None) => Some(field),
        (None, Some(member)) => Some(member),
        (Some(_), Some(member)) => {
            entry.sink.wrong(member.at, entry.field("member"), "stands beside field", "Keep one of the two.");
            None
        }
        (None, None) => {
            if !entry.has("field") && !entry.has("member") {
                let remedy = "Write field = \"CF…\" (id, name or label of a custom field), or member = \"impact\".";
                entry.absent_here("field", "is missing", remedy);
            }
            None
        }
    }
}

fn path_form(entry: &Table<'_, '_>, source: &FieldSource, at: usize) {
    const ROOTS: [&str; 4] = ["$", "$alerts", "$entities", "$details"];
    let root = |path: &str| path.trim().split(['.', '[']).next().unwrap_or_default().to_owned();
    let paths: Vec<&str> = match source {
        FieldSource::Path(path) => vec![path.as_str()],
        FieldSource::Template(text) if text.matches('{').count() != text.matches('}').count() => {
            let remedy = "Each path stands in braces of its own: {$.properties.title}.";
            return entry.sink.wrong(at, entry.field("template"), "has a brace that is not closed", remedy);
        }
        FieldSource::Template(text) => text.split('{').skip(1).filter_map(|part| part.split('}').next()).collect(),
        FieldSource::Text(_) => return,
    };
    let key = if matches!(source, FieldSource::Path(_)) { "path" } else { "template" };
    for path in paths.into_iter().filter(|path| !ROOTS.contains(&root(path).as_str())) {
        let remedy = match nearest(&root(path), ROOTS) {
            Some(near) if path.starts_with('$') => format!("Did you mean {near}?"),
            _ => "Begin it with $. (the incident), $alerts[*], $entities[*] or $details, like $.properties.title."
                .to_owned(),
        };
        entry.sink.wrong(at, entry.field(key), format!("holds the path \"{path}\", which begins with no root"), remedy);
    }
}
