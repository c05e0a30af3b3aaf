//! Versions of the configuration: what changed when and by whom, compared with now, and the way back; and the whole as a
//! file, given out and taken.

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            fields,
            icon::icon,
            list,
            time::{drafted, when},
        },
        context::PageContext,
        words,
    },
    domain::view::versions::{ChosenVersion, FaultRow, FileView, VersionRow, VersionsView},
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &VersionsView) -> AnyView {
    let count = view.rows.len() as u64;
    let rows = if view.rows.is_empty() {
        let text = view! { <p><a class="button" href="/set-up">"Set-up"</a></p> };
        list::empty(ctx, "file", "Nothing was set up yet", text.into_any())
    } else {
        list::table(
            ("Versions", "Versions of the configuration, the newest first"),
            "cards",
            list::heads(&[("Version", ""), ("Since", ""), ("By", ""), ("What changed", "c-wide"), ("Do", "")]),
            view.rows.iter().map(|row| line(ctx, row)).collect_view().into_any(),
        )
    };
    view! {
        {fields::summary(&view.form, "")}
        {fields::summary(&view.file.form, "")}
        <p class="truth">
            {words::counted(count, "version is kept", "versions are kept")}"; each is a whole applied file without secrets."
        </p>
        {file(ctx, &view.file)}
        {view.chosen.as_ref().map(|chosen| compared(ctx, view, chosen))}
        {rows}
    }
    .into_any()
}

/// The whole as a file: given out, and one that is pasted, compared and applied.
fn file(ctx: &PageContext, view: &FileView) -> AnyView {
    let problem = view.form.problem("file").map(str::to_owned);
    let fault = problem.as_ref().map(|_| "file-problem");
    let described = if problem.is_some() { "file-hint file-problem" } else { "file-hint" };
    let open = problem.is_some() || view.changes.is_some() || !view.faults.is_empty();
    let faults = (!view.faults.is_empty()).then(|| {
        let rows = view.faults.iter().map(|row| fault_line(ctx, row)).collect_view();
        view! { <h3>"What is wrong with it"</h3> <ul class="steps">{rows}</ul> }
    });
    let changes = view.changes.as_ref().map(|changes| {
        if changes.is_empty() {
            return view! { <p>"Nothing would change: what is set up says the same."</p> }.into_any();
        }
        view! {
            <h3>"What applying it changes"</h3>
            <pre class="script" tabindex="0" role="group" aria-label="What applying the file changes">{changes.join("\n")}</pre>
        }
        .into_any()
    });
    let apply = view.changes.as_ref().filter(|changes| !changes.is_empty()).map(|_| {
        view! { <button type="submit" class="button main" name="do" value="apply">"Apply"</button> }
    });
    view! {
        <section class="tile" aria-labelledby="as-file">
            <h2 id="as-file">"As a file"</h2>
            <p><a class="file" href="/configuration.toml" download="">{icon(ctx, "file")} " " <span>"Download the configuration"</span></a></p>
            <details open=open>
                <summary>"Compare and apply a file"</summary>
                <form method="post" action="/configuration/file" enctype="multipart/form-data" class="form" novalidate>
                    {fields::carried(&view.form, &["seen"])}
                    {fields::upload(".toml,text/plain")}
                    <div class="field" class:wrong=problem.is_some()>
                        <label for="file">"The file, pasted"</label>
                        <p class="hint" id="file-hint">
                            "It is compared first; nothing changes before you apply it. A secret in it is sealed, or comes from where \
                             it comes from now: type new ones on the pages of the set-up."
                        </p>
                        {problem
                            .clone()
                            .map(|text| view! { <p class="problem" id=fault><span class="unseen">"Error: "</span>{text}</p> })}
                        <textarea id="file" name="file" rows="12" spellcheck="false" autocomplete="off" aria-describedby=described
                            aria-invalid=problem.is_some().then_some("true")>{view.form.value("file").to_owned()}</textarea>
                    </div>
                    {fields::check(&view.form, "", "prune", "Remove what the file does not name")}
                    {faults}
                    {changes}
                    <div class="acts">
                        {apply}
                        <button type="submit" class="button">"Compare"</button>
                    </div>
                </form>
            </details>
        </section>
    }
    .into_any()
}

