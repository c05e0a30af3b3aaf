//! Comments and notes of a pair: what crossed, what waits, what stays where it is.

use leptos::prelude::*;

use crate::{
    console::{
        components::{icon::icon, time::when_or},
        context::PageContext,
        words,
    },
    domain::{
        failure::Side,
        view::pair::{Crossing, NoteRow, PairView},
    },
};

/// The list.
pub fn section(ctx: &PageContext, view: &PairView) -> AnyView {
    if view.notes.is_empty() {
        return view! {
            <section aria-labelledby="notes">
                <h2 id="notes">"Comments and notes"</h2>
                <p class="quiet">"Nobody has written anything on either side yet."</p>
            </section>
        }
        .into_any();
    }
    let count = words::number(view.notes.len() as u64);
    view! {
        <section aria-labelledby="notes">
            <h2 id="notes">"Comments and notes "<span class="count">{count}</span></h2>
            <ol class="notes">{view.notes.iter().map(|row| item(ctx, row)).collect_view()}</ol>
        </section>
    }
    .into_any()
}

fn item(ctx: &PageContext, row: &NoteRow) -> AnyView {
    let (side, class) = match row.written_in {
        Side::Sentinel => ("Sentinel", "note from-sentinel"),
        Side::Halo => ("Halo", "note from-halo"),
    };
    let crossing = match &row.crossing {
        Crossing::Crossed => {
            view! { <span class="chip sync-in-step">{icon(ctx, "in-step")} <span>"On both sides"</span></span> }
                .into_any()
        }
        Crossing::Waiting => {
            view! { <span class="chip sync-behind">{icon(ctx, "behind")} <span>"Crosses next"</span></span> }.into_any()
        }
        Crossing::HeldBack { reason } => view! {
            <span class="chip sync-unknown">{icon(ctx, "stop")} <span>"Stays here"</span></span>
            <span class="quiet">{reason.words()}</span>
        }
        .into_any(),
    };
    view! {
        <li class=class>
            <p class="note-head">
                <b>{row.author.clone().unwrap_or_else(|| "Nobody named".into())}</b>
                <span class="quiet">"in "{side}</span>
                {when_or(ctx, row.at, "no date given")}
                {crossing}
            </p>
            <p class="note-text">{row.text.clone()}</p>
        </li>
    }
    .into_any()
}
