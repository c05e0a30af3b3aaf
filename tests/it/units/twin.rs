//! The twin by its parts.

/// `src/twin/kinds.rs`.
mod kinds {
    use halobridge::twin::kinds::of;

    #[test]
    fn kinds_are_named() {
        let prefix = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w/providers/Microsoft.SecurityInsights";
        for (side, method, path, kind) in [
            ("arm", "GET", format!("{prefix}/incidents"), "sentinel.incident.list"),
            ("arm", "PUT", format!("{prefix}/Incidents/1"), "sentinel.incident.put"),
            ("arm", "GET", format!("{prefix}/incidents/1/comments"), "sentinel.comment.list"),
            ("arm", "PUT", format!("{prefix}/incidents/1/Comments/2"), "sentinel.comment.put"),
            ("arm", "POST", format!("{prefix}/incidents/1/alerts"), "sentinel.alerts.post"),
            ("arm", "GET", "/subscriptions".to_owned(), "arm.subscriptions.list"),
            ("entra", "POST", "/t/oauth2/v2.0/token".to_owned(), "entra.token"),
            ("halo", "POST", "/api/Tickets".to_owned(), "halo.tickets.post"),
            ("halo", "GET", "/api/Tickets/5".to_owned(), "halo.tickets.get"),
            ("halo", "GET", "/api/Tickets".to_owned(), "halo.tickets.list"),
        ] {
            assert_eq!(of(side, method, &path), kind);
        }
    }
}

/// `src/twin/stamp.rs`.
mod stamp {
    use halobridge::{clock::SeededIds, twin::stamp::*};
    use jiff::Timestamp;

    #[test]
    fn zeros_at_the_end_are_cut_and_seven_digits_at_most() {
        for (given, shown) in [
            ("2026-09-21T14:13:20Z", "2026-09-21T14:13:20Z"),
            ("2026-09-21T14:13:20.439621Z", "2026-09-21T14:13:20.439621Z"),
            ("2026-09-21T14:13:20.123456789Z", "2026-09-21T14:13:20.1234567Z"),
            ("2026-09-21T14:13:20.5Z", "2026-09-21T14:13:20.5Z"),
        ] {
            assert_eq!(parse(given).map(seven_digits).as_deref(), Some(shown));
        }
    }

    #[test]
    fn the_ticker_never_goes_back_within_a_millisecond() {
        let ids = SeededIds::new(7);
        let now = Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut ticker = Ticker::default();
        let mut before = ticker.next(now, &ids);
        for _ in 0..200 {
            let next = ticker.next(now, &ids);
            assert!(next > before);
            before = next;
        }
    }

    #[test]
    fn an_etag_ends_in_the_seconds_in_hexadecimal() {
        let now = Timestamp::from_second(0x6ab1_3b80).unwrap_or(Timestamp::UNIX_EPOCH);
        let etag = etag(now, &SeededIds::new(1));
        assert!(etag.ends_with("-0000-0100-0000-6ab13b800000\""), "{etag}");
    }
}

/// `src/twin/microsoft/log_analytics/kql.rs`.
mod kql {
    use halobridge::twin::microsoft::log_analytics::kql::Query;
    use jiff::Timestamp;

    #[test]
    fn the_usual_queries_are_read_and_others_refused() {
        let now = Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::UNIX_EPOCH);
        for good in [
            "SecurityIncident",
            "SecurityIncident | where TimeGenerated > ago(1d) | summarize arg_max(TimeGenerated, *) by IncidentName",
            "SecurityIncident\n| where IncidentNumber == 5 and Status in ('New','Active')\n| project IncidentName, N = IncidentNumber\n| take 5",
            "SecurityAlert | where TimeGenerated between (datetime(2026-01-01) .. now()) | top 3 by TimeGenerated desc",
            "SecurityIncident | where (Status == 'New' or Status == \"Active\") | count",
        ] {
            assert!(Query::parse(good, now).is_ok(), "{good}: {:?}", Query::parse(good, now));
        }
        for bad in [
            "Heartbeat",
            "SecurityIncident | wher x",
            "SecurityIncident | join SecurityAlert",
            "SecurityIncident | where",
        ] {
            assert!(Query::parse(bad, now).is_err(), "{bad}");
        }
    }
}

