//! The twin as public client programs meet it: they keep only a host, insist on https, compare issuers.

use std::sync::Arc;

use bytes::Bytes;
use halobridge::{
    domain::{
        connection::{HaloConnection, HaloProduct},
        ids::ConnectionId,
    },
    halo_itsm::Halo,
    outbound::budget::{Budget, Class},
    twin::transport::TwinTransport,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    outside::{Process, program},
    twin_microsoft::{Got, ORIGIN, Rig},
};

fn get(rig: &Rig, path: &str) -> Got {
    rig.raw("GET", &format!("{ORIGIN}{path}"), &[], Bytes::new())
}

fn halo_text(rig: &Rig, name: &str) -> String {
    rig.connection["halo"][name].as_str().unwrap().to_owned()
}

/// A token for the Halo instance from the authorisation server at this path.
fn halo_token(rig: &Rig, auth: &str) -> Got {
    let (id, secret) = (halo_text(rig, "client_id"), halo_text(rig, "client_secret"));
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", &secret),
            ("scope", "all"),
        ])
        .finish();
    rig.raw("POST", &format!("{ORIGIN}{auth}/token"), &[], form.into())
}

#[test]
fn halo_is_at_the_root_of_the_host_too() {
    let rig = Rig::new();
    let info = get(&rig, "/api/authinfo");
    assert_eq!(info.status, 200, "{:?}", info.body);
    assert_eq!(info.text("/auth_url"), format!("{ORIGIN}/auth"));
    assert_eq!(info.text("/resource_url"), format!("{ORIGIN}/api"));
    let known = get(&rig, "/auth/.well-known/openid-configuration");
    assert_eq!(known.text("/issuer"), format!("{ORIGIN}/auth"), "compared with the address that was asked");
    assert_eq!(known.text("/token_endpoint"), format!("{ORIGIN}/auth/token"));
    let token = halo_token(&rig, "/auth");
    assert_eq!(token.status, 200, "{:?}", token.body);
    let bearer = format!("Bearer {}", token.text("/access_token"));
    for path in ["/api/Tickets", "/API/tickets", "/halo/api/Tickets"] {
        let list = rig.raw("GET", &format!("{ORIGIN}{path}"), &[("authorization", &bearer)], Bytes::new());
        assert_eq!((list.status, &list.body["record_count"]), (200, &json!(0)), "{path}");
    }
    // Under its name it says so.
    assert_eq!(get(&rig, "/halo/api/authinfo").text("/auth_url"), format!("{ORIGIN}/halo/auth"));
    assert_eq!(get(&rig, "/halo/auth/.well-known/openid-configuration").text("/issuer"), format!("{ORIGIN}/halo/auth"));
    for name in ["api", "auth"] {
        let body = json!({ "name": name }).to_string();
        let refused = rig.raw("POST", &format!("{ORIGIN}/admin/halo"), &[], body.into());
        assert_eq!(refused.status, 400, "{name} is taken by the first instance");
    }
}

#[tokio::test]
async fn our_own_halo_client_signs_in_whatever_stands_beside_the_token() {
    for extras in ["text", "empty", "absent"] {
        for base in ["/halo", ""] {
            let rig = Rig::with(|options| options.switches.push(("token_extras".into(), extras.into())));
            let connection = HaloConnection {
                id: ConnectionId(Uuid::nil()),
                name: "acme".into(),
                product: HaloProduct::Itsm,
                resource_server: format!("{ORIGIN}{base}/api"),
                authorisation_server: format!("{ORIGIN}{base}/auth"),
                tenant: halo_text(&rig, "tenant"),
                oauth_client_id: halo_text(&rig, "client_id"),
                scope: "all".into(),
                requests_per_5min: 300,
                poll_secs: 20,
                settle_secs: 180,
                webhook: false,
                webhook_header: "Token".into(),
                allow_insecure: true,
            };
            let secret = SecretString::from(halo_text(&rig, "client_secret"));
            let way = Arc::new(TwinTransport::new(rig.twin.clone()));
            let halo = Halo::new(connection, secret, way, rig.clock.clone(), Budget::halo(300));
            assert_eq!(halo.sign_in(Class::Interactive).await.unwrap(), ["all"], "{extras} {base}");
            let told = halo.authinfo(Class::Interactive).await.unwrap();
            let told = format!("{told:?}");
            assert!(told.contains(&format!("{ORIGIN}{base}/auth")), "{told}");
            halo.me(Class::Interactive).await.unwrap();
        }
    }
}

#[test]
fn entra_at_the_root_gives_addresses_at_the_root() {
    let rig = Rig::new();
    let tenant = rig.microsoft("tenant_id");
    let metadata = |prefix: &str| get(&rig, &format!("{prefix}/{tenant}/v2.0/.well-known/openid-configuration"));
    for prefix in ["", "/entra"] {
        let told = metadata(prefix);
        assert_eq!(told.text("/token_endpoint"), format!("{ORIGIN}{prefix}/{tenant}/oauth2/v2.0/token"));
        assert_eq!(told.text("/issuer"), format!("{ORIGIN}{prefix}/{tenant}/v2.0"));
        let path = told.text("/jwks_uri").strip_prefix(ORIGIN).unwrap().to_owned();
        assert_eq!(get(&rig, &path).status, 200, "{path}");
    }
}

