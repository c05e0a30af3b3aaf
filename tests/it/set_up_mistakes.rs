//! The table of wrong inputs and failures in docs/SET-UP.md. Each row is made here, and the screen has to say the cause and
//! the fix in the table's words, at the table's field. The table in the documentation is this one, word for word.

use std::{collections::BTreeSet, path::Path};

use halobridge::{domain::catalogue::Catalogue, service::configuration};
use http::StatusCode;
use jiff::SignedDuration;
use scraper::{ElementRef, Html, Selector};
use serde_json::json;
use url::Url;

use crate::{
    set_up::{Form, Scene, assert_taken, drawn, field_of, refused, shown},
    set_up_screens::{IMPORT, LIVE, MAPPING, Person, form, with},
    support::{Answer, Browser},
};

/// Where the page as a whole says it.
const PAGE: &str = "the page";

/// What goes wrong, the label of the field that is marked, and what is said of it.
struct Mistake {
    input: &'static str,
    field: &'static str,
    cause: &'static str,
    fix: &'static str,
}

const fn row(input: &'static str, field: &'static str, cause: &'static str, fix: &'static str) -> Mistake {
    Mistake { input, field, cause, fix }
}

fn all(css: &str) -> Selector {
    Selector::parse(css).unwrap()
}

/// Text of the problem at the field of this id; its label must be the row's, and the summary must lead to it.
fn problem_at(body: &str, id: &str, label: &str) -> String {
    let html = Html::parse_document(body);
    let found = html.select(&all(&format!("[id='{id}-problem']"))).next();
    let found = found.unwrap_or_else(|| panic!("{id} is not marked: {}", shown(body)));
    let around = found.parent().and_then(ElementRef::wrap).unwrap();
    let named = around.select(&all("legend, label")).next().map(|one| one.text().collect::<String>());
    assert!(named.as_deref().is_some_and(|named| named.trim().starts_with(label)), "{id}: {named:?} is not {label}");
    let there = html.select(&all(&format!("[id='{id}']"))).next();
    assert!(there.is_some(), "the summary leads to {id}, which is not there");
    let leads = html.select(&all(&format!(".summary a[href='#{id}']"))).next();
    assert!(leads.is_some(), "the summary does not lead to {id}");
    found.text().collect()
}

