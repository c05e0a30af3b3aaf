//! Everything that one can go to or do from where one is: the page, and what the palette shows of it.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            icon::icon,
            list,
        },
        context::PageContext,
        shell,
    },
    domain::{
        text,
        view::{
            palette::{PalettePair, PaletteView},
            query::QueryText,
        },
    },
};

/// Longest title of an incident in an entry.
const TITLE_MAX: usize = 120;

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &PaletteView) -> AnyView {
    let of = view.of.clone();
    view! {
        <p class="truth">"Pages, linked incidents and what can be done on the page you came from, by name."</p>
        <form method="get" action="/palette" class="filter" role="search" aria-label="Go to">
            {(!of.is_empty()).then(|| view! { <input type="hidden" name="of" value=of /> })}
            {list::search(ctx, "Go to", "Page, incident, ticket or title", &view.text)}
            {list::filter_end(None)}
        </form>
        {found(ctx, view)}
    }
    .into_any()
}

/// The entries that match, each a link or a button.
pub fn found(ctx: &PageContext, view: &PaletteView) -> AnyView {
    let acts = acts(ctx, view);
    let pages: Vec<AnyView> = shell::places(ctx)
        .into_iter()
        .filter(|(name, about, _)| named(&view.text, &format!("{about} {name}")))
        .map(|(name, about, href)| link(href, name.to_owned(), about))
        .collect();
    let pairs: Vec<AnyView> = view.pairs.iter().map(pair).collect();
    let none = acts.is_empty() && pages.is_empty() && pairs.is_empty();
    let all = view.more.then(|| {
        let href = QueryText::new().with("q", &view.text).after("/");
        view! { <p><a href=href>"All linked incidents that match"</a></p> }
    });
    view! {
        {group("Linked incidents", pairs)}
        {all}
        {group("On this page", acts)}
        {group("Pages", pages)}
        {none.then(|| view! { <p class="quiet">"Nothing is called that, and no linked incident is found by it."</p> })}
    }
    .into_any()
}

fn group(name: &'static str, entries: Vec<AnyView>) -> AnyView {
    if entries.is_empty() {
        return ().into_any();
    }
    let entries = entries.into_iter().map(|entry| view! { <li>{entry}</li> }).collect_view();
    view! {
        <section class="palette-group" aria-label=name>
            <h2>{name}</h2>
            <ul>{entries}</ul>
        </section>
    }
    .into_any()
}

fn link(href: String, name: String, about: &str) -> AnyView {
    let about = (!about.is_empty()).then(|| view! { " "<span class="quiet">{about.to_owned()}</span> });
    view! { <a href=href>{name}{about}</a> }.into_any()
}

fn pair(row: &PalettePair) -> AnyView {
    link(format!("/pairs/{}", row.pair), text::cut(&row.name, TITLE_MAX), &row.about)
}

/// Whether a name holds every word that is looked for.
fn named(text: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    text.to_lowercase().split_whitespace().all(|word| name.contains(word))
}

/// What can be done on the page that the reader came from.
fn acts(ctx: &PageContext, view: &PaletteView) -> Vec<AnyView> {
    let wanted = |name: &str| named(&view.text, name);
    let mut found = Vec::new();
    if let Some(here) = view.here.as_ref().filter(|_| ctx.may_operate()) {
        let of_it = |verb: &str| format!("/pairs/{}/{verb}", here.pair);
        for (verb, name) in [("look", "Look again"), ("sync", "Sync now")] {
            if wanted(name) {
                found.push(act::leading_to(ctx, of_it(verb), (verb, name), Weight::Plain, &view.of));
            }
        }
        if here.ticket && wanted("Rebuild from both sides") {
            found.push(link(of_it("rebuild"), "Rebuild from both sides…".to_owned(), "the plan is shown first"));
        }
    }
    let (path, query) = view.of.split_once('?').unwrap_or((view.of.as_str(), ""));
    if path == "/" && wanted(WALL) {
        let joint = if query.is_empty() { "" } else { "&" };
        found.push(link(format!("/?{query}{joint}kiosk=1"), WALL.to_owned(), "for a screen that nobody touches"));
    }
    for (place, name, file) in FILES {
        let mine = path == place && (place != "/configuration" || ctx.may_set_up());
        if mine && wanted(name) {
            let href = if query.is_empty() { file.to_owned() } else { format!("{file}?{query}") };
            found.push(
                view! { <a class="file" href=href download="">{icon(ctx, "file")} <span>{name}</span></a> }.into_any(),
            );
        }
    }
    found
}

/// The list without what is pressed.
const WALL: &str = "Wall view";

/// Pages that can be had as a file, with the same filter.
const FILES: [(&str, &str, &str); 4] = [
    ("/", "Download as CSV", "/pairs.csv"),
    ("/shadow", "Download as CSV", "/shadow.csv"),
    ("/ledger", "Download as JSON Lines", "/ledger.jsonl"),
    ("/configuration", "Download the configuration", "/configuration.toml"),
];
