//! Faults of an applied file: where, which field, what is wrong, what to do.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file cannot be applied.
    Error,
    /// It can be applied, and something will wait for a person.
    Warning,
}

/// What sort of fault; decides which are still worth saying when the file is not even TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Not TOML.
    Syntax,
    /// Something that is there is wrong.
    Wrong,
    /// Something is not there.
    Absent,
    /// Something is named that is not there.
    Unresolved,
}

/// One fault of an applied file. Its text never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fault {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// How bad.
    pub severity: Severity,
    /// What sort.
    pub kind: Kind,
    /// The field as in the schema, e.g. `halo.client_secret`; empty for the file itself.
    pub field: String,
    /// What is wrong, as the end of a sentence that begins with the field.
    pub problem: String,
    /// What to do, a sentence.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}: {severity}: ", self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{} ", self.field)?;
        }
        write!(f, "{}. {}", self.problem, self.remedy)
    }
}

/// Line and column (both from 1, the column in characters) of a byte offset.
pub fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.get(..end).unwrap_or("");
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
    (line, column)
}

/// The entry of `known` that `given` was probably meant to be.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = given.to_lowercase();
    let length = wanted.chars().count();
    let most = if length < 4 { 1 } else { (length / 3).clamp(2, 3) };
    known
        .into_iter()
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .filter(|(far, _)| *far <= most)
        .min_by_key(|(far, _)| *far)
        .map(|(_, name)| name)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let swap = row.get(j).copied().unwrap_or(usize::MAX) + usize::from(from != *to);
            let drop = row.get(j + 1).copied().unwrap_or(usize::MAX) + 1;
            let add = next.last().copied().unwrap_or(usize::MAX) + 1;
            next.push(swap.min(drop).min(add));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// `a, b or c`, each in quotes.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| format!("\"{name}\"")).collect();
    match names.pop() {
        None => "none".to_owned(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} or {last}", names.join(", ")),
    }
}
