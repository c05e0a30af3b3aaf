//! Paths and templates into an incident, its alerts and its entities.
//!
//! A path begins at a root and goes down by steps:
//!
//! | root | is |
//! |---|---|
//! | `$` | the incident resource |
//! | `$alerts` | the list of its alerts |
//! | `$entities` | the list of its entities |
//! | `$details` | the custom details of all its alerts: name → values |
//!
//! Steps: `.member`, `['member with spaces']`, `[0]`, `[*]`, `[Account]` (members of a list whose `kind` this is).
//! A text that holds JSON is walked into. Many values are joined by `, `, each said once; none is an empty text.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::domain::{incident::Evidence, policy::FieldSource};

/// What paths start from.
#[derive(Debug, Clone, Copy)]
pub struct Roots<'a> {
    /// The incident resource.
    pub incident: &'a Value,
    /// Its alerts and entities, if they were read.
    pub evidence: Option<&'a Evidence>,
}

enum Step {
    Member(String),
    Index(usize),
    Kind(String),
    All,
}

/// Why a path or template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PathError(String);

/// The root's name and the steps.
fn parts(path: &str) -> Result<(&str, Vec<Step>), PathError> {
    let path = path.trim();
    let after = path.strip_prefix('$').ok_or_else(|| PathError(format!("the path “{path}” must begin with $")))?;
    let end = after.find(['.', '[']).unwrap_or(after.len());
    let root = after.get(..end).unwrap_or_default();
    if !["", "alerts", "entities", "details"].contains(&root) {
        let roots = "$, $alerts, $entities and $details";
        return Err(PathError(format!("“${root}” in “{path}” is none of {roots}")));
    }
    let mut rest = after.get(end..).unwrap_or_default();
    let mut found = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let end = after.find(']').ok_or_else(|| PathError(format!("“{path}” lacks a closing ]")))?;
            let inner = after.get(..end).unwrap_or_default().trim();
            rest = after.get(end + 1..).unwrap_or_default();
            let quoted = inner.trim_matches(|c| c == '\'' || c == '"');
            let word = !inner.is_empty() && inner.chars().all(char::is_alphanumeric);
            found.push(if inner == "*" {
                Step::All
            } else if quoted.len() < inner.len() {
                Step::Member(quoted.to_owned())
            } else if let Ok(index) = inner.parse() {
                Step::Index(index)
            } else if word && inner.starts_with(|c: char| c.is_ascii_uppercase()) {
                Step::Kind(inner.to_owned())
            } else {
                let remedy = "a number, *, 'a member' or a Kind";
                return Err(PathError(format!("“[{inner}]” in “{path}” is not {remedy}")));
            });
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = after.get(..end).unwrap_or_default();
            if name.is_empty() {
                return Err(PathError(format!("“{path}” has an empty member name")));
            }
            if name.contains(']') {
                return Err(PathError(format!("“{path}” has a ] without its [")));
            }
            rest = after.get(end..).unwrap_or_default();
            found.push(if name == "*" { Step::All } else { Step::Member(name.to_owned()) });
        } else {
            return Err(PathError(format!("“{path}” cannot be read from “{rest}” on")));
        }
    }
    Ok((root, found))
}

/// A text that holds an object or a list, as that.
fn opened(value: Cow<'_, Value>) -> Cow<'_, Value> {
    let inner = match value.as_ref() {
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => serde_json::from_str::<Value>(text).ok(),
        _ => None,
    };
    inner.map_or(value, Cow::Owned)
}

fn walk<'a>(values: Vec<Cow<'a, Value>>, step: &Step) -> Vec<Cow<'a, Value>> {
    let mut next = Vec::new();
    for value in values {
        match opened(value) {
            Cow::Borrowed(value) => next.extend(children(value, step).into_iter().map(Cow::Borrowed)),
            Cow::Owned(value) => next.extend(children(&value, step).into_iter().cloned().map(Cow::Owned)),
        }
    }
    next
}

fn children<'a>(value: &'a Value, step: &Step) -> Vec<&'a Value> {
    match (step, value) {
        (Step::Member(name), Value::Object(map)) => map.get(name).into_iter().collect(),
        (Step::Index(index), Value::Array(list)) => list.get(*index).into_iter().collect(),
        (Step::Kind(kind), Value::Array(list)) => {
            let fits = |item: &&Value| {
                item.get("kind").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(kind))
            };
            list.iter().filter(fits).collect()
        }
        (Step::All, Value::Array(list)) => list.iter().collect(),
        (Step::All, Value::Object(map)) => map.values().collect(),
        _ => Vec::new(),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => Some(list.iter().filter_map(text).collect::<Vec<_>>().join(", ")),
        other => Some(other.to_string()),
    }
}

/// The custom details of all alerts: JSON texts of names and lists (sentinel-api sheet, section 9), put together.
fn details(evidence: &Evidence) -> Value {
    let mut all: Map<String, Value> = Map::new();
    for alert in &evidence.alerts {
        let Some(given) = alert.pointer("/properties/additionalData/Custom Details") else { continue };
        if let Value::Object(map) = opened(Cow::Borrowed(given)).as_ref() {
            for (name, value) in map {
                let more = match value {
                    Value::Array(list) => list.clone(),
                    one => vec![one.clone()],
                };
                match all.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new())) {
                    Value::Array(list) => list.extend(more),
                    other => *other = Value::Array(more),
                }
            }
        }
    }
    Value::Object(all)
}

