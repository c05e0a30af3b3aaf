//! Forms: the error summary, and fields tied to their words.

use leptos::prelude::*;

use crate::domain::view::form::FormView;

/// What is wrong, on top, focused, each with a link to its field. Nothing when nothing is wrong.
pub fn summary(form: &FormView, prefix: &str) -> AnyView {
    if form.problems.is_empty() {
        return ().into_any();
    }
    let items = form
        .problems
        .iter()
        .map(|problem| {
            let message = problem.message.clone();
            if problem.field.is_empty() {
                view! { <li>{message}</li> }.into_any()
            } else {
                view! { <li><a href=format!("#{prefix}{}", problem.field)>{message}</a></li> }.into_any()
            }
        })
        .collect_view();
    let title = format!("{prefix}problems");
    let labelled = title.clone();
    view! {
        <div class="summary" role="alert" tabindex="-1" autofocus aria-labelledby=labelled>
            <h2 id=title>"There is a problem"</h2>
            <ul>{items}</ul>
        </div>
    }
    .into_any()
}

/// One text field.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in the form.
    pub name: &'static str,
    /// What it asks for.
    pub label: &'static str,
    /// One sentence of help; may be empty.
    pub hint: &'static str,
    /// `text`, `password`, …
    pub kind: &'static str,
    /// For password managers.
    pub autocomplete: &'static str,
}

/// A field with its label, help and problem. The value of a password is never given back.
pub fn field(form: &FormView, prefix: &str, field: Field) -> AnyView {
    let id = format!("{prefix}{}", field.name);
    let problem = form.problem(field.name).map(str::to_owned);
    let hint = (!field.hint.is_empty()).then(|| format!("{id}-hint"));
    let fault = problem.as_ref().map(|_| format!("{id}-problem"));
    let described: Vec<String> = hint.iter().chain(&fault).cloned().collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    let value = if field.kind == "password" { String::new() } else { form.value(field.name).to_owned() };
    let secret = field.kind == "password";
    view! {
        <div class="field" class:wrong=problem.is_some()>
            <label for=id.clone()>{field.label}</label>
            {hint.map(|hint| view! { <p class="hint" id=hint>{field.hint}</p> })}
            {problem
                .clone()
                .map(|message| {
                    view! { <p class="problem" id=fault><span class="unseen">"Error: "</span>{message}</p> }
                })}
            <input
                id=id
                name=field.name
                type=field.kind
                value=(!value.is_empty()).then_some(value)
                autocomplete=field.autocomplete
                aria-describedby=described
                aria-invalid=problem.is_some().then_some("true")
                autocapitalize=secret.then_some("none")
                spellcheck=secret.then_some("false")
            />
        </div>
    }
    .into_any()
}
