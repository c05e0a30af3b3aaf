//! Whose workspace is whose.

use leptos::prelude::*;

use super::{onward, scripts};
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
    domain::{
        rights::RoleWanted,
        view::{
            form::FormView,
            set_up::{ClientRules, ClientsStep, Doubt, FoundRow, Step},
        },
    },
};

/// Id of the list of Halo's clients, from which every field of the page is filled.
const LIST: &str = "halo-clients";

/// What stands on the page.
pub fn body(ctx: &PageContext, view: &ClientsStep) -> AnyView {
    // what is being read is not begun once more
    let (again, look) = if view.under_way {
        (Step::Clients.path(), "Look how far it is")
    } else {
        (format!("{}?again=1", Step::Clients.path()), "Look again")
    };
    let troubles = view
        .troubles
        .iter()
        .map(|text| view! { <div class="notice bad">{icon(ctx, "needs-you")} <p>{text.clone()}</p></div> })
        .collect_view();
    let inside = if view.rows.is_empty() { nothing(ctx, view) } else { form(ctx, view) };
    let needs = view.needs.as_ref().filter(|_| !view.rows.is_empty()).map(|(step, text)| {
        view! {
            <div class="notice">
                {icon(ctx, "waiting")}
                <p>{text.clone()}" "<a href=step.path()>{format!("Go to “{}”", step.name())}</a></p>
            </div>
        }
    });
    let slow = view.under_way.then(|| {
        view! {
            <div class="notice" role="status">
                {icon(ctx, "waiting")}
                <p>
                    "Microsoft or Halo answers slowly, so not everything is read yet. What was found before is shown; the reading \
                     goes on in the background, and nothing of it is lost. "
                    <a href=Step::Clients.path()>"Look how far it is"</a>
                </p>
            </div>
        }
    });
    let read = view.lines_read.map(|lines| {
        let text = format!(
            "{} of the file. Nothing is saved yet: look it through, then press “Save and go on”.",
            words::counted(lines, "line was read", "lines were read")
        );
        view! { <div class="notice" role="status">{icon(ctx, "file")} <p>{text}</p></div> }
    });
    view! {
        {troubles}
        {slow}
        {needs}
        {read}
        <p class="truth">{truth(view)}</p>
        <p class="quiet">"Read "{when(ctx, view.read_at)}" · "<a href=again>{look}</a></p>
        {drafted(ctx, view.draft.as_ref())}
        {inside}
        {roles(&view.roles)}
        {(!view.rows.is_empty()).then(|| file(ctx, view))}
        {(!view.rules.is_empty()).then(|| rules(&view.rules))}
    }
    .into_any()
}

/// The custom role that is enough, where a right is missing: a script for each tenant.
fn roles(rows: &[RoleWanted]) -> AnyView {
    let one = |(n, row): (usize, &RoleWanted)| {
        let id = format!("script-sync-role-{n}");
        view! {
            <details>
                <summary>"Script: makes a custom role with exactly what syncing needs, in "{row.tenant.clone()}</summary>
                <p class="hint">
                    "For an owner of the subscription, in Azure Cloud Shell or wherever the Azure CLI is. Write who signs in (a user's \
                     name, or the application id) in place of IDENTITY. A new role takes some minutes to be known: if it cannot be \
                     given yet, run the last lines again. Where the role is there already, add the subscription to its assignable \
                     scopes instead. Azure Lighthouse takes built-in roles alone. Deploying webhooks from here needs more."
                </p>
                <pre id=id.clone() class="script" tabindex="0" role="group" aria-label=format!("Script that makes the role, {}", row.tenant)>{scripts::sync_role(&row.arm, &row.groups)}</pre>
                {fields::copy_button(id, "Script")}
            </details>
        }
    };
    rows.iter().enumerate().map(one).collect_view().into_any()
}

/// Why there is no workspace, and what to do.
fn nothing(ctx: &PageContext, view: &ClientsStep) -> AnyView {
    let button = |step: Step, label: String| view! { <p><a class="button main" href=step.path()>{label}</a></p> };
    let text = match &view.needs {
        Some((step, text)) => {
            view! { <p>{text.clone()}</p> {button(*step, format!("Go to “{}”", step.name()))} }.into_any()
        }
        None if view.under_way => view! { <p>"So far; look how far it is in a moment."</p> }.into_any(),
        None => view! {
            <p>
                "The sign-in reaches no Log Analytics workspace. Give it a role on the customer's resource group, then look \
                 again."
            </p>
            {button(Step::SignIn, "Who signed in".to_owned())}
        }
        .into_any(),
    };
    list::empty(ctx, "search", "No workspace was found", text)
}

