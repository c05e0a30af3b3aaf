//! Forms: the error summary, and fields tied to their words.

use leptos::prelude::*;

use crate::domain::view::{form::FormView, list::Choice};

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

/// What ties a control to its words.
struct Ties {
    id: String,
    described: Option<String>,
    invalid: Option<&'static str>,
}

/// A control with its label, help and problem.
fn labelled(form: &FormView, prefix: &str, field: Field, control: impl FnOnce(Ties) -> AnyView) -> AnyView {
    let id = format!("{prefix}{}", field.name);
    let problem = form.problem(field.name).map(str::to_owned);
    let hint = (!field.hint.is_empty()).then(|| format!("{id}-hint"));
    let fault = problem.as_ref().map(|_| format!("{id}-problem"));
    let described: Vec<String> = hint.iter().chain(&fault).cloned().collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    let ties = Ties { id: id.clone(), described, invalid: problem.as_ref().map(|_| "true") };
    view! {
        <div class="field" class:wrong=problem.is_some()>
            <label for=id>{field.label}</label>
            {hint.map(|hint| view! { <p class="hint" id=hint>{field.hint}</p> })}
            {problem
                .clone()
                .map(|message| {
                    view! { <p class="problem" id=fault><span class="unseen">"Error: "</span>{message}</p> }
                })}
            {control(ties)}
        </div>
    }
    .into_any()
}

/// A field with its label, help and problem. The value of a password is never given back.
pub fn field(form: &FormView, prefix: &str, field: Field) -> AnyView {
    let secret = field.kind == "password";
    let value = if secret { String::new() } else { form.value(field.name).to_owned() };
    labelled(form, prefix, field, |ties| {
        view! {
            <input
                id=ties.id
                name=field.name
                type=field.kind
                value=(!value.is_empty()).then_some(value)
                autocomplete=field.autocomplete
                aria-describedby=ties.described
                aria-invalid=ties.invalid
                autocapitalize=secret.then_some("none")
                spellcheck=secret.then_some("false")
            />
        }
        .into_any()
    })
}

/// One of several, each by its value; `none` is what stands there before one is chosen.
pub fn choose(
    form: &FormView,
    prefix: &str,
    (name, label): (&'static str, &'static str),
    none: &'static str,
    choices: &[Choice],
) -> AnyView {
    let chosen = form.value(name).to_owned();
    let field = Field { name, label, hint: "", kind: "", autocomplete: "off" };
    labelled(form, prefix, field, |ties| {
        let options = choices
            .iter()
            .map(|one| view! { <option value=one.value.clone() selected=one.value == chosen>{one.label.clone()}</option> })
            .collect_view();
        view! {
            <select id=ties.id name=name aria-describedby=ties.described aria-invalid=ties.invalid>
                <option value="">{none}</option>
                {options}
            </select>
        }
        .into_any()
    })
}

/// A field of several lines, such as a certificate. What was typed is never given back.
pub fn secret_area(form: &FormView, prefix: &str, field: Field) -> AnyView {
    labelled(form, prefix, field, |ties| {
        view! {
            <textarea
                id=ties.id
                name=field.name
                rows="4"
                autocomplete="off"
                spellcheck="false"
                aria-describedby=ties.described
                aria-invalid=ties.invalid
            ></textarea>
        }
        .into_any()
    })
}

/// A file that takes the place of the pasted one (`file`) of its form.
pub fn upload(accept: &'static str) -> AnyView {
    view! {
        <div class="field">
            <label for="upload">"The file"</label>
            <input type="file" id="upload" name="upload" accept=accept />
        </div>
    }
    .into_any()
}

