use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use halobridge::twin::limits::Limits;
use serde_json::{Value, json};

use super::{both, json_of};

#[test]
fn a_token_lets_in_until_it_expires() {
    both(|mut rig| {
        let (status, body) = rig.sign_in("all");
        assert_eq!((status, &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(3600)));
        rig.token = body["access_token"].as_str().unwrap().to_owned();
        assert_eq!(rig.get("/Agent/me").0, 200);
        rig.advance(3601);
        let token = rig.token.clone();
        let reply = rig.raw("GET", "/Agent/me", b"", &token);
        assert_eq!((reply.status, reply.body.len()), (401, 0));
        assert!(reply.headers.iter().any(|(name, _)| name == "www-authenticate"));
        assert_eq!(rig.raw("GET", "/Tickets", b"", "").status, 401);
    });
}

#[test]
fn wrong_credentials_scopes_tenants_and_bodies_are_told_apart() {
    both(|mut rig| {
        let id = rig.halo.setup().oauth_client_id.clone();
        let form =
            [("grant_type", "client_credentials"), ("client_id", &*id), ("client_secret", "no"), ("scope", "all")];
        let reply = rig.auth("POST", "/token", &form);
        assert_eq!((reply.status, json_of(&reply)["error"].as_str()), (401, Some("invalid_client")));
        assert!(json_of(&reply)["error_description"].is_string());
        for scope in ["read:users", "read:agents all", "everything"] {
            assert_eq!(rig.sign_in(scope).1["error"], "invalid_scope", "{scope}");
            assert_eq!(rig.sign_in(scope).0, 400);
        }
        assert_eq!(rig.sign_in("read:tickets edit:tickets read:customers read:teams").0, 200);
        let secret = rig.halo.setup().client_secret.clone();
        let form =
            [("grant_type", "client_credentials"), ("client_id", &*id), ("client_secret", &*secret), ("scope", "all")];
        assert_eq!(rig.auth("POST", "/token?tenant=other", &form).status, 500);
        assert_eq!(rig.auth("POST", "/token", &form).status, 200, "the tenant may be left out");
        assert_eq!(json_of(&rig.auth("POST", "/token", &[])).get("error"), Some(&json!("invalid_request")));
        assert_eq!(
            json_of(&rig.auth("POST", "/token", &[("grant_type", "magic"), ("client_id", &*id)]))["error"],
            "unsupported_grant_type"
        );
    });
}

#[test]
fn scopes_and_forbidden_modules_give_an_empty_403() {
    both(|mut rig| {
        rig.token = rig.sign_in("read:tickets read:customers").1["access_token"].as_str().unwrap().to_owned();
        assert_eq!(rig.get("/Tickets").0, 200);
        assert_eq!(rig.get("/Client").0, 200);
        for look_up in ["/Agent", "/Status", "/Team", "/Priority", "/Agent/me"] {
            assert_eq!(rig.get(look_up).0, 200, "{look_up} needs no scope of its own");
        }
        let token = rig.token.clone();
        let reply = rig.raw("POST", "/Tickets", b"[{\"summary\":\"x\"}]", &token);
        assert_eq!((reply.status, reply.body.len()), (403, 0));
        assert_eq!(rig.raw("GET", "/Webhook", b"", &token).status, 403);
        rig.switch("forbidden", "Actions");
        assert_eq!(rig.raw("GET", "/Actions?ticket_id=1", b"", &token).status, 403);
    });
}

#[test]
fn discovery_needs_no_token() {
    both(|mut rig| {
        let info = rig.raw("GET", "/authinfo", b"", "");
        assert_eq!(json_of(&info)["auth_url"], "http://127.0.0.1:9000/halo/auth");
        assert_eq!(json_of(&info)["tenant_id"], "acme");
        let known = json_of(&rig.auth("GET", "/.well-known/openid-configuration", &[]));
        assert_eq!(known["token_endpoint"], "http://127.0.0.1:9000/halo/auth/token");
        assert_eq!(known["issuer"], "http://127.0.0.1:9000/halo/auth", "strict libraries compare it letter by letter");
    });
}

