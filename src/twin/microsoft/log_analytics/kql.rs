//! Just enough of the query language: a table, `where`, `summarize arg_max(…) by`, `take`, `top`,
//! `sort by`, `project`, `count`. Anything else is refused, as a syntax error.

use std::{cmp::Ordering, collections::BTreeMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::tables::{Columns, Table, columns};
use crate::twin::stamp;

/// A query that was understood.
#[derive(Debug, Clone)]
pub struct Query {
    /// Its table.
    pub table: Table,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Where(Vec<Vec<Test>>),
    Latest { by: String, column: String },
    CountBy(Option<String>),
    Take(usize),
    Sort { column: String, ascending: bool, take: Option<usize> },
    Project(Vec<(String, String)>),
}

#[derive(Debug, Clone)]
struct Test {
    column: String,
    operator: String,
    values: Vec<Literal>,
}

#[derive(Debug, Clone, PartialEq)]
enum Literal {
    Time(Timestamp),
    Text(String),
    Number(f64),
}

type Rows = Vec<Vec<Value>>;

impl Query {
    /// Reads a query; `now` is what `now()` and `ago(…)` mean.
    ///
    /// # Errors
    /// What was not understood.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, String> {
        let mut parts = cut(text, '|').into_iter();
        let table = match parts.next().map(|part| part.trim().to_owned()).as_deref() {
            Some("SecurityIncident") => Table::SecurityIncident,
            Some("SecurityAlert") => Table::SecurityAlert,
            other => {
                return Err(format!(
                    "'where' operator: Failed to resolve table or column expression named '{}'",
                    other.unwrap_or("")
                ));
            }
        };
        let steps = parts.map(|part| step(part.trim(), now)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { table, steps })
    }

    /// Runs it over the rows of its table; `span` bounds `TimeGenerated`.
    ///
    /// # Errors
    /// When a column is unknown.
    pub fn run(&self, mut rows: Rows, span: Option<(Timestamp, Timestamp)>) -> Result<(Columns, Rows), String> {
        let mut columns = columns(self.table);
        if let Some((from, to)) = span {
            let at = find(&columns, "TimeGenerated")?;
            rows.retain(|row| {
                row.get(at)
                    .and_then(Value::as_str)
                    .and_then(stamp::parse)
                    .is_some_and(|time| from <= time && time <= to)
            });
        }
        for step in &self.steps {
            (columns, rows) = apply(step, columns, rows)?;
        }
        Ok((columns, rows))
    }
}

fn find(columns: &Columns, name: &str) -> Result<usize, String> {
    columns
        .iter()
        .position(|(known, _)| known == name)
        .ok_or_else(|| format!("Failed to resolve scalar expression named '{name}'"))
}

fn apply(step: &Step, columns: Columns, mut rows: Rows) -> Result<(Columns, Rows), String> {
    match step {
        Step::Where(all) => {
            let mut places = Vec::new();
            for any in all {
                places.push(any.iter().map(|test| find(&columns, &test.column)).collect::<Result<Vec<_>, _>>()?);
            }
            rows.retain(|row| {
                all.iter().zip(&places).all(|(any, places)| {
                    any.iter().zip(places).any(|(test, at)| row.get(*at).is_some_and(|cell| test.holds(cell)))
                })
            });
        }
        Step::Latest { by, column } => {
            let (key, at) = (find(&columns, by)?, find(&columns, column)?);
            let mut latest: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            for row in rows {
                let name = row.get(key).map(Value::to_string).unwrap_or_default();
                let newer = latest.get(&name).is_none_or(|old| order(old.get(at), row.get(at)) != Ordering::Greater);
                if newer {
                    latest.insert(name, row);
                }
            }
            return Ok((columns, latest.into_values().collect()));
        }
        Step::CountBy(None) => return Ok((vec![("Count".into(), "long")], vec![vec![json!(rows.len())]])),
        Step::CountBy(Some(by)) => {
            let key = find(&columns, by)?;
            let mut counts: BTreeMap<String, (Value, usize)> = BTreeMap::new();
            for row in &rows {
                let cell = row.get(key).cloned().unwrap_or(Value::Null);
                counts.entry(cell.to_string()).or_insert((cell, 0)).1 += 1;
            }
            let kind = columns.get(key).map_or("string", |(_, kind)| kind);
            let rows = counts.into_values().map(|(cell, count)| vec![cell, json!(count)]).collect();
            return Ok((vec![(by.clone(), kind), ("count_".into(), "long")], rows));
        }
        Step::Take(count) => rows.truncate(*count),
        Step::Sort { column, ascending, take } => {
            let at = find(&columns, column)?;
            rows.sort_by(|a, b| if *ascending { order(a.get(at), b.get(at)) } else { order(b.get(at), a.get(at)) });
            if let Some(take) = take {
                rows.truncate(*take);
            }
        }
        Step::Project(wanted) => {
            let places = wanted.iter().map(|(_, column)| find(&columns, column)).collect::<Result<Vec<_>, _>>()?;
            let kept = wanted
                .iter()
                .zip(&places)
                .map(|((name, _), at)| (name.clone(), columns.get(*at).map_or("string", |(_, kind)| kind)));
            let rows = rows
                .iter()
                .map(|row| places.iter().map(|at| row.get(*at).cloned().unwrap_or(Value::Null)).collect())
                .collect();
            return Ok((kept.collect(), rows));
        }
    }
    Ok((columns, rows))
}

