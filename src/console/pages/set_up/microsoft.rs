//! Cloud, tenant, app registration and its proof.

use leptos::prelude::*;

use super::{onward, scripts, several};
use crate::{
    console::{
        components::fields::{self, Field},
        context::PageContext,
    },
    domain::view::{
        permission::Permission,
        set_up::{MicrosoftStep, Step},
    },
};

/// What stands on the page.
pub fn body(_ctx: &PageContext, view: &MicrosoftStep) -> AnyView {
    view! {
        {several(Step::Microsoft, view.chosen.as_ref(), &view.others, "Add another connection")}
        {registration(view)}
        <form method="post" action=Step::Microsoft.path() class="form" novalidate>
            {fields::carried(&view.form, &["connection", "seen"])}
            {typed(view)}
            {cloud(view)}
            {identity(view)}
            {onward("Test and go on")}
        </form>
    }
    .into_any()
}

/// How the app registration is made: the address to paste, the permissions, the script that does it all.
fn registration(view: &MicrosoftStep) -> AnyView {
    let rows =
        Permission::ALL.into_iter().map(|one| view! { <li><b>{one.name()}</b>", "{one.why()}</li> }).collect_view();
    view! {
        <section class="tile" aria-labelledby="registration">
            <h2 id="registration">"The app registration"</h2>
            <p>
                "It lets Halobridge sign in at Microsoft. Make one in Entra for accounts in any organisational directory, \
                 platform “Web”, with this address, or run the script below in Azure Cloud Shell, or wherever you have the Azure \
                 CLI. It goes by the cloud that is chosen below."
            </p>
            {fields::copyable("redirect-uri", "Redirect URI", &view.redirect_uri)}
            <details>
                <summary>"The three delegated permissions, and why"</summary>
                <ul class="plain">{rows}</ul>
            </details>
            <details>
                <summary>"Script: makes it all and prints the three values"</summary>
                {in_clouds("script-app", "Script for the Azure CLI", |cloud| scripts::registration(cloud, &view.redirect_uri))}
            </details>
            <details>
                <summary>"Manifest: to paste into an app registration"</summary>
                <pre id="manifest" class="script" tabindex="0" role="group" aria-label="Manifest">{scripts::manifest(&view.redirect_uri)}</pre>
                {fields::copy_button("manifest".into(), "Manifest")}
            </details>
        </section>
    }
    .into_any()
}

/// A script as it is in each cloud. The style sheet shows that of the cloud that is chosen: no script, and no further click.
fn in_clouds(id: &str, label: &str, script: impl Fn(&str) -> String) -> AnyView {
    let one = |(cloud, name): (&str, &str)| {
        let own = format!("{id}-{cloud}");
        view! {
            <div class=format!("of-{cloud}")>
                <pre id=own.clone() class="script" tabindex="0" role="group" aria-label=format!("{label}, {name}")>{script(cloud)}</pre>
                {fields::copy_button(own, "Script")}
            </div>
        }
    };
    scripts::CLOUDS.into_iter().map(one).collect_view().into_any()
}

fn plain(view: &MicrosoftStep, name: &'static str, label: &'static str, hint: &'static str) -> AnyView {
    fields::field(&view.form, "", Field { name, label, hint, kind: "text", autocomplete: "off" })
}

fn typed(view: &MicrosoftStep) -> AnyView {
    let secret_hint = if view.secret_kept {
        "The one kept here stays while this is empty."
    } else {
        "Its value, as Entra shows it once; not its id."
    };
    view! {
        {plain(view, "tenant_id", "Tenant ID", "GUID or domain of the tenant to sign in to.")}
        {plain(view, "oauth_client_id", "Application (client) ID", "From the app registration's overview.")}
        // hidden by the style sheet while the app is to prove itself by certificate
        <div class="by-secret form">
            {fields::field(&view.form, "", Field {
                name: "client_secret",
                label: "Client secret",
                hint: secret_hint,
                kind: "password",
                autocomplete: "off",
            })}
            {fields::field(&view.form, "", Field {
                name: "secret_expires",
                label: "End of the secret (optional)",
                hint: "The day Entra shows beside it: the console counts down to it and asks for a new one in time. A certificate \
                       tells its own.",
                kind: "date",
                autocomplete: "off",
            })}
            {view.form.problem("secret_expires").map(|_| {
                fields::check(&view.form, "", "same_end", "The new secret ends on the same day as the one before")
            })}
        </div>
    }
    .into_any()
}

