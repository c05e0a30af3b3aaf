//! All answers on one page, and what they change.

use leptos::prelude::*;

use super::onward;
use crate::{
    console::{
        components::{fields, icon::icon, list, time::drafted},
        context::PageContext,
        words,
    },
    domain::view::set_up::{Answer, CheckStep, Step},
};

/// What stands on the page.
pub fn body(ctx: &PageContext, view: &CheckStep) -> AnyView {
    let missing = view.missing.as_ref().map(|(step, text)| {
        view! {
            <div class="notice">
                {icon(ctx, "waiting")}
                <p>{text.clone()} {step.map(|step| view! { " "<a href=step.path()>"Go to “"{step.name()}"”"</a> })}</p>
            </div>
        }
    });
    let changes = view.changes.len() as u64;
    let live = (view.live > 0).then(|| {
        let like = match view.live {
            1 => "as the one workspace that is live already".to_owned(),
            n => format!("as the {n} workspaces that are live already"),
        };
        view! {
            <p class="quiet">
                "Or they go live both ways at once, "{like}": each incident that is created from now on gets its ticket, older ones stay \
                 as they are."
            </p>
        }
    });
    let live_too = (view.live > 0)
        .then(|| view! { <button type="submit" class="button" name="do" value="live">"Apply and go live"</button> });
    let act = if view.missing.is_some() {
        ().into_any()
    } else if changes == 0 {
        view! { <p>"Nothing waits: everything answered is applied."</p> }.into_any()
    } else {
        view! {
            <section aria-labelledby="changes">
                <h2 id="changes">"What is set up by it"</h2>
                <pre class="script" tabindex="0" role="group" aria-label="Changes">{view.changes.join("\n")}</pre>
            </section>
            <form method="post" action=Step::Check.path() class="form">
                {fields::carried(&view.form, &["seen"])}
                <p class="quiet">
                    "Workspaces start in observe: they are read and planned, and nothing is written to Sentinel or Halo."
                </p>
                {live}
                <div class="acts">{onward("Apply")}{live_too}</div>
            </form>
        }
        .into_any()
    };
    view! {
        <p class="truth">{words::counted(view.answers.len() as u64, "answer", "answers")}"; "{words::counted(changes, "change", "changes")}" to apply."</p>
        {drafted(ctx, view.draft.as_ref())}
        {missing}
        {(!view.answers.is_empty()).then(|| {
            list::table(
                ("Answers", "Your answers"),
                "cards",
                list::heads(&[("Asked", "c-wide"), ("Answered", ""), ("Do", "")]),
                view.answers.iter().map(line).collect_view().into_any(),
            )
        })}
        {act}
    }
    .into_any()
}

fn line(answer: &Answer) -> AnyView {
    view! {
        <tr>
            <th scope="row" class="c-wide">{answer.what.clone()}</th>
            <td class="tall" data-label="Answered">{answer.value.clone()}</td>
            <td><a href=answer.href.clone()>"Change"<span class="unseen">": "{answer.what.clone()}</span></a></td>
        </tr>
    }
    .into_any()
}
