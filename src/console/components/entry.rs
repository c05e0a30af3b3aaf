//! Entries of the ledger, in words, with the whole entry a click away.

use leptos::prelude::*;

use super::{icon::icon, time::when};
use crate::{
    console::context::PageContext,
    domain::view::ledger::{EntryKind, TimelineEntry},
};

fn symbol(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Read => "read",
        EntryKind::Decision => "decision",
        EntryKind::Write => "write",
        EntryKind::Failure => "needs-you",
        EntryKind::Person => "person",
        EntryKind::Engine => "engine",
    }
}

/// A list of entries, newest first.
pub fn timeline(ctx: &PageContext, entries: &[TimelineEntry]) -> AnyView {
    let items = entries.iter().map(|entry| item(ctx, entry)).collect_view();
    view! { <ol class="timeline">{items}</ol> }.into_any()
}

fn item(ctx: &PageContext, entry: &TimelineEntry) -> AnyView {
    let class = if entry.kind == EntryKind::Failure { "entry failed" } else { "entry" };
    let about = entry.pair.map(|pair| view! { <a href=format!("/pairs/{pair}")>"Pair"</a> });
    let number = format!("Entry {}", entry.seq);
    let name = number.clone();
    view! {
        <li class=class>
            {icon(ctx, symbol(entry.kind))}
            <div class="entry-text">
                <p class="entry-words">
                    <span class="entry-kind">{entry.kind.words()}</span>
                    " "
                    {entry.words.clone()}
                    {entry.who.clone().map(|who| view! { <span class="quiet">" — "{who}</span> })}
                </p>
                <p class="entry-when quiet">{when(ctx, entry.at)} {about}</p>
                {match entry.detail.clone() {
                    Some(detail) => view! {
                        <details><summary>{number}</summary><pre role="group" aria-label=name tabindex="0">{detail}</pre></details>
                    }
                    .into_any(),
                    None => view! { <p class="quiet entry-number">{number}</p> }.into_any(),
                }}
            </div>
        </li>
    }
    .into_any()
}