/// The page says it: at the field of this id, or, where that is empty, anywhere.
#[track_caller]
fn said(body: &str, id: &str, mistake: &Mistake) {
    let text = if id.is_empty() {
        assert_eq!(mistake.field, PAGE, "{}", mistake.input);
        shown(body)
    } else {
        problem_at(body, id, mistake.field)
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [mistake.cause, mistake.fix] {
        assert!(text.contains(words), "{}: “{words}” is not in: {text}", mistake.input);
    }
}

/// What is typed otherwise, where the page marks it, and the row.
type Typed = (&'static [(&'static str, &'static str)], &'static str, Mistake);

const NOBODY: &str = "00000000-0000-4000-8000-00000000dead";
const OWN_TENANT: &str = "Write the tenant's own GUID or domain";

const BY_CERTIFICATE: (&str, &str) = ("identity", "certificate");
const WITHOUT_SECRET: (&str, &str) = ("client_secret", "");

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
const LOCKED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
const CURVE: &str = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----";

/// Values in braces are filled in from the twin.
const MICROSOFT: &[Typed] = &[
    (
        &[("tenant_id", "")],
        "tenant_id",
        row("no tenant", "Tenant ID", "Tenant ID is missing.", "Copy it from the Entra admin centre"),
    ),
    (
        &[("tenant_id", "common")],
        "tenant_id",
        row("a shared authority for the tenant", "Tenant ID", "is \"common\", which is no tenant.", OWN_TENANT),
    ),
    (
        &[("tenant_id", "contoso/x")],
        "tenant_id",
        row("no tenant's form", "Tenant ID", "is neither a GUID nor a domain.", OWN_TENANT),
    ),
    (
        &[("tenant_id", NOBODY)],
        "tenant_id",
        row(
            "a wrong tenant (AADSTS90002)",
            "Tenant ID",
            "Microsoft doesn't know this tenant.",
            "Correct the tenant id of the connection.",
        ),
    ),
    (
        &[("oauth_client_id", "")],
        "oauth_client_id",
        row(
            "no client id",
            "Application (client) ID",
            "Application (client) ID is missing.",
            "Copy it from the app registration's overview.",
        ),
    ),
    (
        &[("oauth_client_id", NOBODY)],
        "oauth_client_id",
        row(
            "an app of another tenant, or none (AADSTS700016)",
            "Application (client) ID",
            "The app is unknown in this tenant.",
            "If the app is registered in another tenant, say so below: the sign-in then asks for consent.",
        ),
    ),
    (
        &[("client_secret", "")],
        "client_secret",
        row(
            "no secret",
            "Client secret",
            "Client secret is missing.",
            "Create one in the app registration under Certificates & secrets, and copy its value.",
        ),
    ),
    (
        &[("client_secret", "wrong~secret")],
        "client_secret",
        row(
            "a wrong secret, or its id (AADSTS7000215)",
            "Client secret",
            "Microsoft refuses the client secret.",
            "Enter the secret's value, not its id.",
        ),
    ),
    (
        &[("secret_expires", "soon")],
        "secret_expires",
        row(
            "an end of the secret that is no day",
            "End of the secret",
            "is \"soon\", which is no day.",
            "Write it like 2027-01-31.",
        ),
    ),
    (
        &[BY_CERTIFICATE, ("certificate", CERTIFICATE), ("private_key", LOCKED)],
        "client_secret",
        row(
            "a client secret, and a choice by certificate",
            "Client secret",
            "one was entered, and the app is to prove itself by certificate.",
            "Under “Who signs in” choose one that is not by certificate, or clear the secret.",
        ),
    ),
    (
        &[WITHOUT_SECRET, BY_CERTIFICATE],
        "certificate",
        row(
            "no certificate",
            "Certificate",
            "Certificate is missing.",
            "Paste it as PEM, from BEGIN CERTIFICATE to END CERTIFICATE.",
        ),
    ),
    (
        &[WITHOUT_SECRET, BY_CERTIFICATE],
        "private_key",
        row(
            "a certificate without its key",
            "Private key",
            "Private key is missing.",
            "Paste it as PEM, from BEGIN PRIVATE KEY to END PRIVATE KEY.",
        ),
    ),
    (
        &[WITHOUT_SECRET, BY_CERTIFICATE, ("certificate", "-- no PEM --"), ("private_key", "-- no PEM --")],
        "certificate",
        row(
            "a certificate that is no PEM",
            "Certificate",
            "the file holds no certificate",
            "a block “BEGIN CERTIFICATE” is needed beside the private key",
        ),
    ),
    (
        &[WITHOUT_SECRET, BY_CERTIFICATE, ("certificate", CERTIFICATE), ("private_key", LOCKED)],
        "private_key",
        row(
            "a private key with a password",
            "Private key",
            "the private key is locked with a password",
            "take it off with “openssl pkey -in key.pem -out open.pem” and paste what open.pem holds",
        ),
    ),
    (
        &[WITHOUT_SECRET, BY_CERTIFICATE, ("certificate", CERTIFICATE), ("private_key", CURVE)],
        "private_key",
        row(
            "a private key of an elliptic curve",
            "Private key",
            "the private key is one of an elliptic curve, and RSA is needed",
            "make a new pair with “openssl req -x509 -newkey rsa:2048",
        ),
    ),
    (
        &[("arm", "")],
        "arm",
        row(
            "a custom cloud without its address",
            "Azure Resource Manager",
            "Azure Resource Manager is missing.",
            "Enter its base address, such as https://management.azure.com.",
        ),
    ),
    (
        &[("arm", "{halo}")],
        "arm",
        row(
            "another service's address for Azure's",
            "Azure Resource Manager",
            "This address does not tell of a cloud.",
            "Check it: it is the base address of Azure Resource Manager.",
        ),
    ),
    (
        &[("arm", "https://gone.example")],
        "arm",
        row(
            "an address at which nobody answers",
            "Azure Resource Manager",
            "can't be reached (no such host).",
            "Check the address and the network; it is tried again.",
        ),
    ),
    (
        &[("arm", "https://page.example")],
        "arm",
        row(
            "a web page in place of an answer (not JSON)",
            "Azure Resource Manager",
            "with a web page (HTML) instead of JSON",
            "Check the address, and whether a proxy or a sign-in page stands in between.",
        ),
    ),
    (
        &[("arm", "management.azure.example")],
        "arm",
        row(
            "an address without https://",
            "Azure Resource Manager",
            "is not a web address.",
            "Write it like https://name.example/path.",
        ),
    ),
    (
        &[("authority", "{authority}/common")],
        "authority",
        row("a sign-in address with a tenant in it", "Sign-in address", "ends with /common", "Write the base alone"),
    ),
    (
        &[("authority", "https://gone.example")],
        "authority",
        row(
            "a sign-in address at which nobody answers",
            "Sign-in address",
            "can't be reached (no such host).",
            "Check the address and the network; it is tried again.",
        ),
    ),
    (
        &[("authority", "https://page.example")],
        "authority",
        row(
            "a web page in place of a sign-in's answer (not JSON)",
            "Sign-in address",
            "with a web page (HTML) instead of JSON",
            "Check the address, and whether a proxy or a sign-in page stands in between.",
        ),
    ),
    (
        &[("allow_insecure", "")],
        "arm",
        row(
            "http, or a private host, where no test host was asked for",
            "Azure Resource Manager",
            "is not https, so secrets would travel in the clear.",
            "Use the public https address, or tick “Test hosts” below (test hosts only).",
        ),
    ),
    (
        &[("cloud", "public")],
        "cloud",
        row(
            "addresses typed while the cloud stays public",
            "Cloud",
            "an address was typed (Azure Resource Manager), and this cloud has its own.",
            "Choose “Custom endpoints” to use it, or clear it there.",
        ),
    ),
];

/// What Entra refuses when the app's proof is tried, by number.
const ENTRA: &[(u32, &str, Mistake)] = &[
    (
        7_000_222,
        "client_secret",
        row(
            "an expired secret (AADSTS7000222)",
            "Client secret",
            "The app registration's client secret has expired.",
            "Create a new one and enter it.",
        ),
    ),
    (
        50_194,
        "oauth_client_id",
        row(
            "a single-tenant app (AADSTS50194)",
            "Application (client) ID",
            "The app registration is single-tenant.",
            "Make it multi-tenant, or use its own tenant.",
        ),
    ),
    (
        53_003,
        "oauth_client_id",
        row(
            "conditional access refuses the app (AADSTS53003)",
            "Application (client) ID",
            "A conditional access policy for workload identities blocks the app.",
            "Ask the tenant's administrator to let it in, from this machine's address too.",
        ),
    ),
    (
        90_033,
        "authority",
        row(
            "Microsoft's sign-in is out of order (AADSTS90033)",
            "Sign-in address",
            "Microsoft's sign-in service is out of order for the moment.",
            "It is tried again.",
        ),
    ),
];

const MICROSOFT_MORE: &[Mistake] = &[
    row(
        "a name that is taken",
        "Name of this connection",
        "there is a connection “Elsewhere” already.",
        "Choose another name, or change that one.",
    ),
    row(
        "two admins save the same connection at once",
        PAGE,
        "This step was saved in the meantime.",
        "compare it with what is set up now, then save again.",
    ),
];

/// The same form with the values of the row; a box that is given nothing is not ticked.
fn typed(scene: &Scene, right: &Form, change: &[(&str, &str)]) -> Form {
    let (halo, authority) = (scene.text("/halo/api"), scene.text("/microsoft/authority"));
    let (auth, arm) = (scene.text("/halo/auth"), scene.text("/microsoft/arm"));
    let mut form = right.clone();
    for (name, value) in change {
        let value = value.replace("{halo}", &halo).replace("{authority}", &authority);
        let value = value.replace("{auth}", &auth).replace("{arm}", &arm);
        form = form.with(&[(name, &value)]);
        if *name == "allow_insecure" {
            form.0.retain(|(known, _)| known != "allow_insecure");
        }
    }
    form
}

/// Posts it; gives the page after looking that it is refused and nothing typed is lost.
async fn page_of(scene: &mut Scene, path: &str, form: &Form, status: u16) -> String {
    refused(scene, path, form, status, &[]).await;
    scene.post(path, form).await.body
}

#[tokio::test]
async fn what_the_microsoft_page_says_of_mistakes() {
    let mut scene = Scene::new(|_| {}).await;
    let path = "/set-up/microsoft";
    let right = scene.microsoft(path).await;
    for (change, id, mistake) in MICROSOFT {
        let form = typed(&scene, &right, change);
        said(&page_of(&mut scene, path, &form, 422).await, id, mistake);
    }
    for (number, id, mistake) in ENTRA {
        scene.act("tokens.script", &json!({ "codes": [number, number] }));
        said(&page_of(&mut scene, path, &right, 422).await, id, mistake);
        scene.act("tokens.script", &json!({ "codes": [] }));
    }
    assert!(scene.app.app.installation().await.unwrap().microsoft.is_empty(), "nothing of it was kept");

    // an app of another tenant is let through when it is said: the sign-in asks for consent
    let elsewhere = right.clone().with(&[("oauth_client_id", NOBODY), ("elsewhere", "on"), ("name", "Elsewhere")]);
    assert_taken(&scene.post(path, &elsewhere).await, "/set-up/sign-in");
    let taken = scene.microsoft("/set-up/microsoft?connection=new").await.with(&[("name", "Elsewhere")]);
    said(&page_of(&mut scene, path, &taken, 422).await, "name", &MICROSOFT_MORE[0]);

    // two admins at once: the second is told, and loses nothing
    let (first, second) = (scene.microsoft(path).await, scene.microsoft(path).await);
    assert_taken(&scene.post(path, &first).await, "/set-up/sign-in");
    said(&page_of(&mut scene, path, &second, 409).await, "", &MICROSOFT_MORE[1]);

    // what stood there from a custom cloud is not typed: the way back to a known cloud is open, up to its own trial
    let back = scene.drawn(path).await.with(&[("cloud", "public")]);
    let answer = scene.post(path, &back).await;
    assert!(!shown(&answer.body).contains("an address was typed"), "{}", shown(&answer.body));
}

/// What a person does at Microsoft, or what Microsoft does.
#[derive(Clone, Copy)]
enum Trouble {
    Declined,
    CameTwice,
    AnotherState,
    NoConsent,
    Code(u32),
    TooLate,
}

const SIGN_IN: &[(Trouble, Mistake)] = &[
    (
        Trouble::Declined,
        row(
            "the person declines the permissions",
            PAGE,
            "The sign-in was declined.",
            "Sign in again and accept the permissions.",
        ),
    ),
    (
        Trouble::CameTwice,
        row(
            "Microsoft's answer comes a second time (a replayed state)",
            PAGE,
            "No sign-in with Microsoft is under way in this browser: its answer was taken already, or came from elsewhere.",
            "Start it again from here.",
        ),
    ),
    (
        Trouble::AnotherState,
        row(
            "the state of another sign-in",
            PAGE,
            "The sign-in doesn't belong to this browser session.",
            "Start it again.",
        ),
    ),
    (
        Trouble::NoConsent,
        row(
            "consent is refused or missing (AADSTS65001)",
            PAGE,
            "Consent is missing in this tenant.",
            "Open the consent link as an administrator.",
        ),
    ),
    (
        Trouble::Code(50_011),
        row(
            "the redirect address is not registered (AADSTS50011)",
            PAGE,
            "The redirect address is not registered.",
            "Add the one shown here to the app registration.",
        ),
    ),
    (
        Trouble::Code(50_020),
        row(
            "an account of another tenant (AADSTS50020)",
            PAGE,
            "The signed-in account is disabled, unknown or not assigned in this tenant.",
            "Use another account.",
        ),
    ),
    (
        Trouble::Code(50_105),
        row(
            "an account that is not assigned to the app (AADSTS50105)",
            PAGE,
            "The signed-in account is disabled, unknown or not assigned in this tenant.",
            "Use another account.",
        ),
    ),
    (
        Trouble::Code(50_076),
        row(
            "a second factor is asked for (AADSTS50076)",
            PAGE,
            "Microsoft asks for a second factor.",
            "Sign in again.",
        ),
    ),
    (
        Trouble::Code(53_003),
        row(
            "conditional access refuses the person (AADSTS53003)",
            PAGE,
            "A conditional access policy blocks this sign-in.",
            "Ask the tenant's administrator, then sign in again.",
        ),
    ),
    (
        Trouble::Code(54_005),
        row(
            "the code was redeemed already (AADSTS54005)",
            PAGE,
            "The sign-in was interrupted or used twice.",
            "Start it again.",
        ),
    ),
    (
        Trouble::Code(7_000_222),
        row(
            "the secret expires between the two pages (AADSTS7000222)",
            PAGE,
            "The app registration's client secret has expired.",
            "Create a new one and enter it.",
        ),
    ),
    (
        Trouble::Code(70_043),
        row(
            "the tenant's sign-in frequency (AADSTS70043)",
            PAGE,
            "The tenant's sign-in frequency policy ended the session.",
            "Sign in again.",
        ),
    ),
    (
        Trouble::Code(9_002_326),
        row(
            "the redirect address under “Single-page application” (AADSTS9002326)",
            PAGE,
            "The redirect address is registered for another platform, not for “Web”.",
            "Remove it there in the app registration, and add it under the platform “Web”.",
        ),
    ),
    (
        Trouble::Code(530_003),
        row(
            "a policy wants a managed device (AADSTS530003)",
            PAGE,
            "A conditional access policy wants a device that the tenant manages.",
            "Sign in again from such a one, or ask the tenant's administrator.",
        ),
    ),
    (
        Trouble::Code(90_094),
        row(
            "only an administrator may consent (AADSTS90094)",
            PAGE,
            "Only an administrator may consent in this tenant.",
            "Send one the consent link, then sign in again.",
        ),
    ),
    (
        Trouble::TooLate,
        row("more than 15 minutes at Microsoft", PAGE, "The sign-in took more than 15 minutes.", "Start it again."),
    ),
];

const CONSENT: &[Mistake] = &[row(
    "the administrator declines at the consent link",
    PAGE,
    "Microsoft was not given consent, or your account may not give it.",
    "Open the link again as a Global Administrator or Cloud Application Administrator of the tenant.",
)];

async fn troubled(scene: &mut Scene, trouble: Trouble) -> String {
    match trouble {
        Trouble::Declined => {
            let mut url = scene.begin().await;
            url.query_pairs_mut().append_pair("cancel", "1");
            let back = scene.at_microsoft(&url).await;
            scene.come_back(&back).await
        }
        Trouble::CameTwice => {
            let mut url = scene.begin().await;
            url.query_pairs_mut().append_pair("cancel", "1");
            let back = scene.at_microsoft(&url).await;
            scene.come_back(&back).await;
            scene.come_back(&back).await
        }
        Trouble::AnotherState => {
            let url = scene.begin().await;
            let mut back = scene.at_microsoft(&url).await;
            let pairs: Vec<(String, String)> = back.query_pairs().into_owned().collect();
            let others = pairs.iter().filter(|(name, _)| name != "state");
            back.query_pairs_mut().clear().extend_pairs(others).append_pair("state", "another");
            scene.come_back(&back).await
        }
        Trouble::NoConsent => {
            scene.twin.with(|world, _| world.set_switch("consent_missing", "true")).unwrap();
            let url = scene.begin().await;
            let back = scene.at_microsoft(&url).await;
            let page = scene.come_back(&back).await;
            scene.twin.with(|world, _| world.set_switch("consent_missing", "false")).unwrap();
            page
        }
        Trouble::Code(number) => {
            let url = scene.begin().await;
            let back = scene.at_microsoft(&url).await;
            scene.act("tokens.script", &json!({ "codes": [number] }));
            let page = scene.come_back(&back).await;
            scene.act("tokens.script", &json!({ "codes": [] }));
            page
        }
        Trouble::TooLate => {
            let url = scene.begin().await;
            let back = scene.at_microsoft(&url).await;
            scene.app.clock.advance(SignedDuration::from_mins(16));
            scene.come_back(&back).await
        }
    }
}

#[tokio::test]
async fn what_is_said_of_a_sign_in_that_fails() {
    let mut scene = Scene::new(|_| {}).await;
    let form = scene.microsoft("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    for (trouble, mistake) in SIGN_IN {
        let page = troubled(&mut scene, *trouble).await;
        said(&page, "", mistake);
        // what Microsoft shows on its own pages is told beforehand: the words are this failure's own
        let html = Html::parse_document(&page);
        let flash: String = html.select(&all(".flash")).flat_map(|one| one.text()).collect();
        assert!(flash.contains(mistake.cause) && flash.contains(mistake.fix), "{}: {flash}", mistake.input);
    }
    assert!(shown(&scene.page("/set-up/sign-in").await).contains("Nobody has signed in yet"));
}

#[tokio::test]
async fn what_is_said_of_a_consent_that_is_declined() {
    let mut scene = Scene::new(|_| {}).await;
    let form = scene.microsoft("/set-up/microsoft").await;
    assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
    let page = scene.page("/set-up/sign-in").await;
    let link = {
        let html = Html::parse_document(&page);
        let link = html.select(&all("input[id^=consent-]")).next().expect("a consent link");
        Url::parse(link.value().attr("value").unwrap()).unwrap()
    };
    let back = scene.at_microsoft(&Url::parse(&format!("{link}&cancel=1")).unwrap()).await;
    let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
    let answer = scene.app.page(&mut Browser::default(), &path).await;
    said(&answer.body, "", &CONSENT[0]);
}

const HALO: &[Typed] = &[
    (
        &[("resource_server", "")],
        "resource_server",
        row(
            "no address of Halo",
            "Resource server",
            "Resource server is missing.",
            "Copy it from Halo: Configuration > Integrations > Halo API.",
        ),
    ),
    (
        &[("resource_server", "halo.example/api")],
        "resource_server",
        row(
            "Halo's host without https://",
            "Resource server",
            "Resource server is not a web address.",
            "Write it like https://name.example/path.",
        ),
    ),
    (
        &[("allow_insecure", "")],
        "resource_server",
        row(
            "Halo's host by http, or a private one",
            "Resource server",
            "Resource server is not https, so secrets would travel in the clear.",
            "Use the public https address, or tick “Test hosts” below (test hosts only).",
        ),
    ),
    (
        &[("resource_server", "{halo}/tickets")],
        "resource_server",
        row(
            "Halo's host with a path",
            "Resource server",
            "Resource server goes on after /api with /tickets.",
            "End it with /api; the rest is added.",
        ),
    ),
    (
        &[("resource_server", "{auth}")],
        "resource_server",
        row(
            "the Authorisation Server in the Resource Server's field",
            "Resource server",
            "Resource server is the address of the Authorisation Server.",
            "Write the Resource Server here; it ends with /api.",
        ),
    ),
    (
        &[("resource_server", "https://ada:secret@halo.example/api")],
        "resource_server",
        row(
            "an address with a password in it",
            "Resource server",
            "Resource server holds a user name or password.",
            "Remove them; secrets have fields of their own.",
        ),
    ),
    (
        &[("resource_server", "{halo}?tenant=acme")],
        "resource_server",
        row(
            "an address with a query",
            "Resource server",
            "Resource server holds a query (?…) or a fragment (#…).",
            "Write the base address alone.",
        ),
    ),
    (
        &[("resource_server", "{arm}")],
        "resource_server",
        row(
            "an address where no Halo is",
            "Resource server",
            "The Resource Server does not tell where to sign in, as Halo's does.",
            "Copy the Resource Server from",
        ),
    ),
    (
        &[("authorisation_server", "{halo}")],
        "authorisation_server",
        row(
            "the Resource Server in the Authorisation Server's field",
            "Authorisation server",
            "Authorisation server is the address of the Resource Server.",
            "Write the Authorisation Server here; it usually ends with /auth.",
        ),
    ),
    (
        &[("authorisation_server", "{auth}/token")],
        "authorisation_server",
        row(
            "the Authorisation Server with /token",
            "Authorisation server",
            "Authorisation server ends with /token.",
            "Leave /token out; it is added.",
        ),
    ),
    (
        &[("tenant", "nobody")],
        "tenant",
        row("another instance's tenant", "Tenant", "Halo says that the tenant", "Enter “"),
    ),
    (
        &[("oauth_client_id", "")],
        "oauth_client_id",
        row("no client id of Halo", "Client ID", "Client ID is missing.", "Copy it from the API application in Halo."),
    ),
    (
        &[("oauth_client_id", "wrong-id")],
        "oauth_client_id",
        row(
            "what is no client id of Halo",
            "Client ID",
            "Halo refuses client id or secret, and this is not the form of Halo's client ids.",
            "Copy the Client ID of the API application: 32 digits and letters in five groups.",
        ),
    ),
    (
        &[("client_secret", "")],
        "client_secret",
        row(
            "no secret of Halo",
            "Client secret",
            "Client secret is missing.",
            "Copy it from the API application in Halo; it is shown once.",
        ),
    ),
    (
        &[("client_secret", "wrong-secret")],
        "client_secret",
        row(
            "a wrong secret of Halo",
            "Client secret",
            "Halo refuses client id or secret.",
            "Make a new secret on the API application in Halo, paste it here, and compare the Client ID.",
        ),
    ),
    (
        &[("client_secret", NOBODY)],
        "client_secret",
        row(
            "half of Halo's secret",
            "Client secret",
            "this is not the form of Halo's secrets: it is one id, and they are two joined by a hyphen.",
            "Make a new secret on the API application in Halo and paste the whole of it.",
        ),
    ),
];

#[tokio::test]
async fn what_the_halo_page_says_of_mistakes() {
    let mut scene = Scene::new(|_| {}).await;
    let path = "/set-up/halo";
    let right = scene.halo(path).await;
    for (change, id, mistake) in HALO {
        let form = typed(&scene, &right, change);
        said(&page_of(&mut scene, path, &form, 422).await, id, mistake);
    }
    assert!(scene.app.app.installation().await.unwrap().halo.is_empty(), "nothing of it was kept");
}

const HALO_TEST: &[Mistake] = &[
    row(
        "Halo refuses the note's outcome",
        PAGE,
        "Halo refuses a note with the outcome “Private Note”",
        "Allow the outcome",
    ),
    row("a test ticket without a client for it", PAGE, "No test ticket was made", "Choose all three, then ask again."),
];

#[tokio::test]
async fn what_the_test_of_halo_says_of_what_is_refused() {
    let mut ada = Person::new().await;
    let send = async |ada: &mut Person, client: &str| {
        let page = ada.page("/set-up/halo").await;
        let test = form(&page, "/set-up/halo/test", "[name='connection']");
        ada.send("/set-up/halo/test", &with(&test, &[("do", "write"), ("client", client)])).await;
        ada.page("/set-up/halo").await
    };
    let page = ada.page("/set-up/halo").await;
    let test = form(&page, "/set-up/halo/test", "[name='connection']");
    ada.send("/set-up/halo/test", &with(&test, &[("do", "read")])).await;
    said(&send(&mut ada, "").await, "", &HALO_TEST[1]);
    let page = ada.page("/set-up/halo").await;
    let client = {
        let html = Html::parse_document(&page);
        let picks = all("select[name='client'] option");
        html.select(&picks).nth(2).unwrap().value().attr("value").unwrap().to_owned()
    };
    ada.stage.switch("outcomes_denied", "Private Note");
    said(&send(&mut ada, &client).await, "", &HALO_TEST[0]);
}

const CLIENTS: &[Mistake] = &[
    row("no workspace chosen", PAGE, "Workspaces: choose at least one", "and the Halo client it belongs to."),
    row(
        "a client's name with a slip",
        "Halo client of law-contoso-001",
        "there is no client “Contosso Retail”.",
        "Did you mean “Contoso Retail”?",
    ),
    row(
        "a client that is not in Halo",
        "Halo client of law-contoso-001",
        "there is no client “Acme & Sons <b>”.",
        "Choose one from the list; a new one in Halo shows after you look again.",
    ),
    row(
        "a workspace without its client",
        "Halo client of law-contoso-001",
        "Halo client of law-contoso-001 is missing.",
        "Choose one from the list.",
    ),
    row(
        "a workspace that is deleted meanwhile",
        PAGE,
        "A workspace that you chose is not there any more: it was deleted, or the sign-in lost sight of it.",
        "Look again, then choose anew.",
    ),
    row(
        "a workspace without Sentinel",
        PAGE,
        "It has no Microsoft Sentinel.",
        "Add Sentinel to it in Azure, then look again.",
    ),
    row(
        "two admins choose workspaces at once",
        PAGE,
        "This step was saved in the meantime.",
        "compare it with what is set up now, then save again.",
    ),
    row(
        "two admins apply at once",
        PAGE,
        "This step was saved in the meantime.",
        "compare it with what is set up now, then save again.",
    ),
];

/// Files that are pasted, and what is said of them at their field.
const FILES: &[(&str, Mistake)] = &[
    (
        "workspace,client\nlaw-contoso-001,Contoso Retail\n",
        row(
            "a file without its columns",
            "The file, pasted",
            "The first line must name the columns workspace_id and client.",
            "Download the file here to see one",
        ),
    ),
    (
        "workspace_id,client\n",
        row(
            "a file without lines",
            "The file, pasted",
            "The file has no line below its first.",
            "Write one for each workspace.",
        ),
    ),
    (
        "workspace_id,client,portal\n/a,b,moon\n",
        row("a portal that there is not", "The file, pasted", "Line 2: portal is “moon”.", "Write azure or defender."),
    ),
    (
        "workspace_id,client\n/a,\"b\n",
        row(
            "a quote that is not closed",
            "The file, pasted",
            "Line 2: a quote is opened and never closed.",
            "Close it, or double it inside a value.",
        ),
    ),
    (
        "workspace_id,client\n/subscriptions/none,Contoso Retail\n",
        row(
            "a workspace that no sign-in reaches",
            "The file, pasted",
            "Line 2: no connection reaches the workspace /subscriptions/none.",
            "Check its id, or sign in where it is.",
        ),
    ),
];

#[tokio::test]
async fn what_the_page_of_clients_says_of_mistakes() {
    let mut scene = Scene::new(|options| options.tenants = 2).await;
    scene.connected().await;
    scene.policy().await;
    let path = "/set-up/clients";
    let page = scene.page(path).await;
    said(&page, "", &CLIENTS[5]);
    let right = Form(drawn(&page));
    let (link, client) = (field_of(&page, "law-contoso-001", "link-"), field_of(&page, "law-contoso-001", "client-"));
    said(&page_of(&mut scene, path, &right, 422).await, "", &CLIENTS[0]);
    let chosen = right.clone().with(&[(&link, "on"), (&client, "Contoso Retail")]);
    for (name, mistake) in [("Contosso Retail", 1), ("Acme & Sons <b>", 2), ("", 3)] {
        let typed = chosen.clone().with(&[(&client, name)]);
        said(&page_of(&mut scene, path, &typed, 422).await, &client, &CLIENTS[mistake]);
    }
    for (file, mistake) in FILES {
        let answer = scene.post("/set-up/clients/file", &Form(vec![("file".into(), (*file).to_owned())])).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{file}");
        said(&answer.body, "file", mistake);
        assert!(drawn_file(&answer).contains(file.trim_end()), "the file is kept");
    }
    // two admins at once
    assert_taken(&scene.post(path, &chosen).await, "/set-up/check");
    said(&page_of(&mut scene, path, &chosen, 409).await, "", &CLIENTS[6]);
    let page = scene.page("/set-up/check").await;
    let check = Form(drawn(&page));
    assert_taken(&scene.post("/set-up/check", &check).await, "/set-up/import");
    let answer = scene.post("/set-up/check", &check).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "twice is once");
    said(&answer.body, "", &CLIENTS[7]);
}

