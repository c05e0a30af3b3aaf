//! What is found by name from any page: linked incidents as one types, and the pair that one looks at.

use super::{App, caller::Caller, dashboard, error::ServiceError, pairs};
use crate::domain::{
    ids::PairId,
    view::{
        dashboard::{PairFilter, PairRow},
        palette::{PaletteHere, PalettePair, PaletteView},
    },
};

/// Linked incidents shown.
const SHOWN: u32 = 8;
/// Longest text that is looked for, in characters.
const TEXT_MAX: usize = 200;

/// What is found for `text`, from the page at the address `of`.
///
/// # Errors
/// The store cannot be read.
pub async fn view(app: &App, caller: &Caller, text: &str, of: &str) -> Result<PaletteView, ServiceError> {
    let text: String = text.trim().chars().take(TEXT_MAX).collect();
    let here = match pair_of(of) {
        None => None,
        Some(pair) => match pairs::seen(app, caller, pair).await {
            Ok(found) => Some(PaletteHere { pair, ticket: found.ticket.is_some() }),
            Err(ServiceError::NotFound) => None,
            Err(error) => return Err(error),
        },
    };
    let (pairs, more) = if text.is_empty() {
        (Vec::new(), false)
    } else {
        let filter = PairFilter { text: text.clone(), ..PairFilter::default() };
        let found = dashboard::first(app, caller, &filter, SHOWN).await?;
        (found.rows.iter().map(drawn).collect(), found.older.is_some())
    };
    Ok(PaletteView { text, of: of.to_owned(), here, pairs, more })
}

/// The pair whose page, or a page of which, stands at an address.
fn pair_of(address: &str) -> Option<PairId> {
    address.strip_prefix("/pairs/")?.split(['?', '/', '#']).next()?.parse().ok()
}

fn drawn(row: &PairRow) -> PalettePair {
    let title = if row.title.is_empty() { "(no title)" } else { row.title.as_str() };
    let name = match row.number {
        Some(number) => format!("#{number} {title}"),
        None => title.to_owned(),
    };
    let ticket =
        row.ticket.as_ref().map_or_else(|| "no ticket yet".to_owned(), |ticket| format!("ticket {}", ticket.label));
    PalettePair { pair: row.id, name, about: format!("{ticket} · {} · {}", row.client, row.workspace) }
}
