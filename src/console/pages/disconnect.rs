//! Taking a connection out again: asked for with everything that ends and everything that stays.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            fields::{self, Field},
            icon::icon,
            list,
        },
        context::PageContext,
        words,
    },
    domain::{
        failure::Side,
        view::{
            dashboard::PairFilter,
            disconnect::{DisconnectRow, DisconnectView},
            set_up::Step,
        },
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &DisconnectView) -> AnyView {
    let pairs: u64 = view.workspaces.iter().map(|row| row.pairs).sum();
    let confirm = Field {
        name: "name",
        label: "The connection's name, to confirm",
        hint: "Letter for letter.",
        kind: "text",
        autocomplete: "off",
    };
    view! {
        {fields::summary(&view.form, "")}
        <p class="truth">
            {view.name.clone()}": "{words::counted(view.workspaces.len() as u64, "workspace", "workspaces")}", "
            {words::counted(pairs, "linked incident", "linked incidents")}
        </p>
        {affected(view)}
        <section class="tile narrow" aria-labelledby="stays">
            <h2 id="stays">"What stays"</h2>
            {stays(view)}
        </section>
        <section class="tile narrow" aria-labelledby="goes">
            <h2 id="goes">"What goes"</h2>
            {goes(view)}
            <form method="post" action=format!("/connections/{}/disconnect", view.id) novalidate>
                {fields::field(&view.form, "", confirm)}
                <div class="acts">
                    <button type="submit" class="button danger">{icon(ctx, "stop")} <span>"Disconnect"</span></button>
                    <a class="button" href="/connections">"Leave it"</a>
                </div>
            </form>
        </section>
    }
    .into_any()
}

fn affected(view: &DisconnectView) -> AnyView {
    if view.workspaces.is_empty() {
        return view! { <p>"No workspace uses it."</p> }.into_any();
    }
    let row = |row: &DisconnectRow| {
        let file = PairFilter { workspace: Some(row.id), ..PairFilter::default() }.file();
        view! {
            <tr>
                <th scope="row" data-label="Workspace">{row.name.clone()}</th>
                <td data-label="Client">{row.client.clone()}</td>
                <td data-label="Linked incidents">{words::number(row.pairs)}</td>
                <td data-label="Not in step or waiting">{words::number(row.waiting)}</td>
                <td data-label="Its links">
                    <a class="button" href=file download="">"CSV"<span class="unseen">" of "{row.name.clone()}</span></a>
                </td>
            </tr>
        }
    };
    let head = list::heads(&[
        ("Workspace", ""),
        ("Client", ""),
        ("Linked incidents", ""),
        ("Not in step or waiting", ""),
        ("Its links", ""),
    ]);
    let rows = view.workspaces.iter().map(row).collect_view().into_any();
    list::table(("Workspaces that end with it", "Workspaces that end with it"), "cards", head, rows)
}

fn stays(view: &DisconnectView) -> AnyView {
    let deployed = match view.side {
        Side::Sentinel => "The Logic App and the automation rules that were deployed, and the app registration. ",
        Side::Halo => "The webhooks that were made in Halo, and the API application. ",
    };
    view! {
        <ul class="points">
            <li>"Every incident in Sentinel and every ticket in Halo, with all comments and notes that crossed."</li>
            <li>"The links, here: they are found again when the same workspace is connected again. Save them as CSV for your own files."</li>
            <li>"The ledger: every write, and that it ended."</li>
            <li>
                {deployed}"Remove what was deployed first, under "<a href=Step::Import.path()>{Step::Import.name()}</a>
                ": afterwards this program may not do it any more."
            </li>
        </ul>
    }
    .into_any()
}

fn goes(view: &DisconnectView) -> AnyView {
    let ends = match view.side {
        Side::Sentinel => {
            "The workspaces above are taken out: they are not read any more, and nothing is written to them."
        }
        Side::Halo => "The clients above lose their place in Halo, and their workspaces are switched off.",
    };
    let secrets = if view.sealed {
        "Its secrets and tokens are removed from the database."
    } else {
        "Nothing of its secrets is kept here: take away the environment variable or the file yourself."
    };
    view! {
        <ul class="points">
            <li>{ends}</li>
            <li>"What waits to be written is not sent any more."</li>
            <li>{secrets}</li>
        </ul>
    }
    .into_any()
}