fn drawn_file(answer: &Answer) -> String {
    let html = Html::parse_document(&answer.body);
    html.select(&all("textarea[name=file]")).flat_map(|one| one.text()).collect()
}

#[tokio::test]
async fn what_is_said_of_a_workspace_that_is_deleted_meanwhile() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    scene.policy().await;
    let page = scene.page("/set-up/clients").await;
    let link = field_of(&page, "law-contoso-002", "link-");
    let chosen = Form(drawn(&page)).with(&[(&link, "on")]);
    scene.twin.with(|world, _| world.microsoft.workspaces.retain(|row| row.name != "law-contoso-002"));
    // another admin looks again: what was found is read anew
    let again = scene.page("/set-up/clients?again=1").await;
    assert!(!again.contains("law-contoso-002"), "{}", shown(&again));
    let answer = scene.post("/set-up/clients", &chosen).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    said(&answer.body, "", &CLIENTS[4]);
}

/// Who signs in, and what the page of workspaces says of their rights.
const RIGHTS: &[(&str, Mistake)] = &[
    (
        "rita.reader@contoso.example",
        row(
            "an account that may only read",
            PAGE,
            "The identity lacks Microsoft.SecurityInsights/incidents/write",
            "Give it the role Microsoft Sentinel Responder on the resource group rg-soc-contoso.",
        ),
    ),
    (
        "nora.norights@contoso.example",
        row(
            "an account without any role",
            PAGE,
            "The sign-in reaches no Log Analytics workspace.",
            "Give it a role on the customer's resource group, then look again.",
        ),
    ),
];

