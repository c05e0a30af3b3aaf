//! Ways to the outside systems: whether each works, and what to do if not.

mod workspaces;

use jiff::Timestamp;
use leptos::prelude::*;

use crate::{
    console::{
        components::{
            act::{self, Weight},
            icon::icon,
            list, pause, permissions, state,
            time::{when, when_or},
        },
        context::PageContext,
        pages::set_up::lines,
        words,
    },
    domain::{
        connection::MicrosoftIdentity,
        ids::ConnectionId,
        pause::PauseScope,
        view::{
            connections::{BudgetView, ConnectionHealth, ConnectionsView, HaloRow, Lag, MicrosoftRow, SecretSource},
            pause::PauseView,
        },
    },
};

/// What stands in `<main>`.
pub fn body(ctx: &PageContext, view: &ConnectionsView) -> AnyView {
    live(ctx, view)
}

/// The parts that change while the page is open.
pub fn live(ctx: &PageContext, view: &ConnectionsView) -> AnyView {
    let empty = view.microsoft.is_empty() && view.halo.is_empty() && view.workspaces.is_empty();
    view! {
        <div id="truth" data-live><p class="truth">{truth(view)}</p></div>
        <div id="rows" data-live data-hold>
            {empty
                .then(|| {
                    let text = view! {
                        {ctx.may_set_up().then(|| view! { <p><a class="button main" href="/set-up">"Set it up"</a></p> })}
                        <p>"Or describe the installation in a file, then apply it; a running server takes it up at once:"</p>
                        <pre class="command">"halobridge config apply FILE.toml"</pre>
                        <p>"For delegated sign-in, give the app registration this redirect URI: "<code>{view.redirect_uri.clone()}</code></p>
                    };
                    list::empty(ctx, "connection", "Nothing is connected yet", text.into_any())
                })}
            <div class="ways">
            {(!view.microsoft.is_empty())
                .then(|| {
                    view! {
                        <section aria-labelledby="microsoft">
                            <h2 id="microsoft">"Microsoft"</h2>
                            <div class="tiles">
                                {view.microsoft.iter().map(|row| microsoft(ctx, row, &view.redirect_uri)).collect_view()}
                            </div>
                        </section>
                    }
                })}
            {(!view.halo.is_empty())
                .then(|| {
                    view! {
                        <section aria-labelledby="halo">
                            <h2 id="halo">"Halo"</h2>
                            <div class="tiles">{view.halo.iter().map(|row| halo(ctx, row)).collect_view()}</div>
                        </section>
                    }
                })}
            </div>
            {(!empty).then(|| workspaces::section(ctx, view))}
        </div>
    }
    .into_any()
}

fn truth(view: &ConnectionsView) -> AnyView {
    let all = view.microsoft.iter().map(|row| &row.health).chain(view.halo.iter().map(|row| &row.health));
    let (mut count, mut broken) = (0_u64, 0_u64);
    for health in all {
        count = count.saturating_add(1);
        broken = broken.saturating_add(u64::from(health.failure.is_some()));
    }
    let spaces = view.workspaces.len() as u64;
    // who sees only some clients sees their workspaces alone
    if count == 0 && spaces == 0 {
        return "Nothing is connected yet.".into_any();
    }
    let spaces = view! { <a href="#workspaces">{words::counted(spaces, "workspace", "workspaces")}</a> };
    match (count, broken) {
        (0, _) => view! { {spaces}"." }.into_any(),
        (n, 0) => view! { {words::counted(n, "connection", "connections")}"; "{spaces}"; no failures." }.into_any(),
        (n, bad) => view! {
            {words::number(bad)}" of "{words::counted(n, "connection", "connections")}" can't be used just now; "{spaces}"."
        }
        .into_any(),
    }
}

/// How it does: success, failure, remedy.
fn health(ctx: &PageContext, health: &ConnectionHealth) -> AnyView {
    let failure = health.failure.as_ref().map(|failure| {
        view! {
            <p class="failure">
                {failure.message.clone()}
                {health.failed_at.map(|at| view! { " " {when(ctx, at)} })}
            </p>
        }
    });
    view! {
        {failure}
        <p class="quiet">"Last success "{when_or(ctx, health.last_success, "never")}{next(ctx, health)}</p>
    }
    .into_any()
}

/// When it is read next, or since when that is late.
fn next(ctx: &PageContext, health: &ConnectionHealth) -> AnyView {
    match health.next {
        Some(at) if health.late(ctx.now) => {
            view! { ", next "<span class="warn">"late: due "{when(ctx, at)}</span> }.into_any()
        }
        Some(at) if at.duration_since(ctx.now).as_secs() < 5 => ", next within seconds".into_any(),
        Some(at) => view! { ", next "{when(ctx, at)} }.into_any(),
        None => ().into_any(),
    }
}