/// All values at a path as one text.
///
/// # Errors
/// The path cannot be read.
pub fn at_path(roots: Roots<'_>, path: &str) -> Result<String, PathError> {
    let (root, steps) = parts(path)?;
    let list = |records: &[Value]| Cow::Owned(Value::Array(records.to_vec()));
    let start = match (root, roots.evidence) {
        ("", _) => Cow::Borrowed(roots.incident),
        (_, None) => Cow::Owned(Value::Null),
        ("alerts", Some(evidence)) => list(&evidence.alerts),
        ("entities", Some(evidence)) => list(&evidence.entities),
        (_, Some(evidence)) => Cow::Owned(details(evidence)),
    };
    let found = steps.iter().fold(vec![start], walk);
    let mut texts: Vec<String> = Vec::new();
    for said in found.iter().filter_map(|value| text(value)).filter(|text| !text.is_empty()) {
        if !texts.contains(&said) {
            texts.push(said);
        }
    }
    Ok(texts.join(", "))
}

/// The text of a field source.
///
/// # Errors
/// A path cannot be read, or a brace is not closed.
pub fn fill(roots: Roots<'_>, source: &FieldSource) -> Result<String, PathError> {
    match source {
        FieldSource::Text(text) => Ok(text.clone()),
        FieldSource::Path(path) => at_path(roots, path),
        FieldSource::Template(template) => {
            let mut filled = String::with_capacity(template.len());
            let mut rest = template.as_str();
            while let Some(open) = rest.find('{') {
                filled.push_str(rest.get(..open).unwrap_or_default());
                let after = rest.get(open + 1..).unwrap_or_default();
                let close = after.find('}').ok_or_else(|| PathError(format!("“{template}” lacks a closing brace")))?;
                filled.push_str(&at_path(roots, after.get(..close).unwrap_or_default())?);
                rest = after.get(close + 1..).unwrap_or_default();
            }
            filled.push_str(rest);
            Ok(filled)
        }
    }
}

/// Checks a source without data, for saving a policy.
///
/// # Errors
/// As [`fill`].
pub fn check(source: &FieldSource) -> Result<(), PathError> {
    fill(Roots { incident: &Value::Null, evidence: None }, source).map(drop)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_paths_and_templates() {
        let incident = json!({"name": "n", "properties": {"severity": "High", "labels": [{"labelName": "a"}, {"labelName": "b"}],
            "additionalData": {"tactics": ["X", "Y"], "Custom Details": 3}, "none": null, "text": "{not json"}});
        let alert = |details: &str, name: &str| {
            json!({"properties": {"alertDisplayName": name,
                "additionalData": {"Custom Details": details, "MitreTechniques": "[\"T1110\",\"T1078\"]"}}})
        };
        let evidence = Evidence {
            alerts: vec![
                alert("{\"App\":[\"mail\",\"chat\"]}", "One"),
                alert("{\"App\":[\"chat\"],\"Ip\":\"10.0.0.1\"}", "Two"),
                json!({}),
            ],
            entities: vec![
                json!({"kind": "Account", "properties": {"accountName": "ann", "upnSuffix": "x.example"}}),
                json!({"kind": "Host", "properties": {"hostName": "pc-1"}}),
                json!({"kind": "Account", "properties": {"accountName": "bob"}}),
            ],
        };
        let roots = Roots { incident: &incident, evidence: Some(&evidence) };
        let table = [
            ("$.name", "n"),
            ("$.properties.labels[*].labelName", "a, b"),
            ("$.properties.labels[1].labelName", "b"),
            ("$.properties.additionalData.tactics", "X, Y"),
            ("$.properties.additionalData['Custom Details']", "3"),
            ("$.properties.none", ""),
            ("$.properties.missing.deep", ""),
            ("$.properties.text.deep", ""),
            ("$alerts[*].properties.alertDisplayName", "One, Two"),
            ("$alerts[0].properties.additionalData['Custom Details'].App[1]", "chat"),
            ("$alerts[*].properties.additionalData.MitreTechniques[*]", "T1110, T1078"),
            ("$entities[Account].properties.accountName", "ann, bob"),
            ("$entities[host].properties.hostName", ""),
            ("$entities[*].kind", "Account, Host"),
            ("$details.App", "mail, chat, chat"),
            ("$details.App[*]", "mail, chat"),
            ("$details['Ip']", "10.0.0.1"),
        ];
        for (path, expected) in table {
            let found = at_path(roots, path);
            if path.contains("[host]") {
                assert!(found.is_err(), "a kind begins with a capital");
                continue;
            }
            assert_eq!(found.as_deref(), Ok(expected), "{path}");
        }
        let unread = Roots { incident: &incident, evidence: None };
        assert_eq!(at_path(unread, "$alerts[*].properties.alertDisplayName").as_deref(), Ok(""));
        let filled = fill(
            roots,
            &FieldSource::Template("[{$.properties.severity}] {$entities[Host].properties.hostName}!".into()),
        );
        assert_eq!(filled.as_deref(), Ok("[High] pc-1!"));
        for wrong in ["properties.x", "$.a[x]", "$alert[*]", "$.a[", "$..a", "$.a]"] {
            assert!(check(&FieldSource::Path(wrong.into())).is_err(), "{wrong}");
        }
        assert!(check(&FieldSource::Template("{$.a".into())).is_err());
    }
}
