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
    let columns = if view.as_of.is_some() { ("Sentinel then", "Halo then") } else { ("Sentinel now", "Halo now") };
    let (of_sentinel, of_halo) = columns;
    view! {
        <section aria-labelledby="sides">
            <h2 id="sides">"Both sides"</h2>
            {view.removed.then(|| view! {
                <p class="quiet">
                    "The workspace is not set up here any more: nothing of it is read, compared or written. These are both \
                     records as they were read last, and the gates that the incident passed cannot be asked again."
                </p>
            })}
            <div class="scroll" role="group" aria-label="Both sides" tabindex="0">
                <table class="cards sides">
                    <caption class="unseen">"Values in Sentinel and Halo, what both last agreed on, and what comes next"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Field"</th>
                            <th scope="col">{of_sentinel}</th>
                            <th scope="col">{of_halo}</th>
                            <th scope="col">"Last agreed"</th>
                            <th scope="col">"What comes next"</th>
                        </tr>
                    </thead>
                    <tbody>{view.fields.iter().map(|row| line(ctx, row, columns, view.ticket.is_some())).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

/// With one side alone there is nothing yet that both agreed on.
fn line(ctx: &PageContext, row: &FieldRow, columns: (&'static str, &'static str), both: bool) -> AnyView {
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
    let (of_sentinel, of_halo) = columns;
    view! {
        <tr class=class>
            <th scope="row">{row.name.clone()}</th>
            <td data-label=of_sentinel class=newer(matches!(row.state, FieldState::IncidentAhead | FieldState::Conflict))>
                {incident}
            </td>
            <td data-label=of_halo class=newer(matches!(row.state, FieldState::TicketAhead | FieldState::Conflict))>
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