/// One of a few, each with its sentence. The first option has the group's own id, so that the summary leads to it.
pub fn radios(
    form: &FormView,
    prefix: &str,
    name: &'static str,
    legend: &'static str,
    options: &[(&'static str, &'static str, &'static str)],
) -> AnyView {
    let chosen = form.value(name).to_owned();
    let problem = form.problem(name).map(str::to_owned);
    let fault = problem.as_ref().map(|_| format!("{prefix}{name}-problem"));
    let items = options
        .iter()
        .enumerate()
        .map(|(at, &(value, label, hint))| {
            let id = if at == 0 { format!("{prefix}{name}") } else { format!("{prefix}{name}-{value}") };
            let told = format!("{id}-hint");
            let described = (!hint.is_empty()).then(|| told.clone());
            view! {
                <div class="option">
                    <input type="radio" id=id.clone() name=name value=value checked=value == chosen aria-describedby=described />
                    <label for=id>{label}</label>
                    {(!hint.is_empty()).then(|| view! { <p class="hint" id=told>{hint}</p> })}
                </div>
            }
        })
        .collect_view();
    view! {
        <fieldset class="options" class:wrong=problem.is_some() aria-describedby=fault.clone()>
            <legend>{legend}</legend>
            {problem.clone().map(|message| view! { <p class="problem" id=fault.clone()><span class="unseen">"Error: "</span>{message}</p> })}
            {items}
        </fieldset>
    }
    .into_any()
}

/// Whose records something reaches: every client's or those that are ticked. Fields: `sees` (`some` where nothing was
/// chosen yet, `all`) and `client` (several).
pub fn reach(form: &FormView, legend: &'static str, clients: &[Choice], ticked: &[String]) -> AnyView {
    let sees = match form.value("sees") {
        "" => form.clone().with_value("sees", "some"),
        _ => form.clone(),
    };
    let problem = form.problem("client").map(str::to_owned);
    let fault = problem.as_ref().map(|_| "client-problem");
    let boxes = clients
        .iter()
        .enumerate()
        .map(|(at, client)| {
            let id = if at == 0 { "client".to_owned() } else { format!("client-{at}") };
            let ticked = ticked.contains(&client.value);
            view! {
                <div class="option">
                    <input type="checkbox" id=id.clone() name="client" value=client.value.clone() checked=ticked />
                    <label for=id>{client.label.clone()}</label>
                </div>
            }
        })
        .collect_view();
    view! {
        {radios(&sees, "", "sees", legend, &[
            ("some", "The clients ticked below", ""),
            ("all", "Every client", "Also clients that are set up later."),
        ])}
        <fieldset class="options" class:wrong=problem.is_some() aria-describedby=fault>
            <legend>"Clients"</legend>
            {problem.clone().map(|text| view! { <p class="problem" id=fault><span class="unseen">"Error: "</span>{text}</p> })}
            {boxes}
        </fieldset>
    }
    .into_any()
}

/// A box to tick.
pub fn check(form: &FormView, prefix: &str, name: &'static str, label: &'static str) -> AnyView {
    let id = format!("{prefix}{name}");
    let problem = form.problem(name).map(str::to_owned);
    let fault = problem.as_ref().map(|_| format!("{id}-problem"));
    let on = !form.value(name).is_empty();
    view! {
        <div class="option" class:wrong=problem.is_some()>
            <input type="checkbox" id=id.clone() name=name value="on" checked=on aria-describedby=fault.clone() />
            <label for=id>{label}</label>
            {problem.clone().map(|message| view! { <p class="problem" id=fault.clone()><span class="unseen">"Error: "</span>{message}</p> })}
        </div>
    }
    .into_any()
}

/// Values that travel with a form unseen.
pub fn carried(form: &FormView, names: &[&'static str]) -> AnyView {
    let input = |&name: &&'static str| view! { <input type="hidden" name=name value=form.value(name).to_owned() /> };
    names.iter().map(input).collect_view().into_any()
}

/// A text to be copied: in a field of its own, selected by a click or the keyboard.
pub fn copyable(id: &'static str, label: &'static str, text: &str) -> AnyView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <div class="copying">
                <input id=id class="copyable" type="text" readonly value=text.to_owned() />
                {copy_button(id.to_owned(), label)}
            </div>
        </div>
    }
    .into_any()
}

/// A button that copies the text of the element `from`; only there with a script, which shows it.
pub fn copy_button(from: String, label: &'static str) -> AnyView {
    view! {
        <button type="button" class="button" data-copy=from hidden>
            "Copy"<span class="unseen">": "{label}</span>
        </button>
    }
    .into_any()
}