fn cloud(view: &MicrosoftStep) -> AnyView {
    let form = &view.form;
    let more = form.problem("name").is_some() || form.problem("oauth_client_id").is_some();
    let hint = match view.chosen {
        None => "Left empty, it is called after the tenant.",
        Some(_) => "What refers to it goes on under another name; an applied file must name it anew.",
    };
    let named = plain(view, "name", "Name of this connection", hint);
    view! {
        {fields::radios(form, "", "cloud", "Cloud", &[
            ("public", "Public", ""),
            ("usgov", "US Government", ""),
            ("china", "China (21Vianet)", ""),
            ("custom", "Custom endpoints", ""),
        ])}
        // shown by the style sheet while “Custom endpoints” is chosen: no script, and no further click
        <div class="custom form">
            {plain(view, "arm", "Azure Resource Manager", "Base address; the cloud tells the others.")}
            {plain(view, "authority", "Sign-in address", "Only if the cloud does not tell it.")}
            {plain(view, "log_analytics", "Log Analytics", "Only if the cloud does not tell it.")}
            {plain(view, "graph", "Microsoft Graph", "Only if the cloud does not tell it.")}
            {fields::check(form, "", "allow_insecure", "Test hosts: allow http and private addresses")}
        </div>
        <details open=more>
            <summary>"Name, and an app of another tenant"</summary>
            <div class="form">
                {named}
                {fields::check(form, "", "elsewhere", "The app is registered in another tenant, and this one does not know it yet")}
            </div>
        </details>
    }
    .into_any()
}

fn identity(view: &MicrosoftStep) -> AnyView {
    let form = &view.form;
    view! {
        {fields::radios(form, "", "identity", "Who signs in", &[
            ("delegated", "A person", "Somebody with the role Microsoft Sentinel Contributor or Responder signs in on the next page."),
            ("delegated-certificate", "A person, and the app proves itself by certificate", "The same without a client secret: certificate and key are entered below."),
            ("secret", "The app itself, by its secret", "No person and no second factor: Microsoft asks people for one when they write."),
            ("certificate", "The app itself, by certificate", ""),
        ])}
        // shown by the style sheet while the app is to prove itself by certificate, as the addresses of a custom cloud are
        <div class="by-certificate form">
            {fields::secret_area(form, "", Field {
                name: "certificate",
                label: "Certificate",
                hint: "PEM, uploaded to the app registration too. A PFX file becomes PEM by “openssl pkcs12 -in app.pfx -nodes -out \
                       app.pem”; all of it may be pasted here.",
                kind: "text",
                autocomplete: "off",
            })}
            {fields::secret_area(form, "", Field {
                name: "private_key",
                label: "Private key",
                hint: "PEM. It is sealed here and never shown again.",
                kind: "text",
                autocomplete: "off",
            })}
            <details>
                <summary>"Script: makes a certificate and adds it to the app registration"</summary>
                {in_clouds("script-certificate", "Script that makes a certificate", |cloud| {
                    scripts::certificate(cloud, form.value("oauth_client_id"))
                })}
            </details>
        </div>
        <details>
            <summary>"Script: gives the app itself its role"</summary>
            {in_clouds("script-role", "Script that assigns the role", |cloud| {
                scripts::service_principal(cloud, form.value("oauth_client_id"))
            })}
        </details>
    }
    .into_any()
}
