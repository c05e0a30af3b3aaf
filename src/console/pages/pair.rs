//! One pair: how it stands and why, both sides field by field, what waits, what crossed, what happened.

mod mates;
mod notes;
mod sides;

use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            entry, gates,
            icon::icon,
            operation, pause, state,
            time::{when, when_or},
        },
        context::PageContext,
        words,
    },
    domain::{
        pair::Health,
        pause::PauseScope,
        text,
        view::{
            dashboard::PairFilter,
            operation::OperationView,
            pair::{ChoiceView, DroppedRow, PairView},
            pause::PauseView,
            query::QueryText,
        },
    },
};

/// Longest title in a heading; the whole one stands below it then.
const HEADING_MAX: usize = 200;

/// Number and title, cut where it would push everything else off the page.
pub fn name(view: &PairView) -> String {
    titled(view.number, &view.title)
}

/// The same of an incident.
pub fn titled(number: Option<i64>, title: &str) -> String {
    let title = if title.is_empty() { "(no title)".to_owned() } else { text::cut(title, HEADING_MAX) };
    match number {
        Some(number) => format!("#{number} {title}"),
        None => title,
    }
}

/// The query of the list that the page was opened from: whoever goes on from here finds back to it.
fn list(view: &PairView) -> &str {
    view.back.split_once('?').map_or("", |(_, query)| query)
}

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &PairView) -> AnyView {
    live(ctx, view)
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &PairView) -> AnyView {
    // The past is there to be read.
    let reading = view.as_of.map(|_| ctx.reading_only());
    let ctx = reading.as_ref().unwrap_or(ctx);
    view! {
        <div id="truth" data-live class="pair-top">
            {whole_title(view)}
            {facts(ctx, view)}
            {standing(ctx, view)}
        </div>
        <div id="pair" data-live data-hold class="pair-columns">
            <div class="pair-main">
                {view.group.as_ref().map(|group| mates::section(ctx, group))}
                {sides::section(ctx, view)}
                {queue(ctx, "Given up", "dead", &view.dead, None)}
                {queue(ctx, "Waiting to be written", "queue", &view.queue, view.pauses.first())}
                {dropped(ctx, &view.dropped)}
                {notes::section(ctx, view)}
                {(!view.gates.is_empty()).then(|| view! {
                    <details class="folded">
                        <summary>"Why it has a ticket: every gate, as it stands now"</summary>
                        {gates::list(ctx, &view.gates)}
                    </details>
                })}
            </div>
            {history(ctx, view)}
        </div>
    }
    .into_any()
}

/// The title that its heading cuts.
fn whole_title(view: &PairView) -> AnyView {
    if text::length(&view.title) <= HEADING_MAX {
        return ().into_any();
    }
    view! {
        <details class="whole-title">
            <summary>"The whole title"</summary>
            <p>{view.title.clone()}</p>
        </details>
    }
    .into_any()
}

fn facts(ctx: &PageContext, view: &PairView) -> AnyView {
    let incident = match &view.incident_url {
        Some(url) => act::outside(ctx, url, "Open in the portal"),
        None => view! { <span class="quiet">"no portal address"</span> }.into_any(),
    };
    let ticket = match &view.ticket {
        Some(ticket) => act::record(ctx, ticket),
        None => view! { <span class="quiet">"none yet"</span> }.into_any(),
    };
    let of_client = PairFilter { client: Some(view.client_id), ..PairFilter::default() }.address();
    let of_workspace = PairFilter { workspace: Some(view.workspace_id), ..PairFilter::default() }.address();
    view! {
        <dl class="facts">
            <div><dt>"Severity"</dt><dd>{state::severity(ctx, &view.severity)}</dd></div>
            <div><dt>"Ticket"</dt><dd>{ticket}</dd></div>
            <div><dt>"Incident"</dt><dd>{incident}</dd></div>
            <div><dt>"Client"</dt><dd><a class="soft" href=of_client>{view.client.clone()}</a></dd></div>
            <div>
                <dt>"Workspace"</dt>
                <dd><a class="soft" href=of_workspace>{view.workspace.clone()}</a>" · "{words::mode(view.mode)}</dd>
            </div>
            <div><dt>"Reference"</dt><dd><code>{view.reference.clone()}</code></dd></div>
            <div><dt>"Linked"</dt><dd>{when(ctx, view.created)}</dd></div>
        </dl>
    }
    .into_any()
}