#[tokio::test]
async fn what_is_said_of_an_account_without_rights() {
    for (person, mistake) in RIGHTS {
        let mut scene = Scene::new(|_| {}).await;
        let form = scene.microsoft("/set-up/microsoft").await;
        assert_taken(&scene.post("/set-up/microsoft", &form).await, "/set-up/sign-in");
        scene.sign_in(person).await;
        let form = scene.halo("/set-up/halo").await;
        assert_taken(&scene.post("/set-up/halo", &form).await, "/set-up/clients");
        let page = scene.page("/set-up/clients").await;
        said(&page, "", mistake);
        assert_eq!(shown(&page).matches(mistake.cause).count(), 1, "{person}: it is said once, not in every row");
        // A role that is enough stands there ready, for the place that lacks it as far as it is known.
        let place = if person.starts_with("rita") { "/resourceGroups/rg-soc-contoso'" } else { "/RESOURCE-GROUP'" };
        let text = shown(&page);
        for words in ["az role definition create", "Microsoft.SecurityInsights/incidents/comments/write", place] {
            assert!(text.contains(words), "{person}: {words} is not in: {text}");
        }
    }
}

const CHECK: &[Mistake] = &[
    row("applied before there is a policy", PAGE, "Needs a policy first", "Go to “"),
    row(
        "the Halo instance was taken out meanwhile",
        PAGE,
        "The Halo instance of workspace law-contoso-001 is gone.",
        "Choose its client again.",
    ),
];

