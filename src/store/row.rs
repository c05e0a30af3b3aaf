//! Reading columns: what does not parse is named by table, column and row.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::{Row, sqlite::SqliteRow};

use super::error::{Result, StoreError};
use crate::{domain::time::from_ms, ledger::entry::Hash};

/// Declares statements as constants and lists them, so that a test can prepare each one.
/// A bare `LIMIT ?1` makes SQLite parse the statement anew at each call, because it plans by the bound value;
/// `LIMIT 0 + ?1` does not.
macro_rules! statements {
    ($(const $name:ident = $sql:expr;)+) => {
        $(const $name: &str = $sql;)+
        /// Every statement of this file: [`super::statements`] gathers them.
        pub(in crate::store) const ALL: &[(&str, &str)] = &[$((stringify!($name), $sql)),+];
    };
}
pub(super) use statements;

/// One row of a table.
pub(super) struct Cells<'r> {
    row: &'r SqliteRow,
    table: &'static str,
}

impl<'r> Cells<'r> {
    pub fn new(row: &'r SqliteRow, table: &'static str) -> Self {
        Self { row, table }
    }

    pub fn corrupt(&self, column: &'static str) -> StoreError {
        let id = self
            .row
            .try_get::<String, _>("id")
            .or_else(|_| self.row.try_get::<i64, _>("id").map(|id| id.to_string()))
            .or_else(|_| self.row.try_get::<i64, _>("seq").map(|id| id.to_string()))
            .unwrap_or_else(|_| "?".into());
        StoreError::Corrupt { table: self.table, column, id }
    }

    pub fn text(&self, column: &'static str) -> Result<&'r str> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    pub fn opt_text(&self, column: &'static str) -> Result<Option<&'r str>> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    pub fn int(&self, column: &'static str) -> Result<i64> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    pub fn opt_int(&self, column: &'static str) -> Result<Option<i64>> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    pub fn small<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T> {
        T::try_from(self.int(column)?).map_err(|_| self.corrupt(column))
    }

    pub fn flag(&self, column: &'static str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    pub fn time(&self, column: &'static str) -> Result<Timestamp> {
        self.int(column).map(from_ms)
    }

    pub fn opt_time(&self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.opt_int(column)?.map(from_ms))
    }

    pub fn blob(&self, column: &'static str) -> Result<&'r [u8]> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    pub fn hash(&self, column: &'static str) -> Result<Hash> {
        Hash::from_slice(self.blob(column)?).ok_or_else(|| self.corrupt(column))
    }

    pub fn opt_hash(&self, column: &'static str) -> Result<Option<Hash>> {
        let bytes: Option<&[u8]> = self.row.try_get(column).map_err(|_| self.corrupt(column))?;
        bytes.map(|bytes| Hash::from_slice(bytes).ok_or_else(|| self.corrupt(column))).transpose()
    }

    pub fn parsed<T>(&self, column: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        parse(self.text(column)?).ok_or_else(|| self.corrupt(column))
    }

    pub fn id<T: std::str::FromStr>(&self, column: &'static str) -> Result<T> {
        self.text(column)?.parse().map_err(|_| self.corrupt(column))
    }

    pub fn opt_id<T: std::str::FromStr>(&self, column: &'static str) -> Result<Option<T>> {
        self.opt_text(column)?.map(|text| text.parse().map_err(|_| self.corrupt(column))).transpose()
    }

    pub fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        serde_json::from_str(self.text(column)?).map_err(|_| self.corrupt(column))
    }

    pub fn opt_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>> {
        self.opt_text(column)?.map(|text| serde_json::from_str(text).map_err(|_| self.corrupt(column))).transpose()
    }
}

/// As JSON text, for a column of `table`.
pub(super) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(format!("a value cannot be written: {error}")))
}

/// Checks that exactly one row was changed.
pub(super) fn one(changed: u64, table: &'static str, id: impl ToString) -> Result<()> {
    if changed == 1 { Ok(()) } else { Err(StoreError::Missing { table, id: id.to_string() }) }
}
