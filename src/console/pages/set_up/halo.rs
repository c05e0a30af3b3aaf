//! The Halo instance: addresses and API application.

use leptos::prelude::*;

use super::{lines, onward, several};
use crate::{
    console::{
        components::fields::{self, Field},
        context::PageContext,
    },
    domain::view::{
        mapping::Pick,
        set_up::{HaloStep, HaloTest, Step},
    },
};

/// What stands on the page.
pub fn body(ctx: &PageContext, view: &HaloStep) -> AnyView {
    let form = &view.form;
    let plain = |name: &'static str, label: &'static str, hint: &'static str| {
        fields::field(form, "", Field { name, label, hint, kind: "text", autocomplete: "off" })
    };
    let more = ["authorisation_server", "tenant", "product", "name"].iter().any(|field| form.problem(field).is_some())
        || !form.value("allow_insecure").is_empty()
        // A remedy names the box inside.
        || form.problems.iter().any(|problem| problem.message.contains("Test hosts"));
    let hint = match view.chosen {
        None => "Left empty, it is called Halo.",
        Some(_) => {
            "What refers to it goes on under another name; an applied file, and webhook addresses with its name in them, must \
             name it anew."
        }
    };
    let named = plain("name", "Name of this instance", hint);
    view! {
        {several(Step::Halo, view.chosen.as_ref(), &view.others, "Add another instance")}
        <p class="lead">
            "In Halo, open Configuration > Integrations > Halo API. Make an API application with the method “Client ID and \
             Secret (Services)” and an agent of its own, and copy the values from there."
        </p>
        <details>
            <summary>"What the API application and its agent have to be allowed"</summary>
            <p>
                "The scope “all” on the application, or at least read:tickets and edit:tickets, read:customers and what the look-ups \
                 need, and admin where webhooks are made from here; the test names each one that is missing. Halo gives no more than the agent may do: let it see every client, \
                 and see, make, change and close tickets of the type that incidents get."
            </p>
        </details>
        <form method="post" action=Step::Halo.path() class="form" novalidate>
            {fields::carried(form, &["connection", "seen"])}
            {plain("resource_server", "Resource server", "Such as https://acme.haloitsm.com/api.")}
            {plain("oauth_client_id", "Client ID", "Of the API application.")}
            {fields::field(form, "", Field {
                name: "client_secret",
                label: "Client secret",
                hint: if view.secret_kept { "The one kept here stays while this is empty." } else { "Of the API application; Halo shows it once." },
                kind: "password",
                autocomplete: "off",
            })}
            <details open=more>
                <summary>"Authorisation server, tenant, product, name"</summary>
                <div class="form">
                    {plain("authorisation_server", "Authorisation server", "Left empty, Halo is asked for it.")}
                    {plain("tenant", "Tenant", "Left empty, Halo is asked for it; many instances have none.")}
                    {fields::radios(form, "", "product", "Product", &[
                        (
                            "",
                            "Told by the address",
                            "HaloPSA where the address has “.halopsa.” in it, else HaloITSM: choose it here for a host of your own.",
                        ),
                        ("itsm", "HaloITSM", ""),
                        ("psa", "HaloPSA", ""),
                    ])}
                    {fields::check(form, "", "allow_insecure", "Test hosts: allow http and private addresses")}
                    {named}
                </div>
            </details>
            {onward("Test and go on")}
        </form>
        {view.test.as_ref().zip(view.chosen.as_ref()).map(|(test, chosen)| tested(ctx, test, &chosen.id.to_string()))}
    }
    .into_any()
}

fn select(name: &'static str, label: &'static str, chosen: &str, picks: &[Pick]) -> AnyView {
    let id = format!("test-{name}");
    let options = picks
        .iter()
        .map(|pick| view! { <option value=pick.value.clone() selected=pick.value == chosen>{pick.label.clone()}</option> })
        .collect_view();
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select id=id name=name>
                <option value="">"Not chosen"</option>
                {options}
            </select>
        </div>
    }
    .into_any()
}

/// The test of the instance that is set up.
fn tested(ctx: &PageContext, test: &HaloTest, connection: &str) -> AnyView {
    view! {
        <section class="tile" aria-labelledby="test">
            <h2 id="test">"Test it"</h2>
            <p class="hint">
                "Scopes, the agent and what there is are read. A test ticket is made only when you ask for it: it is read back, gets \
                 a note, and is deleted again, or closed where Halo does not let it be deleted."
            </p>
            <form method="post" action="/set-up/halo/test" class="form">
                <input type="hidden" name="connection" value=connection.to_owned() />
                {select("ticket_type", "Ticket type of incidents", &test.ticket_type, &test.ticket_types)}
                {select("outcome", "Outcome of our notes", &test.outcome, &test.outcomes)}
                {select("client", "Client for the test ticket", &test.client, &test.clients)}
                <div class="acts">
                    <button type="submit" class="button main" name="do" value="read">"Test by reading"</button>
                    <button type="submit" class="button" name="do" value="write">"Test with a ticket"</button>
                </div>
            </form>
            {lines::lines(ctx, &test.lines)}
        </section>
    }
    .into_any()
}
