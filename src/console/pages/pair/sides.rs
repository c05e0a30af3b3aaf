//! Both sides of a pair, field by field, with what both last agreed on and what comes next.

use leptos::prelude::*;

use crate::{
    console::{components::icon::icon, context::PageContext},
    domain::view::pair::{FieldRow, FieldState, PairView},
};

/// The table.
pub fn section(ctx: &PageContext, view: &PairView) -> AnyView {
    if view.fields.is_empty() {
        return ().into_any();
    }
    view! {
        <section aria-labelledby="sides">
            <h2 id="sides">"Both sides"</h2>
            <div class="scroll" role="group" aria-label="Both sides" tabindex="0">
                <table class="cards sides">
                    <caption class="unseen">"Values in Sentinel and Halo, what both last agreed on, and what comes next"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Field"</th>
                            <th scope="col">"Sentinel now"</th>
                            <th scope="col">"Halo now"</th>
                            <th scope="col">"Last agreed"</th>
                            <th scope="col">"What comes next"</th>
                        </tr>
                    </thead>
                    <tbody>{view.fields.iter().map(|row| line(ctx, row, view.ticket.is_some())).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

/// With one side alone there is nothing yet that both agreed on.
fn line(ctx: &PageContext, row: &FieldRow, both: bool) -> AnyView {
    let (class, symbol, word) = match row.state {
        FieldState::Same => ("same", "in-step", "The same"),
        FieldState::IncidentAhead => ("ahead", "right", "Sentinel is ahead"),
        FieldState::TicketAhead => ("ahead", "left", "Halo is ahead"),
        FieldState::Conflict => ("conflict", "needs-you", "Both changed"),
        FieldState::NotCarried => ("free", "unknown", "Not carried"),
        FieldState::Missing => ("conflict", "needs-you", "Missing"),
    };
    let cell = |value: &Option<String>| match value {
        Some(text) => view! { <span>{text.clone()}</span> }.into_any(),
        None => view! { <span class="quiet">"–"</span> }.into_any(),
    };
    let (incident, ticket) = (cell(&row.incident), cell(&row.ticket));
    let newer = |here: bool| if here { "newer" } else { "" };
    view! {
        <tr class=class>
            <th scope="row">{row.name.clone()}</th>
            <td data-label="Sentinel now" class=newer(matches!(row.state, FieldState::IncidentAhead | FieldState::Conflict))>
                {incident}
            </td>
            <td data-label="Halo now" class=newer(matches!(row.state, FieldState::TicketAhead | FieldState::Conflict))>
                {ticket}
            </td>
            <td data-label="Last agreed">{cell(&row.agreed.clone().filter(|_| both))}</td>
            <td data-label="Next" class="tall">
                <span class="mark">{icon(ctx, symbol)} <span>{word}</span></span>
                {row.next.clone().map(|next| view! { <span class="next">{next}</span> })}
            </td>
        </tr>
    }
    .into_any()
}
