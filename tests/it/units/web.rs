//! The web layer by its parts.

/// `src/web/compress.rs`.
mod compress {
    use std::io::Read as _;

    use axum::{
        Router,
        body::{Body, Bytes, to_bytes},
        middleware::from_fn,
        routing::get,
    };
    use halobridge::web::compress::pages;
    use http::{HeaderMap, header};
    use tower::ServiceExt as _;

    fn app() -> Router {
        let page = "<p>Linked incidents</p>".repeat(400);
        let html = move || async move { axum::response::Html(page) };
        Router::new()
            .route("/", get(html))
            .route("/short", get(|| async { axum::response::Html("<p>no</p>") }))
            .route("/list", get(|| async { "a,b\n".repeat(1_000) }))
            .layer(from_fn(pages))
    }

    async fn answer(path: &str, accepted: Option<&str>) -> (HeaderMap, Bytes) {
        let mut request = http::Request::get(path);
        if let Some(accepted) = accepted {
            request = request.header(header::ACCEPT_ENCODING, accepted);
        }
        let response = app().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.headers, to_bytes(body, usize::MAX).await.unwrap())
    }

    #[tokio::test]
    async fn a_page_is_small_for_who_takes_it_so_and_whole_for_who_does_not() {
        let (_, plain) = answer("/", None).await;
        let (headers, small) = answer("/", Some("gzip, deflate, br")).await;
        assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
        assert_eq!(headers[header::CONTENT_LENGTH], small.len().to_string().as_str());
        assert_eq!(headers[header::VARY], "accept-encoding");
        let mut again = Vec::new();
        flate2::read::GzDecoder::new(&small[..]).read_to_end(&mut again).unwrap();
        assert_eq!(again, plain);
        assert!(small.len() * 10 < plain.len());
    }

    #[tokio::test]
    async fn what_is_no_page_or_too_short_is_left_alone() {
        for (path, accepted) in [("/", "identity"), ("/", "gzip;q=0"), ("/short", "gzip"), ("/list", "gzip")] {
            let (headers, _) = answer(path, Some(accepted)).await;
            assert!(!headers.contains_key(header::CONTENT_ENCODING), "{path} for {accepted}");
        }
    }
}

/// `src/web/headers.rs`.
mod headers {
    use halobridge::web::headers::policy;

    #[test]
    fn form_targets_cannot_widen_anything_else() {
        let text = policy(&["https://login.example/x;script-src *".into(), "javascript:alert(1)".into()]);
        assert!(text.ends_with("form-action 'self' https://login.example"), "{text}");
    }
}

/// `src/web/health.rs`.
mod health {
    use halobridge::{
        domain::{ids::WorkspaceId, run::RunScope},
        service::{engine_handle::EngineStatus, numbers},
        web::health::draw,
    };

    #[test]
    fn names_come_only_when_asked_for_and_are_escaped() {
        let mut numbers = numbers::Numbers {
            engine: EngineStatus::default(),
            latest: 1,
            deliveries_waiting: 0,
            oldest_waiting_secs: 0,
            queue_lag_secs: 0,
            open: 3,
            dead: 0,
            names: Vec::new(),
            webhooks: [("a", 0), ("b", 0), ("c", 0), ("d", 0)],
            pairs: Vec::new(),
        };
        assert!(!draw(&numbers).contains("source_info"));
        let scope = RunScope::Workspace { id: WorkspaceId(uuid::Uuid::nil()) };
        numbers.names = vec![(scope, "law \"one\"".into(), Some("Back\\slash\nLtd".into()))];
        let text = draw(&numbers);
        let line = text.lines().find(|line| line.starts_with("halobridge_source_info{")).unwrap();
        assert!(line.ends_with(r#",name="law \"one\"",client="Back\\slash\nLtd"} 1"#), "{line}");
    }
}

/// `src/web/csv.rs`.
mod csv {
    use halobridge::web::csv::line;
    use proptest::prelude::*;

    /// Reads a line back, as a spreadsheet would.
    fn read(text: &str) -> Vec<String> {
        let (mut cells, mut quoted) = (vec![String::new()], false);
        let mut letters = text.strip_suffix("\r\n").unwrap().chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    cells.last_mut().unwrap().push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(String::new()),
                letter => cells.last_mut().unwrap().push(letter),
            }
        }
        assert!(!quoted);
        cells
    }

    proptest! {
        #[test]
        fn a_line_reads_back_and_no_cell_begins_a_formula(cells in proptest::collection::vec("[=+\\-@\t\r\n\"',a-z＝ ]{0,8}", 1..5)) {
            let mut text = String::new();
            line(&mut text, cells.iter().map(String::as_str));
            let back = read(&text);
            prop_assert_eq!(back.len(), cells.len());
            for (back, cell) in back.iter().zip(&cells) {
                prop_assert!(!back.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝']));
                prop_assert!(back == cell || back.strip_prefix('\'') == Some(cell));
            }
        }
    }
}

/// `src/web/options.rs`.
mod options {
    use halobridge::web::WebOptions;
    use url::Url;

    #[test]
    fn entra_is_told_localhost_for_loopback_http_only() {
        for (public, redirect, cookie) in [
            ("http://127.0.0.1:8080", "http://localhost:8080/connections/callback", "halobridge"),
            ("http://[::1]:8080/", "http://localhost:8080/connections/callback", "halobridge"),
            ("https://bridge.example.com", "https://bridge.example.com/connections/callback", "__Host-halobridge"),
            ("http://192.0.2.7:8080", "http://192.0.2.7:8080/connections/callback", "halobridge"),
        ] {
            let options = WebOptions::at(Url::parse(public).unwrap());
            assert_eq!((options.redirect_uri().as_str(), options.cookie_name()), (redirect, cookie), "{public}");
        }
    }
}

/// `src/web/form.rs`.
mod form {
    use halobridge::web::form::*;

    #[test]
    fn reads_forms() {
        let form = Posted::parse(b"name=+Ada+&password=+a%26b+&name=second&on=");
        assert_eq!((form.text("name"), form.exact("password"), form.text("none")), ("Ada", " a&b ", ""));
        assert!(form.ticked("on") && !form.ticked("off"));
    }

    #[test]
    fn only_own_paths_are_followed() {
        for (wanted, path) in [
            ("/incidents?status=open", "/incidents?status=open"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(local_path(wanted), path);
        }
    }
}

/// `src/web/guard.rs`.
mod guard {
    use halobridge::web::guard::is_own;
    use http::{HeaderMap, HeaderValue};
    use url::Url;

    #[test]
    fn only_our_own_pages_may_change_things() {
        let table: [(&[(&str, &str)], bool); 14] = [
            (&[], true),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")], true),
            (&[("host", "localhost:8080"), ("origin", "http://localhost:8080")], true),
            (&[("host", "inner:80"), ("origin", "https://bridge.example.com")], true),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8081")], false),
            (&[("host", "127.0.0.1:8080"), ("origin", "https://evil.example")], false),
            (&[("host", "127.0.0.1:8080"), ("origin", "null")], false),
            (&[("host", "127.0.0.1:8080"), ("origin", "")], false),
            (&[("origin", "http://127.0.0.1:8080")], false),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-origin"), ("host", "a"), ("origin", "https://evil.example")], false),
        ];
        let public = Url::parse("https://bridge.example.com/").unwrap();
        for (pairs, expected) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_own(&headers, &public), expected, "{pairs:?}");
        }
    }
}