/// Which rules each client follows, and the way to its own.
fn rules(rows: &[ClientRules]) -> AnyView {
    let lines = rows
        .iter()
        .map(|row| {
            let name = row.client.name.clone();
            let follows = match (&row.base, row.policies.as_slice()) {
                (_, []) => "No workspace yet.".to_owned(),
                (_, [_, _, ..]) => format!("Several policies: {}.", row.policies.join(", ")),
                (None, [policy]) => format!("All as in “{policy}”."),
                (Some(base), [_]) => {
                    let keys: Vec<&str> = row.own.iter().map(|key| key.label()).collect();
                    format!("Own: {}. The rest as in “{base}”.", keys.join(", "))
                }
            };
            let way = (!row.policies.is_empty()).then(|| {
                let href = format!("{}?client={}", Step::Mapping.path(), row.client.id);
                view! { <a href=href>"Own rules"<span class="unseen">{format!(" of {name}")}</span></a> }
            });
            view! {
                <tr>
                    <th scope="row">{row.client.name.clone()}</th>
                    <td class="c-wide tall" data-label="Follows">{follows}</td>
                    <td>{way}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section id="rules" aria-labelledby="rules-title">
            <h2 id="rules-title">"Rules of each client"</h2>
            {list::table(
                ("Rules of each client", "Clients, and the rules that their workspaces follow"),
                "cards",
                list::heads(&[("Client", ""), ("Follows", "c-wide"), ("Do", "")]),
                lines.into_any(),
            )}
        </section>
    }
    .into_any()
}

/// For hundreds: the list as a file, and back.
fn file(ctx: &PageContext, view: &ClientsStep) -> AnyView {
    let problem = view.form.problem("file").map(str::to_owned);
    let fault = problem.as_ref().map(|_| "file-problem");
    view! {
        <details open=problem.is_some()>
            <summary>"As a CSV file: for hundreds of workspaces"</summary>
            <p><a class="file" href="/set-up/clients.csv" download="">{icon(ctx, "file")} <span>"Download the list"</span></a></p>
            <form method="post" action="/set-up/clients/file" enctype="multipart/form-data" class="form" novalidate>
                {fields::upload(".csv,text/csv")}
                <div class="field" class:wrong=problem.is_some()>
                    <label for="file">"The file, pasted"</label>
                    <p class="hint" id="file-hint">"It is shown above first; nothing is kept before you save it there."</p>
                    {problem
                        .clone()
                        .map(|text| view! { <p class="problem" id=fault><span class="unseen">"Error: "</span>{text}</p> })}
                    <textarea id="file" name="file" rows="6" spellcheck="false" autocomplete="off" aria-describedby="file-hint"
                        aria-invalid=problem.is_some().then_some("true")>{view.form.value("file").to_owned()}</textarea>
                </div>
                <button type="submit" class="button">"Show it"</button>
            </form>
        </details>
    }
    .into_any()
}

fn truth(view: &ClientsStep) -> String {
    let all = view.rows.len() as u64;
    let linked = view.rows.iter().filter(|row| row.linked.is_some()).count() as u64;
    let chosen = view.rows.iter().filter(|row| row.linked.is_none() && row.chosen).count() as u64;
    let (sure, unsure) = (view.guessed(true) as u64, view.guessed(false) as u64);
    let apart = all.saturating_sub(linked + chosen + sure + unsure);
    let saved = if chosen > 0 { format!("{} chosen, ", words::number(chosen)) } else { String::new() };
    let mut text = format!(
        "{} found: {} linked, {saved}{} matched by name, {} to choose",
        words::counted(all, "workspace", "workspaces"),
        words::number(linked),
        words::number(sure),
        words::number(unsure),
    );
    if apart > 0 {
        text.push_str(&format!(", {} cannot be linked yet", words::number(apart)));
    }
    text.push('.');
    text
}

fn form(ctx: &PageContext, view: &ClientsStep) -> AnyView {
    let options = view.clients.iter().map(|name| view! { <option value=name.clone()></option> }).collect_view();
    view! {
        <form method="post" action=Step::Clients.path() class="linking" novalidate>
            {fields::carried(&view.form, &["seen"])}
            {unseen(view)}
            <datalist id=LIST>{options}</datalist>
            {several(ctx, view)}
            {list::table(
                ("Workspaces found", "Workspaces found, and the Halo client each belongs to"),
                "cards finds",
                list::heads(&[("Workspace", "c-wide"), ("Halo client", ""), ("Matched by name", ""), ("Links lead to", "")]),
                view.rows.iter().filter(|row| view.shows(row)).map(|row| line(ctx, view, row)).collect_view().into_any(),
            )}
            {lost(view)}
            <p class="quiet">
                "Ticked workspaces start in observe: they are read and planned, and nothing is written until you go live."
            </p>
            {onward("Save and go on")}
        </form>
    }
    .into_any()
}

/// So many workspaces are looked through and ticked without help.
const FEW: usize = 8;

/// A search, and buttons for many at once. Each shows the page again with what was ticked and typed, and keeps nothing.
fn several(ctx: &PageContext, view: &ClientsStep) -> Option<AnyView> {
    let (found, all) = (view.rows.iter().filter(|row| view.shows(row)).count(), view.rows.len());
    let search = (all > FEW || found < all).then(|| {
        let shown = (found < all).then(|| {
            let text = format!(
                "{} of {} shown. What is ticked among the others stays ticked.",
                words::number(found as u64),
                words::counted(all as u64, "workspace", "workspaces"),
            );
            view! { <p class="quiet" role="status">{text}</p> }
        });
        view! {
            {list::search(ctx, "Search", "Workspace, tenant, client", view.form.value("q"))}
            <button type="submit" class="button" name="do" value="find">"Find"</button>
            {shown}
        }
    });
    let sure = view.rows.iter().any(|row| row.usable && row.linked.is_none() && row.doubt == Doubt::Sure);
    let tick = sure.then(|| {
        view! { <button type="submit" class="button" name="do" value="tick">"Tick all that are sure"</button> }
    });
    // Enter in a field presses the form's first button: it searches, and never ticks
    search.map(|search| {
        view! {
            <div class="acts">
                {search}
                {tick}
                <button type="submit" class="button" name="do" value="untick">"Untick all"</button>
            </div>
        }
        .into_any()
    })
}

/// What was ticked and typed at workspaces that are not shown, or not found yet: it is not lost by saving.
fn unseen(view: &ClientsStep) -> AnyView {
    let shown = |key: &str| view.rows.iter().find(|row| row.key == key).map(|row| view.shows(row));
    let hidden = |name: &str| {
        let Some((kind, key)) = name.split_once('-') else { return false };
        let of_row = ["link", "client", "portal", "pick"].contains(&kind);
        // one that is gone for good is not carried along: who ticked it was told
        of_row && !shown(key).unwrap_or(!view.under_way)
    };
    view.form
        .values
        .iter()
        .filter(|(name, value)| !value.is_empty() && hidden(name))
        .map(|(name, value)| view! { <input type="hidden" name=name.clone() value=value.clone() /> })
        .collect_view()
        .into_any()
}

/// What was chosen and cannot be looked at now: it stays chosen, unless it is given up.
fn lost(view: &ClientsStep) -> Option<AnyView> {
    let boxes = view.lost.iter().map(|row| {
        let name = format!("drop-{}", row.key);
        let ticked = !view.form.value(&name).is_empty();
        view! {
            <div class="option">
                <input type="checkbox" id=name.clone() name=name.clone() value="on" checked=ticked />
                <label for=name>{format!("Give up {} for {}", row.name, row.client)}</label>
            </div>
        }
    });
    (!view.lost.is_empty()).then(|| {
        view! {
            <fieldset class="options">
                <legend>"Chosen, and out of sight now"</legend>
                <p class="hint">"They stay chosen, though they cannot be read at the moment, unless you give them up."</p>
                {boxes.collect_view()}
            </fieldset>
        }
        .into_any()
    })
}

/// Where the links of a workspace lead.
fn leads(form: &FormView, row: &FoundRow) -> AnyView {
    let portal = format!("portal-{}", row.key);
    let defender = form.value(&portal) == "defender";
    view! {
        <label class="unseen" for=portal.clone()>{format!("Links of {} lead to", row.name)}</label>
        <select id=portal.clone() name=portal>
            <option value="azure" selected=!defender>"Azure portal"</option>
            <option value="defender" selected=defender>"Defender portal"</option>
        </select>
    }
    .into_any()
}

/// The names that may be meant, each a box: one tick links the workspace to that client.
fn picks(form: &FormView, row: &FoundRow, names: &[String]) -> AnyView {
    let pick = format!("pick-{}", row.key);
    names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let id = format!("{pick}-{at}");
            let ticked = form.value(&pick) == name;
            view! {
                <div class="option">
                    <input type="checkbox" id=id.clone() name=pick.clone() value=name.clone() checked=ticked />
                    <label for=id>{name.clone()}"?"<span class="unseen">{format!(" for {}", row.name)}</span></label>
                </div>
            }
        })
        .collect_view()
        .into_any()
}

