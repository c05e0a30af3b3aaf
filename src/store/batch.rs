//! Several statements in one go.
//!
//! A statement on its own costs a trip to the connection's thread and back, which is more than what SQLite does
//! in it. A [`Batch`] is carried out as one text of many statements: one trip, and one prepared plan for each
//! sequence of statements that comes up again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use futures::StreamExt;
use sqlx::{Arguments, AssertSqlSafe, Either, Executor, SqliteConnection, sqlite::SqliteArguments};

use super::error::{Result, StoreError};

/// Statements carried out in one go at most: more would only make plans that nobody asks for twice.
const TOGETHER: usize = 48;

/// A value to be bound.
#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Int(i64),
    Text(Arc<str>),
    Blob(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Blob(value.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What has to be true of a statement's effect.
#[derive(Debug)]
enum Expected {
    Anything,
    /// One row was changed, or as many as it inserts; otherwise this is wrong.
    One(StoreError),
    /// No error; otherwise this is wrong.
    Quiet(StoreError),
}

/// Fails when the statement before did not change so many rows, so that nothing after it is carried out. (Built from
/// the number of rows, or SQLite would work it out beforehand, whatever the condition says.)
fn guard(rows: usize) -> String {
    format!("SELECT json('changed ' || changes()) WHERE changes() <> {rows};")
}

#[derive(Debug)]
struct Part {
    sql: &'static str,
    /// Of all its rows, one after the other.
    values: Vec<Value>,
    /// More than one: the statement inserts so many.
    rows: usize,
    expected: Expected,
}

/// Statements that wait to be carried out, in order.
#[derive(Debug, Default)]
pub struct Batch {
    parts: Vec<Part>,
    guarded: bool,
}

/// A statement being added.
pub struct Added<'a> {
    part: &'a mut Part,
}

impl Added<'_> {
    /// The next parameter.
    pub fn bind(self, value: impl Into<Value>) -> Self {
        self.part.values.push(value.into());
        self
    }

    /// It has to change exactly one row of `table`, the one with this id.
    pub fn one(self, table: &'static str, id: impl ToString) {
        self.or(StoreError::Missing { table, id: id.to_string() });
    }

    /// It has to change exactly one row; otherwise this is what is wrong.
    pub fn or(self, wrong: StoreError) {
        self.part.expected = Expected::One(wrong);
    }
}

impl Batch {
    /// One that ends its own transaction: what did not do what it had to must stop it before that.
    pub fn guarded() -> Self {
        Self { guarded: true, ..Self::default() }
    }

