//! `include` and `exclude`: which incidents become tickets.

use super::{SEVERITIES, STATUSES};
use crate::{
    config::{fault::nearest, reader::Table},
    domain::policy::{Filter, filter::fits},
};

/// Why a pattern can never fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// What is wrong, to stand behind the pattern.
    pub problem: &'static str,
    /// The word that was meant, as far as one is near.
    pub near: Option<&'static str>,
    /// What to write, where none is.
    pub remedy: String,
}

/// Whether no incident can ever fit a pattern of this kind: an `include` of it would hold back every incident.
pub fn misfit(kind: &str, pattern: &str) -> Option<Misfit> {
    let known: &[&'static str] = match kind {
        "severity" => &SEVERITIES,
        "status" => &STATUSES,
        // display names have blanks, ids never
        "analytics_rule" if pattern.trim().contains(char::is_whitespace) => {
            let remedy =
                "Write the rule's id: the GUID at the end of its resource id, or the whole of that.".to_owned();
            return Some(Misfit { problem: "is a name, and rules are known by their id", near: None, remedy });
        }
        _ => return None,
    };
    if known.iter().any(|word| fits(pattern, word)) {
        return None;
    }
    let remedy = format!("Microsoft's are {}.", known.join(", "));
    Some(if pattern.contains(['*', '?']) {
        Misfit { problem: "fits none of Microsoft's", near: None, remedy }
    } else {
        Misfit { problem: "is none of Microsoft's", near: nearest(pattern, known.iter().copied()), remedy }
    })
}

/// Reads one of the two; absent means that it asks for nothing.
pub fn read(table: &Table<'_, '_>, key: &'static str) -> Filter {
    let mut filter = Filter::default();
    let Some(inner) = table.table(key) else { return filter };
    for kind in Filter::KINDS {
        let patterns = inner.texts(kind);
        for pattern in &patterns {
            if let Some(misfit) = misfit(kind, &pattern.value) {
                let remedy = match misfit.near {
                    Some(near) => format!("Did you mean \"{near}\"?"),
                    None => misfit.remedy,
                };
                let problem = format!("\"{}\" {}", pattern.value, misfit.problem);
                inner.sink.warn(pattern.at, inner.field(kind), problem, remedy);
            }
        }
        filter.set(kind, patterns.into_iter().map(|pattern| pattern.value).collect());
    }
    drop(inner.done());
    filter
}
