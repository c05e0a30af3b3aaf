//! The way out by its parts.

/// `src/outbound/exchange.rs`.
mod exchange {
    use halobridge::outbound::exchange::{brief, retry_after};
    use jiff::{SignedDuration, Timestamp};

    #[test]
    fn long_paths_are_named_by_their_end() {
        let arm = "GET /subscriptions/s/resourceGroups/g/providers/Microsoft.SecurityInsights/incidents";
        assert_eq!(brief(arm), "GET …/Microsoft.SecurityInsights/incidents");
        assert_eq!(brief("POST /api/Tickets"), "POST /api/Tickets");
    }

    #[test]
    fn retry_after_names_a_time_to_come_or_nothing() {
        let now: Timestamp = "2026-05-04T09:00:00Z".parse().unwrap();
        let (now_there, later) = ("Mon, 04 May 2026 08:00:00 GMT", "Mon, 04 May 2026 08:00:17 GMT");
        let table = [
            ("17", None, Some(17)),
            (" 17 ", Some(now_there), Some(17)),
            ("0.2", None, Some(1)),
            ("86400", None, Some(3_600)),
            ("0", None, None),
            ("-5", None, None),
            ("NaN", None, None),
            ("soon", None, None),
            ("Mon, 04 May 2026 09:00:30 GMT", None, Some(30)),
            // Their clock is an hour behind ours.
            (later, Some(now_there), Some(17)),
            (later, None, None),
            (now_there, Some(now_there), None),
            ("Tue, 05 May 2026 08:00:00 GMT", Some(now_there), Some(3_600)),
            ("Mon, 04 May 2026 09:00:30 GMT", Some("yesterday"), Some(30)),
        ];
        for (text, date, secs) in table {
            let wanted = secs.map(|secs| now + SignedDuration::from_secs(secs));
            assert_eq!(retry_after(text, date, now), wanted, "{text} {date:?}");
        }
    }
}

/// `src/outbound/read.rs`.
mod read {
    use halobridge::outbound::read::*;
    use serde_json::json;

    #[test]
    fn numbers_come_in_three_shapes() {
        for value in [json!(12), json!(12.0), json!("12"), json!(" 12.0 ")] {
            assert_eq!(int(&value), Some(12), "{value}");
        }
        for value in [json!(null), json!(12.5), json!("x"), json!([12]), json!({}), json!(true), json!(1e300)] {
            assert_eq!(int(&value), None, "{value}");
        }
    }

    #[test]
    fn a_wrong_type_is_not_there() {
        let object = json!({"a": null, "b": [1], "c": "1900-01-01T00:00:00", "d": {"x": 1}});
        assert_eq!(text_at(&object, "a"), None);
        assert_eq!(text_at(&object, "b"), None);
        assert_eq!(time_at(&object, "c"), None);
        assert!(list_at(&object, "d").is_empty());
        assert!(list_at(&json!(null), "x").is_empty());
    }
}

/// `src/outbound/url_policy.rs`.
mod url_policy {
    use halobridge::outbound::url_policy::check;

    #[test]
    fn only_public_https_passes() {
        for good in ["https://acme.haloitsm.com/api", "https://management.azure.com", "https://8.8.8.8/"] {
            assert!(check("f", good, false).is_ok(), "{good}");
        }
        for bad in [
            "http://acme.haloitsm.com",
            "https://localhost/api",
            "https://127.0.0.1",
            "https://127.1",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://10.0.0.1",
            "https://172.16.3.4",
            "https://192.168.1.1",
            "https://169.254.169.254/latest/meta-data",
            "https://168.63.129.16/",
            "https://100.64.0.1",
            "https://0.0.0.0",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://metadata.google.internal/",
            "https://printer/",
            "https://user:pass@acme.haloitsm.com/",
            "ftp://acme.haloitsm.com/",
            "acme.haloitsm.com",
            "",
        ] {
            assert!(check("f", bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn test_hosts_pass_when_allowed_and_the_text_says_how() {
        assert!(check("f", "http://127.0.0.1:9000/arm", true).is_ok());
        assert!(check("f", "file:///etc/passwd", true).is_err());
        let text =
            check("resource_server", "https://127.0.0.1", false).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(text.contains("resource_server") && text.contains("allow_insecure"), "{text}");
    }
}