#[tokio::test]
async fn what_the_page_of_all_answers_says_of_what_is_missing() {
    let mut scene = Scene::new(|_| {}).await;
    scene.connected().await;
    let page = scene.page("/set-up/clients").await;
    let pick = field_of(&page, "law-contoso-001", "pick-");
    let form = Form(drawn(&page)).with(&[(&pick, "Contoso Retail")]);
    assert_taken(&scene.post("/set-up/clients", &form).await, "/set-up/mapping");
    said(&scene.page("/set-up/check").await, "", &CHECK[0]);
    scene.policy().await;
    let halo = scene.app.app.installation().await.unwrap().halo[0].clone();
    let take_out = Form(vec![("name".into(), halo.name.clone())]);
    let answer = scene.post(&format!("/connections/{}/disconnect", halo.id), &take_out).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", shown(&answer.body));
    said(&scene.page("/set-up/check").await, "", &CHECK[1]);
}

const MAPPED: &[Typed] = &[
    (
        &[("ticket_type", "")],
        "ticket_type",
        row(
            "no ticket type",
            "Ticket type",
            "Ticket type is missing.",
            "Choose the type that is kept for incidents; make one in Halo if there is none.",
        ),
    ),
    (
        &[("priority.Low", "")],
        "priority.Low",
        row(
            "a severity without a priority",
            "Severity Low",
            "Low: this severity has no counterpart in Halo.",
            "Choose a priority for it, one that the ticket type's SLA has.",
        ),
    ),
    (
        &[("status.Active", "")],
        "status.Active",
        row(
            "an incident status without a ticket status",
            "Incident status Active",
            "Active: this status has no counterpart in Halo.",
            "Choose a ticket status for it.",
        ),
    ),
    (
        &[("status.New", "9")],
        "status.New",
        row(
            "an open status that becomes a closed one",
            "Incident status New",
            "what is open becomes closed on the way, or the other way round.",
            "Map New and Active to open ticket statuses, and Closed to a closed one.",
        ),
    ),
    (
        &[("notes", "")],
        "notes",
        row(
            "no choice which notes cross",
            "Notes of agents that cross to Sentinel",
            "Notes is missing.",
            "Choose which notes cross: internal notes must never cross by accident.",
        ),
    ),
    (
        &[("owner.0", "ana@contoso.example")],
        "owner.0",
        row(
            "an owner without an agent",
            "Owner 1 in Sentinel",
            "Owners, row 1: an owner and an agent belong together.",
            "Fill in both, or neither.",
        ),
    ),
    (
        &[("field.0", "m:category_2"), ("source.0", "")],
        "source.0",
        row(
            "a mapped field without a value",
            "Value 1",
            "Mapped fields, row 1: a field and a value belong together.",
            "Fill in both, or neither.",
        ),
    ),
    (
        &[("field.0", "m:category_2"), ("source.0", "$.properties[")],
        "source.0",
        row(
            "a path with a bracket that is not closed",
            "Value 1",
            "lacks a closing ]",
            "Pick the value from a real incident below.",
        ),
    ),
    (
        &[("field.0", "m:category_2"), ("source.0", "$nothing.here")],
        "source.0",
        row(
            "a path that begins nowhere",
            "Value 1",
            "is none of $, $alerts",
            "Pick the value from a real incident below.",
        ),
    ),
];