#[test]
fn instance_discovery_names_the_tenant_that_was_asked_for() {
    let rig = Rig::new();
    let tenant = rig.microsoft("tenant_id");
    let ask = |asked: &str, prefix: &str, inner: &str| {
        let endpoint = format!("https%3A%2F%2Flogin.example%2F{inner}{tenant}%2Foauth2%2Fv2.0%2Fauthorize");
        let path = format!("{prefix}/{asked}/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}");
        get(&rig, &path).text("/tenant_discovery_endpoint").to_owned()
    };
    let below = format!("{ORIGIN}/entra/{tenant}/v2.0/.well-known/openid-configuration");
    let at_root = format!("{ORIGIN}/{tenant}/v2.0/.well-known/openid-configuration");
    assert_eq!(ask("common", "/entra", "entra%2F"), below);
    assert_eq!(ask("common", "", ""), at_root);
    assert_eq!(ask("common", "", "entra%2F"), below, "as the authority was written, not as this call was sent");
    let plain = get(&rig, "/entra/common/discovery/instance?api-version=1.1");
    assert!(plain.text("/tenant_discovery_endpoint").contains("/entra/common/v2.0/"));
    let odd = get(&rig, "/common/discovery/instance?authorization_endpoint=nonsense");
    assert!(odd.text("/tenant_discovery_endpoint").starts_with(&format!("{ORIGIN}/common/")), "{:?}", odd.body);
}

#[test]
fn the_twin_can_be_told_the_address_it_is_known_by() {
    let folder = tempfile::tempdir().unwrap();
    let start = |origin: &[&str], variable: Option<&str>| {
        let mut command = program();
        command
            .args(["twin", "--listen", "127.0.0.1:0", "--json", "--workspaces", "1", "--incidents", "3"])
            .args(origin);
        if let Some(value) = variable {
            command.env("HALOBRIDGE_TWIN_ORIGIN", value);
        }
        Process::start(command, &folder.path().join("errors"))
    };
    let public = "https://twin.example:8443";
    for process in [start(&["--origin", "https://twin.example:8443/"], None), start(&[], Some(public))] {
        let line: Value = serde_json::from_str(&process.line("{").unwrap()).unwrap();
        assert_eq!(line["microsoft"]["authority"], format!("{public}/entra"));
        assert_eq!(line["halo"]["auth"], format!("{public}/halo/auth"));
        assert_eq!(line["admin"], format!("{public}/admin"));
    }
    for wrong in ["twin.example", "ftp://twin.example", "https://twin.example/below"] {
        assert_eq!(start(&["--origin", wrong], None).line("{"), None, "{wrong}");
    }
    let said = std::fs::read_to_string(folder.path().join("errors")).unwrap();
    assert!(said.contains("--origin"), "{said}");
}

#[test]
fn a_switch_that_is_a_list_is_set_by_the_option_and_by_the_variable() {
    let folder = tempfile::tempdir().unwrap();
    let start = |args: &[&str], variable: &str| {
        let mut command = program();
        command.args(["twin", "--listen", "127.0.0.1:0", "--json"]).args(args);
        command.env("HALOBRIDGE_TWIN_SWITCHES", variable);
        Process::start(command, &folder.path().join("errors")).line("{")
    };
    for wrong in ["Tickets", "forbidden=Tickets,nonsense=1"] {
        assert_eq!(start(&[], wrong), None, "{wrong}");
    }
    let told = std::fs::read_to_string(folder.path().join("errors")).unwrap();
    assert!(told.contains("a switch is NAME=VALUE, not \"Tickets\""), "{told}");
    assert!(told.contains("there is no switch \"nonsense\""), "{told}");
    // A wrong word in such a list would be refused, or would be taken for a switch of its own.
    assert!(start(&[], "page_default=2,forbidden=Tickets,Actions,defender=true").is_some());
    assert!(start(&["--switch", "forbidden=Tickets,Actions", "--switch", "defender=true"], "").is_some());
}

#[test]
fn addresses_in_answers_are_under_the_stated_origin() {
    let public = "https://twin.example:8443";
    let rig = Rig::with(|options| options.origin = Some(public.into()));
    for n in 1..=3 {
        rig.make(&crate::twin_microsoft::guid(n), crate::twin_microsoft::plain());
    }
    let page = rig.sentinel("GET", "incidents?$top=1", None);
    assert!(page.text("/nextLink").starts_with(&format!("{public}/arm/subscriptions/")), "{}", page.text("/nextLink"));
    let tenant = rig.microsoft("tenant_id");
    let known = get(&rig, &format!("/entra/{tenant}/v2.0/.well-known/openid-configuration"));
    assert_eq!(known.text("/issuer"), format!("{public}/entra/{tenant}/v2.0"));
    assert_eq!(get(&rig, "/halo/api/authinfo").text("/auth_url"), format!("{public}/halo/auth"));
    assert_eq!(get(&rig, "/admin/connection").text("/microsoft/arm"), format!("{public}/arm"));
}

#[test]
fn the_documentation_names_every_option_and_switch() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/TWIN.md")).unwrap();
    let rig = Rig::new();
    let all = get(&rig, "/admin/switches").body;
    let mut names: Vec<String> = Vec::new();
    for side in [&all["microsoft"], &all["halo"]["halo"]] {
        names.extend(side.as_object().unwrap().keys().map(|name| format!("`{name}`")));
    }
    let help = program().args(["twin", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let options = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
    names.extend(options.map(|option| format!("`{}", option.trim_end_matches([',', '.']))));
    names.retain(|name| {
        !["`--help", "`--version", "`--data-dir", "`--key-file", "`--log", "`--log-format"].contains(&name.as_str())
    });
    assert!(names.len() > 90, "{names:?}");
    let missing: Vec<&String> = names.iter().filter(|name| !text.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