/// A workspace that is linked already is given to another client.
fn elsewhere(form: &FormView, row: &FoundRow) -> AnyView {
    let [link, client] = ["link", "client"].map(|kind| format!("{kind}-{}", row.key));
    let problem = form.problem(&client).map(str::to_owned);
    let fault = problem.as_ref().map(|_| format!("{client}-problem"));
    let open = problem.is_some() || !form.value(&link).is_empty();
    view! {
        <details open=open>
            <summary>"Another client"<span class="unseen">{format!(" for {}", row.name)}</span></summary>
            <label class="check">
                <input type="checkbox" id=link.clone() name=link.clone() value="on" checked=!form.value(&link).is_empty() />
                {format!(" Give {} to", row.name)}
            </label>
            <label class="unseen" for=client.clone()>{format!("Other Halo client of {}", row.name)}</label>
            <input type="text" id=client.clone() name=client.clone() list=LIST autocomplete="off"
                value=form.value(&client).to_owned()
                aria-invalid=problem.as_ref().map(|_| "true")
                aria-describedby=fault.clone() />
            {problem.map(|text| view! { <p class="problem" id=fault.clone()><span class="unseen">"Error: "</span>{text}</p> })}
            <p class="quiet">"It observes again until you let it go live. Its tickets so far stay where they are, and get nothing more."</p>
        </details>
    }
    .into_any()
}

