//! `[catalogue."halo name"]`: Halo's look-ups as last read, so that a file can be checked offline.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Deserialize as _;
use toml::{
    Value,
    de::{DeValue, ValueDeserializer},
};

use super::reader::{At, Table};
use crate::domain::catalogue::Catalogue;

/// Reads all of them; the table is written by `config export`, so one fault each is enough.
pub fn read(root: &Table<'_, '_>) -> (BTreeMap<String, Catalogue>, BTreeMap<String, usize>) {
    let Some(table) = root.table("catalogue") else { return Default::default() };
    let mut catalogues = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (key, value) in table.entries() {
        places.insert(key.value.to_owned(), key.at);
        match one(&value) {
            Ok(catalogue) => {
                catalogues.insert(key.value.to_owned(), catalogue);
            }
            Err((at, why)) => {
                let remedy = "Leave this table as `halobridge config export` wrote it, or remove it.";
                table.sink.wrong(at, table.field(key.value), format!("cannot be read ({why})"), remedy);
            }
        }
    }
    (catalogues, places)
}

fn one(value: &At<&DeValue<'_>>) -> Result<Catalogue, (usize, String)> {
    let spanned = toml::Spanned::new(value.at..value.at, value.value.clone());
    Catalogue::deserialize(ValueDeserializer::from(spanned)).map_err(|error| {
        let at = error.span().map_or(value.at, |span| span.start);
        (at, error.message().to_owned())
    })
}

/// Adds one catalogue to the text, one row a line.
pub fn write(text: &mut String, name: &str, catalogue: &Catalogue) {
    let Ok(Value::Table(table)) = Value::try_from(catalogue) else { return };
    let _ = write!(text, "\n[catalogue.{}]\n", Value::String(name.to_owned()));
    for (key, value) in table {
        match value {
            Value::Array(rows) if rows.is_empty() => {}
            Value::Array(rows) => {
                let _ = writeln!(text, "{key} = [");
                for row in rows {
                    let _ = writeln!(text, "  {row},");
                }
                text.push_str("]\n");
            }
            other => {
                let _ = writeln!(text, "{key} = {other}");
            }
        }
    }
}
