//! `include` and `exclude`: which incidents become tickets.

use super::{SEVERITIES, STATUSES};
use crate::{
    config::{fault::nearest, reader::Table},
    domain::policy::Filter,
};

/// Reads one of the two; absent means that it asks for nothing.
pub fn read(table: &Table<'_, '_>, key: &'static str) -> Filter {
    let mut filter = Filter::default();
    let Some(inner) = table.table(key) else { return filter };
    for kind in Filter::KINDS {
        let patterns = inner.texts(kind);
        for pattern in &patterns {
            let known: &[&'static str] = match kind {
                "severity" => &SEVERITIES,
                "status" => &STATUSES,
                _ => continue,
            };
            let exact = known.iter().any(|word| word.eq_ignore_ascii_case(&pattern.value));
            if !exact && !pattern.value.contains(['*', '?']) {
                let remedy = match nearest(&pattern.value, known.iter().copied()) {
                    Some(near) => format!("Did you mean \"{near}\"?"),
                    None => format!("Microsoft's are {}.", known.join(", ")),
                };
                let problem = format!("\"{}\" is none of Microsoft's", pattern.value);
                inner.sink.warn(pattern.at, inner.field(kind), problem, remedy);
            }
        }
        filter.set(kind, patterns.into_iter().map(|pattern| pattern.value).collect());
    }
    drop(inner.done());
    filter
}
