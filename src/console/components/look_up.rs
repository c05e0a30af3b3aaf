//! What looks one record up: where it is, and which it is.

use leptos::prelude::*;

use super::{
    fields::{self, Field},
    icon::icon,
};
use crate::{
    console::context::PageContext,
    domain::view::{form::FormView, list::Choice},
};

/// What is asked for, in the order of the fields.
#[derive(Debug, Clone, Copy)]
pub struct LookUp<'a> {
    /// What is done.
    pub title: &'static str,
    /// The page that answers.
    pub address: &'static str,
    /// Name and label of the field that says where the record is.
    pub place: (&'static str, &'static str),
    /// Where it can be.
    pub places: &'a [Choice],
    /// Name, label and help of the field that says which it is.
    pub record: (&'static str, &'static str, &'static str),
}

/// The form, with what was sent before and what is wrong with it.
pub fn form(ctx: &PageContext, typed: &FormView, asked: LookUp<'_>) -> AnyView {
    let (name, label, hint) = asked.record;
    let record = Field { name, label, hint, kind: "text", autocomplete: "off" };
    view! {
        <section class="tile narrow" aria-labelledby="look-up">
            <h2 id="look-up">{asked.title}</h2>
            <form method="get" action=asked.address class="form" novalidate>
                {fields::choose(typed, "", asked.place, "Choose one", asked.places)}
                {fields::field(typed, "", record)}
                <button type="submit" class="button main">{icon(ctx, "search")} <span>"Look it up"</span></button>
            </form>
        </section>
    }
    .into_any()
}