fn order(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => {
            a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Some(Value::String(a)), Some(Value::String(b))) => match (stamp::parse(a), stamp::parse(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        },
        (a, b) => a.is_some_and(|a| !a.is_null()).cmp(&b.is_some_and(|b| !b.is_null())),
    }
}

impl Test {
    fn holds(&self, cell: &Value) -> bool {
        let one = |literal: &Literal| compare(cell, literal);
        let text = |test: fn(&str, &str) -> bool| {
            self.values.iter().any(|value| match (cell, value) {
                (Value::String(own), Literal::Text(wanted)) => test(&own.to_lowercase(), &wanted.to_lowercase()),
                _ => false,
            })
        };
        let first = self.values.first();
        match self.operator.as_str() {
            "==" | "in" => self.values.iter().any(|value| one(value) == Some(Ordering::Equal)),
            "!=" | "!in" => self.values.iter().all(|value| one(value) != Some(Ordering::Equal)),
            "=~" | "in~" => text(|own, wanted| own == wanted),
            "has" | "contains" => text(|own, wanted| own.contains(wanted)),
            "startswith" => text(|own, wanted| own.starts_with(wanted)),
            ">" => first.and_then(one) == Some(Ordering::Greater),
            "<" => first.and_then(one) == Some(Ordering::Less),
            ">=" => first.and_then(one).is_some_and(|order| order != Ordering::Less),
            "<=" => first.and_then(one).is_some_and(|order| order != Ordering::Greater),
            "between" => {
                first.and_then(one).is_some_and(|order| order != Ordering::Less)
                    && self.values.get(1).and_then(one).is_some_and(|order| order != Ordering::Greater)
            }
            _ => false,
        }
    }
}

fn compare(cell: &Value, literal: &Literal) -> Option<Ordering> {
    match (cell, literal) {
        (Value::String(own), Literal::Time(at)) => Some(stamp::parse(own)?.cmp(at)),
        (Value::String(own), Literal::Text(text)) => Some(own.as_str().cmp(text)),
        (Value::Number(own), Literal::Number(number)) => own.as_f64()?.partial_cmp(number),
        (Value::Bool(own), Literal::Text(text)) => Some(own.to_string().as_str().cmp(text)),
        _ => None,
    }
}