/// `src/twin/microsoft/arm/filter.rs`.
mod filter {
    use halobridge::twin::{
        microsoft::arm::filter::{Filter, FilterError},
        stamp,
    };

    #[test]
    fn the_subset_is_read_and_the_rest_refused() {
        for good in [
            "properties/lastModifiedTimeUtc ge 2026-01-01T00:00:00Z",
            "properties/createdTimeUtc gt 2026-01-01T00:00:00.1234567Z and properties/status eq 'New'",
            "(properties/status eq 'New' or properties/status eq 'Active') and properties/severity ne 'Low'",
            "contains(properties/title,'it''s')",
            "properties/labels/any(l: l/labelName eq 'x') and properties/incidentNumber eq 5",
            "properties/labels/any(l:contains(l/labelName,'x'))",
            "startswith( properties/title , 'x' )",
        ] {
            assert!(Filter::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "status eq 'New'",
            "properties/lastModifiedTimeUtc ge '2026-01-01T00:00:00Z'",
            "properties/status eq New",
            "properties/status = 'New'",
            "properties/status eq 'New",
            "(properties/status eq 'New'",
            "properties/status eq 'New' properties/severity eq 'Low'",
            "properties/status eq 'New' and properties/labels/any(l: l/labelName eq 'x')",
            "properties/labels/all(l: l/labelName eq 'x')",
            "",
        ] {
            assert_eq!(Filter::parse(bad), Err(FilterError::Syntax), "{bad}");
        }
        let inside = "properties/labels/any(l: l/labelName eq 'x' or l/labelName eq 'y')";
        assert_eq!(Filter::parse(inside), Err(FilterError::Server));
    }

    #[test]
    fn a_lower_bound_is_found_only_where_it_must_hold() {
        let bound = |text: &str| Filter::parse(text).ok().and_then(|filter| filter.modified_from());
        let at = stamp::parse("2026-01-01T00:00:00Z");
        assert_eq!(bound("properties/lastModifiedTimeUtc ge 2026-01-01T00:00:00Z and properties/status eq 'New'"), at);
        assert_eq!(bound("properties/lastModifiedTimeUtc ge 2026-01-01T00:00:00Z or properties/status eq 'New'"), None);
        assert_eq!(bound("properties/lastModifiedTimeUtc le 2026-01-01T00:00:00Z"), None);
    }
}

/// `src/twin/halo/text.rs`.
mod text {
    use halobridge::twin::halo::text::*;

    #[test]
    fn tags_go_without_a_space() {
        assert_eq!(strip_tags("<p>one</p><p>two &amp; three</p>a < b"), "onetwo & threea < b");
        assert_eq!(strip_tags("x <y"), "x <y");
    }

    #[test]
    fn dates_read_with_and_without_zone() {
        let zoned = parse_date("2026-11-21T10:00:00.250000Z");
        assert_eq!(zoned, parse_date("2026-11-21T10:00:00.25"));
        assert_eq!(zoned, parse_date("2026-11-21T12:00:00.25+02:00"));
        assert_eq!(zoned, parse_date("2026-11-21T12:00:00.25 02:00"));
        assert!(parse_date("2026-11-21").is_some());
        assert_eq!(parse_date("1900-01-01T00:00:00"), None);
        assert_eq!(zoned.map(date).as_deref(), Some("2026-11-21T10:00:00.25"));
        assert_eq!(zoned.map(webhook_date).as_deref(), Some("2026-11-21T10:00:00.2500000Z"));
    }
}

/// `src/twin/limits.rs`.
mod limits {
    use halobridge::twin::limits::*;
    use jiff::{SignedDuration, Timestamp};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_window_rolls_rather_than_resets() {
        let mut window = RollingWindow::new(2, SignedDuration::from_secs(300));
        assert_eq!(window.take(at(0)), Ok(1));
        assert_eq!(window.take(at(200)), Ok(0));
        assert_eq!(window.take(at(299)), Err(SignedDuration::from_secs(1)));
        assert_eq!(window.take(at(300)), Ok(0));
        assert_eq!(window.take(at(301)), Err(SignedDuration::from_secs(199)));
    }