fn standing(ctx: &PageContext, view: &PairView) -> AnyView {
    let why = match &view.reason {
        Some(reason) => state::why(ctx, reason),
        None => view! { <p class="why">"Both sides agree in what the policy carries."</p> }.into_any(),
    };
    // the one thing to do stands out; when all is well neither does
    let weight = |main: bool| if main { Weight::Main } else { Weight::Plain };
    let held = !view.pauses.is_empty();
    let own = PauseScope::Pair { id: view.id };
    let (sync, look) = (!view.queue.is_empty() && !held, view.health == Health::NeedsYou && view.dead.is_empty());
    let acts = ctx.may_operate().then(|| {
        view! {
            <div class="acts">
                <div>
                    {act::button(ctx, format!("/pairs/{}/look", view.id), "look", "Look again", weight(look && !sync))}
                    <p class="quiet">"Reads both sides afresh; what follows from it is carried out in its time."</p>
                </div>
                {(!held).then(|| view! {
                <div>
                    {act::button(ctx, format!("/pairs/{}/sync", view.id), "sync", "Sync now", weight(sync))}
                    <p class="quiet">"Carries out now what waits for its time."</p>
                </div>
                })}
                {view.ticket.is_some().then(|| view! {
                <div>
                    <a class="button" href=format!("/pairs/{}/rebuild", view.id)>
                        {icon(ctx, "decision")} <span>"Rebuild from both sides…"</span>
                    </a>
                    <p class="quiet">"Forgets what both agreed on and plans from both records alone. The plan is shown first."</p>
                </div>
                })}
                {view.pauses.iter().all(|pause| pause.scope != own)
                    .then(|| pause::form(ctx, own, "Pause this pair", &name(view)))}
                {unlink(ctx, view)}
            </div>
        }
    });
    view! {
        <section class=format!("standing-card health-{}", view.health.as_str()) aria-label="How it stands">
            <div class="standing-words">
                {view.as_of.map(|at| view! {
                    <p class="warn">
                        "As it stood "{when(ctx, at)}". "
                        <a href=QueryText::new().with("list", list(view)).after(ctx.path())>"See how it stands now"</a>
                    </p>
                })}
                {view.as_of_problem.clone().map(|problem| view! { <p class="warn" role="alert">{problem}</p> })}
                {state::axes(ctx, view.sync, view.health)}
                {pause::notices(ctx, &view.pauses)}
                {why}
                {view.open.iter().map(|reason| state::why(ctx, reason)).collect_view()}
                <p class="quiet">
                    {view.as_of.is_none().then(|| view! {
                        "Incident checked "{when_or(ctx, view.incident_read, "never")}
                        {view.ticket.is_some().then(|| view! { " · ticket checked "{when_or(ctx, view.ticket_read, "never")} })}
                        " · "
                    })}
                    "last change "{when(ctx, view.changed)}
                </p>
            </div>
            {view.choices.iter().map(|one| choice(ctx, view, one)).collect_view()}
            {(!ctx.may_operate() && view.as_of.is_none()).then(|| view! {
                <p class="quiet">"To look again, pause, unlink or decide, ask "{words::OPERATORS}"."</p>
            })}
            {acts}
        </section>
    }
    .into_any()
}

