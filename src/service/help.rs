//! The documentation that comes with the program: it is read where there is no way out to the internet, too.

use crate::{
    domain::view::help::{HelpRow, HelpText, HelpView},
    service::error::ServiceError,
};

/// The last part of each page's address, what stands there, and the page.
const PAGES: [(&str, &str, &str); 5] = [
    (
        "set-up",
        "each step and field of the set-up, and what is said when something goes wrong.",
        include_str!("../../docs/SET-UP.md"),
    ),
    (
        "sync",
        "which incidents become tickets, what crosses when, and what never happens.",
        include_str!("../../docs/SYNC.md"),
    ),
    (
        "operations",
        "accounts, backups, watching it, and what to do when something is wrong.",
        include_str!("../../docs/OPERATIONS.md"),
    ),
    (
        "configuration",
        "every setting of connections, clients, policies and workspaces.",
        include_str!("../../docs/CONFIGURATION.md"),
    ),
    ("commands", "the program's commands and options.", include_str!("../../docs/COMMANDS.md")),
];

/// The heading of a page, and what stands below it.
fn split(page: &str) -> (&str, &str) {
    let (title, text) = page.split_once('\n').unwrap_or((page, ""));
    (title.trim_start_matches('#').trim(), text)
}

/// The list, or the page of that name.
///
/// # Errors
/// `NotFound`: there is no such page.
pub fn view(slug: Option<&str>) -> Result<HelpView, ServiceError> {
    let row = |(slug, about, page): &(&str, &str, &str)| HelpRow {
        slug: (*slug).to_owned(),
        title: split(page).0.to_owned(),
        about: (*about).to_owned(),
    };
    let pages = PAGES.iter().map(row).collect();
    let Some(slug) = slug else { return Ok(HelpView { pages, open: None }) };
    let (_, _, page) = PAGES.iter().find(|(name, ..)| *name == slug).ok_or(ServiceError::NotFound)?;
    let (title, text) = split(page);
    let open = HelpText { slug: slug.to_owned(), title: title.to_owned(), text: text.to_owned() };
    Ok(HelpView { pages, open: Some(open) })
}
