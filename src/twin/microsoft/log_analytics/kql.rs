//! Just enough of the query language: a table, `where`, `summarize` with `arg_max`, `count` and `dcount`, `distinct`,
//! `extend`, `take`, `top`, `sort by`, `project`, `count`; comments. Anything else is refused, as a syntax error.
//! Its text is read in [`super::kql_read`]; here it is run.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use serde_json::{Number, Value, json};

use super::{
    kql_read::{cut, step, without_comments},
    tables::{Columns, Table, columns},
};
use crate::twin::stamp;

/// A query that was understood.
#[derive(Debug, Clone)]
pub struct Query {
    /// Its table.
    pub table: Table,
    steps: Vec<Step>,
}

/// Why a query is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// It could not be read.
    Syntax(String),
    /// It was read, and names what there is not.
    Semantic(String),
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Where(Condition),
    /// The row with the greatest `column` for each `by`: of it `kept`, or every column.
    Latest {
        by: String,
        column: String,
        kept: Option<Vec<String>>,
    },
    CountBy {
        name: String,
        by: Option<String>,
    },
    /// How many different values a column has.
    Different {
        name: String,
        column: String,
        by: Option<String>,
    },
    Distinct(Vec<String>),
    Extend(Vec<(String, Source)>),
    Take(usize),
    Sort {
        column: String,
        ascending: bool,
        take: Option<usize>,
    },
    Project(Vec<(String, String)>),
}

/// Where an added column comes from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Column(String),
    Literal(Literal),
}

/// What rows must fulfil: `and` binds tighter than `or`.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    Any(Vec<Self>),
    All(Vec<Self>),
    One(Test),
}

impl Condition {
    fn check(&self, columns: &Columns) -> Result<(), String> {
        match self {
            Self::Any(all) | Self::All(all) => all.iter().try_for_each(|one| one.check(columns)),
            Self::One(test) => find(columns, &test.column).map(drop),
        }
    }

    fn holds(&self, columns: &Columns, row: &[Value]) -> bool {
        match self {
            Self::Any(all) => all.iter().any(|one| one.holds(columns, row)),
            Self::All(all) => all.iter().all(|one| one.holds(columns, row)),
            Self::One(test) => {
                find(columns, &test.column).ok().and_then(|at| row.get(at)).is_some_and(|cell| test.holds(cell))
            }
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) column: String,
    pub(super) operator: String,
    pub(super) values: Vec<Literal>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Time(Timestamp),
    Text(String),
    Number(Number),
    Truth(bool),
}

type Rows = Vec<Vec<Value>>;

impl Query {
    /// Reads a query; `now` is what `now()` and `ago(…)` mean.
    ///
    /// # Errors
    /// What was not understood.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, QueryError> {
        let text = without_comments(text);
        let mut parts = cut(&text, '|').into_iter();
        let table = match parts.next().map(|part| part.trim().to_owned()).as_deref() {
            Some("SecurityIncident") => Table::SecurityIncident,
            Some("SecurityAlert") => Table::SecurityAlert,
            other => {
                let operator = parts.next().and_then(|step| step.split_whitespace().next().map(str::to_owned));
                let operator = operator.map(|name| format!("'{name}' operator: ")).unwrap_or_default();
                return Err(QueryError::Semantic(format!(
                    "{operator}Failed to resolve table or column expression named '{}' (SEM0100)",
                    other.unwrap_or("")
                )));
            }
        };
        let steps =
            parts.map(|part| step(part.trim(), now)).collect::<Result<Vec<_>, _>>().map_err(QueryError::Syntax)?;
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
        Step::Where(condition) => {
            condition.check(&columns)?;
            rows.retain(|row| condition.holds(&columns, row));
        }
        Step::Latest { by, column, kept } => {
            let (key, at) = (find(&columns, by)?, find(&columns, column)?);
            // The group first, then what was maximized, then the others in the table's order.
            let others: Vec<String> = match kept {
                Some(kept) => kept.clone(),
                None => columns.iter().map(|(name, _)| name.clone()).collect(),
            };
            let others = others.iter().filter(|name| !(kept.is_none() && [by, column].contains(name)));
            let shown = [by, column].into_iter().chain(others).map(|name| (name.clone(), name.clone())).collect();
            let mut latest: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            for row in rows {
                let name = row.get(key).map(Value::to_string).unwrap_or_default();
                let newer = latest.get(&name).is_none_or(|old| order(old.get(at), row.get(at)) != Ordering::Greater);
                if newer {
                    latest.insert(name, row);
                }
            }
            rows = latest.into_values().collect();
            return apply(&Step::Project(shown), columns, rows);
        }
        Step::Distinct(names) => {
            let wanted = names.iter().map(|name| (name.clone(), name.clone())).collect();
            let (columns, mut rows) = apply(&Step::Project(wanted), columns, rows)?;
            let mut seen = BTreeSet::new();
            rows.retain(|row| seen.insert(Value::from(row.clone()).to_string()));
            return Ok((columns, rows));
        }
        Step::Extend(added) => {
            let mut columns = columns;
            for (name, source) in added {
                let (kind, from) = match source {
                    Source::Column(column) => {
                        let at = find(&columns, column)?;
                        (columns.get(at).map_or("string", |(_, kind)| kind), Ok(at))
                    }
                    Source::Literal(literal) => (literal.kind(), Err(literal.cell())),
                };
                let known = columns.iter().position(|(known, _)| known == name);
                for row in &mut rows {
                    let cell = match &from {
                        Ok(at) => row.get(*at).cloned().unwrap_or(Value::Null),
                        Err(cell) => cell.clone(),
                    };
                    match known.and_then(|at| row.get_mut(at)) {
                        Some(old) => *old = cell,
                        None => row.push(cell),
                    }
                }
                match known.and_then(|at| columns.get_mut(at)) {
                    Some(column) => column.1 = kind,
                    None => columns.push((name.clone(), kind)),
                }
            }
            return Ok((columns, rows));
        }
        Step::Different { name, column, by } => {
            let at = find(&columns, column)?;
            let key = by.as_ref().map(|by| find(&columns, by)).transpose()?;
            let mut groups: BTreeMap<String, (Value, BTreeSet<String>)> = BTreeMap::new();
            if key.is_none() {
                groups.insert(String::new(), (Value::Null, BTreeSet::new()));
            }
            for row in &rows {
                let cell = key.and_then(|key| row.get(key)).cloned().unwrap_or(Value::Null);
                let group = key.map(|_| cell.to_string()).unwrap_or_default();
                let text = row.get(at).map(Value::to_string).unwrap_or_default();
                groups.entry(group).or_insert_with(|| (cell, BTreeSet::new())).1.insert(text);
            }
            let kind = key.and_then(|key| columns.get(key)).map(|(by, kind)| (by.clone(), *kind));
            let rows = groups
                .into_values()
                .map(|(cell, seen)| key.map(|_| cell).into_iter().chain([json!(seen.len())]).collect())
                .collect();
            return Ok((kind.into_iter().chain([(name.clone(), "long")]).collect(), rows));
        }
        Step::CountBy { name, by: None } => {
            return Ok((vec![(name.clone(), "long")], vec![vec![json!(rows.len())]]));
        }
        Step::CountBy { name, by: Some(by) } => {
            let key = find(&columns, by)?;
            let mut counts: BTreeMap<String, (Value, usize)> = BTreeMap::new();
            for row in &rows {
                let cell = row.get(key).cloned().unwrap_or(Value::Null);
                counts.entry(cell.to_string()).or_insert((cell, 0)).1 += 1;
            }
            let kind = columns.get(key).map_or("string", |(_, kind)| kind);
            let rows = counts.into_values().map(|(cell, count)| vec![cell, json!(count)]).collect();
            return Ok((vec![(by.clone(), kind), (name.clone(), "long")], rows));
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
        (Some(Value::Bool(a)), Some(Value::Bool(b))) => a.cmp(b),
        (a, b) => a.is_some_and(|a| !a.is_null()).cmp(&b.is_some_and(|b| !b.is_null())),
    }
}

impl Literal {
    fn kind(&self) -> &'static str {
        match self {
            Self::Time(_) => "datetime",
            Self::Text(_) => "string",
            Self::Number(number) if number.is_f64() => "real",
            Self::Number(_) => "long",
            Self::Truth(_) => "bool",
        }
    }

