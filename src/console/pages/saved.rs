//! Saved views: which there are, and the form that saves or changes one.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            fields::{self, Field},
            list,
            time::when,
        },
        context::PageContext,
    },
    domain::{
        saved::SavedList,
        view::saved::{SavedRow, SavedViewsView},
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &SavedViewsView) -> AnyView {
    if view.changing.is_some() {
        return view! { {fields::summary(&view.form, "")} {changing(view)} }.into_any();
    }
    let rows = if view.rows.is_empty() {
        let text = view! {
            <p>"Filter or order a list, then press “Save this view” above it."</p>
            <p><a class="button" href="/">"Linked incidents"</a></p>
        };
        list::empty(ctx, "search", "No view is saved yet", text.into_any())
    } else {
        list::table(
            ("Saved views", "Saved views"),
            "cards",
            list::heads(&[("Name", "c-wide"), ("List", ""), ("Shows to", ""), ("Saved", ""), ("Do", "c-acts")]),
            view.rows.iter().map(|row| line(ctx, row)).collect_view().into_any(),
        )
    };
    view! {
        {fields::summary(&view.form, "")}
        <p class="truth">"A view keeps a filter and an order, and no rows: whoever opens it sees the rows that they may see."</p>
        {view.saving.as_ref().map(|(list, query)| saving(view, *list, query))}
        {rows}
    }
    .into_any()
}

fn name_and_sharing(view: &SavedViewsView) -> AnyView {
    let form = match view.form.value("shared") {
        "" => view.form.clone().with_value("shared", "no"),
        _ => view.form.clone(),
    };
    view! {
        {fields::field(&form, "", Field {
            name: "name",
            label: "Name",
            hint: "What the view shows, in a few words: 60 characters at most.",
            kind: "text",
            autocomplete: "off",
        })}
        {fields::radios(&form, "", "shared", "Who it shows to", &[
            ("no", "You alone", ""),
            ("yes", "Others too", "Everybody who sees the clients that you see, and those that the filter names. They read its name and filter."),
        ])}
    }
    .into_any()
}

fn saving(view: &SavedViewsView, list: SavedList, query: &str) -> AnyView {
    let address = format!("{}?{query}", list.path());
    view! {
        <section class="tile" aria-labelledby="save">
            <h2 id="save">"Save this view"</h2>
            <p class="hint">
                "Of the list "<a class="soft" href=address>{list.name()}</a>" as it is filtered and ordered, from its first page on."
            </p>
            <form method="post" action="/views" class="form" novalidate>
                <input type="hidden" name="list" value=list.as_str() />
                <input type="hidden" name="query" value=query.to_owned() />
                {name_and_sharing(view)}
                <button type="submit" class="button main">"Save the view"</button>
            </form>
        </section>
    }
    .into_any()
}

fn changing(view: &SavedViewsView) -> AnyView {
    let Some(id) = view.changing else { return ().into_any() };
    view! {
        <section class="tile" aria-labelledby="change">
            <h2 id="change">"Its name and who it shows to"</h2>
            <p class="hint">"To change its filter, open the view, filter anew and save that under a name of its own."</p>
            <form method="post" action=format!("/views/{id}") class="form" novalidate>
                {name_and_sharing(view)}
                <button type="submit" class="button main">"Save"</button>
            </form>
        </section>
    }
    .into_any()
}

fn line(ctx: &PageContext, row: &SavedRow) -> AnyView {
    let shows_to = match (&row.by, row.shared) {
        (None, false) => "you alone".to_owned(),
        (None, true) => "others too".to_owned(),
        (Some(by), _) => format!("others too, by {by}"),
    };
    let change = row.by.is_none().then(|| {
        view! {
            <a class="button" href=format!("/views/{}", row.id)>
                "Change"<span class="unseen">": "{row.name.clone()}</span>
            </a>
        }
    });
    let remove = row.may_remove.then(|| {
        let to = format!("/views/{}/remove", row.id);
        act::named(ctx, to, "stop", "Remove", Weight::Danger, Some(row.name.clone()))
    });
    view! {
        <tr>
            <th scope="row" class="c-wide"><a href=row.address.clone()>{row.name.clone()}</a></th>
            <td data-label="List">{row.list.name()}</td>
            <td data-label="Shows to">{shows_to}</td>
            <td data-label="Saved">{when(ctx, row.saved)}</td>
            <td class="c-acts">{change} {remove}</td>
        </tr>
    }
    .into_any()
}