/// Rules that are folded away.
const RULES: &[Typed] = &[
    (
        &[("tickets_per_hour", "many")],
        "tickets_per_hour",
        row(
            "a limit that is no number",
            "New tickets within an hour",
            "New tickets within an hour is “many”.",
            "Enter a whole number from 0 to 100000.",
        ),
    ),
    (
        &[("group.by.host", "on"), ("group.most", "1")],
        "group.most",
        row(
            "a group of one incident",
            "Incidents of a group at most",
            "Incidents of a group at most is “1”.",
            "Enter a whole number from 2 to 100.",
        ),
    ),
    (
        &[("include.severity", "Hihg")],
        "include.severity",
        row(
            "a filter that no incident fits",
            "Only: severity",
            "The severity “Hihg” is none of Microsoft's.",
            "Did you mean “High”?",
        ),
    ),
    (
        &[("notes", "outcomes")],
        "notes",
        row(
            "notes by their outcome, and no outcome",
            "Notes of agents that cross to Sentinel",
            "No outcome is chosen whose notes cross.",
            "Choose at least one below, or another rule for notes.",
        ),
    ),
    (
        &[("requester", "user"), ("requester_id", "Pat Morgan")],
        "requester_id",
        row(
            "a requester by name",
            "Id of the Halo user",
            "Id of the Halo user is “Pat Morgan”.",
            "Enter a whole number 1 or more.",
        ),
    ),
];