fn fault_line(ctx: &PageContext, row: &FaultRow) -> AnyView {
    let (class, symbol, word) =
        if row.error { ("health-needs-you", "needs-you", "Fault") } else { ("health-waiting", "waiting", "Note") };
    view! {
        <li>
            <div class="step-name"><b>{format!("Line {}, column {}", row.line, row.column)}</b> " " <span>{row.says.clone()}</span></div>
            " "
            <span class=format!("chip {class}")>{icon(ctx, symbol)} <span>{word}</span></span>
        </li>
    }
    .into_any()
}

/// The first change in words, and how many more there are.
fn gist(changes: &[String]) -> String {
    let Some((first, others)) = changes.split_first() else { return "Nothing".to_owned() };
    let first = first.lines().next().unwrap_or_default();
    let said = [("+ ", "New"), ("~ ", "Changed"), ("- ", "Removed")]
        .into_iter()
        .find_map(|(sign, word)| Some(format!("{word}: {}", first.strip_prefix(sign)?)))
        .unwrap_or_else(|| first.to_owned());
    match others.len() as u64 {
        0 => said,
        more => format!("{said}, and {} more", words::number(more)),
    }
}

fn line(ctx: &PageContext, row: &VersionRow) -> AnyView {
    let number = row.number;
    let who = row.who.clone().unwrap_or_else(|| "a command".to_owned());
    let act = if row.now {
        view! { <span>"Now"</span> }.into_any()
    } else {
        let href = format!("/configuration?version={number}#compared");
        view! { <a href=href>"Compare with now"<span class="unseen">{format!(": version {number}")}</span></a> }
            .into_any()
    };
    let label = format!("Changes of version {number}");
    view! {
        <tr>
            <th scope="row" data-label="Version">{number}</th>
            <td data-label="Since">{when(ctx, row.at)}</td>
            <td data-label="By">{who}{drafted(ctx, row.draft.as_ref())}</td>
            <td class="c-wide tall" data-label="What changed">
                <details>
                    <summary>{gist(&row.changes)}<span class="unseen">{format!(" in version {number}")}</span></summary>
                    <pre class="script" tabindex="0" role="group" aria-label=label>{row.changes.join("\n")}</pre>
                </details>
            </td>
            <td>{act}</td>
        </tr>
    }
    .into_any()
}

fn compared(ctx: &PageContext, view: &VersionsView, chosen: &ChosenVersion) -> AnyView {
    let number = chosen.number;
    let obstacles = chosen
        .obstacles
        .iter()
        .map(|text| view! { <div class="notice bad">{icon(ctx, "needs-you")} <p>{text.clone()}</p></div> })
        .collect_view();
    let back = if !chosen.obstacles.is_empty() {
        ().into_any()
    } else if chosen.changes.is_empty() {
        view! { <p>"Nothing: what is set up now says the same."</p> }.into_any()
    } else {
        view! {
            <pre class="script" tabindex="0" role="group" aria-label="What going back changes">{chosen.changes.join("\n")}</pre>
            <p class="quiet">
                "Incidents, tickets, links and the ledger stay. Secrets stay as they are now; those of an entry that goes are removed."
            </p>
            <form method="post" action="/configuration">
                {fields::carried(&view.form, &["version", "seen"])}
                <div class="acts">
                    <button type="submit" class="button danger">{format!("Go back to version {number}")}</button>
                    <a class="button" href="/configuration">"Leave it"</a>
                </div>
            </form>
        }
        .into_any()
    };
    view! {
        <section class="tile" aria-labelledby="compared">
            <h2 id="compared">{format!("What going back to version {number} changes")}</h2>
            <p class="quiet">"It was set up "{when(ctx, chosen.at)}"."</p>
            {obstacles}
            {back}
            <details>
                <summary>"The whole version as a file"</summary>
                <pre class="script" tabindex="0" role="group" aria-label="The whole version">{chosen.file.clone()}</pre>
            </details>
        </section>
    }
    .into_any()
}
