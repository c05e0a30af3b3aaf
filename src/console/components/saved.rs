//! Saved views above a list: the way to each, and to the page that saves what stands there.

use leptos::prelude::*;

use crate::console::{context::PageContext, words};

/// Nothing where there is neither a view nor anything to save.
pub fn bar(ctx: &PageContext) -> AnyView {
    let Some(bar) = ctx.views.as_ref().filter(|bar| !bar.links.is_empty() || bar.save.is_some()) else {
        return ().into_any();
    };
    let links = bar
        .links
        .iter()
        .map(|link| {
            let here = link.here.then_some("true");
            view! { <li><a href=link.address.clone() aria-current=here>{link.name.clone()}</a></li> }
        })
        .collect_view();
    let all = match bar.more {
        0 => "Change or remove views".to_owned(),
        more => format!("{} more views", words::number(more)),
    };
    view! {
        <nav class="also views" aria-label="Saved views">
            <ul>
                {links}
                {bar.save.clone().map(|href| view! { <li><a class="soft" href=href>"Save this view"</a></li> })}
                {(!bar.links.is_empty()).then(|| view! { <li><a class="soft" href="/views">{all}</a></li> })}
            </ul>
        </nav>
    }
    .into_any()
}
