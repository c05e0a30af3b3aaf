//! Lists: empties, troubles, pages, sortable heads, filters.

use leptos::prelude::*;

use super::{icon::icon, written::Written};
use crate::{
    console::{context::PageContext, words},
    domain::view::list::{Choice, Listed, Trouble},
};

/// A list without rows: what that means and one thing to do.
pub fn empty(ctx: &PageContext, symbol: &str, title: &'static str, text: AnyView) -> AnyView {
    view! {
        <div class="empty">
            {icon(ctx, symbol)}
            <h2>{title}</h2>
            {text}
        </div>
    }
    .into_any()
}

/// A part that could not be read: what, what now, and what finds the line in the log.
pub fn trouble(ctx: &PageContext, trouble: &Trouble) -> AnyView {
    view! {
        <div class="trouble" role="alert">
            {icon(ctx, "needs-you")}
            <div>
                <p class="why">{trouble.what.clone()}</p>
                <p class="remedy"><b>"What to do: "</b>{trouble.remedy.clone()}</p>
                {trouble
                    .reference
                    .clone()
                    .map(|reference| view! { <p class="quiet">"Reference " <code>{reference}</code></p> })}
            </div>
        </div>
    }
    .into_any()
}

/// A table of rows that are cards on a narrow page. It is reached by its `label` and told of by its `caption`; `head` is
/// the cells of its head.
pub fn table(
    (label, caption): (&'static str, &'static str),
    class: &'static str,
    head: AnyView,
    rows: AnyView,
) -> AnyView {
    view! {
        <div class="scroll" role="group" aria-label=label tabindex="0">
            <table class=class>
                <caption class="unseen">{caption}</caption>
                <thead>
                    <tr>{head}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// The cells of a table's head: each column's name and class, if it has one.
pub fn heads(columns: &[(&'static str, &'static str)]) -> AnyView {
    let cell = |&(name, class): &(&'static str, &'static str)| {
        view! { <th scope="col" class=(!class.is_empty()).then_some(class)>{name}</th> }
    };
    columns.iter().map(cell).collect_view().into_any()
}

/// The same, with a column of buttons at the end for who has any.
pub fn heads_and_acts(ctx: &PageContext, columns: &[(&'static str, &'static str)]) -> AnyView {
    let acts = ctx.may_operate().then(|| heads(&[("Do", "c-acts")]));
    view! { {heads(columns)} {acts} }.into_any()
}

/// The way to all that a search finds, where other filters leave nothing of it.
pub fn search_alone(href: String) -> AnyView {
    view! {
        <p>
            "The other filters hold back what the search would find. "
            <a class="soft" href=href>"Search without them"</a>
        </p>
    }
    .into_any()
}

/// A row's cell in that column.
pub fn acts(ctx: &PageContext, buttons: AnyView) -> AnyView {
    ctx.may_operate().then(|| view! { <td class="c-acts">{buttons}</td> }).into_any()
}

/// The way to the pages before and after, and how much is shown. `address` makes the address of a
/// page from its token; `names` are the words for before and after; `file` is the address of the rows as a file, and whether a
/// filter narrows them.
pub fn pages<T>(
    ctx: &PageContext,
    listed: &Listed<T>,
    address: impl Fn(&str) -> String,
    names: (&'static str, &'static str),
    file: Option<(String, bool)>,
) -> AnyView {
    pages_of(ctx, "Pages of the list", listed, address, names, file)
}

/// The same for one of several lists on a page, told apart by its `label`; nothing where all of it is shown.
pub fn pages_of_one<T>(
    ctx: &PageContext,
    label: &'static str,
    listed: &Listed<T>,
    address: impl Fn(&str) -> String,
) -> AnyView {
    let whole = listed.newer.is_none() && listed.older.is_none();
    if whole {
        return ().into_any();
    }
    pages_of(ctx, label, listed, address, ("Previous", "Next"), None)
}

fn pages_of<T>(
    ctx: &PageContext,
    label: &'static str,
    listed: &Listed<T>,
    address: impl Fn(&str) -> String,
    names: (&'static str, &'static str),
    file: Option<(String, bool)>,
) -> AnyView {
    let shown = words::number(listed.rows.len() as u64);
    let lone = listed.newer.is_none() && listed.older.is_none() && listed.page < 2;
    let place = if lone { String::new() } else { format!("Page {} · ", words::number(listed.page.into())) };
    let count = match listed.total {
        Some(total) => format!("{place}{shown} of {}", words::number(total)),
        None => format!("{place}{shown} shown"),
    };
    let (before, after) = names;
    let newer = listed.newer.as_deref().map(&address);
    let older = listed.older.as_deref().map(&address);
    let file = file.map(|(href, narrowed)| {
        let label = match (narrowed, listed.total) {
            (true, Some(total)) => format!("Download the {} that match as CSV", words::number(total)),
            (true, None) => "Download what matches as CSV".to_owned(),
            (false, _) => "Download all as CSV".to_owned(),
        };
        view! { <a class="file" href=href download="">{icon(ctx, "file")} <span>{label}</span></a> }
    });
    if lone {
        return view! { <div class="pages"><p class="count quiet">{count}</p> {file}</div> }.into_any();
    }
    view! {
        <nav class="pages" aria-label=label>
            {match newer {
                Some(href) => view! { <a class="button" rel="prev" href=href>{icon(ctx, "left")} <span>{before}</span></a> }.into_any(),
                None => view! { <span class="button off">{icon(ctx, "left")} <span>{before}</span></span> }.into_any(),
            }}
            <span class="count quiet">{count}</span>
            {match older {
                Some(href) => view! { <a class="button" rel="next" href=href><span>{after}</span> {icon(ctx, "right")}</a> }.into_any(),
                None => view! { <span class="button off"><span>{after}</span> {icon(ctx, "right")}</span> }.into_any(),
            }}
            {file}
        </nav>
    }
    .into_any()
}

/// The head of a column that can be sorted by: a link, its state said in `aria-sort`.
/// `sorted` is `None`, or whether it falls.
pub fn sortable(
    ctx: &PageContext,
    label: &'static str,
    href: String,
    sorted: Option<bool>,
    class: &'static str,
) -> AnyView {
    let aria = sorted.map(|falls| if falls { "descending" } else { "ascending" });
    let symbol = match sorted {
        Some(true) => "down",
        Some(false) => "up",
        None => "sort",
    };
    view! {
        <th scope="col" class=class aria-sort=aria>
            <a href=href>{label} {icon(ctx, symbol)}</a>
        </th>
    }
    .into_any()
}

/// A choice in a filter. The first option is everything. Written: there may be hundreds of clients and workspaces.
pub fn select(name: &'static str, label: &'static str, all: &'static str, chosen: &str, choices: &[Choice]) -> AnyView {
    let mut html = Written::default();
    html.markup("<label class=\"pick\"><span>").text(label).markup("</span><select name=\"").text(name);
    html.markup("\"><option value=\"\">").text(all).markup("</option>");
    for choice in choices {
        html.markup("<option value=\"").text(&choice.value);
        html.markup(if choice.value == chosen { "\" selected>" } else { "\">" }).text(&choice.label);
        if let Some(count) = choice.count {
            html.markup(" (").text(&words::number(count)).markup(")");
        }
        html.markup("</option>");
    }
    html.markup("</select></label>");
    html.view()
}

/// A choice made from fixed values.
pub fn choice(value: &str, label: &str) -> Choice {
    Choice { value: value.to_owned(), label: label.to_owned(), count: None }
}

/// The search field of a filter: `/` focuses it.
pub fn search(ctx: &PageContext, label: &'static str, hint: &'static str, text: &str) -> AnyView {
    view! {
        <label class="pick search">
            <span>{label}</span>
            <span class="searchbox">
                {icon(ctx, "search")}
                <input id="q" type="search" name="q" value=text.to_owned() placeholder=hint autocomplete="off" maxlength="200" />
            </span>
        </label>
    }
    .into_any()
}

/// The ends of a filter: apply it, or be rid of it.
pub fn filter_end(clear: Option<&'static str>) -> AnyView {
    view! {
        <div class="filter-end">
            <button type="submit" class="button">"Apply"</button>
            {clear.map(|href| view! { <a class="clear" href=href>"Clear"</a> })}
        </div>
    }
    .into_any()
}
