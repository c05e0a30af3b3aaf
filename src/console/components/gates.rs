//! The gates between an incident and its ticket, in the order in which they are asked.

use leptos::prelude::*;

use super::{icon::icon, state, time::in_zone};
use crate::{console::context::PageContext, domain::view::not_linked::GateRow};

/// One line each: what was asked, by which rule, what it saw, and what would change a no.
pub fn list(ctx: &PageContext, gates: &[GateRow]) -> AnyView {
    let line = |gate: &GateRow| {
        let (symbol, class, said) = if gate.passes {
            ("in-step", "sync-in-step", "passes")
        } else {
            ("stop", "health-needs-you", "stops here")
        };
        let remedy =
            gate.remedy.clone().map(|remedy| if ctx.may_operate() { state::to_do(remedy) } else { state::by_others() });
        view! {
            <li class=class>
                {icon(ctx, symbol)}
                <div>
                    <p><b>{gate.name.clone()}</b>": "{said}". "<span class="quiet">"Wanted: "{in_zone(ctx, &gate.rule)}". Seen: "{in_zone(ctx, &gate.saw)}"."</span></p>
                    {remedy}
                </div>
            </li>
        }
        .into_any()
    };
    view! { <ol class="gates">{gates.iter().map(line).collect_view()}</ol> }.into_any()
}
