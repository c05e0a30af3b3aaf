//! The document around every page: head, bar, main, foot.

use leptos::prelude::*;

use super::{
    components::{icon::icon, pulse, time::absolute},
    context::{Density, Flash, FlashKind, PageContext, Person, Theme},
    hydration::HeadAssets,
    islands::{Keys, Live},
    page::Page,
    pages::{help, palette},
    words,
};
use crate::domain::{
    text,
    time::{iso, to_ms},
    view::{query::QueryText, set_up::Step},
};

/// The list of steps; its steps lie below it.
const SET_UP: &str = "/set-up";
/// Versions of what is set up.
const CONFIGURATION: &str = "/configuration";

/// One ticket by its number.
const TICKETS: &str = "/tickets";
/// One incident by its number, id or address.
const LOOK_UP: &str = "/look-up";
/// Accounts of people; each lies below it.
const ACCOUNTS: &str = "/accounts";
/// Errands at pairs; each lies below it.
const ERRANDS: &str = "/errands";
/// Saved views; each lies below it.
const VIEWS: &str = "/views";
/// Tokens of programs.
const TOKENS: &str = "/tokens";

/// Pages that belong to one of those: whose, name and address.
const BENEATH: [(&str, &str, &str); 12] = [
    ("/", "Saved views", VIEWS),
    ("/", "Errands", ERRANDS),
    ("/incidents", "Backfill", "/backfill"),
    ("/incidents", "Look an incident up", LOOK_UP),
    ("/incidents", "Look a ticket up", TICKETS),
    ("/problems", "Approvals", "/approvals"),
    ("/problems", "Drift", "/drift"),
    ("/connections", "Shadow mode", "/shadow"),
    ("/connections", "Set-up", SET_UP),
    ("/connections", "Configuration", CONFIGURATION),
    ("/connections", "Accounts", ACCOUNTS),
    ("/connections", "API tokens", TOKENS),
];

/// The list that a page stands below, or the page itself.
fn place_above(path: &str) -> &str {
    let above = [
        ("/set-up/", SET_UP),
        ("/accounts/", ACCOUNTS),
        ("/views/", VIEWS),
        ("/errands/", ERRANDS),
        ("/configuration/", CONFIGURATION),
        ("/connections/", "/connections"),
    ];
    above.iter().find(|(below, _)| path.starts_with(below)).map_or(path, |(_, above)| above)
}

/// The place that a page belongs to.
fn place_of(path: &str) -> &str {
    let path = place_above(path);
    BENEATH.iter().find(|(_, _, href)| *href == path).map_or(path, |(place, ..)| place)
}

/// A page on a wall is loaded anew this often where no script keeps it new, seconds.
const WALL_SECS: &str = "60";

/// Whether the page hangs on a wall (`kiosk=1`): what it says, without what is pressed.
fn on_a_wall(ctx: &PageContext) -> bool {
    ctx.address.split_once('?').is_some_and(|(_, query)| query.split('&').any(|entry| entry == "kiosk=1"))
}

/// The whole document, without its doctype and its islands.
pub fn document(ctx: &PageContext, page: &Page) -> AnyView {
    let signed_in = ctx.person.is_some();
    let wall = signed_in && on_a_wall(ctx);
    let class = match (signed_in, wall) {
        (true, true) => "console kiosk",
        (true, false) => "console",
        (false, _) => "entrance",
    };
    view! {
        <html lang="en" data-theme=ctx.theme.as_str() data-density=ctx.density.as_str()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                <title>{page.title(ctx)}</title>
                <HeadAssets assets=ctx.assets islands=signed_in />
                {wall.then(|| view! { <noscript><meta http-equiv="refresh" content=WALL_SECS /></noscript> })}
            </head>
            <body class=class data-operate=ctx.may_operate().then_some("")>
                <a class="skip" href="#main">"Skip to the content"</a>
                {match &ctx.person {
                    Some(person) => bar(ctx, person),
                    None => entrance_bar(ctx),
                }}
                <main id="main" tabindex="-1">
                    {ctx.trouble.as_ref().map(|words| trouble(ctx, words))}
                    {ctx.flash.as_ref().map(|one| flash(ctx, one))}
                    <div class="page-head">
                        {crumb(ctx, page)}
                        <h1>{page.heading()}</h1>
                        {signed_in.then(|| age(ctx, page))}
                        {signed_in.then(|| beneath(ctx))}
                    </div>
                    {signed_in.then(|| pulse::notices(ctx))}
                    {page.body(ctx)}
                </main>
                <footer class="foot">
                    <p>
                        "Halobridge "{ctx.version.clone()}
                        {signed_in.then(|| {
                            let palette = QueryText::new().with("of", palette_of(ctx, page)).after("/palette");
                            view! {
                                " · times in "<a href="/account#zone">{zone(ctx)}</a>
                                " · "<a id="palette-open" href=palette>"Go to…"</a>
                                " · "<a href=help::about(ctx.path())>"Help"</a>
                            }
                        })}
                    </p>
                </footer>
                {signed_in.then(|| palette_dialog(ctx, page))}
            </body>
        </html>
    }
    .into_any()
}