fn step(text: &str, now: Timestamp) -> Result<Step, String> {
    let wrong = || format!("A recognition error occurred in the query near '{text}'.");
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    match word {
        "where" => Ok(Step::Where(conditions(rest, now).ok_or_else(wrong)?)),
        "take" | "limit" => rest.parse().map(Step::Take).map_err(|_| wrong()),
        "count" if rest.is_empty() => Ok(Step::CountBy(None)),
        "summarize" => summarize(rest).ok_or_else(wrong),
        "project" => Ok(Step::Project(
            cut(rest, ',')
                .into_iter()
                .map(|part| match part.split_once('=') {
                    Some((name, column)) => (name.trim().to_owned(), column.trim().to_owned()),
                    None => (part.trim().to_owned(), part.trim().to_owned()),
                })
                .collect(),
        )),
        "sort" | "order" => sort(rest.strip_prefix("by").ok_or_else(wrong)?.trim(), None).ok_or_else(wrong),
        "top" => {
            let (count, by) = rest.split_once(" by ").ok_or_else(wrong)?;
            sort(by.trim(), Some(count.trim().parse().map_err(|_| wrong())?)).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn sort(text: &str, take: Option<usize>) -> Option<Step> {
    let mut words = text.split_whitespace();
    let column = words.next()?.to_owned();
    let ascending = match words.next() {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => return None,
    };
    Some(Step::Sort { column, ascending, take })
}

fn summarize(text: &str) -> Option<Step> {
    let compact: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(rest) = compact.strip_prefix("count()") {
        let by = rest.trim().strip_prefix("by ").map(|by| by.trim().to_owned());
        return (by.is_some() || rest.trim().is_empty()).then_some(Step::CountBy(by));
    }
    let rest = compact.strip_prefix("arg_max(").or_else(|| compact.strip_prefix("arg_max ("))?;
    let (inside, by) = rest.split_once(')')?;
    let (column, what) = inside.split_once(',')?;
    let by = by.trim().strip_prefix("by ")?.trim();
    (what.trim() == "*" && !by.contains(','))
        .then(|| Step::Latest { by: by.to_owned(), column: column.trim().to_owned() })
}

/// All of these must hold; of each, any.
fn conditions(text: &str, now: Timestamp) -> Option<Vec<Vec<Test>>> {
    let mut all = Vec::new();
    for part in cut_word(text, " and ") {
        let part = part.trim();
        let inner = part.strip_prefix('(').and_then(|part| part.strip_suffix(')')).unwrap_or(part);
        all.push(cut_word(inner, " or ").into_iter().map(|one| test(one.trim(), now)).collect::<Option<Vec<_>>>()?);
    }
    Some(all)
}

fn test(text: &str, now: Timestamp) -> Option<Test> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    let (column, rest) = (text.get(..end)?, text.get(end..)?.trim());
    const OPERATORS: [&str; 14] =
        ["==", "!=", ">=", "<=", "=~", ">", "<", "between", "in~", "!in", "in", "has", "contains", "startswith"];
    let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator))?;
    let rest = rest.get(operator.len()..)?.trim();
    let list = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let parts = match (*operator, list) {
        ("between", Some(list)) => cut_word(list, ".."),
        ("in" | "!in" | "in~", Some(list)) => cut(list, ','),
        _ => vec![rest],
    };
    let values = parts.into_iter().map(|part| literal(part.trim(), now)).collect::<Option<Vec<_>>>()?;
    Some(Test { column: column.to_owned(), operator: (*operator).to_owned(), values })
}

fn literal(text: &str, now: Timestamp) -> Option<Literal> {
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
            return Some(Literal::Text(inner.to_owned()));
        }
    }
    if let Some(inner) = text.strip_prefix("datetime(").and_then(|text| text.strip_suffix(')')) {
        return stamp::parse(inner.trim_matches(['\'', '"'])).map(Literal::Time);
    }
    if let Some(inner) = text.strip_prefix("ago(").and_then(|text| text.strip_suffix(')')) {
        return now.checked_sub(length(inner)?).ok().map(Literal::Time);
    }
    match text {
        "now()" => Some(Literal::Time(now)),
        "true" | "false" => Some(Literal::Text(text.to_owned())),
        _ => text.parse().ok().map(Literal::Number),
    }
}

fn length(text: &str) -> Option<SignedDuration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: i64 = text.get(..digits)?.parse().ok()?;
    let seconds = match text.get(digits..)? {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    Some(SignedDuration::from_secs(number.checked_mul(seconds)?))
}

/// Cuts at a mark outside quotes and brackets.
fn cut(text: &str, mark: char) -> Vec<&str> {
    cut_at(text, &mark.to_string())
}

fn cut_word<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    cut_at(text, word)
}

fn cut_at<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let (mut parts, mut from, mut depth, mut quote) = (Vec::new(), 0, 0_i32, None);
    let mut skip_to = 0;
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        match (c, quote) {
            (_, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(c),
            _ if depth == 0 && text.get(at..).is_some_and(|rest| rest.starts_with(mark)) => {
                parts.push(text.get(from..at).unwrap_or(""));
                from = at + mark.len();
                skip_to = from;
            }
            ('(', None) => depth += 1,
            (')', None) => depth -= 1,
            _ => {}
        }
    }
    parts.push(text.get(from..).unwrap_or(""));
    parts
}
