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

/// The address of a page as it stood after the entry of this number; none where it has no such page.
pub type ThenAt<'a> = &'a dyn Fn(i64) -> Option<String>;

/// A list of entries, newest first; each leads to how it stood then, at `then`, if there is such a page.
pub fn timeline(ctx: &PageContext, entries: &[TimelineEntry], then: Option<ThenAt<'_>>) -> AnyView {
    let items = entries.iter().map(|entry| item(ctx, entry, then)).collect_view();
    view! { <ol class="timeline">{items}</ol> }.into_any()
}

fn item(ctx: &PageContext, entry: &TimelineEntry, then: Option<ThenAt<'_>>) -> AnyView {
    let class = if entry.kind == EntryKind::Failure { "entry failed" } else { "entry" };
    let about = entry.pair.map(|pair| view! { <a href=format!("/pairs/{pair}")>"Pair"</a> });
    let then = then.and_then(|at| at(entry.seq)).map(|address| {
        let of = format!(" after entry {}", entry.seq);
        view! {
            " · "<a class="soft" href=address>"as it stood then"<span class="unseen">{of}</span></a>
        }
    });
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
                <p class="entry-when quiet">{when(ctx, entry.at)} {about}{then}</p>
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
