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
        (found.rows.iter().map(|row| drawn(row, &text)).collect(), found.older.is_some())
    };
    Ok(PaletteView { text, of: of.to_owned(), here, pairs, more })
}

/// The pair whose page, or a page of which, stands at an address.
fn pair_of(address: &str) -> Option<PairId> {
    address.strip_prefix("/pairs/")?.split(['?', '/', '#']).next()?.parse().ok()
}

fn drawn(row: &PairRow, text: &str) -> PalettePair {
    let title = if row.title.is_empty() { "(no title)" } else { row.title.as_str() };
    let name = match row.number {
        Some(number) => format!("#{number} {title}"),
        None => title.to_owned(),
    };
    let ticket =
        row.ticket.as_ref().map_or_else(|| "no ticket yet".to_owned(), |ticket| format!("ticket {}", ticket.label));
    let by = found_by(row, text).map(|by| format!(" · found by {by}")).unwrap_or_default();
    PalettePair { pair: row.id, name, about: format!("{ticket} · {} · {}{by}", row.client, row.workspace) }
}

/// What an incident is found by, where that stands neither in its number, its title nor its ticket's number.
pub fn found_by(row: &PairRow, text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let number = row.number.map(|number| format!("#{number}")).unwrap_or_default();
    let ticket = row.ticket.as_ref().map_or("", |ticket| ticket.label.as_str());
    let shown = format!("{number} {} {ticket} #{ticket}", row.title).to_lowercase();
    // Shorter ones are not looked for.
    let words = text.split_whitespace().filter(|word| word.chars().count() >= 3);
    let missing: Vec<&str> = words.filter(|word| !shown.contains(*word)).collect();
    if missing.is_empty() {
        None
    } else if text == row.reference.to_lowercase() {
        Some(format!("its reference {}", row.reference))
    } else if row.incident.as_str().to_lowercase().starts_with(&text) {
        Some(format!("the incident's id {}", row.incident))
    } else if missing.iter().all(|word| word.chars().all(|c| c.is_ascii_digit() || c == '#')) {
        Some(format!("“{}”: its number in Defender, or what its evidence names", missing.join(" ")))
    } else {
        Some(format!("“{}”: a host, a user or an address that its evidence names", missing.join(" ")))
    }
}
