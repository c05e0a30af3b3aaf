//! Paths and templates into the incident resource.
//!
//! A path is `$.properties.severity`, `$.properties.labels[*].labelName`, `$['properties']['x y']`,
//! `$.properties.relatedAnalyticRuleIds[0]`. Many values are joined by `, `; none is an empty text.

use serde_json::Value;

use crate::domain::policy::FieldSource;

enum Step {
    Member(String),
    Index(usize),
    All,
}

/// Why a path or template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PathError(String);

fn steps(path: &str) -> Result<Vec<Step>, PathError> {
    let mut rest =
        path.trim().strip_prefix('$').ok_or_else(|| PathError(format!("the path “{path}” must begin with $")))?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let end = after.find(']').ok_or_else(|| PathError(format!("“{path}” lacks a closing ]")))?;
            let inner = after.get(..end).unwrap_or_default().trim();
            rest = after.get(end + 1..).unwrap_or_default();
            let quoted = inner.trim_matches(|c| c == '\'' || c == '"');
            found.push(if inner == "*" {
                Step::All
            } else if quoted.len() < inner.len() {
                Step::Member(quoted.to_owned())
            } else {
                Step::Index(inner.parse().map_err(|_| PathError(format!("“[{inner}]” in “{path}” is no index")))?)
            });
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = after.get(..end).unwrap_or_default();
            if name.is_empty() {
                return Err(PathError(format!("“{path}” has an empty member name")));
            }
            rest = after.get(end..).unwrap_or_default();
            found.push(if name == "*" { Step::All } else { Step::Member(name.to_owned()) });
        } else {
            return Err(PathError(format!("“{path}” cannot be read from “{rest}” on")));
        }
    }
    Ok(found)
}

fn walk<'a>(values: Vec<&'a Value>, step: &Step) -> Vec<&'a Value> {
    let mut next = Vec::new();
    for value in values {
        match (step, value) {
            (Step::Member(name), Value::Object(map)) => next.extend(map.get(name)),
            (Step::Index(index), Value::Array(list)) => next.extend(list.get(*index)),
            (Step::All, Value::Array(list)) => next.extend(list),
            (Step::All, Value::Object(map)) => next.extend(map.values()),
            _ => {}
        }
    }
    next
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => Some(list.iter().filter_map(text).collect::<Vec<_>>().join(", ")),
        other => Some(other.to_string()),
    }
}

/// All values at a path as one text.
///
/// # Errors
/// The path cannot be read.
pub fn at_path(root: &Value, path: &str) -> Result<String, PathError> {
    let found = steps(path)?.iter().fold(vec![root], walk);
    Ok(found.into_iter().filter_map(text).filter(|t| !t.is_empty()).collect::<Vec<_>>().join(", "))
}

/// The text of a field source.
///
/// # Errors
/// A path cannot be read, or a brace is not closed.
pub fn fill(root: &Value, source: &FieldSource) -> Result<String, PathError> {
    match source {
        FieldSource::Text(text) => Ok(text.clone()),
        FieldSource::Path(path) => at_path(root, path),
        FieldSource::Template(template) => {
            let mut filled = String::with_capacity(template.len());
            let mut rest = template.as_str();
            while let Some(open) = rest.find('{') {
                filled.push_str(rest.get(..open).unwrap_or_default());
                let after = rest.get(open + 1..).unwrap_or_default();
                let close = after.find('}').ok_or_else(|| PathError(format!("“{template}” lacks a closing brace")))?;
                filled.push_str(&at_path(root, after.get(..close).unwrap_or_default())?);
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
    fill(&Value::Null, source).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths_and_templates() {
        let root = serde_json::json!({"name": "n", "properties": {"severity": "High", "labels": [{"labelName": "a"}, {"labelName": "b"}],
            "additionalData": {"tactics": ["X", "Y"], "Custom Details": 3}, "none": null}});
        let table = [
            ("$.name", "n"),
            ("$.properties.labels[*].labelName", "a, b"),
            ("$.properties.labels[1].labelName", "b"),
            ("$.properties.additionalData.tactics", "X, Y"),
            ("$.properties.additionalData['Custom Details']", "3"),
            ("$.properties.none", ""),
            ("$.properties.missing.deep", ""),
        ];
        for (path, expected) in table {
            assert_eq!(at_path(&root, path).as_deref(), Ok(expected), "{path}");
        }
        let filled = fill(&root, &FieldSource::Template("[{$.properties.severity}] {$.name}!".into()));
        assert_eq!(filled.as_deref(), Ok("[High] n!"));
        assert!(check(&FieldSource::Path("properties.x".into())).is_err());
        assert!(check(&FieldSource::Path("$.a[x]".into())).is_err());
        assert!(check(&FieldSource::Template("{$.a".into())).is_err());
    }
}