const MAPPED_MORE: &[Mistake] = &[
    row(
        "two admins save the policy at once",
        PAGE,
        "This step was saved in the meantime.",
        "compare it with what is set up now, then save again.",
    ),
    row(
        "a policy's name that is taken",
        "Name of this policy",
        "there is a policy “standard” already.",
        "Choose another name.",
    ),
    row(
        "a ticket type without an SLA",
        "Ticket type",
        "has no SLA, so no priority is valid for its tickets.",
        "Give it a default SLA in Halo, or choose another.",
    ),
];

#[tokio::test]
async fn what_the_page_of_the_mapping_says_of_mistakes() {
    let mut ada = Person::new().await;
    let page = ada.page(MAPPING).await;
    let good = form(&page, MAPPING, "[name='priority.High']");
    let before = ada.policies().await;
    for (change, id, mistake) in MAPPED.iter().chain(RULES) {
        let kept = [("team", "1"), ("source.1", "typed <kept>"), ("field.1", "m:category_3")];
        let answer = ada.send(MAPPING, &with(&good, &[change, &kept[..]].concat())).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", mistake.input);
        said(&answer.body, id, mistake);
        let again = form(&answer.body, MAPPING, "[name='priority.High']");
        assert!(again.contains(&("source.1".to_owned(), "typed <kept>".to_owned())), "{}: lost", mistake.input);
    }
    let answer = ada.send(MAPPING, &with(&good, &[("seen", "0000")])).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    said(&answer.body, "", &MAPPED_MORE[0]);
    let page = ada.page(&format!("{MAPPING}?policy=new")).await;
    let new = form(&page, MAPPING, "[name='priority.High']");
    let answer = ada.send(MAPPING, &with(&new, &[("name", "standard")])).await;
    said(&answer.body, "name", &MAPPED_MORE[1]);
    // Halo's look-ups say of the type that it has no SLA
    let (store, halo) = (&ada.stage.test.app.store, ada.stage.halo().await);
    let (mut catalogue, at): (Catalogue, _) = store.catalogue(halo).await.unwrap().expect("look-ups are kept");
    let kind = catalogue.ticket_types.iter_mut().find(|row| row.name == "Security Incident").unwrap();
    kind.default_sla = None;
    store.put_catalogue(halo, &catalogue, at).await.unwrap();
    let answer = ada.send(MAPPING, &good).await;
    said(&answer.body, "ticket_type", &MAPPED_MORE[2]);
    assert_eq!(ada.policies().await, before, "nothing was saved");
    assert_eq!(ada.stage.writes(), 0);
}

const IMPORTED: &[Typed] = &[
    (
        &[("do", "polling"), ("poll_secs", "soon")],
        "poll_secs",
        row(
            "an interval that is no number",
            "Seconds between polls",
            "Seconds between polls is “soon”, which is no whole number.",
            "Enter one from 30 to 86400.",
        ),
    ),
    (
        &[("do", "polling"), ("poll_secs", "5")],
        "poll_secs",
        row(
            "an interval that is too short",
            "Seconds between polls",
            "Seconds between polls is 5, but must be between 30 and 86400.",
            "Write a whole number between 30 and 86400.",
        ),
    ),
];

const IMPORTED_MORE: &[Mistake] = &[
    row(
        "a secret of one's own that is too short",
        PAGE,
        "The secret is missing or too short to be safe.",
        "Enter at least 20 characters.",
    ),
    row(
        "a webhook to a console that Azure cannot reach",
        PAGE,
        "Azure cannot reach this console at http://127.0.0.1:8080",
        "Start the server with --public-url https://… and a certificate in front of it, or stay with polling.",
    ),
];