/// How far behind it is, as a length of time.
fn lag(ctx: &PageContext, health: &ConnectionHealth, read_up_to: Option<Timestamp>) -> AnyView {
    match health.lag(read_up_to, ctx.now) {
        Some(Lag::Nothing) => view! { <p class="quiet">"Not behind"</p> }.into_any(),
        Some(Lag::By { secs }) => view! { <p class="warn">{words::span(secs)}" behind"</p> }.into_any(),
        Some(Lag::AtMost { secs }) => view! { <p class="warn">"At most "{words::span(secs)}" behind"</p> }.into_any(),
        None => ().into_any(),
    }
}

fn secret(source: &SecretSource) -> AnyView {
    match source {
        SecretSource::Environment { name } => view! { "environment variable "<code>{name.clone()}</code> }.into_any(),
        SecretSource::File { path } => view! { "file "<code>{path.clone()}</code> }.into_any(),
        SecretSource::Sealed => "sealed in the database".into_any(),
        SecretSource::None => "none".into_any(),
    }
}

fn budget(ctx: &PageContext, budget: &BudgetView) -> AnyView {
    let window = words::every(budget.window_secs);
    let text = format!("{} of {} in {window}", words::number(budget.used.into()), words::number(budget.allowed.into()));
    let label = format!("Requests used: {}", budget.name);
    view! {
        <div class="budget">
            <span class="quiet">"Requests · "{budget.name.clone()}</span>
            <meter min="0" max=budget.allowed.max(1).to_string() value=budget.used.to_string() aria-label=label>
                {text.clone()}
            </meter>
            <span>{text}</span>
            {budget.free_at.map(|at| view! { <span class="warn">"told to wait; free again "{when(ctx, at)}</span> })}
        </div>
    }
    .into_any()
}

fn microsoft(ctx: &PageContext, row: &MicrosoftRow, redirect: &str) -> AnyView {
    let delegated = row.identity.delegated();
    let identity = match row.identity {
        MicrosoftIdentity::Delegated => "a person, delegated",
        MicrosoftIdentity::DelegatedCertificate => "a person, delegated; the app by certificate",
        MicrosoftIdentity::ClientSecret => "the app, by client secret",
        MicrosoftIdentity::Certificate => "the app, by certificate",
    };
    let who = delegated.then(|| {
        let name = row.signed_in.clone().unwrap_or_else(|| "nobody".into());
        view! {
            <div>
                <dt>"Signed in"</dt>
                <dd>{name} {row.signed_in_at.map(|at| view! { <span class="quiet">" since "{when(ctx, at)}</span> })}</dd>
            </div>
            <div><dt>"Redirect URI"</dt><dd><code>{redirect.to_owned()}</code></dd></div>
        }
    });
    let of = || Some(row.name.clone());
    let sign_in = (delegated && ctx.admin()).then(|| {
        let label = if row.signed_in.is_some() { "Sign in with Microsoft again" } else { "Sign in with Microsoft" };
        let weight = if row.signed_in.is_some() { Weight::Plain } else { Weight::Main };
        act::named(ctx, format!("/connections/{}/sign-in", row.id), "key", label, weight, of())
    });
    let test = ctx
        .may_operate()
        .then(|| act::named(ctx, format!("/connections/{}/test", row.id), "look", "Test", Weight::Plain, of()));
    let acts = (sign_in.is_some() || test.is_some()).then(|| view! { <div class="acts">{sign_in}{test}</div> });
    let tested = row.tested.as_ref().map(|tested| {
        view! {
            <p class="quiet">"Tested "{when(ctx, tested.at)}". Microsoft was asked what it reaches:"</p>
            {lines::lines(ctx, &tested.lines)}
        }
    });
    let chip = match row.signed_in {
        Some(_) => state::signed_in(ctx, &row.health),
        None => state::connection(ctx, &row.health),
    };
    let ends = row.secret_ends.clone().map(|(day, days)| {
        let left = if days < 0 {
            ", ended".to_owned()
        } else {
            format!(", {} left", words::counted(days.unsigned_abs().into(), "day", "days"))
        };
        view! { ", ends "<time datetime=day.clone()>{day.clone()}</time>{left} }
    });
    let warning =
        row.secret_warning.clone().map(|text| view! { <p class="warn">{icon(ctx, "waiting")} " " {text}</p> });
    let permissions = (!row.permissions.is_empty()).then(|| {
        view! { <div><dt>"Permissions"</dt><dd>{permissions::list(ctx, &row.permissions)}</dd></div> }
    });
    let ways = ctx.may_set_up().then(|| {
        let href = format!("/set-up/microsoft?connection={}", row.id);
        change(href, row.id, &row.name)
    });
    view! {
        <article class="tile">
            <header><h3>{row.name.clone()}</h3>{chip}</header>
            {health(ctx, &row.health)}
            {warning}
            {pause::notices(ctx, &row.pauses)}
            <dl class="facts stacked">
                <div><dt>"Tenant"</dt><dd><code>{row.tenant.clone()}</code></dd></div>
                <div><dt>"App"</dt><dd><code>{row.oauth_client_id.clone()}</code></dd></div>
                <div><dt>"Signs in as"</dt><dd>{identity}</dd></div>
                {who}
                <div><dt>"Secret"</dt><dd>{secret(&row.secret)}{ends}</dd></div>
                {permissions}
            </dl>
            {row.budgets.iter().map(|one| budget(ctx, one)).collect_view()}
            {tested}
            {acts}
            {ways}
            {pausing(ctx, row.id, &row.name, &row.pauses)}
        </article>
    }
    .into_any()
}