fn zone(ctx: &PageContext) -> String {
    ctx.zone.iana_name().unwrap_or("UTC").to_owned()
}

fn brand(ctx: &PageContext) -> AnyView {
    view! { <a class="brand" href="/">{icon(ctx, "brand")} <span>"Halobridge"</span></a> }.into_any()
}

fn entrance_bar(ctx: &PageContext) -> AnyView {
    view! { <header class="bar">{brand(ctx)}</header> }.into_any()
}

fn bar(ctx: &PageContext, person: &Person) -> AnyView {
    let places = words::PLACES
        .iter()
        .map(|&(name, href, _)| {
            let path = ctx.path();
            let here = place_of(path) == href
                || (href == "/" && path.starts_with("/pairs/"))
                || (href == "/incidents" && path.starts_with("/incidents/"));
            let badge = (href == "/problems").then(|| badge(ctx));
            let current = if path == href { "page" } else { "true" };
            view! { <li><a href=href aria-current=here.then_some(current)>{name} {badge}</a></li> }
        })
        .collect_view();
    view! {
        <header class="bar">
            {brand(ctx)}
            <nav aria-label="Main">
                <ul>{places}</ul>
            </nav>
            {menu(ctx, person)}
        </header>
    }
    .into_any()
}

/// How many pairs need the reader; empty when none does.
fn badge(ctx: &PageContext) -> AnyView {
    let count = ctx.needs_you.unwrap_or_default();
    let words = (count > 0).then(|| {
        view! { {words::number(count)}<span class="unseen">{if count == 1 { " needs you" } else { " need you" }}</span> }
    });
    view! { <span id="badge" data-live class="badge" hidden=count == 0>{words}</span> }.into_any()
}