#[test]
fn what_stands_beside_an_access_token_is_a_switch() {
    both(|mut rig| {
        let body = rig.sign_in("all").1;
        assert!(body["refresh_token"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        let parts: Vec<&str> = body["id_token"].as_str().unwrap().split('.').collect();
        assert_eq!(parts.len(), 3, "{body}");
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        // The claims and the issuer that OAuth libraries look at in any id_token they are handed.
        assert_eq!(claims["iss"], "http://127.0.0.1:9000/halo/auth");
        assert_eq!(claims["aud"], json!(rig.halo.setup().oauth_client_id));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
        assert!(claims["sub"].is_string());
        rig.switch("token_extras", "empty");
        let body = rig.sign_in("all").1;
        assert_eq!((&body["refresh_token"], &body["id_token"]), (&json!(""), &json!("")));
        rig.switch("token_extras", "absent");
        let body = rig.sign_in("all").1;
        assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none(), "{body}");
        assert!(rig.halo.set_switch("token_extras", "sometimes").unwrap_err().contains("token_extras"));
    });
}

#[test]
fn people_sign_in_by_password_or_code_and_refresh() {
    both(|mut rig| {
        let id = rig.halo.setup().oauth_client_id.clone();
        let by_password = [
            ("grant_type", "password"),
            ("client_id", &*id),
            ("username", "li.chen@soc.example"),
            ("password", "agents only"),
            ("scope", "all"),
        ];
        let reply = json_of(&rig.auth("POST", "/token", &by_password));
        rig.token = reply["access_token"].as_str().unwrap().to_owned();
        assert_eq!(rig.ok("/Agent/me")["name"], "Li Chen");
        let old = reply["refresh_token"].as_str().unwrap().to_owned();
        let refresh = [("grant_type", "refresh_token"), ("client_id", &*id), ("refresh_token", &*old)];
        assert_eq!(rig.auth("POST", "/token", &refresh).status, 200);
        assert_eq!(rig.auth("POST", "/token", &refresh).status, 400, "a refresh token works once");

        let target = format!(
            "/authorize?client_id={id}&redirect_uri=http%3A%2F%2Flocalhost%2Fback&state=s1&scope=all&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&login_hint=jonas.weber%40soc.example"
        );
        let reply = rig.auth("GET", &target, &[]);
        let location = &reply.headers.iter().find(|(name, _)| name == "location").unwrap().1;
        assert!(location.starts_with("http://localhost/back?code=") && location.ends_with("&state=s1"), "{location}");
        let code = location.split(['=', '&']).nth(1).unwrap().to_owned();
        let mut form = [
            ("grant_type", "authorization_code"),
            ("client_id", &*id),
            ("code", &*code),
            ("redirect_uri", "http://localhost/back"),
            ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ];
        rig.token = json_of(&rig.auth("POST", "/token", &form))["access_token"].as_str().unwrap().to_owned();
        assert_eq!(rig.ok("/Agent/me")["name"], "Jonas Weber");
        form[4].1 = "another";
        assert_eq!(rig.auth("POST", "/token", &form).status, 400);
    });
}

#[test]
fn a_state_comes_back_where_one_was_sent() {
    both(|mut rig| {
        let id = rig.halo.setup().oauth_client_id.clone();
        for scope in ["all", "nonsense"] {
            let target = format!("/authorize?client_id={id}&redirect_uri=http%3A%2F%2Flocalhost%2Fback&scope={scope}");
            let location = |reply: halobridge::twin::wire::Reply| reply.header("location").unwrap().to_owned();
            let bare = location(rig.auth("GET", &target, &[]));
            assert!(!bare.contains("state="), "{bare}");
            let with = location(rig.auth("GET", &format!("{target}&state=s1"), &[]));
            assert!(with.ends_with("&state=s1"), "{with}");
        }
    });
}

#[test]
fn the_301st_call_of_five_minutes_is_refused_with_a_bare_string() {
    both(|mut rig| {
        // One call is spent on the token.
        for n in 0..299 {
            assert_eq!(rig.get("/Agent/me").0, 200, "{n}");
        }
        let token = rig.token.clone();
        let reply = rig.raw("GET", "/Agent/me", b"", &token);
        assert_eq!(reply.status, 429);
        assert_eq!(json_of(&reply), "Rate Limit Reached - 300 Requests per rolling 5 minute window");
        assert!(!reply.headers.iter().any(|(name, _)| name == "retry-after"));
        rig.switch("rate_retry_after", "on");
        rig.advance(100);
        let reply = rig.raw("GET", "/Agent/me", b"", &token);
        assert!(reply.headers.contains(&("retry-after".into(), "200".into())), "{:?}", reply.headers);
        rig.advance(200);
        assert_eq!(rig.get("/Agent/me").0, 200, "the window rolls");
    });
}

#[test]
fn the_window_and_a_tokens_life_are_as_long_as_they_are_set() {
    both(|mut rig| {
        rig.switch("rate_limit", "3");
        rig.switch("rate_window_ms", "1000");
        rig.advance(2);
        let statuses: Vec<u16> = (0..4).map(|_| rig.get("/Agent/me").0).collect();
        assert_eq!(statuses, [200, 200, 200, 429]);
        rig.advance(1);
        assert_eq!(rig.get("/Agent/me").0, 200);
        rig.advance(2);
        rig.switch("token_lifetime_s", "60");
        let (_, body) = rig.sign_in("all");
        assert_eq!(body["expires_in"], 60);
        rig.token = body["access_token"].as_str().unwrap().to_owned();
        rig.advance(59);
        assert_eq!(rig.get("/Agent/me").0, 200);
        rig.advance(2);
        assert_eq!(rig.get("/Agent/me").0, 401);
    });
}

#[test]
fn limits_can_be_off_or_scaled() {
    both(|mut rig| {
        rig.halo.set_limits(Limits::Scaled(60.0));
        rig.switch("rate_limit", "5");
        for _ in 0..4 {
            assert_eq!(rig.get("/Agent/me").0, 200);
        }
        assert_eq!(rig.get("/Agent/me").0, 429);
        rig.advance(5);
        assert_eq!(rig.get("/Agent/me").0, 200);
        rig.halo.set_limits(Limits::Off);
        for _ in 0..400 {
            assert_eq!(rig.get("/Agent/me").0, 200);
        }
    });
}

#[test]
fn two_instances_know_nothing_of_each_other() {
    both(|mut rig| {
        let other = super::Rig::new(rig.product);
        rig.new_id();
        assert_eq!(other.halo.tickets().count(), 0);
        assert_eq!(rig.halo.tickets().count(), 1);
        // Tokens of one do not open the other.
        let mut stranger = super::Rig::new(rig.product);
        stranger.halo.revoke_tokens();
        assert_eq!(stranger.get("/Agent/me").0, 401);
    });
}

#[test]
fn an_unknown_switch_or_value_is_named() {
    both(|mut rig| {
        assert_eq!(rig.halo.set_switch("no_such", "1"), Ok(false));
        assert!(rig.halo.set_switch("page_cap", "many").unwrap_err().contains("page_cap"));
        for name in ["search_in", "record_count_form", "closed_flag", "numbers", "agents_shape"] {
            assert!(rig.halo.set_switch(name, "nonsense").unwrap_err().contains(name));
        }
        let list = rig.halo.switches();
        assert!(list.len() > 30 && list.iter().all(|s| !s.about.is_empty()));
    });
}