/// A folded button that takes the pair apart.
fn unlink(ctx: &PageContext, view: &PairView) -> AnyView {
    let to = format!("/pairs/{}/unlink", view.id);
    view! {
        <details class="folded">
            <summary>"Unlink…"</summary>
            <p class="quiet">
                "Incident and ticket both stay as they are and are not kept in step any more; what waits is not written. \
                 The incident gets no ticket by itself afterwards. It then stands under “Not linked”, where it can be \
                 linked to a ticket again."
            </p>
            {act::named(ctx, to, "stop", "Unlink and keep both", Weight::Danger, Some(name(view)))}
        </details>
    }
    .into_any()
}

/// A question and one button for each answer.
fn choice(ctx: &PageContext, view: &PairView, choice: &ChoiceView) -> AnyView {
    let to = format!("/pairs/{}/decide", view.id);
    let answers = choice.answers.iter().map(|answer| {
        let decision = serde_json::to_string(&answer.decision).unwrap_or_default();
        act::answer(ctx, to.clone(), "decision", decision, answer.label.clone())
    });
    view! {
        <div class="acts">
            <p>{choice.reason.words()}</p>
            {if ctx.may_operate() { answers.collect_view().into_any() } else { ().into_any() }}
        </div>
    }
    .into_any()
}

fn queue(
    ctx: &PageContext,
    title: &'static str,
    id: &'static str,
    operations: &[OperationView],
    held: Option<&PauseView>,
) -> AnyView {
    if operations.is_empty() {
        return ().into_any();
    }
    let count = words::number(operations.len() as u64);
    view! {
        <section aria-labelledby=id>
            <h2 id=id>{title}" "<span class="count">{count}</span></h2>
            <ol class="operations">{operations.iter().map(|one| operation::item(ctx, one, held)).collect_view()}</ol>
        </section>
    }
    .into_any()
}

fn dropped(ctx: &PageContext, rows: &[DroppedRow]) -> AnyView {
    if rows.is_empty() {
        return ().into_any();
    }
    let items = rows.iter().map(|row| operation::noted(ctx, &row.operation, None, Some(&row.who))).collect_view();
    view! {
        <section aria-labelledby="dropped">
            <h2 id="dropped">"Dropped "<span class="count">{words::number(rows.len() as u64)}</span></h2>
            <p class="quiet">
                "Not written again in this form, until what it was planned from changes or somebody asks for it."
            </p>
            <ol class="operations">{items}</ol>
        </section>
    }
    .into_any()
}

/// Asks for the page as it stood at a moment; `list` is the query of the list that it was opened from.
pub fn moment(ctx: &PageContext, list: &str) -> AnyView {
    view! {
        <form class="moment" method="get" action=ctx.path().to_owned()>
            {(!list.is_empty()).then(|| view! { <input type="hidden" name="list" value=list.to_owned() /> })}
            <label>
                <span>"As it stood at"</span>
                <input type="text" name="at" required=true placeholder="2026-11-28 08:00" autocomplete="off" maxlength="40" />
            </label>
            <button type="submit" class="button">"Show"</button>
        </form>
    }
    .into_any()
}

fn history(ctx: &PageContext, view: &PairView) -> AnyView {
    let list = list(view);
    let then = |seq: i64| Some(QueryText::new().with("at", &seq.to_string()).with("list", list).after(ctx.path()));
    let older = view.older.as_ref().map(|token| {
        let at = view.as_of.map(|at| at.to_string()).unwrap_or_default();
        let href = QueryText::new().with("from", token).with("at", &at).with("list", list).after(ctx.path());
        view! { <p><a class="button" href=format!("{href}#history")>"Older"</a></p> }
    });
    view! {
        <section class="pair-history" aria-labelledby="history">
            <h2 id="history">"What happened"</h2>
            {moment(ctx, list)}
            {if view.timeline.is_empty() {
                view! { <p class="quiet">"Nothing is written down yet."</p> }.into_any()
            } else {
                entry::timeline(ctx, &view.timeline, Some(&then))
            }}
            {older}
        </section>
    }
    .into_any()
}