fn menu(ctx: &PageContext, person: &Person) -> AnyView {
    let segment = |name: &'static str, value: &'static str, label: &'static str, chosen: bool| {
        view! {
            <button type="submit" name=name value=value class="segment" aria-pressed=if chosen { "true" } else { "false" }>
                {label}
            </button>
        }
    };
    let theme = |theme: Theme, label| segment("theme", theme.as_str(), label, ctx.theme == theme);
    let rows = |density: Density, label| segment("density", density.as_str(), label, ctx.density == density);
    view! {
        <details class="menu">
            <summary>{icon(ctx, "person")} <span>{person.name.clone()}</span> {icon(ctx, "down")}</summary>
            <div class="menu-body">
                <p class="quiet">"Signed in as "<b>{person.name.clone()}</b>", "{person.role.as_str()}</p>
                <form method="post" action="/preferences" class="segments" aria-label="Theme">
                    <input type="hidden" name="next" value=ctx.address.clone() />
                    {theme(Theme::System, "System")}
                    {theme(Theme::Light, "Light")}
                    {theme(Theme::Dark, "Dark")}
                </form>
                <form method="post" action="/preferences" class="segments" aria-label="Rows">
                    <input type="hidden" name="next" value=ctx.address.clone() />
                    {rows(Density::Compact, "Compact rows")}
                    {rows(Density::Roomy, "Roomy rows")}
                </form>
                <a href="/account">"Account and preferences"</a>
                <form method="post" action="/sign-out" class="act">
                    <button type="submit" class="button">"Sign out"</button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

fn crumb(ctx: &PageContext, page: &Page) -> AnyView {
    let linked = |back: &str| {
        view! {
            <nav class="crumb" aria-label="Where this is"><a href=back.to_owned()>{icon(ctx, "left")} "Linked incidents"</a></nav>
        }
        .into_any()
    };
    match page {
        Page::Pair(view) => linked(&view.back),
        Page::Unlinked(view) => linked(&view.back),
        Page::Accounts(view) if view.changing.is_some() => view! {
            <nav class="crumb" aria-label="Where this is"><a href=ACCOUNTS>{icon(ctx, "left")} "Accounts"</a></nav>
        }
        .into_any(),
        Page::Errand(_) => view! {
            <nav class="crumb" aria-label="Where this is"><a href=ERRANDS>{icon(ctx, "left")} "Errands"</a></nav>
        }
        .into_any(),
        Page::Views(view) if view.changing.is_some() => view! {
            <nav class="crumb" aria-label="Where this is"><a href=VIEWS>{icon(ctx, "left")} "Saved views"</a></nav>
        }
        .into_any(),
        Page::Step(_) => view! {
            <nav class="crumb" aria-label="Where this is"><a href=SET_UP>{icon(ctx, "left")} "Set-up"</a></nav>
        }
        .into_any(),
        Page::Rebuild(view) => view! {
            <nav class="crumb" aria-label="Where this is">
                <a href=format!("/pairs/{}", view.pair)>{icon(ctx, "left")} {text::cut(&view.incident, 200)}</a>
            </nav>
        }
        .into_any(),
        Page::Drop(view) => view! {
            <nav class="crumb" aria-label="Where this is">
                <a href=format!("/pairs/{}", view.operation.pair)>{icon(ctx, "left")} {text::cut(&view.incident, 200)}</a>
            </nav>
        }
        .into_any(),
        _ => ().into_any(),
    }
}

/// Whether the reader may see a page of those beneath the bar's.
fn reachable(ctx: &PageContext, href: &str) -> bool {
    let set_up = [SET_UP, CONFIGURATION, ACCOUNTS, TOKENS].contains(&href);
    (!set_up || ctx.may_set_up()) && (![TICKETS, ERRANDS].contains(&href) || ctx.may_operate())
}

/// Every page that the reader may go to by its name: name, what it belongs to, address.
pub fn places(ctx: &PageContext) -> Vec<(&'static str, &'static str, String)> {
    let bar = words::PLACES.iter().map(|&(name, href, _)| (name, "", href.to_owned()));
    let beneath = BENEATH.iter().filter(|(.., href)| reachable(ctx, href));
    let beneath = beneath.map(|&(_, name, href)| (name, "", href.to_owned()));
    let steps = Step::ALL.into_iter().filter(|_| ctx.may_set_up()).map(|step| (step.name(), "Set-up", step.path()));
    let own = [("Account and preferences", "", "/account".to_owned())];
    bar.chain(beneath).chain(steps).chain(own).collect()
}

/// The address whose acts the palette offers.
fn palette_of<'a>(ctx: &'a PageContext, page: &'a Page) -> &'a str {
    match page {
        Page::Palette(view) => &view.of,
        _ => &ctx.address,
    }
}

/// The palette: closed, and only a script opens it.
fn palette_dialog(ctx: &PageContext, page: &Page) -> AnyView {
    let of = palette_of(ctx, page).to_owned();
    let acts_of = of.clone();
    view! {
        <dialog id="palette" class="palette" aria-labelledby="palette-title" data-of=acts_of>
            <h2 id="palette-title">"Go to"</h2>
            <form method="get" action="/palette">
                <input type="hidden" name="of" value=of />
                <label class="pick search">
                    <span>"Page, incident, ticket or title"</span>
                    <span class="searchbox">
                        {icon(ctx, "search")}
                        <input id="palette-q" type="search" name="q" autocomplete="off" maxlength="200" />
                    </span>
                </label>
                <button type="submit" class="button">"Find"</button>
            </form>
            <p id="palette-said" class="unseen" role="status"></p>
            <div id="palette-found"></div>
            <form method="dialog"><button type="submit" class="button">"Close"</button></form>
        </dialog>
    }
    .into_any()
}

/// The pages that belong to one of the bar's, on it and on each of them. Not on the list of pairs: it leads to its own itself,
/// and each line there is one row less.
fn beneath(ctx: &PageContext) -> AnyView {
    let path = ctx.path();
    if path == "/" {
        return ().into_any();
    }
    let Some((place, name)) =
        words::PLACES.iter().find(|(_, href, _)| *href == place_of(path)).map(|&(name, href, _)| (href, name))
    else {
        return ().into_any();
    };
    let others: Vec<_> = BENEATH.iter().filter(|(of, _, href)| *of == place && reachable(ctx, href)).collect();
    if others.is_empty() {
        return ().into_any();
    }
    let here = |href: &str| {
        let below = href != path && href == place_above(path);
        (href == path).then_some("page").or(below.then_some("true"))
    };
    let link = |name: &'static str, href: &'static str| {
        view! { <li><a href=href aria-current=here(href)>{name}</a></li> }
    };
    view! {
        <nav class="beneath" aria-label=format!("Pages of {name}")>
            <ul>{link(name, place)} {others.into_iter().map(|&(_, name, href)| link(name, href)).collect_view()}</ul>
        </nav>
    }
    .into_any()
}

/// How old the page is, and the way to a new one: right without a script too.
fn age(ctx: &PageContext, page: &Page) -> AnyView {
    // where a page leads whose session ends while it is open
    let sign_in = QueryText::new().with("next", &ctx.address).after("/sign-in");
    view! {
        <p class="age quiet">
            <span id="live-state" class="live" hidden data-sign-in=sign_in></span>
            {as_of(ctx, page)}
            <span class="refresh">" · "<a href=ctx.address.clone()>"Refresh"</a></span>
        </p>
    }
    .into_any()
}

/// The moment the page was made, and the title it has then; part of every fragment, so that a live page says
/// both anew.
fn as_of(ctx: &PageContext, page: &Page) -> AnyView {
    view! {
        <span id="as-of" data-live data-title=page.title(ctx)>
            "As of " <time datetime=iso(ctx.now)>{absolute(ctx, ctx.now)}</time>
        </span>
    }
    .into_any()
}

/// The parts of the page that change while it is open, its own moment among them.
pub fn fragment(ctx: &PageContext, page: &Page) -> AnyView {
    if let Page::Palette(view) = page {
        return palette::found(ctx, view);
    }
    if page.fragment(ctx).is_none() {
        return ().into_any();
    }
    view! { {as_of(ctx, page)} {badge(ctx)} {pulse::notices(ctx)} {page.live(ctx)} }.into_any()
}

/// What keeps the server from storing anything, on top of every page.
fn trouble(ctx: &PageContext, words: &str) -> AnyView {
    view! { <div class="flash failed" role="alert">{icon(ctx, "needs-you")} <p>{words.to_owned()}</p></div> }.into_any()
}

fn flash(ctx: &PageContext, flash: &Flash) -> AnyView {
    let (class, symbol) = match flash.kind {
        FlashKind::Done => ("flash done", "in-step"),
        FlashKind::Failed => ("flash failed", "needs-you"),
    };
    view! { <div class=class role="status">{icon(ctx, symbol)} <p>{flash.words.clone()}</p></div> }.into_any()
}

/// The islands of a signed-in reader's page, at the end of its body.
pub fn islands(ctx: &PageContext, page: &Page) -> AnyView {
    let only = match page {
        Page::Pair(view) => view.id.to_string(),
        Page::Unlinked(view) => view.id.to_string(),
        _ => String::new(),
    };
    let fragment = page.fragment(ctx).unwrap_or_default();
    view! {
        <Live now=to_ms(ctx.now) cursor=ctx.cursor fragment=fragment only=only />
        <Keys on=ctx.keys next=ctx.address.clone() />
    }
    .into_any()
}