fn line(ctx: &PageContext, view: &ClientsStep, row: &FoundRow) -> AnyView {
    let form = &view.form;
    let link = format!("link-{}", row.key);
    let client = format!("client-{}", row.key);
    let fault = |field: &str| {
        form.problem(field).map(|text| {
            let id = format!("{field}-problem");
            view! { <p class="problem" id=id><span class="unseen">"Error: "</span>{text.to_owned()}</p> }
        })
    };
    let described = |field: &str| form.problem(field).map(|_| format!("{field}-problem"));
    let free = row.usable && row.linked.is_none();
    let name = if free {
        view! {
            <label class="check">
                <input type="checkbox" id=link.clone() name=link.clone() value="on" checked=!form.value(&link).is_empty()
                    aria-describedby=described(&link) />
                " " <b>{row.name.clone()}</b>
            </label>
        }
        .into_any()
    } else {
        view! { <b>{row.name.clone()}</b> }.into_any()
    };
    let choice = match &row.linked {
        Some(client) => {
            let now = view! { <span>{icon(ctx, "healthy")} " " {client.clone()}</span> };
            let elsewhere = row.usable.then(|| elsewhere(form, row));
            view! { {now}{elsewhere} }.into_any()
        }
        None if row.usable => view! {
            <label class="unseen" for=client.clone()>{format!("Halo client of {}", row.name)}</label>
            <input type="text" id=client.clone() name=client.clone() list=LIST autocomplete="off"
                value=form.value(&client).to_owned()
                aria-invalid=form.problem(&client).map(|_| "true")
                aria-describedby=described(&client) />
            {fault(&client)}
        }
        .into_any(),
        None => view! { <span class="quiet">"–"</span> }.into_any(),
    };
    let doubt = match (&row.doubt, free) {
        (_, false) => ().into_any(),
        _ if row.chosen => {
            view! { <span class="chip health-healthy">{icon(ctx, "healthy")} <span>"Chosen"</span></span> }.into_any()
        }
        // nothing can be matched before there are clients
        _ if view.clients.is_empty() => view! { <span class="quiet">"–"</span> }.into_any(),
        (Doubt::Sure, _) => {
            view! { <span class="chip health-healthy">{icon(ctx, "healthy")} <span>"Sure"</span></span> }.into_any()
        }
        (Doubt::Unsure { names }, _) => view! {
            <span class="chip health-waiting">{icon(ctx, "waiting")} <span>"Unsure"</span></span>
            {picks(form, row, names)}
        }
        .into_any(),
        (Doubt::Nothing, _) => {
            view! { <span class="chip sync-unknown">{icon(ctx, "unknown")} <span>"No match"</span></span> }.into_any()
        }
    };
    let leads = row.usable.then(|| leads(form, row));
    let says = row.says.clone().map(|text| {
        // the same may stand in every row: it is opened where it is wanted
        if row.usable {
            return view! { <details><summary class="warn">"Rights are missing"</summary><p class="warn">{text}</p></details> }.into_any();
        }
        view! { <p class="failure">{text}</p> }.into_any()
    });
    let joined = row.joined.then(|| {
        // of one that was linked before it joined the links are changed here
        let elsewhere = row.linked.is_some() && row.usable && form.value(&format!("portal-{}", row.key)) != "defender";
        let way = elsewhere.then_some(" Choose “Defender portal” in its row and save, if its links are to lead there.");
        view! { <p class="quiet">"Joined to Microsoft Defender: its incidents are shown there too."{way}</p> }
    });
    view! {
        <tr>
            <th scope="row" class="c-wide tall">
                {name}
                {fault(&link)}
                <div class="quiet">{row.tenant.clone()}" · "{row.place.clone()}</div>
                {says}
                {joined}
            </th>
            <td class="tall" data-label="Halo client">{choice}</td>
            <td class="tall" data-label="Matched by name">{doubt}</td>
            <td data-label="Links lead to">{leads}</td>
        </tr>
    }
    .into_any()
}
