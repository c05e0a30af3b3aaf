//! The Halo instance: addresses and API application.

use leptos::prelude::*;

use super::{onward, several};
use crate::{
    console::{
        components::fields::{self, Field},
        context::PageContext,
    },
    domain::view::set_up::{HaloStep, Step},
};

/// What stands on the page.
pub fn body(_ctx: &PageContext, view: &HaloStep) -> AnyView {
    let form = &view.form;
    let plain = |name: &'static str, label: &'static str, hint: &'static str| {
        fields::field(form, "", Field { name, label, hint, kind: "text", autocomplete: "off" })
    };
    let more = ["authorisation_server", "tenant", "product", "name"].iter().any(|field| form.problem(field).is_some())
        || !form.value("allow_insecure").is_empty();
    let named = view.chosen.is_none().then(|| plain("name", "Name of this instance", "Left empty, it is called Halo."));
    view! {
        {several(Step::Halo, view.chosen.as_ref(), &view.others, "Add another instance")}
        <p class="lead">
            "In Halo, open Configuration > Integrations > Halo API. Make an API application with the method “Client ID and \
             Secret (Services)” and an agent of its own, and copy the values from there."
        </p>
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
                        ("", "Told by the address", ""),
                        ("itsm", "HaloITSM", ""),
                        ("psa", "HaloPSA", ""),
                    ])}
                    {fields::check(form, "", "allow_insecure", "Test hosts: allow http and private addresses")}
                    {named}
                </div>
            </details>
            {onward("Test and go on")}
        </form>
    }
    .into_any()
}