fn halo(ctx: &PageContext, row: &HaloRow) -> AnyView {
    let look = ctx.may_operate().then(|| {
        let action = format!("/connections/{}/look", row.id);
        act::named(ctx, action, "look", "Look now", Weight::Plain, Some(row.name.clone()))
    });
    let href = format!("/set-up/halo?connection={}", row.id);
    // Tried by a page of its own: a link among the buttons.
    let test = ctx.may_set_up().then(|| {
        view! {
            <a class="button" href=format!("{href}#test")>
                {icon(ctx, "look")} <span>"Test"<span class="unseen">": "{row.name.clone()}</span></span>
            </a>
        }
    });
    let acts = (look.is_some() || test.is_some()).then(|| view! { <div class="acts">{look}{test}</div> });
    let ways = ctx.may_set_up().then(|| change(href, row.id, &row.name));
    view! {
        <article class="tile">
            <header><h3>{row.name.clone()}</h3>{state::connection(ctx, &row.health)}</header>
            {health(ctx, &row.health)}
            {lag(ctx, &row.health, row.read_up_to)}
            {pause::notices(ctx, &row.pauses)}
            <dl class="facts stacked">
                <div><dt>"Product"</dt><dd>{words::halo(row.product)}</dd></div>
                <div><dt>"Address"</dt><dd><code>{row.address.clone()}</code></dd></div>
                <div><dt>"App"</dt><dd><code>{row.oauth_client_id.clone()}</code></dd></div>
                <div><dt>"Secret"</dt><dd>{secret(&row.secret)}</dd></div>
                <div>
                    <dt>"Polled"</dt>
                    <dd>
                        "every "{words::every(row.poll_secs)}
                        {row.read_up_to.map(|at| view! { ", read up to the change of "{when(ctx, at)} })}
                    </dd>
                </div>
                <div><dt>"Webhook"</dt><dd>{webhook(ctx, row.webhook.as_ref(), row.webhook_refused.as_ref())}</dd></div>
            </dl>
            {row.budget.iter().map(|one| budget(ctx, one)).collect_view()}
            {acts}
            {ways}
            {pausing(ctx, row.id, &row.name, &row.pauses)}
        </article>
    }
    .into_any()
}

/// The ways to its set-up and out of it again.
fn change(href: String, id: ConnectionId, name: &str) -> AnyView {
    let of = || view! { <span class="unseen">": "{name.to_owned()}</span> };
    let out = format!("/connections/{id}/disconnect");
    view! { <p class="ways-on"><a href=href>"Change"{of()}</a>" "<a href=out>"Disconnect"{of()}</a></p> }.into_any()
}

fn pausing(ctx: &PageContext, id: ConnectionId, name: &str, pauses: &[PauseView]) -> AnyView {
    let by_a_person = pauses.iter().any(|pause| pause.who.is_some());
    (ctx.may_operate() && !by_a_person)
        .then(|| pause::form(ctx, PauseScope::Connection { id }, "Pause this connection", name))
        .into_any()
}

/// The address to give to the other side, and what was wrong with what came from there.
fn webhook(ctx: &PageContext, address: Option<&String>, refused: Option<&(String, Timestamp)>) -> AnyView {
    let refused = refused.map(|(words, at)| {
        view! { <p class="failure">{icon(ctx, "needs-you")} " "{words.clone()}" "{when(ctx, *at)}</p> }
    });
    match address {
        Some(address) => {
            view! { <details><summary>"Address"</summary><code>{address.clone()}</code></details>{refused} }.into_any()
        }
        None => view! { <span class="quiet">"not set up"</span> }.into_any(),
    }
}