    /// Adds a statement with parameters `?1`, `?2`, …
    pub fn add(&mut self, sql: &'static str) -> Added<'_> {
        self.parts.push(Part { sql, values: Vec::new(), rows: 1, expected: Expected::Anything });
        let last = self.parts.len() - 1;
        // There is one: it was pushed just now.
        #[expect(clippy::indexing_slicing, reason = "pushed in the line above")]
        Added { part: &mut self.parts[last] }
    }

    /// Whether so much waits that it is time to carry it out.
    pub fn full(&self) -> bool {
        self.parts.len() >= TOGETHER
    }

    /// Makes one statement of all that insert into a table alike, in the place of the first of them: each statement gives
    /// an answer of its own, which costs more than its row. Only for those of which none needs what another kind does.
    pub fn gather(&mut self) {
        let mut gathered: Vec<Part> = Vec::with_capacity(self.parts.len());
        for part in std::mem::take(&mut self.parts) {
            let alike = |other: &Part| {
                let inserts = part.sql.starts_with("INSERT") && part.sql.contains(" VALUES (");
                inserts && other.sql == part.sql && other.values.len() == part.values.len() * other.rows
            };
            let place = gathered.iter().position(alike);
            if let Some(first) = place.and_then(|place| gathered.get_mut(place)) {
                first.values.extend(part.values);
                first.rows += 1;
            } else {
                gathered.push(part);
            }
        }
        self.parts = gathered;
    }

    /// Carries out everything that waits.
    ///
    /// # Errors
    /// The first statement that failed or did not do what it had to. Unless the batch is guarded, those after it may
    /// have been carried out all the same. Either way the transaction has to be rolled back.
    pub async fn run(&mut self, connection: &mut SqliteConnection) -> Result<()> {
        let parts = std::mem::take(&mut self.parts);
        if parts.is_empty() {
            return Ok(());
        }
        let mut sql = String::with_capacity(parts.iter().map(|part| part.sql.len() + 2).sum());
        let mut arguments = SqliteArguments::default();
        let mut expected = Vec::with_capacity(parts.len());
        for part in parts {
            let form = form_of(part.sql);
            if part.rows > 1 {
                sql.push_str(&of_rows(&form.sql, part.rows));
            } else {
                sql.push_str(&form.sql);
            }
            sql.push(';');
            let width = part.values.len() / part.rows;
            for row in 0..part.rows {
                for number in &form.order {
                    let value = part.values.get(row * width + number.saturating_sub(1));
                    put(&mut arguments, value.cloned().unwrap_or(Value::Null))?;
                }
            }
            match part.expected {
                Expected::One(wrong) if self.guarded => {
                    sql.push_str(&guard(part.rows));
                    expected.extend([(Expected::Anything, 1), (Expected::Quiet(wrong), 1)]);
                }
                other => expected.push((other, part.rows)),
            }
        }
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
        let mut answers = connection.fetch_many(query);
        let mut expected = expected.into_iter();
        while let Some(answer) = answers.next().await {
            match (answer, expected.next()) {
                (Err(_), Some((Expected::Quiet(wrong), _))) => return Err(wrong),
                (Err(error), _) => return Err(error.into()),
                (Ok(Either::Left(done)), Some((Expected::One(wrong), rows)))
                    if usize::try_from(done.rows_affected()) != Ok(rows) =>
                {
                    return Err(wrong);
                }
                // None of these statements gives rows, but for a guard that fails in that very moment.
                (Ok(_), _) => {}
            }
        }
        Ok(())
    }
}

fn put(arguments: &mut SqliteArguments, value: Value) -> Result<()> {
    let added = match value {
        Value::Null => arguments.add(None::<i64>),
        Value::Int(value) => arguments.add(value),
        Value::Text(value) => arguments.add(value),
        Value::Blob(value) => arguments.add(value),
    };
    added.map_err(|error| StoreError::Database(format!("a value cannot be bound: {error}")))
}

/// A statement with its parameters in the order of their places: those of several statements in one text are
/// counted through.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    /// Its text, each parameter a plain `?`.
    pub sql: String,
    /// For each `?` the number of the value that stands there.
    pub order: Vec<usize>,
}

/// By address and length: statements are constants of the program.
type Forms = HashMap<(usize, usize), Arc<Form>>;

fn form_of(sql: &'static str) -> Arc<Form> {
    static FORMS: OnceLock<Mutex<Forms>> = OnceLock::new();
    let forms = FORMS.get_or_init(Mutex::default);
    let mut forms = forms.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(forms.entry((sql.as_ptr().addr(), sql.len())).or_insert_with(|| Arc::new(made(sql))))
}

/// The text of a statement that inserts a row, for so many.
fn of_rows(sql: &str, rows: usize) -> String {
    let (before, after) = sql.split_once(" VALUES (").unwrap_or((sql, ""));
    let (row, tail) = after.split_once(')').unwrap_or((after, ""));
    let rows = vec![format!("({row})"); rows].join(", ");
    format!("{before} VALUES {rows}{tail}")
}

/// A statement with parameters `?1`, `?2`, … in that form.
pub fn made(sql: &str) -> Form {
    let mut form = Form { sql: String::with_capacity(sql.len()), order: Vec::new() };
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('?') {
        form.sql.push_str(before);
        form.sql.push('?');
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, behind) = after.split_at(digits);
        form.order.push(number.parse().unwrap_or(form.order.len() + 1));
        rest = behind;
    }
    form.sql.push_str(rest);
    form
}