    #[test]
    fn a_bucket_refills_steadily_up_to_its_size() {
        let mut bucket = TokenBucket::new(2.0, 0.5);
        assert_eq!(bucket.take(at(0)), Ok(1));
        assert_eq!(bucket.take(at(0)), Ok(0));
        assert_eq!(bucket.take(at(0)), Err(SignedDuration::from_secs(2)));
        assert_eq!(bucket.take(at(2)), Ok(0));
        assert_eq!(bucket.take(at(1000)), Ok(1));
    }

    #[test]
    fn limits_are_read_and_written() {
        for text in ["off", "real", "scaled:60"] {
            assert_eq!(text.parse::<Limits>().map(|limits| limits.to_string()), Ok(text.to_owned()));
        }
        assert!("scaled:0".parse::<Limits>().is_err());
        assert!("fast".parse::<Limits>().is_err());
        assert_eq!(Limits::Scaled(60.0).span(SignedDuration::from_mins(5)), SignedDuration::from_secs(5));
    }
}

/// `src/twin/faults.rs`.
mod faults {
    use halobridge::twin::faults::*;
    use serde_json::json;

    #[test]
    fn patterns_fit() {
        for (pattern, text, fits) in [
            ("sentinel.*.put", "sentinel.incident.put", true),
            ("sentinel.*.put", "sentinel.incident.get", false),
            ("*", "anything", true),
            ("*comments*", "/a/Comments/b", true),
            ("halo.ticket.post", "halo.ticket.post", true),
            ("halo.ticket.post", "halo.ticket.posts", false),
            ("halo.*", "arm.halo.x", false),
            ("*.put", "a.put.put", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_counted_fault_ends_and_a_skipped_one_waits() {
        let mut faults = Faults::new(1);
        let rule = json!({"effect": "throttle", "kind": "halo.*", "count": 1, "skip": 1, "retry_after": 7});
        faults.add(Fault::from_json(&rule).unwrap_or_else(|error| panic!("{error}")));
        assert!(faults.decide("halo", "halo.ticket.list", "GET", "/Tickets").is_empty());
        let hit = Effect::Status { status: 429, applied: false, retry_after: Some(7), html: false };
        assert_eq!(faults.decide("halo", "halo.ticket.list", "GET", "/Tickets"), vec![hit]);
        assert!(faults.decide("halo", "halo.ticket.list", "GET", "/Tickets").is_empty());
    }

    #[test]
    fn rules_that_fit_the_same_call_take_turns() {
        let mut faults = Faults::new(1);
        for rule in [
            json!({"effect": "slow", "ms": 5, "count": 2}),
            json!({"effect": "cut", "count": 1}),
            json!({"effect": "lost_answer", "count": 1}),
            json!({"effect": "half_body", "skip": 2, "count": 1}),
        ] {
            faults.add(Fault::from_json(&rule).unwrap_or_else(|error| panic!("{error}")));
        }
        let mut next = || faults.decide("arm", "k", "GET", "/");
        assert_eq!(next(), [Effect::Slow(5), Effect::Cut]);
        assert_eq!(next(), [Effect::Slow(5), Effect::LostAnswer], "none is spent on a call that another decided");
        assert_eq!(next(), [Effect::HalfBody]);
        assert!(next().is_empty());
    }

    #[test]
    fn the_same_seed_draws_the_same_faults() {
        let run = |seed| {
            let mut faults = Faults::new(seed);
            let rule = json!({"effect": "cut", "probability": 0.5});
            faults.add(Fault::from_json(&rule).unwrap_or_else(|error| panic!("{error}")));
            (0..64).map(|_| faults.decide("arm", "k", "GET", "/").len()).collect::<Vec<_>>()
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    }
}