    fn cell(&self) -> Value {
        match self {
            Self::Time(at) => stamp::seven_digits(*at).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Truth(truth) => (*truth).into(),
        }
    }
}

impl Test {
    fn holds(&self, cell: &Value) -> bool {
        let empty = cell.is_null() || cell.as_str().is_some_and(str::is_empty);
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
            "has" => text(has_term),
            "contains" => text(|own, wanted| own.contains(wanted)),
            "startswith" => text(|own, wanted| own.starts_with(wanted)),
            ">" => first.and_then(one) == Some(Ordering::Greater),
            "<" => first.and_then(one) == Some(Ordering::Less),
            ">=" => first.and_then(one).is_some_and(|order| order != Ordering::Less),
            "<=" => first.and_then(one).is_some_and(|order| order != Ordering::Greater),
            "between" => {
                first.and_then(one).is_some_and(|order| order != Ordering::Less)
                    && self.values.get(1).and_then(one).is_some_and(|order| order != Ordering::Greater)
            }
            "isempty" => empty,
            "isnotempty" => !empty,
            _ => false,
        }
    }
}

/// Whether a text has another as whole terms: what stands before and after is no letter and no digit.
fn has_term(own: &str, wanted: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    own.match_indices(wanted).any(|(at, _)| {
        let before = own.get(..at).and_then(|text| text.chars().next_back());
        let after = own.get(at + wanted.len()..).and_then(|text| text.chars().next());
        let cut = |edge: Option<char>, next: Option<char>| inside(edge) && inside(next);
        !cut(wanted.chars().next(), before) && !cut(wanted.chars().next_back(), after)
    })
}

fn compare(cell: &Value, literal: &Literal) -> Option<Ordering> {
    match (cell, literal) {
        (Value::String(own), Literal::Time(at)) => Some(stamp::parse(own)?.cmp(at)),
        (Value::String(own), Literal::Text(text)) => Some(own.as_str().cmp(text)),
        (Value::Number(own), Literal::Number(number)) => own.as_f64()?.partial_cmp(&number.as_f64()?),
        (Value::Bool(own), Literal::Truth(truth)) => Some(own.cmp(truth)),
        (Value::Bool(own), Literal::Text(text)) => Some(own.to_string().as_str().cmp(text)),
        _ => None,
    }
}
