//! Point 13: authorize, token, keys, refusals.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Got, ORIGIN, Rig};

const REDIRECT: &str = "http://localhost:5000/back";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rule-of-43-characters";
const SCOPE: &str = "openid profile offline_access https://management.azure.com/user_impersonation https://api.loganalytics.io/Data.Read";

fn authorize(rig: &Rig, tenant: &str, more: &[(&str, &str)]) -> url::Url {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs([
        ("client_id", rig.microsoft("client_id")),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", SCOPE),
        ("state", "s-1"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    query.extend_pairs(more);
    let got = rig.raw(
        "GET",
        &format!("{ORIGIN}/entra/{tenant}/oauth2/v2.0/authorize?{}", query.finish()),
        &[],
        bytes::Bytes::new(),
    );
    assert_eq!(got.status, 302);
    got.reply.header("location").unwrap().parse().unwrap()
}

fn pair(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn redeem(rig: &Rig, tenant: &str, code: &str, verifier: &str) -> Got {
    let scope = "openid profile offline_access https://management.azure.com/user_impersonation";
    rig.form(
        tenant,
        &[
            ("grant_type", "authorization_code"),
            ("client_id", rig.microsoft("client_id")),
            ("client_secret", rig.microsoft("client_secret")),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
            ("scope", scope),
        ],
    )
}

fn refresh(rig: &Rig, tenant: &str, token: &str, scope: &str) -> Got {
    rig.form(
        tenant,
        &[
            ("grant_type", "refresh_token"),
            ("client_id", rig.microsoft("client_id")),
            ("client_secret", rig.microsoft("client_secret")),
            ("refresh_token", token),
            ("scope", scope),
        ],
    )
}

fn codes(got: &Got) -> (u16, &str, u64) {
    (got.status, got.text("/error"), got.body["error_codes"][0].as_u64().unwrap())
}

#[test]
fn a_code_is_redeemed_once_with_its_verifier() {
    let rig = Rig::new();
    let back = authorize(&rig, "organizations", &[]);
    assert_eq!(pair(&back, "state").as_deref(), Some("s-1"));
    let code = pair(&back, "code").unwrap();
    assert_eq!(codes(&redeem(&rig, "organizations", &code, "wrong")), (400, "invalid_grant", 501_481));
    let got = redeem(&rig, "organizations", &code, VERIFIER);
    assert_eq!(got.status, 200);
    let life = got.body["expires_in"].as_i64().unwrap();
    assert!((3_600..=5_400).contains(&life));
    assert_eq!(codes(&redeem(&rig, "organizations", &code, VERIFIER)), (400, "invalid_grant", 54_005));
    assert_eq!(rig.arm_as(got.text("/access_token"), "GET", "/subscriptions", None).status, 200);
    let late = pair(&authorize(&rig, "organizations", &[]), "code").unwrap();
    rig.pass(601);
    assert_eq!(codes(&redeem(&rig, "organizations", &late, VERIFIER)), (400, "invalid_grant", 70_008));
}

#[test]
fn the_id_token_is_signed_by_the_published_key() {
    let rig = Rig::new();
    let tenant = rig.microsoft("tenant_id").to_owned();
    let code = pair(&authorize(&rig, &tenant, &[]), "code").unwrap();
    let got = redeem(&rig, &tenant, &code, VERIFIER);
    let id_token = got.text("/id_token");
    let keys = rig.raw("GET", &format!("{ORIGIN}/entra/{tenant}/discovery/v2.0/keys"), &[], bytes::Bytes::new());
    assert!(halobridge::twin::microsoft::entra::keys::verified_by(id_token, &keys.body["keys"][0]));
    let broken = format!("{}x.{}", id_token.rsplit_once('.').unwrap().0, id_token.rsplit_once('.').unwrap().1);
    assert!(!halobridge::twin::microsoft::entra::keys::verified_by(&broken, &keys.body["keys"][0]));
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(
        (claims["nonce"].as_str(), claims["tid"].as_str(), claims["ver"].as_str()),
        (Some("n-1"), Some(tenant.as_str()), Some("2.0"))
    );
    let metadata = rig.raw(
        "GET",
        &format!("{ORIGIN}/entra/{tenant}/v2.0/.well-known/openid-configuration"),
        &[],
        bytes::Bytes::new(),
    );
    assert_eq!(metadata.body["issuer"], claims["iss"]);
    let any = rig.raw(
        "GET",
        &format!("{ORIGIN}/entra/organizations/v2.0/.well-known/openid-configuration"),
        &[],
        bytes::Bytes::new(),
    );
    assert!(any.text("/issuer").contains("{tenantid}"));
}

#[test]
fn one_token_one_resource_and_old_refresh_tokens_stay_valid() {
    let rig = Rig::with(|options| options.tenants = 2);
    let guest = "mona.operator@contoso.example";
    let code = pair(&authorize(&rig, "organizations", &[("login_hint", guest)]), "code").unwrap();
    let first = redeem(&rig, "organizations", &code, VERIFIER);
    let old = first.text("/refresh_token").to_owned();
    let logs = refresh(&rig, "organizations", &old, "https://api.loganalytics.io/Data.Read");
    assert_eq!(logs.status, 200);
    assert_eq!(rig.arm_as(logs.text("/access_token"), "GET", "/subscriptions", None).status, 401);
    assert!(logs.body.get("refresh_token").is_none(), "only with offline_access");
    let again = refresh(&rig, "organizations", &old, "offline_access https://management.azure.com/.default");
    assert_ne!(again.text("/refresh_token"), old);
    let other = rig.connection.pointer("/microsoft/tenants/1/tenant_id").unwrap().as_str().unwrap().to_owned();
    assert_eq!(
        refresh(&rig, &other, &old, "https://management.azure.com/.default").status,
        200,
        "a guest redeems it at another tenant"
    );
    let both = refresh(
        &rig,
        "organizations",
        &old,
        "https://management.azure.com/.default https://api.loganalytics.io/.default",
    );
    assert_eq!(both.status, 400);
    rig.act("user.revoke", json!({"user": guest}));
    assert_eq!(
        codes(&refresh(&rig, "organizations", &old, "https://management.azure.com/.default")),
        (400, "invalid_grant", 50_173)
    );
}

#[test]
fn refresh_tokens_die_of_ninety_days_without_use() {
    let rig = Rig::new();
    let code = pair(&authorize(&rig, "organizations", &[]), "code").unwrap();
    let token = redeem(&rig, "organizations", &code, VERIFIER).text("/refresh_token").to_owned();
    rig.pass(80 * 86_400);
    assert_eq!(refresh(&rig, "organizations", &token, "https://management.azure.com/.default").status, 200);
    rig.pass(80 * 86_400);
    assert_eq!(
        refresh(&rig, "organizations", &token, "https://management.azure.com/.default").status,
        200,
        "the ninety days slide"
    );
    rig.pass(91 * 86_400);
    assert_eq!(
        codes(&refresh(&rig, "organizations", &token, "https://management.azure.com/.default")),
        (400, "invalid_grant", 700_082)
    );
}

#[test]
fn wrong_clients_scopes_and_forms_are_told_apart() {
    let rig = Rig::new();
    let (tenant, id, secret) = (rig.microsoft("tenant_id"), rig.microsoft("client_id"), rig.microsoft("client_secret"));
    let scope = "https://management.azure.com/.default";
    let ask = |id: &str, secret: &str, scope: &str| {
        rig.form(
            tenant,
            &[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret), ("scope", scope)],
        )
    };
    assert_eq!(codes(&ask(id, "wrong", scope)), (401, "invalid_client", 7_000_215));
    assert_eq!(
        codes(&ask("00000000-0000-0000-0000-000000000000", secret, scope)),
        (400, "unauthorized_client", 700_016)
    );
    assert_eq!(codes(&ask(id, secret, "https://nowhere.example/.default")), (400, "invalid_resource", 500_011));
    assert_eq!(codes(&rig.form(tenant, &[("client_id", id)])), (400, "invalid_request", 900_144));
    rig.switch("log_analytics_missing", "on");
    assert_eq!(codes(&ask(id, secret, "https://api.loganalytics.io/.default")), (400, "invalid_resource", 650_052));
    rig.act("tokens.script", json!({"codes": [50_057, 90_033]}));
    assert_eq!(codes(&ask(id, secret, scope)), (400, "invalid_grant", 50_057));
    assert_eq!(ask(id, secret, scope).status, 503);
    assert_eq!(ask(id, secret, scope).status, 200);
}

#[test]
fn the_sign_in_page_can_refuse_and_can_ask() {
    let rig = Rig::new();
    rig.switch("authorize_error", "access_denied");
    assert_eq!(pair(&authorize(&rig, "organizations", &[]), "error").as_deref(), Some("access_denied"));
    rig.switch("authorize_error", "");
    rig.switch("consent_missing", "on");
    assert_eq!(pair(&authorize(&rig, "organizations", &[]), "error").as_deref(), Some("consent_required"));
    let consent = format!(
        "{ORIGIN}/entra/{}/v2.0/adminconsent?client_id={}&redirect_uri={REDIRECT}&state=s",
        rig.microsoft("tenant_id"),
        rig.microsoft("client_id")
    );
    let got = rig.raw("GET", &consent, &[], bytes::Bytes::new());
    assert!(got.reply.header("location").unwrap().contains("admin_consent=True"));
    rig.switch("auto_approve", "off");
    let page = format!(
        "{ORIGIN}/entra/organizations/oauth2/v2.0/authorize?client_id={}&response_type=code&redirect_uri={REDIRECT}&scope=openid",
        rig.microsoft("client_id")
    );
    let got = rig.raw("GET", &page, &[], bytes::Bytes::new());
    assert_eq!(got.status, 200);
    assert!(String::from_utf8_lossy(&got.reply.body).contains("Ana Analyst"));
    let wrong = page.replace("localhost:5000", "evil.example");
    assert_eq!(rig.raw("GET", &wrong, &[], bytes::Bytes::new()).status, 400);
}

#[test]
fn multi_factor_sign_in_is_demanded_for_writes_and_claims_are_challenged() {
    let rig = Rig::new();
    rig.switch("mfa_on_writes", "on");
    let sign_in = |more: &[(&str, &str)]| {
        let code = pair(&authorize(&rig, "organizations", more), "code").unwrap();
        redeem(&rig, "organizations", &code, VERIFIER)
    };
    let path = format!("{}/providers/Microsoft.SecurityInsights/incidents/{}", rig.workspace, super::guid(1));
    let write = |token: &str| rig.arm_as(token, "PUT", &path, Some(json!({"properties": super::plain()})));
    let plain = sign_in(&[]);
    let refused = write(plain.text("/access_token"));
    assert_eq!(refused.status, 401);
    let header = refused.reply.header("www-authenticate").unwrap();
    assert!(header.contains("insufficient_claims") && header.contains("claims=\""), "{header}");
    assert_eq!(
        rig.arm_as(plain.text("/access_token"), "GET", "/subscriptions", None).status,
        200,
        "reads are untouched"
    );
    assert_eq!(write(sign_in(&[("claims", "{}")]).text("/access_token")).status, 201);
    assert_eq!(write(&rig.token).status, 200, "an application needs none");
    rig.switch("mfa_on_sign_in", "on");
    let got = sign_in(&[]);
    assert_eq!(codes(&got), (400, "interaction_required", 50_076));
    assert!(got.body.get("claims").is_some());
}

/// An assertion of the application whose signature nobody can check.
fn assertion(rig: &Rig, more: Value) -> String {
    let mut claims = json!({
        "iss": rig.microsoft("client_id"), "sub": rig.microsoft("client_id"), "jti": "1",
        "aud": format!("{ORIGIN}/entra/{}/oauth2/v2.0/token", rig.microsoft("tenant_id")),
    });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(&json!({"alg": "RS256"})), part(&claims), URL_SAFE_NO_PAD.encode("signature"))
}

fn asserted(rig: &Rig, assertion: &str) -> Got {
    rig.form(
        rig.microsoft("tenant_id"),
        &[
            ("grant_type", "client_credentials"),
            ("client_id", rig.microsoft("client_id")),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
            ("scope", "https://management.azure.com/.default"),
        ],
    )
}

#[test]
fn an_assertion_may_end_at_a_fraction_of_a_second() {
    let rig = Rig::new();
    rig.switch("any_certificate", "on");
    let now = rig.twin.now().as_second();
    for end in [json!(now + 600), json!(now as f64 + 600.5), json!(now as f64 + 0.75)] {
        assert_eq!(asserted(&rig, &assertion(&rig, json!({"exp": end}))).status, 200, "{end}");
    }
    for end in [json!(now), json!(now as f64 + 0.25), json!("tomorrow"), Value::Null] {
        let got = asserted(&rig, &assertion(&rig, json!({"exp": end})));
        assert_eq!(codes(&got), (401, "invalid_client", 700_024), "{end}");
    }
}

#[test]
fn a_certificate_signs_in_once_it_is_registered() {
    use halobridge::twin::microsoft::entra::keys;
    let rig = Rig::new();
    let claims = json!({
        "iss": rig.microsoft("client_id"), "sub": rig.microsoft("client_id"), "jti": "1",
        "aud": format!("{ORIGIN}/entra/{}/oauth2/v2.0/token", rig.microsoft("tenant_id")),
        "exp": rig.twin.now().as_second() + 600,
    });
    let signed = keys::signed(&claims, 0).unwrap();
    assert_eq!(asserted(&rig, &signed).status, 200, "a newcomer need not register one");
    rig.switch("any_certificate", "off");
    assert_eq!(codes(&asserted(&rig, &signed)), (401, "invalid_client", 700_027), "nothing is registered");
    let jwk = keys::jwks(0, "")["keys"][0].clone();
    rig.act("certificate.add", json!({ "jwk": jwk }));
    assert_eq!(asserted(&rig, &signed).status, 200);
    rig.switch("any_certificate", "on");
    let (text, _) = signed.rsplit_once('.').unwrap();
    let forged = format!("{text}.{}", URL_SAFE_NO_PAD.encode("signature"));
    assert_eq!(codes(&asserted(&rig, &forged)), (401, "invalid_client", 700_027));
    let listed = rig.raw("GET", &format!("{ORIGIN}/admin"), &[], bytes::Bytes::new());
    assert!(listed.body.to_string().contains("certificate.add"), "{:#}", listed.body);
}

#[test]
fn a_certificate_verifies_both_signatures_that_the_libraries_make() {
    use halobridge::twin::microsoft::entra::keys::verified_by;
    let jwk = json!({"kty": "RSA", "e": "AQAB", "n": "yh9RwnU0lOxOJf1naoHBa8Jm2ifX1Ty-PBPXkwwlCYGXeW1p1S5JKL3DXQBkWxq88-GI2ZsMhrBACHyHHCnoGS4_-2_XZrOQXbDaNwrV50TKrcx2AHhFjuuS8K7DbFdRh8R5twZVwCoiioyunPKmUcBwxwr0_vjqFlR2-343KGIFKRLSz4tb7Fv6jvgbmeVdSt25YJeJDZ8R26pg8gTdeK0bpquO9AOOxfqDBD-zoMmuesukqC5EPu_gkCUXbLlbdkvPXOeuohh3prauZ1tME5mJgvHE9eGGtSj1-66_kjhEw2ESt3nnxIX1jSb6g6F72Vf0U9Bsnu_1Xg9M77alDQ"});
    let ps256 = "eyJhbGciOiAiUFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAiYXBwIn0.NV0IAZJuDvNE9TUU4NcTfr4wmINuryYWnBgpiKqTbo05FXOXi2nn0uVBnDhQfeymPEM68msm-bTtuiYCXDZvO_g7c78fNPXXpDwNcYPjROv7HbMq2UI51qvP3OwrbEFBijVZeWLSEz8VlS6LYzwIS5SPx8U_rPsC9RbcnBv6-MNK9C0IRL24NPIzxYxmGwtcBHCq2ZiG3v9KGzy_3u-tny0tMWoSX2NiTg6VOgTQt3U367za_HIkWsKpYPJrSpcmt8PloBufxdeZhs6_pWspzn_nLxyCMxE2eo1KNZI5H6hKldqDtc1-di5ctRixKCL9VlOswUQyzkAS_n8pxaWnHQ";
    let rs256 = "eyJhbGciOiAiUlMyNTYiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAiYXBwIn0.Mut5m-ooi5qIiiJSadsEv9H9wUoI8SlDczR43XUhxzQVPceVkwgLK9KlXsR2scHeBUViTfPWW8t5GPmdyMyAaw_mlWaL8aOYbU0BoDCTfb3FSo38DK4reSnDIWDn3-ma1tZmmATQ5RE3BwmSTOo7zKB7j0gpkelpZCiM809Q8Ryp5w6cD7T_ZEkFsGToOCSkrk4AvIzgzJmApR5BFvdvPme0uBuGgfqM2XXMT3ZZbxqVWeRQNuXtcW2QCiuMIeL4WDgFc0_61k8YBsomTH5J6llm9kN-VK9YcjGYlEeyW8HOYDfYZOe3SD9b7-EMLywipqkXvISol2C7dJ1QQq-6tg";
    assert!(verified_by(rs256, &jwk) && verified_by(ps256, &jwk));
    // A signature counts only under the name its own header gives it.
    let swapped = format!("{}.{}", rs256.rsplit_once('.').unwrap().0, ps256.rsplit_once('.').unwrap().1);
    assert!(!verified_by(&swapped, &jwk));
    let nameless = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    assert!(!verified_by(&format!("{nameless}.{}", rs256.split_once('.').unwrap().1), &jwk));
}

#[test]
fn a_claims_challenge_ends_with_a_new_token() {
    let rig = Rig::new();
    let code = pair(&authorize(&rig, "organizations", &[]), "code").unwrap();
    let first = redeem(&rig, "organizations", &code, VERIFIER);
    let ask = |token: &str| rig.arm_as(token, "GET", "/subscriptions", None).status;
    for round in ["switch", "act"] {
        match round {
            "switch" => rig.switch("claims_challenge", "on"),
            _ => drop(rig.act("tokens.challenge", json!({}))),
        }
        assert_eq!(ask(first.text("/access_token")), 401, "{round}");
        let scope = "offline_access https://management.azure.com/.default";
        let next = refresh(&rig, "organizations", first.text("/refresh_token"), scope);
        assert_eq!(ask(next.text("/access_token")), 200, "{round}");
        assert_eq!(ask(&rig.token), 200, "an application is not asked");
    }
    rig.twin.with(|world, _| world.microsoft.set_switch("claims_challenge", "off")).unwrap();
    assert_eq!(ask(first.text("/access_token")), 200, "off again");
}

#[test]
fn a_refused_sign_in_says_its_own_reason() {
    let rig = Rig::new();
    for (error, number) in [
        ("access_denied", "AADSTS65004"),
        ("consent_required", "AADSTS65001"),
        ("interaction_required", "AADSTS50076"),
        ("login_required", "AADSTS50058"),
        ("server_error", "AADSTS90033"),
        ("temporarily_unavailable", "AADSTS90033"),
    ] {
        rig.switch("authorize_error", error);
        let back = authorize(&rig, "organizations", &[]);
        assert_eq!(pair(&back, "error").as_deref(), Some(error));
        let said = pair(&back, "error_description").unwrap();
        assert!(said.starts_with(number), "{error}: {said}");
    }
}

/// A device code for the management API.
fn device(rig: &Rig, tenant: &str) -> Got {
    let scope = "openid profile offline_access https://management.azure.com/user_impersonation";
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", rig.microsoft("client_id")), ("scope", scope)])
        .finish();
    rig.raw("POST", &format!("{ORIGIN}/entra/{tenant}/oauth2/v2.0/devicecode"), &[], form.into())
}

/// Asks for the token of a device code, with the secret or, as a public client does, without.
fn poll(rig: &Rig, tenant: &str, code: &str, secret: bool) -> Got {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let mut form = vec![("grant_type", grant), ("client_id", rig.microsoft("client_id")), ("device_code", code)];
    if secret {
        form.push(("client_secret", rig.microsoft("client_secret")));
    }
    rig.form(tenant, &form)
}

#[test]
fn a_device_code_is_redeemed_once_and_for_a_quarter_of_an_hour() {
    let rig = Rig::new();
    let tenant = rig.microsoft("tenant_id");
    let metadata = rig.raw(
        "GET",
        &format!("{ORIGIN}/entra/{tenant}/v2.0/.well-known/openid-configuration"),
        &[],
        bytes::Bytes::new(),
    );
    let endpoint = format!("{ORIGIN}/entra/{tenant}/oauth2/v2.0/devicecode");
    assert_eq!(metadata.text("/device_authorization_endpoint"), endpoint);
    let given = device(&rig, tenant);
    assert_eq!((given.status, &given.body["expires_in"], &given.body["interval"]), (200, &json!(900), &json!(5)));
    assert!(given.text("/message").contains(given.text("/user_code")), "{:#}", given.body);
    assert!(given.text("/message").contains(given.text("/verification_uri")), "{:#}", given.body);
    let code = given.text("/device_code");
    assert_eq!(codes(&poll(&rig, tenant, "another", true)), (400, "bad_verification_code", 70_018));
    let got = poll(&rig, tenant, code, true);
    assert_eq!(rig.arm_as(got.text("/access_token"), "GET", "/subscriptions", None).status, 200);
    assert!(got.body["refresh_token"].is_string() && got.body["id_token"].is_string(), "{:#}", got.body);
    assert_eq!(codes(&poll(&rig, tenant, code, true)), (400, "bad_verification_code", 70_018));
    let late = device(&rig, tenant);
    rig.pass(901);
    assert_eq!(codes(&poll(&rig, tenant, late.text("/device_code"), true)), (400, "expired_token", 70_020));
}

#[test]
fn a_device_code_waits_for_a_person_where_sign_in_needs_a_click() {
    let rig = Rig::new();
    rig.switch("auto_approve", "off");
    let tenant = rig.microsoft("tenant_id");
    let page = |given: &Got, more: &str| {
        let url = format!("{}?user_code={}{more}", given.text("/verification_uri"), given.text("/user_code"));
        let got = rig.raw("GET", &url, &[], bytes::Bytes::new());
        (got.status, String::from_utf8_lossy(&got.reply.body).into_owned())
    };
    let given = device(&rig, tenant);
    let code = given.text("/device_code");
    assert_eq!(codes(&poll(&rig, tenant, code, true)), (400, "authorization_pending", 70_016));
    let (status, shown) = page(&given, "");
    assert!(status == 200 && shown.contains("Ana Analyst"), "{shown}");
    assert_eq!(codes(&poll(&rig, tenant, code, true)), (400, "authorization_pending", 70_016));
    assert_eq!(page(&given, "&user=ana.analyst@contoso.example").0, 200);
    assert_eq!(page(&given, "").0, 400, "it was entered");
    let got = poll(&rig, tenant, code, true);
    let claims = got.text("/id_token").split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["preferred_username"], "ana.analyst@contoso.example");
    let other = device(&rig, tenant);
    assert_eq!(page(&other, "&cancel=1").0, 200);
    let declined = poll(&rig, tenant, other.text("/device_code"), true);
    assert_eq!(codes(&declined), (400, "authorization_declined", 65_004));
}

#[test]
fn a_public_client_needs_no_secret_for_what_people_grant() {
    let rig = Rig::new();
    let (tenant, id) = (rig.microsoft("tenant_id"), rig.microsoft("client_id"));
    let code = || pair(&authorize(&rig, tenant, &[]), "code").unwrap();
    let redeemed = |more: &[(&str, &str)]| {
        let code = code();
        let mut form =
            vec![("grant_type", "authorization_code"), ("client_id", id), ("code", &*code), ("redirect_uri", REDIRECT)];
        form.extend_from_slice(more);
        rig.form(tenant, &form)
    };
    let waits = device(&rig, tenant);
    let waits = waits.text("/device_code");
    let no_secret = (401, "invalid_client", 7_000_218);
    assert_eq!(codes(&poll(&rig, tenant, waits, false)), no_secret);
    assert_eq!(codes(&redeemed(&[("code_verifier", VERIFIER)])), no_secret);
    rig.switch("public_client", "on");
    let got = poll(&rig, tenant, waits, false);
    assert_eq!(got.status, 200, "{:#}", got.body);
    assert_eq!(redeemed(&[("code_verifier", VERIFIER)]).status, 200);
    assert_eq!(codes(&redeemed(&[])), no_secret, "nothing proves who asks");
    let again = [("grant_type", "refresh_token"), ("client_id", id), ("refresh_token", got.text("/refresh_token"))];
    assert_eq!(rig.form(tenant, &again).status, 200);
    let alone =
        [("grant_type", "client_credentials"), ("client_id", id), ("scope", "https://management.azure.com/.default")];
    assert_eq!(codes(&rig.form(tenant, &alone)), no_secret, "an application alone has nothing but its secret");
    let wrong = [alone[0], alone[1], alone[2], ("client_secret", "wrong")];
    assert_eq!(codes(&rig.form(tenant, &wrong)), (401, "invalid_client", 7_000_215));
}

#[test]
fn what_is_posted_to_entra_is_answered_in_json() {
    let rig = Rig::new();
    let tenant = rig.microsoft("tenant_id");
    let post = |rest: &str, form: &'static str| {
        rig.raw("POST", &format!("{ORIGIN}/entra/{tenant}/oauth2/{rest}"), &[], form.into())
    };
    assert_eq!(codes(&post("v2.0/nonsense", "")), (404, "invalid_request", 90_023));
    assert_eq!(codes(&post("v2.0/devicecode", "scope=openid")), (400, "invalid_request", 900_144));
    assert_eq!(codes(&post("v2.0/devicecode", "scope=openid&client_id=x")), (400, "unauthorized_client", 700_016));
    let elsewhere = device(&rig, "nowhere.example");
    assert_eq!(codes(&elsewhere), (400, "invalid_request", 90_002));
}