#[tokio::test]
async fn what_the_page_of_webhooks_says_of_mistakes() {
    let mut ada = Person::new().await;
    let id = ada.stage.workspace().await;
    let page = ada.page(IMPORT).await;
    let polling = form(&page, IMPORT, "[name='poll_secs']");
    for (change, id, mistake) in IMPORTED {
        let answer = ada.send(IMPORT, &with(&polling, change)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", mistake.input);
        said(&answer.body, id, mistake);
    }
    let page = ada.page(&format!("{IMPORT}?plan={id}")).await;
    said(&page, "", &IMPORTED_MORE[1]);
    let own = form(&page, IMPORT, "[name='secret']");
    let answer = ada.send(IMPORT, &with(&own, &[("do", "secret"), ("secret", "short")])).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    said(&answer.body, "", &IMPORTED_MORE[0]);
    assert_eq!(ada.stage.writes(), 0);
}

const LIVED: &[Mistake] = &[
    row("nothing chosen to go live", "Workspaces", "Choose at least one workspace.", "Nothing was changed."),
    row("no mode chosen", "From now on", "From now on is missing.", "Choose what is to be done."),
    row(
        "two admins decide at once",
        PAGE,
        "This step was saved in the meantime.",
        "compare it with what is set up now, then save again.",
    ),
    row(
        "a client without a place in Halo",
        "Workspaces",
        "The client Northwind is not linked to a client in Halo, so there is nowhere to make tickets.",
        "Link it first.",
    ),
];

#[tokio::test]
async fn what_the_page_of_going_live_says_of_mistakes() {
    let mut ada = Person::new().await;
    let page = ada.page(LIVE).await;
    let ready = form(&page, LIVE, "[name='mode']");
    let none: Vec<(String, String)> = ready.iter().filter(|(name, _)| name != "workspace").cloned().collect();
    said(&ada.send(LIVE, &none).await.body, "workspace", &LIVED[0]);
    said(&ada.send(LIVE, &with(&ready, &[("mode", "")])).await.body, "mode", &LIVED[1]);
    let answer = ada.send(LIVE, &with(&ready, &[("seen", "0000")])).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    said(&answer.body, "", &LIVED[2]);
    // the client loses its place in Halo
    let app = &ada.stage.test.app;
    let text = "[[client]]\nname = \"Northwind\"\n";
    let reading = configuration::read(text, Some(&app.store), false, &configuration::ReadOptions::default()).await;
    let wanted = reading.unwrap().applied.expect("it can be read");
    configuration::apply(&app.store, &wanted, false, ada.stage.test.now(), &*app.ids).await.unwrap();
    let id = ada.stage.workspace().await.to_string();
    let page = ada.page(LIVE).await;
    let ready = with(&form(&page, LIVE, "[name='mode']"), &[("workspace", &id)]);
    said(&ada.send(LIVE, &ready).await.body, "workspace", &LIVED[3]);
    assert_eq!(ada.stage.writes(), 0);
}

/// Every row with the test that makes it.
fn table() -> Vec<(&'static Mistake, &'static str)> {
    let mut rows = Vec::new();
    let mut add = |test, mistakes: Vec<&'static Mistake>| rows.extend(mistakes.into_iter().map(|one| (one, test)));
    let of = |typed: &'static [Typed]| typed.iter().map(|(.., one)| one);
    add(
        "what_the_microsoft_page_says_of_mistakes",
        of(MICROSOFT).chain(ENTRA.iter().map(|(.., one)| one)).chain(MICROSOFT_MORE).collect(),
    );
    add("what_is_said_of_a_sign_in_that_fails", SIGN_IN.iter().map(|(_, one)| one).collect());
    add("what_is_said_of_a_consent_that_is_declined", CONSENT.iter().collect());
    add("what_the_halo_page_says_of_mistakes", of(HALO).collect());
    add("what_the_test_of_halo_says_of_what_is_refused", HALO_TEST.iter().collect());
    let deleted = "a workspace that is deleted meanwhile";
    add(
        "what_the_page_of_clients_says_of_mistakes",
        CLIENTS.iter().filter(|one| one.input != deleted).chain(FILES.iter().map(|(_, one)| one)).collect(),
    );
    add(
        "what_is_said_of_a_workspace_that_is_deleted_meanwhile",
        CLIENTS.iter().filter(|one| one.input == deleted).collect(),
    );
    add("what_is_said_of_an_account_without_rights", RIGHTS.iter().map(|(_, one)| one).collect());
    add("what_the_page_of_all_answers_says_of_what_is_missing", CHECK.iter().collect());
    add("what_the_page_of_the_mapping_says_of_mistakes", of(MAPPED).chain(of(RULES)).chain(MAPPED_MORE).collect());
    add("what_the_page_of_webhooks_says_of_mistakes", of(IMPORTED).chain(IMPORTED_MORE).collect());
    add("what_the_page_of_going_live_says_of_mistakes", LIVED.iter().collect());
    rows
}

/// The documentation's table is this one: nothing is told there that no screen says, and nothing is left out.
#[test]
fn the_documented_table_is_what_the_screens_say() {
    let line = |one: &Mistake, test: &str| {
        let cell = |text: &str| text.trim_end_matches([' ', ':']).replace('|', "\\|");
        let (input, cause, fix) = (cell(one.input), cell(one.cause), cell(one.fix));
        format!("| {input} | {} | {cause} | {fix} | `set_up_mistakes::{test}` |", one.field)
    };
    let rows: Vec<String> = table().into_iter().map(|(one, test)| line(one, test)).collect();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SET-UP.md");
    let text = std::fs::read_to_string(page).expect("the page");
    let there: BTreeSet<&str> =
        text.lines().filter(|line| line.starts_with("| ") && line.contains("`set_up_mistakes::")).collect();
    let wanted: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    assert_eq!(wanted.len(), rows.len(), "two rows are the same");
    assert!(there == wanted, "docs/SET-UP.md must hold exactly these lines:\n{}", rows.join("\n"));
    assert!(wanted.len() >= 40, "{}", wanted.len());
}
